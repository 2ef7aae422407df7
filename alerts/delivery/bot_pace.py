"""The pace of a whole bot: exactly so many messages a second, who types to it first, and a halt that holds for all.

Telegram counts 30 a second over all chats of a bot (https://core.telegram.org/bots/faq). Messages leave evenly, not in
bursts: what leaves within a second doesn't arrive within more than one, however the network delays it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import IntEnum

from alerts.model.ports import Clock

SPREAD = 1.013
"""Of the time between two messages: so much slower than allowed, so that a late one and a timely one are no crowd."""
SECOND = 1.01
"""The span in which no more than the rate leave; a little more than a second, for clocks and networks."""
CATCH_UP = 4.0
"""How many messages that left late may be made up for."""
ROUNDS = 10
"""Turns of the event loop after which what may leave is on the wire, also where a connection is opened for it."""
OWED = 2
"""Turns that what is Severe has after each answer: a town that asks what is on must not keep it from the others."""


class Press(IntEnum):
    """Who goes first: who is answered (but see `OWED`), then what is Severe or worse, then everything else."""

    DIRECT = 0
    URGENT = 1
    ROUTINE = 2


class BotPace:
    """Lets messages leave, one after the other. `rate` a second; 0: as fast as they come.

    What may leave is on the wire within `rounds` turns of the event loop.
    """

    def __init__(self, rate: int, clock: Clock, rounds: int = ROUNDS) -> None:
        self._rounds = rounds
        self._rate = rate
        self._clock = clock
        self._interval = SPREAD / rate if rate else 0.0
        self._queues: dict[Press, deque[asyncio.Future[None]]] = {press: deque() for press in Press}
        self._owed = 0
        self._slot = clock.monotonic()
        self._gone: deque[float] = deque(maxlen=max(rate, 1))
        self._halted = 0.0
        self._awake = asyncio.Event()

    async def leave(self, press: Press) -> None:
        """Return when the next message may leave; whoever presses more goes first."""
        if self.is_open:
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queues[press].append(turn)
        self._awake.set()
        await turn

    @property
    def is_open(self) -> bool:
        """Whether nobody waits here: there is no rate, and no halt."""
        return not self._rate and self._clock.monotonic() >= self._halted

    @asynccontextmanager
    async def direct(self) -> AsyncIterator[None]:
        """Wait for one's turn to answer somebody, ahead of everything that goes to many."""
        await self.leave(Press.DIRECT)
        yield

    def halt(self, seconds: float) -> None:
        """Telegram asked to wait: nothing of this bot leaves before that."""
        self._halted = max(self._halted, self._clock.monotonic() + seconds)
        self._slot = max(self._slot, self._halted)

    @property
    def halted_for(self) -> float:
        """Seconds until anything may leave again; 0: now."""
        return max(self._halted - self._clock.monotonic(), 0.0)

    async def run(self) -> None:
        """Give out turns until cancelled."""
        while True:
            press = self._next()
            if press is None:
                self._awake.clear()
                await self._awake.wait()
                self._slot = max(self._slot, self._clock.monotonic())  # nobody was late while nobody waited
            elif (wait := self._wait()) > 0:
                await self._clock.sleep(wait)
            else:
                self._owed = OWED if press is Press.DIRECT else max(self._owed - 1, 0)
                self._queues[press].popleft().set_result(None)
                for _ in range(self._rounds):
                    await asyncio.sleep(0)
                self._depart()  # only now: what held up the process until it was on the wire counts too

    def _next(self) -> Press | None:
        """Whose turn it is; None: nobody waits."""
        for queue in self._queues.values():
            while queue and queue[0].done():  # its caller was cancelled
                queue.popleft()
        if self._owed and self._queues[Press.URGENT]:
            return Press.URGENT
        return next((press for press, queue in self._queues.items() if queue), None)

    def _wait(self) -> float:
        full = self._gone[0] + SECOND if self._rate and len(self._gone) == self._rate else 0.0
        return max(self._slot if self._rate else 0.0, full, self._halted) - self._clock.monotonic()

    def _depart(self) -> None:
        now = self._clock.monotonic()
        self._slot = max(self._slot, now - CATCH_UP * self._interval) + self._interval
        self._gone.append(now)
