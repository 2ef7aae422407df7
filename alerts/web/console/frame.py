"""The common parts of every page of the desk: its frame, its language, its times, its static files.

A page is a template of `pages/` that extends `frame.html`. `Frame` renders it with the values that every page has: the
catalogue of the reader's language, times in their format, the visitor, the token of its forms. Every printed value
passes through `worded`, which puts a reason into the reader's language and writes invisible characters out.

`CardPictures` draws the cards of unpublished alerts, each when a browser requests it. A preview is rendered again with
every word that is typed, and few words change a card: so the page only names each card by a digest of its content, and
the browser requests the ones that it shows and doesn't have yet. Only this process knows the cards it named, and only
the newest few hundred; where another process is asked, the text next to the picture has the same content.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiohttp import web
from babel import Locale
from babel.dates import format_datetime, format_skeleton, format_time, format_timedelta
from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape

from alerts.access.gate import Gate
from alerts.access.sessions import Visitor
from alerts.desk.audience import Audiences
from alerts.desk.service import DeskService
from alerts.listening.grouping import Group
from alerts.listening.hearing import Understand, understand_nothing
from alerts.model.hazard import Hazard
from alerts.model.listening import Kind
from alerts.model.person import Act, Chained, Stage
from alerts.model.reason import Reason, because
from alerts.model.remembered import Newest
from alerts.model.town import Town
from alerts.rendering.card import Card, draw_card
from alerts.rendering.i18n import Words, sentence, word
from alerts.rendering.library import CompiledTemplates
from alerts.rendering.matter import Prepared
from alerts.rendering.moments import with_ordinal
from alerts.reports.intake import ReportIntake
from alerts.web.console.arrival import WrongAddress
from alerts.web.console.words import best_language, briefly, detail_in_words, languages, money, words_of
from alerts.web.pages import below, in_sight, leaflet_files

if TYPE_CHECKING:
    from alerts.web.public.push import PushEnrolment


# Cards that a process keeps in memory: those it named, and those it drew.
_MOST_NAMED = 256
_MOST_DRAWN = 32


class CardPictures:
    """Draws the cards that previews named, one at a time, in a thread."""

    def __init__(self) -> None:
        self._named: Newest[str, Card] = Newest(_MOST_NAMED)
        self._drawn: Newest[str, bytes] = Newest(_MOST_DRAWN)
        self._drawing = asyncio.Lock()

    def name(self, card: Card) -> str:
        """Remember the card, and return the name of its picture: a digest of the card."""
        digest = hashlib.sha256(repr(card).encode(errors="surrogatepass")).hexdigest()
        self._named.keep(digest, card)
        return digest

    async def picture(self, digest: str) -> bytes | None:
        """Return the card as PNG. Returns None if no recent preview of this process named it."""
        async with self._drawing:
            if digest not in self._drawn and (card := self._named.get(digest)) is not None:
                self._drawn.keep(digest, await asyncio.to_thread(draw_card, card))
            return self._drawn.get(digest)


BASE = "/desk"
STATIC = f"{BASE}/static"
VISITOR: web.RequestKey[Visitor] = web.RequestKey("visitor", Visitor)
"""The visitor: set by the guard for every page behind the sign-in."""
WAITING: web.RequestKey[int] = web.RequestKey("waiting", int)
"""The number of alerts that wait to be validated: set by the guard."""
HEARD: web.RequestKey[Mapping[tuple[Kind, bool], int]] = web.RequestKey("heard", Mapping)
"""The number of unread remarks by kind, and by whether they may be a call for help. Set only if the town listens."""
REPORTED: web.RequestKey[int] = web.RequestKey("reported", int)
"""The number of citizens' reports that wait for an officer. Set only if the town takes reports."""
CHANGED: web.RequestKey[Sequence[Chained]] = web.RequestKey("changed", Sequence)
"""Changes of the visitor's credentials, to be shown on this page: set by the guard and by the sign-in."""
_HERE = Path(__file__).parent
_COMPILED = CompiledTemplates()
PAGES = _HERE / "pages"


