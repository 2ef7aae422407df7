"""The fetcher against a real server: what it asks, what it takes, and what it refuses."""

from __future__ import annotations

import asyncio
import gzip
import socket
import threading
import zlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import ClassVar

import aiohttp
import pytest
from aiohttp import web

from alerts.model.errors import FailedForGood, SourceFailed
from alerts.sources.fetch import Fetched, Fetcher, NotModified
from tests.contract.sources.feed_server import FeedServer, serving
from tests.fakes import FakeClock
from tests.walls import in_one_test

LIMIT = 131_072


@pytest.fixture
async def server() -> AsyncIterator[FeedServer]:
    async with serving() as server:
        yield server


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def fetcher(session: aiohttp.ClientSession) -> Fetcher:
    return make_fetcher(session)


def make_fetcher(session: aiohttp.ClientSession, *, timeout: float = 60.0, allow_private: bool = False) -> Fetcher:
    return Fetcher(
        session,
        clock=FakeClock(),
        user_agent="Tocsin (Saint-Martin; alertes@saint-martin.example)",
        timeout=timeout,
        limit=LIMIT,
        allow_private=allow_private,
    )


async def failure(fetcher: Fetcher, url: str) -> SourceFailed:
    with pytest.raises(SourceFailed) as caught:
        await fetcher.get(url)
    assert "\n" not in str(caught.value)
    return caught.value


# --- what comes back ------------------------------------------------------------------------------------------------


async def test_a_body_comes_with_what_the_next_request_needs(server: FeedServer, fetcher: Fetcher) -> None:
    server.pages["/a"] = web.Response(
        body=b"<feed/>",
        content_type="application/atom+xml",
        headers={"ETag": '"1"', "Last-Modified": "Wed, 25 Nov 2026 11:00:00 GMT"},
    )

    fetched = await fetcher.get(f"{server.url}/a")

    assert fetched == Fetched(
        f"{server.url}/a", b"<feed/>", "application/atom+xml", '"1"', "Wed, 25 Nov 2026 11:00:00 GMT"
    )
    headers = server.requests[0].headers
    assert headers["User-Agent"] == "Tocsin (Saint-Martin; alertes@saint-martin.example)"
    assert "If-None-Match" not in headers
    assert "If-Modified-Since" not in headers


async def test_what_did_not_change_is_not_sent_again(server: FeedServer, fetcher: Fetcher) -> None:
    server.pages["/a"] = web.Response(status=304)

    assert await fetcher.get(f"{server.url}/a", '"1"', "Wed, 25 Nov 2026 11:00:00 GMT") == NotModified()
    assert await fetcher.get(f"{server.url}/a", None, "Wed, 25 Nov 2026 11:00:00 GMT") == NotModified()
    assert server.requests[0].headers["If-None-Match"] == '"1"'
    assert server.requests[0].headers["If-Modified-Since"] == "Wed, 25 Nov 2026 11:00:00 GMT"
    assert "304" in str(await failure(fetcher, f"{server.url}/a"))


UNSENDABLE = ['"a\x01"', '"\x00"', '"\udce9"', '"a\r\nX-Evil: 1"', "x" * 9000]


@in_one_test
@pytest.mark.parametrize("said", UNSENDABLE)
async def test_a_mark_that_no_request_can_carry_is_left_out(server: FeedServer, fetcher: Fetcher, said: str) -> None:
    """Else each request from then on would fail, for as long as this process remembers the mark."""
    server.pages["/a"] = web.Response(body=b"<feed/>")

    assert await fetcher.get(f"{server.url}/a", said, said)
    assert not {"If-None-Match", "If-Modified-Since", "X-Evil"} & server.requests[-1].headers.keys()


@in_one_test
@pytest.mark.parametrize("secret", ["a\nb", "\x00", "clé"])
async def test_a_key_that_no_request_can_carry_is_told(
    server: FeedServer, session: aiohttp.ClientSession, secret: str
) -> None:
    fetcher = Fetcher(session, clock=FakeClock(), user_agent="Tocsin", credentials={"apikey": secret})

    error = await failure(fetcher, f"{server.url}/a")

    assert error.reason.code == "credential_unsendable"
    assert secret not in str(error)
    assert server.requests == []


