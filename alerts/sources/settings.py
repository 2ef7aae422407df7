"""The settings of a source in channels.toml, kind by kind. Importing this loads no reader.

`tocsin post` and `tocsin status` read the configuration and no feed: they start without lxml and icalendar.
"""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from alerts.channels.settings import SecretSource, read_credential, read_span
from alerts.model.alert import Severity
from alerts.model.errors import BadCredential, SourceFailed
from alerts.model.local import LocalFile
from alerts.model.reason import because
from alerts.model.subscriber import MAILBOX
from alerts.model.town import ListeningFeed, Publish, SourceRules
from alerts.sources.departments import DEPARTMENTS, OVERSEAS
from alerts.sources.ical.occurrence import parse_moment


def _can_pass(value: timedelta) -> timedelta:
    if not timedelta() < value <= LONGEST:
        raise ValueError(because("no_time_to_wait", example="10m"))
    return value


# The two or three letters of a forecasting centre's rivers, and a number.
_SECTION = re.compile(r"[A-Z]{2,3}\d{1,4}")
# A longer interval is a typing error.
LONGEST = timedelta(days=366)
Span = Annotated[timedelta, BeforeValidator(read_span), AfterValidator(_can_pass)]


class SourceSettings(BaseModel):
    """The settings of every source, whatever its kind.

    `title` is its name on the public pages. `publish` is how its alerts are handled; `urgent` the same for Severe or
    worse and Immediate ones. `speaks_for` names the other sources whose messages it may update and end.
    """

    # An input may be an address with a key in it: no error shows one.
    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid", hide_input_in_errors=True)

    kind: str
    insecure: bool = False
    title: str | None = Field(default=None, min_length=1, max_length=60, examples=["Météo-France"])
    publish: Publish = SourceRules.publish
    urgent: Publish | None = SourceRules.urgent
    veto: Span = SourceRules.veto
    severity: Severity = SourceRules.severity
    area: Literal["match", "any"] = SourceRules.area
    speaks_for: tuple[str, ...] = Field(default=(), examples=[["meteo"]])


class ManualSettings(SourceSettings):
    """`[sources.manual]`: the entries of duty officers; this source always exists."""

    kind: Literal["manual"] = "manual"


# Feeds ask for 30 to 120 s between two polls (feeds.md); a second is for a file, and for tests.
def _at_least_a_second(value: timedelta) -> timedelta:
    if value < timedelta(seconds=1):
        raise ValueError(because("source_oftener_than_a_second"))
    return value


Interval = Annotated[Span, AfterValidator(_at_least_a_second)]


def _a_department(value: str) -> str:
    if value not in DEPARTMENTS:
        raise ValueError(because("no_department", text=repr(value)))
    return value


def _without_end(value: str) -> str:
    return value.rstrip("/")


_ApiUrl = Annotated[str, Field(pattern=r"^https?://[^\s/]+"), AfterValidator(_without_end)]


def revealed(source: SecretSource, folder: Path) -> str:
    """Return a credential. Raises SourceFailed if it is missing, or can't be one."""
    try:
        return read_credential(source, folder).reveal()
    except BadCredential as error:
        raise SourceFailed(error.reason) from None


class AskedSettings(SourceSettings):
    """The settings of a source that is polled."""

    every: Interval = timedelta(seconds=60)
    timeout: Span = timedelta(seconds=10)
    allow_private: bool = False


class PolledSettings(AskedSettings):
    """The settings of a source with an address of its own, or a file."""

    url: str = Field(min_length=1, examples=["https://feeds.example/atom", "file.xml"])

    @field_validator("url")
    @classmethod
    def _is_a_file_or_not(cls, value: str) -> str:
        return LocalFile(value) if "://" not in value or urlsplit(value).scheme == "file" else value


