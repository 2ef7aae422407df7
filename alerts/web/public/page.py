"""The pages as HTML, each in one language, from the templates of `pages/`.

A page about several incidents is combined from their parts (`IncidentCard`), each of which is made once: an index of a
thousand costs no more than its thousand pieces. The pages write out invisible characters in a stranger's text, and mark
words in another language than the page's for screen readers (WCAG 2.2, 3.1.2). The templates of a language are compiled
once for all towns of a process.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache, cached_property, lru_cache, partial
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import segno
from babel import Locale
from babel.dates import format_date, format_datetime, format_timedelta
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from alerts.model.alert import Severity
from alerts.model.hazard import Hazard, fold
from alerts.model.town import Town, WebSection
from alerts.rendering.card import Card, card_of, draw_card
from alerts.rendering.i18n import Words, read_words
from alerts.rendering.library import CompiledTemplates, capital
from alerts.rendering.moments import hours_between, with_ordinal
from alerts.rendering.pictograms import pictogram
from alerts.rendering.text import address
from alerts.web.pages import below, in_sight
from alerts.web.public import machine, panel
from alerts.web.public.answers import static_path
from alerts.web.public.marking import marked, spoken, tongue
from alerts.web.public.snapshot import SPOKEN, IncidentText, Setting, Snapshot, state_of

LOCALES = Path(__file__).with_name("locale")
PRIVACY = "privacy"
"""Where a town that listens says what is read."""
ACCENT = "/accent.css"
"""The town's colour."""
EASY, POSTER = "easy", "poster"
"""The current alerts in short sentences, and a sheet to be hung up."""
REPORT = "report"
"""Where citizens report, in a town that takes that."""
STREETS = "streets"
"""The streets by district with their alerts, in a town that has a file of streets."""
PANEL = "panel"
"""Where screens find what they show."""
_PLATFORMS = {
    "facebook": "Facebook",
    "twitter": "X",
    "telegram": "Telegram",
    "mastodon": "Mastodon",
    "bluesky": "Bluesky",
}
# Below this the number isn't shown: nobody is counted out in public.
_FEW = 3
_MOMENT = {"fr": "EEEE d MMMM 'à' H\u00a0'h'\u00a0mm", "en": "EEEE d MMMM, h:mma"}
_DAY = {"fr": "d MMMM y", "en": "d MMMM y"}
_PERMANENT = {"fr": "EEEE d MMMM y 'à' H\u00a0'h'\u00a0mm", "en": "EEEE d MMMM y, h:mma"}


def safety(setting: Setting | None, *, framed: bool = False, posts: bool = False) -> Mapping[str, str]:
    """The headers of a page: nothing but our own files and the map's background; `framed`: in whose frame it may be.

    None: it is no town's (a fleet's list), and framed by nobody. `posts`: it has a form, for us, which may have to be
    paid for by computing (`proof_worker.js`).
    """
    web = setting.town.web if setting is not None else WebSection()
    tiles = urlsplit(web.tiles) if web.tiles else None
    pictures = f"'self' data: {tiles.scheme}://{tiles.netloc}" if tiles else "'self' data:"
    # A page that anybody may frame can be laid under somebody's button: only the one made for frames is.
    ours = "'self'" if posts else "'none'"
    frames = (" ".join(web.embed) or "*") if framed else "'none'"
    return {
        "Content-Security-Policy": f"default-src 'none'; script-src 'self'; style-src 'self'; img-src {pictures}; "
        f"connect-src 'self'; base-uri 'self'; form-action {ours}; frame-ancestors {frames}; "
        "worker-src 'self'; manifest-src 'self'",
        "Referrer-Policy": "no-referrer",
    }


def may_ask(text: IncidentText, setting: Setting) -> bool:
    """True if its page has a field for a question.

    That is, the town listens, the alert is current, and the daemon serves the page.
    """
    return setting.town.listens and text.end is None and not setting.town.web.export


def logo_path(town: Town) -> str | None:
    """Return the path of the town's picture, if it has one; its suffix gives servers of files the type."""
    return f"/logo{Path(town.logo).suffix.lower()}" if town.logo is not None else None