@in_one_test
@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", gzip.compress(b"<feed/>")),
        ("x-gzip", gzip.compress(b"<feed/>")),
        ("deflate", zlib.compress(b"<feed/>")),
        ("identity", b"<feed/>"),
        # a file that is gzip itself
        (None, gzip.compress(b"<feed/>")),
        ("gzip", gzip.compress(gzip.compress(b"<feed/>"))),
    ],
)
async def test_a_packed_body_is_unpacked(
    server: FeedServer, fetcher: Fetcher, encoding: str | None, body: bytes
) -> None:
    server.pages["/a"] = web.Response(body=body, headers={"Content-Encoding": encoding} if encoding else {})

    fetched = await fetcher.get(f"{server.url}/a")

    assert isinstance(fetched, Fetched)
    assert fetched.body == b"<feed/>"
    assert server.requests[0].headers["Accept-Encoding"] == "gzip"


# --- what is too much -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("depth", [1, 2])
async def test_a_gzip_bomb_is_stopped(server: FeedServer, fetcher: Fetcher, depth: int) -> None:
    bomb = b" " * 60_000_000
    for _ in range(depth):
        bomb = gzip.compress(bomb)
    assert len(bomb) < LIMIT
    server.pages["/a"] = web.Response(body=bomb, headers={"Content-Encoding": "gzip"})

    error = await failure(fetcher, f"{server.url}/a")

    assert isinstance(error, FailedForGood)
    assert str(error) == f"{server.url}/a: the answer is larger than 0.125 MB"


async def test_a_body_that_never_ends_is_cut_off(server: FeedServer, fetcher: Fetcher) -> None:
    cut_off = asyncio.Event()

    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await response.write(b" " * 10_000)
        except ConnectionError:
            cut_off.set()
            raise

    server.pages["/a"] = endless

    assert "larger than" in str(await failure(fetcher, f"{server.url}/a"))
    await asyncio.wait_for(cut_off.wait(), 60)


async def test_a_body_announced_as_too_large_is_not_read(server: FeedServer, fetcher: Fetcher) -> None:
    server.pages["/a"] = b" " * (LIMIT + 1)
    assert "larger than" in str(await failure(fetcher, f"{server.url}/a"))
    server.pages["/a"] = b" " * LIMIT
    assert isinstance(await fetcher.get(f"{server.url}/a"), Fetched)


async def test_a_server_that_says_nothing_is_waited_for_no_longer_than_told(
    server: FeedServer, session: aiohttp.ClientSession
) -> None:
    done = asyncio.Event()

    async def silent(_: web.Request) -> web.StreamResponse:
        await done.wait()
        return web.Response()

    server.pages["/a"] = silent

    error = await failure(make_fetcher(session, timeout=0.05), f"{server.url}/a")
    done.set()

    assert str(error) == f"{server.url}/a did not answer within 0.05 s"


async def test_a_body_that_drips_is_waited_for_no_longer_than_told(
    server: FeedServer, session: aiohttp.ClientSession
) -> None:
    done = asyncio.Event()

    async def dripping(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"<")
        await done.wait()
        return response

    server.pages["/a"] = dripping

    error = await failure(make_fetcher(session, timeout=0.05), f"{server.url}/a")
    done.set()

    assert "did not answer within 0.05 s" in str(error)


# --- redirects ------------------------------------------------------------------------------------------------------


def moved(location: str, status: int = 302) -> web.Response:
    return web.Response(status=status, headers={"Location": location})


@in_one_test
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_followed(server: FeedServer, fetcher: Fetcher, status: int) -> None:
    server.pages |= {"/a/b": moved("../c?x=1", status), "/c": b"<feed/>"}

    fetched = await fetcher.get(f"{server.url}/a/b")

    assert isinstance(fetched, Fetched)
    assert fetched.url == f"{server.url}/c?x=1"


