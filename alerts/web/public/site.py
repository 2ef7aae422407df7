"""The whole public side as answers, an `Edition` at a time.

`Site.edition` has every present address, and makes no page: each is made on first request. It reuses the parts of the
edition before with the same inputs: an incident's part (`lasting.py`) depends on its versions, its end and the day, a
feed or a calendar on its incidents. So the cost is that of the changes, with a thousand incidents as with one. An
incident that fails to render keeps its previous version, and affects no other.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial

from alerts.desk.publicity import PublicIncident
from alerts.model.local import read_named
from alerts.model.town import Town
from alerts.web.public import machine, panel
from alerts.web.public.answers import (
    ANYWHERE,
    ATOM,
    CSS,
    GEOJSON,
    HTML,
    ICAL,
    JSON,
    PNG,
    SVG,
    TEXT,
    XML,
    KeptAnswer,
    Made,
    Once,
    answer,
    static_answers,
)
from alerts.web.public.lasting import Lasting, shares_of
from alerts.web.public.page import (
    ACCENT,
    PANEL,
    PRIVACY,
    STREETS,
    Listing,
    Pages,
    logo_path,
    panel_path,
    safety,
    words_of,
)
from alerts.web.public.told import Outlook, Setting, Told
from alerts.web.public.worker import WORKER, WORKER_HEADERS, worker_of

_MAP, _SITEMAP, MANIFEST = "/alerts.geojson", "/sitemap.xml", "/manifest.webmanifest"
STREETS_LIST = "/streets.json"
MANIFEST_KIND, SCRIPT = "application/manifest+json", "text/javascript; charset=utf-8"

Known = Sequence[tuple[str, datetime]]
"""Older incidents' ids, and when each changed last."""


@dataclass(frozen=True, slots=True)
class Edition:
    """The public side at one moment: every address that isn't looked up, with its answer.

    `news` is equal for two editions with the same content of the same incidents, and the same doubtful sources: each
    open page compares it. `event` is the notification, serialised once for all of them. `made_of` are all inputs of the
    edition, `parts` the joint documents, each with its own inputs.
    """

    outlook: Outlook
    answers: Made[KeptAnswer]
    incidents: Mapping[str, Lasting]
    made_of: object
    parts: Mapping[str, _Part]
    news: frozenset[object]
    event: bytes


# What is made of all that is shown, and what makes it.
_PAGES: Mapping[str, Callable[[Pages, Listing, Outlook], str]] = {
    "": Pages.index,
    "404.html": lambda pages, _, outlook: pages.nothing_here(outlook),
    "easy": Pages.easy,
    "poster": lambda pages, _, outlook: pages.poster(outlook),
    STREETS: Pages.streets,
    "embed": Pages.embed,
    "embed.html": Pages.fragment,
}
_Part = tuple[object, Once[KeptAnswer]]


@dataclass(frozen=True, slots=True)
class _Shown:
    """An edition's content, and all inputs of a page that shows it."""

    outlook: Outlook
    on: tuple[Lasting, ...]
    to_come: tuple[Lasting, ...]
    over: tuple[Lasting, ...]
    told_of: object

    @property
    def all(self) -> tuple[Lasting, ...]:
        return (*self.on, *self.to_come, *self.over)


