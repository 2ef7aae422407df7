"""Forks what reads strangers' bytes: 10 ms of CPU each, not the 600 of importing the parsers in each daemon's own.

How it works: `start` begins one process of this module, lean enough for the limits of memory that a reader has. It
waits for datagrams on a Unix socket, each with the daemon's socket and a pipe (`campaign.forks.serve`). From then on
`alerts.apart.pool` begins its processes in this way, in every fork. A fork has what `alerts.apart.child` sets itself:
limits, its own session, no environment; but it keeps the priority of whoever asks. Tests with the mark `cold`, and
those of `alerts.apart`, begin readers as a daemon does. The process ends with the one that began it.
"""

from __future__ import annotations

import gc
import importlib
import os
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

from campaign.forks import Forked, fork, serve

_PARSERS = (
    "alerts.reports.photos",
    "alerts.sources.feed",
    "alerts.sources.ical.agenda",
    "alerts.sources.vigilance.bulletin",
    "alerts.store.pictures",
)


def start(path: Path) -> None:
    """Begin the server, which listens at `path`, and have this process and all its forks begin their readers there."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(path))
        command = [sys.executable, "-B", "-m", "campaign.readers", str(listener.fileno())]
        subprocess.Popen(command, pass_fds=[listener.fileno()])

    def begin(command: tuple[str, ...], *, stdin: int, **_: object) -> Forked:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line, Path(os.devnull).open("ab") as nothing:
            line.connect(str(path))
            pid, status = fork(line, b"read", [stdin, nothing.fileno(), nothing.fileno()])
        return Forked(command, status, pid)

    begun = SimpleNamespace(Popen=begin, DEVNULL=subprocess.DEVNULL, TimeoutExpired=subprocess.TimeoutExpired)
    vars(importlib.import_module("alerts.apart.pool"))["subprocess"] = begun


def main() -> None:
    """Serve; in a fork, read."""
    listener = socket.socket(fileno=int(sys.argv[1]))
    ends = os.pidfd_open(os.getppid())
    child = importlib.import_module("alerts.apart.child")
    for module in _PARSERS:
        importlib.import_module(module)
    gc.collect()
    gc.freeze()
    if serve(listener, ends) is None:
        return
    status = 1
    try:
        os.setsid()
        os.chdir("/")
        os.environ.clear()
        vars(os)["nice"] = int
        child.main()
        status = 0
    finally:
        os._exit(status)


if __name__ == "__main__":
    main()
