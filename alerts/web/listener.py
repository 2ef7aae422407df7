"""The listener: it limits connections, waits and concurrent requests, so that clients can't starve the lanes.

    accept ──▶ a place? ──▶ headers in time ──▶ body in time ──▶ a turn ──▶ answer, read in time ──▶ next request

*Places.* So many connections in all, so many of one address. An address over its number gets 503 and is closed. If all
places are taken, the newcomer gets the place of the one that has owed us data for longest: the rest of its headers, the
rest of a body, or a next request. Only if everybody is being answered does the newcomer get 503. Behind the proxies of
`[web] proxies` the connections are the proxy's: an address is counted by its requests under way there.

*Times.* One sweep a second checks all connections: half-sent headers, a body that comes too slowly, and an answer that
nobody reads are closed (RFC 9112, 9.5: a server may at any time). An idle connection is aiohttp's to close.

*Turns.* asyncio runs all ready tasks before it polls again, so that five hundred requests at once would precede each
step of a lane. So few requests begin in one round of the loop; the rest follow in their order, in the next rounds.

*Room.* Unanswered data is bounded to so many bytes in all (web/room.py).

*Files.* `places` leaves a reserve below the process's limit, so that `accept` never hits that limit: asyncio would try
again for each connection that waits, and log it each time.
"""

from __future__ import annotations

import asyncio
import contextlib
import resource
import socket
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import structlog
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.streams import EMPTY_PAYLOAD, StreamReader

from alerts.delivery.worker import Work, Workers
from alerts.model.bounds import network_of
from alerts.model.ports import Clock
from alerts.web.console.arrival import Network, client_address, is_among, neighbourhood
from alerts.web.room import ROOM, Room, Sent

CONNECTIONS, PER_ADDRESS = 4000, 500
"""Places in all and of one address, where nothing else is said. Many people share the address of a mobile network."""
LONGEST_HEAD = 65_536
"""Bytes within which a request's headers end: the most that one connection has us remember for nothing."""
# Connections that are taken in one round of the loop: each costs as much as a short answer.
_ACCEPTED_AT_ONCE = 16
# How many may wait in the system's own queue for that.
_BACKLOG = 1024
_SWEPT_EVERY = 1.0
# In both languages: the listener knows of no station, and reads no header of who isn't let in.
_TOO_MANY = "Trop de connexions\u00a0; réessayez dans un instant.\nToo many connections; try again in a moment.\n"
_FULL = (
    "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 30\r\nConnection: close\r\n"
    f"Content-Type: text/plain; charset=utf-8\r\nContent-Length: {len(_TOO_MANY.encode())}\r\n\r\n{_TOO_MANY}"
).encode()

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
Refused = Callable[[str], None]
"""Hears why a connection was refused or closed: `full`, `address`, `headers`, `body`, `unread`, `gave_way`, `room` or
`malformed`."""

AtHand = Callable[[web.BaseRequest], web.StreamResponse | None]
AT_HAND: web.AppKey[AtHand] = web.AppKey("at_hand")
"""Answers what an application has as bytes already, before it is routed, which costs more; None: it has to be."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class ListenerLimits:
    """Places in all and of one address; then seconds: for headers, between two requests, without reading an answer.

    A body has `body` seconds, and one more for each `rate` bytes. `turns` requests begin in a round of the loop. `room`
    are the bytes of all that came and isn't answered yet.
    """

    connections: int = CONNECTIONS
    per_address: int = PER_ADDRESS
    headers: float = 10.0
    idle: float = 75.0
    body: float = 20.0
    rate: int = 4096
    unread: float = 30.0
    turns: int = 8
    room: int = ROOM


def places(wanted: int) -> int:
    """`wanted` connections, or as many as leave a quarter of our files (512 at the most) to lanes, store and feeds."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return wanted if files == resource.RLIM_INFINITY else min(wanted, files - min(512, files // 4))


