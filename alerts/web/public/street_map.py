"""The town's own map with streets, for browsers to draw (`alerts/web/pmtiles.js`): ranges of one file, never parsed.

Who asks names the bytes (RFC 9110, 14.2), a megabyte at the most; the whole file is for nobody. A file that is put in
the place of another has another entity tag, by which a page that is open finds out.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import count

from aiohttp import web

from alerts.model.local import open_named
from alerts.model.street_map import STREET_MAP
from alerts.model.town import Town
from alerts.web.public.answers import SLICE

LONGEST = 1_048_576
"""Bytes that one answer has at the most: a page waits for the few that it needs."""
_REST = 0.001
"""Seconds from one slice of a long range to the next, whoever's it is: a crowd takes a quarter of a processor."""
_RANGE = re.compile(r"bytes=(\d{1,12})-(\d{1,12})", re.ASCII)


async def _rested() -> None:
    await asyncio.sleep(_REST)


def street_map_routes(town: Town, rest: Callable[[], Awaitable[None]] = _rested) -> list[web.RouteDef]:
    """Where it is, if the town has one. Of all long ranges one slice is read at a time, and then there is a rest.

    Without it, 1,200 who ask for a megabyte each keep the processor busy for seconds, and an alert waits for it fifty
    times as long as usual. What is no longer than a slice, as most of what a page asks for, waits for nobody.
    """
    if (name := town.web.map) is None:
        return []

    turns = ShortestFirst()

    async def sliced(first: int, last: int, left: int) -> _Part:
        async with turns.one(left):
            read = await asyncio.to_thread(_read, town, name, first, last)
            await rest()
        return read

    async def part(request: web.Request) -> web.StreamResponse:
        asked = _RANGE.fullmatch(request.headers.get("Range", ""))
        first, last = (int(asked[1]), int(asked[2])) if asked else (1, 0)
        try:
            read = await asyncio.to_thread(_read, town, name, first, last)
        except OSError:
            return web.Response(status=404)
        last = min(last, read.size - 1, first + LONGEST - 1)
        if first > last:
            return web.Response(status=416, headers={"Content-Range": f"bytes */{read.size}"})
        headers = {"Content-Range": f"bytes {first}-{last}/{read.size}", "ETag": read.etag, **_HEADERS}
        if last - first < SLICE:
            return web.Response(status=206, body=read.body, headers=headers)
        response = web.StreamResponse(status=206, headers=headers)
        response.content_length = last - first + 1
        await response.prepare(request)
        if request.method != "HEAD":
            await _send(request, response, sliced, read.etag, first, last)
        return response

    return [web.get(STREET_MAP, part)]


class ShortestFirst:
    """One at a time, who has least left before the others: a square of the map isn't kept waiting by megabytes."""

    def __init__(self) -> None:
        self._taken = False
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._number = count()

    @asynccontextmanager
    async def one(self, left: int) -> AsyncIterator[None]:
        """A turn, once it has come; `left` are the bytes that its range still has."""
        if self._taken:
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            heappush(self._waiting, (left, next(self._number), turn))
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():
                    self._pass_on()
                raise
        self._taken = True
        try:
            yield
        finally:
            self._pass_on()

    def _pass_on(self) -> None:
        while self._waiting:
            *_, turn = heappop(self._waiting)
            if not turn.done():
                turn.set_result(None)
                return
        self._taken = False


@dataclass(frozen=True, slots=True)
class _Part:
    """Bytes of the file, and what it was when they were read."""

    body: bytes
    size: int
    etag: str


_HEADERS = {
    "Content-Type": "application/vnd.pmtiles",
    "Accept-Ranges": "bytes",
    "Cache-Control": "public, max-age=3600",
    "X-Content-Type-Options": "nosniff",
}


async def _send(  # noqa: PLR0917 all of it is one answer
    request: web.Request,
    response: web.StreamResponse,
    read: Callable[[int, int, int], Awaitable[_Part]],
    etag: str,
    first: int,
    last: int,
) -> None:
    """Send the range by slices. The file is opened for each: a reader who takes their time holds none open."""
    for at in range(first, last + 1, SLICE):
        part = await read(at, min(at + SLICE - 1, last), last - at)
        if part.etag != etag:  # another file by now: what was begun can't be ended
            if request.transport is not None:
                request.transport.abort()
            return
        await response.write(part.body)


def _read(town: Town, name: str, first: int, last: int) -> _Part:
    """Read a slice of the file; empty if it is too long. Raises OSError."""
    with open_named(town.folder, name) as file:
        known = os.fstat(file.fileno())
        length = min(last, known.st_size - 1) - first + 1
        body = os.pread(file.fileno(), length, first) if 0 < length <= SLICE else b""
    return _Part(body, known.st_size, f'"{known.st_size:x}-{known.st_mtime_ns:x}"')
