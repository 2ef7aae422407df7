"""The ears that poll: one loop for each channel whose remarks can be requested, and for each feed.

An ear reads its memory, polls, stores the remarks a few in each transaction, and stores its own status last: after a
kill in between it polls again from the same place, and remarks stored before are recognised by their ids. It works
under a lease of its own, so that only one of many daemons listens. Its errors end here, as its `reason`. It delays no
post: its reads take part in no write transaction, it writes little at a time, and its requests aren't the lanes'.
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
from alerts.desk.service import DeskService
from alerts.desk.unit import DeskUnit
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
"""How long after the end of an incident an ear still reads the remarks under its posts."""
LOOKED_BACK = timedelta(days=30)
"""The age up to which a post's remarks are read."""
MOST_POSTS = 100
"""The posts of a channel whose remarks are read in one poll: the newest ones."""
WRITTEN_EVERY = 300.0
"""Seconds after which the status of an ear that hears nothing new is stored again."""
HURRIED_AT_ONCE = 100
"""Remarks stored in one transaction while a client waits: that takes some six milliseconds."""

# Seconds that a poll may be late before the ear counts as stalled.
_LATE = 120.0

Chance = Callable[[], float]

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Intake:
    """Stores remarks: interpreted first, then a few in each transaction, then published on the bus.

    If a question's answer is for later askers too, they are answered in the same transaction.
    """

    service: DeskService
    events: Events
    clock: Clock
    understand: Understand
    group: Group | None = None
    hurried: asyncio.Event = field(default_factory=asyncio.Event)

    async def keep(self, channel: str, remarks: Sequence[Remark], lease: Lease | None = None) -> Sequence[Taken]:
        """Store the remarks in this order, a few in each transaction; returns the result of each transaction.

        If one can't be stored, the others are, and its error is raised after them. Raises DatabaseRefused, and
        LeaseLost if `lease` is another daemon's by now, at once: what was stored before stays.
        """

        async def keep(few: Sequence[Remark]) -> Taken:
            understood = await self.understand([each.text or "" for each in few])
            pairs = tuple(zip(few, understood, strict=True))
            work = partial(_keep, channel=channel, pairs=pairs, lease=lease, group=self.group)
            return await self._store(channel, work)

        done = in_batches(list(remarks), keep, clock=self.clock, event="remarks.failed", channel=channel)
        return [taken async for taken in done]

    async def keep_in_a_hurry(self, channel: str, remarks: Sequence[Remark]) -> None:
        """Store many at once for a waiting client, with their kind by their words alone: so a call for help is known.

        The rest of their interpretation follows (`understand_the_rest`), also after a kill.
        """

        async def keep(few: Sequence[Remark]) -> Taken:
            pairs = await asyncio.to_thread(_at_first_sight, few)
            return await self._store(channel, partial(_keep, channel=channel, pairs=pairs, lease=None, group=None))

        async for _ in in_batches(list(remarks), keep, size=HURRIED_AT_ONCE, event="remarks.failed", channel=channel):
            pass
        self.hurried.set()

    async def understand_the_rest(self) -> int:
        """Interpret the remarks stored in a hurry, a few in each transaction; returns the number of them."""
        self.hurried.clear()
        after = count = 0
        while uninterpreted := await self.service.ask(partial(_uninterpreted, after=after)):
            understood = await self.understand([each.text or "" for each in uninterpreted])
            interpreted = tuple(zip(uninterpreted, understood, strict=True))
            await self._store(uninterpreted[0].channel, partial(understand_kept, read=interpreted, group=self.group))
            after, count = uninterpreted[-1].seq, count + len(uninterpreted)
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