async def test_five_redirects_are_followed_and_no_more(server: FeedServer, fetcher: Fetcher) -> None:
    server.pages |= {f"/{number}": moved(f"/{number + 1}") for number in range(6)} | {"/6": b"<feed/>"}

    assert isinstance(await fetcher.get(f"{server.url}/1"), Fetched)
    assert str(await failure(fetcher, f"{server.url}/0")) == f"{server.url}/0 redirects more than 5 times"
    assert server.count("/6") == 1


async def test_a_redirect_to_another_private_host_is_refused(server: FeedServer, fetcher: Fetcher) -> None:
    async with serving() as inner:
        inner.pages["/secret"] = b"x"
        server.pages["/a"] = moved(f"{inner.url}/secret")

        error = await failure(fetcher, f"{server.url}/a")

        assert isinstance(error, FailedForGood)
        assert "the private host 127.0.0.1, which is refused" in str(error)
        assert inner.asked == []


async def test_a_redirect_to_another_private_host_is_followed_where_that_is_meant(
    server: FeedServer, session: aiohttp.ClientSession
) -> None:
    async with serving() as inner:
        inner.pages["/b"] = b"<feed/>"
        server.pages["/a"] = moved(f"{inner.url}/b")

        assert isinstance(await make_fetcher(session, allow_private=True).get(f"{server.url}/a"), Fetched)


@in_one_test
@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://127.0.0.1/", "http://[x/", "http://a:b/"])
async def test_a_redirect_to_anything_but_http_is_refused(
    server: FeedServer, session: aiohttp.ClientSession, location: str
) -> None:
    server.pages["/a"] = moved(location)
    assert isinstance(await failure(make_fetcher(session, allow_private=True), f"{server.url}/a"), FailedForGood)


async def test_an_address_found_in_a_feed_is_held_to_the_same_rule(server: FeedServer, fetcher: Fetcher) -> None:
    server.pages["/a"] = b"<feed/>"

    with pytest.raises(FailedForGood, match="leads to the private host"):
        await fetcher.get_found(f"{server.url}/a", "https://193.0.6.139/index")
    assert server.asked == []
    assert isinstance(await fetcher.get_found(f"{server.url}/a", f"{server.url}/index"), Fetched)


async def test_what_was_found_in_a_file_may_lead_to_no_private_host(server: FeedServer, fetcher: Fetcher) -> None:
    server.pages["/a"] = b"<feed/>"

    with pytest.raises(FailedForGood, match=r"^a link in a file leads to the private host 127\.0\.0\.1,"):
        await fetcher.get_found(f"{server.url}/a", None)
    assert server.asked == []


class Diverted(socket.socket):
    """A socket that notes where it was to go, and goes to a server of ours (None: nowhere)."""

    wanted: ClassVar[list[tuple[str, int]]]
    port: ClassVar[int | None]

    def connect(self, address: tuple[str, int]) -> None:
        self.wanted.append(address[:2])
        if self.port is None or ":" in address[0]:
            raise ConnectionRefusedError
        super().connect(("127.0.0.1", self.port))


@pytest.fixture
async def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[list[str]]]:
    """What names lead to, look after look; the last one stays."""
    known: dict[str, list[list[str]]] = {}
    real = socket.getaddrinfo

    def look_up(host: str, *args: object, **more: object) -> list[object]:
        looks = known.get(host, [[host]])
        found = looks.pop(0) if len(looks) > 1 else looks[0]
        return [entry for address in found for entry in real(address, *args, **more)]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return known


@pytest.fixture
async def outside() -> AsyncIterator[tuple[Fetcher, type[Diverted]]]:
    """A fetcher whose every connection is diverted, whatever the address."""

    class Socket(Diverted):
        wanted: ClassVar[list[tuple[str, int]]] = []
        port: ClassVar[int | None] = None

    connector = aiohttp.TCPConnector(
        resolver=aiohttp.ThreadedResolver(), socket_factory=lambda info: Socket(info[0], info[1], info[2])
    )
    async with aiohttp.ClientSession(connector=connector) as session:
        yield make_fetcher(session), Socket


Outside = tuple[Fetcher, type[Diverted]]


