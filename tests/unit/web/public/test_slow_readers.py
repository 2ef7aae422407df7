"""Long answers, such as the town's map with streets, asked for by who doesn't read them."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from alerts.model.street_map import STREET_MAP
from alerts.model.town import Town, WebSection
from alerts.web.listener import Listener, ListenerLimits
from alerts.web.public.answers import JPEG, SLICE, answer, respond, served
from alerts.web.public.street_map import LONGEST, ShortestFirst, street_map_routes
from tests.fakes import FakeClock

WHOLE = os.urandom(2 * LONGEST)
ASKED = b"GET /streets.pmtiles HTTP/1.1\r\nHost: town\r\nRange: bytes=5-99999999\r\n\r\n"
PATIENCE = 60.0


@pytest.fixture
def file(tmp_path) -> Path:
    (tmp_path / "commune.pmtiles").write_bytes(WHOLE)
    return tmp_path / "commune.pmtiles"


def streets(file: Path) -> list[web.RouteDef]:
    town = Town("Saint-Martin", web=WebSection(map=file.name), file=file.with_name("channels.toml"))
    return street_map_routes(town)


@asynccontextmanager
async def slow_reader(
    routes: list[web.RouteDef], asked: bytes = ASKED
) -> AsyncIterator[tuple[Listener, asyncio.StreamReader]]:
    """Somebody who asked for a megabyte and reads nothing yet; the system keeps next to nothing for them."""
    app = web.Application()
    app.add_routes(routes)
    listener = Listener(app, ListenerLimits(), FakeClock())
    port = await listener.listen("127.0.0.1", 0)
    own = socket.socket()
    own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    own.setblocking(False)
    await asyncio.get_running_loop().sock_connect(own, ("127.0.0.1", port))
    reader, writer = await asyncio.open_connection(sock=own, limit=4096)
    try:
        async with asyncio.timeout(PATIENCE):
            while not listener.connections:  # noqa: ASYNC110 it is the real loop that goes round
                await asyncio.sleep(0)
            transport = next(iter(listener._connections)).transport
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
            writer.write(asked)
            while not transport.get_write_buffer_size():  # noqa: ASYNC110
                await asyncio.sleep(0)
        yield listener, reader
    finally:
        writer.close()
        await listener.close()


async def test_who_reads_nothing_holds_no_more_than_slices(file):
    async with slow_reader(streets(file)) as (listener, reader):
        assert next(iter(listener._connections)).transport.get_write_buffer_size() < 2 * SLICE

        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE)
        assert b"Content-Range: bytes 5-%d/%d\r\n" % (LONGEST + 4, len(WHOLE)) in head
        assert await asyncio.wait_for(reader.readexactly(LONGEST), PATIENCE) == WHOLE[5 : LONGEST + 5]


async def test_of_a_crowd_s_long_ranges_a_slice_goes_out_at_a_time_and_short_ones_wait_for_nobody(file):
    rests: asyncio.Queue[asyncio.Event] = asyncio.Queue()

    async def rest() -> None:
        over = asyncio.Event()
        rests.put_nowait(over)
        await over.wait()

    async def asked(client: TestClient, length: int) -> bytes:
        async with client.get(STREET_MAP, headers={"Range": f"bytes=0-{length - 1}"}) as answer:
            return await answer.read()

    app = web.Application()
    app.add_routes(street_map_routes(Town("S", web=WebSection(map=file.name), file=file.with_name("c.toml")), rest))
    async with TestClient(TestServer(app)) as client, asyncio.timeout(PATIENCE), asyncio.TaskGroup() as crowd:
        reading = [crowd.create_task(asked(client, 3 * SLICE)) for _ in range(4)]
        for _ in range(3 * len(reading)):
            over = await rests.get()
            assert await asked(client, 100) == WHOLE[:100]
            assert rests.empty(), "nobody's next slice is read while one rests"
            over.set()
        assert [await each for each in reading] == [WHOLE[: 3 * SLICE]] * 4


async def test_who_has_least_left_is_next_and_who_goes_away_keeps_no_turn():
    turns, begun = ShortestFirst(), list[str]()

    async def take(name: str, left: int) -> None:
        async with turns.one(left):
            begun.append(name)

    async with asyncio.TaskGroup() as crowd:
        async with turns.one(0):
            waiting = {name: crowd.create_task(take(name, left)) for name, left in (("a", 9), ("b", 2), ("c", 9))}
            gone = crowd.create_task(take("gone", 1))
            await asyncio.sleep(0)
        gone.cancel()  # its turn has come, and it doesn't know yet
        await asyncio.wait(waiting.values())
        await take("d", 5)
    assert begun == ["b", "a", "c", "d"]


async def test_of_two_files_nobody_gets_one_answer(file):
    async with slow_reader(streets(file)) as (_, reader):
        other = file.with_name("other")
        other.write_bytes(b"another")
        other.replace(file)
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await asyncio.wait_for(reader.readexactly(LONGEST), PATIENCE)


@pytest.mark.parametrize("respond", [served, respond])
async def test_who_reads_no_photo_holds_no_more_than_slices(respond):
    photo = answer(WHOLE, JPEG)
    async with slow_reader(
        [web.get("/photo", partial(respond, photo))], b"GET /photo HTTP/1.1\r\nHost: town\r\n\r\n"
    ) as (
        listener,
        reader,
    ):
        assert next(iter(listener._connections)).transport.get_write_buffer_size() < 2 * SLICE

        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE)
        assert b"Content-Length: %d\r\n" % len(WHOLE) in head
        assert b"Transfer-Encoding" not in head
        assert await asyncio.wait_for(reader.readexactly(len(WHOLE)), PATIENCE) == WHOLE
