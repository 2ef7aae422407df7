"""Fetching a feed's documents: one HTTP GET as feeds.md requires it, or a file if the configured address is a path.

A request is conditional (ETag, Last-Modified), bounded in time over all its redirects, and in size before and after
unpacking. aiohttp follows no redirect and unpacks nothing for us, for each hop and each byte is checked first.

The configured address is trusted, wherever it is; an address from a document or a redirect must be a public host.
Without this rule the author of a feed could make the daemon request the machines of the town's own network. A name is
resolved once, judged, and requested at exactly those IP addresses.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from http import HTTPStatus
from http.client import responses as PHRASES  # noqa: N812 - it is a constant

import aiohttp
from yarl import URL

from alerts.model.backoff import retry_after
from alerts.model.bounds import is_packed, read_body, sendable, unpack
from alerts.model.errors import FailedForGood, SourceFailed
from alerts.model.ports import Clock
from alerts.model.reason import because
from alerts.sources.spool import PIECE, SpooledBody

MAX_REDIRECTS = 5
MAX_BYTES = 8 * 1_048_576
# Read in chunks, so that the limit is checked while it arrives.
_CHUNK = 64 * 1024
LONGEST_WAIT = timedelta(days=1)
"""A `Retry-After` further away than this is taken as this."""

# Threads of their own, for a lookup that hangs can't be ended. The few that the process has for everything else are
# needed to look up the platforms; and these for the feeds whose names are found.
_LOOKUPS = ThreadPoolExecutor(8, thread_name_prefix="lookups")
# Names that don't resolve take seconds each: they wait here, out of the others' way.
_SLOW_LOOKUPS = ThreadPoolExecutor(4, thread_name_prefix="slow lookups")

# Without one of these, a 304 would be an error.
_CONDITIONS = frozenset({"If-None-Match", "If-Modified-Since"})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_FOR_GOOD = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})
_FIXES: dict[int, str] = {
    HTTPStatus.UNAUTHORIZED: "check whether its key is still valid",
    HTTPStatus.FORBIDDEN: "check whether its address or key is still valid",
    HTTPStatus.NOT_FOUND: "check whether its address is still right",
    HTTPStatus.GONE: "look for its new address",
}
# The first that fits counts: aiohttp's connector errors are kinds of each other. Its own words name the address, which
# may hold a key, and never get out of here.
_TROUBLES: tuple[tuple[type[Exception], str], ...] = (
    (aiohttp.ClientConnectorDNSError, "the name can't be resolved; check the address and the DNS"),
    (aiohttp.ClientConnectorCertificateError, "its TLS certificate is not valid for this address"),
    (aiohttp.ClientSSLError, "no TLS connection could be made"),
    (aiohttp.ServerDisconnectedError, "the connection broke before the answer was complete"),
    (aiohttp.ClientPayloadError, "the connection broke before the answer was complete"),
    (aiohttp.ClientResponseError, "what came is no HTTP answer"),
)

# The ranges of IPv6 with public addresses, and with embedded IPv4 ones.
_GLOBAL = ipaddress.ip_network("2000::/3")
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
# For documentation (RFC 3849, RFC 9637); Python learns of new ones with its own versions.
_RESERVED = (ipaddress.ip_network("2001:db8::/32"), ipaddress.ip_network("3fff::/20"))
# Where 6to4's relays were (RFC 7526).
_RELAYS = ipaddress.ip_network("192.88.99.0/24")
# For protocols (RFC 6890), of which Python knows a few addresses alone; none of them is anybody's server.
_PROTOCOLS = ipaddress.ip_network("192.0.0.0/24")
_ISATAP = 0x00005EFE


@dataclass(frozen=True, slots=True)
class Fetched:
    """An answer: `url` is where it came from in the end, `body` is unpacked; a large one is in `file`, as it came."""

    url: str
    body: bytes
    content_type: str | None = None
    etag: str | None = None
    last_modified: str | None = None
    file: SpooledBody | None = None


@dataclass(frozen=True, slots=True)
class NotModified:
    """The server says that nothing changed since `etag` or `last_modified`."""


class Fetcher:
    """Fetches for the sources of one address, in the one session that everything shares.

    `timeout` is in seconds and covers redirects and body; `limit` is in bytes and holds before and after unpacking;
    `user_agent` should name the town and a contact; `credentials` are headers for the configured host alone. Once it is
    marked as `slow`, its names are resolved in the queue of those that can't be. `large` bodies go into files.
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
        credentials: Mapping[str, str] | None = None,
        large: bool = False,
    ) -> None:
        self._credentials = dict(credentials or {})
        self._session = session
        self._clock = clock
        self._timeout = timeout
        self._limit = limit
        self._large = large
        self._allow_private = allow_private
        self.user_agent = user_agent
        self.slow = False

    @property
    def _headers(self) -> dict[str, str]:
        # gzip alone is asked for: aiohttp would offer brotli too, which nothing here unpacks within a bound.
        return {"User-Agent": self.user_agent, "Accept-Encoding": "gzip"}

    async def get(self, url: str, etag: str | None = None, last_modified: str | None = None) -> Fetched | NotModified:
        """Fetch the configured `url`, or learn that it hasn't changed since `etag` or `last_modified`.

        Raises SourceFailed in one line without secrets, with `retry_at` if the server named it, and FailedForGood if
        another try would give the same.
        """
        conditions = {"If-None-Match": etag, "If-Modified-Since": last_modified}
        # What can't be sent back would fail each request from now on: without it the whole answer comes.
        headers = self._headers | {name: value for name, value in conditions.items() if value and sendable(value)}
        return await self._bounded(url, read_url(url), headers)

    async def get_found(self, url: str, configured: str | None) -> Fetched:
        """Fetch `url` that was found in a document: the one at the `configured` address, or (None) a file.

        Only the configured host may be private. Raises as `get`.
        """
        fetched = await self._bounded(url, read_url(configured) if configured else None, self._headers)
        assert isinstance(fetched, Fetched)  # noqa: S101 - nothing was asked conditionally
        return fetched

    async def post(self, url: str, said: Mapping[str, str]) -> Fetched:
        """Send JSON to the configured `url`, and return the answer; a redirect is none, for this may be a password.

        Raises as `get`.
        """
        target = read_url(url)

        async def sent() -> Fetched | NotModified:
            async with await self._ask(target, target, self._headers, said) as response:
                return await self._take(response, target, conditional=False)

        answer = await self._within(url, sent)
        assert isinstance(answer, Fetched)  # noqa: S101 - nothing was asked conditionally
        return answer

    async def _bounded(self, url: str, configured: URL | None, headers: Mapping[str, str]) -> Fetched | NotModified:
        return await self._within(url, lambda: self._follow(read_url(url), configured, headers))

    async def _within(self, url: str, ask: Callable[[], Awaitable[Fetched | NotModified]]) -> Fetched | NotModified:
        try:
            # Around everything: a body that drips would keep any time-out between two reads from ever passing.
            async with asyncio.timeout(self._timeout):
                return await ask()
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
                try:
                    target = read_url(str(target.join(URL(location))))
                except ValueError:
                    raise FailedForGood(because("source_redirects_nowhere", address=show(target))) from None
        raise SourceFailed(because("source_redirects", address=show(url), most=MAX_REDIRECTS))

    async def _ask(
        self, target: URL, configured: URL | None, headers: Mapping[str, str], said: Mapping[str, str] | None = None
    ) -> aiohttp.ClientResponse:
        """Ask for `target` wherever it may be asked for, at one address after the other until a connection is made."""
        addresses = await addresses_of(target, configured, anywhere=self._allow_private, slow=self.slow)
        if _is_configured(target, configured):
            if not all(map(sendable, self._credentials.values())):
                raise SourceFailed(because("credential_unsendable", platform=target.host or ""))
            # A redirect may lead to somebody else's host, who must not learn them.
            headers = {**headers, **self._credentials}
        if addresses is None:
            return await self._request(target, headers, said=said)
        for address in addresses[:-1]:
            try:
                return await self._request(target, headers, address, said=said)
            except aiohttp.ClientConnectorError:
                continue
        return await self._request(target, headers, addresses[-1], said=said)

    async def _request(
        self,
        target: URL,
        headers: Mapping[str, str],
        address: str | None = None,
        *,
        said: Mapping[str, str] | None = None,
    ) -> aiohttp.ClientResponse:
        """Send one request for `target`, to `address` if one is given, with the name in its Host header and in TLS.

        With something `said` it is a POST of that as JSON.
        """
        send = self._session.get if said is None else partial(self._session.post, json=said)
        return await send(
            target.with_host(address) if address else target,
            headers={**headers, "Host": target.host_port_subcomponent or ""} if address else headers,
            server_hostname=target.raw_host if address else None,
            allow_redirects=False,
            auto_decompress=False,
            raise_for_status=False,
            timeout=aiohttp.ClientTimeout(total=None),
        )

    async def _take(self, response: aiohttp.ClientResponse, target: URL, *, conditional: bool) -> Fetched | NotModified:
        # A 304 that nobody asked for says nothing: it would be taken for an unchanged feed that was never read.
        if response.status == HTTPStatus.NOT_MODIFIED and conditional:
            return NotModified()
        if response.status != HTTPStatus.OK:
            raise self._refusal(response, target)
        try:
            body, file = await self._body(response)
        except SourceFailed as error:
            raise type(error)(f"{show(target)}: {error}") from None
        return Fetched(
            url=str(target),
            body=body,
            file=file,
            content_type=response.headers.get("Content-Type"),
            etag=response.headers.get("ETag"),
            last_modified=response.headers.get("Last-Modified"),
        )

    async def _body(self, response: aiohttp.ClientResponse) -> tuple[bytes, SpooledBody | None]:
        if self._large:
            return b"", await SpooledBody.of(response.content.iter_chunked(PIECE), response.content_length)
        chunks = response.content.iter_chunked(_CHUNK)
        packing = response.headers.get("Content-Encoding", "")
        body = await read_body(chunks, packing, self._limit, response.content_length)
        # Some servers hand out a gzip file as it is.
        return unpack(body, self._limit) if is_packed(body) else body, None

    def _refusal(self, response: aiohttp.ClientResponse, target: URL) -> SourceFailed:
        status = response.status
        answered = f"{status} {PHRASES.get(status, '')}".rstrip()
        reason = because("answered_status", address=show(target), status=answered)
        if fix := _FIXES.get(status):
            reason = because("answered_status_fix", address=show(target), status=answered, fix=fix)
        if status in _FOR_GOOD:
            return FailedForGood(reason)
        return SourceFailed(reason, retry_after(response.headers.get("Retry-After"), self._clock.now(), LONGEST_WAIT))


