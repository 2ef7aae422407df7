"""Keeps the public side true, and has every answer: a new edition at each change, at the start, as time goes by.

`Publisher.run` makes an edition when the desk tells of a change, and every 20 seconds for what time alone ends; asking
for a page of it runs nothing. What no edition has is made when somebody asks, and the newest of it kept: pages of
incidents that were over long ago (`OlderPages`), and the cards of shared links (`Cards`), which take longest to draw.
Both look for one at a time and draw one at a time in a thread, however many ask: lanes use the same database. The same
editions go into files beside (`export.py`), where a disk that refuses costs the files alone.

`public_routes` are the addresses. `/events` is a stream that stays open (server-sent events): each open page is told
when an edition has news. There are at most as many as leave half of the process's files to lanes, desk and pages.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import resource
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import structlog
from aiohttp import web

from alerts.desk.publicity import LAST_DAY, PublicIncident, public_incident, situation
from alerts.desk.service import DeskService, DeskUnit
from alerts.model.errors import TocsinError
from alerts.model.incident import SourceStatus
from alerts.model.ports import Clock
from alerts.model.reason import Reason, because
from alerts.rendering.card import card_of, draw_card
from alerts.web.public.answers import KeptAnswer, answer
from alerts.web.public.export import Export
from alerts.web.public.site import Edition, Key, Known, Lasting, Site
from alerts.web.public.told import Feed, Freshness, Outlook, Setting, Told

REST = 0.2
"""Seconds between two editions at the least: what changes meanwhile comes with the next one."""
AT_LEAST_EVERY = 20.0
"""Seconds after which an edition is made though nothing changed: how fresh each source is, and what time alone ends."""
LISTED = 5000
"""Older incidents that the map of the site names."""
AT_A_TIME = 20
"""Older incidents whose pages an export gets with one edition, until it has them all."""
CARDS_AT_A_TIME = 40
"""Cards that an edition waits for on its way to the files; the gravest have theirs first, the rest follow."""
TOLD_AT_ONCE, TOLD_EVERY = 5, 0.002
"""Open pages that are told of an edition together, and the seconds to the next of them: 2,000 within a second."""
# Older incidents whose pages are kept in memory.
_OLDER_KEPT = 64
# Cards kept in memory, some 20 kB each.
_CARDS_KEPT = 256
CARD = "/card.png"
_BOT = re.compile(r"@(\w{3,64})", re.ASCII)
# The folders that hold incidents and messages, and what a name in them may end with beside its id.
_NAMED: Mapping[str, Callable[[str], str]] = {
    "alerts": lambda rest: rest.removesuffix(".geojson").removesuffix(CARD),
    "cap": lambda rest: rest.removesuffix(".xml"),
}

AT_ONCE = 2000
"""Streams of `/events` at the most; who comes later is told to ask again in a while."""
HEARTBEAT = 15.0
"""Seconds after which a stream says that it is alive."""

log = structlog.get_logger()


class Publisher:
    """Has the answers. `listeners` hear of each new edition; `made_at` is when the newest was made, by the clock.

    `unexported` is why the newest isn't in the files: what stands there grows old unseen.
    """

    def __init__(self, service: DeskService, setting: Setting, clock: Clock, export: Path | None = None) -> None:
        self._service = service
        self._clock = clock
        self.setting = setting
        self._site = Site(setting)
        self._edition: Edition | None = None
        self._known: Known = ()
        self._older = OlderPages(service, self._site)
        self._cards = Cards()
        self._exported: dict[str, Key] = {}
        self._export = Export(export, setting.languages[1:]) if export else None
        self._pageless: set[str] = set()
        self._listeners: set[asyncio.Event] = set()
        self._changed = asyncio.Event()
        self._to_export = asyncio.Event()
        self.made_at: float | None = None
        self.unexported: Reason | None = None
        self.closed = False

    async def run(self) -> None:
        """Make editions until cancelled. One that can't be made is logged; the last one stays, dated."""
        with self._service.watch() as changes:
            beside = [asyncio.create_task(self._hear(changes))]
            if self._export is not None:
                beside.append(asyncio.create_task(self._keep_exported(self._export)))
            try:
                while True:
                    self._changed.clear()
                    try:
                        await self.make()
                    except Exception:
                        log.exception("pages.failed")
                    # A burst of changes is one edition.
                    await self._clock.sleep(REST)
                    await self._wait()
            finally:
                for task in beside:
                    task.cancel()

    async def edition(self) -> Edition:
        """The newest edition; the first is made when it is first asked for."""
        return self._edition or await self.make()

    async def make(self) -> Edition:
        """Make an edition of what stands in the database now."""
        outlook, known = await self._service.ask(self._look)
        before = self._edition
        self._known = known
        listed = [(each, at) for each, at in known if self._export is None or self._export.has(each)]
        self._edition = edition = await asyncio.to_thread(self._site.edition, outlook, before, listed)
        # Pages of long ago name the bots too, and were made with those of before.
        is_news_of_bots = before is not None and before.outlook.bots != edition.outlook.bots
        self._older.forget(None if is_news_of_bots else edition.incidents)
        self.made_at = self._clock.monotonic()
        self._to_export.set()
        if before is None or before.news != edition.news:
            self._ring(list(self._listeners))
        return edition

    def _ring(self, listeners: Sequence[asyncio.Event]) -> None:
        """Tell some now and the rest in a moment: two thousand open pages at once would stand before every lane."""
        for listener in listeners[:TOLD_AT_ONCE]:
            listener.set()
        if rest := listeners[TOLD_AT_ONCE:]:
            asyncio.get_running_loop().call_later(TOLD_EVERY, self._ring, rest)

    async def export(self) -> bool:
        """Write the newest edition out; returns whether older incidents' pages, or cards, are still to come."""
        if self._export is None:
            return False
        self._to_export.clear()
        edition = await self.edition()
        older = [lasting async for lasting in self._lacking(self._export, edition)]
        more = {path: answer for lasting in older for path, answer in lasting.answers.items()}
        cards = await self._new_cards(edition.incidents.values(), CARDS_AT_A_TIME)
        is_behind = len(cards) >= CARDS_AT_A_TIME
        cards |= await self._new_cards(older)
        drawn = {path: card for path, (_, card) in cards.items()}
        # What the edition says of an address wins over what was made beside it.
        await asyncio.to_thread(self._export.write, {**more, **drawn, **edition.answers})
        self._exported |= {path: key for path, (key, _) in cards.items()}
        return bool(more) or is_behind

    async def _lacking(self, export: Export, edition: Edition) -> AsyncIterator[Lasting]:
        """Some of the older incidents whose pages the export hasn't got; one that can't be made holds up no other."""
        known = (each for each, _ in self._known if each not in edition.incidents and each not in self._pageless)
        for name in [each for each in known if not export.has(each)][:AT_A_TIME]:
            try:
                found = await self._older.of(name, edition)
            except Exception:
                log.exception("page.failed", incident=name)
                found = None
            if found is None:
                self._pageless.add(name)
            else:
                yield found

    async def _new_cards(
        self, incidents: Iterable[Lasting], most: int | None = None
    ) -> dict[str, tuple[Key, KeptAnswer]]:
        """The cards that an export hasn't got yet, or not of these words; of many the first."""
        found: dict[str, tuple[Key, KeptAnswer]] = {}
        for lasting in incidents:
            for path, _ in cards_of(lasting):
                if len(found) == most:
                    return found
                if self._exported.get(path) != lasting.key and (card := await self._cards.at(path, lasting)):
                    found[path] = lasting.key, card
        return found

    async def find(self, path: str) -> KeptAnswer | None:
        """The answer at this path, also of an incident that was over long ago; None where there is none."""
        edition = await self.edition()
        found = edition.answers.get(path)
        if found is not None:
            return found
        lasting = await self._older.of_path(path, edition)
        if lasting is None:
            return None
        return lasting.answers.get(path) or await self._cards.at(path, lasting)

    def at_hand(self, path: str) -> KeptAnswer | None:
        """The answer at this path if it is in the edition: without waiting for anything."""
        return self._edition.answers.get(path) if self._edition else None

    @contextmanager
    def listen(self) -> Iterator[asyncio.Event]:
        """An event that is set at each edition that tells something new, and when nothing more will be told."""
        event = asyncio.Event()
        self._listeners.add(event)
        try:
            yield event
        finally:
            self._listeners.discard(event)

    def close(self) -> None:
        """Nothing more is told: whoever listens goes, so that a stop waits for nobody's page."""
        self.closed = True
        for listener in self._listeners:
            listener.set()

    async def _wait(self) -> None:
        """Until something changed, or time alone asks for an edition."""
        sleeping = asyncio.ensure_future(self._clock.sleep(AT_LEAST_EVERY))
        hearing = asyncio.ensure_future(self._changed.wait())
        try:
            await asyncio.wait({sleeping, hearing}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeping.cancel()
            hearing.cancel()

    async def _hear(self, changes: AsyncIterator[str]) -> None:
        async for _ in changes:
            self._changed.set()

    async def _keep_exported(self, export: Export) -> None:
        """Write each edition, or the newest of several. A disk that refuses costs the files alone."""
        while True:
            await self._to_export.wait()
            try:
                if await self.export():
                    self._changed.set()
                self.unexported = None
            except TocsinError as error:
                self._not_exported(export, error.reason)
                await self._clock.sleep(REST)
            except OSError as error:
                where, said = error.filename or export.folder, error.strerror or error
                self._not_exported(export, because("path_unwritten", path=where, said=said))
                await self._clock.sleep(REST)
            except Exception:
                self.unexported = because("pages_not_renewed_see_log")
                log.exception("pages.failed", folder=str(export.folder))
                await self._clock.sleep(REST)

    def _not_exported(self, export: Export, reason: Reason) -> None:
        """Say it once, until it is another reason: a full disk is full for hours, and tried again all the while."""
        why = because("pages_not_renewed", why=reason)
        if why != self.unexported:
            log.error("pages.not_exported", folder=str(export.folder), reason=str(reason))
        self.unexported = why

    def _look(self, unit: DeskUnit) -> tuple[Outlook, Known]:
        now, views = unit.now, unit.views
        known = tuple(views.published(LISTED))
        # What was withdrawn after its time is news of today too.
        news = [each for each, at in known if now - at <= LAST_DAY]
        incidents = list(dict.fromkeys([*views.public_incidents(now), *news]))
        messages, threads = views.messages(incidents), views.threads(incidents)
        shown = (public_incident(messages[each], threads[each], now) for each in incidents)
        current = [each for each in shown if each is not None]
        standings = views.sources()
        sources = tuple(_freshness(feed, standings.get(feed.name), unit) for feed in self.setting.sources)
        bots = tuple(name for each in self.setting.bots if (name := _bot(views.fact(each, "bot"))))
        return Outlook(situation(current, now), sources, bots), known


def _bot(told: str | None) -> str:
    """How a bot is called, from its `@name`; nothing where its platform hasn't told it, or told something else."""
    found = _BOT.fullmatch(told or "")
    return found[1] if found else ""


def _freshness(feed: Feed, standing: SourceStatus | None, unit: DeskUnit) -> Freshness:
    last_ok = standing.last_ok if standing else None
    is_well = standing is not None and not standing.reason
    # A time to come is that of a clock that went wrong: how old the knowledge is, nobody knows.
    is_stale = last_ok is None or abs(unit.now - last_ok) > feed.patience
    return Freshness(feed.title, last_ok, not is_well or is_stale)


class OlderPages:
    """The pages of incidents that were over long ago, looked up in the database.

    One at a time: a crowd with addresses that lead nowhere must not stand before the lanes in the database's line.
    """

    def __init__(self, service: DeskService, site: Site) -> None:
        self._service = service
        self._site = site
        self._kept: OrderedDict[str, Lasting] = OrderedDict()
        self._named: dict[str, str] = {}
        self._looking = asyncio.Lock()
        self._drawing = asyncio.Lock()

    async def of_path(self, path: str, edition: Edition) -> Lasting | None:
        """The answers about the incident that a path names, itself or by a message of it; None where it names none."""
        name = _name_in(path)
        if name is None:
            return None
        return edition.incidents.get(name) or await self.of(name, edition)

    async def of(self, name: str, edition: Edition) -> Lasting | None:
        """The answers about the incident of that id, or of the message of that id."""
        if kept := self._kept.get(self._named.get(name, name)):
            return kept
        async with self._looking:
            found = await self._service.ask(lambda unit: _public(unit, name))
        if found is None or found.id in edition.incidents:
            return edition.incidents[found.id] if found else None
        async with self._drawing:
            lasting = self._kept.get(found.id)
            if lasting is None:
                lasting = await asyncio.to_thread(self._site.lasting, found, edition.outlook)
        self._keep(name, lasting)
        return lasting

    def forget(self, incidents: Iterable[str] | None) -> None:
        """What is kept of these may not be what holds: they are in the edition again. None: of all."""
        for incident in list(self._kept) if incidents is None else incidents:
            self._kept.pop(incident, None)

    def _keep(self, name: str, lasting: Lasting) -> None:
        incident = lasting.key[0]
        self._kept[incident] = lasting
        self._named[name] = incident
        while len(self._kept) > _OLDER_KEPT:
            gone, _ = self._kept.popitem(last=False)
            self._named = {each: of for each, of in self._named.items() if of != gone}


def _public(unit: DeskUnit, name: str) -> PublicIncident | None:
    views = unit.views
    incident = views.incident_of(name)
    if incident is None:
        return None
    return public_incident(views.messages([incident])[incident], views.threads([incident])[incident], unit.now)


def _name_in(path: str) -> str | None:
    """The id that a path names, of an incident or of a message."""
    parts = path.strip("/").split("/", 1)
    if len(parts) == 2 and len(parts[0]) == 2:
        parts = parts[1].split("/", 1)
    if len(parts) != 2 or parts[0] not in _NAMED:
        return None
    # Ids are letters and digits: what is anything else isn't looked for, and costs nothing.
    name = _NAMED[parts[0]](parts[1])
    return name if name.isascii() and name.isalnum() and len(name) <= 26 else None


class Cards:
    """Draws one at a time in a thread, however many ask, and each once for the same words."""

    def __init__(self) -> None:
        self._drawn: OrderedDict[str, tuple[Key, KeptAnswer]] = OrderedDict()
        self._drawing = asyncio.Lock()

    async def at(self, path: str, lasting: Lasting) -> KeptAnswer | None:
        """The card at this path, of this incident."""
        told = dict(cards_of(lasting)).get(path)
        if told is None:
            return None
        async with self._drawing:
            key, drawn = self._drawn.get(path, (None, None))
            if drawn is None or key != lasting.key:
                drawn = await asyncio.to_thread(card_answer, told)
                self._drawn[path] = lasting.key, drawn
            self._drawn.move_to_end(path)
            while len(self._drawn) > _CARDS_KEPT:
                self._drawn.popitem(last=False)
        return drawn


def cards_of(lasting: Lasting) -> Iterator[tuple[str, Told]]:
    """Where the cards of an incident are, and of which words, in each language."""
    for told in lasting.told.values():
        yield f"{told.path}{CARD}", told


def card_answer(told: Told) -> KeptAnswer:
    """Draw the card."""
    said = told.end.facts if told.end else told.facts
    return answer(draw_card(card_of(said, told.severity)), "image/png")


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
