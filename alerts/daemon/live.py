"""What changes, for those who look on: each watcher hears of an incident once, however often it changed meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

from alerts.store.unit import Unit
from alerts.store.views import EVERYTHING, MOST, Watermark


class Live:
    """Hands on which incidents changed. A slow watcher misses nothing, and costs no more than one set."""

    def __init__(self) -> None:
        self._watchers: set[_Watcher] = set()

    def changed(self, incident: str = EVERYTHING) -> None:
        """Something about an incident is not as it was."""
        for watcher in self._watchers:
            watcher.hear(incident)

    def close(self) -> None:
        """Nothing changes any more: whoever watches is told no further, so that a stop waits for nobody's page."""
        for watcher in self._watchers:
            watcher.end()

    @contextmanager
    def watch(self) -> Iterator[AsyncIterator[str]]:
        """What changes from now on, until the block ends; `EVERYTHING` where it isn't known, or is much."""
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
        self._is_over = False

    def hear(self, incident: str) -> None:
        if incident == EVERYTHING or len(self._unseen) > MOST:
            self._unseen = {EVERYTHING: None}
        elif EVERYTHING not in self._unseen:
            self._unseen[incident] = None
        self._rung.set()

    def end(self) -> None:
        self._is_over = True
        self._rung.set()

    async def told(self) -> AsyncIterator[str]:
        while not self._is_over:
            await self._rung.wait()
            self._rung.clear()
            unseen, self._unseen = self._unseen, {}
            for incident in unseen:
                yield incident


class FileWatch:
    """What whoever writes to the database's file changes there: this process, a command, another daemon."""

    def __init__(self) -> None:
        self._version: int | None = None
        self._mark = Watermark()

    def look(self, unit: Unit) -> tuple[bool, frozenset[str]]:
        """Whether anything was written since the last look, and which incidents that was about; nothing the first time.

        Leases and sessions are written every second: those who watch hear of what can be seen alone.
        """
        version = unit.views.version()
        before, self._version = self._version, version
        if before is None:
            self._mark = unit.views.watermark()
        if before in (None, version):
            return False, frozenset()
        changed, self._mark = unit.views.changed_since(self._mark)
        return True, changed
