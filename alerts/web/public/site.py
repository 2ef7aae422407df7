"""The whole public side as answers, an `Edition` at a time; and the pages in it, as HTML in each language.

`Site.edition` makes every answer for what is to be told now. From the edition before it takes what depends on the same:
an incident's pages hang on its versions, its end and the day (`Key`), an index on its own bytes. So a change costs what
it changes, with a thousand incidents as with one. What can't be made of one incident costs that incident its news, and
no other anything. `Pages` fills the templates of `pages/`. They show what can't be seen in a stranger's text, and mark
words in another language than the page's for those who have it read aloud (WCAG 2.2, 3.1.2).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

import structlog
from babel import Locale
from babel.dates import format_datetime, format_timedelta
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from alerts.desk.publicity import PublicIncident
from alerts.rendering.i18n import Words, read_words
from alerts.rendering.library import CompiledTemplates
from alerts.rendering.text import address
from alerts.web.pages import in_sight
from alerts.web.public import machine
from alerts.web.public.answers import KeptAnswer, answer, static_answers, static_path
from alerts.web.public.told import Outlook, Setting, Told, tell

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

LOCALES = Path(__file__).with_name("locale")
_COMPILED = CompiledTemplates()
_MOMENT = {"fr": "EEEE d MMMM 'à' H\u00a0'h'\u00a0mm", "en": "EEEE d MMMM, h:mm a"}
_LASTING = {"fr": "EEEE d MMMM y 'à' H\u00a0'h'\u00a0mm", "en": "EEEE d MMMM y, h:mm a"}

Key = tuple[str, tuple[str, ...], object, date | None, tuple[str, ...]]
"""What an incident's pages depend on: id, versions, end, while it is on the day (they say "today"), and the bots."""
Known = Sequence[tuple[str, datetime]]
"""Older incidents' ids, and when each changed last."""


@dataclass(frozen=True, slots=True)
class Lasting:
    """The answers about one incident, what they were made of, and its share of the map: its areas may be long."""

    key: Key
    told: Mapping[str, Told]
    answers: Mapping[str, KeptAnswer]
    changed_at: datetime
    features: str


@dataclass(frozen=True, slots=True)
class Edition:
    """The public side as it stands at one moment: every address that isn't looked up, with its answer.

    `news` is equal for two editions that tell the same of the same incidents, and doubt the same sources: each open
    page compares it. `event` is what it is told then, spelt once for all of them.
    """

    outlook: Outlook
    answers: Mapping[str, KeptAnswer]
    incidents: Mapping[str, Lasting] = field(default_factory=dict)
    made_of: object = None
    news: frozenset[object] = frozenset()
    event: bytes = b""