async def test_a_name_that_leads_elsewhere_at_the_second_look_gains_nothing(
    outside: Outside, names: dict[str, list[list[str]]]
) -> None:
    fetcher, sockets = outside
    names["feeds.example"] = [["1.1.1.1"], ["127.0.0.1"]]

    with pytest.raises(SourceFailed, match="the connection was refused"):
        await fetcher.get_found("http://feeds.example/a", "https://193.0.6.139/index")

    assert sockets.wanted == [("1.1.1.1", 80)]


async def test_one_private_address_among_others_is_refused(outside: Outside, names: dict[str, list[list[str]]]) -> None:
    fetcher, sockets = outside
    names["feeds.example"] = [["1.1.1.1", "10.0.0.1"]]

    with pytest.raises(FailedForGood, match=r"leads to the private host feeds\.example"):
        await fetcher.get_found("http://feeds.example/a", "https://193.0.6.139/index")

    assert sockets.wanted == []


async def test_another_public_host_is_asked_by_its_name_at_each_of_its_addresses(
    server: FeedServer, outside: Outside, names: dict[str, list[list[str]]]
) -> None:
    fetcher, sockets = outside
    names["feeds.example"] = [["2001:67c:2e8::1", "1.1.1.1"]]
    names["moved.example"] = [["2001:67c:2e8::2"]]
    sockets.port = int(server.url.rpartition(":")[2])
    server.pages |= {"/a": moved("/b"), "/b": b"<feed/>", "/c": moved("http://moved.example:81/")}

    fetched = await fetcher.get_found("http://feeds.example:8080/a", "https://193.0.6.139/index")

    assert (fetched.url, fetched.body) == ("http://feeds.example:8080/b", b"<feed/>")
    assert [request.headers["Host"] for request in server.requests] == ["feeds.example:8080"] * 2
    with pytest.raises(SourceFailed, match=r"^http://feeds\.example:8080/c: the connection was refused"):
        await fetcher.get_found("http://feeds.example:8080/c", "https://193.0.6.139/index")
    assert set(sockets.wanted) == {("1.1.1.1", 8080), ("2001:67c:2e8::2", 81)}


async def test_tls_is_spoken_with_the_name(outside: Outside, names: dict[str, list[list[str]]]) -> None:
    fetcher, sockets = outside
    names["feeds.example"] = [["1.1.1.1"]]
    hello = bytearray()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        hello.extend(await reader.read(4096))
        writer.close()

    async with await asyncio.start_server(listen, "127.0.0.1", 0) as other:
        sockets.port = other.sockets[0].getsockname()[1]
        with pytest.raises(SourceFailed):
            await fetcher.get_found("https://feeds.example/a", "https://193.0.6.139/index")

    assert b"feeds.example" in hello


# --- failures -------------------------------------------------------------------------------------------------------


@in_one_test
@pytest.mark.parametrize(
    ("status", "header", "retry_at"),
    [
        (429, "120", timedelta(seconds=120)),
        (503, "Wed, 25 Nov 2026 12:10:00 GMT", timedelta(minutes=10)),
        (503, None, None),
        (500, "soon", None),
    ],
)
async def test_a_busy_server_names_its_time(
    server: FeedServer, fetcher: Fetcher, status: int, header: str | None, retry_at: timedelta | None
) -> None:
    server.pages["/a"] = web.Response(status=status, headers={"Retry-After": header} if header else {})

    error = await failure(fetcher, f"{server.url}/a")

    assert not isinstance(error, FailedForGood)
    assert error.retry_at == (datetime(2026, 11, 25, 12, tzinfo=UTC) + retry_at if retry_at else None)
    assert f"answered {status}" in str(error)


@in_one_test
@pytest.mark.parametrize(
    ("status", "for_good", "words"),
    [
        (404, True, "answered 404 Not Found; check whether its address is still right"),
        (410, True, "answered 410 Gone; look for its new address"),
        (401, False, "answered 401 Unauthorized; check whether its key is still valid"),
        (403, False, "answered 403 Forbidden; check whether its address or key is still valid"),
        (204, False, "answered 204 No Content"),
        (302, False, "answered 302 Found"),
        (599, False, "answered 599"),
    ],
)
async def test_a_refusal_is_told_with_what_to_do(
    server: FeedServer, fetcher: Fetcher, status: int, for_good: bool, words: str
) -> None:
    server.pages["/a"] = web.Response(status=status)

    error = await failure(fetcher, f"{server.url}/a?key=word")

    assert str(error) == f"{server.url}/a {words}"
    assert isinstance(error, FailedForGood) is for_good


