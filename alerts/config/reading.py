"""From the file to the town; every fault of the file is gathered on the way.

`read_config` parses the TOML, has each section checked by its pydantic model, then checks several sections against one
another: channels that share a bot, sources that speak for others, a webhook that Telegram would never call
(`out_of_reach`). Each step adds its faults and continues, so that one run reports them all; only a file without any
becomes a `Town`, made name for name.
"""

from __future__ import annotations

import errno
import os
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel, ValidationError

from alerts.channels.settings import PUSH_TEXT, ChannelSettings, MailSettings, PushSettings, TelegramSettings
from alerts.channels.sms.settings import LONGEST_PAGES, SmsSettings
from alerts.config.faults import faults_of, nearest, nearest_allowed
from alerts.config.kinds import channel_kind, channel_kinds, source_kind, source_kinds
from alerts.config.sections import (
    DeskSettings,
    FleetSettings,
    ListeningSettings,
    ListenSettings,
    NotifySettings,
    ReportKindSettings,
    ReportsSettings,
    StationSettings,
    StoreSettings,
    WebSettings,
    is_language,
)
from alerts.config.unencrypted import unencrypted
from alerts.config.within import bound_to, isolated, named_in, stray
from alerts.desk.outlines import read_districts
from alerts.desk.streets import read_streets
from alerts.model.errors import BadCredential, ConfigurationError, Misuse, Unreadable
from alerts.model.incident import MANUAL
from alerts.model.local import SMALL, read_file
from alerts.model.post import Means
from alerts.model.reason import Reason, as_reason, because
from alerts.model.reports import REPORTS, ClusterRule, ReportForward, ReportKind, ReportsSection, shipped_kinds
from alerts.model.town import (
    PUSH,
    ChannelConfig,
    DeskSection,
    FleetSection,
    ListeningFeed,
    ListeningSection,
    Mode,
    NotifySection,
    Server,
    SourceRules,
    StoreSection,
    Town,
    WebSection,
)
from alerts.sources.settings import ManualSettings, SourceSettings

if TYPE_CHECKING:
    from _typeshed import DataclassInstance
M = TypeVar("M", bound=BaseModel)
V = TypeVar("V")
R = TypeVar("R", bound="DataclassInstance")
UNKNOWN_YET = "en"
"""The language of faults in a file without the town's language, or that can't be read at all."""
# How `tomllib` ends what it says.
_TOML_PLACE = re.compile(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", re.DOTALL)
SECTIONS = ("station", "store", "web", "notify", "desk", "listening", "reports", "push", "sources", "channels")
LARGEST_LOGO = 200_000
"""Bytes of a town's picture."""
# A logo is served under the town's own host, so its type is checked by its content.
_PNG, _SVG = b"\x89PNG\r\n\x1a\n", re.compile(rb"<(?:\w+:)?svg[\s>/]")
# A name stands in addresses (`/telegram/NAME`) and in leases (`bot NAME`): so it has no blank and no slash.
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,62}")
PORTS = (443, 80, 88, 8443)
"""Those that Telegram calls a webhook on (core.telegram.org/bots/webhooks)."""
_TELEGRAM = "api.telegram.org"


class _Kind(Protocol):
    @property
    def settings(self) -> type[BaseModel]: ...


def load_config(file: Path, *, within: Path | None = None) -> Town:
    """Read and check `file`. Raises ConfigurationError with one line for each error.

    Where it is `within` a folder, as a town of a fleet is, it may name no secret and no file but those that lie there:
    one that it names elsewhere isn't read.
    """
    return read_config(file, text_of(file, within), within=within)


