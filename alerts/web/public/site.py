"""The whole public side as answers: made anew at each change, but for what did not change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from types import MappingProxyType
from urllib.parse import urlsplit

import structlog

from alerts.desk.publicity import PublicIncident
from alerts.web.public import machine
from alerts.web.public.answers import Answer, answer
from alerts.web.public.feed import feed
from alerts.web.public.pages import Pages, Shown, words_of
from alerts.web.public.setting import Outlook, Setting
from alerts.web.public.static import static_answers
from alerts.web.public.told import Told, tell

log = structlog.get_logger()

HTML = "text/html; charset=utf-8"
ATOM = "application/atom+xml; charset=utf-8"
CAP = "application/cap+xml; charset=utf-8"
GEOJSON = "application/geo+json"
ICAL = "text/calendar; charset=utf-8"
XML = "application/xml; charset=utf-8"
TEXT = "text/plain; charset=utf-8"

# What programs read may be read by a page of any site: there is nothing in it that isn't public.
_ANYWHERE: Mapping[str, str] = MappingProxyType({"Access-Control-Allow-Origin": "*"})

_MAP, _SITEMAP = "/alerts.geojson", "/sitemap.xml"

Key = tuple[str, tuple[str, ...], object, date | None, tuple[str, ...]]
"""What an incident's pages depend on: id, versions, end, while it is on the day (they say "today"), and the bots."""
Known = Sequence[tuple[str, datetime]]
"""Older incidents' ids, and when each changed last."""


@dataclass(frozen=True, slots=True)
class Lasting:
    """The answers about one incident, what they were made of, and its share of the map: its areas may be long."""

    key: Key
    told: Mapping[str, Told]
    answers: Mapping[str, Answer]
    changed_at: datetime
    features: str


@dataclass(frozen=True, slots=True)
class Edition:
    """The public side as it stands at one moment: every address that isn't looked up, with its answer.

    `news` is equal for two editions that tell the same of the same incidents, and doubt the same sources: each open
    page compares it.
    """

    outlook: Outlook
    answers: Mapping[str, Answer]
    incidents: Mapping[str, Lasting] = field(default_factory=dict)
    made_of: object = None
    news: frozenset[object] = frozenset()


def safety(setting: Setting, *, framed: bool = False) -> Mapping[str, str]:
    """The headers of a page: nothing but our own files and the map's background; `framed`: in whose frame it may be."""
    tiles = urlsplit(setting.tiles) if setting.tiles else None
    pictures = f"'self' data: {tiles.scheme}://{tiles.netloc}" if tiles else "'self' data:"
    frames = (" ".join(setting.embed) or "*") if framed else "'none'"
    return {
        "Content-Security-Policy": f"default-src 'none'; script-src 'self'; style-src 'self'; img-src {pictures}; "
        f"connect-src 'self'; base-uri 'self'; form-action 'none'; frame-ancestors {frames}",
        "Referrer-Policy": "no-referrer",
    }


