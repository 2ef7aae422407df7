"""The daemon's side of the control socket: it carries out what commands hand over, by the command line's own function.

How it works: the standard library's HTTP server accepts in a thread; each connection then has a thread of its own and
at most `PLACES` of them run at a time, so whoever finds none goes away at once and works alone. A thread reads one
order within seconds, and calls the function that the command would have called, on a connection to the database of its
own, like any other process. Nothing of it runs in the event loop, and lanes are woken as by any command.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import socket
import socketserver
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, NoReturn

import structlog

from alerts.daemon.control import KIND, LARGEST_BODY, LARGEST_ORDER, Order, peer_of, sockets
from alerts.daemon.desk import Control
from alerts.delivery.worker import Guarded
from alerts.model.town import Town
from alerts.store.sockets import own_socket

PLACES = 8
"""Commands that are carried out at a time; some of them only wait (`--wait`)."""
ORDERED_WITHIN = 5.0
"""Seconds in which each part of an order comes, and in which each line of the answer is taken."""
ENDS_WITHIN = 5.0
"""Seconds that a stop waits for what is under way."""
# How often a waiting command gets a sign of life.
_BEATS_EVERY = 1.0
# Never zero, so that a loop on a full process doesn't spin.
_RESTS = 0.1

log = structlog.get_logger()


class HungUp(Exception):
    """The sender of the order has gone, or the daemon stops: nobody reads the output."""


CarryOut = Callable[[Order, "Caller"], int]


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


class Commands(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """Listens from the start; `close` ends it, and what is under way with it."""

    daemon_threads = True  # one that hangs doesn't keep the process from ending
    request_queue_size = 16

    def __init__(self, control: Callable[[], Control], town: Town, handed: Handed) -> None:
        self.file = town.file
        self.control = control
        self.handed = handed
        self._path = own_socket(town.beside, KIND)
        self._places = threading.BoundedSemaphore(PLACES)
        self._under_way: set[socket.socket] = set()
        # Where the store is on a server, nobody has made it yet.
        self._path.parent.mkdir(parents=True, exist_ok=True)
        # Left behind by daemons that were killed; each would cost every command one more try.
        for left in sockets(town.beside):
            _bury(left)
        # The socket has its name only once it listens and is its user's alone: so one that refuses is dead.
        new = self._path.with_name(f".{self._path.name}")
        new.unlink(missing_ok=True)
        super().__init__(os.fspath(new), Caller)
        new.rename(self._path)
        threading.Thread(target=self.serve_forever, args=(None,), name="control", daemon=True).start()

    def server_activate(self) -> None:
        """Listen, for this user alone."""
        Path(os.fsdecode(self.socket.getsockname())).chmod(0o600)
        super().server_activate()

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept a connection."""
        try:
            return super().get_request()
        except OSError:
            time.sleep(_RESTS)  # closed, or no file is left: those who wait work alone
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer our own user and root, if there is a place.

        Nobody queues for one: a command that is turned away does the work itself, and loses nothing but time.
        """
        if peer_of(request) not in (0, os.getuid()) or not self._places.acquire(blocking=False):
            self.shutdown_request(request)
            return
        self._under_way.add(request)
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._under_way.discard(request)
            self._places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 it has no address
        """Hang up: without an answer, the command does it by itself."""
        log.debug("command.broken_off", error=str(sys.exception()))

    def close(self) -> None:
        """Take nothing more, hang up on who waits, and let what is being stored be stored."""
        # The name goes first: a command that comes now finds no daemon, and works by itself at once.
        self._path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
        self.shutdown()
        self.server_close()
        for line in list(self._under_way):
            with contextlib.suppress(OSError):
                # Wakes the thread that reads from it, which closing would not.
                line.shutdown(socket.SHUT_RDWR)
        deadline = time.monotonic() + ENDS_WITHIN
        for _ in range(PLACES):
            self._places.acquire(timeout=max(deadline - time.monotonic(), 0.0))


class Caller(BaseHTTPRequestHandler):
    """The command at the other end of a connection: its order comes as a request, its output goes as the answer.

    Its work is done at a `control`, for the town of the configuration `file`, in the name of the user `uid`. `colours`
    and `unicode` are its terminal's abilities. Every output raises HungUp once the command has gone.
    """

    server: Commands
    protocol_version = "HTTP/1.1"
    timeout = ORDERED_WITHIN

    def setup(self) -> None:
        """Note who connects."""
        super().setup()
        self.control, self.file, self.uid = self.server.control, self.server.file, peer_of(self.connection)

    def handle_expect_100(self) -> bool:
        """Ask for the order, if the command has read the same files as this daemon."""
        return self._reads_the_same() and super().handle_expect_100()

    def do_POST(self) -> None:
        """Carry an order out."""
        if not self._reads_the_same():  # not every caller waits to be asked
            return
        size = int(self.headers["Content-Length"] or 0)
        # Below zero it would be read to the end, however far that is.
        if not 0 <= size <= LARGEST_ORDER + LARGEST_BODY:
            raise ValueError("an order larger than any")
        order = Order.read(self.rfile.read(size))
        self.colours, self.unicode = order.colours, order.unicode
        self.send_response_only(HTTPStatus.OK)
        self.send_header("Connection", "close")
        self.end_headers()
        self._wrote_at = time.monotonic()
        with Guarded("command.failed", but=(HungUp, OSError, ValueError)):
            self.tell("status", self.server.handed.carry_out(order, self))

    def _reads_the_same(self) -> bool:
        """True if the caller has read the same files as this daemon; the refusal is sent, if not."""
        # The seal was taken before the configuration was read: a file that changed meanwhile can't match it.
        if self.headers["If-Match"] == self.server.handed.seal:
            return True
        self.send_error(HTTPStatus.PRECONDITION_FAILED)
        return False

    def log_message(self, *_: object) -> None:
        """Write no line for each request: what a command does is in the audit log."""

    def tell(self, kind: str, what: object) -> None:
        """Send one line of the answer."""
        try:
            self.wfile.write(json.dumps({kind: what}).encode() + b"\n")
        except OSError:
            raise HungUp from None
        self._wrote_at = time.monotonic()

    def must_be_there(self) -> None:
        """Raise HungUp where nobody waits for the answer any more."""
        poll = select.poll()
        # It tells that the other end has closed without reading anything from it (poll(2)).
        poll.register(self.connection, select.POLLRDHUP)
        if poll.poll(0):
            raise HungUp

    def hang_up(self) -> NoReturn:
        """Break off: the command is to do by itself what it was handed over."""
        raise HungUp

    def rest(self, seconds: float) -> None:
        """Wait, longer than asked: here lanes need the time. Let the other end know that somebody is at work."""
        if time.monotonic() - self._wrote_at > _BEATS_EVERY:
            self.tell("beat", None)
        time.sleep(max(seconds, _RESTS))
        self.must_be_there()


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
