"""One loop for all sources: poll, hand over the entries, poll again; a failing source is polled less and less often.

A `Poller` reads its source's memory, lets it poll, and passes the reading on. `deliver` stores the entries together
with the source's new memory in one transaction, so a crash in between forgets nothing and nothing is stored twice. The
next poll comes after the source's own interval, sooner if it asked for that (a calendar's next moment), later while it
fails. Every error of a source ends here: the others are polled all the same.

One daemon polls a source, under its lease, which is checked in each transaction that stores its data. The lease's next
owner polls at once, from the stored memory.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from functools import partial

import structlog

from alerts.delivery.lease import LeaseKeeper
from alerts.delivery.worker import LATE, Guarded, Work
from alerts.model.backoff import backoff
from alerts.model.errors import DatabaseRefused, SourceFailed
from alerts.model.lease import Lease, source_lease
from alerts.model.ports import Clock, ClockReading, HearsNews, Memory, Source, SourceReading
from alerts.model.reason import Reason, because
from alerts.store.database import Database
from alerts.store.unit import Unit

LONGEST_BACKOFF = timedelta(minutes=15)
WRITTEN_EVERY = timedelta(minutes=5)
"""While a source says nothing new, that it was read is written down so often: `last_ok` may be older by that."""

Chance = Callable[[], float]
Deliver = Callable[[str, SourceReading, datetime, Lease], Awaitable[int]]
"""Stores a reading of the source of that name, under its lease; the time is that of the next poll.

