"""The parts of a town that listens: an ear for each channel and feed that can be asked, and one intake for all.

A town that listens to nothing has none of it: no task, no lease, no question to its database.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import structlog

from alerts.delivery.lease import LeaseKeeper
from alerts.delivery.share import LeaseGroup
from alerts.delivery.worker import Work
from alerts.desk.service import DeskService
from alerts.desk.unit import DeskUnit, under
from alerts.listening.ears import Chance, Ear, Intake
from alerts.listening.forgetting import forget_what_is_past, write_down
from alerts.listening.grouping import group_of, read_anew
from alerts.listening.questions import close_over_questions, over_questions
from alerts.listening.understanding import Understanding
from alerts.model.events import Events
from alerts.model.lease import DUTIES, Lease, ear_lease
from alerts.model.ports import Clock, Hears, Resources, Surroundings
from alerts.model.town import Town
from alerts.sources.rss import FeedEar
from alerts.store.batches import RESTS
from alerts.store.connection import scrub

FORGOTTEN_EVERY = 24 * 3600.0
CLOSED_EVERY = 60.0
UNDERSTOOD_AGAIN = 60.0
SCRUBBED_TRIES = 60

log = structlog.get_logger()


def hearing_by_asking(town: Town) -> list[str]:
    """The names of the ears that ask: channels that hear, but for those that a bot hears, and feeds."""
    channels = [name for name, each in town.hearing.items() if each.kind != "telegram"]
    return [*channels, *town.listening.feeds]


def ear_holdings(town: Town) -> list[LeaseGroup]:
    """Return the leases that move between daemons: each ear by itself."""
    return [LeaseGroup("ear", (ear_lease(name),)) for name in hearing_by_asking(town)]


class Ears:
    """All ears of the daemon."""

    def __init__(
        self,
        town: Town,
        *,
        service: DeskService,
        clock: Clock,
        keeper: LeaseKeeper,
        chance: Chance,
        events: Events,
        resources: Callable[[str], Resources],
        open_ear: Callable[[str, Any, Resources], Hears | None],
        around: Surroundings,
        understanding: Understanding | None = None,
    ) -> None:
        """`understanding` is shared, and somebody else's to close; None: one of its own."""
        self._understanding = understanding or Understanding()
        self._is_own = understanding is None
        self._has_begun = asyncio.Event()
        self.intake = Intake(service, events, clock, self._understanding.read, group_of(self._understanding))
        self._town = town
        self._clock = clock
        self._keeper = keeper
        self._chance = chance
        self._ears: dict[str, Ear] = {}
        hearing = ((name, town.channels[name].settings) for name in town.hearing)
        asked = {name: open_ear(name, settings, resources(name)) for name, settings in hearing}
        for name, each in asked.items():
            if each is not None:
                self._ears[name] = self._ear(name, each, town.listening.every)
        for name, feed in town.listening.feeds.items():
            self._ears[name] = self._ear(name, FeedEar(feed, around), feed.every, is_feed=True)

    def _ear(self, name: str, asked: Hears, every: timedelta, *, is_feed: bool = False) -> Ear:
        return Ear(name, asked, every, intake=self.intake, keeper=self._keeper, chance=self._chance, is_feed=is_feed)

    def work(self) -> list[Work]:
        """Return the permanent tasks, by name."""
        duties, again = self._keeper.hold(DUTIES), self.intake.hurried
        return [
            Work("understanding", self._begin_to_understand, once=True),
            Work("understanding the rest", self._understand_the_rest, math.inf, woken=again, longest=UNDERSTOOD_AGAIN),
            *(ear.work for ear in self._ears.values()),
            Work("forgetting", self.forget, FORGOTTEN_EVERY, duties),
            Work("questions", self.close_questions, CLOSED_EVERY, duties),
        ]

    async def _understand_the_rest(self) -> None:
        """Understand what was kept in a hurry, here or by a daemon that was killed since."""
        await self._has_begun.wait()
        await self.intake.understand_the_rest()

    async def _begin_to_understand(self) -> None:
        """Load what understands before anybody says something, and read anew what another side read."""
        try:
            await self._understanding.begin()
            count = await read_anew(self.intake.service, self._understanding)
            why = str(self._understanding.missing) if self._understanding.missing else None
            log.info("understanding.begun", side=str(self._understanding.side), reason=why, read_anew=count)
        finally:
            self._has_begun.set()

    async def close_questions(self, lease: Lease) -> None:
        """Close what was asked about an incident that is over."""
        if await self.intake.service.ask(over_questions):
            await self.intake.service.act(under(lease, close_over_questions), posts=False)

    async def forget(self, lease: Lease | None = None) -> int:
        """Forget all that is past its time, a little in each transaction; returns how many utterances it was.

        Raises LeaseLost where that is another daemon's to do by now.
        """
        count = await forgotten(self.intake.service, self._clock, forget_what_is_past, lease)
        if count:
            await self.intake.service.act(partial(write_down, count=count), posts=False)
            log.info("listening.forgotten", utterances=count)
            await scrubbed(self._town, self._clock)
        return count

    async def close(self) -> None:
        """Give back what listening took."""
        for ear in self._ears.values():
            await ear.close()
        if self._is_own:
            await self._understanding.close()


async def forgotten(service: DeskService, clock: Clock, forget: Callable[[DeskUnit], int], lease: Lease | None) -> int:
    """Forget a little in each transaction until there is no more; returns how much it was. Raises LeaseLost."""
    count = 0
    while done := await service.act(under(lease, forget), posts=False):
        count += done
        # An urgent post is stored or journalled meanwhile.
        await clock.sleep(RESTS)
    return count


async def scrubbed(town: Town, clock: Clock) -> None:
    """Take what was forgotten out of what the database keeps beside its tables; readers may be in the way for a while.

    Else it would stand in the files for as long as nothing else is written there.
    """
    for _ in range(SCRUBBED_TRIES):
        if await asyncio.to_thread(scrub, town.database):
            return
        await clock.sleep(1.0)
    log.warning("listening.log_in_use")