class Frame:
    """Renders pages from `pages/*.html`; each extends `frame.html`, which describes the values that every page has.

    `folders` are searched for pages in this order. `is_app`: the desk can be installed as an app (`home_screen.py`).
    """

    def __init__(
        self, station: Town, now: Callable[[], datetime], folders: Sequence[Path] = (PAGES,), *, is_app: bool = True
    ) -> None:
        self.station = station
        self._now = now
        self._is_app = is_app
        self._environment = Environment(
            loader=FileSystemLoader(folders),
            autoescape=True,
            # A misspelt name in a template raises an error, which tests find; it would otherwise leave a gap on a page.
            undefined=StrictUndefined,
            bytecode_cache=_COMPILED,
            trim_blocks=True,
            lstrip_blocks=True,
            # Every printed value passes through it: no template can forget to word a reason or to reveal a character.
            finalize=worded,
        )
        self._environment.filters |= {
            "worded": worded,
            "briefly": briefly,
            "sentence": _as_sentence,
            "channel_name": _channel_name_here,
        }

    def words(self, request: web.Request) -> Words:
        """The words of the visitor's language: their choice, else what their browser asks for, else the station's."""
        visitor = request.get(VISITOR)
        # The cookie comes before the account: a page's switch changes this browser alone.
        chosen = request.cookies.get("language") or (visitor.account.language if visitor else None)
        if chosen in languages():
            return words_of(chosen)
        return words_of(best_language(request.headers.get("Accept-Language"), self.station.language))

    def text(self, request: web.Request, page: str, **values: Any) -> str:
        """Return a page, or a part of one, as HTML."""
        text = self._environment.get_template(page).render({**self._common_values(request), **values})
        return below(self.station.mount, text)

    def page(self, request: web.Request, page: str, *, status: int = 200, **values: Any) -> web.Response:
        """Return a page as the response."""
        text = self.text(request, page, **values)
        return web.Response(text=text, status=status, content_type="text/html", charset="utf-8")

    def _common_values(self, request: web.Request) -> dict[str, Any]:
        words, visitor = self.words(request), request.get(VISITOR)
        return {
            "_": partial(_translated, words),
            "ngettext": words.ngettext,
            "detail_in_words": partial(detail_in_words, words=words),
            "channel_name": partial(channel_name, words, self.station),
            "money": partial(money, language=words.language),
            "language": words.language,
            "languages": _language_names(),
            "station": self.station,
            "station_zone": self.station.zone,
            "visitor": visitor,
            "signed_in": visitor is not None and visitor.session.stage is Stage.FULL,
            "csrf": visitor.session.csrf if visitor else "",
            "waiting": request.get(WAITING, 0),
            **_unread(request.get(HEARD, {})),
            "reported": request.get(REPORTED, 0),
            "changed": request.get(CHANGED, ()),
            "path": request.path,
            "here": request.path_qs if request.method in ("GET", "HEAD") else "",
            "base": BASE,
            "is_app": self._is_app,
            "static": static_address,
            "alone": self.station.desk.alone,
            "passwordless": self.station.desk.passwordless,
            "Act": Act,
            "now": self._now(),
            **Times(words.language, self.station.zone, self._now()).words(),
        }


def _unread(counts: Mapping[tuple[Kind, bool], int]) -> dict[str, int]:
    """Return the numbers at the link to the remarks: those unread, and those of them that may be a call for help."""
    return {"unread": sum(counts.values()), "raised": sum(n for (_, raised), n in counts.items() if raised)}


def channel_name(words: Words, station: Town, name: str) -> str:
    """Return a channel's name for people: its kind, and its own name too if the town has several of that kind."""
    channel, _ = station.channels.get(name), words.gettext
    what = {
        "twitter": _("X account"),
        "facebook": _("Facebook Page"),
        "instagram": _("Instagram account"),
        "telegram": _("Telegram channel"),
        "mastodon": _("Mastodon account"),
        "bluesky": _("Bluesky account"),
        "matrix": _("Matrix room"),
        "ntfy": _("ntfy topic"),
        "sms": _("SMS"),
        "webhook": _("Webhook"),
        "mail": _("E-mail"),
        "mqtt": _("Panels and sirens"),
        "push": _("Push"),
    }.get(channel.kind if channel else "")
    if what is None or channel is None:
        return name
    alike = sum(each.kind == channel.kind for each in station.channels.values())
    return f"{what} ({name})" if alike > 1 else what


@pass_context
def _channel_name_here(context: Context, name: str) -> str:
    return str(context["channel_name"](name))


@pass_context
def worded(context: Context, value: object) -> object:
    """Return a printed value as the page shows it: a reason in the page's language, invisible characters written out.

    Any other value is unchanged.
    """
    if not isinstance(value, Reason):
        return in_sight(value)
    return in_sight(word(value, context["language"], context["station_zone"]))


@pass_context
def _as_sentence(context: Context, value: Reason) -> object:
    """Return a reason as a sentence of its own."""
    return in_sight(sentence(value, context["language"], context["station_zone"]))


def _translated(words: Words, sentence: str, /, **values: object) -> str:
    """Return the translated sentence with its values, if any: markup (a `<time>`) stays, all other text is escaped."""
    return escape(words.gettext(sentence)) % values if values else words.gettext(sentence)


@dataclass(frozen=True, slots=True)
class Console:
    """The dependencies of all pages of the desk.

    `understand` and `group` are those of the ears, for remarks that an officer types in. `reports` is the intake of
    citizens' reports; None: the town takes none. `push` enrols browsers for notifications, if it can.
    """

    service: DeskService
    frame: Frame
    gate: Gate
    misdirected: set[tuple[WrongAddress, str]] = field(default_factory=set)
    """Why requests were refused for the way they came, each with the wrong host name or the sender's address."""
    understand: Understand = understand_nothing
    group: Group | None = None
    reports: ReportIntake | None = None
    push: PushEnrolment | None = None
    cards: CardPictures = field(default_factory=CardPictures)
    """The pictures of cards that previews showed."""
    audiences: Audiences = field(default_factory=Audiences)
    """The number of subscribers that each alert reaches, as counted within the last minute."""
    texts: dict[str, Mapping[Hazard, Prepared]] = field(default_factory=dict)
    """The prepared texts by language, as far as they were read."""

    async def prepared(self, language: str) -> Mapping[Hazard, Prepared]:
        """Return the prepared texts in that language; the files are read once."""
        if language not in self.texts:
            self.texts[language] = await self.service.preview(lambda unit: unit.desk.every_prepared(language))
        return self.texts[language]

    def warnings(self) -> list[Reason]:
        """Return what is misconfigured between browsers and the desk, for those who run it."""
        unlisted = sorted(address for why, address in self.misdirected if why is WrongAddress.UNLISTED)
        found = [because("proxy_unlisted", address=each) for each in unlisted]
        if (self.frame.station.desk_url or "").startswith("https:") and not self.frame.station.web.trusted:
            found.append(because("proxies_missing"))
        return found


