"""The public side as answers, an `Edition` at a time: one cache, in which each answer is kept until its inputs change.

An edition has every present address and makes no page: each is made on first request (`Once`). An incident's answers
(`RenderedIncident`) depend on its versions, its end, the day while it is open (its words say "today"), the answered
questions and the bots; a page, a feed or a calendar depends on the incidents in it. So an edition costs what changed,
with a thousand incidents as with one. If an incident fails to render, its previous version stays, the error is logged,
and no other incident is affected.

Two kinds of pages are in no edition (`Older`): those of incidents long over, and the cards of shared links.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cache, partial
from typing import TypeVar

from alerts.delivery.worker import Guarded
from alerts.desk.publicity import PublicIncident, public_incident
from alerts.desk.service import DeskService
from alerts.desk.unit import DeskUnit
from alerts.listening.answering import FaqEntry, faq
from alerts.model.local import read_named
from alerts.model.remembered import Newest
from alerts.model.town import Town
from alerts.rendering.card import card_of, draw_card
from alerts.web.public import machine, panel
from alerts.web.public.answers import (
    ANYWHERE,
    ATOM,
    CAP,
    CSS,
    GEOJSON,
    HTML,
    ICAL,
    JSON,
    PNG,
    SVG,
    TEXT,
    XML,
    CachedResponse,
    Made,
    Once,
    answer,
    static_answers,
)
from alerts.web.public.page import (
    ACCENT,
    EASY,
    PANEL,
    POSTER,
    PRIVACY,
    STREETS,
    IncidentCard,
    Listing,
    Pages,
    logo_path,
    may_ask,
    panel_path,
    safety,
    words_of,
)
from alerts.web.public.snapshot import IncidentText, Setting, Snapshot, tell
from alerts.web.public.worker import WORKER, WORKER_HEADERS, worker_of

_MAP, _SITEMAP, MANIFEST = "/alerts.geojson", "/sitemap.xml", "/manifest.webmanifest"
STREETS_LIST = "/streets.json"
MANIFEST_KIND, SCRIPT = "application/manifest+json", "text/javascript; charset=utf-8"
CARD = "/card.png"
"""The suffix of an incident's card."""
# Older incidents whose pages are kept in memory, each by its id and by those of its messages that were asked for.
_OLDER_KEPT = 128
# Cards kept in memory, some 20 kB each.
_CARDS_KEPT = 256
# The folders that hold incidents and messages, and what a name in them may end with beside its id.
_NAMED: Mapping[str, Sequence[str]] = {"alerts": (".geojson", CARD), "cap": (".xml",)}
Known = Sequence[tuple[str, datetime]]
"""Older incidents' ids, and when each changed last."""
Key = tuple[str, tuple[str, ...], object, date | None, tuple[str, ...]]
"""What an incident's words depend on: id, versions, end, while it is open the day, and the bots."""
T = TypeVar("T")


