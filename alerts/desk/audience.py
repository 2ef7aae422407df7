"""The reach of an alert: how many subscribers of a channel get it, by the same rule as its bulk.

Subscribers with the incident get it in any case, the others by their choices. The database counts, a stretch of
subscribers at a time, so that nobody waits long behind it; and a count is reused for a minute, since the author of an
alert sees it at each word.

People get a number only through `displayed_count`: a few are called few, others are rounded. So an alert for one street
reveals no single subscriber's choices.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from alerts.desk.service import DeskService
from alerts.desk.unit import DeskUnit
from alerts.model.delivery import Bulk
from alerts.model.remembered import Newest
from alerts.model.subscriber import Notice, Quiet
from alerts.store.audience import Stretch

COUNTED_FOR = timedelta(minutes=1)
"""How long a count is taken for true."""
FEW = 5
"""No number below this one is shown."""
# Counts in memory: an alert being written asks for the same few again and again.
_KEPT = 64

Crowd = Mapping[Quiet | None, int]
"""How many have these quiet hours."""


@dataclass(frozen=True, slots=True)
class SubscriberReach:
    """How many get a bulk, and how many of them only once their quiet hours are over.

    `readers`: it goes to those alone who got the alert before.
    """

    people: int
    later: int = 0
    readers: bool = False


def reach_of(crowd: Crowd, notice: Notice, local: datetime, *, readers: bool = False) -> SubscriberReach:
    """Return the reach if this crowd gets it at `local` in the town's zone: an urgent alert waits for nobody."""
    clock, crowd = local.time(), Counter(crowd)
    later = 0
    if not notice.urgent:
        later = sum(number for quiet, number in crowd.items() if quiet is not None and quiet.covers(clock))
    return SubscriberReach(crowd.total(), later, readers)


def displayed_count(number: int) -> int | None:
    """A number as it may be shown: to the nearest five, of more to the nearest ten or hundred; None: they are few."""
    if number < FEW:
        return None
    step = 5 if number < 100 else 10 if number < 10_000 else 100
    return (number + step // 2) // step * step


class Audiences:
    """Counts by the database, and remembers for a minute. One count at a time, however many ask."""

    def __init__(self) -> None:
        self._counted: Newest[tuple[str, Notice, str, bool], tuple[datetime, Crowd]] = Newest(_KEPT)
        self._counting = asyncio.Lock()

    async def reach(self, service: DeskService, bulk: Bulk, local: datetime) -> SubscriberReach:
        """How many are to get it, if it goes at `local` (in the station's zone)."""
        async with self._counting:
            now, key = service.now(), (bulk.channel, bulk.notice, bulk.incident, bulk.everyone)
            at, crowd = self._counted.get(key, (None, {}))
            if at is None or not timedelta() <= now - at < COUNTED_FOR:
                crowd = await _count(service, bulk)
                self._counted.keep(key, (now, crowd))
        return reach_of(crowd, bulk.notice, local, readers=not bulk.everyone)


async def _count(service: DeskService, bulk: Bulk) -> Crowd:
    """Return the subscribers who want it, and those who have the incident and would not."""
    channel, notice, incident = bulk.channel, bulk.notice, bulk.incident
    crowd: Counter[Quiet | None] = Counter()
    async for stretch in _stretches(
        service, lambda after, unit: unit.audience.reached(channel, notice, after, incident)
    ):
        crowd.update(stretch.people)
        if bulk.everyone:
            crowd.subtract(stretch.wants)  # they are among everybody
    if bulk.everyone:
        async for some in _stretches(service, lambda after, unit: unit.audience.everybody(channel, notice, after)):
            crowd.update(some.wants)
    return +crowd


async def _stretches(service: DeskService, look: Callable[[int | None, DeskUnit], Stretch]) -> AsyncIterator[Stretch]:
    after: int | None = None
    while True:
        stretch = await service.ask(partial(look, after))
        yield stretch
        if (after := stretch.last) is None:
            return
