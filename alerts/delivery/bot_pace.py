"""The pace of a whole bot: exactly so many messages a second, who types to it first, and a halt that holds for all.

Telegram counts 30 a second over all chats of a bot (https://core.telegram.org/bots/faq). Messages leave evenly, not in
bursts: what leaves within a second doesn't arrive within more than one, however the network delays it.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import IntEnum

from alerts.model.ports import Clock

SPREAD = 1.01
"""Of the time between two messages: so much slower than allowed, so that a late one and a timely one are no crowd."""
SECOND = 1.005
"""The span in which no more than the rate leave; a little more than a second, for clocks and networks."""
CATCH_UP = 2.0
"""How many messages that left late may be made up for."""


class Press(IntEnum):
    """Who goes first: who is answered, then what is Severe or worse, then everything else."""

    DIRECT = 0
    URGENT = 1
    ROUTINE = 2


class BotPace:
    """Lets messages leave, one after the other. `rate` a second; 0: as fast as they come."""

    def __init__(self, rate: int, clock: Clock) -> None:
        self._rate = rate
        self._clock = clock
        self._interval = SPREAD / rate if rate else 0.0
        self._queue: list[tuple[Press, int, asyncio.Future[None]]] = []
        self._count = 0
        self._slot = clock.monotonic()
        self._gone: deque[float] = deque(maxlen=max(rate, 1))
        self._halted = 0.0
        self._awake = asyncio.Event()

    async def leave(self, press: Press) -> None:
        """Return when the next message may leave; whoever presses more goes first."""
        if not self._rate and self._clock.monotonic() >= self._halted:
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._count += 1
        heapq.heappush(self._queue, (press, self._count, turn))
        self._awake.set()
        await turn
        self._depart()  # here, where it really goes on: what held up the process since counts too

    @asynccontextmanager
    async def direct(self) -> AsyncIterator[None]:
        """Wait for one's turn to answer somebody, ahead of everything that goes to many."""
        await self.leave(Press.DIRECT)
        yield

    def halt(self, seconds: float) -> None:
        """Telegram asked to wait: nothing of this bot leaves before that."""
        self._halted = max(self._halted, self._clock.monotonic() + seconds)

    @property
    def halted_for(self) -> float:
        """Seconds until anything may leave again; 0: now."""
        return max(self._halted - self._clock.monotonic(), 0.0)

    async def run(self) -> None:
        """Give out turns until cancelled."""
        while True:
            while self._queue and self._queue[0][2].done():  # its caller was cancelled
                heapq.heappop(self._queue)
            if not self._queue:
                self._awake.clear()
                await self._awake.wait()
            elif (wait := self._wait()) > 0:
                await self._clock.sleep(wait)
            else:
                _, _, turn = heapq.heappop(self._queue)
                turn.set_result(None)
                await asyncio.sleep(0)  # it departs before the next one's turn is told

    def _wait(self) -> float:
        full = self._gone[0] + SECOND if self._rate and len(self._gone) == self._rate else 0.0
        return max(self._slot if self._rate else 0.0, full, self._halted) - self._clock.monotonic()

    def _depart(self) -> None:
        now = self._clock.monotonic()
        self._slot = max(self._slot, now - CATCH_UP * self._interval) + self._interval
        self._gone.append(now)
