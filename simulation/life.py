"""One life of the daemon, from its start to a stop or a power cut, and the places where the power may be cut."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from random import Random
from typing import NoReturn, TypeVar

from simulation.agenda import Agenda, Trace
from simulation.loop import VirtualLoop

T = TypeVar("T")


class Life:
    """The power of one process. `peril` is the probability that it is cut at each boundary it passes."""

    def __init__(self, agenda: Agenda, trace: Trace, dice: Random) -> None:
        self.agenda = agenda
        self.trace = trace
        self.peril = 0.0
        self.alive = True
        self._dice = dice
        self._buried = False
        self.loop = VirtualLoop(agenda)

    async def passes(self, where: str) -> None:
        """Every boundary to the world goes through here: it may be the last thing this life does."""
        if self.alive and self.peril and self._dice.random() < self.peril:
            self.cut(where)
        if not self.alive:
            await self._stand_still()

    def cut(self, where: str, steps: int = 0) -> None:
        """Cut the power: at once, or after so many rounds of the loop."""
        if not self.alive:
            return
        self.trace("power.cut", where=where, steps=steps)
        if not steps:
            self.alive = False
        self.loop.cut_after(steps)

    def asks(self, seconds: float, answer: Callable[[], T]) -> Awaitable[T]:
        """Wait for an answer of the world, which comes after so many seconds whether we live or not."""
        future: asyncio.Future[T] = self.loop.create_future()

        def arrive() -> None:
            try:
                value = answer()
            except Exception as error:  # noqa: BLE001 an answer may be a refusal
                if self.alive and not future.done():
                    future.set_exception(error)
            else:
                if self.alive and not future.done():
                    future.set_result(value)

        self.agenda.after(seconds, arrive)
        return future

    def bury(self) -> None:
        """The process is gone: let go of its memory."""
        self.alive = False
        self._buried = True
        self.loop.bury()

    async def _stand_still(self) -> NoReturn:
        """Nothing goes on after the cut; once the life is buried, what waited here is let go."""
        if self._buried:
            raise asyncio.CancelledError
        await self.loop.create_future()
        raise asyncio.CancelledError


class VirtualClock:
    """`alerts.model.ports.Clock` of one life."""

    def __init__(self, agenda: Agenda) -> None:
        self.now = lambda: agenda.now
        self.monotonic = lambda: agenda.seconds

    async def sleep(self, seconds: float) -> None:
        """Return once so many virtual seconds have passed."""
        await asyncio.sleep(max(seconds, 0.0))