def read_config(file: Path, text: str, *, within: Path | None = None) -> Town:
    """Check `text` as the content of `file`. Raises ConfigurationError with one line for each error."""
    reading = _Reading(file, _parse(file, text), within)
    reading.look_for_strangers()
    station = reading.section("station", StationSettings)
    store = reading.section("store", StoreSettings)
    web = reading.section("web", WebSettings)
    notify = reading.section("notify", NotifySettings)
    desk = reading.section("desk", DeskSettings)
    listening = reading.section("listening", ListeningSettings)
    reports = reading.section("reports", ReportsSettings) if "reports" in reading.table else None
    push = reading.section("push", PushSettings) if PUSH in reading.table else None
    sources = reading.named("sources", source_kind, source_kinds)
    channels = reading.named("channels", channel_kind, channel_kinds)
    if reading.strays:
        raise ConfigurationError(reading.problems, reading.language)
    districts = reading.beside("station.boundary", station.boundary if station else None, read_districts) or ()
    read = partial(read_streets, districts=districts)
    districts_of = reading.beside("station.streets", station.streets if station else None, read) or {}
    if reading.table.get("channels", {}) == {} and PUSH not in reading.table:
        reading.wrong("channels", because("no_channel_yet"))
    if notify is not None:
        reading.check_notify(notify, channels)
    server = reading.server(store)
    reading.check_logo(station)
    reading.check_bots(station, channels)
    if push is not None and PUSH in channels:
        reading.wrong(f"channels.{PUSH}", because("channel_named_push"))
    reading.check_letters(station, channels)
    reading.check_texting(station, channels)
    reading.check_pictures(station, channels)
    reading.check_spokesmen(sources)
    # Only here, so that whoever wrote the file is told all of its errors at once.
    if listening is not None:
        reading.check_feeds(listening, channels)
    if reports is not None:
        reading.check_reports(reports, sources)
    if reading.problems or not (station and store and web and notify and desk and listening):
        raise ConfigurationError(reading.problems, reading.language)
    # An officer may always write, whether the file has a [sources.manual] or not; only its rules may be set there.
    sources.setdefault(MANUAL, ManualSettings())
    # Whoever wants two people for alerts wants them for all that officers say, unless the file says otherwise.
    mode: Mode = "auto" if sources[MANUAL].publish == "auto" else "approve"
    return _made_of(
        Town,
        station,
        districts=districts,
        districts_of=districts_of,
        channels={name: _channel(name, each) for name, each in channels.items()} | _push(push),
        sources={name: _made_of(SourceRules, each, settings=each) for name, each in sources.items()},
        store=StoreSection("" if server else str(store.url), store.keep, server, store),
        web=_made_of(WebSection, web),
        notify=_made_of(NotifySection, notify),
        desk=_made_of(DeskSection, desk),
        listening=_listening(listening, mode),
        reports=replace(_reports(reports, station.language), answers=reports.answers or mode) if reports else None,
        file=file.resolve(),
    )


def load_fleet(folder: Path) -> tuple[FleetSection, WebSection]:
    """`fleet.toml` of a folder of towns, which may be missing: all of it has defaults. Raises ConfigurationError."""
    file = folder / "fleet.toml"
    reading = _Reading(file, _parse(file, text_of(file)) if file.exists() else {})
    reading.look_for_strangers(("fleet", "web"))
    fleet, web = reading.section("fleet", FleetSettings), reading.section("web", ListenSettings)
    if reading.problems or not (fleet and web):
        raise ConfigurationError(reading.problems, reading.language)
    return _made_of(FleetSection, fleet), _made_of(WebSection, web)


def fleet_desk(folder: Path) -> Town:
    """The operators' desk of a folder of towns, as the town that it isn't: accounts in `fleet.db`, and no channels.

    Raises ConfigurationError, or Misuse where there is no such folder.
    """
    if not folder.is_dir():
        raise Misuse(because("fleet_unreadable", folder=folder, said=os.strerror(errno.ENOENT)))
    section, web = load_fleet(folder)
    return Town(
        name=section.name,
        sender="fleet",
        language=section.language,
        timezone=section.timezone,
        public_url=section.url,
        store=StoreSection(url="sqlite:///fleet.db"),
        web=web,
        desk=DeskSection(passwordless=section.passwordless),
        file=folder / "fleet.toml",
        is_fleet=True,
    )