def done_of(request: web.Request, known: Container[str]) -> str | None:
    """Return the act that was just done, from the address that it redirected to. Returns None if it isn't `known`."""
    done = request.query.get("done")
    return done if done in known else None


def visitor_of(request: web.Request) -> Visitor:
    """Return the visitor, behind the sign-in."""
    return request[VISITOR]


def own_text(name: str) -> str:
    """Return the content of a script of ours."""
    return _own_files()[name].read_text(encoding="utf-8")


def static_file(name: str) -> Path | None:
    """Return the file behind `/desk/static/NAME`: our own, or Leaflet's from its package. Returns None for others."""
    # Looked up among the existing files: no path is ever built from a name in an address.
    own = _own_files()
    return own.get(name) or leaflet_files().get(name)


@cache
def _language_names() -> list[tuple[str, str]]:
    """Return the code of each language, with that language's name for itself."""
    return [(code, (Locale(code).get_language_name(code) or code).capitalize()) for code in languages()]


@cache
def _own_files() -> dict[str, Path]:
    folder = _HERE / "static"
    own = {file.relative_to(folder).as_posix(): file for file in folder.rglob("*") if file.is_file()}
    # The icon of the town's notifications, for their preview.
    return {**own, "sign.png": _HERE.parent / "public" / "static" / "icon-192.png"}


@cache
def static_address(name: str) -> str:
    """Return the address of a static file, with a digest of its content, so that browsers may cache it for ever."""
    file = static_file(name)
    if file is None:
        raise LookupError(f"no static file {name}")
    return f"{STATIC}/{name}?{hashlib.sha256(file.read_bytes()).hexdigest()[:12]}"


@dataclass(frozen=True, slots=True)
class Times:
    """Formats times for one reader: in their language, in the station's zone, relative to `now`."""

    language: str
    zone: tzinfo
    now: datetime

    def words(self) -> Mapping[str, Callable[..., Any]]:
        """Return the functions that every page may call."""
        return {name: getattr(self, name) for name in ("when", "clock", "second", "day", "ago", "span")}

    def when(self, at: datetime) -> Markup:
        """Return the day and time, with the year if it isn't this one, as `<time>`, which machines can read too."""
        local = at.astimezone(self.zone)
        skeleton = "MMMEd" if local.year == self.now.astimezone(self.zone).year else "yMMMEd"
        day = with_ordinal(format_skeleton(skeleton, local, locale=self._locale), local, self.language)
        return self._element(at, f"{day}, {self._hour(local)}")

    def clock(self, at: datetime) -> Markup:
        """Return the hour and minute."""
        return self._element(at, self._hour(at.astimezone(self.zone)))

    def second(self, at: datetime) -> Markup:
        """Return the time to the second."""
        return self._element(at, format_time(at.astimezone(self.zone), "HH:mm:ss", locale=self._locale))

    def day(self, at: datetime) -> Markup:
        """Return the day with its year, without the time."""
        local = at.astimezone(self.zone)
        day = format_skeleton("yMMMEd", local, locale=self._locale)
        return self._element(at, with_ordinal(day, local, self.language))

    def ago(self, at: datetime) -> Markup:
        """Return how long ago it was, or in how long it will be, with the exact time as the title."""
        # For no difference Babel says "in 0 seconds"; for the smallest one it says "1 second ago".
        away = at - self.now or -timedelta.resolution
        words = format_timedelta(away, add_direction=True, locale=self._locale)
        local = at.astimezone(self.zone)
        exact = with_ordinal(format_datetime(local, "medium", locale=self._locale), local, self.language)
        return Markup('<time datetime="{}" title="{}">{}</time>').format(at.isoformat(), exact, words)

    def span(self, length: timedelta) -> str:
        """Return a length of time in words."""
        return format_timedelta(length, threshold=2, locale=self._locale)

    @property
    def _locale(self) -> str:
        # To Babel `en` alone is American: a twelve-hour clock, and the month before the day.
        return "en_GB" if self.language == "en" else self.language

    def _hour(self, local: datetime) -> str:
        return format_time(local, "HH:mm", locale=self._locale)

    @staticmethod
    def _element(at: datetime, words: str) -> Markup:
        return Markup('<time datetime="{}">{}</time>').format(at.isoformat(), words)
