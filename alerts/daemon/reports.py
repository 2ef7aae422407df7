"""The parts of a town that takes reports, apart from its lanes: their intake, and their scheduled duties.

A town without `[reports]` has none of it: no task, no page, no query to its database.

`open_remotes` makes a client of the server of each `[reports.forward.NAME]`, over the shared session.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any

import structlog
from yarl import URL

from alerts.channels.open311 import Addresses, Open311
from alerts.daemon.ears import forgotten, scrubbed
from alerts.delivery.lease import LeaseKeeper
from alerts.delivery.share import LeaseGroup
from alerts.delivery.worker import Work
from alerts.desk.service import DeskService
from alerts.desk.unit import under
from alerts.model.errors import BadCredential, FailedForGood, Retry, SourceFailed
from alerts.model.events import Events, IncidentChanged, ReportsChanged
from alerts.model.lease import DUTIES, Lease
from alerts.model.ports import Clock
from alerts.model.reason import because
from alerts.model.reports import ReportForward
from alerts.model.town import Town
from alerts.reports.drafting import settle, settled
from alerts.reports.forgetting import forget_what_is_past
from alerts.reports.forwarding import ForwardStatuses, HandoverJobs, Remote, forward_lease
from alerts.reports.intake import ReportIntake
from alerts.sources.fetch import addresses_of

SETTLED_EVERY = 10.0
"""Seconds between two checks for published alerts that cite reports."""
FORGOTTEN_EVERY = 3600.0

log = structlog.get_logger(__name__)


@dataclass(eq=False, repr=False)
class ReportDuties:
    """All that has to do with citizens' reports in a daemon. `intake` is what pages, the bot and programs hand to."""

    town: Town
    _: KW_ONLY
    service: DeskService
    clock: Clock
    keeper: LeaseKeeper
    events: Events
    remotes: Mapping[str, Remote] | None = None

    def __post_init__(self) -> None:
        self.intake = ReportIntake(self.town, self.service, self.clock)
        forwards = [(forwards_of(self.town)[name], remote) for name, remote in (self.remotes or {}).items()]
        self.jobs = [HandoverJobs(*each, self.town, self.service) for each in forwards]
        self._statuses = [ForwardStatuses(*each, self.service, self.keeper) for each in forwards]
        self._changed: set[str] = set()
        self.events.subscribe(ReportsChanged, lambda event: self._changed.update(event.numbers))

    def work(self) -> list[Work]:
        """Return the loops that run as long as the daemon, by name."""
        duties = self.keeper.hold(DUTIES)
        return [
            *(each.work for each in self._statuses),
            Work("reports settled", self.settle, SETTLED_EVERY, duties),
            Work("reports forgotten", self.forget, FORGOTTEN_EVERY, duties),
        ]

    async def settle(self, lease: Lease | None = None) -> None:
        """Attach the reports of what is out to its incident, and let those who reported know."""
        if not await self.service.ask(settled):
            return
        numbers, incidents = await self.service.act(under(lease, settle), posts=False)
        self.events.publish(ReportsChanged(tuple(numbers)))
        for incident in incidents:
            self.events.publish(IncidentChanged(incident))

    async def forget(self, lease: Lease | None = None) -> int:
        """Forget what is past its time, a little in each transaction; returns of how many reports something was."""
        count = await forgotten(self.service, self.clock, forget_what_is_past, lease)
        if count:
            log.info("reports.forgotten", reports=count)
        # What somebody had erased since the last round is out of the tables at once, and here of the rest as well.
        changed, self._changed = self._changed, set()
        if count or (changed and await self.service.ask(lambda unit: unit.reports.is_any_erased(changed))):
            await scrubbed(self.town, self.clock)
        return count


def forwards_of(town: Town) -> Mapping[str, ReportForward]:
    """The servers that the town's reports are handed on to."""
    return town.reports.forward if town.reports is not None else {}


def forward_holdings(town: Town) -> list[LeaseGroup]:
    """Return the servers' holdings: each moves from daemon to daemon by itself."""
    return [LeaseGroup("forward", (forward_lease(name),)) for name in forwards_of(town)]


def open_remotes(town: Town, clock: Clock, session: Any) -> Mapping[str, Open311]:
    """Return a client of each server."""
    return {
        name: Open311(
            forward,
            forward.settings.key,
            session=session,
            clock=clock,
            folder=town.folder,
            addresses=addresses_for(forward),
        )
        for name, forward in forwards_of(town).items()
    }


def addresses_for(forward: ReportForward) -> Addresses:
    """Return the resolver of a server's name: it accepts public networks alone, unless the town allows more."""

    async def look_up(url: URL) -> list[str] | None:
        try:
            return await addresses_of(url, None, anywhere=forward.settings.allow_private)
        except FailedForGood:
            pass
        except SourceFailed as error:
            raise Retry(error.reason, sent=False) from None
        raise BadCredential(because("forward_private", host=url.host, name=forward.name))

    return look_up