class Listener:
    """Listens for one application; `proxies` are those whose word for who asks is taken."""

    def __init__(
        self,
        app: web.Application,
        limits: ListenerLimits,
        clock: Clock,
        proxies: Sequence[Network] = (),
        refused: Refused | None = None,
    ) -> None:
        self.limits = limits
        self._clock = clock
        self._proxies = proxies
        self._refused = refused or (lambda _: None)
        app.on_response_prepare.append(unnamed)
        self._at_hand: AtHand = app.get(AT_HAND, lambda _: None)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=2.0)
        self._servers: list[asyncio.Server] = []
        self._workers = Workers(clock)
        self._connections_of: dict[str, int] = {}
        self._connections: dict[_Connection, None] = {}
        self._owing: dict[_Connection, None] = {}
        self._turns = _RequestScheduler(limits.turns)
        self.room = Room(limits.room)

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._connections)

    def network_of(self, address: str) -> str:
        """Return the network whose room holds an address's data before its headers; empty if a proxy connects."""
        return "" if is_among(address, self._proxies) else network_of(address)

    async def listen(self, host: str | None, port: int) -> int:
        """Listen on all addresses of `host` (None: of this machine); returns the port. Raises OSError."""
        await self._runner.setup()
        server = self._runner.server
        assert server is not None  # noqa: S101 it was set up
        self._handler = server.request_handler
        server.request_handler = self._answer
        loop = asyncio.get_running_loop()
        try:
            for family, address in await _addresses(host, port):
                # With port 0 all addresses get the port that the first was given.
                sock = _bound(family, (address[0], port, *address[2:]))
                port = sock.getsockname()[1]
                self._servers.append(
                    await loop.create_server(lambda: _PeerCheck(self, server), sock=sock, backlog=_ACCEPTED_AT_ONCE)
                )
                sock.listen(_BACKLOG)  # asyncio's one number is for both: the queue, and how many it takes at once
        except OSError:
            await self.close()
            raise
        self._workers.begin(Work("listener", self._sweep, _SWEPT_EVERY, first=_SWEPT_EVERY))
        return port

    async def close(self) -> None:
        """Take nobody in any more, let who is being answered finish for a moment, close."""
        for server in self._servers:
            server.close()
        await self._workers.close()
        await self._runner.cleanup()

    # --- places -----------------------------------------------------------------------------------------------------

    def refusal(self, address: str) -> str | None:
        """Why there is no place for one more of that address; None: there is."""
        if self._is_full(neighbourhood(address), address):
            return "address"
        if len(self._connections) >= self.limits.connections and not self._make_way():
            return "full"
        return None

    def take(self, connection: _Connection) -> None:
        """Give it a place."""
        self._connections[connection] = None
        self._count(connection.neighbourhood)
        self.owes(connection)

    def forget(self, connection: _Connection) -> None:
        """It is over."""
        if connection in self._connections:
            del self._connections[connection]
            self._owing.pop(connection, None)
            self._give_back(connection.neighbourhood)

    def owes(self, connection: _Connection) -> None:
        """It is its turn to send something: it is the last of those that give way."""
        self._owing.pop(connection, None)
        if connection in self._connections:
            self._owing[connection] = None

    def refuse(self, reason: str, address: str) -> None:
        """Count and log a refusal."""
        self._refused(reason)
        log.info("web.refused", reason=reason, address=address, once=f"web.refused {reason}")

    def _make_way(self) -> bool:
        while self._owing:
            oldest = next(iter(self._owing))
            del self._owing[oldest]
            if oldest.owes:
                self.refuse("gave_way", oldest.address)
                oldest.hang_up()
                self.forget(oldest)
                return True
        return False

    def _is_full(self, place: str, address: str) -> bool:
        is_full = self._connections_of.get(place, 0) >= self.limits.per_address
        return is_full and not is_among(address, self._proxies)

    def _count(self, place: str) -> str:
        self._connections_of[place] = self._connections_of.get(place, 0) + 1
        return place

    def _give_back(self, address: str) -> None:
        self._connections_of[address] -= 1
        if not self._connections_of[address]:
            del self._connections_of[address]

    # --- times ------------------------------------------------------------------------------------------------------

    def now(self) -> float:
        """The time that all of this is measured by."""
        return self._clock.monotonic()

    def sweep(self) -> None:
        """Close who took too long."""
        now = self.now()
        for connection in list(self._connections):
            reason = connection.overdue(now)
            if reason is not None:
                self.refuse(reason, connection.address)
                connection.hang_up()

    async def _sweep(self) -> None:
        self.sweep()

    # --- turns ------------------------------------------------------------------------------------------------------

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        connection = request.protocol
        assert isinstance(connection, _Connection)  # noqa: S101 the door makes no others
        connection.begins(request)
        key = None
        try:
            if not self._turns.takes_now():
                await self._turns.take()
            if self._proxies and is_among(request.remote or "", self._proxies):
                forwarded = request.headers.getall("X-Forwarded-For", [])
                address = client_address(request.remote or "", forwarded, self._proxies)
                place = f"by proxy {neighbourhood(address)}"
                if self._is_full(place, address):
                    self.refuse("address", address)
                    return web.Response(status=503, headers={"Retry-After": "30"}, text=_TOO_MANY)
                key = self._count(place)
                connection.sent.counts_for(network_of(address))
            ready = self._at_hand(request)
            return ready if ready is not None else await self._handler(request)
        except ConnectionError:
            if request.transport is None:  # who left in the middle of a body reads no answer, and is no error
                return web.Response(status=400)
            raise
        finally:
            if key is not None:
                self._give_back(key)
            connection.ends()


