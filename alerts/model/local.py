"""Files that channels.toml names: they are found by their type, wherever they occur in it, and read here.

A town that runs alone may name any file that its process can read. A town of a fleet has its own folder (`within`): a
file is checked when it is opened, by the path of the open file, so a link that is changed meanwhile can't lead
elsewhere. Only a regular file is read, without blocking, and no more of it than `most`.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

SMALL, LARGE = 1_000_000, 64_000_000
"""Bytes of a file that are read where it has to lie in a folder: of settings and templates, and of outlines."""


class LocalFile(str):  # noqa: SLOT000 a text has none to add
    """A path as channels.toml says it, relative to that file's folder; `within` is the folder that it has to lie in.

    It may be written as `file:///…` or `sqlite:///…`.
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
        """The same, which has to lie in that folder."""
        kept = LocalFile(self)
        kept.within = folder
        return kept


def within_of(name: str) -> Path | None:
    """The folder that the file or the folder of that name has to lie in; None: it may lie anywhere."""
    return name.within if isinstance(name, LocalFile) else None


def read_named(folder: Path, name: str, most: int = LARGE) -> bytes:
    """The content of a file that channels.toml in `folder` names. Raises OSError, also for more than `most` bytes."""
    with open_named(folder, name) as file:
        return _bounded(file, most)


def open_named(folder: Path, name: str) -> BinaryIO:
    """The same file, open for reading. Raises OSError, also where it may not be read."""
    return _opened(folder / (name.path if isinstance(name, LocalFile) else name), within_of(name))


def read_file(path: Path, within: Path | None, most: int = LARGE) -> bytes:
    """Return the content of a file; with `within`, only of a regular file inside that folder after resolving links.

    Raises OSError, also for more than `most` bytes.
    """
    with _opened(path, within) as file:
        return _bounded(file, most)


def _opened(path: Path, within: Path | None) -> BinaryIO:
    # Whoever opens a pipe would wait for its other end; of a file this changes nothing.
    waits = 0 if within is None else os.O_NONBLOCK
    file = os.fdopen(os.open(path, os.O_RDONLY | os.O_CLOEXEC | waits), "rb")
    if within is not None and (wrong := _stray(file, within)) is not None:
        file.close()
        raise OSError(errno.EXDEV, wrong, str(path))
    return file


def _stray(file: BinaryIO, folder: Path) -> str | None:
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        return "no regular file"
    # By what is open, and not by its name, which may lead elsewhere by now (proc_pid_fd(5)).
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