def read_channel(file: Path, text: str, name: str) -> ChannelSettings:
    """One channel of `text` alone, whatever else is wrong there. Raises ConfigurationError with what is wrong in it."""
    reading = _Reading(file, _parse(file, text))
    settings = reading.named("channels", channel_kind, channel_kinds).get(name)
    if isinstance(settings, ChannelSettings):
        return settings
    key = f"channels.{name}"
    own = [each for each in reading.problems if f"{each['key']}.".startswith(f"{key}.")]
    if not own:
        reading.wrong(key, because("channel_not_there"))
        own = reading.problems[-1:]
    raise ConfigurationError(own, reading.language)


def _channel(name: str, settings: ChannelSettings) -> ChannelConfig:
    kind = channel_kind(settings.kind)
    assert kind is not None  # noqa: S101 the configuration was checked
    return _made_of(
        ChannelConfig,
        settings,
        name=name,
        text=settings.written(kind.text),
        counts_every_write=kind.counts_every_write,
        asks=settings.asks,
        card_alone=settings.card_alone,
        settings=settings,
    )


def _push(settings: PushSettings | None) -> dict[str, ChannelConfig]:
    """The channel that `[push]` is: browsers show who sends, and what goes on takes the place of what they show."""
    if settings is None:
        return {}
    return {PUSH: ChannelConfig(PUSH, PUSH, PUSH_TEXT, on_update=Means.NEW, subscriptions=True, settings=settings)}


def _listening(settings: ListeningSettings, mode: Mode) -> ListeningSection:
    return ListeningSection(
        settings.every,
        settings.answers or mode,
        settings.keep,
        settings.hours,
        {name: _made_of(ListeningFeed, each, name=name, settings=each) for name, each in settings.feeds.items()},
    )


def _reports(settings: ReportsSettings, language: str) -> ReportsSection:
    def kind(each: ReportKindSettings) -> ReportKind:
        rule = _made_of(ClusterRule, each.cluster) if each.cluster else None
        return replace(_made_of(ReportKind, each), cluster=rule)

    return ReportsSection(
        tuple(kind(each) for each in settings.kinds) or shipped_kinds(language),
        settings.flood,
        settings.prefix,
        settings.words,
        {name: _made_of(ReportForward, each, name=name, settings=each) for name, each in settings.forward.items()},
    )


def _made_of(record: type[R], settings: BaseModel, /, **more: Any) -> R:
    """The record with what the settings have under the same names: a key that both have needs no line here."""
    # A record has more than any section tells (a channel's text format), a kind of channel less (no subscriptions):
    # what neither of them says keeps the record's default.
    names = [each.name for each in fields(record) if each.name in type(settings).model_fields]
    return record(**{name: getattr(settings, name) for name in names}, **more)


def text_of(file: Path, within: Path | None = None) -> str:
    """Return the text of a file, without its byte order mark. Raises ConfigurationError where it can't be read."""
    try:
        content = read_file(file, within, SMALL)
        # Some editors put a byte order mark in front, which `tomllib` refuses.
        return content.decode("utf-8-sig")
    except FileNotFoundError:
        why = because("config_missing")
    except OSError as error:
        why = because("config_unread", said=error.strerror)
    except UnicodeDecodeError:
        why = because("config_no_utf8")
    raise ConfigurationError([because("file_wrong", file=file, what=why)])


