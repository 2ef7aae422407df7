"""Alerts in the vocabulary of OASIS CAP 1.2 (section 3.2, the data dictionary).

Every source produces these types, and so does a manual entry. They are frozen: an update is another alert. Times are
timezone-aware; lengths are kilometres (circle) and feet (altitude, ceiling), as in CAP. The store and the exports keep
an alert as one line of JSON (`alert_to_json`) that omits fields at their default.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from alerts.model.plain import plain, shaped
from alerts.model.remembered import Remembered

ENDS_BY = "tocsin:end"
"""The parameter of our own messages that says what CAP has no word for: that an alert was `CORRECTED` by its Cancel,
that an end is no more than the `PLANNED` one, that an alert runs out `QUIET`."""
CORRECTED, PLANNED, QUIET = "corrected", "planned", "quiet"

LIFE_PARAMETER = "tocsin:life"
"""The parameter of our own messages without an end that says until when they hold; readers aren't told that time."""
STEP_PARAMETER = "tocsin:step"
"""The parameter of the works calendar that says why a message is sent now: `before`, `start`, `end`, `moved`, `again`,
`cancelled` or `withdrawn`."""
SERIES_PARAMETER = "tocsin:series"
"""How an entry of the works calendar repeats, as JSON."""
CLUSTER_PARAMETER = "tocsin:cluster"
"""The parameter of a draft that says of which kind, around which place and within how many metres its reports are."""
CHANGE_PARAMETER = "tocsin:change"
"""The parameter with the changes that readers of the works calendar don't know yet, as JSON."""
EVENT_NAME = "tocsin-event:"
"""Prefix of the name in `incidents` that identifies the event a message is about.

Two messages with the same name are about one event, whatever their source, words and areas.
"""
ALL_DAY_PARAMETER = "tocsin:all-day"
"""A parameter with the value "true" where only the days count, not the hours."""


class Status(StrEnum):
    """How the message is to be handled (CAP 3.2.1 `status`)."""

    ACTUAL = "Actual"
    EXERCISE = "Exercise"
    SYSTEM = "System"
    TEST = "Test"
    DRAFT = "Draft"


class MsgType(StrEnum):
    """The action of the message (CAP 3.2.1 `msgType`)."""

    ALERT = "Alert"
    UPDATE = "Update"
    CANCEL = "Cancel"
    ACK = "Ack"
    ERROR = "Error"


class Scope(StrEnum):
    """The intended audience of the message (CAP 3.2.1 `scope`); only `Public` is ever published."""

    PUBLIC = "Public"
    RESTRICTED = "Restricted"
    PRIVATE = "Private"


class Category(StrEnum):
    """The kind of event (CAP 3.2.2 `category`)."""

    GEO = "Geo"
    MET = "Met"
    SAFETY = "Safety"
    SECURITY = "Security"
    RESCUE = "Rescue"
    FIRE = "Fire"
    HEALTH = "Health"
    ENV = "Env"
    TRANSPORT = "Transport"
    INFRA = "Infra"
    CBRNE = "CBRNE"
    OTHER = "Other"


class ResponseType(StrEnum):
    """The action recommended to people, as a code (CAP 3.2.2 `responseType`)."""

    SHELTER = "Shelter"
    EVACUATE = "Evacuate"
    PREPARE = "Prepare"
    EXECUTE = "Execute"
    AVOID = "Avoid"
    MONITOR = "Monitor"
    ASSESS = "Assess"
    ALL_CLEAR = "AllClear"
    NONE = "None"


class Urgency(StrEnum):
    """How soon to act (CAP 3.2.2 `urgency`), most urgent first."""

    IMMEDIATE = "Immediate"
    EXPECTED = "Expected"
    FUTURE = "Future"
    PAST = "Past"
    UNKNOWN = "Unknown"


