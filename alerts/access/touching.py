"""When a session or a token was used last: kept beside the request, which hardly waits for it and never fails with it.

A database that can't be written is still looked at, so nobody may be kept from looking because of a time that is only
good for signing out the idle.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from alerts.desk.service import DeskService, DeskUnit
from alerts.model.errors import DatabaseRefused

TOLD_EVERY = timedelta(minutes=1)
"""How often the log says that the times can't be kept."""
SOON = 0.5
"""Seconds that a page waits at most for what is kept beside it: enough wherever the database isn't held by another."""
log = structlog.get_logger()


class Touches:
    """Keeps what is good to know and nothing hangs on, through a service; one at a time for each `whose`."""

    def __init__(self, service: DeskService) -> None:
        self._service = service
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._told: datetime | None = None

    async def soon(self, whose: str, touch: Callable[[DeskUnit], None]) -> None:
        """Keep it, and go on as soon as it is kept, or at `SOON`; nothing where the same is under way already."""
        if whose in self._under_way:
            return
        task = asyncio.create_task(self._keep(touch), name="touch")
        self._under_way[whose] = task
        task.add_done_callback(lambda _: self._under_way.pop(whose, None))
        await asyncio.wait([task], timeout=SOON)

    async def done(self) -> None:
        """Wait for those under way."""
        await asyncio.gather(*self._under_way.values())

    async def _keep(self, touch: Callable[[DeskUnit], None]) -> None:
        try:
            await self._service.act(touch)
        except DatabaseRefused as error:
            self._tell(error)

    def _tell(self, error: DatabaseRefused) -> None:
        now = self._service.now()
        if self._told is None or abs(now - self._told) >= TOLD_EVERY:
            self._told = now
            log.warning("session.untouched", cause=str(error))
