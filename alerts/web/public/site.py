"""The public side as answers, an `Edition` at a time: one cache, in which each answer is kept until its inputs change.

An edition has every present address and makes no page: each is made on first request (`Cache`). An incident's answers
(`RenderedIncident`) depend on its versions, its end, the day while it is open (its words say "today"), the answered
questions and the bots; a page, a feed or a calendar depends on the incidents in it. So an edition costs what changed,
with a thousand incidents as with one. If an incident fails to render, its previous version stays, the error is logged,
and no other incident is affected.

Those of incidents long over are in no edition (`Publisher.find`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from functools import cache, cached_property, partial
from typing import TypeVar

from alerts.delivery.worker import Guarded
from alerts.desk.publicity import PublicIncident
from alerts.model.local import read_named
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
    Cache,
    CachedResponse,
    CacheEntry,
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
# Cards kept in memory, some 20 kB each.
_CARDS_KEPT = 256
Known = Sequence[tuple[str, datetime]]
"""Older incidents' ids, and when each changed last."""
Key = tuple[str, tuple[str, ...], object, date | None, tuple[str, ...]]
"""What an incident's words depend on: id, versions, end, while it is open the day, and the bots."""
T = TypeVar("T")


class RenderedIncident:
    """The answers about one incident, and its parts of joint ones.

    All of it depends on the `key` and the questions `asked` alone; `before` has the cache with the previous answers.
    """

    def __init__(
        self, site: Site, incident: PublicIncident, key: Key, snapshot: Snapshot, before: RenderedIncident | None
    ) -> None:
        self.incident = incident
        self.key = key
        self.id = incident.id
        self.planned = bool(incident.versions) and incident.planned
        self.snapshot = snapshot
        self.asked = snapshot.asked.get(incident.id, ())
        self._made_of = key, self.asked
        self._site = site
        self._cache = Cache()
        self._before = before
        if before is not None:
            self._cache, before._before = before._cache, None  # noqa: SLF001 one behind is enough to fall back on
        self._outlines = f"/alerts/{self.id}.geojson"
        self._in = {site.setting.path(each, f"alerts/{self.id}"): each for each in site.pages}
        end = incident.ending.stored if incident.ending else None
        self._messages = {
            f"/cap/{each.id}.xml": each.alert for each in (*incident.versions, end) if each and each.alert
        }
        self.cards = {f"{path}{CARD}": each for path, each in self._in.items()}
        """Where its cards are, and in which language."""
        self.paths = (*self._in, self._outlines, *self._messages)

    def entry(self, path: str) -> CacheEntry | None:
        """Return the answer at this path, of this incident."""
        if (alert := self._messages.get(path)) is not None:  # as it was published: it never changes
            return CacheEntry(self._cache, path, None, lambda: _data(CAP, machine.cap_message(alert)))
        if (language := self.cards.get(path)) is not None:
            return CacheEntry(self._site.cards, path, self.key, partial(self._of_text, language, card_answer))
        if (language := self._in.get(path)) is not None:
            return CacheEntry(self._cache, path, self._made_of, partial(self._of_text, language, self._page))
        return CacheEntry(self._cache, path, self._made_of, self._collection) if path == self._outlines else None

    def text(self, language: str) -> IncidentText | None:
        """Return it in words: those of its previous version where this one can't be put into any."""
        name = f"text {language}"

        def make() -> IncidentText | None:
            kept: IncidentText | None = self._cache.last(name)
            for each in filter(None, (self, self._before if kept is None else None)):
                with Guarded("page.failed", incident=self.id):
                    return tell(each.incident, self._site.setting, language, each.snapshot.now, kept)
            return None

        return self._cache.get(name, self._made_of, make)

    def has_words(self) -> bool:
        """True if it can be put into words in some language."""
        return any(self.text(each) is not None for each in self._site.pages)

    def share(self, language: str) -> IncidentCard | None:
        """Return its part of joint documents."""
        make = partial(self._of_text, language, self._site.pages[language].share)
        return self._cache.get(f"share {language}", self._made_of, make)

    def features(self) -> str | None:
        """Return its outlines on the map."""
        setting = self._site.setting
        make = partial(self._of_text, setting.languages[0], lambda text: machine.features(text, setting))
        return self._cache.get("features", self._made_of, make)

    def _of_text(self, language: str, make: Callable[[IncidentText], T]) -> T | None:
        text = self.text(language)
        if text is not None:
            with Guarded("page.failed", incident=self.id):
                return make(text)
        return None

    def _page(self, text: IncidentText) -> CachedResponse:
        headers = safety(self._site.setting, posts=may_ask(text, self._site.setting))
        return answer(self._site.pages[text.language].incident(text, self.snapshot), HTML, extra=headers)

    def _collection(self) -> CachedResponse | None:
        features = self.features()
        return _data(GEOJSON, machine.collection([features])) if features is not None else None