# --- addresses ------------------------------------------------------------------------------------------------------


def read_url(text: str) -> URL:
    """The http or https address in `text`. Raises FailedForGood for anything else."""
    try:
        url = URL(text)
        url.port  # noqa: B018 - yarl checks a port only when it is asked for
    except (ValueError, TypeError):
        raise FailedForGood(because("address_unread")) from None
    if url.scheme not in ("http", "https") or not url.host:
        raise FailedForGood(because("address_scheme", address=show(url)))
    return url


def show(url: URL | str) -> str:
    """The address as a message may show it: its host and the last part of its path, `https://feeds.example/…/basic.ics`.

    User, password, query, fragment and the folders of a path may hold secrets: many calendars are shared by such an
    address. A file's is shown whole.
    """
    try:
        url = URL(url)
        if url.scheme == "file":
            return str(url)
        *folders, name = url.path.lstrip("/").split("/")
        return f"{url.origin()}/{'…/' if folders else ''}{name}"
    except (ValueError, TypeError):
        return "the address"


async def addresses_of(
    target: URL, configured: URL | None, *, anywhere: bool = False, slow: bool = False
) -> list[str] | None:
    """Where `target` may be asked for: at these IP addresses and no others, or (None) wherever its name leads.

    The latter is for the `configured` host alone (host and port; a change to https on it is no other host), unless it
    may be `anywhere`. Raises FailedForGood when one of the addresses is private, SourceFailed when the name can't be
    resolved. With `slow`, it waits for other names that can't.
    """
    look = partial(socket.getaddrinfo, target.host, target.port, type=socket.SOCK_STREAM)
    try:
        found = await asyncio.get_running_loop().run_in_executor(_SLOW_LOOKUPS if slow else _LOOKUPS, look)
    except (OSError, UnicodeError):
        raise SourceFailed(because("host_unresolved", host=target.host)) from None
    if anywhere or _is_configured(target, configured):
        # The session looks it up once more: that it can be was found out here, where nobody else waits for it.
        return None
    # The connection goes to these addresses without looking at the name again: whoever owns it could have it lead
    # elsewhere by then. IPv4 first: a network without IPv6 that doesn't say so would use up the time.
    addresses = sorted(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found), key=lambda address: ":" in address)
    if any(is_private(address) for address in addresses):
        raise FailedForGood(
            because("address_private", address=show(configured), host=target.host)
            if configured
            else because("link_private", host=target.host)
        )
    return addresses


