"""Bounded caches in memory.

`Newest` keeps the last few things by name, `Lately` for a time. `Remembered` is for values that follow from a message
alone, computed once for all towns that receive it. A thousand towns in one process file the same alert of the same
feed: its digests and its serialised form are the same for all of them. For an outline of two thousand corners that
takes 60 ms of CPU, which would be a minute for all.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from datetime import datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    import asyncio

K = TypeVar("K")
V = TypeVar("V")


class Newest(dict[K, V]):
    """The last `most` things that were kept here, by name: one more, and what was kept the longest ago goes."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def keep(self, name: K, value: V) -> None:
        """Keep it as the newest, also where something of that name is here."""
        self.pop(name, None)
        self[name] = value
        while len(self) > self._most:
            del self[next(iter(self))]


class Lately(Generic[K, V]):
    """Things by name, each kept for `lasts`; at most `most` of them, whatever names are asked for."""

    def __init__(
        self, read: Callable[[K], Awaitable[V]], now: Callable[[], datetime], lasts: timedelta, most: int = 200
    ) -> None:
        self._read = read
        self._now = now
        self._lasts = lasts
        self._kept: Newest[K, tuple[datetime, asyncio.Task[V]]] = Newest(most)

    async def get(self, name: K) -> V:
        """Return the value kept under that name, else read it now. Raises reading's errors, to all who wait."""
        # A command imports this module, and waits for nothing.
        import asyncio  # noqa: PLC0415

        began, task = self._kept.get(name, (None, None))
        # What is still being read is waited for, however long that takes: asking again would make it slower.
        if began is None or task is None or (task.done() and abs(self._now() - began) >= self._lasts):
            task = asyncio.ensure_future(self._reading(name))
            self._kept.keep(name, (self._now(), task))
        # Shared by all who wait: one that gives up must not end it for the others.
        return await asyncio.shield(task)

    def forget(self, name: K) -> None:
        """Read it anew when it is next asked for."""
        self._kept.pop(name, None)

    async def _reading(self, name: K) -> V:
        try:
            return await self._read(name)
        # An error isn't kept: the next request reads again.
        except BaseException:
            self._kept.pop(name, None)
            raise


class Remembered(Generic[K, V]):
    """A function that remembers its last answers, `most` bytes in all by the estimate of `size`; thread-safe.

    By `key`; by default, by the identity of the argument. Two alerts may be equal and yet serialise differently: the
    same instant may have another offset.
    """

    def __init__(
        self, work: Callable[[K], V], size: Callable[[K], int], most: int, key: Callable[[K], Hashable] = id
    ) -> None:
        self._work = work
        self._size = size
        self._key = key
        self._room = most
        # What was asked for is held as well: so no other object has its `id`.
        self._answers: OrderedDict[Hashable, tuple[K, V, int]] = OrderedDict()
        self._lock = Lock()

    def __call__(self, asked: K) -> V:
        """The answer, computed where it isn't known."""
        key = self._key(asked)
        with self._lock:
            if (known := self._answers.get(key)) is not None:
                self._answers.move_to_end(key)
                return known[1]
        answer, size = self._work(asked), self._size(asked)
        with self._lock:
            if key not in self._answers:
                self._answers[key] = asked, answer, size
                self._room -= size
            while self._room < 0:
                _, (_, _, size) = self._answers.popitem(last=False)
                self._room += size
        return answer