def panel_path(number: int) -> str:
    """Where the `number`-th screen of a turn is, for browsers without a script."""
    return PANEL if number == 1 else f"{PANEL}/{number}"


class Piece(Markup):
    """A piece of a page that a template made: its values were escaped already, so it isn't processed again."""


@dataclass(frozen=True, slots=True)
class IncidentCard:
    """An incident's part of joint documents, in one language.

    `card` is for the index, or `folded` if there are many, `first` above it as the banner of the worst, `easy` is the
    same in short sentences, `line` is for the small page, `everywhere` below the map of the index, for the whole
    town's; `entry` is for the feed, `planned` for the calendar. `lead` and `summary` are for sharing: the words of its
    own page.
    """

    id: str
    title: str
    lead: str
    summary: str
    severity: Severity
    hazard: Hazard
    district_codes: frozenset[str] | None
    is_whole: bool
    card: Piece
    folded: Callable[[], Piece]
    line: Piece
    first: Callable[[], Piece]
    easy: Callable[[], Piece]
    everywhere: Piece | None
    entry: machine.Entry
    planned: machine.Planned | None


@dataclass(frozen=True, slots=True)
class Listing:
    """The content of the index, in one language."""

    on: Sequence[IncidentCard]
    to_come: Sequence[IncidentCard]
    over: Sequence[IncidentCard]


Look = Literal["extreme", "severe", "moderate", "minor", "unknown", "calm", "doubt"]
"""The appearance of the town's page: by the worst current alert.

`calm` only if every source of warnings is up to date.
"""
_LOOKS: Mapping[Severity, Look] = {
    Severity.EXTREME: "extreme",
    Severity.SEVERE: "severe",
    Severity.MODERATE: "moderate",
    Severity.MINOR: "minor",
    Severity.UNKNOWN: "unknown",
}


def look_of(on: Sequence[IncidentCard], snapshot: Snapshot) -> Look:
    """Return the appearance of the banner, the title and the icon."""
    state = state_of(on, snapshot)
    if state == "alert":
        return _LOOKS[on[0].severity]
    return "doubt" if state == "stale" else "calm"


