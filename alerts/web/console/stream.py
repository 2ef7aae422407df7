"""Changes as server-sent events (WHATWG HTML, 9.2): the ids of incidents, for pages that refresh.

    service.watch() ──▶ collected for a moment, each id once ──▶ `event: changed`; a comment now and then, so that a
    dead connection is noticed; the end when the session has ended, which is checked before any change is sent

People's remarks are reported like an incident named `heard`, their reports like one named `reports`: only the pages
that show them refresh.

A session has a few streams at once. A new one always gets a place: the stream of an abandoned page ends for it, or else
the oldest, which is notified (`event: full`). Its page reconnects when somebody returns to it, or in a while.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import timedelta

from aiohttp import web

from alerts.access.sessions import Visitor
from alerts.desk.service import DeskService
from alerts.desk.unit import DeskUnit
from alerts.model.person import Stage
from alerts.web.console.frame import Console, visitor_of

Lasts = Callable[[DeskUnit], bool]
STREAMS = 4
"""How many a session may hold open at once: two of a browser's six connections (HTTP/1.1) stay for pages themselves."""


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Seconds: of collecting changes, between two signs of life, between two checks of the session.

    `left`: between two checks for a reader who left.
    """

    collect: float = 0.25
    beat: float = 15.0
    recheck: float = 30.0
    left: float = 0.2


@dataclass(slots=True, eq=False)
class _StreamReader:
    """A reader of a stream, and the changes since the last event: one set, however slow they are.

    `gives_way`: their place is another page's now.
    """

    request: web.Request
    incidents: dict[str, None] = field(default_factory=dict)
    is_over: bool = False
    gives_way: bool = False
    rung: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def has_left(self) -> bool:
        """True if the connection is gone."""
        return self.request.transport is None or self.request.transport.is_closing()

    def end(self) -> None:
        """End the stream."""
        self.is_over = True
        self.rung.set()

    def take(self) -> list[str]:
        """All of it, once."""
        taken, self.incidents = list(self.incidents), {}
        self.rung.clear()
        # "" means that something changed and nobody knows what: the page then looks at everything.
        return [""] if "" in taken else taken


def routes(console: Console, rhythm: Rhythm | None = None) -> list[web.RouteDef]:
    """The stream."""
    rhythm, streams = rhythm or Rhythm(), defaultdict[str, list[_StreamReader]](list)

    async def events(request: web.Request) -> web.StreamResponse:
        visitor = visitor_of(request)
        digest, reader = visitor.session.digest, _StreamReader(request)
        if len(streams[digest]) >= STREAMS:
            _make_way(streams[digest])
        streams[digest].append(reader)
        try:
            lasts = _session_test(visitor, console.frame.station.desk.session)
            return await _stream(console.service, reader, lasts, rhythm)
        finally:
            with contextlib.suppress(ValueError):  # it gave way
                streams[digest].remove(reader)
            if not streams[digest]:
                del streams[digest]

    return [web.get("/events", events)]


def _make_way(readers: list[_StreamReader]) -> None:
    """End one of them: of a page that was left, which may not have been noticed yet, or else the oldest."""
    gone = next((each for each in readers if each.has_left), readers[0])
    readers.remove(gone)
    gone.gives_way = True
    gone.end()


async def _stream(service: DeskService, reader: _StreamReader, lasts: Lasts, rhythm: Rhythm) -> web.StreamResponse:
    # nginx would else hold events back until its buffer is full (X-Accel-Buffering).
    response = web.StreamResponse(
        headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    )
    # Watched before the page hears that it is connected: nothing that changes in between is missed.
    with service.watch(heard=True) as changes, contextlib.suppress(ConnectionError):
        await response.prepare(reader.request)
        await response.write(b"retry: 3000\n: watching\n\n")
        beside = (
            asyncio.create_task(_collect(changes, reader), name="events"),
            asyncio.create_task(_notice_leaving(reader, rhythm.left), name="events' reader"),
        )
        try:
            await _tell(service, response, lasts, reader, rhythm)
        finally:
            for task in beside:
                task.cancel()
    return response


async def _collect(changes: AsyncIterator[str], reader: _StreamReader) -> None:
    async for incident in changes:
        reader.incidents[incident] = None
        reader.rung.set()
    reader.end()


async def _notice_leaving(reader: _StreamReader, every: float) -> None:
    """End an abandoned stream: aiohttp notices it only at the next write, and until then it would hold a place."""
    while not reader.has_left:  # noqa: ASYNC110 aiohttp has no event
        await asyncio.sleep(every)
    reader.end()


async def _tell(
    service: DeskService, response: web.StreamResponse, lasts: Lasts, reader: _StreamReader, rhythm: Rhythm
) -> None:
    """Until the session or the daemon ends. While a slow reader holds up `write`, changes gather in one set."""
    loop = asyncio.get_running_loop()
    checked = loop.time()
    while True:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(reader.rung.wait(), min(rhythm.beat, rhythm.recheck))
        if reader.rung.is_set():
            # One delivery changes an incident several times within moments: the page looks again once for all of them.
            await asyncio.sleep(rhythm.collect)
        elif loop.time() - checked < rhythm.recheck:
            await response.write(b": still here\n\n")
            continue
        if reader.is_over:
            break
        # It may have been ended in another browser, or its owner shut out, while this page stood open: such a page is
        # told nothing more.
        if not await service.ask(lasts):
            await response.write(b"event: over\ndata: signed out\n\n")
            return
        checked = loop.time()
        events = "".join(f"event: changed\ndata: {incident or '*'}\n\n" for incident in reader.take())
        await response.write(events.encode() or b": still here\n\n")
    if reader.gives_way:
        await response.write(b"event: full\ndata: too many pages\n\n")


def _session_test(visitor: Visitor, idle: timedelta) -> Lasts:
    """Return the test of a valid session. Watching doesn't count as use: an open page keeps nobody signed in."""

    def lasts(unit: DeskUnit) -> bool:
        session = unit.accounts.session(visitor.session.digest)
        account = unit.accounts.account(visitor.account.name)
        if session is None or account is None or account.disabled_at is not None:
            return False
        return session.stage is Stage.FULL and session.seen_at + idle > unit.now < session.expires_at

    return lasts