def _is_configured(target: URL, configured: URL | None) -> bool:
    if configured is None or target.host != configured.host:
        return False
    return target.port == configured.port or (target.scheme == "https" and target.is_default_port())


def is_private(address: str) -> bool:
    """True if an IP address is anything but a public unicast one, in whichever of its spellings.

    Of IPv6 only the global unicast range of IANA (2000::/3) is public, and an address that embeds an IPv4 address for a
    gateway (NAT64, RFC 6052; 6to4, RFC 3056; ISATAP, RFC 5214; the mapped form) is as public as that one. So the old
    IPv4-compatible form, site-local and unique local addresses, and NAT64's prefix for local use (RFC 8215) are not.
    """
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        carried = _carried(ip)
        if carried is None:
            return ip not in _GLOBAL or any(ip in reserved for reserved in _RESERVED) or not ip.is_global
        ip = carried
    return not ip.is_global or ip.is_multicast or ip in _RELAYS or ip in _PROTOCOLS


def _carried(ip: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that a gateway would go on to; None where there is none."""
    if ip.ipv4_mapped is not None:
        return ip.ipv4_mapped
    if ip.sixtofour is not None:
        return ip.sixtofour
    lowest = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    is_isatap = int(ip) >> 32 & 0xFDFFFFFF == _ISATAP
    return lowest if ip in _NAT64 or (is_isatap and ip in _GLOBAL) else None


# --- what a server says ---------------------------------------------------------------------------------------------


def _explain(error: Exception) -> str:
    """A failure of the connection in words, with none of the address in it."""
    if isinstance(error, aiohttp.ClientConnectorError) and isinstance(error.os_error, ConnectionRefusedError):
        return "the connection was refused; nothing listens there"
    return next((words for kind, words in _TROUBLES if isinstance(error, kind)), "no connection could be made")
