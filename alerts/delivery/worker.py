"""One guard for every loop that runs as long as its process: none of them ends unseen.

    Workers.begin(name, run) ──▶ run() ends or fails ──▶ logged once, counted, told ──▶ after a pause begun anew

asyncio drops the error of a task that nobody awaits until the process stops. Here a loop that ends though it shouldn't
is logged with its traceback, published as `TaskEnded`, and begun anew after a second, then after twice as long each
time, up to a minute. Until it has run for ten minutes it counts as troubled: `/readyz` shows it and those on call hear
of it. A loop goes on handling what it foresees (a database that refuses, a lost lease); this is for what it doesn't.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from datetime import datetime
from typing import Any, TypeAlias

import structlog

from alerts.model.backoff import backoff
from alerts.model.events import TaskEnded
from alerts.model.ports import Clock
from alerts.model.reason import Reason, because

Run: TypeAlias = Callable[[], Coroutine[Any, Any, None]]
"""Begins the loop: called once more each time that it has ended."""
Work: TypeAlias = tuple[str, Run]
"""A loop's name, and how it is begun."""
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
"""Seconds until a loop that ended is begun anew: the first time, and at the longest."""
STEADY = 600.0
"""Seconds that a loop has to run until its last end is over and done with."""

log = structlog.get_logger()


class Worker:
    """One loop under guard. `ended` hears of each end that shouldn't be; a loop that `may_end` is through when it does.

    `reason` says why it ended last, while that is less than `STEADY` ago; `ended_at` when.
    """

    def __init__(
        self, name: str, run: Run, clock: Clock, ended: Callable[[TaskEnded], None], *, may_end: bool = False
    ) -> None:
        self.name = name
        self.is_running = False
        self.ended_at: datetime | None = None
        self._run = run
        self._clock = clock
        self._tell = ended
        self._may_end = may_end
        self._is_retired = False
        self._reason: Reason | None = None
        self._ended = 0.0
        self._ends, self._pause = 0, FIRST_PAUSE

    @property
    def reason(self) -> Reason | None:
        """Why it isn't to be relied on; None: it has run for long enough."""
        return self._reason if self.age < STEADY else None

    @property
    def age(self) -> float:
        """Seconds since it ended last."""
        return self._clock.monotonic() - self._ended

    def retire(self) -> None:
        """From now on an end is an end."""
        self._is_retired = True

    async def work(self) -> None:
        """Run the loop, again and again, until cancelled or retired."""
        while True:
            try:
                self.is_running = True
                await self._run()
                error: BaseException | None = None
            except Exception as failure:  # noqa: BLE001 the last place where a loop's error can be seen
                error = failure
            except asyncio.CancelledError as failure:
                # What a loop awaits may be cancelled by somebody else: to the loop that is an error like others.
                if (task := asyncio.current_task()) is None or task.cancelling():
                    raise
                error = failure
            finally:
                self.is_running = False
            if self._is_retired or (error is None and self._may_end):
                return
            self._note(error)
            await self._clock.sleep(self._pause)

    def _note(self, error: BaseException | None) -> None:
        self._ends = self._ends + 1 if self.reason is not None else 1
        self._pause = backoff(self._ends, FIRST_PAUSE, LONGEST_PAUSE)
        # Its kind alone: its words may hold what a stranger wrote. The log has all of it.
        self._reason = because("stumbled", error=_kind_of(error)) if error is not None else because("task_ended")
        self._ended, self.ended_at = self._clock.monotonic(), self._clock.now()
        log.error("task.ended", task=self.name, again_in=self._pause, exc_info=error)
        self._tell(TaskEnded(self.name, self._reason))


class Workers:
    """All loops of one process, or of one town in it. `ended` hears of each end that shouldn't have been."""

    def __init__(self, clock: Clock, ended: Callable[[TaskEnded], None] = lambda _: None) -> None:
        self._clock = clock
        self._ended = ended
        self._all: dict[Worker, asyncio.Task[None]] = {}

    def __iter__(self) -> Iterator[Worker]:
        return iter(self._all)

    @property
    def tasks(self) -> list[asyncio.Task[None]]:
        """The tasks in which they run, by their names."""
        return list(self._all.values())

    def begin(self, name: str, run: Run, *, may_end: bool = False) -> None:
        """Run a loop from now on; one that `may_end` isn't begun anew after it has."""
        worker = Worker(name, run, self._clock, self._ended, may_end=may_end)
        self._all[worker] = asyncio.create_task(worker.work(), name=name)

    def retire(self, *, but: tuple[str, ...] = ()) -> None:
        """Begin none anew; cancel all whose names don't begin as one of `but`."""
        for worker, task in self._all.items():
            worker.retire()
            if not (but and worker.name.startswith(but)):
                task.cancel()

    async def close(self) -> None:
        """Cancel what still runs, and wait until all have ended."""
        self.retire()
        await asyncio.gather(*self._all.values(), return_exceptions=True)


def _kind_of(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return type(error).__name__
