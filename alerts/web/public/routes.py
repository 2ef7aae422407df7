"""The public addresses: everything is looked up, nothing is made for a request.

`/events` is a stream that stays open (server-sent events): each open page is told when an edition has news. There are
at most as many as leave half of the process's files to lanes, desk and pages.
"""

from __future__ import annotations

import asyncio
import contextlib
import resource
from urllib.parse import quote

from aiohttp import web

from alerts.web.public.publisher import Publisher

AT_ONCE = 2000
"""Streams of `/events` at the most; who comes later is told to ask again in a while."""
HEARTBEAT = 15.0
"""Seconds after which a stream says that it is alive."""


def public_routes(publisher: Publisher) -> list[web.RouteDef]:
    """All of them: the stream of events, and whatever an edition answers."""
    streams: set[web.StreamResponse] = set()

    async def look(request: web.Request) -> web.Response:
        path = request.path
        found = publisher.at_hand(path) or await publisher.find(path)
        return found.to(request) if found is not None else await _nothing_there(publisher, request)

    async def events(request: web.Request) -> web.StreamResponse:
        if publisher.closed or len(streams) >= room_for_streams():
            raise web.HTTPServiceUnavailable(headers={"Retry-After": "30"})
        stream = web.StreamResponse(
            # nginx would hold a stream back until its buffer is full.
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        )
        streams.add(stream)
        try:  # who closes the page is gone at the next write: a reader's right, and no error
            with publisher.listen() as changed, contextlib.suppress(ConnectionError):
                await stream.prepare(request)
                await _tell(stream, publisher, changed)
        finally:
            streams.discard(stream)
        return stream

    # A HEAD would open a stream that nobody reads.
    return [web.get("/events", events, allow_head=False), web.get("/{path:.*}", look)]


def room_for_streams() -> int:
    """Half of the files that this process may have open at the most: the rest is for lanes, desk and pages."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return AT_ONCE if files == resource.RLIM_INFINITY else min(AT_ONCE, files // 2)


async def _nothing_there(publisher: Publisher, request: web.Request) -> web.Response:
    """The page under its right spelling, where only the last stroke is wrong; else one that helps on."""
    path = request.path
    for other in (path.rstrip("/"), f"{path}/"):
        if other != path and await publisher.find(other) is not None:
            return web.Response(status=308, headers={"Location": quote(other)})
    setting = publisher.setting
    page = await publisher.find(setting.path(setting.language_of(path), "404.html"))
    return page.to(request, status=404) if page else web.Response(status=404)


async def _tell(stream: web.StreamResponse, publisher: Publisher, changed: asyncio.Event) -> None:
    told = None
    while not publisher.closed:
        changed.clear()
        edition = await publisher.edition()
        # Told is what is news to a reader; an edition that only grew older is none.
        if edition.news != told:
            told = edition.news
            await stream.write(edition.event)
        while not changed.is_set():
            try:
                await asyncio.wait_for(changed.wait(), HEARTBEAT)
            except TimeoutError:
                await stream.write(b": alive\n\n")