class Site:
    """Makes editions for one station."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self._pages = {language: Pages(setting, language) for language in setting.languages}
        self._always = static_answers() | {
            "/robots.txt": answer(machine.robots(setting), TEXT, fresh_for=3600),
            "/districts.geojson": answer(machine.districts(setting), GEOJSON, extra=_ANYWHERE, fresh_for=3600),
        }

    def edition(self, outlook: Outlook, before: Edition | None = None, known: Known = ()) -> Edition:
        """All answers for what is to be told now; `known` are for the map of the site.

        What would be made of the same is `before`, as it is.
        """
        situation = outlook.situation
        shown = (*situation.on, *situation.to_come, *situation.over)
        made_of = self._made_of(outlook, known)
        if before is not None and before.made_of == made_of:
            return before
        kept, earlier = (before.incidents, before.answers) if before else ({}, {})
        incidents = {each.id: lasting for each in shown if (lasting := self._try(each, outlook, kept.get(each.id)))}
        answers = dict(self._always)
        for lasting in incidents.values():
            answers |= lasting.answers
        for language in self.setting.languages:
            answers |= self._index(language, outlook, incidents, earlier)
        now_or_soon = [incidents[each.id] for each in (*situation.on, *situation.to_come) if each.id in incidents]
        areas = machine.collection(lasting.features for lasting in now_or_soon if lasting.features)
        answers[_MAP] = answer(areas, GEOJSON, extra=_ANYWHERE, before=earlier.get(_MAP))
        sitemap = self._sitemap(outlook, incidents, known)
        answers[_SITEMAP] = answer(sitemap, XML, fresh_for=60, before=earlier.get(_SITEMAP))
        doubts = [(source.title, source.last_ok is None, source.stale) for source in outlook.sources]
        news = frozenset([*(lasting.key for lasting in incidents.values()), *doubts])
        return Edition(outlook, MappingProxyType(answers), incidents, made_of, news)

    def _made_of(self, outlook: Outlook, known: Known) -> object:
        """All that an edition depends on: the incidents in their order, sources, bots, and the time to the minute."""
        situation = outlook.situation
        keys = tuple(
            tuple(self._key(each, outlook) for each in part)
            for part in (situation.on, situation.to_come, situation.over)
        )
        minute = outlook.now.replace(second=0, microsecond=0)
        return keys, tuple(source.shown for source in outlook.sources), outlook.bots, minute, tuple(known)

    def lasting(self, incident: PublicIncident, outlook: Outlook, kept: Lasting | None = None) -> Lasting:
        """The answers about one incident; those that were kept where nothing has changed."""
        key = self._key(incident, outlook)
        if kept is not None and kept.key == key:
            return kept
        said = kept.told if kept else {}
        told = {
            each: tell(incident, self.setting, each, outlook.now, said.get(each)) for each in self.setting.languages
        }
        answers: dict[str, Answer] = {}
        for language, each in told.items():
            answers[each.path] = answer(self._pages[language].incident(each, outlook), HTML, extra=safety(self.setting))
        features = machine.features(told[self.setting.languages[0]], self.setting)
        answers[f"/alerts/{incident.id}.geojson"] = answer(machine.collection([features]), GEOJSON, extra=_ANYWHERE)
        ends = [incident.ending.record] if incident.ending and incident.ending.record else []
        for record in (*incident.versions, *ends):
            path = f"/cap/{record.id}.xml"
            if kept is not None and path in kept.answers:  # a message never changes
                answers[path] = kept.answers[path]
            elif record.alert is not None:
                answers[path] = answer(machine.cap_message(record.alert), CAP, extra=_ANYWHERE)
        return Lasting(key, told, answers, incident.changed_at, features)

    def _try(self, incident: PublicIncident, outlook: Outlook, kept: Lasting | None) -> Lasting | None:
        """One incident's pages; what can't be made costs that incident its news, and no other anything."""
        try:
            return self.lasting(incident, outlook, kept)
        except Exception:
            log.exception("page.stumbled", incident=incident.id)
            return kept

    def _index(
        self, language: str, outlook: Outlook, incidents: Mapping[str, Lasting], earlier: Mapping[str, Answer]
    ) -> dict[str, Answer]:
        """What tells of all incidents, in one language; what says what it said is the `earlier` answer."""
        answers: dict[str, Answer] = {}
        for rest, body, kind in self._told_of_all(language, outlook, incidents):
            path = self.setting.path(language, rest)
            extra = safety(self.setting, framed=rest == "embed") if kind is HTML else _ANYWHERE
            answers[path] = answer(body, kind, extra=extra, before=earlier.get(path))
        return answers

    def _told_of_all(
        self, language: str, outlook: Outlook, incidents: Mapping[str, Lasting]
    ) -> Sequence[tuple[str, str | bytes, str]]:
        setting, pages, situation = self.setting, self._pages[language], outlook.situation
        shown = Shown(
            on=self._in(language, situation.on, incidents),
            to_come=self._in(language, situation.to_come, incidents),
            over=self._in(language, situation.over, incidents),
        )
        everything = [*shown.on, *shown.to_come, *shown.over]
        planned = [told for told in everything if told.incident.planned]
        title = f"{words_of(language).gettext('Alerts')} – {setting.station}"
        return (
            ("", pages.index(shown, outlook), HTML),
            ("404.html", pages.nothing_here(outlook), HTML),
            ("embed", pages.embed(shown, outlook), HTML),
            ("embed.html", pages.fragment(shown, outlook), HTML),
            ("feed.atom", feed(everything, setting, language, title, outlook.now), ATOM),
            ("calendar.ics", machine.calendar(planned, setting), ICAL),
        )

    def _in(self, language: str, incidents: Sequence[PublicIncident], lasting: Mapping[str, Lasting]) -> list[Told]:
        return [lasting[each.id].told[language] for each in incidents if each.id in lasting]

    def _sitemap(
        self, outlook: Outlook, incidents: Mapping[str, Lasting], known: Sequence[tuple[str, datetime]]
    ) -> str:
        changes = dict(known) | {identity: lasting.changed_at for identity, lasting in incidents.items()}
        newest = max(changes.values(), default=outlook.now)
        languages = self.setting.languages
        paths = [(self.setting.path(language), newest) for language in languages]
        paths += [
            (self.setting.path(language, f"alerts/{identity}"), at)
            for identity, at in changes.items()
            for language in languages
        ]
        return machine.sitemap(paths, self.setting)

    def _key(self, incident: PublicIncident, outlook: Outlook) -> Key:
        versions = tuple(record.id for record in incident.versions)
        day = None if incident.ending else outlook.now.astimezone(self.setting.zone).date()
        return incident.id, versions, incident.ending, day, outlook.bots
