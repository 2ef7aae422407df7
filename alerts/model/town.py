"""The town: channels.toml as one value, parsed once and read by every room.

`alerts.config` checks the file with pydantic, reports all its errors at once, and makes a `Town` of it. A key has the
same name in the file and here, so a new key is an edit in two places, the section that checks it and the record here.
Nothing of it changes while a daemon runs.

Keys of only one platform or one format (tokens, addresses, a version) stay in the settings of its kind, `settings` of
the channel or the source; only the code that opens it reads them. A value that follows from several keys is a property.
Defaults are defined here, and the section that checks the key takes them from here.

Before the records come the values that are more than a text or a number: spans of time as people write them (`250ms 2s
10m 6h 1d 3y`), a count in a span (`60/24h`), and secrets, which can't be printed by mistake.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit
from zoneinfo import ZoneInfo

from alerts.model.alert import Area, NamedValue, Point, Severity
from alerts.model.hazard import Hazard
from alerts.model.incident import MANUAL
from alerts.model.post import Means, TextFormat
from alerts.model.reason import because
from alerts.model.reports import REPORTS, ReportsSection
from alerts.model.street_map import STREET_MAP

Publish = Literal["auto", "veto", "approve"]
Mode = Literal["auto", "approve"]
"""How a source's alerts are published: at once, after a time for objections, or after an officer's approval."""
LinkPolicy = Literal["always", "first", "never"]
"""When a post carries its address: in every one, in the first of an incident, in none."""
PUSH = "push"
"""The channel that `[push]` makes, and its kind: it has subscribers, and no timeline."""
MAIL = "mail"
"""The kind of channel that sends letters: to a list, to subscribers of its own, or to both."""
SMS = "sms"
"""The kind of channel that sends SMS: to a provider's list, to subscribers of its own, or to both."""
DISTRICT = "district"
"""The geocode name of a district's own code in our alerts."""


# French days are `j`: who types at three in the morning types so. A year is 365 days.
_UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "j": 86_400_000, "y": 31_536_000_000}
# Days may be typed as `j`, for jours.
_SPAN = re.compile(r"(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h|d|j|y)")
_WINDOW = re.compile(r"(\d{1,9})/(.+)")


def parse_span(text: str) -> timedelta:
    """`10m` as ten minutes; also `1h30m`. Raises ValueError with a reason that says what is allowed."""
    compact = text.strip().lower()
    matches = list(_SPAN.finditer(compact))
    if not matches or "".join(match.group() for match in matches) != compact:
        raise ValueError(because("no_span", text=repr(text)))
    try:
        return sum((timedelta(milliseconds=float(m[1]) * _UNITS[m[2]]) for m in matches), timedelta())
    except OverflowError:
        raise ValueError(because("span_too_long", text=repr(text))) from None


def spell_span(span: timedelta) -> str:
    """A span in its largest whole unit: `24h`, `15m`, `250ms`. Days only from two on, as limits speak of 24h."""
    milliseconds = round(span / timedelta(milliseconds=1))
    for unit in ("d", "h", "m", "s"):
        size = _UNITS[unit]
        if milliseconds and milliseconds % size == 0 and (unit != "d" or milliseconds > size):
            return f"{milliseconds // size}{unit}"
    return f"{milliseconds}ms"


@dataclass(frozen=True, slots=True)
class RateLimit:
    """`count` posts in any `span` of time, as `limits = ["100/15m"]` says."""

    count: int
    span: timedelta

    def __str__(self) -> str:
        return f"{self.count}/{spell_span(self.span)}"


def parse_window(text: str) -> RateLimit:
    """`100/15m` as a window. Raises ValueError with a reason that says what is allowed."""
    match = _WINDOW.fullmatch(text.strip())
    if not match or int(match[1]) < 1:
        raise ValueError(because("no_limit", text=repr(text)))
    span = parse_span(match[2])
    if span <= timedelta():
        raise ValueError(because("limit_of_nothing", text=repr(text)))
    return RateLimit(int(match[1]), span)


class Secret:
    """Holds a credential; `str`, `repr` and formatting show `***`. Only `reveal` gives it away."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The credential itself: for the request that needs it and nothing else."""
        return self._value

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__

    def __bool__(self) -> bool:
        return bool(self._value)


