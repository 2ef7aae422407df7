"""Keeps the public side true: an edition when it is due and somebody wants it, each page of it when it is asked for.

An edition is due when something changed, when time alone ended something, and every 20 seconds for how fresh each
source is. `Publisher.run` makes it while pages are open that listen, or files are written; else it is made when
somebody asks for a page. So a town that nobody looks at costs nothing, and a burst of changes is one edition: the more
one costs, the longer the rest after it, up to a second. Whoever asks for a page waits for an edition that is due, but
not for long: a database that doesn't answer costs the pages their news, and nothing else.

Pages of incidents that were over long ago are in no edition: they are looked up. The same editions go into files
beside (`export.py`), where a disk that refuses costs the files alone; of several daemons one writes them, as
`may_export` tells. `public_routes` are the addresses. `/events` is a stream that stays open (server-sent events): each
open page is told when an edition has news. There are at most as many as leave half of the process's files to lanes,
desk and pages.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import re
import resource
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from urllib.parse import quote

import structlog
from aiohttp import web

from alerts.delivery.worker import LATE, Guarded, Work
from alerts.desk.publicity import IncidentIndex, PublicIncident, public_incident
from alerts.desk.service import DeskService
from alerts.desk.unit import DeskUnit
from alerts.listening.answering import FaqEntry, faq
from alerts.model.errors import TocsinError
from alerts.model.incident import SourceStatus
from alerts.model.ports import Clock
from alerts.model.reason import Reason, because
from alerts.model.remembered import Newest
from alerts.web.public.answers import HTML, UNKEPT, CachedResponse, CacheEntry, respond, served
from alerts.web.public.export import Export
from alerts.web.public.page import safety
from alerts.web.public.site import Edition, Key, Known, RenderedIncident, Site, answers_of
from alerts.web.public.snapshot import Freshness, PolledSource, Setting, Snapshot

REST, LONGEST_REST = 0.2, 1.0
"""Seconds between two editions, by what the first cost: what changes meanwhile comes with the second."""
SHARE = 0.1
"""What editions may take of the time at most, until they cost so much that they would be rarer than `LONGEST_REST`."""
AT_LEAST_EVERY = 20.0
"""Seconds after which an edition is due though nothing changed: how fresh each source is, and what time alone ends."""
CATCHES_UP = 5.0
"""Seconds for which changes that nobody asked for are left alone, so that there are never too many of them to read."""
PATIENCE = 1.0
"""Seconds that whoever asks for a page waits for an edition that is due; then the one before is answered, dated."""
AT_A_TIME = 20
"""Older incidents whose pages an export gets with one edition, until it has them all."""
CARDS_AT_A_TIME = 40
"""Cards that an edition waits for on its way to the files; the gravest have theirs first, the rest follow."""
NOTIFIED_AT_ONCE, NOTIFIED_EVERY = 5, 0.002
"""Open pages that are told of an edition together, and the seconds to the next of them: 2,000 within a second."""
MOST_ASKED_ABOUT = 40
"""Incidents whose answers an edition knows, those that were asked about last; an older page asks for its own."""
# Older incidents whose pages are kept in memory, each by its id and by those of its messages that were asked for.
_OLDER_KEPT = 128
# Names an incident or a message. Ids are letters and digits: what is anything else isn't looked for, and costs nothing.
_NAME = re.compile(
    r"/(?:[^/]{2}/)?(?:alerts/([A-Za-z0-9]{1,26})(?:\.geojson|/card\.png)?|cap/([A-Za-z0-9]{1,26})\.xml)"
)
_BOT = re.compile(r"@(\w{3,64})", re.ASCII)

AT_ONCE = 2000
"""Streams of `/events` at the most; who comes later is told to ask again in a while."""
HEARTBEAT = 15.0
"""Seconds after which a stream says that it is alive."""

log = structlog.get_logger()


class Publisher:
    """Has the answers. `listeners` hear of each new edition; `cycled_at` is when its loop last had nothing left to do.

    `unexported` is why the newest isn't in the files: what stands there grows old unseen.
    """

    def __init__(
        self,
        service: DeskService,
        setting: Setting,
        clock: Clock,
        export: Path | None = None,
        may_export: Callable[[], bool] = lambda: True,
    ) -> None:
        self._service = service
        self._clock = clock
        self.setting = setting
        self._site = Site(setting)
        self._index = IncidentIndex(setting.town.zone)
        self._edition: Edition | None = None
        self._known: Known = ()
        self._asked: Mapping[str, Sequence[FaqEntry]] = {}
        self._reasked: frozenset[str] = frozenset()
        self._older: Newest[str, RenderedIncident] = Newest(_OLDER_KEPT)
        self._looking, self._drawing = asyncio.Lock(), asyncio.Lock()
        self._exported: dict[str, Key] = {}
        self._export = Export(export, setting.languages[1:]) if export else None
        self._may_export = may_export
        self._pageless: set[str] = set()
        self._listeners: set[asyncio.Event] = set()
        self._changed = asyncio.Event()
        self._to_export = asyncio.Event()
        self._renewing: asyncio.Task[Edition] | None = None
        self._is_behind = False
        self._is_failing = False
        self._looked_at = self._due_at = -math.inf
        self._until: datetime | None = None
        self._spent = 0.0
        self._was_away = False
        self.unexported: Reason | None = None
        self.closed = False

    def work(self) -> list[Work]:
        """Return the permanent tasks. An edition that can't be made is logged; the last one stays."""
        late, trouble = AT_LEAST_EVERY + LATE, lambda: self.unexported
        made = Work(
            "pages", self._make_wanted, AT_LEAST_EVERY, woken=self._changed, rest=self._rest, late=late, trouble=trouble
        )
        heard = Work("pages heard", self._hear, REST)
        if self._export is None:
            return [heard, made]
        export = partial(self._export_newest, self._export)
        return [heard, made, Work("pages exported", export, math.inf, woken=self._to_export, rest=REST)]

    async def _make_wanted(self) -> None:
        if self._is_wanted():
            await self.make()

    async def edition(self) -> Edition:
        """The newest edition, made now if it is due; the first is waited for, however long that takes."""
        if self._edition is None:
            return await self.make()
        # Where the last one couldn't be made, the next is tried by the loop, in its own time, and nobody waits for it.
        if self._is_due() and not self._is_failing:
            await asyncio.wait([self._renewal()], timeout=PATIENCE)
        return self._edition

    def _is_wanted(self) -> bool:
        """True if the next edition should be made in advance: it is due, and a page is open or files are exported."""
        if self._is_failing:
            return True
        if self._listeners or self._export is not None:
            return self._is_behind or self._is_due()
        has_rested = self._edition is not None and self._clock.monotonic() >= self._looked_at + CATCHES_UP
        return self._is_behind and has_rested

    def _is_due(self) -> bool:
        return self._clock.monotonic() >= self._due_at

    def _schedule(self) -> None:
        """Set when the next edition is due: soon if something changed, else with time alone."""
        rested, at = self._looked_at + self._rest(), self._looked_at + AT_LEAST_EVERY
        if self._until is not None:
            at = min(at, self._clock.monotonic() + (self._until - self._clock.now()).total_seconds())
        self._due_at = rested if self._is_behind else max(at, rested)

    def _rest(self) -> float:
        """Seconds that this edition stays at the least: by what it cost, and until all open pages were told of it."""
        telling = len(self._listeners) / NOTIFIED_AT_ONCE * NOTIFIED_EVERY
        return min(max(REST, telling, self._spent * (1 / SHARE - 1)), LONGEST_REST)

    def _renewal(self) -> asyncio.Task[Edition]:
        """The edition that is being made, for all who wait for it."""
        if self._renewing is None:
            self._renewing = asyncio.create_task(self._make(), name="edition")
            self._renewing.add_done_callback(self._renewed)
        return self._renewing

    def _renewed(self, task: asyncio.Task[Edition]) -> None:
        self._renewing = None
        error = None if task.cancelled() else task.exception()
        self._is_failing = error is not None
        if error is not None:
            log.error("pages.failed", exc_info=error)  # and raised to whoever waits

    async def make(self) -> Edition:
        """Make an edition of what stands in the database now, or wait for the one that is being made."""
        return await asyncio.shield(self._renewal())

    async def _make(self) -> Edition:
        was_behind, self._is_behind = self._is_behind, False
        before, began = self._edition, time.perf_counter()
        try:
            self._edition = edition = await self._service.ask(self._look)
            self._until = self._index.until
        except BaseException:
            self._is_behind = was_behind or self._is_behind
            raise
        finally:
            self._looked_at, self._spent = self._clock.monotonic(), time.perf_counter() - began
            self._schedule()
        # Pages of long ago name the bots too, and were made with those of before.
        is_news_of_bots = before is not None and before.snapshot.bots != edition.snapshot.bots
        again = {*edition.incidents, *self._reasked}
        for name in [each for each, of in self._older.items() if is_news_of_bots or of.id in again]:
            del self._older[name]
        self._to_export.set()
        if before is None or before.news != edition.news:
            self._ring(list(self._listeners))
        return edition

    def _ring(self, listeners: Sequence[asyncio.Event]) -> None:
        """Tell some now and the rest in a moment: two thousand open pages at once would stand before every lane."""
        for listener in listeners[:NOTIFIED_AT_ONCE]:
            listener.set()
        if rest := listeners[NOTIFIED_AT_ONCE:]:
            asyncio.get_running_loop().call_later(NOTIFIED_EVERY, self._ring, rest)

    async def export(self) -> bool:
        """Write the newest edition out; returns whether older incidents' pages, or cards, are still to come."""
        if self._export is None:
            return False
        self._to_export.clear()
        edition = await self.edition()
        older = [rendered async for rendered in self._lacking(self._export, edition)]
        on = [(path, each) for each in edition.incidents.values() for path in each.cards]
        new = [(path, each) for path, each in on if self._exported.get(path) != each.key]
        cards = [*new[:CARDS_AT_A_TIME], *((path, each) for each in older for path in each.cards)]
        entries = [(path, entry) for path, each in cards if (entry := each.entry(path)) is not None]
        drawn = {path: card for path, entry in entries if (card := await self._made(entry)) is not None}
        await asyncio.to_thread(_write, self._export, (*older, edition), drawn)
        # One that can't be drawn is tried once, and is in no other's way.
        self._exported |= {path: each.key for path, each in cards}
        return bool(older) or len(new) > CARDS_AT_A_TIME

    async def _lacking(self, export: Export, edition: Edition) -> AsyncIterator[RenderedIncident]:
        """Some of the older incidents whose pages the export hasn't got; one that can't be made holds up no other."""
        known = (each for each, _ in self._known if each not in edition.incidents and each not in self._pageless)
        for name in [each for each in known if not export.has(each)][:AT_A_TIME]:
            found = None
            with Guarded("page.failed", incident=name):
                found = await self._past(name, edition)
            # What can't be put into words has no page.
            if found is None or not await asyncio.to_thread(found.has_words):
                self._pageless.add(name)
            else:
                yield found

    async def find(self, path: str) -> CachedResponse | None:
        """The answer at this path, also of an incident that was over long ago; None where there is none."""
        edition = await self.edition()
        entry, name = edition.entry(path), _NAME.fullmatch(path)
        if entry is None and name is not None:
            rendered = await self._past(name[1] or name[2], edition)
            entry = rendered.entry(path) if rendered is not None else None
        return await self._made(entry) if entry is not None else None

    async def _past(self, name: str, edition: Edition) -> RenderedIncident | None:
        """The answers about the incident of that id, or of the message of that id, mostly one that was over long ago.

        They are looked up one at a time, however many are requested, and cards are drawn one at a time: a crowd with
        wrong addresses must not delay the lanes in the database's queue, nor the readers of current alerts.
        """
        if kept := edition.incidents.get(name) or self._older.get(name):
            return kept
        async with self._looking:
            found, asked = await self._service.ask(lambda unit: _public(unit, name))
        if found is None or found.id in edition.incidents:
            return edition.incidents[found.id] if found else None
        snapshot = replace(edition.snapshot, asked={found.id: asked}) if asked else edition.snapshot
        rendered = self._older.get(found.id) or self._site.rendered(found, snapshot)
        for each in (name, found.id):
            self._older.keep(each, rendered)
        return rendered

    async def _made(self, entry: CacheEntry) -> CachedResponse | None:
        """One that was made, or is made now, in a thread: lanes and other answers wait for none of it."""
        if (found := entry.kept) is not None:
            return found
        if entry.cache is self._site.cards:
            async with self._drawing:
                return await asyncio.to_thread(entry.get)
        began = time.perf_counter()
        found = await asyncio.to_thread(entry.get)
        self._spent += time.perf_counter() - began
        self._schedule()
        return found

    def ready(self, request: web.BaseRequest) -> web.StreamResponse | None:
        """The response whose bytes are kept, if nothing newer is due: without waiting for anything."""
        if self._edition is None or self._is_due():
            return None
        entry = self._edition.entry(request.raw_path)
        return found.ready(request) if entry is not None and (found := entry.kept) is not None else None

    @property
    def open_pages(self) -> int:
        """How many listen."""
        return len(self._listeners)

    @contextmanager
    def listen(self) -> Iterator[asyncio.Event]:
        """An event that is set at each edition that tells something new, and when nothing more will be told."""
        event = asyncio.Event()
        self._listeners.add(event)
        self._changed.set()  # from here on editions are wanted
        try:
            yield event
        finally:
            self._listeners.discard(event)

    def close(self) -> None:
        """Nothing more is told: whoever listens goes, so that a stop waits for nobody's page."""
        self.closed = True
        for listener in self._listeners:
            listener.set()

    async def _hear(self) -> None:
        with self._service.watch() as changes:
            async for _ in changes:
                self._fall_behind()

    def _fall_behind(self) -> None:
        """Have the next edition made soon."""
        self._is_behind = True
        self._schedule()
        self._changed.set()

    async def _export_newest(self, export: Export) -> None:
        """Write the newest edition. A disk that refuses costs the files alone, and is tried again in a moment.

        Of several daemons one writes, for the folder may be one that they share.
        """
        if not self._may_export():
            self._was_away, self.unexported = True, None
            return
        reason, why = None, because("pages_not_renewed_see_log")
        try:
            with Guarded("pages.failed", but=(TocsinError, OSError), folder=str(export.folder)):
                if self._was_away:
                    await asyncio.to_thread(export.look_again)
                    self._was_away = False
                if await self.export():
                    self._fall_behind()
                self.unexported = None
                return
        except TocsinError as error:
            reason = error.reason
        except OSError as error:
            said = error.strerror or error
            reason = because("path_unwritten", path=error.filename or export.folder, said=said)
        # Said once, until it is another reason: a full disk is full for hours, and tried again all the while.
        if reason is not None and (why := because("pages_not_renewed", why=reason)) != self.unexported:
            log.error("pages.not_exported", folder=str(export.folder), reason=str(reason))
        self.unexported = why
        self._to_export.set()

    def _look(self, unit: DeskUnit) -> Edition:
        """Return the present edition, in the reading thread. Its cost is that of the changes since the last one."""
        now, views = unit.now, unit.views
        situation = self._index.look(views, now)
        statuses = views.sources()
        sources = tuple(freshness_of(feed, statuses.get(feed.name), unit) for feed in self.setting.sources)
        bots = tuple(name for each in self.setting.bots if (name := _bot(views.fact(each, "bot"))))
        asked = _asked(unit) if self.setting.town.listens else {}
        # Pages of long ago have answers too, which may be put right after days.
        incidents = {*asked, *self._asked}
        self._reasked = frozenset(each for each in incidents if asked.get(each) != self._asked.get(each))
        self._asked = asked
        self._known = known = self._index.known
        if self._export is not None:
            known = tuple((each, at) for each, at in known if self._export.has(each))
        return self._site.edition(Snapshot(situation, sources, bots, asked), self._edition, known)