def _parse(file: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    # `tomllib` follows brackets within brackets by calling itself, and a file may have too many of them.
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        why = _why_no_toml(str(error))
    raise ConfigurationError([because("file_wrong", file=file.name, what=why)])


def _why_no_toml(error: str) -> Reason:
    found = _TOML_PLACE.fullmatch(error)
    if found is None:
        return because("config_no_toml", said=error)
    said, line, column = found.groups()
    if line is None:
        return because("config_no_toml_end", said=said)
    return because("config_no_toml_at", said=said, line=line, column=column)


class _Reading:
    """One file being read: its table, and what was found wrong so far."""

    def __init__(self, file: Path, table: Mapping[str, Any], within: Path | None = None) -> None:
        self.file = file
        self.table = table
        self.within = within
        self.problems: list[Reason] = []
        self.strays = False

    @property
    def language(self) -> str:
        """The town's language, as far as the file gives it; the file's other faults are worded in it."""
        station, language = self.table.get("station"), StationSettings.model_fields["language"].default
        if isinstance(station, dict):
            language = station.get("language", language)
        return language if isinstance(language, str) and is_language(language) else UNKNOWN_YET

    def wrong(self, key: str, what: Reason) -> None:
        """Keep one problem."""
        self.problems.append(because("setting_wrong", file=self.file.name, key=key, what=what))

    def look_for_strangers(self, sections: Sequence[str] = SECTIONS) -> None:
        """Report unknown sections."""
        for key, value in self.table.items():
            if key not in sections:
                hint = nearest(key, sections)
                is_section = isinstance(value, dict | list)
                self.wrong(key, because("section_unknown" if is_section else "key_unknown", hint=hint))

    def section(self, name: str, model: type[M]) -> M | None:
        """The section of that name, which may be missing where everything in it has a default."""
        value = self.table.get(name, {})
        if not isinstance(value, dict):
            self.wrong(name, because("is_section", name=name))
            return None
        return self._checked(name, model, value)

    def named(
        self, section: str, kind_of: Callable[[str], _Kind | None], kinds: Callable[[], list[str]]
    ) -> dict[str, Any]:
        """The tables under [sources.…] or [channels.…], each checked by its kind's settings."""
        tables = self.table.get(section, {})
        if not isinstance(tables, dict):
            self.wrong(section, because("is_section_of_tables", name=section))
            return {}
        checked = {}
        for name, value in tables.items():
            key = f"{section}.{name}"
            if not isinstance(value, dict):
                self.wrong(key, because("is_table", name=section))
            elif not _NAME.fullmatch(name):
                self.wrong(key, because("name_of_table"))
            elif (model := self._model(key, value, kind_of, kinds)) and (settings := self._checked(key, model, value)):
                checked[name] = settings
        return checked

    def beside(self, key: str, named: str | None, read: Callable[[Path, Path | None], V]) -> V | None:
        """Read a file next to channels.toml. Returns None if none is named, or if it is unreadable."""
        try:
            return read(self.file.parent / named, self.within) if named is not None else None
        except Unreadable as error:
            self.wrong(key, error.reason)
            return None

    def check_logo(self, station: StationSettings | None) -> None:
        """The town's picture is there, and small enough that a telephone waits for nothing else."""
        if station is None or station.logo is None:
            return
        path, file = repr(str(station.logo)), self.file.parent / station.logo
        try:
            size = file.stat().st_size
            if size > LARGEST_LOGO:
                most = LARGEST_LOGO // 1000
                self.wrong("station.logo", because("logo_too_large", path=path, size=-(-size // 1000), most=most))
            elif not _is_drawn(read_file(file, self.within, LARGEST_LOGO), file.suffix.lower()):
                self.wrong("station.logo", because("logo_no_picture", path=path))
        except OSError:
            self.wrong("station.logo", because("logo_not_there", path=path))

    def server(self, store: StoreSettings | None) -> Server | None:
        """Return the store's server with its credentials. Returns None if the store is a file, or the key is faulty."""
        try:
            server = store.server(self.file.resolve().parent) if store is not None else None
            return server if server is None or self.within is None else self._isolated(server)
        except BadCredential as error:
            self.wrong("store", error.reason)
        except ValueError as error:
            self.wrong("store.url", as_reason(error.args[0]))
        return None

    def _isolated(self, server: Server) -> Server:
        own, wrong = isolated(server)
        for each in wrong:
            self.wrong("store.url", each)
        return own

    def check_notify(self, notify: NotifySettings, channels: Mapping[str, ChannelSettings]) -> None:
        """The warnings of Tocsin itself are for those on call: on a channel that exists, and not before the public."""
        written = self.table.get("channels")
        # By what is written, not by what could be read: a channel with another error isn't missing as well.
        known = list(written) if isinstance(written, dict) else []
        for name in notify.channels:
            if name not in known:
                hint = nearest(name, known)
                self.wrong("notify.channels", because("channel_misnamed", name=repr(name), hint=hint))
            elif name in channels and channels[name].public:
                self.wrong("notify.channels", because("channel_read_by_public", name=repr(name)))

    def check_bots(self, station: StationSettings | None, channels: Mapping[str, ChannelSettings]) -> None:
        """Check that each bot has one listener, and a webhook only if Telegram can reach us."""
        bots: dict[object, str] = {}
        for name, settings in channels.items():
            if not isinstance(settings, TelegramSettings) or not (settings.subscriptions or settings.hears):
                continue
            # Telegram hands each update to one listener: of two, each would hear half.
            other = bots.setdefault((settings.api_url, settings.token), name)
            if other != name:
                key = "subscriptions" if settings.subscriptions else "hears"
                self.wrong(f"channels.{name}.{key}", because("bot_shared", other=repr(other)))
            if settings.updates == "webhook" and station is not None and (why := out_of_reach(station, settings)):
                self.wrong(f"channels.{name}.updates", because("updates_by_poll", why=why))

    def check_letters(self, station: StationSettings | None, channels: Mapping[str, ChannelSettings]) -> None:
        """One channel's letters are what people subscribe to, and each letter leads back to the town's pages."""
        asked = [name for name, each in channels.items() if isinstance(each, MailSettings) and each.subscriptions]
        for name in asked[1:]:
            self.wrong(f"channels.{name}.subscriptions", because("mail_second", other=repr(asked[0])))
        if asked and station is not None and station.public_url is None:
            self.wrong(f"channels.{asked[0]}.subscriptions", because("mail_leads_nowhere"))

    def check_texting(self, station: StationSettings | None, channels: Mapping[str, ChannelSettings]) -> None:
        """One channel's SMS are what people subscribe to, and each has the town's pages, where one leaves."""
        asked = [name for name, each in channels.items() if isinstance(each, SmsSettings) and each.subscriptions]
        for name in asked[1:]:
            self.wrong(f"channels.{name}.subscriptions", because("sms_second", other=repr(asked[0])))
        if not asked or station is None:
            return
        if station.public_url is None:
            self.wrong(f"channels.{asked[0]}.subscriptions", because("sms_leads_nowhere"))
        elif len(station.public_url) > LONGEST_PAGES:
            self.wrong("station.public_url", because("sms_pages_too_long", most=LONGEST_PAGES))

    def check_pictures(self, station: StationSettings | None, channels: Mapping[str, ChannelSettings]) -> None:
        """Instagram fetches each picture at the town's public address."""
        for name, settings in channels.items():
            if settings.card_alone and station is not None and not _is_fetchable(station.public_url, settings.api_url):
                self.wrong(f"channels.{name}", because("instagram_unfetchable"))

    def check_feeds(self, listening: ListeningSettings, channels: Mapping[str, ChannelSettings]) -> None:
        """An ear has one name, be it a channel's or a feed's."""
        for name in listening.feeds:
            if name in channels:
                self.wrong(f"listening.feeds.{name}", because("feed_named_as_channel", name=repr(name)))

    def check_reports(self, reports: ReportsSettings, sources: Mapping[str, SourceSettings]) -> None:
        """Check that forwarded kinds of reports are the town's, and that no source uses the reports' name."""
        codes = [each.code for each in _reports(reports, UNKNOWN_YET).kinds]
        for name, forward in reports.forward.items():
            for code in forward.kinds:
                if code not in codes:
                    why = because("report_kind_misnamed", name=repr(code), hint=nearest(code, codes))
                    self.wrong(f"reports.forward.{name}.kinds", why)
        if REPORTS in sources:
            self.wrong(f"sources.{REPORTS}", because("source_named_reports"))

    def check_spokesmen(self, sources: Mapping[str, SourceSettings]) -> None:
        """A source speaks for others that there are; nobody speaks for an officer."""
        written = self.table.get("sources")
        known = [name for name in written if name != MANUAL] if isinstance(written, dict) else []
        for name, settings in sources.items():
            others = [each for each in known if each != name]
            for spoken_for in settings.speaks_for:
                if spoken_for == MANUAL:
                    self.wrong(f"sources.{name}.speaks_for", because("speaks_for_officer"))
                elif spoken_for not in others:
                    hint = nearest(spoken_for, others) if others else because("no_other_sources")
                    why = because("source_misnamed", name=repr(spoken_for), hint=hint)
                    self.wrong(f"sources.{name}.speaks_for", why)

    def _model(
        self, key: str, value: Mapping[str, Any], kind_of: Callable[[str], _Kind | None], kinds: Callable[[], list[str]]
    ) -> type[BaseModel] | None:
        if key == f"sources.{MANUAL}":
            return ManualSettings
        name = value.get("kind")
        if not isinstance(name, str):
            allowed = [repr(each) for each in kinds()]
            is_there = name is not None
            why = because("setting_of_other_type" if is_there else "setting_missing", allowed=allowed)
            self.wrong(f"{key}.kind", why)
            return None
        try:
            kind = kind_of(name)
        except Unreadable as error:
            self.wrong(f"{key}.kind", error.reason)
            return None
        if kind is None:
            why = because("kind_misnamed", name=repr(name), hint=nearest_allowed(name, kinds()))
            self.wrong(f"{key}.kind", why)
        return kind.settings if kind else None

    def _checked(self, key: str, model: type[M], value: Mapping[str, Any]) -> M | None:
        try:
            checked = model.model_validate(value)
        except ValidationError as error:
            for place, what in faults_of(key, error, model):
                self.wrong(place, what)
            return None
        for each in unencrypted(checked, key):
            if not each.is_meant:
                self.wrong(each.key, because("credential_unencrypted", host=each.host, section=each.section))
        if self.within is None:
            return checked
        for place, named in named_in(checked, key):
            if (why := stray(named, self.within)) is not None:
                self.wrong(place, why)
                self.strays = True
        return bound_to(self.within, checked)


def out_of_reach(station: StationSettings, settings: TelegramSettings) -> Reason | None:
    """Return the reason why a webhook below the town's public address would stay silent. Returns None if it may work.

    A Bot API server of one's own, and the sandbox, accept any address: they may be on the same machine.
    """
    address = station.public_url
    if not address:
        return because("webhook_without_url")
    if urlsplit(settings.api_url).hostname != _TELEGRAM:
        return None
    try:
        parts = urlsplit(address)
        port = PORTS[0] if parts.port is None else parts.port
    except ValueError:
        return because("public_url_unread", text=repr(address))
    # Telegram calls webhooks by https alone (core.telegram.org/bots/webhooks).
    if parts.scheme != "https":
        return because("public_url_unencrypted", text=repr(address))
    if _is_local(parts.hostname or ""):
        return because("public_url_unreachable", text=repr(address))
    return None if port in PORTS else because("public_url_port", port=port, ports=list(map(str, PORTS)))


def _is_fetchable(address: str | None, api_url: str) -> bool:
    """True if Meta can fetch pictures there; the sandbox may be on the same machine."""
    parts = urlsplit(address or "")
    is_meta = (urlsplit(api_url).hostname or "").endswith((".facebook.com", ".instagram.com"))
    return bool(address) and (not is_meta or (parts.scheme == "https" and not _is_local(parts.hostname or "")))


def _is_drawn(content: bytes, ending: str) -> bool:
    """True if the file begins like a picture that a browser would display."""
    return content.startswith(_PNG) if ending == ".png" else _SVG.search(content) is not None


def _is_local(host: str) -> bool:
    """True if this is a name or an address of one machine or one network alone."""
    try:
        return not ip_address(host).is_global
    except ValueError:
        return host == "localhost" or host.endswith((".localhost", ".local", ".internal")) or "." not in host