def safety(setting: Setting, *, framed: bool = False) -> Mapping[str, str]:
    """The headers of a page: nothing but our own files and the map's background; `framed`: in whose frame it may be."""
    tiles = urlsplit(setting.town.web.tiles) if setting.town.web.tiles else None
    pictures = f"'self' data: {tiles.scheme}://{tiles.netloc}" if tiles else "'self' data:"
    # A page that anybody may frame can be laid under somebody's button: only the one made for frames is.
    frames = (" ".join(setting.town.web.embed) or "*") if framed else "'none'"
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
        # An edition is asked for every 20 seconds, and mostly nothing has changed: no page is made anew.
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
        # A source's age alone is no news: each open page would fetch itself anew with every poll.
        doubts = [(source.title, source.last_ok is None, source.stale) for source in outlook.sources]
        news = frozenset([*(lasting.key for lasting in incidents.values()), *doubts])
        at, on = outlook.now.isoformat(timespec="seconds"), [each.id for each in situation.on]
        event = f"event: alerts\ndata: {json.dumps({'at': at, 'on': on})}\n\n".encode()
        return Edition(outlook, MappingProxyType(answers), incidents, made_of, news, event)

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
        answers: dict[str, KeptAnswer] = {}
        for language, each in told.items():
            answers[each.path] = answer(self._pages[language].incident(each, outlook), HTML, extra=safety(self.setting))
        features = machine.features(told[self.setting.languages[0]], self.setting)
        answers[f"/alerts/{incident.id}.geojson"] = answer(machine.collection([features]), GEOJSON, extra=_ANYWHERE)
        ends = [incident.ending.stored] if incident.ending and incident.ending.stored else []
        for stored in (*incident.versions, *ends):
            path = f"/cap/{stored.id}.xml"
            if kept is not None and path in kept.answers:  # a message never changes
                answers[path] = kept.answers[path]
            elif stored.alert is not None:
                answers[path] = answer(machine.cap_message(stored.alert), CAP, extra=_ANYWHERE)
        return Lasting(key, told, answers, incident.changed_at, features)

    def _try(self, incident: PublicIncident, outlook: Outlook, kept: Lasting | None) -> Lasting | None:
        """One incident's pages; what can't be made costs that incident its news, and no other anything."""
        try:
            return self.lasting(incident, outlook, kept)
        except Exception:
            log.exception("page.failed", incident=incident.id)
            return kept

    def _index(
        self, language: str, outlook: Outlook, incidents: Mapping[str, Lasting], earlier: Mapping[str, KeptAnswer]
    ) -> dict[str, KeptAnswer]:
        """What tells of all incidents, in one language; what says what it said is the `earlier` answer."""
        answers: dict[str, KeptAnswer] = {}
        for rest, body, kind in self._told_of_all(language, outlook, incidents):
            path = self.setting.path(language, rest)
            extra = safety(self.setting, framed=rest == "embed") if kind is HTML else _ANYWHERE
            answers[path] = answer(body, kind, extra=extra, before=earlier.get(path))
        return answers

    def _told_of_all(
        self, language: str, outlook: Outlook, incidents: Mapping[str, Lasting]
    ) -> Sequence[tuple[str, str | bytes, str]]:
        setting, pages, situation = self.setting, self._pages[language], outlook.situation
        shown = Listing(
            on=self._in(language, situation.on, incidents),
            to_come=self._in(language, situation.to_come, incidents),
            over=self._in(language, situation.over, incidents),
        )
        everything = [*shown.on, *shown.to_come, *shown.over]
        planned = [told for told in everything if told.incident.planned]
        title = f"{words_of(language).gettext('Alerts')} – {setting.town.name}"
        return (
            ("", pages.index(shown, outlook), HTML),
            ("404.html", pages.nothing_here(outlook), HTML),
            ("embed", pages.embed(shown, outlook), HTML),
            ("embed.html", pages.fragment(shown, outlook), HTML),
            ("feed.atom", machine.feed(everything, setting, language, title, outlook.now), ATOM),
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
        versions = tuple(stored.id for stored in incident.versions)
        # What is over says no "today", so midnight changes nothing of it.
        day = None if incident.ending else outlook.now.astimezone(self.setting.town.zone).date()
        return incident.id, versions, incident.ending, day, outlook.bots


@dataclass(frozen=True, slots=True)
class Listing:
    """What the index shows, in one language."""

    on: Sequence[Told]
    to_come: Sequence[Told]
    over: Sequence[Told]


class Pages:
    """Makes the pages of one language; a page that was made for the same words is not made again."""

    def __init__(self, setting: Setting, language: str) -> None:
        self.setting = setting
        self.language = language
        self._words = words_of(language)
        self._environment = Environment(
            loader=FileSystemLoader(Path(__file__).with_name("pages")),
            autoescape=True,
            undefined=StrictUndefined,
            bytecode_cache=_COMPILED,
            trim_blocks=True,
            lstrip_blocks=True,
            finalize=in_sight,
        )
        self._environment.globals.update(
            _=self._words.gettext,
            ngettext=self._words.ngettext,
            language=language,
            setting=setting,
            names={tag: _name(tag) for tag in setting.languages},
            marked=marked,
            tongue=tongue,
            moment=self._moment,
            dated=self._dated,
            span=self._span,
            static=static_path,
        )

    def index(self, shown: Listing, outlook: Outlook) -> str:
        """What is on now, to come, and over in the last day."""
        return self._page("index.html", outlook, "", on=shown.on, to_come=shown.to_come, over=shown.over)

    def incident(self, told: Told, outlook: Outlook) -> str:
        """The lasting page of an incident."""
        info = told.incident.alert.info_for(self.language)
        return self._page(
            "incident.html",
            outlook,
            f"alerts/{told.incident.id}",
            told=told,
            shapes=machine.shapes_of(told, self.setting),
            web=address(info.web) if info else None,
            json_ld=_for_script(machine.announcement(told, self.setting)),
        )

    def nothing_here(self, outlook: Outlook) -> str:
        """What stands where there is no such page."""
        return self._page("404.html", outlook, "")

    def embed(self, shown: Listing, outlook: Outlook) -> str:
        """A small page for a frame in the town's own site."""
        return self._page("embed.html", outlook, "embed", on=shown.on)

    def fragment(self, shown: Listing, outlook: Outlook) -> str:
        """The same as a piece of HTML without scripts, to be put into a page by a server."""
        return self._page("fragment.html", outlook, "embed.html", on=shown.on)

    def _page(self, name: str, outlook: Outlook, rest: str, **values: Any) -> str:
        alternates = [(tag, self.setting.path(tag, rest)) for tag in self.setting.languages]
        return self._environment.get_template(name).render(outlook=outlook, alternates=alternates, **values)

    def _moment(self, moment: datetime) -> str:
        local = moment.astimezone(self.setting.town.zone)
        return format_datetime(local, _MOMENT[self.language], locale=Locale.parse(self.language))

    def _dated(self, moment: datetime) -> str:
        """With the year: who reads it may do so in years."""
        local = moment.astimezone(self.setting.town.zone)
        return format_datetime(local, _LASTING[self.language], locale=Locale.parse(self.language))

    def _span(self, since: datetime, now: datetime) -> str:
        """How long ago, in the greatest unit that fits: "2 minutes", "3 hours"."""
        return format_timedelta(abs(now - since), granularity="minute", threshold=1, locale=Locale.parse(self.language))


@lru_cache(maxsize=8)
def words_of(language: str) -> Words:
    """The sentences of a language."""
    return read_words(LOCALES, language)


def _name(tag: str) -> str:
    name = Locale.parse(tag).get_language_name(tag) or tag
    return name[:1].upper() + name[1:]


def _for_script(data: Mapping[str, Any]) -> str:
    """JSON that can't end the script element it stands in, nor begin a comment there."""
    text = json.dumps(data, ensure_ascii=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def tongue(facts: Mapping[str, Any], is_own: object = True) -> Markup:
    """The attribute of an element that holds an alert's own words; nothing where they are in the page's language.

    `is_own` is empty where the words are ours, not the alert's: a prepared instruction, say.
    """
    if not facts["foreign"] or not is_own:
        return Markup()
    return Markup(' lang="{}"').format(facts["info"].language)


def marked(text: str, facts: Mapping[str, Any]) -> Markup:
    """A text of ours with the alert's own headline in it, that one marked where it is in another language."""
    own = (facts["headline"] or facts["event"]).removesuffix(".")
    found = re.search(re.escape(own), text, re.IGNORECASE) if facts["foreign"] and own else None
    if found is None:
        return escape(text)
    before, said, after = text[: found.start()], found.group(), text[found.end() :]
    return escape(before) + Markup("<span{}>{}</span>").format(tongue(facts), said) + escape(after)
