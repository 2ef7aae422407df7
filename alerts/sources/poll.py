"""One loop for all sources: look, hand over what was heard, look again; a source that fails is asked ever more seldom.

A `Poller` reads what its source remembers, lets it look, and hands the reading on. `deliver` stores what was heard with
what the source remembers in one transaction, so a crash in between forgets nothing and nothing is told twice. The next
look comes after the source's own interval, sooner where it asked for that (a calendar's next moment), later while it
fails. Whatever a source raises ends here: the others are looked at all the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta

import structlog

from alerts.model.errors import SourceFailed
from alerts.model.ports import Clock, ClockReading, Source, SourceReading
from alerts.model.reason import Reason, because
from alerts.store.database import Database

LONGEST_BACKOFF = timedelta(minutes=15)
Chance = Callable[[], float]
Deliver = Callable[[str, SourceReading, datetime], Awaitable[int]]
"""Stores a reading of the source of that name; the time is when it will be looked at again.

Returns how many readings in a row had a trouble: 0 for one without.
"""

log = structlog.get_logger()


class Poller:
    """Looks at one source every `every`, give or take a twentieth, until cancelled.

    `tried_at` is when it last looked, `reason` why that went wrong (None: it didn't).
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
    ) -> None:
        self.name = name
        self.every = every
        self._source = source
        self._database = database
        self._clock = clock
        self._chance = chance
        self._deliver = deliver
        self.tried_at: float | None = None
        self.reason: Reason | None = None

    async def run(self) -> None:
        """Poll for ever."""
        while True:
            wait = await self.look()
            self.tried_at = self._clock.monotonic()
            await self._clock.sleep(max(wait, 0.05))

    async def look(self) -> float:
        """Look once; returns the seconds until the next look."""
        clock = self._clock
        try:
            # Read anew each time: what the last write failed to store was never said.
            memory = await self._database.read(lambda unit: unit.sources.memory(self.name))
            reading = await self._source.read(memory, self._known, clock.now())
            read = ClockReading.now(clock)
            # Give or take a twentieth, so that twenty feeds aren't asked at once; sooner if the source says.
            again = read.wall + self.every * (0.95 + 0.1 * self._chance())
            if reading.look_again:
                again = min(again, max(reading.look_again, read.wall))
            failures = await self._deliver(self.name, reading, again)
        except SourceFailed as error:
            return await self._failed(error.reason, error.retry_at)
        except asyncio.CancelledError:
            raise
        except Exception as error:
            # Another package's source, or a mistake of ours: it is asked again as one that failed.
            log.exception("reader.failed", source=self.name)
            return await self._failed(because("reader_stumbled", error=f"{type(error).__name__}: {error}"), None)
        if reading.trouble is not None:
            self._warn(reading.trouble, failures)
        elif self.reason is not None:
            log.info("source.recovered", source=self.name)
        self.reason = reading.trouble
        return read.seconds_until(again, clock)

    async def _known(self, keys: Sequence[str]) -> set[str]:
        return await self._database.read(lambda unit: unit.sources.known(self.name, keys))

    async def _failed(self, reason: Reason, retry_at: datetime | None) -> float:
        failed, failures = ClockReading.now(self._clock), 1
        now = failed.wall
        try:
            again = retry_at or now + self.every
            failures = await self._database.write(lambda unit: unit.sources.failed(self.name, reason, again, now))
        except Exception as error:  # noqa: BLE001 the database's trouble must not end the polling
            log.error("journal.refused", source=self.name, error=str(error))  # noqa: TRY400
        self._warn(reason, failures)
        self.reason = reason
        wait = backoff(failures, self.every, self._chance).total_seconds()
        return max(wait, failed.seconds_until(retry_at, self._clock) if retry_at else 0.0)

    def _warn(self, reason: Reason, failures: int) -> None:
        # Once for each cause: a feed that is down for a night would fill the log.
        if reason != self.reason:
            log.warning("source.failed", source=self.name, reason=str(reason), failures=failures)


def backoff(failures: int, every: timedelta, chance: Chance) -> timedelta:
    """How long to leave a failing source: its own interval doubled each time, to a quarter of an hour, with jitter.

    The first time it is asked again soon: most failures are a lost packet.
    """
    if failures <= 1:
        return min(every, timedelta(seconds=5)) * (0.5 + 0.5 * chance())
    longest = max(every, LONGEST_BACKOFF)
    return min(every * 2.0 ** min(failures - 2, 16), longest) * (0.75 + 0.25 * chance())