class Pages:
    """Makes the pages of one language, of one town."""

    def __init__(self, setting: Setting, language: str) -> None:
        self.setting = setting
        self.language = language
        self._words = words_of(language)

    def share(self, text: IncidentText) -> IncidentCard:
        """Return an incident's part of joint documents."""
        parts: Any = environment(self.language).get_template("parts.html").module
        words = self._words.gettext
        return IncidentCard(
            text.incident.id,
            in_sight(text.heading),
            in_sight(text.title),
            in_sight(text.summary),
            text.severity,
            text.incident.hazard,
            text.districts,
            text.whole,
            Piece(parts.card(text, words, self._moment)),
            cache(lambda: Piece(parts.folded(text, words, self._moment))),
            Piece(parts.line(text, self.setting)),
            # Of a thousand that are on one is the worst, and the easy page is asked for by few.
            cache(lambda: Piece(parts.first(text, words))),
            cache(lambda: Piece(parts.easy(text, words))),
            Piece(parts.everywhere(text, words)) if text.whole else None,
            machine.entry(text, self.setting),
            machine.planned(text, self.setting) if text.incident.planned else None,
        )

    def index(self, shown: Listing, snapshot: Snapshot) -> str:
        """Return the page of current, upcoming, and recently ended incidents."""
        return self._page("index.html", snapshot, "", on=shown.on, to_come=shown.to_come, over=shown.over)

    def easy(self, shown: Listing, snapshot: Snapshot) -> str:
        """Return the current alerts in short sentences and large letters, for weak readers and for reading aloud."""
        return self._page("easy.html", snapshot, EASY, on=shown.on)

    def streets(self, shown: Listing, snapshot: Snapshot) -> str:
        """For each district whether it is concerned, and its streets."""
        return self._page("streets.html", snapshot, STREETS, on=shown.on, streets=self._streets)

    @cached_property
    def _streets(self) -> Mapping[str, Piece]:
        # Twenty thousand of them, and the page is made anew each minute.
        # The list of a district's streets, by its code.
        of: dict[str, list[str]] = {}
        for street in sorted(self.setting.town.districts_of, key=fold):
            for code in self.setting.town.districts_of[street]:
                of.setdefault(code, []).append(f"<li>{escape(street)}</li>")
        return {code: Piece("".join(streets)) for code, streets in of.items()}

    def poster(self, snapshot: Snapshot) -> str:
        """A sheet for a door or a wall: where the town's alerts are, as words and as a QR code."""
        home = self.setting.address(self.setting.path(self.language))
        return self._page("poster.html", snapshot, POSTER, home=home, code=_qr_code(home))

    def picture(self, shown: Listing, snapshot: Snapshot) -> bytes:
        """The picture of a shared link to the town's page: the worst that is on, or that none is."""
        words = self._words.gettext
        looks = look_of(shown.on, snapshot)
        label = {"calm": words("No current alerts"), "doubt": words("No known alerts")}.get(looks)
        first = shown.on[0] if shown.on else None
        # A platform may keep the picture for weeks: it says of when it is.
        since = words("checked") if looks == "calm" else words("as of")
        return draw_card(
            Card(
                severity=first.severity if first else None,
                label=label or self._words.ngettext("%(n)d current alert", "%(n)d current alerts", len(shown.on)),
                heading=first.title if first else words("Alerts and works"),
                area="",
                when=capital(f"{since} {self._moment(snapshot.now)}"),
                station=self.setting.town.name,
                hazard=first.hazard if first else None,
                is_calm=looks == "calm",
            )
        )

    def incident(self, text: IncidentText, snapshot: Snapshot) -> str:
        """The lasting page of an incident."""
        info = text.incident.alert.info_for(self.language)
        return self._page(
            "incident.html",
            snapshot,
            f"alerts/{text.incident.id}",
            told=text,
            shapes=machine.shapes_of(text, self.setting),
            web=address(info.web) if info else None,
            json_ld=_for_script(machine.announcement(text, self.setting)),
            asked=(asked := snapshot.asked.get(text.incident.id, ())),
            faq_ld=_for_script(machine.questions(asked, self.setting.address(text.path)))
            if any(each.question for each in asked)
            else None,
            askers=self.askers,
            may_ask=may_ask(text, self.setting),
        )

    def asking(self, text: IncidentText, snapshot: Snapshot, **more: object) -> str:
        """Return the page of a question: the earlier answers, the field, or the confirmation."""
        values = {"answered": (), "is_noted": False, "is_old": False, "is_too_many": False, **more}
        return self._page("ask.html", snapshot, f"alerts/{text.incident.id}", told=text, **values)

    def nothing_here(self, snapshot: Snapshot) -> str:
        """Return the page for a missing address."""
        return self._page("404.html", snapshot, "")

    def privacy(self, snapshot: Snapshot) -> str:
        """Return the page on the use of people's remarks: where, for how long and why, by channels.toml."""
        town = self.setting.town
        heard = [each for each in town.hearing.values() if each.public and not each.exercise]
        return self._page(
            "privacy.html",
            snapshot,
            PRIVACY,
            ears=[(_PLATFORMS.get(each.kind, each.name), each.kind) for each in heard],
            feeds=[each.name for each in town.listening.feeds.values()],
            days=town.listening.keep.days,
            bots=snapshot.bots,
        )

    def poll(self, snapshot: Snapshot, alternates: Sequence[tuple[str, str]], **values: Any) -> str:
        """A poll's page, at one address in all `alternates`."""
        return self._page("poll.html", snapshot, "", alternates=alternates, **values)

    def reported(self, name: str, snapshot: Snapshot, rest: str, **values: Any) -> str:
        """A page about what people report, by the name of its template; `rest` is its address in any language."""
        return self._page(name, snapshot, rest, dayed=self._dayed, **values)

    def embed(self, shown: Listing, snapshot: Snapshot) -> str:
        """A small page for a frame in the town's own site."""
        return self._page("embed.html", snapshot, "embed", on=shown.on)

    def fragment(self, shown: Listing, snapshot: Snapshot) -> str:
        """The same as a piece of HTML without scripts, to be put into a page by a server."""
        return self._page("fragment.html", snapshot, "embed.html", on=shown.on)

    def panel(self, shown: Sequence[IncidentText], snapshot: Snapshot, number: int) -> str:
        """Return the page of a screen in a hall; without a script it shows the `number`-th of its turn alone."""
        zone = self.setting.town.zone
        turn = panel.screens_of(shown, zone)
        count = max(len(turn.screens) + bool(turn.more), 1)
        # A page of a turn that has become shorter since shows the first screen: whoever comes there finds back.
        number = number if number <= count else 1
        return self._page(
            "panel.html",
            snapshot,
            PANEL,
            turn=turn,
            number=number,
            following=self.setting.path(self.language, panel_path(number % count + 1)),
            dwell=panel.DWELL,
            night=panel.is_night(snapshot.now, zone),
            as_of=panel.up_to_date(snapshot, zone, self._words),
        )

    def askers(self, count: int) -> str:
        """How many asked, rounded: nobody is counted out in public."""
        words = self._words.gettext
        if count < _FEW:
            return ""
        phrases = {
            8: words("asked by a few people"),
            16: words("asked by about ten people"),
            35: words("asked by about twenty people"),
            75: words("asked by about fifty people"),
            150: words("asked by about a hundred people"),
        }
        return next((said for most, said in phrases.items() if count < most), words("asked by hundreds of people"))

    def _title(self, on: Sequence[IncidentCard], look: Look) -> str:
        """Return the browser tab's title: the state in two words, and the town."""
        said = {"calm": "No current alerts", "doubt": "Not up to date"}.get(look)
        title = self._words.gettext(said) if said else f"({len(on)}) {on[0].title}"
        return f"{title} – {self.setting.town.name}"

    def _handed_on(self, on: Sequence[IncidentCard], snapshot: Snapshot) -> tuple[str, str]:
        """Return a title and a text for sharing: the worst alert with its instruction, or that there is none."""
        words = self._words
        if on:
            rest = len(on) - 1
            more = words.ngettext("and %(n)d more alert", "and %(n)d more alerts", rest) if rest else ""
            return on[0].lead, "\n".join(filter(None, (on[0].summary, more)))
        said = "No known alerts" if snapshot.doubtful else "No current alerts"
        moment = f"{words.gettext('as of')} {self._moment(snapshot.now)}"
        return self._title(on, look_of(on, snapshot)), f"{words.gettext(said)} {moment}."

    @property
    def _called(self) -> Sequence[tuple[str, str, str]]:
        """The numbers to call: whom they reach, as they are read, and as telephones dial them."""
        words = self._words.gettext
        usual = (("112", words("Emergency")), ("114", words("Emergency, by text, for deaf people")))
        own = [each.rpartition(":")[::2] for each in self.setting.town.numbers]
        return [
            *((name, number, number) for number, name in usual),
            *((name.strip(), number.strip(), re.sub(r"[^+0-9]", "", number)) for name, number in own),
        ]

    def _page(self, name: str, snapshot: Snapshot, rest: str, **values: Any) -> str:
        values.setdefault("alternates", [(tag, self.setting.path(tag, rest)) for tag in self.setting.languages])
        page = (
            environment(self.language)
            .get_template(name)
            .render(
                outlook=snapshot,
                setting=self.setting,
                moment=self._moment,
                dated=self._dated,
                span=self._span,
                called=self._called,
                look=look_of,
                concerning=concerning,
                title_of=self._title,
                handed_on=self._handed_on,
                **values,
            )
        )
        return below(self.setting.town.mount, page)

    def _moment(self, moment: datetime) -> str:
        return self._spelled(moment, _MOMENT)

    def _dated(self, moment: datetime) -> str:
        """With the year: who reads it may do so in years."""
        return self._spelled(moment, _PERMANENT)

    def _dayed(self, day: date) -> str:
        words = format_date(day, _DAY[self.language], locale=Locale.parse(self.language))
        return with_ordinal(words, day, self.language)

    def _spelled(self, moment: datetime, patterns: Mapping[str, str]) -> str:
        """As the alerts' own words spell it: 1:00pm, « 1er décembre »."""
        local = moment.astimezone(self.setting.town.zone)
        words = format_datetime(local, patterns[self.language], locale=Locale.parse(self.language))
        return with_ordinal(re.sub(r"[AP]M$", lambda half: half[0].lower(), words), local, self.language)

    def _span(self, since: datetime, now: datetime) -> str:
        """How long ago, in the greatest unit that fits: "2 minutes", "3 hours"."""
        return format_timedelta(abs(now - since), granularity="minute", threshold=1, locale=Locale.parse(self.language))


