"""Where a feed's documents come from: over HTTP, or from the disk where the configured address is a path."""

from __future__ import annotations

import asyncio
from pathlib import Path
from urllib.parse import unquote, urlsplit

from alerts.model.errors import FailedForGood, SourceFailed
from alerts.model.reason import because
from alerts.sources.fetch import MAX_BYTES, Fetched, Fetcher, NotModified


class Documents:
    """The index at a configured address or path, and the messages that it links to."""

    def __init__(self, url: str, fetcher: Fetcher, folder: Path = Path()) -> None:
        self._url = url
        self._fetcher = fetcher
        self._path = local_path(url, folder)

    async def index(self, etag: str | None, last_modified: str | None) -> Fetched | NotModified:
        """The document at the configured address. Raises SourceFailed."""
        if self._path is None:
            return await self._fetcher.get(self._url, etag, last_modified)
        return await self._read_file(self._path)

    async def message(self, url: str) -> bytes:
        """The document that the index links to. Raises SourceFailed, or FailedForGood where that won't change.

        A file is read only for an index that is a file itself, and only from that one's folder. A file is no configured
        host: what it links to must be public.
        """
        if url.lower().startswith("file:"):
            return (await self._read_file(self._beside(url))).body
        return (await self._fetcher.get_found(url, None if self._path else self._url)).body

    def _beside(self, url: str) -> Path:
        try:
            path = Path(unquote(urlsplit(url).path)).resolve()
        except ValueError:
            raise FailedForGood(because("file_link_unread")) from None
        if self._path is None or not path.is_relative_to(self._path.resolve().parent):
            raise FailedForGood(because("file_link_outside"))
        return path

    async def _read_file(self, path: Path) -> Fetched:
        try:
            body = await asyncio.to_thread(_read_bounded, path)
        except FileNotFoundError:
            raise SourceFailed(because("file_missing", path=path)) from None
        except OSError as error:
            raise SourceFailed(because("file_unread", path=path, said=error.strerror)) from None
        return Fetched(url=self._address_of(path), body=body)

    @staticmethod
    def _address_of(path: Path) -> str:
        return path.absolute().as_uri()


def local_path(url: str, folder: Path = Path()) -> Path | None:
    """The file that `url` names (a path, or a file: address); None where it is an address to fetch."""
    parts = urlsplit(url)
    if parts.scheme == "file":
        return Path(unquote(parts.path))
    return None if "://" in url else folder / url


def _read_bounded(path: Path) -> bytes:
    with path.open("rb") as file:
        body = file.read(MAX_BYTES + 1)
    if len(body) > MAX_BYTES:
        raise FailedForGood(because("file_too_large", path=path, most=MAX_BYTES // 1_048_576))
    return body
