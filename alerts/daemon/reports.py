"""What a town that takes reports has beside its lanes: the one way in for them.

A town without `[reports]` has none of it: no task, no page, no question to its database.
"""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from typing import Any

from alerts.desk.service import DeskService
from alerts.model.ports import Clock
from alerts.model.town import Town
from alerts.reports.forwarding import Forwarder, forward_lease
from alerts.reports.taking import ReportIntake


class Reports:
    """All that has to do with citizens' reports in a daemon. `intake` is what pages, the bot and programs hand to."""

    def __init__(self, town: Town, *, service: DeskService, clock: Clock, forwarders: Sequence[Forwarder] = ()) -> None:
        self.intake = ReportIntake(town, service, clock)
        self._forwarders = forwarders

    def work(self) -> list[tuple[str, Coroutine[Any, Any, None]]]:
        """What runs as long as the daemon does, by name."""
        return [(forward_lease(each.forward.name), each.run()) for each in self._forwarders]