_COMPILED = CompiledTemplates()


@cache
def environment(language: str) -> Environment:
    """The templates in a language, for all towns of this process."""
    made = Environment(
        loader=FileSystemLoader(Path(__file__).with_name("pages")),
        autoescape=True,
        auto_reload=False,
        undefined=StrictUndefined,
        # One compiles a page for all languages.
        bytecode_cache=_COMPILED,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_in_sight,
    )
    words = words_of(language)
    made.globals.update(
        _=words.gettext,
        ngettext=words.ngettext,
        language=language,
        names={tag: _name(tag) for tag in SPOKEN},
        marked=marked,
        tongue=tongue,
        static=static_path,
        hours_of=partial(hours_of, language=language),
        spoken=partial(spoken, language=language),
        drawn=drawn,
        logo_path=logo_path,
        state_of=state_of,
        first_words=first_words,
        sentences=sentences,
    )
    return made


def _in_sight(value: Any) -> Any:
    return value if type(value) is Piece else in_sight(value)


@lru_cache(maxsize=8)
def words_of(language: str) -> Words:
    """The sentences of a language."""
    return read_words(LOCALES, language)


def _name(tag: str) -> str:
    name = Locale.parse(tag).get_language_name(tag) or tag
    return name[:1].upper() + name[1:]


