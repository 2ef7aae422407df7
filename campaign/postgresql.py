"""A PostgreSQL of our own, thrown away afterwards: for tests, the campaign and the bench.

How it works: `initdb` makes a cluster in a folder of its own, `postgres` runs on it as our child and listens on a Unix
socket in that folder, so that nobody else is in the way. Both refuse to run as root, and run as another user then. A
small shell beside it waits for the end of a pipe that only we hold: whatever we die of, it then stops the server and
takes the folder away.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import re
import select
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from itertools import count
from pathlib import Path
from typing import NamedTuple, Self
from urllib.parse import quote

import psycopg

from campaign.running import free_port

OLDEST = 13
"""The oldest version that is taken."""
MISSING = f"no PostgreSQL {OLDEST} or newer here: apt-get install postgresql, or put its bin folder on the PATH"
_PATIENCE = 180.0
_BREATH = 0.005
_QUICK = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off", "autovacuum": "off"}
_QUICK |= {"shared_buffers": "32MB", "wal_level": "minimal", "max_wal_senders": "0"}
# $1 is the folder. A server that doesn't go within ten seconds is killed.
_GUARD = """
read -r nothing
if pid=$(head -n 1 "$1/data/postmaster.pid" 2>/dev/null) && kill -QUIT "$pid" 2>/dev/null; then
    for turn in $(seq 100); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
    kill -KILL "$pid" 2>/dev/null
fi
rm -rf "$1"
"""


class Binaries(NamedTuple):
    """Where an installation's programs are, and its major version."""

    folder: Path
    version: int


@cache
def find_binaries() -> Binaries | None:
    """PostgreSQL on the PATH, or else the newest that Debian or the PostgreSQL project installed; None: neither."""
    on_path = shutil.which("initdb")
    folders = [Path(on_path).resolve().parent] if on_path is not None else []
    for pattern in ("lib/postgresql/*/bin", "pgsql-*/bin"):
        folders += sorted(Path("/usr").glob(pattern), key=lambda each: -_number(each.parent.name))
    for folder in folders:
        if (folder / "postgres").exists() and (folder / "initdb").exists():
            answered = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, check=False)
            version = _number(answered.stdout)
            if version >= OLDEST:
                return Binaries(folder, version)
    return None


def _number(words: str) -> int:
    found = re.search(r"\d+", words)
    return int(found[0]) if found is not None else 0


