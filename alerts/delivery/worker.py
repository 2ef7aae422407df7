"""One worker for every loop that runs as long as its process: none of them ends unnoticed.

    Work(name, step, every, hold, woken) ──▶ Worker: wait for the lease ──▶ step ──▶ rest until it is time, or woken

A step does everything that is due once, and returns. Around it the worker does the common work: it waits for the lease,
marks a lost one, releases it if another daemon is to have it, and begins the next step. A step that fails is logged
once with its traceback, then only counted; each failure is published as `TaskEnded`, and the step is repeated after a
second, then after twice as long each time, up to a minute. Until ten minutes have passed without a failure the loop
counts as troubled: `/readyz` shows it and those on call are warned. A foreseen failure (a platform that doesn't answer,
a database that refuses) is one line in the log and the reason of the loop's cycle: it is reported as the channel's or
the store's trouble, not as that of each loop.

A part of a step whose failure must not keep the other parts from their turn runs in `Guarded`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Self

import structlog

from alerts.model.backoff import backoff
from alerts.model.errors import DatabaseRefused, Retry, TocsinError
from alerts.model.events import TaskEnded
from alerts.model.lease import Lease, LeaseLost
from alerts.model.ports import Clock
from alerts.model.reason import Reason, because

if TYPE_CHECKING:
    from alerts.delivery.lease import LeasedWorker

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
"""Seconds until a failed step is repeated: after the first failure, and at most."""
LATE = 60.0
"""Seconds that a cycle may be late before it counts as stalled."""
STEADY = 600.0
"""Seconds without a failure after which the last one no longer counts."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Work:
    """A loop: its name, and the `step` that is repeated.

    The next step begins `every` seconds after the last one, or once `woken` is set, but not before `rest` seconds; both
    are numbers, or functions that are called after each step. The first step begins after `first` seconds. With a
    `hold` a step is given the lease, and runs while this process has it; one that `minds` its lease waits for it and
    releases it itself. After a failure the pause is no longer than `longest`, nor than `every`. With `once` the loop
    ends after a successful step. `ending` is called when the loop ends.

    If no step has succeeded for `late` seconds, the cycle is reported as stalled; None: it has no cycle of its own.
    `trouble` returns a problem that is no failure of a step, such as a platform that doesn't answer.
    """

    name: str
    step: Callable[..., Awaitable[object]]
    every: float | Callable[[], float] = 0.0
    hold: LeasedWorker | None = None
    woken: asyncio.Event | None = None
    rest: float | Callable[[], float] = 0.0
    first: float = 0.0
    longest: float = LONGEST_PAUSE
    late: float | Callable[[], float] | None = None
    trouble: Callable[[], Reason | None] = lambda: None
    ending: Callable[[], None] = lambda: None
    minds: bool = False
    once: bool = False


@dataclass(frozen=True, slots=True)
class Cycle:
    """One task that must run repeatedly, such as a source's polling or a lane.

    `age` is the number of seconds since it last ran successfully; None: it never did. `stands` is true if it is
    stalled: it should have run by now, or pauses after an unforeseen failure. `reason` is its trouble, if any.
    """

    name: str
    age: float | None
    stands: bool
    reason: Reason | None = None


TASK = "task "
"""The prefix of a cycle's name, for loops without a cycle of their own."""