class FeedSettings(BaseModel):
    """`[listening.feeds.…]`: the address of a feed of blogs or the press to listen to."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid", hide_input_in_errors=True)

    kind: Literal["rss"]
    url: str = Field(pattern=r"https?://[^\s/]+(/\S*)?", examples=["https://presse.example/saint-martin.xml"])
    every: Interval = ListeningFeed.every
    timeout: Span = timedelta(seconds=10)
    words: tuple[str, ...] = Field(default=(), max_length=50, examples=[["Saint-Martin-d'Uriage"]])
    without: tuple[str, ...] = Field(default=(), max_length=50, examples=[["Guadeloupe"]])
    allow_private: bool = False
    insecure: bool = False


class RssSettings(PolledSettings):
    """`kind = "rss"`: a site's RSS or Atom feed. What it says waits for an officer, whatever it says.

    `only` names the categories whose entries count, whatever their accents and case; none: all entries do.
    """

    kind: Literal["rss"]
    publish: Publish = "approve"
    only: tuple[str, ...] = Field(default=(), max_length=50, examples=[["Travaux"]])

    @field_validator("publish", "urgent")
    @classmethod
    def _waits(cls, value: Publish | None) -> Publish | None:
        # Anybody who writes for the site could alarm the town: a feed doesn't say which entry is an alert.
        if value not in ("approve", None):
            raise ValueError(because("rss_waits"))
        return value


def _is_sender(value: str) -> str:
    if not re.fullmatch(rf"{MAILBOX}|@{MAILBOX.partition('@')[2]}", value):
        raise ValueError(because("mailbox_no_sender", text=repr(value)))
    return value.lower()


class MailboxSettings(AskedSettings):
    """`kind = "mailbox"`: a folder of a mailbox, by IMAP. Its mails wait for an officer, whatever they say.

    `senders` are addresses, or `@domain` for all of one. `verified_by` is the name by which the town's own mail server
    signs its `Authentication-Results`.
    """

    kind: Literal["mailbox"]
    publish: Publish = "approve"
    every: Interval = timedelta(minutes=2)
    host: str = Field(pattern=r"^[A-Za-z0-9.:-]{1,253}$", examples=["imap.saint-martin.example"])
    port: int | None = Field(default=None, ge=1, le=65_535, examples=[993])
    tls: Literal["implicit", "starttls", "none"] = "implicit"
    user: str = Field(
        pattern=r"^[A-Za-z0-9!#$&'+,./:;=?@^_`|~-]{1,320}$", examples=["alertes-recues@saint-martin.example"]
    )
    password: SecretSource
    folder: str = Field(default="INBOX", pattern=r"^[ !#-&(-\[\]-~]{1,200}$", examples=["INBOX/Astreintes"])
    senders: tuple[Annotated[str, AfterValidator(_is_sender)], ...] = Field(
        min_length=1, max_length=100, examples=[["astreinte@eaux.example", "@energies.example"]]
    )
    verified_by: str = Field(pattern=r"^[A-Za-z0-9._-]{1,253}$", examples=["mx.saint-martin.example"])

    @field_validator("publish", "urgent")
    @classmethod
    def _waits(cls, value: Publish | None) -> Publish | None:
        if value not in ("approve", None):
            raise ValueError(because("mailbox_waits"))
        return value

    @property
    def imap_port(self) -> int:
        """The port of the server; by default the usual one for `tls`."""
        return self.port or (993 if self.tls == "implicit" else 143)

    @property
    def place(self) -> str:
        """The name of the folder with its account and server: the memory of another folder doesn't count for it."""
        return f"{self.user} {self.host}:{self.imap_port} {self.folder}"


class CapSettings(PolledSettings):
    """`kind = "cap"`: an Atom or RSS index of CAP messages, MeteoAlarm's or NINA's JSON, a ZIP, or one message."""

    kind: Literal["cap"]
    language: str | None = None


def _is_moment(value: str) -> str:
    parse_moment(value)
    return value


class IcalSettings(PolledSettings):
    """`kind = "ical"`: a works calendar."""

    kind: Literal["ical"]
    announce: tuple[Annotated[str, AfterValidator(_is_moment)], ...] = Field(
        default=("-1d", "start", "end"), min_length=1, examples=[["-1d", "start", "end"]]
    )


class AtmoSettings(AskedSettings):
    """`kind = "atmo"`: the air pollution episodes of a department, with the town's account at Atmo France.

    `zones` are the parts of the department that concern the town, by their names; none: all of it.
    """

    kind: Literal["atmo"]
    user: str = Field(min_length=1, max_length=200, examples=["mairie@saint-martin.example"])
    password: SecretSource
    department: Annotated[str, AfterValidator(_a_department)] = Field(examples=["38", "2A"])
    zones: tuple[str, ...] = Field(default=(), max_length=20, examples=[["Bassin grenoblois"]])
    api_url: _ApiUrl = "https://admindata.atmo-france.org"
    every: Interval = timedelta(minutes=30)


class VigilanceSettings(AskedSettings):
    """`kind = "vigilance"`: Météo-France's own map and bulletins, for one department, with the town's key.

    Yellow, which comes on several days a month, is read only where `severity` says so. `except` names phenomena to
    ignore, by their numbers: "4" is the floods that Vigicrues reports too.
    """

    model_config = ConfigDict(
        defer_build=True, frozen=True, extra="forbid", hide_input_in_errors=True, validate_by_alias=True
    )

    kind: Literal["vigilance"]
    severity: Severity = Severity.SEVERE
    key: SecretSource
    department: str = Field(examples=["38", "2A"])
    api_url: _ApiUrl = "https://public-api.meteofrance.fr/public/DPVigilance/v1"
    except_: tuple[Literal["1", "2", "3", "4", "5", "6", "7", "8", "9"], ...] = Field(
        default=(), alias="except", examples=[["4"]]
    )

    @field_validator("department")
    @classmethod
    def _is_on_the_map(cls, value: str) -> str:
        if value in OVERSEAS:
            raise ValueError(because("vigilance_overseas", department=value))
        return _a_department(value)


class VigicruesSettings(AskedSettings):
    """`kind = "vigicrues"`: the State's flood warnings for the `sections` of rivers that concern the town.

    As of Vigilance, yellow is read only where `severity` says so.

    `format` is the form of their feed: RSS of these sections, or the GeoJSON of all France, a hundred times as large.
    """

    kind: Literal["vigicrues"]
    severity: Severity = Severity.SEVERE
    sections: tuple[str, ...] = Field(min_length=1, max_length=50, examples=[["GA6", "TL3"]])
    format: Literal["rss", "geojson"] = "rss"
    api_url: _ApiUrl = "https://www.vigicrues.gouv.fr"
    every: Interval = timedelta(minutes=5)

    @field_validator("sections")
    @classmethod
    def _are_codes(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for each in value:
            if not _SECTION.fullmatch(each):
                raise ValueError(because("no_section", text=repr(each)))
        return tuple(dict.fromkeys(value))
