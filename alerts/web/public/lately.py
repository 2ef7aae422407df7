"""What was read a moment ago is told again: however many ask for a thing, it is read once in a few seconds."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Lately(Generic[K, V]):
    """Things by name, each kept for `lasts`; at most `most` of them, whatever names are asked for."""

    def __init__(
        self, read: Callable[[K], Awaitable[V]], now: Callable[[], datetime], lasts: timedelta, most: int = 200
    ) -> None:
        self._read = read
        self._now = now
        self._lasts = lasts
        self._most = most
        self._kept: dict[K, tuple[datetime, asyncio.Task[V]]] = {}

    async def get(self, name: K) -> V:
        """What is kept under that name, else what is read now. Raises whatever reading does, to all who wait."""
        began, task = self._kept.get(name, (None, None))
        # What is still being read is waited for, however long that takes: asking again would make it slower.
        if began is None or task is None or (task.done() and abs(self._now() - began) >= self._lasts):
            if len(self._kept) >= self._most:
                self._kept.clear()
            task = asyncio.ensure_future(self._reading(name))
            self._kept[name] = self._now(), task
        return await asyncio.shield(task)

    def forget(self, name: K) -> None:
        """Read it anew when it is next asked for."""
        self._kept.pop(name, None)

    async def _reading(self, name: K) -> V:
        try:
            return await self._read(name)
        except BaseException:
            self._kept.pop(name, None)
            raise