class RenderedIncident:
    """The answers about one incident: `texts` in words and `shares` by language, `answers` by path.

    `pages` make the pages of each language, the town's own first, by the `snapshot`. `before` has the previous answers.
    All of it depends on the `key` and the questions `asked` alone.
    """

    def __init__(
        self,
        incident: PublicIncident,
        key: Key,
        snapshot: Snapshot,
        pages: Mapping[str, Pages],
        before: RenderedIncident | None = None,
    ) -> None:
        self.incident = incident
        self.key = key
        self.id = incident.id
        self.planned = bool(incident.versions) and incident.planned
        self.snapshot = snapshot
        self.asked = snapshot.asked.get(incident.id, ())
        self._pages = pages
        self._setting = setting = next(iter(pages.values())).setting
        self._said = {each: before.texts.kept(each) for each in pages} if before is not None else {}
        at = {setting.path(each, f"alerts/{self.id}"): each for each in pages}
        outlines = f"/alerts/{self.id}.geojson"
        text, shares, earlier = (
            (before.texts.makes, before.shares.makes, before.answers.makes) if before is not None else ({}, {}, {})
        )
        self.cards = {f"{path}{CARD}": each for path, each in at.items()}
        """Where its cards are, and in which language."""
        self.texts: Made[IncidentText] = Made(self._each(self._tell, pages, text))
        self.shares: Made[IncidentCard] = Made(self._each(self._share, pages, shares))
        self.features: Once[str] = self._once(self._features, "", before.features if before is not None else None)
        self.answers: Made[CachedResponse] = Made(
            self._each(lambda path: self._page(at[path]), at, earlier)
            | {outlines: self._once(self._outlines, "", earlier.get(outlines))}
            | self._messages(earlier)
        )

    def _each(
        self, make: Callable[[str], T | None], names: Iterable[str], before: Mapping[str, Once[T]]
    ) -> dict[str, Once[T]]:
        return {name: self._once(make, name, before.get(name)) for name in names}

    def _once(self, make: Callable[[str], T | None], name: str, before: Once[T] | None) -> Once[T]:
        def tried() -> T | None:
            with Guarded("page.failed", incident=self.id):
                return make(name)
            return None

        return Once(tried, before=before)

    def _messages(self, earlier: Mapping[str, Once[CachedResponse]]) -> dict[str, Once[CachedResponse]]:
        """Each message as it was published; it never changes."""
        end = self.incident.ending.stored if self.incident.ending else None
        published = {
            f"/cap/{each.id}.xml": each.alert for each in (*self.incident.versions, end) if each and each.alert
        }
        return {
            path: earlier.get(path) or Once(partial(lambda alert: _data(CAP, machine.cap_message(alert)), alert))
            for path, alert in published.items()
        }

    def _tell(self, language: str) -> IncidentText:
        return tell(self.incident, self._setting, language, self.snapshot.now, self._said.get(language))

    def _share(self, language: str) -> IncidentCard | None:
        text = self.texts.get(language)
        return self._pages[language].share(text) if text is not None else None

    def _page(self, language: str) -> CachedResponse | None:
        text = self.texts.get(language)
        if text is None:
            return None
        headers = safety(self._setting, posts=may_ask(text, self._setting))
        return answer(self._pages[language].incident(text, self.snapshot), HTML, extra=headers)

    def _features(self, _: str) -> str | None:
        text = self.texts.get(self._setting.languages[0])
        return machine.features(text, self._setting) if text is not None else None

    def _outlines(self, _: str) -> CachedResponse | None:
        features = self.features.get()
        return _data(GEOJSON, machine.collection([features])) if features is not None else None


@dataclass(frozen=True, slots=True)
class Edition:
    """The public side at one moment: every address that isn't looked up, with its answer.

    `news` is equal for two editions with the same content of the same incidents, and the same doubtful sources: each
    open page compares it. `event` is the notification, serialised once for all of them. `made_of` are all inputs of the
    edition.
    """

    snapshot: Snapshot
    answers: Made[CachedResponse]
    incidents: Mapping[str, RenderedIncident]
    made_of: object
    news: frozenset[object]
    event: bytes


@dataclass(frozen=True, slots=True)
class _Shown:
    """An edition's content, and all inputs of a page that shows it."""

    snapshot: Snapshot
    on: tuple[RenderedIncident, ...]
    to_come: tuple[RenderedIncident, ...]
    over: tuple[RenderedIncident, ...]
    made_from: object

    @property
    def all(self) -> tuple[RenderedIncident, ...]:
        return (*self.on, *self.to_come, *self.over)

    def listing(self, language: str) -> Listing:
        """The content of the index."""
        return Listing(*(shares_of(part, language) for part in (self.on, self.to_come, self.over)))

    def texts(self, language: str) -> Sequence[IncidentText]:
        """The current ones in words, without those that can't be put into any."""
        return [text for rendered in self.on if (text := rendered.texts.get(language)) is not None]


_Row = tuple[str, object, Callable[[], CachedResponse]]
"""A joint document: its path, its inputs, and what makes it."""


