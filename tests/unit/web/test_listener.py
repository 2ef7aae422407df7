"""Strangers at the door: who asks too much, too slowly or too often takes nothing from those who ask like everybody."""

from __future__ import annotations

import asyncio
import gzip
import resource
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import ip_network

import pytest
from aiohttp import web

from alerts.web.listener import AT_HAND, LONGEST_HEAD, Listener, ListenerLimits, places
from alerts.web.posted import received
from alerts.web.room import vouch
from tests.fakes import FakeClock

HALF = b"GET / HTTP/1.1\r\nHost: town\r\nX-Slow: "
WHOLE = b"GET / HTTP/1.1\r\nHost: town\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: town\r\nContent-Length: 100000\r\n\r\n"
PATIENCE = 60.0


@dataclass
class Caller:
    """One connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def status(self) -> int:
        """The status of the next answer; 0 where the connection is closed instead."""
        try:
            head = await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), PATIENCE)
        except (asyncio.IncompleteReadError, ConnectionError):
            return 0
        length = next(int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
        await self.reader.readexactly(length)
        return int(head.split()[1])

    async def is_closed(self) -> bool:
        """Whether nobody holds the other end any more."""
        return await self.status() == 0


class Hall:
    """A small application behind a listener. `open` lets go who hangs on `/hang`."""

    def __init__(self, *routes: web.RouteDef, **limits: float) -> None:
        self.clock = FakeClock()
        self.refused: Counter[str] = Counter()
        self.open = asyncio.Event()
        self.round = 0
        self.begun: list[int] = []
        app = web.Application()
        app.add_routes([web.get("/hang", self._hang), web.get("/{name:.*}", self._hello), web.post("/", self._read)])
        app.add_routes([web.post("/early", self._refuse), *routes])
        app[AT_HAND] = lambda request: web.Response(text="ready") if request.raw_path == "/ready" else None
        proxies = [ip_network("127.0.0.9")]
        self.listener = Listener(
            app, ListenerLimits(**limits), self.clock, proxies, lambda why: self.refused.update([why])
        )
        self.port = 0
        self._callers: list[Caller] = []

    async def call(self, address: str = "127.0.0.1", say: bytes = b"") -> Caller:
        caller = Caller(*await asyncio.open_connection("127.0.0.1", self.port, local_addr=(address, 0)))
        self._callers.append(caller)
        if say:
            await caller.send(say)
        return caller

    async def ask(self, address: str = "127.0.0.1", say: bytes = WHOLE) -> int:
        return await (await self.call(address, say)).status()

    async def pass_time(self, seconds: float) -> None:
        """What was sent arrives first: it goes over real sockets."""
        for _ in range(30):
            await asyncio.sleep(0)
        await self.clock.advance(seconds)

    async def close(self) -> None:
        for caller in self._callers:
            caller.writer.close()
        self.open.set()
        await self.listener.close()

    async def held(self, connections: int) -> None:
        """Wait until so many are held."""
        async with asyncio.timeout(PATIENCE):
            while self.listener.connections != connections:  # noqa: ASYNC110 sockets ring nobody here
                await asyncio.sleep(0)

    async def holds(self, size: int) -> None:
        """Wait until so many bytes of what is sent are held."""
        async with asyncio.timeout(PATIENCE):
            while self.listener.room.reserved < size:  # noqa: ASYNC110 sockets ring nobody here
                await asyncio.sleep(0)

    async def count_rounds(self) -> None:
        """Count the loop's rounds; `begun` has the round that each request began in."""
        while True:
            self.round += 1
            await asyncio.sleep(0)

    async def _hello(self, _: web.Request) -> web.Response:
        self.begun.append(self.round)
        return web.Response(text="hello")

    async def _refuse(self, _: web.Request) -> web.Response:
        return web.Response(status=413, text="too large")

    async def _hang(self, _: web.Request) -> web.Response:
        await self.open.wait()
        return web.Response(text="at last")

    async def _read(self, request: web.Request) -> web.Response:
        if "Known" in request.headers:
            vouch(request)
        return web.Response(text=str(len(await received(request, 10_000_000))))


@asynccontextmanager
async def hall(*routes: web.RouteDef, **limits: float) -> AsyncIterator[Hall]:
    made = Hall(*routes, **limits)
    made.port = await made.listener.listen("127.0.0.1", 0)
    try:
        yield made
    finally:
        await made.close()


async def test_what_is_at_hand_is_answered_before_it_is_routed_also_behind_a_proxy():
    async with hall() as town:
        ready = WHOLE.replace(b"/ ", b"/ready ")
        told = [await town.ask(address, ready) for address in ("127.0.0.1", "127.0.0.9")]
        begun = len(town.begun)

        assert (told, begun) == ([200, 200], 0)
        assert await town.ask() == 200
        assert len(town.begun) == 1


async def test_one_client_with_half_sent_requests_takes_its_own_places_alone():
    async with hall(per_address=5) as town:
        for _ in range(5):
            await town.call("127.0.0.2", HALF)
        await town.held(5)

        assert await town.ask("127.0.0.2") == 503
        assert await town.ask("127.0.0.3") == 200
        assert town.refused == {"address": 1}