class Severity(StrEnum):
    """How grave (CAP 3.2.2 `severity`), gravest first."""

    EXTREME = "Extreme"
    SEVERE = "Severe"
    MODERATE = "Moderate"
    MINOR = "Minor"
    UNKNOWN = "Unknown"

    @property
    def rank(self) -> int:
        """4 for Extreme down to 0 for Unknown."""
        return _SEVERITY_RANK[self]

    def at_least(self, other: Severity) -> bool:
        """True if this is as grave as `other` or graver; Unknown is below everything but itself."""
        return self.rank >= other.rank


# The enum's order is CAP's: from Extreme down to Unknown.
_SEVERITY_RANK = {severity: 4 - place for place, severity in enumerate(Severity)}


class Certainty(StrEnum):
    """How sure (CAP 3.2.2 `certainty`), surest first."""

    OBSERVED = "Observed"
    LIKELY = "Likely"
    POSSIBLE = "Possible"
    UNLIKELY = "Unlikely"
    UNKNOWN = "Unknown"


@dataclass(frozen=True, slots=True)
class Reference:
    """One `sender,identifier,sent` triple of CAP's `references`: an earlier message."""

    sender: str
    identifier: str
    sent: datetime


@dataclass(frozen=True, slots=True)
class NamedValue:
    """A `valueName`/`value` pair: CAP's eventCode, parameter and geocode."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Resource:
    """A file attached to the message (CAP 3.2.3): a picture, a map. `size` is in bytes."""

    description: str
    mime_type: str
    uri: str | None = None
    size: int | None = None
    deref_uri: str | None = None
    digest: str | None = None


Point = tuple[float, float]
"""A WGS 84 point as CAP writes it: (latitude, longitude), in degrees."""


@dataclass(frozen=True, slots=True)
class Circle:
    """A circle of `radius` kilometres around `centre`; a radius of 0 is an epicentre, not an area."""

    centre: Point
    radius: float


@dataclass(frozen=True, slots=True)
class Area:
    """Where (CAP 3.2.4): words, and any number of rings, circles and geocodes. A ring is closed: first point = last."""

    description: str
    polygons: tuple[tuple[Point, ...], ...] = ()
    circles: tuple[Circle, ...] = ()
    geocodes: tuple[NamedValue, ...] = ()
    altitude: float | None = None
    ceiling: float | None = None


@dataclass(frozen=True, slots=True)
class Info:
    """The content of the message in one language (CAP 3.2.2)."""

    event: str
    urgency: Urgency = Urgency.UNKNOWN
    severity: Severity = Severity.UNKNOWN
    certainty: Certainty = Certainty.UNKNOWN
    categories: tuple[Category, ...] = (Category.OTHER,)
    language: str = "en-US"
    response_types: tuple[ResponseType, ...] = ()
    audience: str | None = None
    event_codes: tuple[NamedValue, ...] = ()
    effective: datetime | None = None
    onset: datetime | None = None
    expires: datetime | None = None
    sender_name: str | None = None
    headline: str | None = None
    description: str | None = None
    instruction: str | None = None
    web: str | None = None
    contact: str | None = None
    parameters: tuple[NamedValue, ...] = ()
    resources: tuple[Resource, ...] = ()
    areas: tuple[Area, ...] = ()

    def parameter(self, name: str) -> str | None:
        """The first value of the parameter called `name`, else None."""
        for pair in self.parameters:
            if pair.name == name:
                return pair.value
        return None


MOST_REMEMBERED = 8 * 1_048_576
"""Bytes of alerts of which is remembered how they are written down; so much for each thing that is remembered."""

LIFE_WITHOUT_EXPIRY = timedelta(hours=24)
"""How long an alert without an expiry counts as current."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One message (CAP 3.2.1). Its identity is (sender, identifier, sent)."""

    identifier: str
    sender: str
    sent: datetime
    status: Status = Status.ACTUAL
    msg_type: MsgType = MsgType.ALERT
    scope: Scope = Scope.PUBLIC
    source: str | None = None
    restriction: str | None = None
    addresses: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    note: str | None = None
    references: tuple[Reference, ...] = ()
    incidents: tuple[str, ...] = ()
    infos: tuple[Info, ...] = field(default=())

    def info_for(self, language: str) -> Info | None:
        """The info in `language`: exact tag, then its plain primary subtag, then any variety of it, else the first.

        `de-LS` (easy-read German) is why a plain `de` or `de-DE` is preferred before another variety. None when the
        message has no info at all, as a Cancel may.
        """
        wanted = language.lower()
        primary = wanted.split("-", 1)[0]
        tags = [info.language.lower() for info in self.infos]
        for match in (
            lambda tag: tag == wanted,
            lambda tag: tag in (primary, f"{primary}-{primary}"),
            lambda tag: tag.split("-", 1)[0] == primary,
        ):
            for tag, info in zip(tags, self.infos, strict=True):
                if match(tag):
                    return info
        return self.infos[0] if self.infos else None

    @property
    def severity(self) -> Severity:
        """The gravest severity of any info."""
        return max((info.severity for info in self.infos), key=lambda s: s.rank, default=Severity.UNKNOWN)

    @property
    def urgency(self) -> Urgency:
        """The most pressing urgency of any info."""
        order = list(Urgency)
        return min((info.urgency for info in self.infos), key=order.index, default=Urgency.UNKNOWN)

    @property
    def starts(self) -> datetime:
        """When it starts to matter: onset, else effective, else sent."""
        times = [info.onset or info.effective for info in self.infos]
        return min((time for time in times if time), default=self.sent)

    @property
    def repeats(self) -> bool:
        """True if it is a series of the works calendar, which ends with its last date and is mostly not on before."""
        return any(info.parameter(SERIES_PARAMETER) for info in self.infos)

    @property
    def expires(self) -> datetime | None:
        """The latest `expires` of any info; None if no info has one."""
        return max((info.expires for info in self.infos if info.expires), default=None)

    @property
    def ends(self) -> datetime:
        """When it is over: the latest of `expires`, the event's end and its `LIFE_PARAMETER`, else a day after `sent`.

        CAP's `expires` ends the message, which some senders (NWS) let run out before the event does; they give the
        event's end as the parameter `eventEndingTime`.
        """
        named = (info.parameter(name) for info in self.infos for name in ("eventEndingTime", LIFE_PARAMETER))
        times = [self.expires, *map(_time, named)]
        return max((time for time in times if time), default=self.sent + LIFE_WITHOUT_EXPIRY)

    @property
    def areas(self) -> tuple[Area, ...]:
        """The areas of every info, each once, in order."""
        return tuple(dict.fromkeys(area for info in self.infos for area in info.areas))


def _time(text: str | None) -> datetime | None:
    try:
        time = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    # Without a zone nobody knows which hour it means.
    return time if time.tzinfo else None


def alert_to_json(alert: Alert) -> str:
    """The alert as one line of JSON, its keys those of the dataclasses."""
    return _written(alert)


def alert_from_json(text: str) -> Alert:
    """The alert that `alert_to_json` wrote; equal to it."""
    return _read(text)


def size_of(alert: Alert) -> int:
    """About how many bytes an alert takes, of which corners of outlines take most."""
    return 4000 + sum(map(size_of_info, alert.infos))


def size_of_info(info: Info) -> int:
    """The same of one of its infos."""
    return 4000 + 130 * sum(len(ring) for area in info.areas for ring in area.polygons)


def _write(alert: Alert) -> str:
    return json.dumps(plain(alert), ensure_ascii=False, separators=(",", ":"))


def _read_json(text: str) -> Alert:
    alert: Alert = shaped(Alert)(json.loads(text))
    return alert


_written = Remembered(_write, size_of, MOST_REMEMBERED)
_read = Remembered(_read_json, lambda text: 4000 + 8 * len(text), MOST_REMEMBERED, key=str)