class Site:
    """Makes editions for one station."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self._pages = {language: Pages(setting, language) for language in setting.languages}
        self._always = {**_static(), **{path: Once(make) for path, make in _own(setting).items()}}

    def edition(self, snapshot: Snapshot, before: Edition | None = None, known: Known = ()) -> Edition:
        """Return all present answers; `known` are for the site map.

        If the inputs are the same, `before` is returned. No page is made yet: each is on request.
        """
        situation, kept = snapshot.situation, before.incidents if before else {}
        on, to_come, over = (
            tuple(self.rendered(each, snapshot, kept.get(each.id)) for each in part)
            for part in (situation.on, situation.to_come, situation.over)
        )
        minute = snapshot.now.replace(second=0, microsecond=0)
        made_from = (on, to_come, over, [source.shown for source in snapshot.sources], snapshot.bots, minute)
        # An edition is asked for every 20 seconds, and mostly nothing has changed.
        if before is not None and before.made_of == (made_from, known):
            return before
        shown = _Shown(snapshot, on, to_come, over, made_from)
        makes, earlier = dict(self._always), before.answers.makes if before else {}
        for rendered in shown.all:
            makes.update(rendered.answers.makes)
        for path, made_of, make in self._joint(shown, known):
            last = earlier.get(path)
            makes[path] = last if last is not None and last.made_of == made_of else Once(make, made_of)
        # A source's age alone is no news: each open page would fetch itself anew with every poll.
        doubts = [(source.title, source.last_ok is None, source.stale) for source in snapshot.sources]
        at = snapshot.now.isoformat(timespec="seconds")
        event = f"event: alerts\ndata: {json.dumps({'at': at, 'on': [each.id for each in situation.on]})}\n\n".encode()
        incidents = {rendered.id: rendered for rendered in shown.all}
        return Edition(snapshot, Made(makes), incidents, (made_from, known), frozenset([*shown.all, *doubts]), event)

    def rendered(
        self, incident: PublicIncident, snapshot: Snapshot, kept: RenderedIncident | None = None
    ) -> RenderedIncident:
        """The answers about one incident; those that were kept where nothing has changed."""
        # What is over says no "today", so midnight changes nothing of it.
        day = None if incident.ending else snapshot.now.astimezone(self.setting.town.zone).date()
        key = incident.id, tuple(stored.id for stored in incident.versions), incident.ending, day, snapshot.bots
        if kept is not None and (kept.key, kept.asked) == (key, snapshot.asked.get(incident.id, ())):
            return kept
        return RenderedIncident(incident, key, snapshot, self._pages, kept)

    def _joint(self, shown: _Shown, known: Known) -> Iterator[_Row]:
        """Yield what is made of several incidents: by its path, on what it depends, and how it is made."""
        now, soon = shown.snapshot.now, (*shown.on, *shown.to_come)
        for language, pages in self._pages.items():
            for rest, make in self._of_all(pages, shown):
                yield self.setting.path(language, rest), shown.made_from, make
            for rest, made_of, make in self._of_some(pages, shown):
                yield self.setting.path(language, rest), made_of, make
        # A map's outlines are of no language. An empty list is as new as it can be.
        yield _MAP, soon, lambda: _data(GEOJSON, machine.collection(filter(None, (on.features.get() for on in soon))))
        yield _SITEMAP, (shown.all, known) if shown.all or known else now, partial(self._sitemap, shown, known)

    def _of_all(self, pages: Pages, shown: _Shown) -> Iterator[tuple[str, Callable[[], CachedResponse]]]:
        """Yield what changes with anything that is shown, and each minute."""
        language, snapshot, setting = pages.language, shown.snapshot, self.setting
        listing, texts, zone = partial(shown.listing, language), partial(shown.texts, language), setting.town.zone
        html = self._html
        yield "", lambda: html(pages.index(listing(), snapshot), posts=setting.writes)
        yield "404.html", lambda: html(pages.nothing_here(snapshot))
        yield EASY, lambda: html(pages.easy(listing(), snapshot))
        yield POSTER, lambda: html(pages.poster(snapshot))
        if setting.town.districts_of:
            yield STREETS, lambda: html(pages.streets(listing(), snapshot))
        yield "embed", lambda: html(pages.embed(listing(), snapshot), framed=True)
        yield "embed.html", lambda: html(pages.fragment(listing(), snapshot))
        # For browsers without scripts each screen of a turn has a page.
        for number in range(1, panel.SCREENS + 1):
            yield panel_path(number), partial(lambda at: html(pages.panel(texts(), snapshot, at), framed=True), number)
        yield f"{PANEL}.txt", lambda: _data(TEXT, panel.text_of(texts(), snapshot, zone, words_of(language)))
        yield f"{PANEL}.json", lambda: _data(JSON, panel.json_of(texts(), snapshot, zone))

    def _of_some(self, pages: Pages, shown: _Shown) -> Iterator[_Row]:
        """Yield what changes with less than that."""
        language, snapshot, setting = pages.language, shown.snapshot, self.setting
        now, planned = snapshot.now, tuple(each for each in shown.all if each.planned)

        def feed() -> str:
            title = f"{words_of(language).gettext('Alerts')} – {setting.town.name}"
            entries = [share.entry for share in shares_of(shown.all, language)]
            return machine.feed(entries, setting, language, title, now)

        def calendar() -> bytes:
            works = [share.planned for share in shares_of(planned, language) if share.planned is not None]
            return machine.calendar(works, setting)

        # The picture says of when it is: drawing it each minute would cost a fleet too much.
        looks = (shown.on, snapshot.doubtful, now.replace(minute=0, second=0, microsecond=0))
        yield "card.png", looks, lambda: answer(pages.picture(shown.listing(language), snapshot), PNG)
        if setting.keeps:
            made_of = (snapshot.bots, now.astimezone(setting.town.zone).date())
            yield PRIVACY, made_of, lambda: self._html(pages.privacy(snapshot))
        yield "feed.atom", shown.all or now, lambda: _data(ATOM, feed())
        yield "calendar.ics", planned, lambda: _data(ICAL, calendar())

    def _html(self, text: str, **safe: bool) -> CachedResponse:
        return answer(text, HTML, extra=safety(self.setting, **safe))

    def _sitemap(self, shown: _Shown, known: Known) -> CachedResponse:
        path, languages = self.setting.path, self.setting.languages
        changes = dict(known) | {rendered.id: rendered.incident.changed_at for rendered in shown.all}
        newest = max(changes.values(), default=shown.snapshot.now)
        paths = [(path(language), newest) for language in languages]
        paths += [(path(language, f"alerts/{each}"), at) for each, at in changes.items() for language in languages]
        return answer(machine.sitemap(paths, self.setting), XML, fresh_for=60)


def _data(kind: str, content: str | bytes) -> CachedResponse:
    """Data for programs, on pages of any site too."""
    return answer(content, kind, extra=ANYWHERE)


def shares_of(shown: Iterable[RenderedIncident], language: str) -> Sequence[IncidentCard]:
    """Return their parts in one language, without those that can't be made."""
    return [share for each in shown if (share := each.shares.get(language)) is not None]