# A server that guesses learns nothing that it couldn't ask the platform itself; a shorter word may be an ordinary one.
_SHORTEST_HIDDEN = 8
_CREDENTIALS: set[str] = set()


def credential(value: str) -> Secret:
    """Return a credential of the configuration as a secret. From then on `without_credentials` knows it."""
    if len(value) >= _SHORTEST_HIDDEN:
        _CREDENTIALS.add(value)
    return Secret(value)


def without_credentials(words: str) -> str:
    """Return the words with `***` for each credential that this process has read: a platform may quote its request."""
    for each in sorted(_CREDENTIALS, key=len, reverse=True):
        words = words.replace(each, "***")
    return words


@dataclass(frozen=True, slots=True)
class District:
    """A feature of the boundary file: its code, its name and its outline as a GeoJSON geometry (longitude first)."""

    code: str
    name: str
    # A GeoJSON geometry is a dict, which has no hash.
    outline: Mapping[str, Any] = field(hash=False)

    def as_area(self) -> Area:
        """The district as a CAP area, its outer rings as polygons."""
        drawn = self.outline["coordinates"]
        polygons = [drawn] if self.outline["type"] == "Polygon" else drawn
        rings: tuple[tuple[Point, ...], ...] = tuple(
            tuple((float(latitude), float(longitude)) for longitude, latitude, *_ in polygon[0]) for polygon in polygons
        )
        return Area(self.name, polygons=rings, geocodes=(NamedValue(DISTRICT, self.code),))


@dataclass(frozen=True)
class ChannelConfig:
    """`[channels.…]`: the account to post to, which alerts it takes and how their posts are made.

    `kind` names the folder of templates (an unknown one uses `default`), `text` how the platform counts and marks
    up. `language` is the town's unless the channel uses another one. `counts_every_write`: the platform counts
    every write against `limits`, not new posts alone. With `subscriptions`, its posts are also sent to the
    channel's subscribers, one by one. `signed`: readers see the town's name with each post, as on its own page, so
    no text repeats it. `asks`: polls are asked there by the platform's own means. `card_alone`: a post there is a
    picture, the card, an end's too. `chat` is a chat's name or number, `sender` and `to` are an e-mail's, as far as
    its kind has them: readers know the channel by these. `price` is that of an SMS to one number, and the budgets
    what may be spent a day and a month, in euros (None: its posts cost nothing).
    """

    name: str
    kind: str
    text: TextFormat
    link: LinkPolicy = "always"
    language: str | None = None
    severity: Severity = Severity.MINOR
    public: bool = True
    exercise: bool = False
    on_update: Means = Means.REPLY
    on_end: Means = Means.REPLY
    card: bool = False
    card_alone: bool = False
    limits: tuple[RateLimit, ...] = ()
    reserve: int | None = None
    concurrency: int = 4
    counts_every_write: bool = True
    subscriptions: bool = False
    signed: bool = True
    hears: bool = False
    replies: int = 10
    asks: bool = False
    chat: str = ""
    sender: str = ""
    to: str | None = None
    price: float | None = None
    daily_budget: float | None = None
    monthly_budget: float | None = None
    settings: Any = field(default=None, compare=False)

    @property
    def kept_back(self) -> int:
        """How much of the longest window is for Severe and Extreme alone: `reserve`, else a fifth of it."""
        if self.reserve is not None:
            return self.reserve
        longest = max(self.limits, key=lambda window: window.span, default=None)
        return longest.count // 5 if longest else 0

    def counts(self, means: Means, *, urgent: bool = False) -> bool:
        """True if this uses up a place in the rate limits; an edit or withdrawal of something grave never does."""
        return means in (Means.NEW, Means.REPLY) or (self.counts_every_write and not urgent)