class Edition:
    """The public side at one moment: every address that isn't looked up, with its answer.

    `news` is equal for two editions with the same content of the same incidents, and the same doubtful sources: each
    open page compares it. `event` is the notification, serialised once for all of them. `made_from` are all inputs of a
    page that shows everything.
    """

    def __init__(
        self, site: Site, snapshot: Snapshot, parts: Sequence[tuple[RenderedIncident, ...]], known: Known
    ) -> None:
        self.snapshot, self.at = snapshot, snapshot.now
        self.on, self.to_come, self.over = parts
        self.soon = (*self.on, *self.to_come)
        self.all = (*self.soon, *self.over)
        self.planned = tuple(each for each in self.all if each.planned)
        self.known = known
        self.incidents = {rendered.id: rendered for rendered in self.all}
        shown = [source.shown for source in snapshot.sources]
        self.made_from = (*parts, shown, snapshot.bots, self.at.replace(second=0, microsecond=0))
        # A source's age alone is no news: each open page would fetch itself anew with every poll.
        doubts = [(source.title, source.last_ok is None, source.stale) for source in snapshot.sources]
        self.news = frozenset([*self.all, *doubts])
        news = {"at": self.at.isoformat(timespec="seconds"), "on": [each.id for each in self.on]}
        self.event = f"event: alerts\ndata: {json.dumps(news)}\n\n".encode()
        self._site = site

    @cached_property
    def _of(self) -> Mapping[str, RenderedIncident]:
        return {path: rendered for rendered in self.all for path in (*rendered.paths, *rendered.cards)}

    @property
    def paths(self) -> Sequence[str]:
        """All but the cards."""
        return [*self._site.rows, *(path for rendered in self.all for path in rendered.paths)]

    def entry(self, path: str) -> CacheEntry | None:
        """Return the answer at this path, which may still be to make. Returns None where there is none."""
        if (row := self._site.rows.get(path)) is not None:
            made_of, make = row
            return CacheEntry(self._site.cache, path, made_of(self), partial(make, self))
        return self._of[path].entry(path) if path in self._of else None

    def listing(self, language: str) -> Listing:
        """The content of the index."""
        return Listing(*(shares_of(part, language) for part in (self.on, self.to_come, self.over)))

    def texts(self, language: str) -> Sequence[IncidentText]:
        """The current ones in words, without those that can't be put into any."""
        return [text for rendered in self.on if (text := rendered.text(language)) is not None]


def answers_of(part: Edition | RenderedIncident) -> Mapping[str, CachedResponse]:
    """Return all answers, making those that weren't asked for yet; one that can't be made isn't there."""
    entries = map(part.entry, part.paths)
    return {entry.path: found for entry in entries if entry is not None and (found := entry.get()) is not None}


Make = Callable[[Edition], CachedResponse | None]
Row = tuple[Callable[[Edition], object], Make]
"""How an edition's document is made, and of which of its parts: while these are the same, so is the document."""


