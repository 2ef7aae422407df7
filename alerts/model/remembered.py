"""Bounded caches in memory.

`Newest` keeps the last few values by name, and `Lately` keeps each for a time. `Remembered` is for values that depend
on a message alone: they are computed once for all towns that receive it. A thousand towns in one process file the same
alert of the same feed, with the same digests and the same serialised form. For an outline with two thousand corners
these take 60 ms of CPU, which a thousand times would be a minute.
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
    """The last `most` values by name: `keep` drops the one kept the longest ago if there is one more."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def keep(self, name: K, value: V) -> None:
        """Keep the value as the newest one, in the place of any other of that name."""
        self.pop(name, None)
        self[name] = value
        while len(self) > self._most:
            del self[next(iter(self))]


class Lately(Generic[K, V]):
    """Values by name, each read when it is first asked for and then kept for `lasts`; at most the `most` newest."""

    def __init__(
        self, read: Callable[[K], Awaitable[V]], now: Callable[[], datetime], lasts: timedelta, most: int = 200
    ) -> None:
        self._read = read
        self._now = now
        self._lasts = lasts
        self._kept: Newest[K, tuple[datetime, asyncio.Task[V]]] = Newest(most)

    async def get(self, name: K) -> V:
        """Return the value kept under that name, else read it. If reading raises, every caller that waits gets that."""
        # Imported here, since commands import this module too and need no asyncio.
        import asyncio  # noqa: PLC0415

        began, task = self._kept.get(name, (None, None))
        # A value that is still being read is awaited, however long that takes: a second reading would slow it down.
        if began is None or task is None or (task.done() and abs(self._now() - began) >= self._lasts):
            task = asyncio.ensure_future(self._reading(name))
            self._kept.keep(name, (self._now(), task))
        # All waiting callers share the task: one that is cancelled must not cancel it for the others.
        return await asyncio.shield(task)

    def forget(self, name: K) -> None:
        """Drop the value of that name, so that the next `get` reads it again."""
        self._kept.pop(name, None)

    async def _reading(self, name: K) -> V:
        try:
            return await self._read(name)
        # An error isn't kept: the next `get` reads again.
        except BaseException:
            self._kept.pop(name, None)
            raise


class Remembered(Generic[K, V]):
    """A function that remembers its last results, up to `most` bytes by the estimates of `size`; thread-safe.

    A result is found by the argument's `key`, by default its identity: two alerts may be equal and yet serialise
    differently, as one instant may be written with different offsets.
    """

    def __init__(
        self, work: Callable[[K], V], size: Callable[[K], int], most: int, key: Callable[[K], Hashable] = id
    ) -> None:
        self._work = work
        self._size = size
        self._key = key
        self._room = most
        # The arguments are kept, too: while one lives, no other object can have its `id`.
        self._answers: OrderedDict[Hashable, tuple[K, V, int]] = OrderedDict()
        self._lock = Lock()

    def __call__(self, asked: K) -> V:
        """Return the result for the argument, computed if it isn't known."""
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
