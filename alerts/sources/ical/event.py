"""One VEVENT, parsed, with its times settled and its content in words (RFC 5545, sections 3.6.1, 3.8.1 and 3.8.4).

Exporters write times in more ways than the specification has: every kind of TZID (3.2.19), times without a zone, in UTC
with an extra zone (3.3.5: form 1 is floating, form 2 UTC, form 3 local), ends that are none. `read_event` settles all
that, or gives the reason in one sentence why it can't; the times of its result, a `SettledEvent`, need no further
checks.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from icalendar import Event, vDDDTypes
from icalendar.prop import vBroken, vDDDLists
from icalendar.timezone import tzp
from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

from alerts.model.alert import Point
from alerts.model.reason import Reason, because
from alerts.rendering.text import clean, clean_line
from alerts.sources.ical.occurrence import Occurrence, State

TIME_PROPERTIES = frozenset({"DTSTART", "DTEND", "RECURRENCE-ID", "RDATE", "EXDATE"})
MOST_DATES = 2000
"""How many single dates, added or left out, an event may have."""

MIDNIGHT = time(0)
# Properties that may occur only once.
_ONCE = ("DTSTART", "DTEND", "DURATION", "RECURRENCE-ID", "UID")
# A broken value in one of these makes the event unusable.
_INDISPENSABLE = ("DTSTART", "DTEND", "DURATION", "RECURRENCE-ID", "RRULE", "RDATE", "EXDATE")

ASSUMED_LENGTH = timedelta(hours=1)
"""How long a timed event is taken to last that has no end, or ends when or before it starts."""

EARLIEST, LATEST = 1600, 2900
"""The years within which an event must start and end; some exporters date what has no date to 1604."""

Times = date | datetime
_TZID = re.compile(r';TZID=("[^"]*"|[^";:]*)', re.IGNORECASE)
# A value of which all times end with Z.
_IN_UTC = re.compile(r":[0-9TZ,]*Z$")


@dataclass(frozen=True, slots=True)
class EventLines:
    """The unfolded lines of one VEVENT, BEGIN and END included; `flaw` says why they can't be an event."""

    lines: tuple[str, ...]
    flaw: Reason | None = None

    def value(self, name: str) -> str | None:
        """Return the property's raw value, escapes included. Returns None if it is missing or empty."""
        for line in self.lines:
            if line[: len(name)].upper() == name and line[len(name) : len(name) + 1] in (":", ";"):
                return line.partition(":")[2].strip() or None
        return None


@dataclass(frozen=True, slots=True)
class SettledEvent:
    """An event that can be expanded: DTSTART and a later DTEND of one kind, every time with a zone."""

    event: Event
    uid: str
    notes: tuple[Reason, ...]

    @property
    def recurs(self) -> bool:
        """True if it has a rule or further dates."""
        return "RRULE" in self.event or "RDATE" in self.event

    @property
    def overrides(self) -> bool:
        """True if it replaces one occurrence of another event."""
        return "RECURRENCE-ID" in self.event

    @property
    def sequence(self) -> int:
        """Its version (3.8.7.4); 0 if it has none."""
        return _sequence(self.event)


def read_event(lines: EventLines, home: ZoneInfo, calendar_zone: ZoneInfo | None) -> SettledEvent:
    """Parse and settle one VEVENT. Raises ValueError saying what is wrong with it."""
    if lines.flaw:
        raise ValueError(lines.flaw)
    # Counted before anything is parsed: each of 80,000 dates would become three objects.
    dates = sum(line.count(",") + 1 for line in lines.lines if line[:6].upper().startswith(("RDATE", "EXDATE")))
    if dates > MOST_DATES:
        raise ValueError(because("event_dates", count=dates, most=MOST_DATES))
    try:
        text, unknown = settle_zone_names(lines.lines)
        event: Any = Event.from_ical(text)
        _refuse_broken(event)
        notes = settle_times(event, home, calendar_zone)
    except (TypeError, KeyError, AttributeError, IndexError, OverflowError) as error:
        raise ValueError(because("event_misfit", said=error)) from error
    floating = (calendar_zone or home).key
    notes += [because("event_zone_unknown", zone=name, taken=floating) for name in unknown]
    uid = text_of(event, "UID")
    if not uid:
        uid = hashlib.sha256("\n".join(lines.lines).encode()).hexdigest()[:32]
        event.add("UID", uid)
        notes.append(because("event_no_uid"))
    return SettledEvent(event, uid, tuple(notes))