class Site:
    """Makes editions for one station. `rows` are its documents by path, those of incidents apart."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.cache, self.cards = Cache(), Cache(_CARDS_KEPT)
        self.pages = {language: Pages(setting, language) for language in setting.languages}
        unchanging: Iterable[tuple[str, Make]] = (*_static(), *_own(setting))
        self.rows: Mapping[str, Row] = {path: (_nothing, make) for path, make in unchanging} | dict(self._joint())

    def edition(self, snapshot: Snapshot, before: Edition | None = None, known: Known = ()) -> Edition:
        """Return all present answers; `known` are for the site map.

        If the inputs are the same, `before` is returned. No page is made yet: each is on request.
        """
        situation, kept = snapshot.situation, before.incidents if before else {}
        parts = [
            tuple(self.rendered(each, snapshot, kept.get(each.id)) for each in part)
            for part in (situation.on, situation.to_come, situation.over)
        ]
        edition = Edition(self, snapshot, parts, known)
        # An edition is asked for every 20 seconds, and mostly nothing has changed.
        is_same = before is not None and (before.made_from, before.known) == (edition.made_from, known)
        return before if before is not None and is_same else edition

    def rendered(
        self, incident: PublicIncident, snapshot: Snapshot, kept: RenderedIncident | None = None
    ) -> RenderedIncident:
        """The answers about one incident; those that were kept where nothing has changed."""
        # What is over says no "today", so midnight changes nothing of it.
        day = None if incident.ending else snapshot.now.astimezone(self.setting.town.zone).date()
        key = incident.id, tuple(stored.id for stored in incident.versions), incident.ending, day, snapshot.bots
        if kept is not None and (kept.key, kept.asked) == (key, snapshot.asked.get(incident.id, ())):
            return kept
        return RenderedIncident(self, incident, key, snapshot, kept)

    def _joint(self) -> Iterator[tuple[str, Row]]:
        """Yield what is made of several incidents."""

        def outlines(now: Edition) -> CachedResponse:
            return _data(GEOJSON, machine.collection(filter(None, (on.features() for on in now.soon))))

        for language, pages in self.pages.items():
            for rest, make in self._of_all(pages):
                yield self.setting.path(language, rest), (lambda now: now.made_from, make)
            for rest, made_of, make in self._of_some(pages):
                yield self.setting.path(language, rest), (made_of, make)
        # A map's outlines are of no language. An empty list is as new as it can be.
        yield _MAP, (lambda now: now.soon, outlines)
        yield _SITEMAP, (lambda now: (now.all, now.known) if now.all or now.known else now.at, self._sitemap)

    def _of_all(self, pages: Pages) -> Iterator[tuple[str, Make]]:
        """Yield what changes with anything that is shown, and each minute."""
        language, setting, html = pages.language, self.setting, self._html
        zone, words = setting.town.zone, words_of(language)
        yield (
            "",
            lambda now: html(pages.index(now.listing(language), now.snapshot), posts=setting.writes or setting.texts),
        )
        yield "404.html", lambda now: html(pages.nothing_here(now.snapshot))
        yield EASY, lambda now: html(pages.easy(now.listing(language), now.snapshot))
        yield POSTER, lambda now: html(pages.poster(now.snapshot))
        if setting.town.districts_of:
            yield STREETS, lambda now: html(pages.streets(now.listing(language), now.snapshot))
        yield "embed", lambda now: html(pages.embed(now.listing(language), now.snapshot), framed=True)
        yield "embed.html", lambda now: html(pages.fragment(now.listing(language), now.snapshot))

        def screen(number: int, now: Edition) -> CachedResponse:
            return html(pages.panel(now.texts(language), now.snapshot, number), framed=True)

        # For browsers without scripts each screen of a turn has a page.
        for number in range(1, panel.SCREENS + 1):
            yield panel_path(number), partial(screen, number)
        yield f"{PANEL}.txt", lambda now: _data(TEXT, panel.text_of(now.texts(language), now.snapshot, zone, words))
        yield f"{PANEL}.json", lambda now: _data(JSON, panel.json_of(now.texts(language), now.snapshot, zone))

    def _of_some(self, pages: Pages) -> Iterator[tuple[str, Callable[[Edition], object], Make]]:
        """Yield what changes with less than that."""
        language, setting, zone = pages.language, self.setting, self.setting.town.zone
        title = f"{words_of(language).gettext('Alerts')} – {setting.town.name}"

        def feed(now: Edition) -> CachedResponse:
            entries = [share.entry for share in shares_of(now.all, language)]
            return _data(ATOM, machine.feed(entries, setting, language, title, now.at))

        def calendar(now: Edition) -> CachedResponse:
            works = [share.planned for share in shares_of(now.planned, language) if share.planned is not None]
            return _data(ICAL, machine.calendar(works, setting))

        def hour(now: Edition) -> object:
            # The picture says of when it is: drawing it each minute would cost a fleet too much.
            return now.on, now.snapshot.doubtful, now.at.replace(minute=0, second=0, microsecond=0)

        def day(now: Edition) -> object:
            return now.snapshot.bots, now.at.astimezone(zone).date()

        yield "card.png", hour, lambda now: answer(pages.picture(now.listing(language), now.snapshot), PNG)
        if setting.keeps:
            yield PRIVACY, day, lambda now: self._html(pages.privacy(now.snapshot))
        yield "feed.atom", lambda now: now.all or now.at, feed
        yield "calendar.ics", lambda now: now.planned, calendar

    def _html(self, text: str, **safe: bool) -> CachedResponse:
        return answer(text, HTML, extra=safety(self.setting, **safe))

    def _sitemap(self, now: Edition) -> CachedResponse:
        path, languages = self.setting.path, self.setting.languages
        changes = dict(now.known) | {rendered.id: rendered.incident.changed_at for rendered in now.all}
        newest = max(changes.values(), default=now.at)
        paths = [(path(language), newest) for language in languages]
        paths += [(path(language, f"alerts/{each}"), at) for each, at in changes.items() for language in languages]
        return answer(machine.sitemap(paths, self.setting), XML, fresh_for=60)


def _data(kind: str, content: str | bytes) -> CachedResponse:
    """Data for programs, on pages of any site too."""
    return answer(content, kind, extra=ANYWHERE)


def shares_of(shown: Iterable[RenderedIncident], language: str) -> Sequence[IncidentCard]:
    """Return their parts in one language, without those that can't be made."""
    return [share for each in shown if (share := each.share(language)) is not None]


