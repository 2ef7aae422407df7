"""Ends what takes too long, looked at twice a second for all at once: a timer of its own costs a tenth of a request."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from types import TracebackType

EVERY = 0.5
"""Seconds between two looks."""


class Overdue:
    """`with overdue:` around what is awaited raises TimeoutError once that has lasted `timeout`, or a look longer."""

    def __init__(self, timeout: timedelta) -> None:
        self._seconds = timeout.total_seconds()
        self._since: dict[asyncio.Task[object], float] = {}
        self._ended: set[asyncio.Task[object]] = set()
        self._looks: asyncio.TimerHandle | None = None

    def __enter__(self) -> None:
        task, loop = asyncio.current_task(), asyncio.get_running_loop()
        assert task is not None  # noqa: S101 a coroutine runs in one
        self._since[task] = loop.time()
        if self._looks is None:
            self._looks = loop.call_later(EVERY, self._look, loop)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 as above
        del self._since[task]
        if self._ended and task in self._ended:
            self._ended.discard(task)
            if task.uncancel() == 0 and kind is asyncio.CancelledError:
                raise TimeoutError from error

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        before = loop.time() - self._seconds
        for task in [task for task, since in self._since.items() if since <= before and task not in self._ended]:
            self._ended.add(task)
            task.cancel()
        self._looks = loop.call_later(EVERY, self._look, loop) if self._since else None
