"""One process of the program: started, listened to, and ended by a signal."""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from queue import Empty, Queue
from typing import IO

from campaign.forks import Forked, ForkServer
from campaign.winding import Dial

PATIENCE = 180.0
"""Seconds that anything may take where the machine does much else: whoever has what they wait for goes on at once."""
_BREATH = 0.05
_WORKERS = 16
_dealt = itertools.count(random.randrange(1_000))


class Running:
    """`tocsin ARGUMENTS`, as a process of its own. Its output is read as it comes, or goes to the file `log`.

    `url` is where it answers, once it has said so. `files` is how many files it may have open (None: as many as we).
    With `forks` it is a fork of that server's process, and goes by the town's `dial` where there is one. `meanwhile` is
    done again and again while somebody waits for what it says.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        folder: Path,
        environment: Mapping[str, str],
        log: Path | None = None,
        *,
        files: int | None = None,
        forks: ForkServer | None = None,
        dial: Dial | None = None,
    ) -> None:
        self.url = ""
        self.meanwhile: Callable[[], None] | None = None
        self.stands_still = False
        self.lines: list[str] = []
        self._queue: Queue[str] = Queue()
        self.process: subprocess.Popen[str] | Forked
        with Path(os.devnull).open("rb") as nothing, (log or Path(os.devnull)).open("ab") as file:
            if forks is not None and log is not None:
                streams = (nothing.fileno(), file.fileno(), file.fileno())
                self.process = forks.start(arguments, folder, environment, streams, files=files, dial=dial)
            elif forks is not None:
                (heard, said), (seen, shown) = os.pipe(), os.pipe()
                streams = (nothing.fileno(), said, shown)
                self.process = forks.start(arguments, folder, environment, streams, files=files, dial=dial)
                os.close(said)
                os.close(shown)
                self.process.stdout, self.process.stderr = os.fdopen(heard), os.fdopen(seen)
            else:
                command = [sys.executable, "-m", "alerts.cli", *arguments]
                if files is not None:
                    command = ["prlimit", f"--nofile={files}:{files}", *command]
                out = subprocess.PIPE if log is None else file
                self.process = subprocess.Popen(command, cwd=folder, env=environment, stdout=out, stderr=out, text=True)
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                threading.Thread(target=self._read, args=(stream,), daemon=True).start()

    @property
    def pid(self) -> int:
        """The number the system knows it by."""
        return self.process.pid

    @property
    def seat(self) -> int | None:
        """Where it writes how far it follows the town's dial; None while it goes by none, or not on."""
        follows = isinstance(self.process, Forked) and self.alive and not self.stands_still
        return self.process.seat if follows and isinstance(self.process, Forked) else None

    @property
    def alive(self) -> bool:
        """Whether it hasn't ended."""
        return self.process.poll() is None

    def wait_for(self, pattern: str, patience: float = PATIENCE) -> re.Match[str]:
        """The next line that the pattern is found in. Raises AssertionError with what it said instead."""
        deadline = time.monotonic() + patience
        while (left := deadline - time.monotonic()) > 0:
            try:
                line = self._queue.get(timeout=min(left, _BREATH))
            except Empty:
                if self.meanwhile is not None:
                    self.meanwhile()
                continue
            self.lines.append(line)
            if match := re.search(pattern, line):
                return match
        raise AssertionError(f"no line with {pattern!r} within {patience} s; it said:\n" + "\n".join(self.lines[-40:]))

    def send(self, number: int) -> None:
        """Send it a signal, if it still runs."""
        if self.alive:
            self.stands_still = number == signal.SIGSTOP
            self.process.send_signal(number)

    def stand_still(self) -> None:
        """Stop it, and return once none of its threads runs any more (state T, proc_pid_stat(5))."""
        self.send(signal.SIGSTOP)
        while self.alive and _runs(self.pid):
            time.sleep(0.001)

    def stop(self, number: int = signal.SIGTERM, patience: float = PATIENCE) -> int:
        """Send the signal and wait for the end; returns the exit status."""
        self.send(number)
        return self.process.wait(patience)

    def _read(self, stream: IO[str]) -> None:
        with stream:
            for line in stream:
                self._queue.put(line.rstrip("\n"))


def _runs(pid: int) -> bool:
    """Whether a thread of that process isn't stopped."""
    for status in Path(f"/proc/{pid}/task").glob("*/stat"):
        with contextlib.suppress(OSError):  # it has just ended
            # The state follows the name in brackets, which may hold any bytes.
            if status.read_bytes().rpartition(b")")[2].split()[0] != b"T":
                return True
    return False


def free_port() -> int:
    """A port where nobody listens, and which the system gives nobody who asks for any: it stays free for a while.

    No other worker of the tests is given it, and this process not twice before it was given all others.
    """
    given = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text(encoding="ascii").split()
    share = (max(int(given[0]), 20_000) - 10_000) // _WORKERS
    first = 10_000 + share * (int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % _WORKERS)
    while True:
        port = first + next(_dealt) % share
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port