class PostgreSQL:
    """A server that is there from `start` to `close`; also a context.

    With `durable` it keeps what it was told as one for a town does: for kills and for figures. Without, nothing waits
    for the disk. Its folder is made `beneath` that one (None: where temporary files are), which every user must be able
    to enter. `tcp` lets it listen on 127.0.0.1 as well, and its URLs name that. `settings` are those of
    postgresql.conf. Text is ordered as in a French town (from version 15 on), so that nobody relies on bytes' order.

    Raises RuntimeError where it isn't installed (`MISSING`), or doesn't start: with its own words.
    """

    def __init__(
        self,
        *,
        durable: bool = False,
        beneath: Path | None = None,
        tcp: bool = False,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        found = find_binaries()
        if found is None:
            raise RuntimeError(MISSING)
        self._binaries = found
        self._settings = {**({} if durable else _QUICK), "max_connections": "200", **(settings or {})}
        self._port = free_port() if tcp else None
        self._user = _another_user() if os.geteuid() == 0 else None
        self._numbers = count(1)
        self._made: dict[Callable[[str], None], str] = {}
        self._server: subprocess.Popen[bytes] | None = None
        self._connection: psycopg.Connection[tuple[object, ...]] | None = None
        self.folder = Path(tempfile.mkdtemp(prefix="tocsin-pg-", dir=beneath))
        """Its data, its socket and its log."""
        if self._user is not None:
            shutil.chown(self.folder, self._user, self._user)
        # A session of its own: what ends us with our terminal's Ctrl-C mustn't end it as well.
        self._guard = subprocess.Popen(
            ["/bin/sh", "-c", _GUARD, "sh", self.folder], stdin=subprocess.PIPE, start_new_session=True, cwd="/"
        )
        try:
            self._make()
            self.start()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Start it, after the first time again, and wait until it answers: what was committed is there."""
        settings = {**self._settings, "listen_addresses": "127.0.0.1" if self._port else "", "logging_collector": "off"}
        options = [each for name, value in settings.items() for each in ("-c", f"{name}={value}")]
        port = ["-p", str(self._port)] if self._port else []
        with (self.folder / "log").open("ab") as log:
            arguments = ["-D", f"{self.folder}/data", "-k", f"{self.folder}", *port, *options]
            self._server = self._start("postgres", arguments, log.fileno())
        deadline = time.monotonic() + _PATIENCE
        while not self._answers():
            if self._server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL didn't start; it said:\n{self._words()}")
            time.sleep(_BREATH)

    def stop(self) -> None:
        """Stop it in order: whoever is connected is sent away, and what was committed is written into its place."""
        self._signal(signal.SIGINT)

    def stop_hard(self) -> None:
        """Kill it with all its processes at once: connections break without a word, nothing is written any more."""
        server = self._server
        if server is None:
            return
        server.send_signal(signal.SIGSTOP)  # so that it begins no other process while we look
        children = list(_children(server.pid))
        server.kill()
        server.wait()
        self._disconnect()
        for child in children:
            with contextlib.suppress(OSError), _pidfd(child) as pidfd:
                signal.pidfd_send_signal(pidfd, signal.SIGKILL)
                select.select([pidfd], [], [], _PATIENCE)
        # Nobody is left who uses the data, and another process may get its number, which would keep `start` off.
        (self.folder / "data" / "postmaster.pid").unlink(missing_ok=True)
        self._server = None

    @contextlib.contextmanager
    def hanging(self) -> Iterator[None]:
        """Stop all of its processes while this lasts, as a container that is frozen."""
        pid = self._server.pid if self._server is not None else 0
        processes = [pid, *_children(pid)]
        for each in processes:
            os.kill(each, signal.SIGSTOP)
        try:
            yield
        finally:
            for each in processes:
                os.kill(each, signal.SIGCONT)

    def url(self, made_by: Callable[[str], None] | None = None) -> str:
        """The URL of a new database: an empty one, or as `made_by` leaves one whose URL it gets.

        What `made_by` makes is made once, and copied from then on, which takes about 12 ms.
        """
        if made_by is None:
            return self._new("template1")
        if made_by not in self._made:
            url = self._new("template1")
            made_by(url)
            self._made[made_by] = _name(url)
        return self._new(self._made[made_by])

    def drop(self, url: str) -> None:
        """Take the database away; whoever is still connected to it is sent away."""
        self.run(f'DROP DATABASE IF EXISTS "{_name(url)}" WITH (FORCE)')

    def run(self, *statements: str) -> None:
        """Run statements as its superuser, each by itself, beside the databases."""
        # A connection is a process of the server, which computes for longer than most of what is run.
        if self._connection is None:
            self._connection = psycopg.connect(self._address("postgres"), autocommit=True)
        for statement in statements:
            self._connection.execute(statement.encode())

    def close(self) -> None:
        """Stop it, and take away all that it kept."""
        self._signal(signal.SIGQUIT)
        if self._guard.stdin is not None:
            self._guard.stdin.close()
        self._guard.wait()

    def _new(self, template: str) -> str:
        name = f"d{next(self._numbers)}"
        # Since version 15 a copy goes through the journal unless told otherwise, which takes three times as long.
        strategy = " STRATEGY file_copy" if self._binaries.version >= 15 else ""
        self.run(f'CREATE DATABASE "{name}" TEMPLATE "{template}"{strategy}')
        return self._address(name)

    def _address(self, name: str) -> str:
        if self._port:
            return f"postgresql://postgres@127.0.0.1:{self._port}/{name}"
        return f"postgresql://postgres@/{name}?host={quote(str(self.folder), safe='')}"

    def _make(self) -> None:
        arguments = ["-D", f"{self.folder}/data", "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8"]
        if self._binaries.version >= 15:
            arguments += ["--locale-provider=icu", "--icu-locale=fr"]
        if self._binaries.version >= 14:
            arguments += ["--no-instructions"]
        with (self.folder / "log").open("ab") as log:
            made = self._start("initdb", [*arguments, "--no-sync"], log.fileno())
        if made.wait(_PATIENCE) != 0:
            raise RuntimeError(f"initdb failed; it said:\n{self._words()}")

    def _start(self, program: str, arguments: Iterable[str], log: int) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [self._binaries.folder / program, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            env={"PATH": os.defpath, "LC_ALL": "C.UTF-8"},
            start_new_session=True,
            user=self._user,
            group=self._user,
            extra_groups=None if self._user is None else [],
        )

    def _answers(self) -> bool:
        with contextlib.suppress(psycopg.OperationalError), psycopg.connect(self._address("postgres")):
            return True
        return False

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _signal(self, number: int) -> None:
        self._disconnect()
        if self._server is not None:
            self._server.send_signal(number)
            self._server.wait(_PATIENCE)
            self._server = None

    def _words(self) -> str:
        return (self.folder / "log").read_text(encoding="utf-8", errors="replace")[-2000:]


def _name(url: str) -> str:
    """The database that a URL of ours names."""
    return url.partition("?")[0].rpartition("/")[2]


def _another_user() -> str:
    known = {each.pw_name for each in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"


def _children(pid: int) -> Iterator[int]:
    for each in Path(f"/proc/{pid}/task").glob("*/children"):
        yield from map(int, each.read_text(encoding="ascii").split())


@contextlib.contextmanager
def _pidfd(pid: int) -> Iterator[int]:
    pidfd = os.pidfd_open(pid)
    try:
        yield pidfd
    finally:
        os.close(pidfd)