@dataclass(frozen=True)
class SourceRules:
    """`[sources.…]`: how a source's alerts are handled.

    `urgent` decides for Severe or worse and Immediate, if it is set. `speaks_for` are the other sources whose messages
    it may update and end. `every` is the polling interval; None: it isn't polled, like officers' own entries.
    """

    publish: Publish = "auto"
    urgent: Publish | None = None
    veto: timedelta = timedelta(minutes=10)
    severity: Severity = Severity.MINOR
    area: Literal["match", "any"] = "match"
    speaks_for: tuple[str, ...] = ()
    title: str | None = None
    kind: str = MANUAL
    every: timedelta | None = None
    settings: Any = field(default=None, compare=False)

    @property
    def any_area(self) -> bool:
        """True if it speaks of this town alone, wherever its areas lie."""
        return self.area == "any"


@dataclass(frozen=True)
class Server:
    """A schema of a PostgreSQL database: its address with the credentials, and the schema's name.

    `beside` replaces the path of a database file: the local files that belong to the store are named after it.
    """

    url: Secret
    schema: str
    beside: Path
    password: Secret | None = None

    @property
    def name(self) -> str:
        """The name in messages: the host, the database and the schema, without credentials."""
        parts = urlsplit(self.url.reveal())
        host = parts.netloc.rpartition("@")[2] or dict(parse_qsl(parts.query)).get("host", "")
        return f"{host}{parts.path}/{self.schema}"

    def __str__(self) -> str:
        return f"postgresql://{self.name}"


@dataclass(frozen=True)
class StoreSection:
    """`[store]`: where everything is written down, and for how long what is finished stays there (None: for ever)."""

    url: str = "sqlite:///var/tocsin.db"
    keep: timedelta | None = None
    server: Server | None = None
    settings: Any = field(default=None, compare=False)