def _own(setting: Setting) -> Mapping[str, Callable[[], CachedResponse | None]]:
    """Return the addresses that no alert changes: for programs, and the town's picture, colour and streets."""
    town, hourly = setting.town, partial(answer, fresh_for=3600)
    own: dict[str, Callable[[], CachedResponse | None]] = {
        MANIFEST: lambda: hourly(machine.manifest(setting), MANIFEST_KIND),
        WORKER: lambda: answer(worker_of(town), SCRIPT, extra=WORKER_HEADERS),
        "/robots.txt": lambda: hourly(machine.robots(setting), TEXT),
        "/districts.geojson": lambda: hourly(machine.districts(setting), GEOJSON, extra=ANYWHERE),
    }
    if (path := logo_path(town)) is not None:
        own[path] = partial(logo_of, town)
    if town.accent is not None:
        own[ACCENT] = partial(hourly, f":root {{ --accent: {town.accent}; }}\n", CSS)
    if town.districts_of:
        own[STREETS_LIST] = lambda: hourly(machine.streets(setting), JSON, extra=ANYWHERE)
    return own


def logo_of(town: Town) -> CachedResponse | None:
    """The town's crest, read now. None: it has none, or its file is gone; a page shows the town's name anyway."""
    if town.logo is None:
        return None
    try:
        picture = read_named(town.folder, town.logo)
    except OSError:
        return None
    # An SVG may hold a script: opened by itself it runs none.
    alone = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox"}
    kind = SVG if town.logo.lower().endswith(".svg") else PNG
    return answer(picture, kind, extra=alone, fresh_for=3600)


