"""One feed that a thousand towns name: what a look costs each that brings nothing new, and what a new message costs.

The sources and the shared reader are the real ones, in this process, and so is the server, which is asked once for all.
What a town stores is kept in memory, for storing is measured elsewhere. The floor is what a town alone would do at the
least: a request of a bare client, and lxml's tree of what came.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

import aiohttp
from aiohttp import web
from lxml import etree

from alerts.model import cap
from alerts.model.ports import Memory, Surroundings
from alerts.model.town import Town
from alerts.sources.cap.source import CapSource
from alerts.sources.settings import CapSettings
from alerts.sources.shared import SharedReader
from bench import samples
from bench.loopback import loopback
from bench.measure import Row, in_turn_async

TOWNS = 1000
ALERTS = 20
ROUNDS = 6
_ENTRY = '<entry><id>{0}</id><updated>2026-11-25T12:00:00Z</updated><link href="/{0}.xml"/></entry>'


class WindableClock:
    """A clock on which a minute passes when that is said, and no wait takes any time."""

    def __init__(self) -> None:
        self.passed = 0.0

    def now(self) -> datetime:
        """The wall clock, which stands still."""
        return samples.NOW

    def monotonic(self) -> float:
        """Seconds that were said to have passed."""
        return self.passed

    async def sleep(self, _: float) -> None:
        """Let the others go on."""
        await asyncio.sleep(0)


class Feed:
    """An index and its messages, with a tag for each version of it."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.asked = 0
        for _ in range(ALERTS):
            self.add()

    def add(self) -> None:
        """One more message."""
        self.names.append(f"vent-{len(self.names)}")

    async def answer(self, request: web.Request) -> web.Response:
        """The index, as long as it is another one than the client has; or a message."""
        self.asked += 1
        name = request.path.strip("/")
        if name != "index":
            return web.Response(body=cap.write(samples.an_alert(name.removesuffix(".xml"))))
        tag = f'"{len(self.names)}"'
        if request.headers.get("If-None-Match") == tag:
            return web.Response(status=304)
        entries = "".join(map(_ENTRY.format, self.names))
        return web.Response(text=f'<feed xmlns="http://www.w3.org/2005/Atom">{entries}</feed>', headers={"ETag": tag})


class Reader:
    """A town's source, with what it remembers and stored."""

    def __init__(self, source: CapSource) -> None:
        self._source = source
        self._memory = Memory()
        self._stored: set[str] = set()

    async def look(self) -> int:
        """Look once; returns how much was heard."""
        reading = await self._source.read(self._memory, self._known, samples.NOW)
        self._memory = reading.memory
        self._stored.update(each.key for each in reading.heard)
        return len(reading.heard)

    async def _known(self, keys: Sequence[str]) -> set[str]:
        return self._stored.intersection(keys)


class County:
    """All towns, their feed and the clock."""

    def __init__(self, session: aiohttp.ClientSession, feed: Feed, url: str) -> None:
        self.feed = feed
        self.clock = WindableClock()
        shared = SharedReader(session, self.clock)
        settings = CapSettings(kind="cap", url=url)
        around = Surroundings(session, self.clock, Town("Vallée", "alertes@vallee.example"), shared)
        self.readers = [Reader(CapSource("meteo", settings, around)) for _ in range(TOWNS)]

    async def look(self) -> list[int]:
        """Every town, a minute later."""
        self.clock.passed += 60
        return [await reader.look() for reader in self.readers]

    async def hear(self, expected: int) -> float:
        """The CPU seconds of a town for one look."""
        asked, began = self.feed.asked, time.process_time()
        heard = await self.look()
        took = time.process_time() - began
        assert heard == [expected] * TOWNS
        assert self.feed.asked == asked + 1 + expected
        return took / TOWNS


def measure() -> Iterator[Row]:
    """Two rows."""
    with loopback() as url:
        yield from asyncio.run(_rows(url))


async def _rows(url: str) -> list[Row]:
    message = cap.write(samples.an_alert())
    async with _county() as county, aiohttp.ClientSession() as bare:

        async def request() -> float:
            began = time.process_time()
            for _ in range(200):
                async with bare.get(url) as response:
                    await response.read()
            return (time.process_time() - began) / 200

        async def request_and_tree() -> float:
            took, began = await request(), time.process_time()
            for _ in range(100):
                etree.fromstring(message)
            return took + (time.process_time() - began) / 100

        async def something_new() -> float:
            county.feed.add()
            return await county.hear(1)

        quiet = await in_turn_async(request, lambda: county.hear(0), ROUNDS)
        new = await in_turn_async(request_and_tree, something_new, ROUNDS)
    return [
        Row("a look of one of 1,000 towns, nothing new", *quiet, "s", 0.1),
        Row("one new message, to one of 1,000 towns", *new, "s", 0.5),
    ]


@asynccontextmanager
async def _county() -> AsyncIterator[County]:
    feed = Feed()
    app = web.Application()
    app.router.add_get("/{path:.*}", feed.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        async with aiohttp.ClientSession() as session:
            county = County(session, feed, f"http://127.0.0.1:{runner.addresses[0][1]}/index")
            await county.look()
            yield county
    finally:
        await runner.cleanup()
