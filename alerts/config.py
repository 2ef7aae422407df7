"""channels.toml as frozen settings, with every error of the file told at once.

An error names the file, the key, what is wrong and what is allowed; an unknown key the nearest known one. No secret is
read here: who sends reads them.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from alerts.channels import KINDS as CHANNEL_KINDS
from alerts.channels import Kind as ChannelKind
from alerts.channels.settings import ChannelSettings
from alerts.desk.boundary import read_districts
from alerts.desk.territory import District
from alerts.model.alert import Named
from alerts.model.errors import ConfigurationError, Unreadable
from alerts.sources import KINDS as SOURCE_KINDS
from alerts.sources import Kind as SourceKind
from alerts.sources.settings import ManualSettings, SourceSettings

M = TypeVar("M", bound=BaseModel)
MANUAL = "manual"
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True, hide_input_in_errors=True)


class StationSettings(_Section):
    """`[station]`: who speaks, and what counts as here."""

    name: str = Field(min_length=1)
    sender: str = Field(min_length=1)
    language: str = "fr-FR"
    timezone: str = "Europe/Paris"
    public_url: str | None = None
    areas: tuple[str, ...] = ()
    boundary: str | None = None
    templates: str = "templates"

    @field_validator("sender")
    @classmethod
    def _is_a_cap_sender(cls, value: str) -> str:
        if re.search(r"[\s,<&]", value):
            raise ValueError(
                "a CAP sender holds no blank, comma, < or &; allowed: such as alertes@saint-martin.example"
            )
        return value

    @field_validator("language")
    @classmethod
    def _is_a_language(cls, value: str) -> str:
        if not _LANGUAGE.fullmatch(value):
            raise ValueError(f"{value!r} is no language tag; allowed: such as fr-FR or en")
        return value

    @field_validator("timezone")
    @classmethod
    def _is_a_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError):
            raise ValueError(f"{value!r} is no time zone; allowed: an IANA name such as Europe/Paris") from None
        return value

    @field_validator("public_url")
    @classmethod
    def _is_an_address(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"https?://[^\s/]+(/\S*)?", value):
            raise ValueError(f"{value!r} is no address; allowed: such as https://alertes.saint-martin.example")
        return value.rstrip("/") if value else None

    @field_validator("areas")
    @classmethod
    def _are_geocodes(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for code in value:
            if not re.fullmatch(r"[^:\s]+:\S+", code):
                raise ValueError(f"{code!r} is no geocode; allowed: scheme:value, such as INSEE:38185 or NUTS3:FR714")
        return value

    @property
    def geocodes(self) -> tuple[Named, ...]:
        """`areas` as CAP geocodes."""
        return tuple(Named(*code.split(":", 1)) for code in self.areas)


class StoreSettings(_Section):
    """`[store]`: where everything is written down."""

    url: str = "sqlite:///var/tocsin.db"

    @field_validator("url")
    @classmethod
    def _is_sqlite(cls, value: str) -> str:
        if not re.fullmatch(r"sqlite:///[^?]+", value):
            raise ValueError(f"{value!r} is no store; allowed: sqlite:/// and a path, such as sqlite:///var/tocsin.db")
        return value


class WebSettings(_Section):
    """`[web]`: where the daemon answers."""

    listen: str = "127.0.0.1:8080"

    @field_validator("listen")
    @classmethod
    def _is_host_and_port(cls, value: str) -> str:
        match = re.fullmatch(r"(\[[0-9a-fA-F:]+\]|[^:\s\[\]]*):(\d{1,5})", value)
        if not match or int(match[2]) > 65535:
            raise ValueError(f"{value!r} is no place to listen; allowed: host:port, such as 127.0.0.1:8080")
        return value

    @property
    def host(self) -> str:
        """The host, without an IPv6 address's brackets."""
        return self.listen.rsplit(":", 1)[0].strip("[]")

    @property
    def port(self) -> int:
        """The port; 0 lets the system choose."""
        return int(self.listen.rsplit(":", 1)[1])


class NotifySettings(_Section):
    """`[notify]`: where Tocsin's own warnings go."""

    channels: tuple[str, ...] = ()
    heartbeat: str | None = None


@dataclass(frozen=True)
class Config:
    """A whole channels.toml; `folder` is where it stands, and what its paths are relative to."""

    file: Path
    station: StationSettings
    store: StoreSettings
    web: WebSettings
    notify: NotifySettings
    sources: Mapping[str, SourceSettings]
    channels: Mapping[str, ChannelSettings]
    districts: tuple[District, ...]

    @property
    def folder(self) -> Path:
        """The folder of channels.toml."""
        return self.file.parent

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.folder / self.store.url.removeprefix("sqlite:///")

    @property
    def template_folder(self) -> Path:
        """The station's own templates, which win over those that ship; it need not exist."""
        return self.folder / self.station.templates


_SECTIONS = ("station", "store", "web", "notify", "sources", "channels")


def load_config(file: Path) -> Config:
    """Read and check `file`. Raises ConfigurationError with one line for each error."""
    table = _parse(file)
    problems = [
        f"{file.name}: {key}: unknown section; {_nearest(key, _SECTIONS)}" for key in table if key not in _SECTIONS
    ]
    station = _section(file, "station", StationSettings, table, problems)
    store = _section(file, "store", StoreSettings, table, problems)
    web = _section(file, "web", WebSettings, table, problems)
    notify = _section(file, "notify", NotifySettings, table, problems)
    sources = _named(file, "sources", table, _source_kind, problems)
    channels = _named(file, "channels", table, _channel_kind, problems)
    districts = _districts(file, station, problems) if station else ()
    if notify:
        problems += _unknown_channels(file, notify, _table(table, "channels"))
    if not table.get("channels"):
        problems.append(f"{file.name}: channels: none is configured; add one, such as [channels.telegram]")
    if problems or not (station and store and web and notify):
        raise ConfigurationError(problems)
    sources.setdefault(MANUAL, ManualSettings())
    return Config(file.resolve(), station, store, web, notify, sources, channels, districts)