async def test_no_secret_of_an_address_is_ever_told(server: FeedServer, fetcher: Fetcher) -> None:
    address = server.url.replace("http://", "http://user:pass-word@")
    server.pages |= {"/moved": moved("/b?key=pass-word", 302), "/b": web.Response(status=500)}

    for path in ("/a?key=pass-word", "/moved?key=pass-word#pass-word"):
        assert "pass-word" not in str(await failure(fetcher, f"{address}{path}"))
    assert server.requests[-1].headers["Authorization"].startswith("Basic ")


async def test_a_body_that_is_cut_short_is_told(server: FeedServer, fetcher: Fetcher) -> None:
    server.pages["/a"] = web.Response(body=gzip.compress(b"x" * 1000)[:-4], headers={"Content-Encoding": "gzip"})
    assert str(await failure(fetcher, f"{server.url}/a")) == f"{server.url}/a: the answer was cut short"


async def test_a_connection_that_breaks_is_told(server: FeedServer, fetcher: Fetcher) -> None:
    async def breaking(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b"<feed>")
        assert request.transport is not None
        request.transport.close()
        return response

    server.pages["/a"] = breaking
    assert "the connection broke" in str(await failure(fetcher, f"{server.url}/a"))


async def test_a_packing_that_was_not_asked_for_is_told(server: FeedServer, fetcher: Fetcher) -> None:
    server.pages["/a"] = web.Response(body=b"x", headers={"Content-Encoding": "br"})
    assert "packed as 'br'" in str(await failure(fetcher, f"{server.url}/a"))


async def test_a_port_where_nobody_listens_is_told(fetcher: Fetcher) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/a"
        assert str(await failure(fetcher, url)) == f"{url}: the connection was refused; nothing listens there"


async def test_a_name_that_nobody_has_is_told(fetcher: Fetcher) -> None:
    error = await failure(fetcher, "http://feeds.invalid/a")
    assert str(error) == "the name feeds.invalid can't be resolved; check the address and the DNS"


async def test_a_server_without_tls_is_told(server: FeedServer, fetcher: Fetcher) -> None:
    url = server.url.replace("http://", "https://")
    assert str(await failure(fetcher, f"{url}/a")) == f"{url}/a: no TLS connection could be made"


async def test_what_is_no_http_is_told(fetcher: Fetcher) -> None:
    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b"220 mail.example ESMTP\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(babble, "127.0.0.1", 0) as other:
        url = f"http://127.0.0.1:{other.sockets[0].getsockname()[1]}/a"
        assert str(await failure(fetcher, url)) == f"{url}: what came is no HTTP answer"


async def test_names_that_cannot_be_looked_up_hold_up_nothing_else(
    session: aiohttp.ClientSession, server: FeedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More of them than the process has threads: what needs one, a platform's name for one, still has it."""
    may, real = threading.Event(), socket.getaddrinfo

    def look_up(host: str, *args: object, **more: object) -> object:
        if host.startswith("dead"):
            may.wait(60)
            raise socket.gaierror
        return real(host, *args, **more)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    server.pages["/a"] = b"<feed/>"
    slow = make_fetcher(session)
    slow.slow = True
    dead = [asyncio.ensure_future(slow.get(f"http://dead{number}.example/")) for number in range(40)]
    await asyncio.sleep(0)

    assert await asyncio.wait_for(asyncio.to_thread(lambda: "done"), 30) == "done"
    assert await asyncio.wait_for(make_fetcher(session).get(f"{server.url.replace('127.0.0.1', 'localhost')}/a"), 30)
    may.set()
    told = await asyncio.gather(*dead, return_exceptions=True)
    assert str(told[0]) == "the name dead0.example can't be resolved; check the address and the DNS"