class Site:
    """Makes editions for one station."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self._pages = {language: Pages(setting, language) for language in setting.languages}
        self._always = {
            **_static(),
            **_own(setting),
            MANIFEST: Once(lambda: answer(machine.manifest(setting), MANIFEST_KIND, fresh_for=3600)),
            WORKER: Once(lambda: answer(worker_of(setting.town), SCRIPT, extra=WORKER_HEADERS)),
            "/robots.txt": Once(lambda: answer(machine.robots(setting), TEXT, fresh_for=3600)),
            "/districts.geojson": Once(
                lambda: answer(machine.districts(setting), GEOJSON, extra=ANYWHERE, fresh_for=3600)
            ),
        }

    def edition(self, outlook: Outlook, before: Edition | None = None, known: Known = ()) -> Edition:
        """Return all present answers; `known` are for the site map.

        If the inputs are the same, `before` is returned. No page is made yet: each is on request.
        """
        situation, kept = outlook.situation, before.incidents if before else {}
        on, to_come, over = (
            tuple(self.lasting(each, outlook, kept.get(each.id)) for each in part)
            for part in (situation.on, situation.to_come, situation.over)
        )
        minute = outlook.now.replace(second=0, microsecond=0)
        told_of = (on, to_come, over, [source.shown for source in outlook.sources], outlook.bots, minute)
        # An edition is asked for every 20 seconds, and mostly nothing has changed.
        if before is not None and before.made_of == (told_of, known):
            return before
        shown = _Shown(outlook, on, to_come, over, told_of)
        parts = self._parts(shown, known, before.parts if before else {})
        makes = dict(self._always)
        for lasting in shown.all:
            makes.update(lasting.answers.makes)
        makes.update((path, part) for path, (_, part) in parts.items())
        # A source's age alone is no news: each open page would fetch itself anew with every poll.
        doubts = [(source.title, source.last_ok is None, source.stale) for source in outlook.sources]
        at = outlook.now.isoformat(timespec="seconds")
        event = f"event: alerts\ndata: {json.dumps({'at': at, 'on': [each.id for each in situation.on]})}\n\n".encode()
        incidents = {lasting.id: lasting for lasting in shown.all}
        return Edition(
            outlook, Made(makes), incidents, (told_of, known), parts, frozenset([*shown.all, *doubts]), event
        )

    def lasting(self, incident: PublicIncident, outlook: Outlook, kept: Lasting | None = None) -> Lasting:
        """The answers about one incident; those that were kept where nothing has changed."""
        # What is over says no "today", so midnight changes nothing of it.
        day = None if incident.ending else outlook.now.astimezone(self.setting.town.zone).date()
        if kept is not None and kept.is_of(incident, day, outlook):
            return kept
        return Lasting(incident, day, outlook, self._pages, kept)

    def _parts(self, shown: _Shown, known: Known, earlier: Mapping[str, _Part]) -> Mapping[str, _Part]:
        """Return the joint documents; one with the same inputs as an `earlier` one is reused."""
        parts = {}
        for path, made_of, make in self._tell_of_several(shown, known):
            before = earlier.get(path)
            parts[path] = before if before is not None and before[0] == made_of else (made_of, Once(make))
        return parts

    def _tell_of_several(self, shown: _Shown, known: Known) -> Iterator[tuple[str, object, Callable[[], KeptAnswer]]]:
        now = shown.outlook.now
        planned = tuple(each for each in shown.all if each.planned)
        soon = (*shown.on, *shown.to_come)
        for language in self.setting.languages:
            for rest in (each for each in _PAGES if each != STREETS or self.setting.town.districts_of):
                yield self.setting.path(language, rest), shown.told_of, partial(self._page, language, rest, shown)
            # The picture says of when it is: drawing it each minute would cost a fleet too much.
            looks = (shown.on, shown.outlook.doubtful, now.replace(minute=0, second=0, microsecond=0))
            yield self.setting.path(language, "card.png"), looks, partial(self._picture, language, shown)
            yield from self._panels(language, shown)
            if self.setting.keeps:
                made_of = (shown.outlook.bots, now.astimezone(self.setting.town.zone).date())
                yield self.setting.path(language, PRIVACY), made_of, partial(self._privacy, language, shown.outlook)
            # An empty feed is as new as it can be.
            feed = partial(self._feed, language, shown)
            yield self.setting.path(language, "feed.atom"), shown.all or now, feed
            calendar = partial(self._calendar, language, planned)
            yield self.setting.path(language, "calendar.ics"), planned, calendar
        yield _MAP, soon, partial(_map, soon)
        has_any = bool(shown.all or known)
        yield _SITEMAP, (shown.all, known) if has_any else now, partial(self._sitemap, shown, known)

    def _page(self, language: str, rest: str, shown: _Shown) -> KeptAnswer:
        on, to_come, over = (shares_of(part, language) for part in (shown.on, shown.to_come, shown.over))
        page = _PAGES[rest](self._pages[language], Listing(on, to_come, over), shown.outlook)
        return answer(
            page, HTML, extra=safety(self.setting, framed=rest == "embed", posts=not rest and self.setting.writes)
        )

    def _picture(self, language: str, shown: _Shown) -> KeptAnswer:
        on = shares_of(shown.on, language)
        return answer(self._pages[language].picture(Listing(on, (), ()), shown.outlook), PNG)

    def _panels(self, language: str, shown: _Shown) -> Iterator[tuple[str, object, Callable[[], KeptAnswer]]]:
        """Yield the forms for screens: pages, one for each of a turn without scripts, lines, and JSON."""
        path, told_of = partial(self.setting.path, language), shown.told_of
        for number in range(1, panel.SCREENS + 1):
            yield path(panel_path(number)), told_of, partial(self._panel, language, number, shown)
        yield path(f"{PANEL}.txt"), told_of, partial(self._panel_text, language, shown)
        yield path(f"{PANEL}.json"), told_of, partial(self._panel_json, language, shown)

    def _panel(self, language: str, number: int, shown: _Shown) -> KeptAnswer:
        page = self._pages[language].panel(_told(shown.on, language), shown.outlook, number)
        return answer(page, HTML, extra=safety(self.setting, framed=True))

    def _panel_text(self, language: str, shown: _Shown) -> KeptAnswer:
        on, zone = _told(shown.on, language), self.setting.town.zone
        return answer(panel.text_of(on, shown.outlook, zone, words_of(language)), TEXT, extra=ANYWHERE)

    def _panel_json(self, language: str, shown: _Shown) -> KeptAnswer:
        return answer(
            panel.json_of(_told(shown.on, language), shown.outlook, self.setting.town.zone), JSON, extra=ANYWHERE
        )

    def _privacy(self, language: str, outlook: Outlook) -> KeptAnswer:
        return answer(self._pages[language].privacy(outlook), HTML, extra=safety(self.setting))

    def _feed(self, language: str, shown: _Shown) -> KeptAnswer:
        title = f"{words_of(language).gettext('Alerts')} – {self.setting.town.name}"
        entries = [share.entry for share in shares_of(shown.all, language)]
        return answer(machine.feed(entries, self.setting, language, title, shown.outlook.now), ATOM, extra=ANYWHERE)

    def _calendar(self, language: str, planned: Sequence[Lasting]) -> KeptAnswer:
        works = [share.planned for share in shares_of(planned, language) if share.planned is not None]
        return answer(machine.calendar(works, self.setting), ICAL, extra=ANYWHERE)

    def _sitemap(self, shown: _Shown, known: Known) -> KeptAnswer:
        changes = dict(known) | {lasting.id: lasting.incident.changed_at for lasting in shown.all}
        newest = max(changes.values(), default=shown.outlook.now)
        languages = self.setting.languages
        paths = [(self.setting.path(language), newest) for language in languages]
        paths += [
            (self.setting.path(language, f"alerts/{identity}"), at)
            for identity, at in changes.items()
            for language in languages
        ]
        return answer(machine.sitemap(paths, self.setting), XML, fresh_for=60)


def _told(shown: Sequence[Lasting], language: str) -> Sequence[Told]:
    """Return those that have that language."""
    return [told for lasting in shown if (told := lasting.told.get(language)) is not None]


def _map(shown: Sequence[Lasting]) -> KeptAnswer:
    features = (found for lasting in shown if (found := lasting.features.get()))
    return answer(machine.collection(features), GEOJSON, extra=ANYWHERE)


def _own(setting: Setting) -> Mapping[str, Once[KeptAnswer]]:
    """Return the town's own style: its picture, and its colour as a style sheet; and its streets, if it lists them."""
    town = setting.town
    own: dict[str, Once[KeptAnswer]] = {}
    if (path := logo_path(town)) is not None:
        own[path] = Once(partial(logo_of, town))
    if town.accent is not None:
        own[ACCENT] = Once(partial(answer, f":root {{ --accent: {town.accent}; }}\n", CSS, fresh_for=3600))
    if town.districts_of:
        own[STREETS_LIST] = Once(lambda: answer(machine.streets(setting), JSON, extra=ANYWHERE, fresh_for=3600))
    return own


def logo_of(town: Town) -> KeptAnswer | None:
    """The town's crest, read now. None: it has none, or its file is gone; a page shows the town's name anyway."""
    if town.logo is None:
        return None
    path = town.folder / town.logo
    try:
        picture = read_named(town.folder, town.logo)
    except OSError:
        return None
    # An SVG may hold a script: opened by itself it runs none.
    alone = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox"}
    return answer(picture, SVG if path.suffix.lower() == ".svg" else PNG, extra=alone, fresh_for=3600)


@cache
def _static() -> Mapping[str, Once[KeptAnswer]]:
    """Return the static files: one of each for all towns of this process."""
    return {path: Once(partial(_same, found)) for path, found in static_answers().items()}


def _same(found: KeptAnswer) -> KeptAnswer:
    return found
