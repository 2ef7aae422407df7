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
    """What is said: an alert, or an end of one that was sent (`about`): over, called off, or wrong."""

    POST = "post"
    OVER = "over"
    CANCEL = "cancel"
    CORRECT = "correct"


class Outcome(StrEnum):
    """What came of it in a town: nothing yet, it goes out, it waits for that town's officers, or it is refused."""

    PENDING = "pending"
    OUT = "out"
    WAITING = "waiting"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Dispatch:
    """What an operator sends. `fields` are the form's own; of an end, the headline and the `reason` for its readers.

    `draft` is the draft it was made of; `sent_at` is None while it is only looked at.
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
        """What it is called."""
        return str(self.fields.get("headline", ""))


@dataclass(frozen=True, slots=True)
class TownOutcome:
    """What came of it in a town: the alert and its incident there, or why there is none."""

    town: str
    outcome: Outcome = Outcome.PENDING
    alert: str | None = None
    incident: str | None = None
    reason: Reason | None = field(default=None)
