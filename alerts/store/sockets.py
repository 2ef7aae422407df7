"""The sockets next to the database, by which other processes reach the daemons that work on it.

Each daemon has one of each kind, named after the database, the kind and its process: `wake` is a datagram socket that
every writer rings, `control` takes whole commands (`alerts.daemon.control`). Commands start with this module, so it
imports little.
"""

from __future__ import annotations

import contextlib
import glob
import os
import socket
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

_LONGEST_PATH = 100  # sun_path is 108 bytes on Linux, 104 on macOS (unix(7))


def _beside(path: Path, kind: str) -> Path:
    """The folder and name that the sockets of this kind of a database start with; short enough for a socket's path."""
    beside = path.with_name(f"{path.name}-{kind}")
    if len(os.fsencode(beside)) <= _LONGEST_PATH - 12:
        return beside
    import tempfile  # noqa: PLC0415 a folder that deep is rare

    digest = sha256(os.fsencode(path.resolve())).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"tocsin-{os.getuid()}-{digest}-{kind}"


def own_socket(path: Path, kind: str) -> Path:
    """Return the path of this process's socket of a kind, next to the database."""
    beside = _beside(path, kind)
    return beside.with_name(f"{beside.name}.{os.getpid()}")


def sockets_beside(path: Path, kind: str) -> Iterator[Path]:
    """Return the daemons' sockets of a kind next to the database; those of killed ones, too."""
    beside = _beside(path, kind)
    return beside.parent.glob(f"{glob.escape(beside.name)}.*")


def open_doorbell(path: Path) -> tuple[socket.socket, Path]:
    """A datagram socket on which `notify` is heard; the caller closes it and unlinks its path.

    Sockets that a killed daemon left behind are removed.
    """
    notify(path)
    own = own_socket(path, "wake")
    own.unlink(missing_ok=True)
    bell = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    bell.bind(os.fspath(own))
    return bell, own


def notify(path: Path, but: Path | None = None) -> int:
    """Wake every daemon that works on the database at `path`; returns how many there are. Never raises.

    `but` is the bell of whoever rings, where that is a daemon itself.
    """
    heard = 0
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as rope:
        for bell in sockets_beside(path, "wake"):
            if bell == but:
                continue
            try:
                rope.sendto(b"!", os.fspath(bell))
                heard += 1
            except BlockingIOError:
                heard += 1  # its queue is full of rings: it is awake
            except ConnectionRefusedError:
                bell.unlink(missing_ok=True)
            except OSError:
                continue
    return heard