def _refuse_broken(event: Event) -> None:
    if "DTSTART" not in event:
        raise ValueError(because("event_no_start"))
    for name in _ONCE:
        if len(as_list(event.get(name))) > 1:
            raise ValueError(because("event_twice", name=name))
    for name in _INDISPENSABLE:
        if any(isinstance(each, vBroken) for each in as_list(event.get(name))):
            raise ValueError(because("event_broken", name=name, text=text_of(event, name)[:80]))


# --- what it says in words --------------------------------------------------------------------------------------------


def as_list(value: Any) -> list[Any]:
    """A property's values, whether the parser found none, one or several."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def text_of(event: Event, name: str) -> str:
    """A text property, its first value, trimmed; empty where there is none."""
    values = as_list(event.get(name))
    return str(values[0]).strip() if values else ""


def to_occurrence(event: Event, origin: SettledEvent, home: ZoneInfo, recurrence_id: str) -> Occurrence:
    """Return the occurrence of an event with settled times; `origin` is the one it was expanded from."""
    first = given_time(event, "DTSTART")
    starts, ends = as_instant(first, home), as_instant(given_time(event, "DTEND"), home)
    url = text_of(event, "URL")
    return Occurrence(
        uid=origin.uid,
        recurrence_id=recurrence_id,
        starts=starts,
        ends=ends,
        # Outlook writes a whole day as a time from midnight to midnight.
        all_day=not isinstance(first, datetime) or starts.time() == ends.time() == MIDNIGHT,
        summary=clean_line(text_of(event, "SUMMARY")),
        description=clean(text_of(event, "DESCRIPTION")),
        location=" ".join(text_of(event, "LOCATION").split()),
        # An address that a reader can open: an exporter's relative one is none.
        url=url if url.lower().startswith(("https://", "http://")) else "",
        categories=tuple(str(each) for value in as_list(event.get("CATEGORIES")) for each in value.cats),
        status=next((each for each in get_args(State) if each == text_of(event, "STATUS").upper()), "CONFIRMED"),
        sequence=_sequence(event),
        point=_point(event.get("GEO")),
        notes=origin.notes,
    )


def _sequence(event: Event) -> int:
    text = text_of(event, "SEQUENCE")
    return int(text) if text.isdigit() else 0


def _point(value: Any) -> Point | None:
    """GEO (3.8.1.6): latitude;longitude."""
    if value is None or isinstance(value, list | vBroken):
        return None
    point = (float(value.latitude), float(value.longitude))
    return point if abs(point[0]) <= 90 and abs(point[1]) <= 180 else None


# --- zones and times --------------------------------------------------------------------------------------------------


def settle_zone_names(lines: Iterable[str]) -> tuple[str, tuple[str, ...]]:
    """Return the event's text with every TZID naming one zone, and the unknown names: their times are floating.

    A TZID must not accompany a time in UTC (3.2.19); if it does, the Z is the writer's computed value.
    """
    settled: list[str] = []
    unknown: dict[str, None] = {}
    for line in lines:
        found = _TZID.search(line)
        if not found or re.split("[:;]", line, maxsplit=1)[0].upper() not in TIME_PROPERTIES:
            settled.append(line)
            continue
        name = _plain_name(found.group(1).strip('"'))
        known = _is_known(name)
        if not known:
            unknown[name] = None
        parameter = f';TZID="{name}"' if known and not _IN_UTC.search(line) else ""
        settled.append(line[: found.start()] + parameter + line[found.end() :])
    return "\r\n".join(settled), tuple(unknown)


def _is_known(name: str) -> bool:
    try:
        return tzp.timezone(name) is not None
    except (ValueError, OSError):  # OSError: a name that is a folder of the database, such as "Europe"
        return False


def _plain_name(tzid: str) -> str:
    """`/vendor/Europe/Paris` as `Europe/Paris`: the longest tail that is a zone; anything else as it is."""
    parts = tzid.strip("/").split("/")
    if not tzid.startswith("/"):
        return tzid
    for start in range(len(parts)):
        name = "/".join(parts[start:])
        if zone_called(name):
            return name
    return tzid


def zone_called(name: str | None) -> ZoneInfo | None:
    """The zone of that name in the tz database, or of that Windows name, else None."""
    try:
        return ZoneInfo(WINDOWS_TO_OLSON.get(name, name).strip("/")) if name else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def settle_times(event: Event, home: ZoneInfo, calendar_zone: ZoneInfo | None) -> list[Reason]:
    """Give every time of `event` a zone and the event an end after its start, in place; returns the errors forgiven.

    Floating times are `calendar_zone`'s (X-WR-TIMEZONE) or `home`'s. If the calendar names its zone, times in UTC are
    that zone's too, so that a repeating event keeps its hour across a change of the clocks.
    """
    floating = calendar_zone or home
    for name in TIME_PROPERTIES & event.keys():
        event[name] = _placed(event.get(name), floating, calendar_zone)
    return _settle_end(event, home)


def _placed(value: Any, floating: ZoneInfo, calendar_zone: ZoneInfo | None) -> Any:
    if isinstance(value, list):
        return [_placed(each, floating, calendar_zone) for each in value]
    if isinstance(value, vDDDLists):
        return vDDDLists([_with_zone(each.dt, floating, calendar_zone) for each in value.dts])
    placed = vDDDTypes(_with_zone(value.dt, floating, calendar_zone))
    placed.params = value.params
    return placed


def _with_zone(value: Any, floating: ZoneInfo, calendar_zone: ZoneInfo | None) -> Any:
    if not isinstance(value, datetime):  # a date, or an RDATE's period (3.3.9), which its event's zone settles
        return value
    if value.tzinfo is None:
        return value.replace(tzinfo=floating)
    if calendar_zone and value.tzname() == "UTC":
        return value.astimezone(calendar_zone)
    return value


def _settle_end(event: Event, home: ZoneInfo) -> list[Reason]:
    """Put a DTEND that is after DTSTART in the place of DTEND and DURATION."""
    starts = given_time(event, "DTSTART")
    ends = _given_end(event, starts)
    # A date and a time can't be compared.
    if ends is not None and isinstance(ends, datetime) is not isinstance(starts, datetime):
        starts, ends = _timed(starts, home), _timed(ends, home)
        event["DTSTART"] = vDDDTypes(starts)
    if not all(EARLIEST <= time.year < LATEST for time in (starts, ends or starts)):
        raise ValueError(because("event_beyond_reason", first=EARLIEST, last=LATEST))
    notes: list[Reason] = []
    if ends is None or ends <= starts:
        timed = isinstance(starts, datetime)
        ends = starts + (ASSUMED_LENGTH if timed else timedelta(days=1))
        notes += [because("event_assumed_end")] if timed else []
    event.pop("DURATION", None)
    event["DTEND"] = vDDDTypes(ends)
    return notes


def _given_end(event: Event, starts: Times) -> Times | None:
    if "DTEND" in event:
        return given_time(event, "DTEND")
    if "DURATION" not in event:
        return None
    duration: Any = event.get("DURATION")
    length: timedelta = duration.dt
    # A duration is time that passes (3.3.6): across a change of the clocks it is not the same on the wall.
    if isinstance(starts, datetime):
        return (starts.astimezone(UTC) + length).astimezone(starts.tzinfo)
    return starts + length if length >= timedelta(days=1) else None


def given_time(event: Event, name: str) -> Times:
    """The date or time of the event's property `name`, which it must have."""
    value: Any = event.get(name)
    time: Times = value.dt
    return time


def _timed(value: Times, home: ZoneInfo) -> datetime:
    return value if isinstance(value, datetime) else datetime.combine(value, MIDNIGHT, home)


def as_instant(value: Times, home: ZoneInfo) -> datetime:
    """A date as its first moment in `home`; a time as the same instant in `home`."""
    return _timed(value, home).astimezone(home)
