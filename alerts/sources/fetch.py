"""One HTTP GET of a feed, as feeds.md asks for it: conditional, bounded in time and size, redirects under a rule."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from http.client import responses as PHRASES  # noqa: N812 - it is a constant

import aiohttp
from yarl import URL

from alerts.model.body import is_packed, read_body, unpack
from alerts.model.errors import FailedForGood, SourceFailed
from alerts.model.ports import Clock
from alerts.model.reason import because
from alerts.sources.hosts import addresses_of, read_url, show

__all__ = ["FailedForGood", "Fetched", "Fetcher", "NotModified"]

MAX_REDIRECTS = 5
MAX_BYTES = 8 * 1_048_576
_CHUNK = 64 * 1024
LONGEST_WAIT = timedelta(days=1)
"""A `Retry-After` further away than this is taken as this."""

_CONDITIONS = frozenset({"If-None-Match", "If-Modified-Since"})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_FOR_GOOD = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})
_FIXES: dict[int, str] = {
    HTTPStatus.UNAUTHORIZED: "look whether its key is still valid",
    HTTPStatus.FORBIDDEN: "look whether its address or key is still valid",
    HTTPStatus.NOT_FOUND: "look whether its address is still right",
    HTTPStatus.GONE: "look for its new address",
}
_TROUBLES: tuple[tuple[type[Exception], str], ...] = (
    (aiohttp.ClientConnectorDNSError, "the name can't be resolved; look at the address and the DNS"),
    (aiohttp.ClientConnectorCertificateError, "its TLS certificate is not valid for this address"),
    (aiohttp.ClientSSLError, "no TLS connection could be made"),
    (aiohttp.ServerDisconnectedError, "the connection broke before the answer was complete"),
    (aiohttp.ClientPayloadError, "the connection broke before the answer was complete"),
    (aiohttp.ClientResponseError, "what came is no HTTP answer"),
)


@dataclass(frozen=True, slots=True)
class Fetched:
    """An answer: `url` is where it came from in the end, `body` is unpacked."""

    url: str
    body: bytes
    content_type: str | None = None
    etag: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True, slots=True)
class NotModified:
    """The server says that nothing changed since `etag` or `last_modified`."""


class Fetcher:
    """Fetches for one source, in the one session that everything shares.

    `timeout` is in seconds and covers redirects and body; `limit` is in bytes and holds before and after unpacking;
    `user_agent` should name the station and a contact.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        clock: Clock,
        user_agent: str,
        timeout: float = 10.0,
        limit: int = MAX_BYTES,
        allow_private: bool = False,
    ) -> None:
        self._session = session
        self._clock = clock
        self._timeout = timeout
        self._limit = limit
        self._allow_private = allow_private
        self._headers = {"User-Agent": user_agent, "Accept-Encoding": "gzip"}

    async def get(self, url: str, etag: str | None = None, last_modified: str | None = None) -> Fetched | NotModified:
        """Fetch the configured `url`, or learn that it didn't change since `etag` or `last_modified`.

        Raises SourceFailed in one line without secrets, with `retry_at` where the server named it, and FailedForGood
        where another try would bring the same.
        """
        conditions = {"If-None-Match": etag, "If-Modified-Since": last_modified}
        headers = self._headers | {name: value for name, value in conditions.items() if value}
        return await self._bounded(url, read_url(url), headers)

    async def get_found(self, url: str, configured: str | None) -> Fetched:
        """Fetch `url` that was found in a document: the one at the `configured` address, or (None) a file.

        Only the configured host may be private. Raises as `get`.
        """
        fetched = await self._bounded(url, read_url(configured) if configured else None, self._headers)
        assert isinstance(fetched, Fetched)  # noqa: S101 - nothing was asked conditionally
        return fetched

    async def _bounded(self, url: str, configured: URL | None, headers: Mapping[str, str]) -> Fetched | NotModified:
        try:
            async with asyncio.timeout(self._timeout):
                return await self._follow(read_url(url), configured, headers)
        except TimeoutError:
            raise SourceFailed(because("source_silent", address=show(url), seconds=f"{self._timeout:g}")) from None
        except (aiohttp.ClientError, OSError) as error:
            raise SourceFailed(because("connection_failed", address=show(url), trouble=_explain(error))) from None

    async def _follow(self, url: URL, configured: URL | None, headers: Mapping[str, str]) -> Fetched | NotModified:
        target = url
        for _ in range(MAX_REDIRECTS + 1):
            async with await self._ask(target, configured, headers) as response:
                location = response.headers.get("Location")
                if response.status not in _REDIRECTS or not location:
                    return await self._take(response, target, conditional=not _CONDITIONS.isdisjoint(headers))
                target = _next_hop(target, location)
        raise SourceFailed(because("source_redirects", address=show(url), most=MAX_REDIRECTS))

    async def _ask(self, target: URL, configured: URL | None, headers: Mapping[str, str]) -> aiohttp.ClientResponse:
        """Ask for `target` wherever it may be asked for, at one address after the other until a connection is made."""
        addresses = None if self._allow_private else await addresses_of(target, configured)
        if addresses is None:
            return await self._request(target, headers)
        for address in addresses[:-1]:
            try:
                return await self._request(target, headers, address)
            except aiohttp.ClientConnectorError:
                continue
        return await self._request(target, headers, addresses[-1])

    async def _request(
        self, target: URL, headers: Mapping[str, str], address: str | None = None
    ) -> aiohttp.ClientResponse:
        """One request for `target`; sent to `address` where that is told, the name in its Host header and in TLS."""
        return await self._session.get(
            target.with_host(address) if address else target,
            headers={**headers, "Host": target.host_port_subcomponent or ""} if address else headers,
            server_hostname=target.raw_host if address else None,
            allow_redirects=False,
            auto_decompress=False,
            raise_for_status=False,
            timeout=aiohttp.ClientTimeout(total=None),
        )

    async def _take(self, response: aiohttp.ClientResponse, target: URL, *, conditional: bool) -> Fetched | NotModified:
        if response.status == HTTPStatus.NOT_MODIFIED and conditional:
            return NotModified()
        if response.status != HTTPStatus.OK:
            raise self._refusal(response, target)
        try:
            body = await self._body(response)
        except SourceFailed as error:
            raise type(error)(f"{show(target)}: {error}") from None
        return Fetched(
            url=str(target),
            body=body,
            content_type=response.headers.get("Content-Type"),
            etag=response.headers.get("ETag"),
            last_modified=response.headers.get("Last-Modified"),
        )

    async def _body(self, response: aiohttp.ClientResponse) -> bytes:
        """The answer's body, unpacked; also one that is a gzip file itself."""
        packing = response.headers.get("Content-Encoding", "")
        chunks = response.content.iter_chunked(_CHUNK)
        body = await read_body(chunks, packing, self._limit, response.content_length)
        return unpack(body, self._limit) if is_packed(body) else body

    def _refusal(self, response: aiohttp.ClientResponse, target: URL) -> SourceFailed:
        status = response.status
        told = f"{status} {PHRASES.get(status, '')}".rstrip()
        reason = because("answered_status", address=show(target), status=told)
        if fix := _FIXES.get(status):
            reason = because("answered_status_fix", address=show(target), status=told, fix=fix)
        if status in _FOR_GOOD:
            return FailedForGood(reason)
        return SourceFailed(reason, retry_after(response.headers.get("Retry-After"), self._clock.now()))


def retry_after(value: str | None, now: datetime) -> datetime | None:
    """The time that a `Retry-After` header names (RFC 9110 section 10.2.3: seconds or a date); None for none."""
    if value is None:
        return None
    value = value.strip()
    try:
        named = now + timedelta(seconds=int(value)) if value.isdecimal() else parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    named = named if named.tzinfo else named.replace(tzinfo=UTC)
    return min(max(named, now), now + LONGEST_WAIT)


def _next_hop(source: URL, location: str) -> URL:
    try:
        return read_url(str(source.join(URL(location))))
    except ValueError:
        raise FailedForGood(because("source_redirects_nowhere", address=show(source))) from None


def _explain(error: Exception) -> str:
    """A failure of the connection in words, with none of the address in it."""
    if isinstance(error, aiohttp.ClientConnectorError) and isinstance(error.os_error, ConnectionRefusedError):
        return "the connection was refused; nothing listens there"
    return next((words for kind, words in _TROUBLES if isinstance(error, kind)), "no connection could be made")
