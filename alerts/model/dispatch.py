"""One alert that an operator sends to several towns of a fleet, and what came of it in each.

A dispatch is stored with its towns before any of them gets it. In each town it is an alert of that town's own, filed by
that town's rules, with an identifier that follows from the dispatch: filed twice, it is there once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from alerts.model.incident import Typed
from alerts.model.reason import Reason


class DispatchAct(StrEnum):
    """The act of a dispatch: an alert, or the end of a sent one (`about`) because it is over, cancelled or wrong."""

    POST = "post"
    OVER = "over"
    CANCEL = "cancel"
    CORRECT = "correct"


class Outcome(StrEnum):
    """The result in a town: pending, published, waiting for that town's officers, or refused."""

    PENDING = "pending"
    OUT = "out"
    WAITING = "waiting"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Dispatch:
    """A message of an operator to several towns. `fields` are the form's; an end has the headline and the `reason`.

    `draft` is the draft it was made from; `sent_at` is None while it is only a preview.
    """

    id: str
    author: str
    act: DispatchAct
    fields: Mapping[str, Typed]
    created_at: datetime
    about: str | None = None
    draft: str | None = None
    sent_at: datetime | None = None

    @property
    def headline(self) -> str:
        """The headline, empty if there is none."""
        return str(self.fields.get("headline", ""))


@dataclass(frozen=True, slots=True)
class TownOutcome:
    """The result in one town: the alert and its incident there, or the reason why there is none."""

    town: str
    outcome: Outcome = Outcome.PENDING
    alert: str | None = None
    incident: str | None = None
    reason: Reason | None = field(default=None)