class _RequestScheduler:
    """So many begin in a round of the loop, the rest in their order in the next ones."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._taken = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    def takes_now(self) -> bool:
        """Take a turn in this round; False: it has none left."""
        is_there = self._taken < self._most and not self._waiting
        if is_there:
            self._count()
        return is_there

    async def take(self) -> None:
        """Return in a later round that has room."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        await turn

    def _count(self) -> None:
        if not self._taken:
            asyncio.get_running_loop().call_soon(self._next_round)
        self._taken += 1

    def _next_round(self) -> None:
        self._taken = 0
        while self._waiting and self._taken < self._most:
            turn = self._waiting.popleft()
            if not turn.done():
                self._count()
                turn.set_result(None)


class _PeerCheck(asyncio.Protocol):
    """Checks the peer; the protocol that parses is made only for an admitted one."""

    def __init__(self, listener: Listener, server: web.Server) -> None:
        self._listener = listener
        self._server = server

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Hand the connection on, or close it with a word why."""
        socket_transport = cast("asyncio.Transport", transport)
        address = str((transport.get_extra_info("peername") or ("",))[0])
        reason = self._listener.refusal(address)
        if reason is not None:
            self._listener.refuse(reason, address)
            socket_transport.write(_FULL)
            socket_transport.close()
            return
        connection = _Connection(self._listener, self._server, address)
        socket_transport.set_protocol(connection)
        connection.connection_made(socket_transport)
        self._listener.take(connection)


class _Connection(web.RequestHandler):
    """aiohttp's own, which knows besides since when it owes us what."""

    __slots__ = (
        "_body",
        "_drops",
        "_left",
        "_listener",
        "_network",
        "_parsed",
        "_received",
        "_request",
        "_since",
        "_unread_since",
        "address",
        "neighbourhood",
        "sent",
    )

    def __init__(self, listener: Listener, server: web.Server, address: str) -> None:
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            access_log=cast("Any", None),
            keepalive_timeout=listener.limits.idle,
            max_headers=64,
            # Nobody's browser packs what it sends. Unpacked, half a megabyte is as much as one likes, on this loop.
            auto_decompress=False,
        )
        self._listener = listener
        self.address = address
        self.neighbourhood = neighbourhood(address)
        self._since: float | None = listener.now()
        self._received = 0
        self._request: web.BaseRequest | None = None
        self._body: StreamReader = EMPTY_PAYLOAD
        self._parsed = 0
        self._left = 0
        self._unread_since = 0.0
        self._drops = False
        self._network = listener.network_of(address)
        self.sent = self._nothing()

    @property
    def owes(self) -> bool:
        """True if it is the client's turn to send: headers, the rest of a body, or a next request."""
        return self._request is None or not self._request.content.is_eof()

    def overdue(self, now: float) -> str | None:
        """Return the step that took too long: `headers`, `body` or `unread`. Returns None if none did."""
        limits, request = self._listener.limits, self._request
        left = self.transport.get_write_buffer_size() if self.transport is not None else 0
        if not left or left < self._left:
            self._unread_since = now
        self._left = left
        if now - self._unread_since > limits.unread:
            return "unread"
        if self._since is None:
            return None
        if request is None:
            return "headers" if now - self._since > limits.headers else None
        if request.content.is_eof():
            return None
        return "body" if now - self._since > limits.body + self._received / limits.rate else None

    def begins(self, request: web.BaseRequest) -> None:
        """Its headers are there: now it is our turn, unless a body is to follow."""
        self._request, self._body, self._parsed = request, request.content, max(self._parsed - 1, 0)
        self._since, self._received = self._listener.now(), 0
        # Of what was sent before the one before was answered, nothing was counted for this one.
        self.sent.came(max(self._body.total_bytes - self.sent.reserved, 0))

    def ends(self) -> None:
        """It was answered: its next request may come."""
        self._request = self._since = None
        self.sent.is_over()
        if not self.sent.is_like_new(self._network):
            self.sent = self._nothing()
        self._listener.owes(self)

    def hang_up(self) -> None:
        """Close it, whatever waits to be written."""
        if self.transport is not None:
            self.transport.abort()

    def data_received(self, data: bytes) -> None:
        """Parse it; headers that never end are given up."""
        if self._since is None:
            self._since, self._received = self._listener.now(), 0
        self._received += len(data)
        seen, lingers = self._request_count, not self._body.is_eof()
        super().data_received(data)
        self._parsed += self._request_count - seen  # what is parsed begins in a later round of the loop
        if self._request is not None or self._parsed:
            self.sent.came(len(data))
            if self.sent.gave_way:
                self._drop()
            return
        if lingers:  # the rest of a body that nobody wanted, which aiohttp reads and drops for a while
            self._received = 0
        elif self._received > LONGEST_HEAD:
            self._listener.refuse("headers", self.address)
            self.hang_up()
        else:
            self.sent.came(len(data))

    def connection_lost(self, exc: BaseException | None) -> None:
        """Give the place back, and all that was sent and not read."""
        self._listener.forget(self)
        self._drop()
        if self._request is None:  # else what has been read of it is held until it ends
            self.sent.is_over()
        super().connection_lost(exc)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer an unreadable request without naming this program: no application handles it."""
        response = super().handle_error(request, status, exc, message)
        response.headers["Server"] = "Tocsin"
        return response

    def log_exception(self, *args: Any, **kw: Any) -> None:
        """A request that is none is a stranger's affair: counted, not shown with where we read it."""
        error = kw.get("exc_info")
        if isinstance(error, HttpProcessingError | ConnectionError):
            self._listener.refuse("malformed", self.address)
        else:
            super().log_exception(*args, **kw)

    def _nothing(self) -> Sent:
        return Sent(self._listener.room, self._network, self._give_way)

    def _give_way(self) -> None:
        """End a transfer. Its reader is notified, now or once they begin."""
        self._listener.refuse("room", self.address)
        if self._request is None and not self._parsed:  # headers, which nobody reads but we
            self.hang_up()
        self._drop()

    def _drop(self) -> None:
        """Drop unread data: a connection and its bodies refer to one another until the collector runs."""
        if self._drops:  # what is read makes room for what the parser kept back, and that comes here in the midst of it
            return
        self._drops = True
        for body in (self._body, *(body for _, body in self._messages)):
            if body.exception() is None:
                with contextlib.suppress(RuntimeError):  # who waits for more has read all that is here
                    body.read_nowait()
        self._drops = False


async def unnamed(_: web.Request, response: web.StreamResponse) -> None:
    """Remove the program's name and version from an answer: a scanner for old ones needn't find us."""
    response.headers.popall("Server", None)


async def _addresses(host: str | None, port: int) -> list[tuple[socket.AddressFamily, tuple[Any, ...]]]:
    """Return the addresses to listen at: every one that the name resolves to, each once."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    return list(dict.fromkeys((family, address) for family, _, _, _, address in found))


def _bound(family: socket.AddressFamily, address: tuple[Any, ...]) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.setblocking(False)
        sock.bind(address)
    except OSError:
        sock.close()
        raise
    return sock
