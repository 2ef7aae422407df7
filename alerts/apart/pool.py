"""The few processes in which strangers' bytes are read, and whose turn it is.

A process is begun when it is first needed, asked one thing at a time, and asked again. One that goes beyond a limit is
gone (the system ends it where it computes too long; we do, where it doesn't answer), and the next question begins
another. It has nothing of the daemon's environment. A daemon that is killed leaves none behind for longer than the
limits: the end of its socket is the end of them.

Whose bytes they are (`turns_of`) is read one at a time, and in turn with all others: who sends what takes long holds up
themselves, and one process of several. Officers' pictures have a process of their own (`OFFICERS`): where strangers
hold all others, an alert with a picture leaves all the same.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import socket
import subprocess
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from dataclasses import asdict
from typing import Any, ParamSpec, Protocol, TypeAlias, TypeVar

import structlog

from alerts.apart import wire
from alerts.apart.wire import Limits
from alerts.model.errors import TocsinError
from alerts.model.reason import Reason, because, read_reason

P = ParamSpec("P")
T = TypeVar("T")
_Turn: TypeAlias = tuple[str, Callable[[], None]]
log = structlog.get_logger(__name__)

# Reading is CPU-bound, and two cores are what a small machine has.
PROCESSES = 2
LARGEST_ANSWER = 48 * 1_048_576
"""Bytes of what is answered: the largest picture, with room."""
PATIENCE = 30.0
"""Seconds beyond those of computing that an answer may take: a machine that is busy gives these processes little."""
MOST_WAITING = 1000
"""Of one owner; more are refused."""
OF_THIS_MACHINE = frozenset({"apart_busy", "apart_silent", "apart_not_begun"})
"""Reasons for which this machine is to blame, and not what was to be read: it may be read another time."""
# Without bytecode: a process that reads strangers' bytes writes no files.
_COMMAND = (sys.executable, "-B", "-m", "alerts.apart.child")
# Characters of the process's error that reach the log: its text may be a stranger's.
_SAID = 200


class Reads(Protocol):
    """A parser, as far as it is known here: under which name a process finds it, and by what it refuses."""

    what: str
    name: str
    limits: Limits
    refuses: type[TocsinError]


class _Over(Exception):
    """There is no answer: `how` in a word for the metrics, `reason` for people."""

    def __init__(self, how: str, reason: Reason) -> None:
        super().__init__(how)
        self.how = how
        self.reason = reason


def _silent(limits: Limits) -> _Over:
    """It would have been ended had it computed for so long: it waits for something, or the machine gave it no time."""
    return _Over("deadline", because("apart_silent", seconds=limits.seconds + PATIENCE))


class _Gone(Exception):
    """The process had ended by itself before it was asked."""


class _Process:
    """One of them, and our end of its socket."""

    def __init__(self) -> None:
        self.socket, theirs = socket.socketpair()
        with theirs:
            try:
                self._popen = subprocess.Popen(  # noqa: S603 this very interpreter, and no stranger's word in the command
                    _COMMAND,
                    stdin=theirs.fileno(),
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    # What is read is a stranger's: none of the town's credentials are where it is read.
                    env={"PYTHONPATH": os.pathsep.join(sys.path)},
                    # Whoever takes away the folder that the daemon was begun in takes nothing from its readers.
                    cwd="/",
                    # A Ctrl-C on the terminal is the daemon's.
                    start_new_session=True,
                )
            except OSError:
                self.socket.close()
                raise

    def ask(self, question: bytes, limits: Limits) -> dict[str, Any]:
        """Its answer. Raises _Over; then, or where it raises anything else, it has to be ended."""
        until = time.monotonic() + limits.seconds + PATIENCE

        # The deadline is the whole answer's, not that of each piece.
        def recv_into(room: memoryview) -> int:
            self.socket.settimeout(max(until - time.monotonic(), 0.001))
            return self.socket.recv_into(room)

        try:
            self.socket.settimeout(limits.seconds + PATIENCE)
            self.socket.sendall(question)
            answer = wire.received(recv_into, LARGEST_ANSWER)
        except TimeoutError:
            raise _silent(limits) from None
        except OverflowError:
            raise _Over("answer", because("apart_too_much_said", most=LARGEST_ANSWER // 1_048_576)) from None
        except (OSError, EOFError):
            answer = None
        except (ValueError, TypeError, LookupError, RecursionError) as error:
            raise _Over("broke", because("apart_broke", said=type(error).__name__)) from None
        if answer is None:
            raise self._why_it_ended(limits, until)
        return answer

    def _why_it_ended(self, limits: Limits, until: float) -> Exception:
        # It has closed its end, and on a machine that is busy its end may take: it has the lowest priority.
        try:
            self._popen.wait(max(until - time.monotonic(), 0.0))
        except subprocess.TimeoutExpired:
            return _silent(limits)
        match self._popen.returncode:
            case 0:
                return _Gone()
            case -24:  # SIGXCPU
                return _Over("computing", because("apart_too_long", seconds=limits.seconds))
        return _Over("broke", because("apart_broke", said=f"exit {self._popen.returncode}"))

    def end(self) -> None:
        """At once, whatever it does."""
        self.socket.close()
        self._popen.kill()
        self._popen.wait()

    def leave_alone(self) -> None:
        """In a fork of the process that began it: it is not ours."""
        self.socket.close()
        self._popen.returncode = 0


class Pool:
    """Processes of this one, so many `places` at the most.

    `counts` are the readings by what was read and how it went, `begun` the processes so far.
    """

    def __init__(self, places: int = PROCESSES) -> None:
        self.places = places
        self.counts: Counter[tuple[str, str]] = Counter()
        self.begun = 0
        self._start()

    def _start(self) -> None:
        self._lock = threading.Lock()
        self._places = threading.Semaphore(self.places)
        self._idle: list[_Process] = []
        self._busy: set[_Process] = set()
        self._waiting: dict[str, deque[Callable[[], None]]] = {}
        self._owners: set[str] = set()

    @property
    def running(self) -> int:
        """How many processes there are."""
        return len(self._idle) + len(self._busy)

    def run(self, parser: Reads, given: tuple[Any, ...], shape: Callable[[Any], T]) -> T:
        """Return the parser's result for its arguments, `shape`d from JSON. Raises the parser's own refusal."""
        limits = parser.limits
        asked = {"read": parser.name, "limits": asdict(limits), "given": list(given)}
        try:
            value = _valued(self._ask(wire.packed(asked), limits), limits, shape)
        except _Over as over:
            self.counts[parser.what, over.how] += 1
            if over.how != "refused":
                log.warning("apart.failed", what=parser.what, how=over.how, reason=str(over.reason))
            raise parser.refuses(over.reason) from None
        self.counts[parser.what, "read"] += 1
        return value

    def _ask(self, question: bytes, limits: Limits) -> dict[str, Any]:
        with contextlib.suppress(_Gone):
            return self._asked(question, limits)
        # It had rested for too long, or answered enough; all that rested with it may have.
        self._let_rest_go()
        try:
            return self._asked(question, limits)
        except _Gone:
            raise _Over("broke", because("apart_broke", said="exit 0")) from None

    def _asked(self, question: bytes, limits: Limits) -> dict[str, Any]:
        with self._process() as process:
            return process.ask(question, limits)

    @contextlib.contextmanager
    def _process(self) -> Iterator[_Process]:
        with self._places:
            with self._lock:
                # The last one that was used: the others may rest until they end by themselves.
                process = self._idle.pop() if self._idle else None
            process = process or self._begin()
            self._busy.add(process)
            try:
                yield process
            # An answer may still come, which the next question must not get.
            except BaseException:
                self._busy.discard(process)
                process.end()
                raise
            with self._lock:
                self._busy.discard(process)
                self._idle.append(process)

    def _begin(self) -> _Process:
        try:
            process = _Process()
        except OSError as error:
            raise _Over("not_begun", because("apart_not_begun", said=error.strerror or "")) from None
        self.begun += 1
        return process

    def turns_of(self, owner: str, refuses: type[TocsinError]) -> Executor:
        """Does what it is given when it is this owner's turn; what is too much raises `refuses`."""
        return _OwnerExecutor(self, owner, refuses)

    def queue(self, owner: str, work: Callable[[], None]) -> Reason | None:
        """Do it in a thread at this owner's turn; returns why it isn't: much of theirs waits, or no thread begins."""
        with self._lock:
            if len(self._waiting.get(owner, ())) >= MOST_WAITING:
                return because("apart_busy", most=MOST_WAITING)
            self._waiting.setdefault(owner, deque()).append(work)
            if (left := self._begin_next()) is not None:
                owner, work = left
                self._owners.discard(owner)
                if not self._owners:
                    return because("apart_not_begun", said="no thread")
                # Whoever has a thread does this too, in its turn.
                self._waiting.setdefault(owner, deque()).appendleft(work)
        return None

    def _begin_next(self) -> _Turn | None:
        """Begin what may be begun: each owner's first, in turn, one of each at a time. The lock is held.

        Returns the turn for which the system gave no thread.
        """
        while len(self._owners) < self.places:
            owner = next((each for each in self._waiting if each not in self._owners), None)
            if owner is None:
                return None
            queue = self._waiting.pop(owner)
            turn = owner, queue.popleft()
            if queue:
                self._waiting[owner] = queue  # behind all others
            self._owners.add(owner)
            try:
                # Not to be waited for at the daemon's end.
                threading.Thread(target=self._do, args=turn, name="apart", daemon=True).start()
            except RuntimeError:
                return turn
        return None

    def _do(self, owner: str, work: Callable[[], None]) -> None:
        turn: _Turn | None = (owner, work)
        while turn is not None:
            owner, work = turn
            with contextlib.suppress(Exception):  # who waits for it was told of it
                work()
            with self._lock:
                self._owners.discard(owner)
                turn = self._begin_next()

    def close(self) -> None:
        """End all processes; the next question begins another."""
        self._let_rest_go()
        for process in list(self._busy):
            process.end()

    def _let_rest_go(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for process in idle:
            process.end()

    def forget(self) -> None:
        """In a fork: what was begun before belongs to the other process."""
        for process in (*self._idle, *self._busy):
            process.leave_alone()
        self._start()


def _valued(answer: dict[str, Any], limits: Limits, shape: Callable[[Any], T]) -> T:
    """Return the value of an answer. Raises _Over if there is none."""
    if "memory" in answer:
        raise _Over("memory", because("apart_too_much_memory", most=limits.memory))
    if isinstance(refused := answer.get("refused"), str):
        raise _Over("refused", read_reason(refused) or because("unreadable"))
    if "value" not in answer:
        raise _Over("broke", because("apart_broke", said=str(answer.get("stumbled"))[:_SAID]))
    try:
        return shape(answer["value"])
    except Exception as error:  # noqa: BLE001 whatever a process says that has become a stranger's
        raise _Over("broke", because("apart_broke", said=type(error).__name__)) from None


class _OwnerExecutor(Executor):
    """The turns of one owner, as an event loop knows what does things in threads."""

    def __init__(self, pool: Pool, owner: str, refuses: type[TocsinError]) -> None:
        self._pool = pool
        self._owner = owner
        self._refuses = refuses

    def submit(self, work: Callable[P, T], /, *given: P.args, **named: P.kwargs) -> Future[T]:
        """Do it at the owner's turn."""
        future: Future[T] = Future()

        def do() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(work(*given, **named))
            except BaseException as error:  # noqa: BLE001 handed to whoever waits for it
                future.set_exception(error)

        if (why := self._pool.queue(self._owner, do)) is not None:
            future.set_exception(self._refuses(why))
        return future


POOL = Pool()
"""For what strangers send to this process: a fleet's towns share it, each with its turns."""
OFFICERS = Pool(1)
"""For officers' own files: a stranger's never wait there."""
POOLS = (POOL, OFFICERS)
for _pool in POOLS:
    atexit.register(_pool.close)
    os.register_at_fork(after_in_child=_pool.forget)