class Worker:
    """Runs one loop. `ended` is called for each unforeseen failure.

    `is_running` is false before the first step, in the pause after an unforeseen failure, and at the end. `reason` is
    that of the last unforeseen failure, if it is less than `STEADY` ago; `ended_at` is its time, and `ends` the number
    of such failures. `went_at` is when a step last succeeded, on the monotonic clock; None: never.
    """

    def __init__(self, work: Work, clock: Clock, ended: Callable[[TaskEnded], None] = lambda _: None) -> None:
        self.name = work.name
        self.is_running = False
        self.is_over = False
        self.ends = 0
        self.went_at: float | None = None
        self.ended_at: datetime | None = None
        self._work = work
        self._clock = clock
        self._on_failure = ended
        self._reason: Reason | None = None
        self._failed_at = 0.0
        self._failures, self._kind = 0, ""
        self._foreseen: Reason | None = None
        # Since when it could have run: waiting for a lease doesn't make it late.
        self._could_since = clock.monotonic()
        self._waits = False

    def cycles(self) -> Iterator[Cycle]:
        """Yield its own cycle, if it has one, and one for its task if it has none or failed lately.

        Yields nothing while another daemon has the lease.
        """
        work, now = self._work, self._clock.monotonic()
        if work.hold is not None and work.hold.is_elsewhere:
            return
        age = None if self.went_at is None else now - self.went_at
        if work.late is not None:
            behind = now - max(self._could_since, self.went_at or 0.0)
            is_stalled = not self._waits and behind > _seconds(work.late)
            yield Cycle(work.name, age, is_stalled, work.trouble() or self._foreseen)
        if work.late is None or self.reason is not None:
            yield Cycle(f"{TASK}{work.name}", age, self.reason is not None and not self.is_running, self.reason)

    @property
    def reason(self) -> Reason | None:
        """The last unforeseen failure; None if there was none for `STEADY` seconds."""
        return self._reason if self.age < STEADY else None

    @property
    def age(self) -> float:
        """Seconds since the last unforeseen failure."""
        return self._clock.monotonic() - self._failed_at

    def retire(self) -> None:
        """From now on the end of its task is intended, and isn't reported."""
        self.is_over = True

    async def run(self) -> None:
        """Do one step after the other until it is cancelled, or its work is done."""
        try:
            await self._go_on()
            self.is_over = True
        finally:
            self.is_running = False
            self._work.ending()

    async def _go_on(self) -> None:
        work, pause, is_through = self._work, self._work.first, False
        while not is_through:
            try:
                if pause:
                    await self._pause(pause)
                pause, self.is_running = 0.0, True
                is_through = await self._go_round()
            except LeaseLost as lost:
                # If the loss weren't marked, the loop would spin under the lost lease, and do the same again each time.
                if work.hold is not None:
                    work.hold.lost(lost.lease)
                if work.hold is None or work.hold.lease is not None:
                    pause = min(self._every or FIRST_PAUSE, self._longest)
            except (Exception, asyncio.CancelledError) as error:
                # What a step awaits may be cancelled by somebody else: for the loop that is an error like any other.
                if isinstance(error, asyncio.CancelledError) and _is_cancelled():
                    raise
                pause = self._failed(error)

    async def _go_round(self) -> bool:
        """Wait for the lease, do a step, rest. Returns True if the work is done."""
        work, hold, woken = self._work, self._work.hold, self._work.woken
        given = () if hold is None or work.minds else (await self._leased(hold),)
        if woken is not None:
            woken.clear()  # before the step: what arrives meanwhile asks for another one
        await work.step(*given)
        self._went_well()
        if work.once:
            return True
        if (rest := _seconds(work.rest)) > 0:
            await self._clock.sleep(rest)
        if (left := self._every - rest) > 0:
            await (first_of(woken.wait(), self._clock.sleep(left)) if woken is not None else self._clock.sleep(left))
        if hold is not None and hold.is_asked and not work.minds:
            hold.let_go()
        return False

    async def _leased(self, hold: LeasedWorker) -> Lease:
        if (lease := hold.lease) is None:
            self._waits = True
            try:
                lease = await hold.wait()
            finally:
                self._waits, self._could_since = False, self._clock.monotonic()
        return lease

    async def _pause(self, seconds: float) -> None:
        """Wait that long even if it is woken; release the lease at once if another daemon is to have it."""
        hold, woken = self._work.hold, self._work.woken
        if hold is None or woken is None or self._work.minds:
            await self._clock.sleep(seconds)
            return
        ends = self._clock.monotonic() + seconds
        while not hold.is_asked and (left := ends - self._clock.monotonic()) > 0:
            woken.clear()
            await first_of(woken.wait(), self._clock.sleep(left))
        if hold.is_asked:
            hold.let_go()

    @property
    def _every(self) -> float:
        return _seconds(self._work.every)

    @property
    def _longest(self) -> float:
        """The longest pause after failures: what is done each second is retried each second."""
        every = self._work.every
        return min(self._work.longest, every) if not callable(every) and every else self._work.longest

    def _went_well(self) -> None:
        self.went_at = self._clock.monotonic()
        if self._failures:
            log.info("task.recovered", task=self.name, failures=self._failures)
        self._failures, self._kind, self._foreseen = 0, "", None

    def _failed(self, error: BaseException) -> float:
        """Count a failure, and log it unless the step before failed in the same way. Returns the pause in seconds."""
        self._failures += 1
        pause, kind = backoff(self._failures, FIRST_PAUSE, self._longest), _kind_of(error)
        is_news, self._kind = kind != self._kind, kind
        if isinstance(error, DatabaseRefused | TocsinError):
            self._foreseen = error.reason if isinstance(error, TocsinError) else because("database_refuses")
            if is_news and self._work.trouble() is None:
                log.error("task.failed", task=self.name, error=str(error))
            asked = error.after if isinstance(error, Retry) else None
            return max(pause, (asked - self._clock.now()).total_seconds()) if asked else pause
        if is_news:
            log.error("task.ended", task=self.name, again_in=pause, exc_info=error)
        self.is_running = False
        # Only the error's type: its message may contain a stranger's text. The log has all of it.
        self._note(because("stumbled", error=kind))
        return pause

    def ended_by_itself(self) -> None:
        """Report that the task itself has ended, which nothing here should cause."""
        log.critical("task.ended", task=self.name)
        self._note(because("task_ended"))

    def _note(self, reason: Reason) -> None:
        self.ends += 1
        self._reason, self._failed_at, self.ended_at = reason, self._clock.monotonic(), self._clock.now()
        self._on_failure(TaskEnded(self.name, reason))


