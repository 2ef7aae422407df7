"""One worker for every loop that runs as long as its process: none of them ends unnoticed.

    Work(name, step, every, hold, woken) ──▶ Worker: wait for the lease ──▶ step ──▶ rest until it is time, or woken

A step does everything that is due once, and returns. Around it the worker does the common work: it waits for the lease,
marks a lost one, releases it if another daemon is to have it, and begins the next step. A step that fails is logged
once with its traceback and then counted, published as `TaskEnded`, and repeated after a second, then after twice as
long each time. Until it has succeeded for ten minutes it counts as troubled: `/readyz` shows it and those on call are
warned. A foreseen failure (a platform that doesn't answer, a database that refuses) is one line in the log, and the
reason of the loop's cycle: it is reported as the channel's or the store's trouble, not as that of each loop.

The part of a step that must not keep the others from their turn is in `Guarded`.
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
"""Seconds until a step that failed is done again: the first time, and at the longest."""
LATE = 60.0
"""Seconds that a cycle may be late before it counts as stalled."""
STEADY = 600.0
"""Seconds without a failure after which the last one is over and done with."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Work:
    """A loop: its name, and the `step` that is repeated.

    The next step begins `every` seconds after the last one, or once `woken` is set, but not before `rest`; each is a
    number, or is asked for after a step. The first begins after `first`. With a `hold` a step gets the lease, and runs
    while this process has it; one that `minds` its lease waits for it and releases it itself. After a failure the pause
    is no longer than `longest`, nor than `every`. A step with `once` ends the loop when it succeeds. `ending` is called
    when there will be no further one.

    If none has succeeded for `late` seconds, the cycle is reported as stalled; None: it has no cycle of its own.
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
    """One task that must run repeatedly, a source's polling or a lane. `age`: seconds since it last did, if ever.

    `stands` is true if it should have run by now; `reason` is its trouble while it runs.
    """

    name: str
    age: float | None
    stands: bool
    reason: Reason | None = None


TASK = "task "
"""The prefix of a cycle's name, for loops without a cycle of their own."""