def _write(export: Export, parts: Iterable[Edition | RenderedIncident], drawn: Mapping[str, CachedResponse]) -> None:
    """Make what wasn't asked for yet, and write all of it; what the later say of an address wins."""
    export.write({**drawn, **{path: answer for part in parts for path, answer in answers_of(part).items()}})


def _public(unit: DeskUnit, name: str) -> tuple[PublicIncident | None, Sequence[FaqEntry]]:
    """The incident, and the questions about it that were answered."""
    views = unit.views
    incident = views.incident_of(name)
    if incident is None:
        return None, ()
    asked = tuple(faq(unit, incident)) if unit.desk.station.listens else ()
    return public_incident(views.messages([incident])[incident], views.threads([incident])[incident], unit.now), asked


def _asked(unit: DeskUnit) -> Mapping[str, Sequence[FaqEntry]]:
    """The questions that were answered, by their incident: of the incidents that were asked about last."""
    return {each: tuple(faq(unit, each)) for each in unit.listening.answered_about(MOST_ASKED_ABOUT)}


def _bot(name: str | None) -> str:
    """How a bot is called, from its `@name`; nothing where its platform hasn't told it, or told something else."""
    found = _BOT.fullmatch(name or "")
    return found[1] if found else ""


def freshness_of(feed: PolledSource, status: SourceStatus | None, unit: DeskUnit) -> Freshness:
    """How fresh the knowledge of a source is; what warns of nothing is never behind its time."""
    last_ok = status.last_ok if status else None
    is_well = status is not None and not status.reason
    # A time to come is that of a clock that went wrong: how old the knowledge is, nobody knows.
    is_stale = last_ok is None or abs(unit.now - last_ok) > feed.patience
    return Freshness(feed.title, last_ok, feed.warns and (not is_well or is_stale), feed.licence)