async def test_many_clients_with_half_sent_requests_give_way_the_longest_waiting_first():
    async with hall(connections=4) as town:
        slow = [await town.call(f"127.0.1.{number}", HALF) for number in range(4)]
        await town.held(4)

        assert await town.ask("127.0.0.3") == 200
        assert await slow[0].is_closed()
        assert town.refused == {"gave_way": 1}
        assert await town.ask("127.0.0.4") == 200


async def test_nobody_who_is_being_answered_gives_way():
    async with hall(connections=2) as town:
        hanging = [await town.call(f"127.0.1.{number}", WHOLE.replace(b"/ ", b"/hang ")) for number in range(2)]
        await town.held(2)
        await town.pass_time(100)

        assert await town.ask("127.0.0.3") == 503
        town.open.set()
        assert [await each.status() for each in hanging] == [200, 200]


async def test_headers_have_their_time():
    async with hall(headers=10) as town:
        silent, slow, again = await town.call(), await town.call(say=HALF), await town.call(say=WHOLE)
        assert await again.status() == 200
        await town.pass_time(6)
        await slow.send(b"x")
        await again.send(HALF)  # a second request has as long, from its first byte on
        await town.pass_time(5)

        assert await silent.is_closed()
        assert await slow.is_closed(), "one byte now and then is no more time"
        await town.held(1)
        await town.pass_time(6)
        assert await again.is_closed()
        assert town.refused == {"headers": 3}


async def test_headers_end_somewhere():
    async with hall() as town:
        endless = await town.call(say=HALF)
        lines = b"".join(b"x\r\nX-%d: %s" % (number, b"y" * 4000) for number in range(40))
        assert len(lines) > 2 * LONGEST_HEAD
        await endless.send(lines)
        assert await endless.is_closed() or town.refused["malformed"]
        await town.held(0)


async def test_a_body_comes_at_a_bearable_pace():
    async with hall(body=20, rate=1000) as town:
        slow, steady = await town.call(say=POST), await town.call(say=POST)
        for _ in range(5):
            steady.writer.write(b"x" * 20_000)
            slow.writer.write(b"x")
            await town.pass_time(15)

        assert await slow.is_closed()
        assert await steady.status() == 200
        assert town.refused == {"body": 1}


async def test_bodies_have_room_and_the_oldest_that_is_half_sent_gives_way():
    half, whole = POST + b"x" * 60_000, POST + b"x" * 100_000
    async with hall(room=400_000) as town:
        known = await town.call("127.0.2.1", half.replace(b"Host", b"Known: yes\r\nHost"))
        await town.holds(60_000)
        strangers = []
        for number in range(12):
            strangers.append(await town.call(f"127.1.{number}.1", half))
            await town.holds(min(60_000 * (number + 2), 360_000))
            assert town.listener.room.reserved <= 400_000
        assert await town.ask("127.2.2.2", whole) == 200

        head = await asyncio.wait_for(strangers[0].reader.readuntil(b"\r\n\r\n"), PATIENCE)
        assert head.startswith(b"HTTP/1.1 503")
        assert b"Retry-After: 60" in head
        await known.send(b"x" * 40_000)
        assert await known.status() == 200, "whoever proved who they are gives way to nobody"
        assert town.refused["room"] >= 7


async def test_small_bodies_that_fill_the_room_keep_nobody_out_who_comes_to_prove_who_they_are():
    """All of it arrives in one packet, before anything has asked who sends it."""
    half, whole = POST + b"x" * 15_000, POST.replace(b"Host", b"Known: yes\r\nHost") + b"x" * 100_000
    async with hall(room=450_000) as town:
        for number in range(29):
            await town.call(f"127.{number + 1}.0.1", half)
        await town.holds(29 * 15_000)
        assert await town.ask("127.0.2.1", whole) == 200
        assert town.refused["room"] >= 5, "the oldest that were half-sent gave way"


async def test_of_one_network_s_bodies_there_is_a_third():
    async with hall(room=600_000) as town:
        mine = await town.call("127.0.2.1", POST + b"x" * 90_000)
        await town.holds(90_000)
        for number in range(5):
            await town.call(f"127.0.3.{number}", POST + b"x" * 90_000)
        async with asyncio.timeout(PATIENCE):
            while town.refused["room"] < 3:  # noqa: ASYNC110 sockets ring nobody here
                await asyncio.sleep(0)
        await mine.send(b"x" * 10_000)
        assert await mine.status() == 200


async def test_what_nobody_reads_of_a_body_leaves_the_memory_with_its_connection():
    """Who hangs on, or is never asked for its body, may have sent as much as the door takes unread."""
    async with hall() as town:
        caller = await town.call(say=POST.replace(b"POST / ", b"GET /hang ") + b"x" * 90_000)
        await town.holds(90_000)
        [connection] = town.listener._connections
        async with asyncio.timeout(PATIENCE):
            while connection._request is None:  # noqa: ASYNC110 sockets ring nobody here
                await asyncio.sleep(0)
        body = connection._body
        caller.writer.close()
        await town.held(0)
        assert body.total_bytes == 90_000
        assert not body._buffer


