"""In which turn previews are made: nobody who types fast takes the machine from the rest."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


class PreviewTurns:
    """Each visitor has one preview made at a time, and the newest of a draft stands for those before it."""

    def __init__(self) -> None:
        self._count = itertools.count()
        self._newest: dict[tuple[str, str], int] = {}
        self._rooms: dict[str, tuple[asyncio.Lock, set[int]]] = {}

    async def take(self, visitor: str, draft: str, work: Callable[[], Awaitable[T]]) -> T | None:
        """Do the work once what the visitor asked before is done; None where they asked anew of this draft."""
        ticket = next(self._count)
        self._newest[visitor, draft] = ticket
        lock, inside = self._rooms.setdefault(visitor, (asyncio.Lock(), set()))
        inside.add(ticket)
        try:
            async with lock:
                # Who asked anew while this waited would be shown what is old already.
                return await work() if self._newest.get((visitor, draft)) == ticket else None
        finally:
            inside.discard(ticket)
            # Who leaves, leaves nothing behind: visitors come and go for months.
            if not inside:
                self._rooms.pop(visitor)
            if self._newest.get((visitor, draft)) == ticket:
                self._newest.pop((visitor, draft))