def _for_script(data: Mapping[str, Any]) -> str:
    """Return JSON that can't end its script element, nor begin a comment there."""
    text = json.dumps(data, ensure_ascii=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


@dataclass(frozen=True, slots=True)
class Concerned:
    """A district's current alerts: `sure`, and `perhaps`, if their place is in words alone."""

    sure: Sequence[IncidentCard]
    perhaps: Sequence[IncidentCard]


def concerning(on: Sequence[IncidentCard], district: str) -> Concerned:
    """Return those about the district of this code."""
    sure = [each for each in on if each.is_whole or district in (each.district_codes or ())]
    perhaps = [each for each in on if each.district_codes is None and not each.is_whole]
    return Concerned(sure, perhaps)


def drawn(hazard: Hazard, side: int = 24) -> Piece:
    """Return the hazard's pictogram. Its name accompanies it in words, so it is hidden from screen readers."""
    size = f'width="{side}" height="{side}" viewBox="0 0 24 24"'
    return Piece(f'<svg class="pictogram" aria-hidden="true" focusable="false" {size}>{pictogram(hazard).svg}</svg>')


def first_words(text: IncidentText) -> str:
    """Return the first sentences of the instruction, as far as a banner has room."""
    return card_of(text.facts, text.severity).do


def sentences(text: str) -> Sequence[str]:
    """Its sentences, one by one: each is a line of the easy page."""
    return [each.strip() for each in re.split(r"(?<=[.!?…])\s+|\n+", text) if each.strip()]


def _qr_code(address: str) -> Piece:
    """An address as a QR code (ISO/IEC 18004), as SVG without any style."""
    code = segno.make(address, error="m", micro=False)
    return Piece(code.svg_inline(svgclass="qr", lineclass=None, omitsize=True))


def hours_of(town: Town, language: str) -> Mapping[str, str]:
    """Return the hours in which somebody reads people's remarks, if the town gives them."""
    hours = town.listening.hours
    return dict(zip(("from", "until"), hours_between(hours, language), strict=True)) if hours else {}
