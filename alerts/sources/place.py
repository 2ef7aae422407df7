"""The place of a source's documents: an address, shared with all who name it, or a file of its own.

A source gives its place the digest of the version it has read whole, and gets the document if that has changed.
"""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

from alerts.model.errors import FailedForGood, SourceFailed
from alerts.model.local import LocalFile, open_file, read_file
from alerts.model.ports import Surroundings
from alerts.model.reason import because
from alerts.sources.document import FetchedDocument
from alerts.sources.fetch import MAX_BYTES
from alerts.sources.settings import PolledSettings
from alerts.sources.shared import SharedReader
from alerts.sources.spool import LARGEST, PIECE, SpooledBody


class Place(Protocol):
    """Somewhere documents can be had."""

    async def look(self, digest: str | None) -> FetchedDocument | None:
        """Return the document, or None if it still has this digest. Raises SourceFailed."""
        ...

    async def linked(self, url: str, version: str) -> FetchedDocument:
        """Return the document linked as `url`, in that version.

        Raises SourceFailed, or FailedForGood if it is permanent.
        """
        ...

    def on_news(self, wake: Callable[[], None] | None) -> None:
        """Register `wake` to be called on news. None: unregister."""
        ...


def place_of(settings: PolledSettings, around: Surroundings, *, large: bool = False) -> Place:
    """The place that `url` of channels.toml names: an address, or a file relative to that file's folder.

    The body of a `large` document is in a file.
    """
    if isinstance(settings.url, LocalFile):
        return FilePlace(around.town.folder / settings.url.path, settings, around, settings.url.within, large=large)
    return SharedReader.around(around).share(settings, around, large=large)


class FilePlace:
    """A file on this machine. It is read when its time, size or inode changed, and new when its content did."""

    def __init__(
        self,
        path: Path,
        settings: PolledSettings,
        around: Surroundings,
        within: Path | None = None,
        *,
        large: bool = False,
    ) -> None:
        self._path = path
        self._large = large
        self._within = within
        # For what it links to elsewhere.
        self._share = SharedReader.around(around).share(settings, around, path.absolute().as_uri())
        self._seen: tuple[int, int, int] | None = None
        self._digest: str | None = None

    async def look(self, digest: str | None) -> FetchedDocument | None:
        """Read the file off the loop, unless nothing about it changed since it had this digest."""
        return await asyncio.to_thread(self.read, digest)

    async def linked(self, url: str, version: str) -> FetchedDocument:
        """A file only where it is in the folder of this one; no address is this file's own, so all must be public."""
        if url.lower().startswith("file:"):
            return await asyncio.to_thread(self._read, self._beside(url))
        return await self._share.linked(url, version)

    def on_news(self, wake: Callable[[], None] | None) -> None:
        """Unregister from the address. A file sends no news of its own: it is polled."""
        if wake is None:
            self._share.on_news(None)

    def read(self, digest: str | None) -> FetchedDocument | None:
        """The file, or None where it is still what has this digest. Raises SourceFailed."""
        try:
            stat = self._path.stat()
        except OSError:
            seen = None
        else:
            seen = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
        if seen is not None and seen == self._seen and digest == self._digest:
            return None
        document = self._read(self._path)
        # The time is of before it was read: what is written meanwhile makes another one.
        self._seen, self._digest = seen, document.digest
        return document if document.digest != digest else None

    def _beside(self, url: str) -> Path:
        try:
            path = Path(unquote(urlsplit(url).path)).resolve()
        except ValueError:
            raise FailedForGood(because("file_link_unread")) from None
        if not path.is_relative_to(self._path.resolve().parent):
            raise FailedForGood(because("file_link_outside"))
        return path

    def _read(self, path: Path) -> FetchedDocument:
        try:
            if self._large:
                return FetchedDocument(path.absolute().as_uri(), b"", file=self._copy(path))
            body = read_file(path, self._within, MAX_BYTES)
        except FileNotFoundError:
            raise SourceFailed(because("file_missing", path=path)) from None
        except OSError as error:
            if error.errno == errno.EFBIG:
                raise FailedForGood(
                    because("file_too_large", path=path, most=(LARGEST if self._large else MAX_BYTES) // 1_048_576)
                ) from None
            raise SourceFailed(because("file_unread", path=path, said=error.strerror)) from None
        return FetchedDocument(path.absolute().as_uri(), body)

    def _copy(self, path: Path) -> SpooledBody:
        """A copy that stays as it is while it is read. Raises OSError."""
        body, left = SpooledBody(), LARGEST
        with open_file(path, self._within) as file:
            while piece := file.read(PIECE):
                left -= len(piece)
                if left < 0:
                    raise OSError(errno.EFBIG, "too large", str(path))
                body.add(piece)
        body.finish()
        return body
