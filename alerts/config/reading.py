"""From the file to the settings, gathering whatever is wrong on the way."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Protocol, TypeVar

from pydantic import BaseModel, ValidationError

from alerts.channels.settings import ChannelSettings, TelegramSettings
from alerts.config.faults import lines_of, nearest
from alerts.config.hooks import out_of_reach
from alerts.config.kinds import channel_kind, channel_kinds, source_kind, source_kinds
from alerts.config.sections import (
    Config,
    DeskSettings,
    NotifySettings,
    StationSettings,
    StoreSettings,
    WebSettings,
)
from alerts.desk.boundary import read_districts
from alerts.desk.territory import District
from alerts.model.errors import ConfigurationError, Unreadable
from alerts.model.incident import MANUAL
from alerts.sources.settings import ManualSettings, SourceSettings

M = TypeVar("M", bound=BaseModel)
SECTIONS = ("station", "store", "web", "notify", "desk", "sources", "channels")
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,62}")


class _Kind(Protocol):
    @property
    def settings(self) -> type[BaseModel]: ...


def load_config(file: Path) -> Config:
    """Read and check `file`. Raises ConfigurationError with one line for each error."""
    return read_config(file, _text_of(file))


def read_config(file: Path, text: str) -> Config:
    """Check `text` as if it stood in `file`. Raises ConfigurationError with one line for each error."""
    reading = _Reading(file, _parse(file, text))
    reading.look_for_strangers()
    station = reading.section("station", StationSettings)
    store = reading.section("store", StoreSettings)
    web = reading.section("web", WebSettings)
    notify = reading.section("notify", NotifySettings)
    desk = reading.section("desk", DeskSettings)
    sources = reading.named("sources", source_kind, source_kinds)
    channels = reading.named("channels", channel_kind, channel_kinds)
    districts = reading.districts(station)
    if reading.table.get("channels", {}) == {}:
        reading.wrong("channels", "none is configured; add one, such as [channels.telegram]")
    if notify is not None:
        reading.check_notify(notify, channels)
    reading.check_bots(station, channels)
    reading.check_spokesmen(sources)
    if reading.problems or not (station and store and web and notify and desk):
        raise ConfigurationError(reading.problems)
    sources.setdefault(MANUAL, ManualSettings())
    return Config(file.resolve(), station, store, web, notify, desk, sources, channels, districts)


def read_channel(file: Path, text: str, name: str) -> ChannelSettings:
    """One channel of `text` alone, whatever else is wrong there. Raises ConfigurationError with what is wrong in it."""
    reading = _Reading(file, _parse(file, text))
    settings = reading.named("channels", channel_kind, channel_kinds).get(name)
    if isinstance(settings, ChannelSettings):
        return settings
    own = [problem for problem in reading.problems if f": channels.{name}" in problem]
    raise ConfigurationError(own or [f"{file.name}: channels.{name}: there is no such channel"])


def _text_of(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        fix = "name it with --config FILE or TOCSIN_CONFIG, or start in its folder"
        raise ConfigurationError([f"{file}: no such file; {fix}"]) from None
    except OSError as error:
        raise ConfigurationError([f"{file}: can't be read: {error.strerror}; allowed: a text file"]) from None
    except UnicodeDecodeError:
        raise ConfigurationError([f"{file}: is not UTF-8 text; save it as UTF-8"]) from None


def _parse(file: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigurationError([f"{file.name}: is not TOML: {error}"]) from None


class _Reading:
    """One file being read: its table, and what was found wrong so far."""

    def __init__(self, file: Path, table: Mapping[str, Any]) -> None:
        self.file = file
        self.table = table
        self.problems: list[str] = []

    def wrong(self, key: str, what: str) -> None:
        """Keep one problem."""
        self.problems.append(f"{self.file.name}: {key}: {what}")

    def look_for_strangers(self) -> None:
        """Tell of sections that there are none of."""
        for key, value in self.table.items():
            if key not in SECTIONS:
                what = "section" if isinstance(value, dict | list) else "key"
                self.wrong(key, f"unknown {what}; {nearest(key, SECTIONS)}")

    def section(self, name: str, model: type[M]) -> M | None:
        """The section of that name, which may be missing where everything in it has a default."""
        value = self.table.get(name, {})
        if not isinstance(value, dict):
            self.wrong(name, f"is a section; allowed: [{name}]")
            return None
        return self._checked(name, model, value)

    def named(
        self, section: str, kind_of: Callable[[str], _Kind | None], kinds: Callable[[], list[str]]
    ) -> dict[str, Any]:
        """The tables under [sources.…] or [channels.…], each checked by its kind's settings."""
        tables = self.table.get(section, {})
        if not isinstance(tables, dict):
            self.wrong(section, f"is a section of tables; allowed: [{section}.NAME]")
            return {}
        checked = {}
        for name, value in tables.items():
            key = f"{section}.{name}"
            if not isinstance(value, dict):
                self.wrong(key, f"is a table; allowed: [{section}.NAME]")
            elif not _NAME.fullmatch(name):
                self.wrong(key, "a name is of a-z, 0-9, - and _, and starts with a letter")
            elif (model := self._model(key, value, kind_of, kinds)) and (settings := self._checked(key, model, value)):
                checked[name] = settings
        return checked

    def districts(self, station: StationSettings | None) -> tuple[District, ...]:
        """The districts of the boundary file, if there is one."""
        if station is None or station.boundary is None:
            return ()
        try:
            return read_districts(self.file.parent / station.boundary)
        except Unreadable as error:
            self.wrong("station.boundary", str(error))
            return ()

    def check_notify(self, notify: NotifySettings, channels: Mapping[str, ChannelSettings]) -> None:
        """The warnings of Tocsin itself are for those on duty: on a channel that exists, and not before the public."""
        written = self.table.get("channels")
        known = list(written) if isinstance(written, dict) else []
        for name in notify.channels:
            if name not in known:
                self.wrong("notify.channels", f"{name!r} is no channel; {nearest(name, known)}")
            elif name in channels and channels[name].public:
                self.wrong("notify.channels", f"{name!r} is read by the public; allowed: a channel with public = false")

    def check_bots(self, station: StationSettings | None, channels: Mapping[str, ChannelSettings]) -> None:
        """What people say to a bot comes in once, and by a webhook only where Telegram can reach us."""
        bots: dict[object, str] = {}
        for name, settings in channels.items():
            if not isinstance(settings, TelegramSettings) or not settings.subscriptions:
                continue
            other = bots.setdefault((settings.api_url, settings.token), name)
            if other != name:
                self.wrong(f"channels.{name}.subscriptions", f"{other!r} has the same bot; allowed: one channel a bot")
            if settings.updates == "webhook" and station is not None and (why := out_of_reach(station, settings)):
                self.wrong(f"channels.{name}.updates", f'{why}; allowed anyhow: "poll"')

    def check_spokesmen(self, sources: Mapping[str, SourceSettings]) -> None:
        """A source speaks for others that there are; nobody speaks for an officer."""
        written = self.table.get("sources")
        known = [name for name in written if name != MANUAL] if isinstance(written, dict) else []
        for name, settings in sources.items():
            others = [each for each in known if each != name]
            for spoken_for in settings.speaks_for:
                if spoken_for == MANUAL:
                    self.wrong(f"sources.{name}.speaks_for", "nobody speaks for an officer; allowed: other feeds")
                elif spoken_for not in others:
                    hint = nearest(spoken_for, others) if others else "allowed: other sources, of which there are none"
                    self.wrong(f"sources.{name}.speaks_for", f"{spoken_for!r} is no other source; {hint}")

    def _model(
        self, key: str, value: Mapping[str, Any], kind_of: Callable[[str], _Kind | None], kinds: Callable[[], list[str]]
    ) -> type[BaseModel] | None:
        if key == f"sources.{MANUAL}":
            return ManualSettings
        name = value.get("kind")
        if not isinstance(name, str):
            what = "is missing" if name is None else "is something else"
            self.wrong(f"{key}.kind", f"{what}; allowed: {', '.join(map(repr, kinds()))}")
            return None
        try:
            kind = kind_of(name)
        except Unreadable as error:
            self.wrong(f"{key}.kind", str(error))
            return None
        if kind is None:
            near = get_close_matches(name, kinds(), n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"allowed: {', '.join(map(repr, kinds()))}"
            self.wrong(f"{key}.kind", f"{name!r} is no kind; {hint}")
        return kind.settings if kind else None

    def _checked(self, key: str, model: type[M], value: Mapping[str, Any]) -> M | None:
        try:
            return model.model_validate(value)
        except ValidationError as error:
            for line in lines_of(key, error, model):
                self.problems.append(f"{self.file.name}: {line}")
            return None