class Worker:
    """Runs one loop. `ended` hears of each failure.

    It `is_running` but for the pause after a failure that nobody foresaw. `reason` says why it failed so last, while
    that is less than `STEADY` ago; `ended_at` when, and `ends` how often. `went_at` is when its last step went well, on
    the monotonic clock; None: none did yet.
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
        self._tell = ended
        self._reason: Reason | None = None
        self._ended = 0.0
        self._failures, self._kind = 0, ""
        self._met: Reason | None = None
        # Since when it could have gone round: waiting for a lease is no standing still.
        self._could_since = clock.monotonic()
        self._waits = False

    def cycles(self) -> Iterator[Cycle]:
        """How it is doing where it is worked here: its own cycle, and that of its task where that failed lately."""
        work, now = self._work, self._clock.monotonic()
        if work.hold is not None and work.hold.is_elsewhere:
            return
        age = None if self.went_at is None else now - self.went_at
        if work.late is not None:
            behind = now - max(self._could_since, self.went_at or 0.0)
            stands = not self._waits and behind > _seconds(work.late)
            yield Cycle(work.name, age, stands, work.trouble() or self._met)
        if work.late is None or self.reason is not None:
            yield Cycle(f"{TASK}{work.name}", age, self.reason is not None and not self.is_running, self.reason)

    @property
    def reason(self) -> Reason | None:
        """Why it isn't to be relied on; None: it went well for long enough."""
        return self._reason if self.age < STEADY else None

    @property
    def age(self) -> float:
        """Seconds since it failed last."""
        return self._clock.monotonic() - self._ended

    def retire(self) -> None:
        """From now on an end is an end."""
        self.is_over = True

    async def run(self) -> None:
        """Do one step after the other until cancelled, or through."""
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
                # Without this it would go round and round, and say things again each time.
                if work.hold is not None:
                    work.hold.lost(lost.lease)
                if work.hold is None or work.hold.lease is not None:
                    pause = min(self._every or FIRST_PAUSE, self._longest)
            except (Exception, asyncio.CancelledError) as error:
                # What a step awaits may be cancelled by somebody else: to the loop that is an error like others.
                if isinstance(error, asyncio.CancelledError) and _is_cancelled():
                    raise
                pause = self._failed(error)

    async def _go_round(self) -> bool:
        """Wait for the lease, do a step, rest; whether the work is through."""
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
        """Wait so long whatever wakes it, but no longer than until another daemon is to have the lease."""
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
        """The longest pause after failures: what is done each second is tried each second."""
        every = self._work.every
        return min(self._work.longest, every) if not callable(every) and every else self._work.longest

    def _went_well(self) -> None:
        self.went_at = self._clock.monotonic()
        if self._failures:
            log.info("task.recovered", task=self.name, failures=self._failures)
        self._failures, self._kind, self._met = 0, "", None

    def _failed(self, error: BaseException) -> float:
        """Log it, unless the step before failed so, and count it; returns the pause."""
        self._failures += 1
        pause, kind = backoff(self._failures, FIRST_PAUSE, self._longest), _kind_of(error)
        is_news, self._kind = kind != self._kind, kind
        if isinstance(error, DatabaseRefused | TocsinError):
            self._met = error.reason if isinstance(error, TocsinError) else because("database_refuses")
            if is_news and self._work.trouble() is None:
                log.error("task.failed", task=self.name, error=str(error))
            asked = error.after if isinstance(error, Retry) else None
            return max(pause, (asked - self._clock.now()).total_seconds()) if asked else pause
        if is_news:
            log.error("task.ended", task=self.name, again_in=pause, exc_info=error)
        self.is_running = False
        # Its kind alone: its words may hold what a stranger wrote. The log has all of it.
        self._note(because("stumbled", error=kind))
        return pause

    def ended_by_itself(self) -> None:
        """Say that the task itself is no more, which nothing here ever does."""
        log.critical("task.ended", task=self.name)
        self._note(because("task_ended"))

    def _note(self, reason: Reason) -> None:
        self.ends += 1
        self._reason, self._ended, self.ended_at = reason, self._clock.monotonic(), self._clock.now()
        self._tell(TaskEnded(self.name, reason))


class Workers:
    """All loops of one process, or of one town in it. `ended` hears of each failure."""

    def __init__(self, clock: Clock, ended: Callable[[TaskEnded], None] = lambda _: None) -> None:
        self._clock = clock
        self._ended = ended
        self._all: dict[Worker, asyncio.Task[None]] = {}

    def __iter__(self) -> Iterator[Worker]:
        return iter(self._all)

    def cycles(self) -> list[Cycle]:
        """How each of them is doing that is worked here."""
        return [cycle for worker in self._all for cycle in worker.cycles()]

    @property
    def tasks(self) -> list[asyncio.Task[None]]:
        """The tasks in which they run, by their names."""
        return list(self._all.values())

    def begin(self, work: Work) -> None:
        """Run a loop from now on."""
        worker = Worker(work, self._clock, self._ended)
        task = self._all[worker] = asyncio.create_task(worker.run(), name=work.name)
        task.add_done_callback(lambda _: None if worker.is_over else worker.ended_by_itself())

    def retire(self, *, but: tuple[str, ...] = ()) -> None:
        """Cancel all whose names don't begin as one of `but`; these end by themselves, or with `close`."""
        for worker, task in self._all.items():
            worker.retire()
            if not (but and worker.name.startswith(but)):
                task.cancel()

    async def close(self) -> None:
        """Cancel what still runs, and wait until all have ended."""
        self.retire()
        await asyncio.gather(*self._all.values(), return_exceptions=True)


class Guarded:
    """Keeps to itself what one part of a step meets, so that the others have their turn all the same.

    `with Guarded("dispatch.failed", dispatch=name) as part:` logs whatever is raised, as that event; `part.error` is it
    (None: nothing). A lost lease goes through, which ends the step, and so does what `but` names.
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