async def test_a_body_that_is_not_wanted_is_answered_and_not_cut_off():
    """As http.client sends it: all of it at once, and only then does it read."""
    big = WHOLE.replace(b"GET / ", b"POST /early ").replace(b"\r\n\r\n", b"\r\nContent-Length: 3000000\r\n\r\n")
    async with hall() as town:
        caller = await town.call()
        caller.writer.write(big + b"x" * 3_000_000)

        assert await caller.status() == 413
        assert not town.refused


async def test_a_picture_comes_in_whole_however_it_is_cut_on_its_way():
    async with hall() as town:
        caller = await town.call()
        for _ in range(3):  # also after others on the same connection
            caller.writer.write(POST.replace(b"100000", b"900000") + b"x" * 900_000)
            assert await caller.status() == 200
        assert not town.refused


async def test_a_body_that_is_packed_is_not_unpacked():
    """A bomb of 50 kB would be 50 MB, and as long a time in which nothing else is done."""
    bomb = gzip.compress(b"\0" * 50_000_000)
    head = f"POST / HTTP/1.1\r\nHost: town\r\nContent-Encoding: gzip\r\nContent-Length: {len(bomb)}\r\n\r\n"
    async with hall() as town:
        caller = await town.call(say=head.encode() + bomb)
        answer = await caller.reader.readuntil(b"\r\n\r\n")
        assert b"200 OK" in answer
        assert int(await caller.reader.read(10)) == len(bomb)


async def test_an_answer_that_nobody_reads_is_given_up():
    async with hall(unread=30) as town:
        big = b"x" * 50_000_000
        caller = await town.call(say=WHOLE.replace(b"/ ", b"/hang "))
        await town.held(1)
        connection = next(iter(town.listener._connections))
        connection.transport.write(big)
        await town.pass_time(29)
        assert town.listener.connections == 1
        while town.listener.connections:  # the system may take some more of it late, which counts as reading
            await town.pass_time(3)
        assert town.refused == {"unread": 1}
        assert not caller.writer.is_closing()


async def test_behind_a_proxy_an_address_is_counted_by_its_requests_under_way():
    async with hall(per_address=2) as town:
        from_one = b"GET /hang HTTP/1.1\r\nHost: town\r\nX-Forwarded-For: 198.51.100.7\r\n\r\n"
        for _ in range(2):
            await town.call("127.0.0.9", from_one)
        await town.held(2)
        await town.pass_time(1)

        assert await town.ask("127.0.0.9", from_one) == 503
        other = from_one.replace(b"100.7", b"100.8").replace(b"/hang", b"/")
        assert await town.ask("127.0.0.9", other) == 200, "the proxy itself is under no such limit"


async def test_few_requests_begin_in_one_round_of_the_loop_and_none_is_forgotten():
    async with hall(turns=2) as town:
        callers = [await town.call() for _ in range(40)]
        await town.held(40)
        counting = asyncio.create_task(town.count_rounds())
        for caller in callers:
            caller.writer.write(WHOLE)
        assert [await caller.status() for caller in callers] == [200] * 40
        counting.cancel()

        assert max(Counter(town.begun).values()) == 2


async def test_whoever_leaves_in_the_middle_of_a_body_is_no_error(caplog):
    async with hall() as town:
        caller = await town.call(say=POST + b"x")
        await town.held(1)
        caller.writer.transport.abort()
        await town.held(0)
        for _ in range(10):
            await asyncio.sleep(0)
    assert not caplog.records


async def test_what_is_no_request_is_counted_and_not_shown(caplog):
    async with hall() as town:
        assert await town.ask(say=WHOLE[:-2] + b"No header\r\n\r\n") == 400
        assert town.refused == {"malformed": 1}
    assert not caplog.records


async def test_a_port_that_is_taken_is_told():
    async with hall() as town:
        other = Listener(web.Application(), ListenerLimits(), FakeClock())
        with pytest.raises(OSError, match="in use"):
            await other.listen("127.0.0.1", town.port)


def test_some_files_are_for_nobody_outside():
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (1024, before[1]))
        assert places(4000) == 768
        assert places(100) == 100
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.mark.parametrize(
    "asked",
    [
        WHOLE,
        b"NONSENSE\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: town\r\nHost : town\r\n\r\n",
        b"PUT / HTTP/1.1\r\nHost: town\r\n\r\n",
    ],
)
async def test_no_answer_tells_which_program_in_which_version_gave_it(asked):
    """Nor one to what can't be read: such answers ask no application."""
    async with hall() as there:
        caller = await there.call(say=asked)
        head = await asyncio.wait_for(caller.reader.readuntil(b"\r\n\r\n"), PATIENCE)
        assert b"python" not in head.lower()
        assert b"aiohttp" not in head.lower()