class Workers:
    """All loops of one process, or of one town in it. `ended` is called for each unforeseen failure."""

    def __init__(self, clock: Clock, ended: Callable[[TaskEnded], None] = lambda _: None) -> None:
        self._clock = clock
        self._on_failure = ended
        self._all: dict[Worker, asyncio.Task[None]] = {}

    def __iter__(self) -> Iterator[Worker]:
        return iter(self._all)

    def cycles(self) -> list[Cycle]:
        """The cycles of all loops that run here, and not in another daemon."""
        return [cycle for worker in self._all for cycle in worker.cycles()]

    @property
    def tasks(self) -> list[asyncio.Task[None]]:
        """The tasks in which they run, by their names."""
        return list(self._all.values())

    def begin(self, work: Work) -> None:
        """Run a loop from now on."""
        worker = Worker(work, self._clock, self._on_failure)
        task = self._all[worker] = asyncio.create_task(worker.run(), name=work.name)
        task.add_done_callback(lambda _: None if worker.is_over else worker.ended_by_itself())

    def retire(self, *, but: tuple[str, ...] = ()) -> None:
        """Cancel all loops but those whose names begin with one of `but`: these end by themselves, or with `close`."""
        for worker, task in self._all.items():
            worker.retire()
            if not (but and worker.name.startswith(but)):
                task.cancel()

    async def close(self) -> None:
        """Cancel what still runs, and wait until all have ended."""
        self.retire()
        await asyncio.gather(*self._all.values(), return_exceptions=True)


class Guarded:
    """Catches and logs the errors of one part of a step, so that the other parts still get their turn.

    `with Guarded("dispatch.failed", dispatch=name) as part:` logs any error as that event; `part.error` is the error
    (None: there was none). A lost lease goes through and ends the step, and so do the errors in `but`.
    """

    def __init__(self, event: str, *, but: tuple[type[Exception], ...] = (), **fields: object) -> None:
        self.error: Exception | None = None
        self._event = event
        self._through: tuple[type[Exception], ...] = (LeaseLost, *but)
        self._fields = fields

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> bool:
        if not isinstance(error, Exception) or isinstance(error, self._through):
            return False
        self.error = error
        if isinstance(error, DatabaseRefused | TocsinError):
            log.error(self._event, error=str(error), **self._fields)
        else:
            log.error(self._event, exc_info=error, **self._fields)
        return True


async def first_of(*waits: Awaitable[object]) -> None:
    """Return when one of these is done; the others are cancelled. None of them may raise."""
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()


def _seconds(interval: float | Callable[[], float]) -> float:
    return interval() if callable(interval) else interval


def _is_cancelled() -> bool:
    """True if the task itself is cancelled, and not only what it awaits."""
    return (task := asyncio.current_task()) is None or task.cancelling() > 0


def _kind_of(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return type(error).__name__
