"""The number of messages under way to one push service, so that a slow one leaves places to the others.

All messages share a number of places (`[push] in_flight`). One service gets three quarters of them at most, and a
quarter while it is slow: while its oldest message waits for an answer longer than `SLOW`, and for a minute after one
did. A message without a place waits for one at a quick service, which is a moment; at a slow one it is tried again
later, one after the other at the service's pace, so that nobody else's message waits behind it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from datetime import datetime, timedelta

from alerts.model.ports import Clock

SLOW = 2.0
"""Seconds: an answer usually takes a tenth of one."""
SLOW_FOR = 60.0
"""Seconds for which it is known that a service was slow."""
# Nobody is deferred for longer, however many messages wait for a slow service.
LONGEST_LATER = timedelta(minutes=1)


class ServicePlaces:
    """The places at one service; all hosts that one `*.` of `services` allows are one."""

    def __init__(self, clock: Clock, places: int) -> None:
        self._clock = clock
        self._usual = max(places - places // 4, 1)
        self._when_slow = max(places // 4, 1)
        self._began: dict[int, float] = {}
        self._count = 0
        self._slow_until = 0.0
        self._took = SLOW
        self._turn: datetime | None = None
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._watch: asyncio.Task[None] | None = None

    async def enter(self) -> int | None:
        """Take a place; returns the number for `leave`. Returns None if it is slow and all its places are taken."""
        while len(self._began) >= (self._when_slow if (is_slow := self._is_slow()) else self._usual):
            if is_slow:
                return None
            await self._change()
        self._count += 1
        self._began[self._count] = self._clock.monotonic()
        return self._count

    def leave(self, number: int) -> None:
        """It answered, or nobody waits for it any more."""
        now = self._clock.monotonic()
        took = now - self._began.pop(number)
        if took > SLOW:
            self._slow_until, self._took = now + SLOW_FOR, took
        elif not self._is_slow():
            self._turn = None
        self._wake(1)

    def later(self) -> datetime:
        """When somebody who found no place may come again; each at another time."""
        now = self._clock.now()
        turn = max(self._turn or now, now) + timedelta(seconds=self._took / self._when_slow)
        self._turn = min(turn, now + LONGEST_LATER)
        return self._turn

    def _is_slow(self) -> bool:
        # In the order of their beginning: the first is the oldest.
        now = self._clock.monotonic()
        return now < self._slow_until or now - next(iter(self._began.values()), now) > SLOW

    async def _change(self) -> None:
        """Until a place is free, or it may have turned out to be slow."""
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(woken)
        # One for all who wait: where thousands are told in seconds, a timer for each would cost more than it is worth.
        if self._watch is None or self._watch.done():
            self._watch = asyncio.create_task(self._look(), name="push places")
        await woken

    async def _look(self) -> None:
        while self._waiting:
            await self._clock.sleep(SLOW / 2)
            self._wake(len(self._waiting))

    def _wake(self, most: int) -> None:
        while self._waiting and most > 0:
            woken = self._waiting.popleft()
            if not woken.done():
                woken.set_result(None)
                most -= 1