def _nothing(_: Edition) -> None:
    """It is made of nothing that an edition has."""


def _own(setting: Setting) -> Iterator[tuple[str, Make]]:
    """Yield the addresses that no alert changes: for programs, and the town's picture, colour and streets."""
    town, hourly = setting.town, partial(answer, fresh_for=3600)
    yield MANIFEST, lambda _: hourly(machine.manifest(setting), MANIFEST_KIND)
    yield WORKER, lambda _: answer(worker_of(town), SCRIPT, extra=WORKER_HEADERS)
    yield "/robots.txt", lambda _: hourly(machine.robots(setting), TEXT)
    yield "/districts.geojson", lambda _: hourly(machine.districts(setting), GEOJSON, extra=ANYWHERE)
    if (path := logo_path(town)) is not None:
        yield path, lambda _: logo_of(town)
    if town.accent is not None:
        yield ACCENT, lambda _: hourly(f":root {{ --accent: {town.accent}; }}\n", CSS)
    if town.districts_of:
        yield STREETS_LIST, lambda _: hourly(machine.streets(setting), JSON, extra=ANYWHERE)


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
def _static() -> Sequence[tuple[str, Make]]:
    """Return the static files: one of each for all towns of this process."""
    return [(path, partial(lambda found, _: found, found)) for path, found in static_answers().items()]


def card_answer(text: IncidentText) -> CachedResponse:
    """Draw the card."""
    said = text.end.facts if text.end else text.facts
    return answer(draw_card(card_of(said, text.severity)), PNG)