@dataclass(frozen=True)
class WebSection:
    """`[web]`: the daemon's address; the `proxies` are trusted to name the client.

    `connections` may be open at once, `per_address` of them from one address. `export` is a folder for the public pages
    as files, `languages` are those of the pages, in addition to the town's own and the channels', `tiles` the address
    of the map's background with `{z}`, `{x}` and `{y}`, `tiles_by` its owner, and `embed` the sites that may show the
    small page in a frame. `map` is a file of streets, which replaces the tiles as the maps' background
    (`street_map.py`).
    """

    listen: str = "127.0.0.1:8080"
    proxies: tuple[str, ...] = ()
    connections: int = 4000
    per_address: int = 500
    export: str | None = None
    languages: tuple[str, ...] = ()
    tiles: str | None = None
    tiles_by: str = ""
    embed: tuple[str, ...] = ()
    map: str | None = None

    @property
    def background(self) -> str | None:
        """The address of the maps' background: the town's own file, else tiles. None: maps show outlines alone."""
        return STREET_MAP if self.map else self.tiles

    @property
    def host(self) -> str:
        """The host, without an IPv6 address's brackets."""
        return self.listen.rsplit(":", 1)[0].strip("[]")

    @property
    def port(self) -> int:
        """The port; 0 lets the system choose."""
        return int(self.listen.rsplit(":", 1)[1])

    @cached_property
    def trusted(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """`proxies` as networks: whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed."""
        return tuple(ip_network(network) for network in self.proxies)


@dataclass(frozen=True)
class NotifySection:
    """`[notify]`: the channels of Tocsin's own warnings, and the intervals of health checks and credential probes.

    `insecure`: the heartbeat may go unencrypted to another machine.
    """

    channels: tuple[str, ...] = ()
    heartbeat: str | None = None
    insecure: bool = False
    every: timedelta = timedelta(seconds=60)
    probe: timedelta = timedelta(minutes=15)


@dataclass(frozen=True)
class DeskSection:
    """`[desk]`: the rules for officers who post and validate.

    `alone`: there is nobody else, so an author may validate their own alert. `url`: the desk's address, for links in
    warnings. `session`: how long a sign-in lasts without use. `remind`: the interval of reminders of a waiting alert.
    `passwordless`: a passkey that verifies its holder is enough to sign in; without it, it is a second factor.
    """

    alone: bool = False
    url: str | None = None
    second_factor: Literal["required", "optional"] = "required"
    passwordless: bool = True
    session: timedelta = timedelta(hours=12)
    remind: timedelta = timedelta(minutes=10)


@dataclass(frozen=True)
class ListeningFeed:
    """`[listening.feeds.…]`: blogs or the press, as RSS or Atom.

    Of its entries those count that hold one of `words` (none named: all), and none of `without`: many towns share a
    name.
    """

    name: str
    url: str
    every: timedelta = timedelta(minutes=5)
    words: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    settings: Any = field(default=None, compare=False)


@dataclass(frozen=True)
class ListeningSection:
    """`[listening]`: how people's remarks are read, answered and forgotten.

    `every` is the interval of polling a young post, `answers` the validation mode of an answer. After `keep` from the
    end of its incident no word of an utterance is left. `hours` is when somebody reads at all, as the pages and the bot
    announce it (`08:00-19:00`; None: it isn't announced).
    """

    every: timedelta = timedelta(seconds=60)
    answers: Mode = "auto"
    keep: timedelta = timedelta(days=30)
    hours: str | None = None
    feeds: Mapping[str, ListeningFeed] = field(default_factory=dict)


@dataclass(frozen=True)
class FleetSection:
    """`[fleet]` of `fleet.toml`: what many towns of one process share.

    `url` is the address below which the towns without a host name of their own have their pages, at `/t/NAME`, and
    where the operators' desk is. `name` is what the desk is called, and under what towns write down who posted.
    `passwordless` is of that desk. `hosts` binds names to the folders of towns.
    """

    url: str | None = None
    name: str = "Fleet"
    language: str = "fr-FR"
    timezone: str = "Europe/Paris"
    passwordless: bool = True
    hosts: Mapping[str, str] = field(default_factory=dict)


# What citizens report never goes out by itself, whatever a file says.
_OF_REPORTS = SourceRules(publish="approve", urgent="approve", area="any", kind=REPORTS)


def host_in(url: str) -> str:
    """Return an address's host name as it is compared: without port, capitals and the root's dot; empty if it has none.

    Every comparison of names needs it: to a browser `town.example.` is `town.example`.
    """
    return (urlsplit(url).hostname or "").rstrip(".")


# Compared by itself: outlines of districts are long, and what is made of a town is remembered by the town.
@dataclass(frozen=True, eq=False)
class Town:
    """All of channels.toml: the keys of `[station]`, then the other sections; `file` is its path.

    `sender` is the CAP sender of the town's own alerts. `public_url` has no trailing slash. `areas` and the districts
    of `boundary` define the town's area. `addresses` is a file of the national address base (BAN), for the names of
    streets. `streets` is a file of the streets' districts, `districts_of` its content: a street's name and their codes.
    `hazards` are those offered to an officer, by name. `logo` is a picture in the folder of channels.toml, `accent` the
    colour of its pages (`#rrggbb`), `numbers` those to call (`Mairie: 04 76 00 00 00`). `blanks` has the choices for a
    blank of a prepared text, by its name (`lieu`). `mount` is the path of its pages: none, or `/t/NAME` if it shares a
    host with other towns of a fleet. `reports` is None if people report nothing on the map: then nothing of it exists.
    `is_fleet`: it is no town but the operators' desk of a fleet, which has accounts and no channels.
    """

    name: str
    sender: str = ""
    language: str = "fr-FR"
    timezone: str = "Europe/Paris"
    public_url: str | None = None
    areas: tuple[str, ...] = ()
    boundary: str | None = None
    templates: str = "templates"
    hazards: tuple[str, ...] = ()
    addresses: str | None = None
    streets: str | None = None
    logo: str | None = None
    accent: str | None = None
    numbers: tuple[str, ...] = ()
    blanks: Mapping[str, tuple[str, ...]] | None = None
    districts: tuple[District, ...] = ()
    districts_of: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    channels: Mapping[str, ChannelConfig] = field(default_factory=dict)
    sources: Mapping[str, SourceRules] = field(default_factory=dict)
    store: StoreSection = field(default_factory=StoreSection)
    web: WebSection = field(default_factory=WebSection)
    notify: NotifySection = field(default_factory=NotifySection)
    desk: DeskSection = field(default_factory=DeskSection)
    listening: ListeningSection = field(default_factory=ListeningSection)
    reports: ReportsSection | None = None
    file: Path = Path("channels.toml")
    mount: str = ""
    is_fleet: bool = False

    @property
    def folder(self) -> Path:
        """The folder of channels.toml, which its paths are relative to."""
        return self.file.parent

    @property
    def database(self) -> Path | Server:
        """The SQLite file, or the schema of a PostgreSQL server."""
        return self.store.server or self.folder / self.store.url.removeprefix("sqlite:///")

    @property
    def beside(self) -> Path:
        """The path after which pictures, sockets and other local files of the store are named."""
        return self.store.server.beside if self.store.server else Path(str(self.database))

    @property
    def template_folder(self) -> Path:
        """The town's own templates, which win over those that ship; it need not exist."""
        return self.folder / self.templates

    @property
    def zone(self) -> ZoneInfo:
        """The town's time zone."""
        return ZoneInfo(self.timezone)

    @property
    def geocodes(self) -> tuple[NamedValue, ...]:
        """`areas` as CAP geocodes."""
        return tuple(NamedValue(*code.split(":", 1)) for code in self.areas)

    @property
    def codes(self) -> tuple[NamedValue, ...]:
        """The geocodes of the whole town: its own, else all its districts'."""
        return self.geocodes or tuple(NamedValue(DISTRICT, district.code) for district in self.districts)

    @property
    def offered(self) -> tuple[Hazard, ...]:
        """The hazards that an officer chooses from, in order: all, where none is named; `general` is always last."""
        named = tuple(dict.fromkeys(Hazard(name) for name in self.hazards)) or tuple(Hazard)
        return (*(hazard for hazard in named if hazard is not Hazard.GENERAL), Hazard.GENERAL)

    @property
    def reaching(self) -> Mapping[str, ChannelConfig]:
        """The channels that reach subscribers one by one: by a bot, by push, by letter, or by SMS."""
        return {name: channel for name, channel in self.channels.items() if channel.subscriptions}

    @property
    def bots(self) -> Mapping[str, ChannelConfig]:
        """Of these, the channels whose bot people subscribe with."""
        return {name: channel for name, channel in self.reaching.items() if channel.kind not in (PUSH, MAIL, SMS)}

    @property
    def letters(self) -> str | None:
        """The channel whose letters people subscribe to on the town's pages; None: there is none."""
        return self._signed_up_for(MAIL)

    @property
    def texts(self) -> str | None:
        """The channel whose SMS people subscribe to on the town's pages; None: there is none."""
        return self._signed_up_for(SMS)

    def _signed_up_for(self, kind: str) -> str | None:
        ours = (name for name, each in self.reaching.items() if each.kind == kind and each.public and not each.exercise)
        return next(ours, None)

    @property
    def hearing(self) -> Mapping[str, ChannelConfig]:
        """The channels on which it is listened to what people say."""
        return {name: channel for name, channel in self.channels.items() if channel.hears}

    @property
    def conversing(self) -> Mapping[str, ChannelConfig]:
        """The channels whose bot hears people: those who subscribe with it, or, on Telegram, what the town hears."""
        heard = {name: each for name, each in self.hearing.items() if each.kind == "telegram"}
        return {**self.bots, **heard}

    @property
    def listens(self) -> bool:
        """True if the town listens at all; if it doesn't, nothing of it exists: no page, no task, no question."""
        return bool(self.hearing or self.listening.feeds)

    @property
    def desk_url(self) -> str | None:
        """Where the desk is reached: `[desk] url`, with or without `/desk`; else below the town's public address."""
        url = self.desk.url or self.public_url
        return f"{url.rstrip('/').removesuffix('/desk')}/desk" if url else None

    @property
    def own_hosts(self) -> frozenset[str]:
        """The names under which the desk answers: those of `[desk] url`, of `public_url`, and where it listens.

        This machine's own names and addresses in figures are never among them, and always answered to.
        """
        named = {host_in(url) for url in (self.desk_url, self.public_url) if url}
        return frozenset(named | {self.web.host.lower()}) - {""}

    def rules_for(self, source: str) -> SourceRules:
        """The rules of a source; plain ones for a source that configures none."""
        if source == REPORTS:
            return _OF_REPORTS
        return self.sources.get(source) or SourceRules()
