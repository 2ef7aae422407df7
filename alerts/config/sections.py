"""The sections of channels.toml other than sources and channels, with the checks of their values.

Each key and its default are documented by the records that are made from them (model/town.py).
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from alerts.channels.settings import FileNamed, SecretAddress, SecretSource
from alerts.config.faults import nearest_allowed
from alerts.model.hazard import Hazard
from alerts.model.local import LocalFile
from alerts.model.person import LONGEST_NAME
from alerts.model.reason import Reason, because
from alerts.model.reports import ClusterRule, ReportForward, ReportsSection
from alerts.model.town import (
    DeskSection,
    FleetSection,
    ListeningSection,
    NotifySection,
    Secret,
    Server,
    StoreSection,
    Town,
    WebSection,
)
from alerts.rendering.plain import blanks, name_of
from alerts.sources.settings import FeedSettings, Span

_ADDRESS = r"https?://[^\s/]+(/\S*)?"
_TILE = ("{z}", "{x}", "{y}")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")


def is_language(value: str) -> bool:
    """True if a text may be a language tag (BCP 47's usual form)."""
    return bool(_LANGUAGE.fullmatch(value))


def _no_address(value: str, example: str) -> Reason:
    return because("no_address_such_as", text=repr(value), example=example)


def _a_language(value: str) -> str:
    if not is_language(value):
        raise ValueError(because("no_language_tag", text=repr(value)))
    return value


def _a_zone(value: str) -> str:
    try:
        ZoneInfo(value)
    # `ZoneInfo` opens a file: "Europe" is a folder (OSError), and a path that leads elsewhere a ValueError.
    except (KeyError, ValueError, OSError):
        raise ValueError(because("no_time_zone", text=repr(value))) from None
    return value


_Language = Annotated[str, AfterValidator(_a_language)]
_Zone = Annotated[str, AfterValidator(_a_zone)]


class _Section(BaseModel):
    # Pydantic's errors would show the value, which may be a secret in the wrong place.
    model_config = ConfigDict(
        defer_build=True, frozen=True, extra="forbid", arbitrary_types_allowed=True, hide_input_in_errors=True
    )


class StationSettings(_Section):
    """`[station]`: the town that publishes, and its territory."""

    name: str = Field(min_length=1, examples=["Ville de Saint-Martin"])
    sender: str = Field(min_length=1, examples=["alertes@saint-martin.example"])
    language: _Language = Town.language
    timezone: _Zone = Town.timezone
    public_url: str | None = Town.public_url
    areas: tuple[str, ...] = Town.areas
    boundary: FileNamed | None = Town.boundary
    templates: FileNamed = Field(default=Town.templates, validate_default=True)
    hazards: tuple[str, ...] = Town.hazards
    addresses: FileNamed | None = Town.addresses
    streets: FileNamed | None = Town.streets
    logo: FileNamed | None = Town.logo
    accent: str | None = Town.accent
    numbers: tuple[str, ...] = Town.numbers
    blanks: Mapping[str, tuple[str, ...]] | None = Town.blanks

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
        # CAP 3.2.1: no blanks, commas, < or & in `sender`, since references are triples separated by commas.
        if re.search(r"[\s,<&]", value):
            raise ValueError(because("no_cap_sender"))
        return value

    @field_validator("public_url")
    @classmethod
    def _is_an_address(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(_ADDRESS, value):
            raise ValueError(_no_address(value, "https://alertes.saint-martin.example"))
        return value.rstrip("/") if value else None

    @field_validator("logo")
    @classmethod
    def _is_a_picture(cls, value: str | None) -> str | None:
        if value is not None and not value.lower().endswith((".svg", ".png")):
            raise ValueError(because("logo_of_kind"))
        return value

    @field_validator("accent")
    @classmethod
    def _carries_white_text(cls, value: str | None) -> str | None:
        if value is None:
            return None
        if not re.fullmatch(r"#[0-9a-fA-F]{6}", value):
            raise ValueError(because("no_colour", text=repr(value)))
        if (ratio := contrast_with_white(value)) < READABLE:
            raise ValueError(because("colour_too_light", text=value, ratio=math.floor(ratio * 10) / 10, least=READABLE))
        return value.lower()

    @field_validator("numbers")
    @classmethod
    def _can_be_called(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for text in value:
            if not re.fullmatch(r"[^:]*[^:\s][^:]*:\s*\+?[0-9][0-9 .()-]{1,24}", text):
                raise ValueError(because("no_number_to_call", text=repr(text)))
        if len(value) > MOST_NUMBERS:
            raise ValueError(because("too_many_numbers", most=MOST_NUMBERS))
        return value

    @field_validator("blanks")
    @classmethod
    def _are_offered(cls, value: Mapping[str, tuple[str, ...]] | None) -> Mapping[str, tuple[str, ...]] | None:
        for name, offers in (value or {}).items():
            if [name_of(each) for each in blanks(f"{{{name}}}")] != [name]:
                raise ValueError(because("no_blank", text=repr(name)))
            for text in offers:
                if not text.strip() or len(text) > LONGEST_OFFER or blanks(text):
                    raise ValueError(because("no_offer", name=repr(name), text=repr(text), most=LONGEST_OFFER))
            if len(offers) > MOST_OFFERS:
                raise ValueError(because("too_many_offers", name=repr(name), most=MOST_OFFERS))
        return value

    @field_validator("areas")
    @classmethod
    def _are_geocodes(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for code in value:
            if not re.fullmatch(r"[^:\s]+:\S+", code):
                raise ValueError(because("no_geocode", text=repr(code)))
        return value


READABLE = 4.5
"""The contrast that text needs with its background (WCAG 2.2, 1.4.3)."""
MOST_OFFERS, LONGEST_OFFER = 12, 200
"""Most choices for one blank, and most characters of a choice: it is read on a telephone."""
MOST_NUMBERS = 6
"""Most telephone numbers that a town may show: among more, nobody finds the one they need."""


def contrast_with_white(colour: str) -> float:
    """Return the contrast of white text on `#rrggbb`: 1 is none, 21 that on black (WCAG 2.2, relative luminance)."""
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05)


SHORTEST_KEEP = timedelta(days=30)


# An identifier that PostgreSQL takes without quotes; it allows 63 bytes.
_SCHEMA = re.compile(r"[a-z_][a-z0-9_]{0,62}")


class StoreSettings(_Section):
    """`[store]`."""

    url: str | SecretSource = Field(default=StoreSection.url, validate_default=True)
    password: SecretSource | None = None
    keep: Span | None = StoreSection.keep

    @field_validator("url")
    @classmethod
    def _is_a_store(cls, value: str | SecretSource) -> str | SecretSource:
        if isinstance(value, str):
            _check_store(value)
            return LocalFile(value) if value.startswith("sqlite:") else value
        return value

    def server(self, folder: Path) -> Server | None:
        """Return the server with its password; None if the store is a file.

        Raises BadCredential for a secret that can't be read, ValueError for an address that is none of a store.
        """
        url = self.url if isinstance(self.url, str) else self.url.read(folder).reveal()
        try:
            store = store_at(url, folder)
        except ValueError:
            if isinstance(self.url, str):
                raise
            # The text is a secret, even if it is no address.
            raise ValueError(because("no_store", text="***")) from None
        if isinstance(store, Path) or self.password is None:
            return None if isinstance(store, Path) else store
        return replace(store, password=self.password.read(folder))

    @field_validator("keep")
    @classmethod
    def _is_long(cls, value: timedelta | None) -> timedelta | None:
        if value is not None and value < SHORTEST_KEEP:
            raise ValueError(because("kept_too_short", days=SHORTEST_KEEP.days))
        return value


_SERVERS = ("postgresql://", "postgres://")


def store_at(url: str, folder: Path) -> Path | Server:
    """Return the file that an address names, in `folder` if it is relative, or the server. Raises ValueError."""
    schema = _check_store(url)
    if schema is None:
        return folder / url.removeprefix("sqlite:///")
    return Server(Secret(url), schema, folder / "var" / schema)


def _check_store(url: str) -> str | None:
    """Return the schema that an address names; None for a file. Raises ValueError, with a reason, for anything else."""
    if url.startswith(_SERVERS):
        from alerts.store.address import options_of, without_schema  # noqa: PLC0415 only who has a server loads libpq

        schema = without_schema(url)[1]
        is_accepted = _is_accepted(options_of, url)
        if is_accepted and not _SCHEMA.fullmatch(schema):
            raise ValueError(because("no_schema", text=repr(schema)))
        if is_accepted:
            return schema
    elif re.fullmatch(r"sqlite:///[^?:]+", url):
        return None
    # The part before an @ may be a password.
    raise ValueError(because("no_store", text=repr(re.sub("//[^@/]*@", "//***@", url))))


def _is_accepted(read: Callable[[str], object], url: str) -> bool:
    try:
        read(url)
    except ValueError:
        return False
    return True


class ListenSettings(_Section):
    """The address where a process answers over HTTP, for one town or for many, and the limits of its connections."""

    listen: str = WebSection.listen
    proxies: tuple[str, ...] = WebSection.proxies
    connections: int = Field(default=WebSection.connections, ge=16, le=100_000)
    per_address: int = Field(default=WebSection.per_address, ge=4, le=100_000)

    @model_validator(mode="before")
    @classmethod
    def _as_the_container_says(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Use `TOCSIN_LISTEN` for a missing `listen`: a container's image sets it, so one file suits all hosts."""
        address = os.environ.get("TOCSIN_LISTEN")
        return {"listen": address} | values if address else values

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


class WebSettings(ListenSettings):
    """`[web]`."""

    export: FileNamed | None = WebSection.export
    languages: tuple[Literal["fr", "en"], ...] = ()
    tiles: str | None = WebSection.tiles
    tiles_by: str = WebSection.tiles_by
    map: FileNamed | None = WebSection.map
    embed: tuple[str, ...] = WebSection.embed

    @field_validator("tiles")
    @classmethod
    def _is_a_tile_address(cls, value: str | None) -> str | None:
        if value is not None and not (re.fullmatch(_ADDRESS, value) and all(part in value for part in _TILE)):
            raise ValueError(
                because("no_tile_address", text=repr(value), example="https://tiles.example/{z}/{x}/{y}.png")
            )
        return value

    @field_validator("map")
    @classmethod
    def _is_a_street_map(cls, value: str | None) -> str | None:
        if value is not None and not value.lower().endswith(".pmtiles"):
            raise ValueError(because("map_of_kind", text=repr(str(value))))
        return value

    @field_validator("embed")
    @classmethod
    def _are_sites(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for site in value:
            # They are put into the header `Content-Security-Policy`, where `;` and `,` would begin something else.
            if not re.fullmatch(r"https?://[^\s/;,'\"]+", site):
                raise ValueError(because("no_site", text=repr(site)))
        return value


class NotifySettings(_Section):
    """`[notify]`."""

    channels: tuple[str, ...] = NotifySection.channels
    heartbeat: str | None = NotifySection.heartbeat
    insecure: bool = NotifySection.insecure
    every: Span = NotifySection.every
    probe: Span = NotifySection.probe

    @field_validator("heartbeat")
    @classmethod
    def _is_an_address(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(_ADDRESS, value):
            raise ValueError(because("no_heartbeat"))  # may hold a key
        return SecretAddress(value) if value is not None else None

    @field_validator("every", "probe")
    @classmethod
    def _is_no_storm(cls, value: timedelta) -> timedelta:
        if value < timedelta(seconds=1):
            raise ValueError(because("oftener_than_a_second"))
        return value


class DeskSettings(_Section):
    """`[desk]`."""

    alone: bool = DeskSection.alone
    url: str | None = DeskSection.url
    second_factor: Literal["required", "optional"] = DeskSection.second_factor
    passwordless: bool = DeskSection.passwordless
    session: Span = DeskSection.session
    remind: Span = DeskSection.remind

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(_ADDRESS, value):
            raise ValueError(_no_address(value, "https://alertes.saint-martin.example/desk"))
        return value.rstrip("/") if value else None


_FEED = re.compile(r"[a-z][a-z0-9_-]{0,62}")
# The hours of a day, as in 08:00-19:00.
_HOURS = re.compile(r"([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d")


class ListeningSettings(_Section):
    """`[listening]`."""

    every: Span = ListeningSection.every
    answers: Literal["auto", "approve"] | None = None
    keep: Span = ListeningSection.keep
    hours: str | None = Field(default=ListeningSection.hours, examples=["08:00-19:00"])
    feeds: dict[str, FeedSettings] = {}

    @field_validator("every")
    @classmethod
    def _is_no_storm(cls, value: timedelta) -> timedelta:
        if value < timedelta(seconds=1):
            raise ValueError(because("oftener_than_a_second"))
        return value

    @field_validator("hours")
    @classmethod
    def _are_hours(cls, value: str | None) -> str | None:
        if value is not None and not _HOURS.fullmatch(value):
            raise ValueError(because("no_hours", text=repr(value)))
        return value

    @field_validator("feeds")
    @classmethod
    def _are_named(cls, value: dict[str, FeedSettings]) -> dict[str, FeedSettings]:
        if any(not _FEED.fullmatch(name) for name in value):
            raise ValueError(because("name_of_table"))
        return value


_LENGTH = re.compile(r"(\d{1,6}(?:\.\d+)?)\s*(m|km)")


def _a_length(value: object) -> float:
    """Return a length such as `500m` or `1.5km` in metres. Raises ValueError if it isn't from 10 m to 10 km."""
    match = _LENGTH.fullmatch(value.strip()) if isinstance(value, str) else None
    metres = float(match[1]) * (1000 if match[2] == "km" else 1) if match else 0.0
    if not 10 <= metres <= 10_000:
        raise ValueError(because("no_radius", text=repr(value)))
    return metres


_RULE = ClusterRule()


class ClusterSettings(_Section):
    """`cluster = {…}` of a kind of report."""

    count: int = Field(default=_RULE.count, ge=3, le=1000)
    radius: Annotated[float, BeforeValidator(_a_length)] = Field(
        default="500m", validate_default=True, examples=["500m"]
    )
    span: Span = _RULE.span

    @field_validator("span")
    @classmethod
    def _is_within_a_day(cls, value: timedelta) -> timedelta:
        # Reporters are recognised for a day only: over a longer span one person would count as several.
        if not timedelta(minutes=1) <= value <= timedelta(hours=24):
            raise ValueError(because("no_cluster_span"))
        return value


class ReportKindSettings(_Section):
    """One of `[reports] kinds`."""

    code: str = Field(pattern=r"[a-z][a-z0-9_-]{0,39}", examples=["flooding"])
    names: dict[str, str] = Field(min_length=1, examples=[{"fr": "Inondation", "en": "Flooding"}])
    pictogram: str = Field(default="other", pattern=r"[a-z][a-z0-9-]{0,39}")
    public: bool = True
    hazard: Hazard | None = None
    cluster: ClusterSettings | None = None
    stop: str | None = Field(default=None, min_length=1, max_length=300, examples=["Appelez le 18"])
    told: dict[str, Annotated[str, Field(min_length=1, max_length=60)]] = Field(
        default={}, examples=[{"fr": "Rue inondée", "en": "Flooded street"}]
    )
    instruction: dict[str, Annotated[str, Field(min_length=1, max_length=110)]] = Field(
        default={}, examples=[{"fr": "N’approchez pas.", "en": "Keep away."}]
    )


class ReportForwardSettings(_Section):
    """`[reports.forward.NAME]`: an Open311 server that reports are handed on to."""

    url: str = Field(pattern=_ADDRESS, examples=["https://311.agglo.example/open311/v2"])
    key: SecretSource | None = None
    kinds: dict[str, str] = Field(min_length=1, examples=[{"lighting": "LIGHT-01"}])
    jurisdiction: str | None = ReportForward.jurisdiction
    allow_private: bool = False
    insecure: bool = False


class ReportsSettings(_Section):
    """`[reports]`: what people may report on the map. Without that section nobody may."""

    kinds: tuple[ReportKindSettings, ...] = Field(default=(), max_length=30)
    flood: int = Field(default=ReportsSection.flood, ge=5, le=100_000)
    prefix: str | None = Field(default=ReportsSection.prefix, pattern=r"[A-Z]{1,6}", examples=["SM"])
    words: tuple[Annotated[str, Field(min_length=2, max_length=60)], ...] = Field(default=(), max_length=200)
    answers: Literal["auto", "approve"] | None = None
    forward: dict[str, ReportForwardSettings] = {}

    @field_validator("kinds")
    @classmethod
    def _are_different(cls, value: tuple[ReportKindSettings, ...]) -> tuple[ReportKindSettings, ...]:
        codes = [kind.code for kind in value]
        twice = next((code for code in codes if codes.count(code) > 1), None)
        if twice is not None:
            raise ValueError(because("kind_twice", name=repr(twice)))
        return value

    @field_validator("forward")
    @classmethod
    def _are_named(cls, value: dict[str, ReportForwardSettings]) -> dict[str, ReportForwardSettings]:
        if any(not _FEED.fullmatch(name) for name in value):
            raise ValueError(because("name_of_table"))
        return value


class FleetSettings(_Section):
    """`[fleet]` of a fleet's own file, `fleet.toml`."""

    url: str | None = FleetSection.url
    name: str = Field(FleetSection.name, min_length=1, max_length=LONGEST_NAME)
    language: _Language = FleetSection.language
    timezone: _Zone = FleetSection.timezone
    passwordless: bool = FleetSection.passwordless
    hosts: dict[str, str] = {}

    @field_validator("hosts")
    @classmethod
    def _are_normalised(cls, value: dict[str, str]) -> dict[str, str]:
        return {host.lower().rstrip("."): folder for host, folder in value.items()}

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(_ADDRESS, value):
            raise ValueError(_no_address(value, "https://alertes.departement.example"))
        return value.rstrip("/") if value else None
