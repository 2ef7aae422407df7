"""Files named in channels.toml: their type, `LocalFile`, marks them wherever they occur in it; they are read here.

A town that runs alone may name any file that its process can read. A town of a fleet has its own folder (`within`): a
file is checked when it is opened, by the path of the open file, so a link that is changed meanwhile can't lead
elsewhere; only a regular file is read, without blocking. Of any file no more than `most` bytes are read.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

SMALL, LARGE = 1_000_000, 64_000_000
"""Most bytes that are read of a file: of settings, secrets and templates; of all others, such as outlines."""


class LocalFile(str):  # noqa: SLOT000 a text has none to add
    """A path as written in channels.toml, relative to that file's folder; `within` is the folder that it must be in.

    It may be written as `file:///…` or `sqlite:///…`. Without `within` it may be anywhere.
    """

    within: Path | None = None

    @property
    def path(self) -> str:
        """The path without a scheme."""
        if self.startswith("sqlite:///"):
            return self.removeprefix("sqlite:///")
        parts = urlsplit(self)
        return unquote(parts.path) if parts.scheme == "file" else str(self)

    def kept_within(self, folder: Path) -> LocalFile:
        """Return the same path, which must be in that folder."""
        kept = LocalFile(self)
        kept.within = folder
        return kept


def within_of(name: str) -> Path | None:
    """Return the folder that a path must be in; None if it may be anywhere."""
    return name.within if isinstance(name, LocalFile) else None


def read_named(folder: Path, name: str, most: int = LARGE) -> bytes:
    """Return the content of a file named in the channels.toml of `folder`.

    Raises OSError, also for more than `most` bytes.
    """
    with open_named(folder, name) as file:
        return _bounded(file, most)


def open_named(folder: Path, name: str) -> BinaryIO:
    """Open such a file for reading. Raises OSError, also for a file that `within` forbids."""
    return open_file(folder / (name.path if isinstance(name, LocalFile) else name), within_of(name))


def read_file(path: Path, within: Path | None, most: int = LARGE) -> bytes:
    """Return the content of a file; with `within`, only of a regular file inside that folder after resolving links.

    Raises OSError, also for more than `most` bytes.
    """
    with open_file(path, within) as file:
        return _bounded(file, most)


def open_file(path: Path, within: Path | None) -> BinaryIO:
    """Open a file for reading, as `read_file` does. Raises OSError."""
    # Opening a pipe would wait for its other end; for a regular file the flag changes nothing.
    nonblocking = 0 if within is None else os.O_NONBLOCK
    file = os.fdopen(os.open(path, os.O_RDONLY | os.O_CLOEXEC | nonblocking), "rb")
    if within is not None and (wrong := _stray(file, within)) is not None:
        file.close()
        raise OSError(errno.EXDEV, wrong, str(path))
    return file


def _stray(file: BinaryIO, folder: Path) -> str | None:
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        return "no regular file"
    # Checked by the open file, not by its name, which may lead elsewhere by now (proc_pid_fd(5)).
    is_there = is_within(Path(f"/proc/self/fd/{file.fileno()}"), folder)
    return None if is_there else "outside of the town's folder"


def _bounded(file: BinaryIO, most: int) -> bytes:
    content = file.read(most + 1)
    if len(content) > most:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), file.name)
    return content


def is_within(path: Path, folder: Path) -> bool:
    """True if a path is in the folder after resolving links."""
    return path.resolve().is_relative_to(folder.resolve())
