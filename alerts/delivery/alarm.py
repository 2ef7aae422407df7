"""A time by which somebody is woken, for who mostly is woken earlier: it costs nothing to set it again and again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from alerts.model.ports import Clock


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