def public_routes(publisher: Publisher) -> list[web.RouteDef]:
    """All of them: the stream of events, and whatever an edition answers."""

    async def look(request: web.Request) -> web.StreamResponse:
        found = await publisher.find(request.path)
        return await served(found, request) if found is not None else await nothing_there(publisher, request)

    async def events(request: web.Request) -> web.StreamResponse:
        if publisher.closed or publisher.open_pages >= room_for_streams():
            raise web.HTTPServiceUnavailable(headers={"Retry-After": "30"})
        stream = web.StreamResponse(
            # nginx would hold a stream back until its buffer is full.
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        )
        # Who closes the page is gone at the next write: a reader's right, and no error.
        with publisher.listen() as changed, contextlib.suppress(ConnectionError):
            await stream.prepare(request)
            await _tell(stream, publisher, changed)
        return stream

    # A HEAD would open a stream that nobody reads.
    return [web.get("/events", events, allow_head=False), web.get("/{path:.*}", look)]


def room_for_streams() -> int:
    """Half of the files that this process may have open at the most: the rest is for lanes, desk and pages."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return AT_ONCE if files == resource.RLIM_INFINITY else min(AT_ONCE, files // 2)


def own_page(setting: Setting, text: str, status: int = 200) -> web.Response:
    """A page that is nobody's but who asks for it, with a form of ours."""
    headers = {**safety(setting, posts=True), **UNKEPT, "Content-Type": HTML}
    return web.Response(body=text.encode(), status=status, headers=headers)


async def nothing_there(publisher: Publisher, request: web.Request) -> web.Response:
    """The page under its right spelling, where only the last stroke is wrong; else one that helps on."""
    path = request.path
    for other in (path.rstrip("/"), f"{path}/"):
        if other != path and await publisher.find(other) is not None:
            return web.Response(status=308, headers={"Location": quote(other)})
    setting = publisher.setting
    page = await publisher.find(setting.path(setting.language_of(path), "404.html"))
    return await respond(page, request, status=404) if page else web.Response(status=404)


async def _tell(stream: web.StreamResponse, publisher: Publisher, changed: asyncio.Event) -> None:
    news = None
    while not publisher.closed:
        changed.clear()
        edition = await publisher.edition()
        # Told is what is news to a reader; an edition that only grew older is none.
        if edition.news != news:
            news = edition.news
            await stream.write(edition.event)
        while not changed.is_set():
            try:
                await asyncio.wait_for(changed.wait(), HEARTBEAT)
            except TimeoutError:
                await stream.write(b": alive\n\n")
