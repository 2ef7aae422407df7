"""The sections of channels.toml that are no source and no channel, and the whole of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, field_validator

from alerts.channels.settings import ChannelSettings, TelegramSettings
from alerts.config.faults import nearest_allowed
from alerts.desk.territory import District
from alerts.model.alert import Named
from alerts.model.hazard import Hazard
from alerts.model.reason import Reason, because
from alerts.sources.settings import SourceSettings, Span

_ADDRESS = r"https?://[^\s/]+(/\S*)?"
_TILE = ("{z}", "{x}", "{y}")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")


def is_language(value: str) -> bool:
    """Whether a text may be a language tag (BCP 47's usual form)."""
    return bool(_LANGUAGE.fullmatch(value))


def _no_address(value: str, example: str) -> Reason:
    return because("no_address_such_as", text=repr(value), example=example)


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True, hide_input_in_errors=True)


class StationSettings(_Section):
    """`[station]`: who speaks, and what counts as here."""

    name: str = Field(min_length=1, examples=["Ville de Saint-Martin"])
    sender: str = Field(min_length=1, examples=["alertes@saint-martin.example"])
    language: str = "fr-FR"
    timezone: str = "Europe/Paris"
    public_url: str | None = None
    areas: tuple[str, ...] = ()
    boundary: str | None = None
    templates: str = "templates"
    hazards: tuple[str, ...] = ()

    @field_validator("hazards")
    @classmethod
    def _are_hazards(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if name not in set(Hazard):
                hint = nearest_allowed(name, [each.value for each in Hazard])
                raise ValueError(because("hazard_misnamed", name=repr(name), hint=hint))
        return value

    @field_validator("sender")
    @classmethod
    def _is_a_cap_sender(cls, value: str) -> str:
        if re.search(r"[\s,<&]", value):
            raise ValueError(because("no_cap_sender"))
        return value

    @field_validator("language")
    @classmethod
    def _is_a_language(cls, value: str) -> str:
        if not is_language(value):
            raise ValueError(because("no_language_tag", text=repr(value)))
        return value

    @field_validator("timezone")
    @classmethod
    def _is_a_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError):
            raise ValueError(because("no_time_zone", text=repr(value))) from None
        return value

    @field_validator("public_url")
    @classmethod
    def _is_an_address(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(_ADDRESS, value):
            raise ValueError(_no_address(value, "https://alertes.saint-martin.example"))
        return value.rstrip("/") if value else None

    @field_validator("areas")
    @classmethod
    def _are_geocodes(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for code in value:
            if not re.fullmatch(r"[^:\s]+:\S+", code):
                raise ValueError(because("no_geocode", text=repr(code)))
        return value

    @property
    def offered(self) -> tuple[Hazard, ...]:
        """The hazards that an officer chooses from, in order: all, where none is named; `general` is always last."""
        named = tuple(dict.fromkeys(Hazard(name) for name in self.hazards)) or tuple(Hazard)
        return (*(hazard for hazard in named if hazard is not Hazard.GENERAL), Hazard.GENERAL)

    @property
    def geocodes(self) -> tuple[Named, ...]:
        """`areas` as CAP geocodes."""
        return tuple(Named(*code.split(":", 1)) for code in self.areas)


SHORTEST_KEEP = timedelta(days=30)


class StoreSettings(_Section):
    """`[store]`: where everything is written down, and for how long what is finished stays there (None: for ever)."""

    url: str = "sqlite:///var/tocsin.db"
    keep: Span | None = None

    @field_validator("url")
    @classmethod
    def _is_sqlite(cls, value: str) -> str:
        if not re.fullmatch(r"sqlite:///[^?:]+", value):
            raise ValueError(because("no_store", text=repr(value)))
        return value

    @field_validator("keep")
    @classmethod
    def _is_long(cls, value: timedelta | None) -> timedelta | None:
        if value is not None and value < SHORTEST_KEEP:
            raise ValueError(because("kept_too_short", days=SHORTEST_KEEP.days))
        return value


class WebSettings(_Section):
    """`[web]`: where the daemon answers; `proxies` are those whose word for who asks is taken.

    `connections` may be open at once, `per_address` of them from one address. `export` is a folder for the public pages
    as files, `languages` what they are in beside the station's own and the channels', `tiles` the address of the map's
    background with `{z}`, `{x}` and `{y}`, `tiles_by` whose it is, and `embed` the sites that may show the small page
    in a frame.
    """

    listen: str = "127.0.0.1:8080"
    proxies: tuple[str, ...] = ()
    connections: int = Field(default=4000, ge=16, le=100_000)
    per_address: int = Field(default=500, ge=4, le=100_000)
    export: str | None = None
    languages: tuple[Literal["fr", "en"], ...] = ()
    tiles: str | None = None
    tiles_by: str = ""
    embed: tuple[str, ...] = ()

    @field_validator("tiles")
    @classmethod
    def _is_a_tile_address(cls, value: str | None) -> str | None:
        if value is not None and not (re.fullmatch(_ADDRESS, value) and all(part in value for part in _TILE)):
            raise ValueError(
                because("no_tile_address", text=repr(value), example="https://tiles.example/{z}/{x}/{y}.png")
            )
        return value

    @field_validator("embed")
    @classmethod
    def _are_sites(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for site in value:
            if not re.fullmatch(r"https?://[^\s/;,'\"]+", site):
                raise ValueError(because("no_site", text=repr(site)))
        return value

    @field_validator("proxies")
    @classmethod
    def _are_networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for network in value:
            try:
                ip_network(network)
            except ValueError:
                raise ValueError(because("no_network", text=repr(network))) from None
        return value

    @field_validator("listen")
    @classmethod
    def _is_host_and_port(cls, value: str) -> str:
        match = re.fullmatch(r"(\[[0-9a-fA-F:]+\]|[^:\s\[\]]*):(\d{1,5})", value)
        if not match or int(match[2]) > 65535:
            raise ValueError(because("no_place_to_listen", text=repr(value), example="127.0.0.1:8080"))
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
    every: Span = timedelta(seconds=60)
    probe: Span = timedelta(minutes=15)

    @field_validator("heartbeat")
    @classmethod
    def _is_an_address(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(_ADDRESS, value):
            raise ValueError(because("no_heartbeat"))  # may hold a key
        return value

    @field_validator("every", "probe")
    @classmethod
    def _is_no_storm(cls, value: timedelta) -> timedelta:
        if value < timedelta(seconds=1):
            raise ValueError(because("oftener_than_a_second"))
        return value


class DeskSettings(_Section):
    """`[desk]`: those who post and validate.

    `alone`: there is nobody else, so an author may validate what they wrote. `url`: where the desk is reached, for
    links in warnings. `session`: how long a sign-in lasts without use. `remind`: how often a waiting alert is told of.
    """

    alone: bool = False
    url: str | None = None
    second_factor: Literal["required", "optional"] = "required"
    session: Span = timedelta(hours=12)
    remind: Span = timedelta(minutes=10)

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(_ADDRESS, value):
            raise ValueError(_no_address(value, "https://alertes.saint-martin.example/desk"))
        return value.rstrip("/") if value else None


@dataclass(frozen=True)
class Config:
    """A whole channels.toml; `folder` is where it stands, and what its paths are relative to."""

    file: Path
    station: StationSettings
    store: StoreSettings
    web: WebSettings
    notify: NotifySettings
    desk: DeskSettings
    sources: Mapping[str, SourceSettings]
    channels: Mapping[str, ChannelSettings]
    districts: tuple[District, ...]

    @property
    def folder(self) -> Path:
        """The folder of channels.toml."""
        return self.file.parent

    @property
    def zone(self) -> ZoneInfo:
        """The station's time zone."""
        return ZoneInfo(self.station.timezone)

    @property
    def bots(self) -> Mapping[str, TelegramSettings]:
        """The channels whose bot people may subscribe with."""
        return {
            name: settings
            for name, settings in self.channels.items()
            if isinstance(settings, TelegramSettings) and settings.subscriptions
        }

    @property
    def desk_url(self) -> str | None:
        """Where the desk is reached: `[desk] url`, with or without `/desk`; else below the station's public address."""
        public = self.station.public_url
        told = self.desk.url or public
        return f"{told.rstrip('/').removesuffix('/desk')}/desk" if told else None

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.folder / self.store.url.removeprefix("sqlite:///")

    @property
    def template_folder(self) -> Path:
        """The station's own templates, which win over those that ship; it need not exist."""
        return self.folder / self.station.templates