Returns how many consecutive readings had a trouble: 0 for one without. Raises LeaseLost.
"""

log = structlog.get_logger()


class Poller:
    """Polls one source every `every`, give or take a twentieth, sooner on news; while it has the lease.

    `reason` is why its last poll failed (None: it didn't).
    """

    def __init__(
        self,
        name: str,
        source: Source,
        every: timedelta,
        *,
        database: Database,
        clock: Clock,
        chance: Chance,
        deliver: Deliver,
        keeper: LeaseKeeper,
    ) -> None:
        self.name = name
        self.every = every
        self._source = source
        self._database = database
        self._clock = clock
        self._chance = chance
        self._deliver = deliver
        self._keeper = keeper
        self._woken = asyncio.Event()
        self._hold = keeper.join(source_lease(name), self._woken.set)
        self._term = 0
        self.read_at: datetime | None = None
        self.reason: Reason | None = None
        # As the source last gave it; None: as it is stored, which is read before the next look.
        self._memory: Memory | None = None
        # The last look that went well, and when one was last written down.
        self._well: ClockReading | None = None
        self._written = 0.0
        self._wait = 0.0

    @property
    def work(self) -> Work:
        """Polls for ever."""
        return Work(
            f"source {self.name}",
            self._poll,
            lambda: max(self._wait, 0.05),
            self._hold,
            self._woken,
            late=self._late,
            trouble=lambda: self.reason,
            ending=partial(self._hear, None),
        )

    def _late(self) -> float:
        """A source that wasn't polled yet is not ready, however soon it will be."""
        has_looked = self.read_at is not None or self.reason is not None
        return max(self.every, LONGEST_BACKOFF).total_seconds() + LATE if has_looked else 0.0

    async def _poll(self, lease: Lease) -> None:
        self._begin_term()
        self._wait = await self.look(lease)

    def wake(self) -> None:
        """Poll at once; if a poll is under way, once more after it."""
        self._woken.set()

    def _begin_term(self) -> None:
        """Another daemon may have polled it since: what it stored is what is remembered."""
        if (term := self._keeper.term_of(self._hold.name)) != self._term:
            self._term, self._memory, self.reason = term, None, None
            self._hear(self.wake)

    def _hear(self, wake: Callable[[], None] | None) -> None:
        if isinstance(self._source, HearsNews):
            self._source.on_news(wake)

    async def look(self, lease: Lease) -> float:
        """Poll once; returns the seconds until the next poll. Raises LeaseLost and DatabaseRefused."""
        try:
            with Guarded("reader.failed", but=(SourceFailed, DatabaseRefused), source=self.name) as part:
                return await self._look(lease)
        except SourceFailed as error:
            return await self._failed(error.reason, error.retry_at, lease)
        # Another package's source, or a mistake of ours: it is asked again as one that failed.
        said = f"{type(part.error).__name__}: {part.error}"
        return await self._failed(because("reader_stumbled", error=said), None, lease)

    async def _look(self, lease: Lease) -> float:
        clock = self._clock
        memory, self._memory = self._memory, None
        if memory is None:
            # What the last write failed to store was never said.
            memory = await self._database.read(lambda unit: unit.sources.memory(self.name))
            self._well = None
        try:
            reading = await self._source.read(memory, self._known, clock.now())
        except SourceFailed:
            self._memory = memory  # it read nothing, so what it remembers is as it was
            raise
        read = ClockReading.now(clock)
        # Give or take a twentieth, so that twenty feeds aren't asked at once; sooner if the source says.
        again = read.wall + self.every * (0.95 + 0.1 * self._chance())
        if reading.look_again:
            again = min(again, max(reading.look_again, read.wall))
        failures = 0 if self._says_nothing(reading, memory, read) else await self._store(reading, again, lease)
        self._memory = reading.memory
        if reading.trouble is not None:
            self._warn(reading.trouble, failures)
        else:
            self._well = read
            if self.reason is not None:
                log.info("source.recovered", source=self.name)
        self.reason = reading.trouble
        self.read_at = self.read_at if reading.trouble else read.wall
        return read.seconds_until(again, clock)

    def _says_nothing(self, reading: SourceReading, memory: Memory, read: ClockReading) -> bool:
        """True if this reading need not be written: an equal one was, lately.

        Each uneventful poll by a thousand towns would otherwise be a write to a disk.
        """
        is_same = not reading.heard and reading.trouble is None and reading.memory.state == memory.state
        was_well = self._well is not None and self.reason is None
        return is_same and was_well and read.steady - self._written < WRITTEN_EVERY.total_seconds()

    async def _store(self, reading: SourceReading, again: datetime, lease: Lease) -> int:
        if reading.trouble is not None:
            await self._write_well(lease)
        failures = await self._deliver(self.name, reading, again, lease)
        self._written = self._clock.monotonic()
        return failures

    async def _write_well(self, lease: Lease) -> None:
        """Write down when it was last read well, before a trouble is: from here on that time counts to the second."""
        well = self._well
        if well is not None and well.steady > self._written:

            def write(unit: Unit) -> None:
                unit.leases.check(lease, self._clock.now())
                unit.sources.read_well(self.name, well.wall)

            await self._database.write(write)
            self._written = well.steady

    async def _known(self, keys: Sequence[str]) -> set[str]:
        return await self._database.read(lambda unit: unit.sources.known(self.name, keys))

    async def _failed(self, reason: Reason, retry_at: datetime | None, lease: Lease) -> float:
        failed, failures = ClockReading.now(self._clock), 1
        now = failed.wall
        again = retry_at or now + self.every

        def write(unit: Unit) -> int:
            unit.leases.check(lease, now)
            return unit.sources.failed(self.name, reason, again, now)

        # The database's trouble must not have the source asked before its time.
        with Guarded("journal.refused", source=self.name):
            await self._write_well(lease)
            failures = await self._database.write(write)
        self._warn(reason, failures)
        self.reason = reason
        wait = asked_again_after(failures, self.every, self._chance()).total_seconds()
        return max(wait, failed.seconds_until(retry_at, self._clock) if retry_at else 0.0)

    def _warn(self, reason: Reason, failures: int) -> None:
        # Once for each cause: a feed that is down for a night would fill the log.
        if reason != self.reason:
            log.warning("source.failed", source=self.name, reason=str(reason), failures=failures)


def asked_again_after(failures: int, every: timedelta, chance: float) -> timedelta:
    """Return how long to leave a failing source: its interval doubled each time, to a quarter of an hour, with jitter.

    The first time it is asked again soon: most failures are a lost packet.
    """
    if failures <= 1:
        return min(every, timedelta(seconds=5)) * (0.5 + 0.5 * chance)
    return backoff(failures - 1, every, max(every, LONGEST_BACKOFF), 0.75 + 0.25 * chance)