@cache
def _static() -> Mapping[str, Once[CachedResponse]]:
    """Return the static files: one of each for all towns of this process."""
    return {path: Once(partial(lambda same: same, found)) for path, found in static_answers().items()}


class Older:
    """The pages in no edition: of incidents long over, looked up in the database, and the cards of all incidents.

    Both are made on request, and the newest of them kept. They are looked up one at a time and drawn one at a time, in
    a thread, however many are requested: a crowd with wrong addresses must not delay the lanes in the database's queue,
    nor the readers of current alerts.
    """

    def __init__(self, service: DeskService, site: Site) -> None:
        self._service = service
        self._site = site
        self._kept: Newest[str, RenderedIncident] = Newest(_OLDER_KEPT)
        self._looking = asyncio.Lock()
        self._drawn: Newest[str, tuple[Key, CachedResponse]] = Newest(_CARDS_KEPT)
        self._drawing = asyncio.Lock()

    async def of_path(self, path: str, edition: Edition) -> RenderedIncident | None:
        """The answers about the incident that a path names, itself or by a message of it; None where it names none."""
        name = _name_in(path)
        if name is None:
            return None
        return edition.incidents.get(name) or await self.of(name, edition)

    async def of(self, name: str, edition: Edition) -> RenderedIncident | None:
        """The answers about the incident of that id, or of the message of that id."""
        if kept := self._kept.get(name):
            return kept
        async with self._looking:
            found, asked = await self._service.ask(lambda unit: _public(unit, name))
        if found is None or found.id in edition.incidents:
            return edition.incidents[found.id] if found else None
        snapshot = replace(edition.snapshot, asked={found.id: asked}) if asked else edition.snapshot
        rendered = self._kept.get(found.id) or self._site.rendered(found, snapshot)
        for each in (name, found.id):
            self._kept.keep(each, rendered)
        return rendered

    def forget(self, incidents: Container[str] | None) -> None:
        """Drop the pages of these incidents, which are in the edition again. None: of all."""
        for name in [each for each, of in self._kept.items() if incidents is None or of.id in incidents]:
            del self._kept[name]

    async def card(self, path: str, rendered: RenderedIncident) -> CachedResponse | None:
        """The card at this path, of this incident; drawn once for the same words."""
        language = rendered.cards.get(path)
        if language is None:
            return None
        async with self._drawing:
            key, drawn = self._drawn.get(path, (None, None))
            if drawn is None or key != rendered.key:
                drawn = await asyncio.to_thread(_card, rendered, language)
                if drawn is None:
                    return None
            self._drawn.keep(path, (rendered.key, drawn))
        return drawn


def _public(unit: DeskUnit, name: str) -> tuple[PublicIncident | None, Sequence[FaqEntry]]:
    """The incident, and the questions about it that were answered."""
    views = unit.views
    incident = views.incident_of(name)
    if incident is None:
        return None, ()
    asked = tuple(faq(unit, incident)) if unit.desk.station.listens else ()
    return public_incident(views.messages([incident])[incident], views.threads([incident])[incident], unit.now), asked


def _name_in(path: str) -> str | None:
    """The id that a path names, of an incident or of a message."""
    parts = path.strip("/").split("/", 1)
    if len(parts) == 2 and len(parts[0]) == 2:
        parts = parts[1].split("/", 1)
    if len(parts) != 2 or parts[0] not in _NAMED:
        return None
    # Ids are letters and digits: what is anything else isn't looked for, and costs nothing.
    name = parts[1]
    for suffix in _NAMED[parts[0]]:
        name = name.removesuffix(suffix)
    return name if name.isascii() and name.isalnum() and len(name) <= 26 else None


def _card(rendered: RenderedIncident, language: str) -> CachedResponse | None:
    text = rendered.texts.get(language)
    return card_answer(text) if text is not None else None


def card_answer(text: IncidentText) -> CachedResponse:
    """Draw the card."""
    said = text.end.facts if text.end else text.facts
    return answer(draw_card(card_of(said, text.severity)), PNG)
