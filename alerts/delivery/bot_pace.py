"""The pace of a whole bot: a fixed number of messages a second, answers to people first, and a pause for all.

Telegram counts 30 a second over all chats of a bot (https://core.telegram.org/bots/faq), and it counts what arrives. So
messages leave evenly, not in bursts, and one whose answer took longer than the quickest did counts as having arrived by
so much later: what is held up on the way, or over there, makes no crowd with those after it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from enum import IntEnum

from alerts.model.ports import Clock
from alerts.store.outbox import CLOCKS_DIFFER

SPREAD = 1.012
"""Of the time between two messages: so much slower than allowed, so that a late one and a timely one are no crowd."""
SECOND = 1.004
"""The span in which no more than the rate arrive; a little more than a second, for clocks."""
REMEMBERED = 64
"""Number of answers whose quickest estimates the minimum round trip."""
CATCH_UP = 4.0
"""How many messages that left late may be made up for."""
ROUNDS = 10
"""Turns of the event loop after which what may leave is on the wire, also where a connection is opened for it."""
OWED = 2
"""Turns that what is Severe has after each answer: a town that asks what is on must not keep it from the others."""


class Precedence(IntEnum):
    """The order of sending: officers, other answers (but see `OWED`), Severe or worse, everything else."""

    AHEAD = 0
    DIRECT = 1
    URGENT = 2
    ROUTINE = 3


class InTransit:
    """One message on its way; `at` is when it was on the wire, `took` how long its answer took, both in seconds."""

    __slots__ = ("at", "took")

    def __init__(self) -> None:
        self.at = 0.0
        self.took = 0.0


class BotPace:
    """Lets messages leave, one after the other. `rate` a second; 0: as fast as they come.

    What may leave is on the wire within `rounds` turns of the event loop.
    """

    def __init__(self, rate: int, clock: Clock, rounds: int = ROUNDS) -> None:
        self._rounds = rounds
        self._rate = rate
        self._clock = clock
        self._interval = SPREAD / rate if rate else 0.0
        self._queues: dict[Precedence, deque[asyncio.Future[InTransit]]] = {each: deque() for each in Precedence}
        self._owed = 0
        self._slot = clock.monotonic()
        self._gone: deque[InTransit] = deque(maxlen=max(rate, 1))
        self._took: deque[float] = deque(maxlen=REMEMBERED)
        self._halted = 0.0
        self._awake = asyncio.Event()

    async def leave(self, precedence: Precedence) -> InTransit:
        """Return when the next message may leave; whoever presses more goes first."""
        if self.is_open:
            return InTransit()
        turn: asyncio.Future[InTransit] = asyncio.get_running_loop().create_future()
        self._queues[precedence].append(turn)
        self._awake.set()
        return await turn

    def answered(self, departure: InTransit) -> None:
        """Its answer is here, so it had arrived by now."""
        # Where nothing paces the bot it never had a time, and tells nothing of the way.
        if departure.at:
            departure.took = self._clock.monotonic() - departure.at
            self._took.append(departure.took)

    @property
    def is_open(self) -> bool:
        """True if nobody waits here: there is no rate, and no halt."""
        return not self._rate and self._clock.monotonic() >= self._halted

    @asynccontextmanager
    async def direct(self) -> AsyncIterator[None]:
        """Wait for one's turn to answer somebody, ahead of everything that goes to many."""
        departure = await self.leave(Precedence.DIRECT)
        yield
        self.answered(departure)

    def halt(self, seconds: float) -> None:
        """Telegram asked to wait: nothing of this bot leaves before that."""
        self._halted = max(self._halted, self._clock.monotonic() + seconds)
        self._slot = max(self._slot, self._halted)

    def rest(self, since: timedelta) -> None:
        """Another daemon spoke for this bot until so long ago: what it said in its last second counts here, too."""
        # The clocks of two machines may differ, so of a short time it isn't known how short.
        if self._rate and since < CLOCKS_DIFFER:
            self.halt(SECOND)

    @property
    def halted_for(self) -> float:
        """Seconds until anything may leave again; 0: now."""
        return max(self._halted - self._clock.monotonic(), 0.0)

    async def go_on(self) -> None:
        """Give out the next turn, or wait until there is one to give."""
        precedence = self._next()
        if precedence is None:
            self._awake.clear()
            await self._awake.wait()
            self._slot = max(self._slot, self._clock.monotonic())  # nobody was late while nobody waited
        elif (wait := self._wait()) > 0:
            await self._clock.sleep(wait)
        else:
            self._owed = OWED if precedence <= Precedence.DIRECT else max(self._owed - 1, 0)
            departure = InTransit()
            self._queues[precedence].popleft().set_result(departure)
            for _ in range(self._rounds):
                await asyncio.sleep(0)
            self._depart(departure)  # only now: what held up the process until it was on the wire counts too

    def _next(self) -> Precedence | None:
        """Return the precedence that is next. Returns None if nobody waits."""
        for queue in self._queues.values():
            while queue and queue[0].done():  # its caller was cancelled
                queue.popleft()
        # Answers go first, but not for ever: a town that asks would keep an emergency waiting.
        if self._owed and self._queues[Precedence.URGENT]:
            return Precedence.URGENT
        return next((precedence for precedence, queue in self._queues.items() if queue), None)

    def _wait(self) -> float:
        full = self._arrived(self._gone[0]) + SECOND if self._rate and len(self._gone) == self._rate else 0.0
        return max(self._slot if self._rate else 0.0, full, self._halted) - self._clock.monotonic()

    def _arrived(self, departure: InTransit) -> float:
        """When it had arrived at the latest, but for what the way takes always."""
        return departure.at + max(departure.took - min(self._took, default=0.0), 0.0)

    def _depart(self, departure: InTransit) -> None:
        departure.at = now = self._clock.monotonic()
        self._slot = max(self._slot, now - CATCH_UP * self._interval) + self._interval
        self._gone.append(departure)


class PaceAs:
    """The pace of a bot for those who don't go as answers do: `AHEAD` of them, or as what nobody waits for.

    It is a `Pace` like the bot's own.
    """

    def __init__(self, pace: BotPace, precedence: Precedence) -> None:
        self._pace = pace
        self._precedence = precedence

    @asynccontextmanager
    async def direct(self) -> AsyncIterator[None]:
        """Wait for one's turn among those of its kind."""
        departure = await self._pace.leave(self._precedence)
        yield
        self._pace.answered(departure)

    @property
    def halted_for(self) -> float:
        """Seconds until anything of the bot may leave again; 0: now."""
        return self._pace.halted_for

    def halt(self, seconds: float) -> None:
        """Telegram asked to wait: nothing of the bot leaves before that."""
        self._pace.halt(seconds)


class Alarm:
    """Calls `ring` once the earliest of the times it was set to has come; too early does no harm to who sets it."""

    def __init__(self, clock: Clock, ring: Callable[[], None]) -> None:
        self._clock = clock
        self._ring = ring
        self._at = 0.0
        self._task: asyncio.Task[None] | None = None

    def within(self, seconds: float) -> None:
        """Ring after so many seconds at the latest."""
        at = self._clock.monotonic() + seconds
        # Set to a later time nothing changes: an alarm that rings too early does no harm.
        if self._task is not None and not self._task.done():
            if self._at <= at:
                return
            self._task.cancel()
        self._at = at
        self._task = asyncio.create_task(self._wait(seconds), name="alarm")

    def off(self) -> None:
        """Ring no more."""
        if self._task is not None:
            self._task.cancel()

    async def _wait(self, seconds: float) -> None:
        await self._clock.sleep(seconds)
        self._ring()
