"""Long answers, such as the town's map with streets, asked for by who doesn't read them."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from alerts.model.town import Town, WebSection
from alerts.web.listener import Limits, Listener
from alerts.web.public.answers import JPEG, SLICE, answer
from alerts.web.public.street_map import LONGEST, street_map_routes
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
    listener = Listener(app, Limits(), FakeClock())
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


async def test_of_two_files_nobody_gets_one_answer(file):
    async with slow_reader(streets(file)) as (_, reader):
        other = file.with_name("other")
        other.write_bytes(b"another")
        other.replace(file)
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await asyncio.wait_for(reader.readexactly(LONGEST), PATIENCE)


async def test_who_reads_no_photo_holds_no_more_than_slices():
    photo = answer(WHOLE, JPEG)

    async def give(request: web.Request) -> web.Response:
        return photo.to(request)

    async with slow_reader([web.get("/photo", give)], b"GET /photo HTTP/1.1\r\nHost: town\r\n\r\n") as (
        listener,
        reader,
    ):
        assert next(iter(listener._connections)).transport.get_write_buffer_size() < 2 * SLICE

        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE)
        assert b"Content-Length: %d\r\n" % len(WHOLE) in head
        assert b"Transfer-Encoding" not in head
        assert await asyncio.wait_for(reader.readexactly(len(WHOLE)), PATIENCE) == WHOLE
