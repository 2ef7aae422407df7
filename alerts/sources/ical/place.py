"""Where a calendar is read from: a file, noticed when it changes, or an address, asked politely."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from alerts.model.errors import SourceFailed
from alerts.model.ports import Memory
from alerts.model.reason import because
from alerts.sources.fetch import MAX_BYTES, Fetched, Fetcher, NotModified


@dataclass(frozen=True, slots=True)
class Document:
    """A calendar's body and what tells it from another version."""

    body: bytes
    digest: str
    etag: str | None = None
    last_modified: str | None = None


class Place(Protocol):
    """Somewhere a calendar can be had."""

    async def look(self, memory: Memory) -> Document | None:
        """The document, or None where it is the one that `memory` speaks of. Raises SourceFailed."""
        ...

    def forget(self) -> None:
        """Take the next look as the first: what was got last could not be used."""
        ...


class CalendarFile:
    """A file on this machine. It is read when its time, size or inode changed, and new when its content did."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int, int] | None = None

    async def look(self, memory: Memory) -> Document | None:
        """Read the file off the loop, unless nothing about it changed since the last look."""
        return await asyncio.to_thread(self._read, memory.digest)

    def forget(self) -> None:
        """Read the file at the next look, changed or not."""
        self._seen = None

    def _read(self, digest: str | None) -> Document | None:
        try:
            stat = self._path.stat()
            seen = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
            if digest and seen == self._seen:
                return None
            if stat.st_size > MAX_BYTES:
                raise SourceFailed(because("calendar_too_large", path=self._path, most=MAX_BYTES >> 20))
            with self._path.open("rb") as file:  # it may have grown, or be no file that has an end
                body = file.read(MAX_BYTES + 1)
        except OSError as error:
            raise SourceFailed(because("calendar_file_unread", path=self._path, said=error.strerror)) from error
        if len(body) > MAX_BYTES:
            raise SourceFailed(because("calendar_too_large", path=self._path, most=MAX_BYTES >> 20))
        self._seen = seen
        return Document(body, _digest(body))


class CalendarAddress:
    """An http, https or webcal address (webcal is https by another name)."""

    def __init__(self, url: str, fetcher: Fetcher) -> None:
        scheme, _, rest = url.partition("://")
        self._url = f"https://{rest}" if scheme.lower() in ("webcal", "webcals") else url
        self._fetcher = fetcher

    async def look(self, memory: Memory) -> Document | None:
        """Ask the server, with the validators of the memory if it still has the document they belong to."""
        conditional = memory if memory.digest else Memory()
        answer = await self._fetcher.get(self._url, conditional.etag, conditional.last_modified)
        match answer:
            case NotModified():
                return None
            case Fetched(body=body, etag=etag, last_modified=last_modified):
                return Document(body, _digest(body), etag, last_modified)

    def forget(self) -> None:
        """Nothing to forget: what is asked depends on the memory alone."""


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()
