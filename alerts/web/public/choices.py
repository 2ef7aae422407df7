"""The choices of a subscriber on the town's page, by push or by e-mail alike, and the check for room."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from alerts.desk.service import DeskService
from alerts.desk.unit import DeskUnit
from alerts.model.alert import Severity
from alerts.model.subscriber import Quiet, Subscriber, Topic

# Counting all subscribers takes a while, and a few too many do no harm.
COUNTED_EVERY = timedelta(minutes=1)
_Code = Annotated[str, StringConstraints(min_length=1, max_length=200)]
_Clock = Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]


class StrictBody(BaseModel):
    """A stranger's request body: only the declared fields; errors show none of it."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class SubscriberChoices(StrictBody):
    """A subscriber's choices. An empty list means all; `quiet` is the period in which routine messages wait."""

    districts: list[_Code] = Field(default=[], max_length=1000)
    topics: list[Topic] = Field(default=[], max_length=len(Topic))
    severity: Severity = Severity.MINOR
    quiet: tuple[_Clock, _Clock] | None = None
    language: Annotated[str, StringConstraints(pattern=r"^[a-z]{2}$")] | None = None


def by_choice(subscriber: Subscriber, choices: SubscriberChoices, language: str) -> Subscriber:
    """The subscriber with these choices, in that language."""
    return replace(
        subscriber,
        language=language,
        districts=frozenset(choices.districts),
        topics=frozenset(choices.topics),
        severity=choices.severity,
        quiet=Quiet(*map(time.fromisoformat, choices.quiet)) if choices.quiet else None,
    )


class SubscriberPlaces:
    """The number of places left for a channel's subscribers: counted now and then, plus new ones.

    So a new one costs a query of its own row, however many there are. Several daemons learn of each other's when they
    count: together they may accept as many too many as subscribe in a minute.
    """

    def __init__(self, service: DeskService, channel: str, most: int) -> None:
        self._service = service
        self._channel = channel
        self._most = most
        self._taken = 0
        self._counted_at: datetime | None = None

    async def count(self) -> None:
        """Count them, where that was long ago."""
        now = self._service.now()
        if self._counted_at is None or not timedelta() <= now - self._counted_at < COUNTED_EVERY:
            # Before the question: of a crowd that comes at the same time, one counts.
            self._counted_at = now
            self._taken = await self._service.ask(lambda unit: unit.subscribers.count(self._channel))

    def has_one_for(self, unit: DeskUnit, chat: int) -> bool:
        """Return True if there is a place for that one, which is then taken; a subscriber who has one keeps it."""
        if unit.subscribers.get(self._channel, chat) is not None:
            return True
        if self._taken >= self._most:
            return False
        # Though the transaction may still fail: for a minute there is a place too few, which costs nothing.
        self._taken += 1
        return True
