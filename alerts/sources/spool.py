"""Bodies that are too large for memory: each is kept in a file, and read from there by the process that reads it.

The file is in the folder for temporary files and has no name, so that it is gone with this process, however that ends;
its reader opens it through `/proc` (man 5 proc). It is written as it came; its reader unpacks it (`Unpacked`), and
bounds that too.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import io
import os
import tempfile
import weakref
from collections.abc import AsyncIterator
from typing import Any, BinaryIO

from alerts.model.bounds import is_packed, too_large
from alerts.model.errors import SourceFailed, Unreadable
from alerts.model.reason import because

LARGEST = 256 * 1_048_576
"""Bytes of such a body, as it came and unpacked: the largest national file there is has 171 MB."""
PIECE = 1_048_576
"""Bytes that are taken at a time."""


class SpooledBody:
    """A body in a file at `path`, as long as this object is there, with its digest."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="tocsin-body-")  # noqa: SIM115 it is closed with this object
        self.path = f"/proc/{os.getpid()}/fd/{self._file.fileno()}"
        self.digest = ""
        self._hash = hashlib.sha256()
        weakref.finalize(self, self._file.close)

    @classmethod
    async def of(cls, pieces: AsyncIterator[bytes], announced: int | None) -> SpooledBody:
        """Write the whole body. Raises FailedForGood for too large a one, SourceFailed where the disk takes no more."""
        if (announced or 0) > LARGEST:
            raise too_large(LARGEST)
        try:
            body, size = await asyncio.to_thread(cls), 0
            async for piece in pieces:
                size += len(piece)
                if size > LARGEST:
                    raise too_large(LARGEST)
                await asyncio.to_thread(body.add, piece)
            await asyncio.to_thread(body.finish)
        except OSError as error:
            raise SourceFailed(because("spool_failed", said=error.strerror or "")) from None
        return body

    def add(self, piece: bytes) -> None:
        """Append to the file."""
        self._hash.update(piece)
        self._file.write(piece)

    def finish(self) -> None:
        """Have all of it in the file, which may be read now."""
        self._file.flush()
        self.digest = self._hash.hexdigest()


class Unpacked(io.RawIOBase):
    """A file, unpacked where it is gzip, of which no more than `LARGEST` bytes are read."""

    def __init__(self, file: BinaryIO) -> None:
        head = file.read(2)
        file.seek(0)
        self._file: Any = gzip.GzipFile(fileobj=file) if is_packed(head) else file
        self._left = LARGEST

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes."""
        piece: bytes = self._file.read(min(size if size > 0 else 65_536, 1_048_576))
        self._left -= len(piece)
        if self._left < 0:
            raise Unreadable(because("answer_too_large", most=f"{LARGEST // 1_048_576}"))
        return piece
