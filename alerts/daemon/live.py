"""What changes, for those who look on: each watcher hears of an incident once, however often it changed meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

EVERYTHING = ""
"""In the place of an incident: it isn't known what changed, so look at everything again."""


class Live:
    """Hands on which incidents changed. A slow watcher misses nothing, and costs no more than one set."""

    def __init__(self) -> None:
        self._watchers: set[_Watcher] = set()

    def changed(self, incident: str = EVERYTHING) -> None:
        """Something about an incident is not as it was."""
        for watcher in self._watchers:
            watcher.hear(incident)

    @contextmanager
    def watch(self) -> Iterator[AsyncIterator[str]]:
        """What changes from now on, until the block ends."""
        watcher = _Watcher()
        self._watchers.add(watcher)
        try:
            yield watcher.told()
        finally:
            self._watchers.discard(watcher)


class _Watcher:
    def __init__(self) -> None:
        self._unseen: dict[str, None] = {}
        self._rung = asyncio.Event()

    def hear(self, incident: str) -> None:
        self._unseen[incident] = None
        self._rung.set()

    async def told(self) -> AsyncIterator[str]:
        while True:
            await self._rung.wait()
            self._rung.clear()
            unseen, self._unseen = self._unseen, {}
            for incident in unseen:
                yield incident