def _uninterpreted(unit: DeskUnit, after: int) -> Sequence[Utterance]:
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
    """Yield the health of each ear, like a source's.

    `state` is `failing` if there is a `reason`, else `quiet` while the ear never succeeded or is late, else `ok`. `gap`
    describes lost remarks, and `cost` is that of this month, in dollars.
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
    """Polls while it has the lease: after each `every`, or earlier if the last poll asked for that.

    `reason` is why it doesn't work (None: it does). A poll without news is stored every `WRITTEN_EVERY` seconds only:
    otherwise each poll of a thousand listening towns would be a write to a disk.
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
        self._listener = asked
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
        """The loop of this ear."""
        return Work(
            self._hold.name,
            self._listen,
            lambda: max(self._wait, 0.05),
            self._hold,
            self._woken,
            # A longer wait, as a platform demands it after a failure, doesn't count as stalled.
            late=lambda: self._wait + _LATE,
            trouble=lambda: self.reason,
        )

    async def _listen(self, lease: Lease) -> None:
        self._wait = await self.listen(lease)

    async def close(self) -> None:
        """Release what `open` took, if it is open."""
        if self._is_open:
            await self._listener.close()

    async def listen(self, lease: Lease) -> float:
        """Poll once, and set `reason`; returns the seconds until the next poll. Raises LeaseLost."""
        try:
            with Guarded("ear.failed", but=(DeliveryError, SourceFailed), ear=self.name) as part:
                reading, again = await self._look(lease)
        except DeliveryError as error:
            # Opened anew next time, as the credential may have been replaced by then.
            self._is_open = self._is_open and not isinstance(error, BadCredential)
            return await self._failed(error.reason, lease, error.after if isinstance(error, Retry) else None)
        except SourceFailed as error:
            return await self._failed(error.reason, lease, error.retry_at)
        if isinstance(part.error, DatabaseRefused):
            # The next poll brings again what wasn't stored, also if another daemon stored the same at this moment.
            return await self._failed(because("database_refuses"), lease, None)
        if part.error is not None:
            return await self._failed(because("reader_stumbled", error=type(part.error).__name__), lease, None)
        if self.reason is not None and reading.trouble is None:
            log.info("ear.recovered", ear=self.name)
        self.reason = reading.trouble
        return (again - self._clock.now()).total_seconds()

    async def _look(self, lease: Lease) -> tuple[EarReading, datetime]:
        """Poll, store the remarks and the status; returns the reading and the time of the next poll."""
        service, now = self._intake.service, self._clock.now()
        status, posts = await service.ask(partial(_status_and_posts, name=self.name, now=now, is_feed=self._is_feed))
        if not self._is_open:
            await self._listener.open()
            self._is_open = True
        reading = await self._listener.hear(posts, status.memory, now)
        await self._intake.keep(self.name, reading.remarks, lease)
        again = self._next_poll(reading, now)
        # Last: after a kill in between it polls again, and remarks stored before are recognised by their ids.
        if not self._is_old_news(reading, status):
            store = partial(_store_status, status=status, reading=reading, now=now, again=again, lease=lease)
            await service.act(store, posts=False)
            self._written_at = self._clock.monotonic()
        return reading, again

    def _is_old_news(self, reading: EarReading, status: EarStatus) -> bool:
        """True if this reading brings nothing new, and the status was stored lately."""
        is_unchanged = not (reading.remarks or reading.trouble or reading.gap or reading.cost)
        is_unchanged = is_unchanged and reading.memory == status.memory and status.reason is None
        lately = self._written_at is not None and self._clock.monotonic() - self._written_at < WRITTEN_EVERY
        return is_unchanged and lately

    def _next_poll(self, reading: EarReading, now: datetime) -> datetime:
        """Return the time of the next poll: when the reading asks for it (`look_again`), but no later than usual.

        A post may go out meanwhile, and a poll with nothing due requests nothing. The usual time varies by a twentieth
        of `every`, so that the ears of a thousand towns don't poll at the same moment.
        """
        usual = now + self.every * (0.95 + 0.1 * self._chance())
        return min(usual, max(reading.look_again, now)) if reading.look_again is not None else usual

    async def _failed(self, reason: Reason, lease: Lease, after: datetime | None) -> float:
        now = self._clock.now()
        if reason != self.reason:
            log.warning("ear.deaf", ear=self.name, reason=str(reason))
        self.reason, failures = reason, 2
        # If the database refuses this, too, the platform is still polled no earlier than it allows.
        with Guarded("ear.refused", ear=self.name):
            failures = await self._intake.service.act(
                partial(_store_failure, name=self.name, reason=reason, now=now, after=after, lease=lease), posts=False
            )
        wait = backoff(failures, self.every, max(self.every, LONGEST_BACKOFF))
        return max(wait.total_seconds(), (after - now).total_seconds() if after else 0.0)


def _status_and_posts(
    unit: DeskUnit, name: str, now: datetime, *, is_feed: bool
) -> tuple[EarStatus, Sequence[HeardPost]]:
    listening = unit.listening
    posts = [] if is_feed else listening.spoken(name, now - LOOKED_BACK, now, MOST_POSTS)
    current = [each for each in posts if each.over_at is None or each.over_at > now - HEARD_AFTER_ITS_END]
    return listening.ear(name), current


def _store_status(
    unit: DeskUnit, *, status: EarStatus, reading: EarReading, now: datetime, again: datetime, lease: Lease
) -> None:
    unit.leases.check(lease, unit.now)
    month = f"{now:%Y-%m}"
    unit.listening.put_ear(
        EarStatus(
            status.name,
            reading.memory,
            last_try=now,
            last_ok=now if reading.trouble is None else status.last_ok,
            failures=0 if reading.trouble is None else status.failures + 1,
            next_try=again,
            reason=reading.trouble,
            gap=reading.gap or status.gap,
            cost=reading.cost + (status.cost if status.month == month else 0.0),
            month=month,
        )
    )


def _store_failure(
    unit: DeskUnit, *, name: str, reason: Reason, now: datetime, after: datetime | None, lease: Lease
) -> int:
    unit.leases.check(lease, unit.now)
    status = unit.listening.ear(name)
    failures = status.failures + 1
    unit.listening.put_ear(replace(status, last_try=now, failures=failures, next_try=after, reason=reason))
    return failures
