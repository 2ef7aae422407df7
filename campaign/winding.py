"""Winds the time of a town's processes, so that a minute of waiting is over in a few seconds.

How it works: a town has a dial, a small file that each of its processes maps. Its first number says by how many seconds
the town's time is ahead of this machine's; behind it, each process that sleeps by the dial writes how far it has come.
A fork that is given a dial adds the first number to what its clocks say, and sleeps until its clocks have come to the
time it sleeps for. `Dial.wind` moves the number by small steps; after each it waits until everybody has followed, that
is, until each process has woken its sleepers that were due, and has run its event loop once more. So no process misses
a moment in between: time passes faster, in the same order. Sockets take the time that they take: time-outs of
connections aren't wound.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import mmap
import time
from array import array
from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

from alerts.daemon import desk
from alerts.model.ports import SystemClock

_SEATS = 8191
"""Processes that a town may have one after the other: who waits for something asks by a command again and again."""
_NOBODY = -1.0
_LOOKED_EVERY = 0.01
_STEP = 0.5
"""Seconds by which the dial moves at once: less than what has an order is apart."""
_PATIENCE = 10.0
"""Seconds for which somebody who doesn't follow is waited for: it may be dying, or be kept from the processor."""
_machine_time, _machine_steady = time.time, time.monotonic


class Dial:
    """The file at `path`, made where it is missing."""

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.exists():
            path.write_bytes(array("d", [0.0, *[_NOBODY] * _SEATS]).tobytes())
        with path.open("r+b") as file:
            self._numbers = memoryview(mmap.mmap(file.fileno(), 0)).cast("d")
        self._seats = itertools.count(1)

    @property
    def ahead(self) -> float:
        """By how many seconds the town's time is ahead."""
        return self._numbers[0]

    def seat(self) -> int:
        """Where one more process writes how far it has come."""
        return next(self._seats)

    def follow(self, seat: int, ahead: float) -> None:
        """Write that the process on this seat has come so far."""
        self._numbers[seat] = ahead

    def wind(self, seconds: float, seats: Callable[[], Collection[int]]) -> None:
        """Let so many seconds pass; `seats` are those of the processes that go on now, which are waited for."""
        goal = self.ahead + seconds
        while self.ahead < goal:
            self._numbers[0] = min(self.ahead + _STEP, goal)
            until = _machine_steady() + _PATIENCE
            while _machine_steady() < until and any(_NOBODY < self._numbers[seat] < self.ahead for seat in seats()):
                time.sleep(_LOOKED_EVERY / 2)


class _Follower:
    """The clocks of one process that has a dial, and who sleeps by them."""

    def __init__(self, dial: Dial, seat: int) -> None:
        self._dial = dial
        self._seat = seat
        self._seen = dial.ahead
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._count = itertools.count()

    def time(self) -> float:
        return _machine_time() + self._dial.ahead

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self._dial.ahead)

    def monotonic(self) -> float:
        return _machine_steady() + self._dial.ahead

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        loop = asyncio.get_running_loop()
        woken: asyncio.Future[None] = loop.create_future()
        heapq.heappush(self._sleepers, (self.monotonic() + seconds, first := next(self._count), woken))
        if not first:
            self._look(loop)
        await woken

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        """Wake who is due, and say how far everybody had been woken when this was done last."""
        self._dial.follow(self._seat, self._seen)
        self._seen = self._dial.ahead
        now = _machine_steady() + self._seen
        while self._sleepers and self._sleepers[0][0] <= now:
            woken = heapq.heappop(self._sleepers)[2]
            if not woken.done():
                woken.set_result(None)
        next_due = self._sleepers[0][0] - now if self._sleepers else _LOOKED_EVERY
        loop.call_later(min(next_due, _LOOKED_EVERY), self._look, loop)


class Clocks:
    """What this process reads its time from. A process that has no dial has the machine's time."""

    _follower: _Follower | None = None

    @classmethod
    def prepare(cls) -> None:
        """Let what is imported from now on read `time.time` here."""
        vars(time)["time"] = cls._time

    @classmethod
    def take(cls, path: Path, seat: int) -> None:
        """Go by this dial from now on."""
        cls._follower = follower = _Follower(Dial(path), seat)
        for name in ("now", "monotonic", "sleep"):
            setattr(SystemClock, name, staticmethod(getattr(follower, name)))
        vars(desk)["datetime"] = SimpleNamespace(now=lambda _: follower.now())

    @classmethod
    def _time(cls) -> float:
        return cls._follower.time() if cls._follower is not None else _machine_time()
