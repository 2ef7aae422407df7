"""The ears that ask: each channel that can be asked what people say there, and each feed, in a loop of its own.

An ear reads what it remembers, listens, hands the remarks over a few in each transaction, and writes down how it does
last: after a kill in between it listens again from where it was, and what was kept is known by its id. It works under a
lease of its own, so of many daemons one listens. What it raises ends here. Nothing of it holds up a post: it reads
where people's questions are read, writes little at a time, and its requests are not the lanes'.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog

from alerts.delivery.lease import LeaseKeeper
from alerts.delivery.worker import Guarded, Work
from alerts.desk.service import DeskService, DeskUnit
from alerts.listening.grouping import Group
from alerts.listening.hearing import Taken, Understand, take, understand_kept
from alerts.listening.kinds import classify
from alerts.model.backoff import backoff
from alerts.model.errors import BadCredential, DatabaseRefused, DeliveryError, Retry, SourceFailed
from alerts.model.events import Events, PostsStored, RemarkHeard
from alerts.model.lease import Lease, ear_lease
from alerts.model.listening import EarReading, EarStatus, HeardPost, Remark, Understood, Utterance
from alerts.model.ports import Clock, Hears
from alerts.model.reason import Reason, because
from alerts.model.town import Town
from alerts.store.batches import AT_ONCE, RESTS, in_batches

LONGEST_BACKOFF = timedelta(minutes=15)
HEARD_AFTER_ITS_END = timedelta(hours=48)
"""How long after the end of an incident people are still listened to under its posts."""
LOOKED_BACK = timedelta(days=30)
MOST_POSTS = 100
"""Posts of a channel that are listened under at a time, the newest."""
WRITTEN_EVERY = 300.0
"""Seconds after which it is written down that an ear listened, while it hears nothing."""
HURRIED_AT_ONCE = 100
"""Remarks kept in one transaction where somebody waits: some six milliseconds."""

_LATE = 120.0

Chance = Callable[[], float]

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Intake:
    """Stores remarks: interpreted first, then a few in each transaction, then published on the bus.

    An asker of a question answered for "the next ones too" is answered in the same transaction.
    """

    service: DeskService
    events: Events
    clock: Clock
    understand: Understand
    group: Group | None = None
    hurried: asyncio.Event = field(default_factory=asyncio.Event)

    async def keep(self, channel: str, remarks: Sequence[Remark], lease: Lease | None = None) -> Sequence[Taken]:
        """Keep them, in the order in which they were told, a few in each transaction; returns what came of each few.

        One that can't be kept keeps none of the others. Raises LeaseLost where `lease` is somebody else's by now, and
        DatabaseRefused; what was kept before stays.
        """

        async def keep(few: Sequence[Remark]) -> Taken:
            understood = await self.understand([each.text or "" for each in few])
            pairs = tuple(zip(few, understood, strict=True))
            work = partial(_keep, channel=channel, pairs=pairs, lease=lease, group=self.group)
            return await self._store(channel, work)

        done = in_batches(list(remarks), keep, clock=self.clock, event="remarks.failed", channel=channel)
        return [taken async for taken in done]

    async def keep_in_a_hurry(self, channel: str, remarks: Sequence[Remark]) -> None:
        """Store many at once for a waiting client: only their words are checked for a possible call for help.

        They are interpreted afterwards (`understand_the_rest`), also after a kill.
        """

        async def keep(few: Sequence[Remark]) -> Taken:
            pairs = await asyncio.to_thread(_at_first_sight, few)
            return await self._store(channel, partial(_keep, channel=channel, pairs=pairs, lease=None, group=None))

        async for _ in in_batches(list(remarks), keep, size=HURRIED_AT_ONCE, event="remarks.failed", channel=channel):
            pass
        self.hurried.set()

    async def understand_the_rest(self) -> int:
        """Understand what was kept in a hurry, a few in each transaction; returns how many that were."""
        self.hurried.clear()
        after = count = 0
        while bare := await self.service.ask(partial(_bare, after=after)):
            understood = await self.understand([each.text or "" for each in bare])
            read = tuple(zip(bare, understood, strict=True))
            await self._store(bare[0].channel, partial(understand_kept, read=read, group=self.group))
            after, count = bare[-1].seq, count + len(bare)
            await self.clock.sleep(RESTS)
        return count

    async def _store(self, channel: str, work: Callable[[DeskUnit], Taken]) -> Taken:
        taken = await self.service.act(work, posts=False)
        if taken.answered:
            self.events.publish(PostsStored())
        if taken.utterances:
            self.events.publish(RemarkHeard(channel, bool(taken.raised)))
        return taken


def _at_first_sight(remarks: Sequence[Remark]) -> list[tuple[Remark, Understood]]:
    seen = [classify(each.text or "") for each in remarks]
    return [(each, Understood(found.kind, found.reason)) for each, found in zip(remarks, seen, strict=True)]


def _bare(unit: DeskUnit, after: int) -> Sequence[Utterance]:
    return unit.listening.bare(AT_ONCE, after)


def _keep(
    unit: DeskUnit,
    channel: str,
    pairs: Sequence[tuple[Remark, Understood]],
    lease: Lease | None,
    group: Group | None,
) -> Taken:
    unit.leases.check(lease, unit.now)
    return take(unit, channel, pairs, group)


def ear_statuses(unit: DeskUnit, town: Town) -> Iterator[dict[str, Any]]:
    """Yield each ear's health, like a source's, with its `cost` this month, in dollars, if any.

    `gap` describes lost remarks. A bot's ear is `quiet` until it read something.
    """
    known, now = unit.listening.ears(), unit.now
    for name in [*town.hearing, *town.listening.feeds]:
        status = known.get(name) or EarStatus(name)
        late = status.last_ok is None or status.is_late(now)
        yield {
            "ear": name,
            "state": "failing" if status.reason is not None else "quiet" if late else "ok",
            "last_ok": status.last_ok.astimezone(town.zone).isoformat(timespec="seconds") if status.last_ok else None,
            "reason": status.reason,
            "gap": status.gap,
            "cost": round(status.cost, 4) if status.month == f"{now:%Y-%m}" else 0.0,
        }


class Ear:
    """Listens by asking, every `every` or when what is asked wants to be asked again; while it has the lease.

    `reason` is why it isn't well (None: it is). A look that brings nothing is written down now and then alone: of a
    thousand towns that listen, each would else be a write to a disk.
    """

    def __init__(
        self,
        name: str,
        asked: Hears,
        every: timedelta,
        *,
        intake: Intake,
        keeper: LeaseKeeper,
        chance: Chance,
        is_feed: bool = False,
    ) -> None:
        self.name = name
        self.every = every
        self._asked = asked
        self._intake = intake
        self._clock = intake.clock
        self._keeper = keeper
        self._chance = chance
        self._is_feed = is_feed
        self._is_open = False
        self._woken = asyncio.Event()
        self._hold = keeper.join(ear_lease(name), self._woken.set)
        self._wait = 0.0
        self._written_at: float | None = None
        self.reason: Reason | None = None

    @property
    def work(self) -> Work:
        """Listens for ever."""
        return Work(
            self._hold.name,
            self._listen,
            lambda: max(self._wait, 0.05),
            self._hold,
            self._woken,
            # What it was asked to wait for, as for a new month's budget, is no standing still.
            late=lambda: self._wait + _LATE,
            trouble=lambda: self.reason,
        )

    async def _listen(self, lease: Lease) -> None:
        self._wait = await self.listen(lease)

    async def close(self) -> None:
        """Give back what listening took."""
        if self._is_open:
            await self._asked.close()

    async def listen(self, lease: Lease) -> float:
        """Listen once; returns the seconds until the next time. Raises LeaseLost."""
        try:
            with Guarded("ear.failed", but=(DeliveryError, SourceFailed), ear=self.name) as part:
                hearing, again = await self._look(lease)
        except DeliveryError as error:
            # With another credential it is opened anew.
            self._is_open = self._is_open and not isinstance(error, BadCredential)
            return await self._failed(error.reason, lease, error.after if isinstance(error, Retry) else None)
        except SourceFailed as error:
            return await self._failed(error.reason, lease, error.retry_at)
        if isinstance(part.error, DatabaseRefused):
            # What wasn't kept is heard again: also where another daemon kept the same at the very moment.
            return await self._failed(because("database_refuses"), lease, None)
        if part.error is not None:
            return await self._failed(because("reader_stumbled", error=type(part.error).__name__), lease, None)
        if self.reason is not None and hearing.trouble is None:
            log.info("ear.recovered", ear=self.name)
        self.reason = hearing.trouble
        return (again - self._clock.now()).total_seconds()

    async def _look(self, lease: Lease) -> tuple[EarReading, datetime]:
        """Poll; store the remarks and the memory; returns the reading and the time of the next poll."""
        service, now = self._intake.service, self._clock.now()
        status, posts = await service.ask(partial(_before, name=self.name, now=now, is_feed=self._is_feed))
        if not self._is_open:
            await self._asked.open()
            self._is_open = True
        hearing = await self._asked.hear(posts, status.memory, now)
        await self._intake.keep(self.name, hearing.remarks, lease)
        again = self._next(hearing, now)
        # Last: after a kill in between it listens again, and what was kept is known by its id.
        if not self._says_nothing(hearing, status):
            kept = partial(_remember, status=status, hearing=hearing, now=now, again=again, lease=lease)
            await service.act(kept, posts=False)
            self._written_at = self._clock.monotonic()
        return hearing, again

    def _says_nothing(self, hearing: EarReading, status: EarStatus) -> bool:
        """True if this reading need not be written: an equal one was, lately."""
        is_same = not (hearing.remarks or hearing.trouble or hearing.gap or hearing.cost)
        is_same = is_same and hearing.memory == status.memory and status.reason is None
        lately = self._written_at is not None and self._clock.monotonic() - self._written_at < WRITTEN_EVERY
        return is_same and lately

    def _next(self, hearing: EarReading, now: datetime) -> datetime:
        """Give or take a twentieth, so that a thousand towns' ears don't listen at the same moment.

        No later than usual, for a post may go out meanwhile: where nothing is due, nothing is asked.
        """
        usual = now + self.every * (0.95 + 0.1 * self._chance())
        return min(usual, max(hearing.look_again, now)) if hearing.look_again is not None else usual

    async def _failed(self, reason: Reason, lease: Lease, after: datetime | None) -> float:
        now = self._clock.now()
        if reason != self.reason:
            log.warning("ear.deaf", ear=self.name, reason=str(reason))
        self.reason, failures = reason, 2
        # The database's trouble must not have the platform asked before its time.
        with Guarded("ear.refused", ear=self.name):
            failures = await self._intake.service.act(
                partial(_deaf, name=self.name, reason=reason, now=now, after=after, lease=lease), posts=False
            )
        wait = backoff(failures, self.every, max(self.every, LONGEST_BACKOFF))
        return max(wait.total_seconds(), (after - now).total_seconds() if after else 0.0)


def _before(unit: DeskUnit, name: str, now: datetime, *, is_feed: bool) -> tuple[EarStatus, Sequence[HeardPost]]:
    listening = unit.listening
    posts = [] if is_feed else listening.spoken(name, now - LOOKED_BACK, now, MOST_POSTS)
    still = [each for each in posts if each.over_at is None or each.over_at > now - HEARD_AFTER_ITS_END]
    return listening.ear(name), still


def _remember(
    unit: DeskUnit, *, status: EarStatus, hearing: EarReading, now: datetime, again: datetime, lease: Lease
) -> None:
    unit.leases.check(lease, unit.now)
    month = f"{now:%Y-%m}"
    unit.listening.put_ear(
        EarStatus(
            status.name,
            hearing.memory,
            last_try=now,
            last_ok=now if hearing.trouble is None else status.last_ok,
            failures=0 if hearing.trouble is None else status.failures + 1,
            next_try=again,
            reason=hearing.trouble,
            gap=hearing.gap or status.gap,
            cost=hearing.cost + (status.cost if status.month == month else 0.0),
            month=month,
        )
    )


def _deaf(unit: DeskUnit, *, name: str, reason: Reason, now: datetime, after: datetime | None, lease: Lease) -> int:
    unit.leases.check(lease, unit.now)
    status = unit.listening.ear(name)
    failures = status.failures + 1
    unit.listening.put_ear(replace(status, last_try=now, failures=failures, next_try=after, reason=reason))
    return failures
