"""The works calendar from a real server on the loopback: conditional, and never empty by mistake."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from alerts.model.errors import SourceFailed
from alerts.model.ports import Memory, SourceReading
from alerts.sources.address import Where
from alerts.sources.ical.source import IcalSource
from alerts.sources.settings import IcalSettings
from tests.fakes import FakeClock
from tests.unit.sources.ical_pages import NINE_TO_NOON, at, calendar, event, nothing_stored, works_source


class Server:
    """Serves `body` with `status`; counts what was asked, and what was answered without a body."""

    def __init__(self) -> None:
        self.body = calendar(event())
        self.status = 200
        self.validates = True
        self.asked: list[str | None] = []
        self.unchanged = 0
        self.url = ""

    async def answer(self, request: web.Request) -> web.Response:
        etag = f'"{hashlib.sha256(self.body).hexdigest()[:8]}"'
        self.asked.append(request.headers.get("If-None-Match"))
        if self.status == 200 and self.validates and self.asked[-1] == etag:
            self.unchanged += 1
            return web.Response(status=304)
        headers = {"ETag": etag} if self.validates else {}
        return web.Response(status=self.status, body=self.body, content_type="text/calendar", headers=headers)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    serving = Server()
    app = web.Application()
    app.router.add_get("/works.ics", serving.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    serving.url = f"http://127.0.0.1:{runner.addresses[0][1]}/works.ics"
    yield serving
    await runner.cleanup()


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


class Reader:
    """A source that is looked at once a minute."""

    def __init__(self, server: Server, session: aiohttp.ClientSession) -> None:
        self.clock = FakeClock()
        self.source: IcalSource = works_source(Path(), server.url, session=session, clock=self.clock, timeout="60s")

    async def read(self, memory: Memory, now: str) -> SourceReading:
        await self.clock.advance(60)
        return await self.source.read(memory, nothing_stored, at(now))


def source(server: Server, session: aiohttp.ClientSession) -> Reader:
    return Reader(server, session)


async def steps(reader: Reader, memory: Memory, now: str) -> tuple[list[str | None], Memory]:
    reading = await reader.read(memory, now)
    return [each.alert.infos[0].parameter("tocsin:step") for each in reading.heard if each.alert], reading.memory


async def test_it_asks_conditionally_and_still_tells_what_is_due(server, session):
    reader = source(server, session)
    told, memory = await steps(reader, Memory(), "2026-11-25 12:00")
    assert told == []
    etag = f'"{hashlib.sha256(server.body).hexdigest()[:8]}"'

    told, memory = await steps(reader, memory, "2026-11-26 09:00")
    assert told == ["before"]
    assert (server.unchanged, server.asked) == (1, [None, etag])


async def test_after_a_restart_it_asks_for_the_whole_calendar(server, session):
    _, memory = await steps(source(server, session), Memory(), "2026-11-25 12:00")
    told, _ = await steps(source(server, session), memory, "2026-11-26 09:00")

    assert told == ["before"]
    assert server.asked == [None, None]


async def test_without_validators_the_words_are_compared(server, session):
    server.validates = False
    reader = source(server, session)
    first = await reader.read(Memory(), "2026-11-25 12:00")
    second = await reader.read(first.memory, "2026-11-25 12:01")

    assert (first.unchanged, second.unchanged) == (False, True)


async def test_a_change_on_the_server_is_told(server, session):
    reader = source(server, session)
    _, memory = await steps(reader, Memory(), "2026-11-26 09:00")
    server.body = calendar(event(NINE_TO_NOON.replace("T12", "T15")))

    told, _ = await steps(reader, memory, "2026-11-26 10:00")
    assert told == ["moved"]


@pytest.mark.parametrize(
    ("status", "body", "why"),
    [
        (404, b"gone", "answered 404"),
        (403, b"no", "answered 403"),
        (500, b"", "answered 500"),
        (200, b"", "empty"),
        (200, b"<!DOCTYPE html><title>Sign in</title>", "a web page came instead of a calendar"),
        (200, calendar(event())[:-30], "cut off"),
    ],
)
async def test_a_feed_that_fails_is_not_a_feed_that_is_empty(server, session, status, body, why):
    reader = source(server, session)
    _, memory = await steps(reader, Memory(), "2026-11-26 09:00")
    good, server.status, server.body = server.body, status, body

    for _ in range(2):
        with pytest.raises(SourceFailed, match=why):
            await reader.read(memory, "2026-11-26 10:00")
    server.status, server.body = 200, good
    told, _ = await steps(reader, memory, "2026-11-27 09:00")
    assert told == ["start"]


async def test_nobody_there_is_a_failure(server, session):
    server.url = "http://127.0.0.1:1/works.ics"

    with pytest.raises(SourceFailed, match="refused"):
        await source(server, session).read(Memory(), "2026-11-25 12:00")


@pytest.mark.parametrize("scheme", ["webcal", "WEBCAL", "webcals"])
def test_webcal_is_https(scheme):
    settings = IcalSettings.model_validate({"kind": "ical", "url": f"{scheme}://town.example/works.ics"})

    assert Where.of(settings).url == "https://town.example/works.ics"
