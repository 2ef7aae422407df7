"""The daemon's side of the control socket: it carries out what commands hand over, by the command line's own function.

How it works: one thread accepts; each connection then has a thread of its own and at most `PLACES` of them run at a
time, so whoever finds none goes away at once and works alone. A thread greets, reads one order within seconds, and
calls the function that the command would have called, on a connection to the database of its own, like any other
process. Nothing of it runs in the event loop, and lanes are woken as by any command.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import structlog

from alerts.daemon.control import KIND, Order, peer_of, receive, sockets
from alerts.daemon.desk import Control
from alerts.delivery.worker import Guarded
from alerts.model.town import Town
from alerts.store.sockets import own_socket

PLACES = 8
"""Commands that are carried out at a time; some of them only wait (`--wait`)."""
ORDERED_WITHIN = 5.0
"""Seconds in which an order comes, and in which each line of the answer is taken."""
ENDS_WITHIN = 5.0
"""Seconds that a stop waits for what is under way."""
# How often a waiting command gets a sign of life.
_BEATS_EVERY = 1.0
_BACKLOG = 16
# Never zero, so that a loop on a full process doesn't spin.
_RESTS = 0.1

log = structlog.get_logger()


class HungUp(Exception):
    """The sender of the order has gone, or the daemon stops: nobody reads the output."""


class Caller:
    """The command at the other end of a connection: its user (`uid`), and its terminal's abilities.

    Its work is done at a `control`, for the town of the configuration `file`. Every output raises HungUp once the
    command has gone.
    """

    def __init__(self, line: socket.socket, order: Order, uid: int, control: Callable[[], Control], file: Path) -> None:
        self.control = control
        self.file = file
        self.colours = order.colours
        self.unicode = order.unicode
        self.uid = uid
        self._line = line
        self._told_at = time.monotonic()

    def tell(self, kind: str, what: object) -> None:
        """Send one line of the answer."""
        try:
            self._line.sendall(json.dumps({kind: what}).encode() + b"\n")
        except OSError:
            raise HungUp from None
        self._told_at = time.monotonic()

    def must_be_there(self) -> None:
        """Raise HungUp where nobody waits for the answer any more."""
        poll = select.poll()
        # It tells that the other end has closed without reading anything from it (poll(2)).
        poll.register(self._line, select.POLLRDHUP)
        if poll.poll(0):
            raise HungUp

    def hang_up(self) -> NoReturn:
        """Break off: the command is to do by itself what it was handed over."""
        raise HungUp

    def rest(self, seconds: float) -> None:
        """Wait, longer than asked: here lanes need the time. Let the other end know that somebody is at work."""
        if time.monotonic() - self._told_at > _BEATS_EVERY:
            self.tell("beat", None)
        time.sleep(max(seconds, _RESTS))
        self.must_be_there()


CarryOut = Callable[[Order, Caller], int]


@dataclass(frozen=True, slots=True)
class Handed:
    """The daemon's side of commands: the function, and the seal of its configuration from before it was read."""

    carry_out: CarryOut
    seal: str


def take_commands(control: Callable[[], Control], town: Town, handed: Handed) -> Commands | None:
    """Listen for commands; None where that can't be: they work by themselves then, as well and not as fast."""
    # Without it nobody can tell who gives an order, and the audit log needs their login (docs/adr/0004, 0014).
    if not hasattr(socket, "SO_PEERCRED"):
        return None
    try:
        return Commands(control, town, handed)
    except OSError as error:
        log.warning("control.closed", error=str(error))
        return None


class Commands:
    """Listens from the start; `close` ends it, and what is under way with it."""

    def __init__(self, control: Callable[[], Control], town: Town, handed: Handed) -> None:
        self._file = town.file
        self._control = control
        self._handed = handed
        self._places = threading.BoundedSemaphore(PLACES)
        self._under_way: dict[threading.Thread, socket.socket] = {}
        self._turn = threading.Lock()
        self._path = own_socket(town.beside, KIND)
        # Where the store is on a server, nobody has made it yet.
        self._path.parent.mkdir(parents=True, exist_ok=True)
        # Left behind by daemons that were killed; each would cost every command one more try.
        for left in sockets(town.beside):
            _bury(left)
        self._door = _listening(self._path)
        self._closed = threading.Event()
        # A daemon thread, as those below: one that hangs doesn't keep the process from ending.
        threading.Thread(target=self._accept, name="control", daemon=True).start()

    def close(self) -> None:
        """Take nothing more, hang up on who waits, and let what is being stored be stored."""
        self._closed.set()
        # The name goes first: a command that comes now finds no daemon, and works by itself at once.
        self._path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self._door.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
        self._door.close()
        with self._turn:
            under_way = dict(self._under_way)
        for line in under_way.values():
            with contextlib.suppress(OSError):
                # Wakes the thread that reads from it, which closing would not.
                line.shutdown(socket.SHUT_RDWR)
        deadline = time.monotonic() + ENDS_WITHIN
        for thread in under_way:
            thread.join(max(deadline - time.monotonic(), 0.0))

    def _accept(self) -> None:
        while not self._closed.is_set():
            try:
                line, _ = self._door.accept()
            except OSError:
                time.sleep(_RESTS)  # closed, or no file is left: those who wait work alone
                continue
            # Nobody queues for a place: a command that is turned away does the work itself, and loses nothing but time.
            if self._closed.is_set() or not self._places.acquire(blocking=False):
                line.close()
                continue
            # Started under the lock: a thread that is done at once must find its entry to remove it.
            thread = threading.Thread(target=self._serve, args=(line,), name="command", daemon=True)
            with self._turn:
                try:
                    thread.start()
                except RuntimeError:  # the system has no room for another thread
                    line.close()
                    self._places.release()
                else:
                    self._under_way[thread] = line

    def _serve(self, line: socket.socket) -> None:
        try:
            # Without an answer, the command does it by itself.
            with Guarded("command.failed", but=(HungUp, OSError, ValueError)), line:
                self._answer(line)
        except (HungUp, OSError, ValueError) as error:
            log.debug("command.broken_off", error=str(error))
        finally:
            with self._turn:
                del self._under_way[threading.current_thread()]
            self._places.release()

    def _answer(self, line: socket.socket) -> None:
        line.settimeout(ORDERED_WITHIN)
        uid = peer_of(line)
        if uid not in (0, os.getuid()):
            return
        # The seal was taken before the configuration was read: a file that changed meanwhile can't match it.
        line.sendall(json.dumps({"seal": self._handed.seal}).encode() + b"\n")
        order = receive(line, ORDERED_WITHIN)
        # Set again, because `receive` left only the rest of the order's time.
        line.settimeout(ORDERED_WITHIN)
        caller = Caller(line, order, uid, self._control, self._file)
        caller.tell("status", self._handed.carry_out(order, caller))


def _bury(path: Path) -> None:
    """Take away a killed daemon's socket; a living one listens before its socket has this name."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        line.settimeout(_RESTS)
        try:
            line.connect(os.fspath(path))
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)
        # Any other answer may be a living daemon's that is too busy to accept.
        except OSError:
            return


def _listening(path: Path) -> socket.socket:
    """The socket, which has its name only once it listens and is its user's alone: so one that refuses is dead."""
    new = path.with_name(f".{path.name}")
    new.unlink(missing_ok=True)
    door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        door.bind(os.fspath(new))
        new.chmod(0o600)
        door.listen(_BACKLOG)
        new.rename(path)
    except BaseException:
        door.close()
        raise
    return door