def channel_kind(name: str) -> ChannelKind | None:
    """The kind of channel of that name: one that ships, or another package's by entry point."""
    return CHANNEL_KINDS.get(name) or _from_entry_point("tocsin.channels", name, ChannelKind)


def source_kind(name: str) -> SourceKind | None:
    """The kind of source of that name: one that ships, or another package's by entry point."""
    return SOURCE_KINDS.get(name) or _from_entry_point("tocsin.sources", name, SourceKind)


K = TypeVar("K")


def _from_entry_point(group: str, name: str, kind: type[K]) -> K | None:
    for entry in entry_points(group=group, name=name):
        found = entry.load()
        if isinstance(found, kind):
            return found
    return None


def _parse(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        fix = "name it with --config FILE or TOCSIN_CONFIG, or start in its folder"
        raise ConfigurationError([f"{file}: no such file; {fix}"]) from None
    except OSError as error:
        raise ConfigurationError([f"{file}: can't be read: {error.strerror}"]) from None
    except UnicodeDecodeError:
        raise ConfigurationError([f"{file}: is not UTF-8 text"]) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError([f"{file.name}: is not TOML: {error}"]) from None


def _table(table: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = table.get(key)
    return value if isinstance(value, dict) else {}


def _section(file: Path, name: str, model: type[M], table: Mapping[str, Any], problems: list[str]) -> M | None:
    value = table.get(name, {})
    if not isinstance(value, dict):
        problems.append(f"{file.name}: {name}: is a section; allowed: [{name}]")
        return None
    return _checked(file, name, model, value, problems)


def _checked(file: Path, key: str, model: type[M], value: Mapping[str, Any], problems: list[str]) -> M | None:
    try:
        return model.model_validate(value)
    except ValidationError as error:
        problems += [f"{file.name}: {line}" for line in _lines(key, error, model)]
        return None


def _lines(key: str, error: ValidationError, model: type[BaseModel]) -> Iterable[str]:
    for detail in error.errors(include_url=False, include_input=False):
        place = key + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in detail["loc"])
        if detail["type"] == "extra_forbidden":
            known = [name for name in model.model_fields if len(detail["loc"]) == 1]
            yield f"{place}: unknown key; {_nearest(str(detail['loc'][-1]), known)}"
        elif detail["type"] == "missing":
            yield f"{place}: is missing"
        else:
            yield f"{place}: {_plain(detail['msg'])}"


def _plain(message: str) -> str:
    text = message.removeprefix("Value error, ")
    return re.sub(r"^Input should be (?!a valid)", "allowed: ", text).replace("Input should be", "should be")


def _nearest(key: str, known: Sequence[str]) -> str:
    near = get_close_matches(key, known, n=1, cutoff=0.5)
    return f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"


def _named(file: Path, section: str, table: Mapping[str, Any], model_of: Any, problems: list[str]) -> dict[str, Any]:
    """The tables under [sources.…] or [channels.…], each checked by its kind's settings."""
    checked: dict[str, Any] = {}
    if not isinstance(table.get(section, {}), dict):
        problems.append(f"{file.name}: {section}: is a section of tables; allowed: [{section}.NAME]")
    for name, value in _table(table, section).items():
        key = f"{section}.{name}"
        if not isinstance(value, dict):
            problems.append(f"{file.name}: {key}: is a table; allowed: [{key}]")
        elif not _NAME.fullmatch(name):
            problems.append(f"{file.name}: {key}: a name is of a-z, 0-9, - and _, and starts with a letter")
        else:
            model = model_of(file, key, value, problems)
            settings = _checked(file, key, model, value, problems) if model else None
            if settings is not None:
                checked[name] = settings
    return checked


def _source_kind(file: Path, key: str, value: Mapping[str, Any], problems: list[str]) -> type[BaseModel] | None:
    if key == f"sources.{MANUAL}":
        return ManualSettings
    kind = source_kind(str(value.get("kind")))
    if kind is None:
        problems.append(f"{file.name}: {_unknown_kind(key, value, list(SOURCE_KINDS))}")
    return kind.settings if kind else None


def _channel_kind(file: Path, key: str, value: Mapping[str, Any], problems: list[str]) -> type[BaseModel] | None:
    kind = channel_kind(str(value.get("kind")))
    if kind is None:
        problems.append(f"{file.name}: {_unknown_kind(key, value, list(CHANNEL_KINDS))}")
    return kind.settings if kind else None


def _unknown_kind(key: str, value: Mapping[str, Any], known: list[str]) -> str:
    if "kind" not in value:
        return f"{key}.kind: is missing; allowed: {', '.join(known)}"
    kind = str(value["kind"])
    near = get_close_matches(kind, known, n=1)
    return f"{key}.kind: {kind!r} is no kind; " + (
        f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
    )


def _districts(file: Path, station: StationSettings, problems: list[str]) -> tuple[District, ...]:
    if station.boundary is None:
        return ()
    try:
        return read_districts(file.parent / station.boundary)
    except Unreadable as error:
        problems.append(f"{file.name}: station.boundary: {error}")
        return ()


def _unknown_channels(file: Path, notify: NotifySettings, channels: Mapping[str, Any]) -> list[str]:
    return [
        f"{file.name}: notify.channels: {name!r} is no channel; {_nearest(name, list(channels))}"
        for name in notify.channels
        if name not in channels
    ]
