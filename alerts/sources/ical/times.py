"""The times of a calendar's events made plain: every TZID that exporters write, floating times, ends that are none.

RFC 5545, sections 3.2.19 (TZID), 3.3.5 (date-time: form 1 is floating, form 2 UTC, form 3 local) and 3.6.1 (DTEND).
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from icalendar import Event, Timezone, vDDDTypes
from icalendar.prop import vDDDLists
from icalendar.timezone import tzp
from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

from alerts.model.reason import Reason, because
from alerts.sources.ical.document import TIME_PROPERTIES
from alerts.sources.ical.rule_starts import Budget

ASSUMED_LENGTH = timedelta(hours=1)
"""How long a timed event is taken to last that has no end, or ends when or before it starts."""

EARLIEST, LATEST = 1600, 2900
"""The years within which an event must start and end; some exporters date what has no date to 1604."""

Times = date | datetime
_TZID = re.compile(r';TZID=("[^"]*"|[^";:]*)', re.IGNORECASE)
_IN_UTC = re.compile(r":[0-9TZ,]*Z$")


def settle_zone_names(lines: Iterable[str]) -> tuple[str, tuple[str, ...]]:
    """The event's text with every TZID naming one zone, and the names that no zone has: their times are floating.

    A TZID must not stand beside a time in UTC (3.2.19); where it does, the Z is what the writer computed.
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


def learn_zones(definitions: Iterable[str], budget: Budget) -> None:
    """Make known the zones that a calendar defines itself (VTIMEZONE), and none that another one did.

    icalendar's cache is the process's: call this and parse under one lock. A definition that can't be read is passed
    over: the times that name it are taken as floating, and say so. Stops when the budget is spent, as all reading does.
    """
    tzp.use_default()
    for text in definitions:
        if budget.spent:
            return
        with contextlib.suppress(ValueError, TypeError, KeyError, AttributeError, OverflowError):
            Timezone.from_ical(text)


def settle_times(event: Event, home: ZoneInfo, calendar_zone: ZoneInfo | None) -> list[Reason]:
    """Give every time of `event` a zone and the event an end after its start, in place; tells what was forgiven.

    Floating times are `calendar_zone`'s (X-WR-TIMEZONE) or `home`'s. Where the calendar names its zone, times in UTC
    are that zone's too, so that what repeats keeps its hour across a change of the clocks.
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
    starts = time_told(event, "DTSTART")
    ends = _told_end(event, starts)
    if ends is not None and isinstance(ends, datetime) is not isinstance(starts, datetime):
        starts, ends = _as_instant(starts, home), _as_instant(ends, home)
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


def _told_end(event: Event, starts: Times) -> Times | None:
    if "DTEND" in event:
        return time_told(event, "DTEND")
    if "DURATION" not in event:
        return None
    length: timedelta = _value(event, "DURATION").dt
    if isinstance(starts, datetime):
        return (starts.astimezone(UTC) + length).astimezone(starts.tzinfo)
    return starts + length if length >= timedelta(days=1) else None


def time_told(event: Event, name: str) -> Times:
    """The date or time of the event's property `name`, which it must have."""
    time: Times = _value(event, name).dt
    return time


def _value(event: Event, name: str) -> Any:
    return event.get(name)


def _as_instant(value: Times, home: ZoneInfo) -> datetime:
    return value if isinstance(value, datetime) else datetime.combine(value, time(0), home)


def as_instant(value: Times, home: ZoneInfo) -> datetime:
    """A date as its first moment in `home`; a time as the same instant in `home`."""
    return _as_instant(value, home).astimezone(home)
