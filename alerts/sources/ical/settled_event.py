"""One VEVENT, parsed, its times settled; and what it says in words (RFC 5545, sections 3.8.1 and 3.8.4)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any, get_args
from zoneinfo import ZoneInfo

from icalendar import Event
from icalendar.prop import vBroken

from alerts.model.alert import Point
from alerts.model.reason import Reason, because
from alerts.rendering.text import clean, clean_line
from alerts.sources.ical.document import EventLines
from alerts.sources.ical.occurrence import Occurrence, State
from alerts.sources.ical.times import as_instant, settle_times, settle_zone_names, time_told

MOST_DATES = 2000
"""How many single dates, added or left out, an event may have."""

MIDNIGHT = time(0)
_ONCE = ("DTSTART", "DTEND", "DURATION", "RECURRENCE-ID", "UID")
_INDISPENSABLE = ("DTSTART", "DTEND", "DURATION", "RECURRENCE-ID", "RRULE", "RDATE", "EXDATE")


@dataclass(frozen=True, slots=True)
class SettledEvent:
    """An event that can be expanded: DTSTART and a later DTEND of one kind, every time with a zone."""

    event: Event
    uid: str
    notes: tuple[Reason, ...]

    @property
    def recurs(self) -> bool:
        """Whether it has a rule or further dates."""
        return "RRULE" in self.event or "RDATE" in self.event

    @property
    def overrides(self) -> bool:
        """Whether it stands for one occurrence of another event."""
        return "RECURRENCE-ID" in self.event

    @property
    def sequence(self) -> int:
        """Its version (3.8.7.4); 0 where none is told."""
        return _sequence(self.event)


def read_event(lines: EventLines, home: ZoneInfo, calendar_zone: ZoneInfo | None) -> SettledEvent:
    """Parse and settle one VEVENT. Raises ValueError saying what is wrong with it."""
    if lines.flaw:
        raise ValueError(lines.flaw)
    _refuse_many_dates(lines)
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


def _refuse_many_dates(lines: EventLines) -> None:
    dates = sum(line.count(",") + 1 for line in lines.lines if line[:6].upper().startswith(("RDATE", "EXDATE")))
    if dates > MOST_DATES:
        raise ValueError(because("event_dates", count=dates, most=MOST_DATES))


def _refuse_broken(event: Event) -> None:
    if "DTSTART" not in event:
        raise ValueError(because("event_no_start"))
    for name in _ONCE:
        if len(as_list(event.get(name))) > 1:
            raise ValueError(because("event_twice", name=name))
    for name in _INDISPENSABLE:
        if any(isinstance(each, vBroken) for each in as_list(event.get(name))):
            raise ValueError(because("event_broken", name=name, text=text_of(event, name)[:80]))


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
    """What an event with settled times says; `origin` is the one it was expanded from."""
    first = time_told(event, "DTSTART")
    starts, ends = as_instant(first, home), as_instant(time_told(event, "DTEND"), home)
    return Occurrence(
        uid=origin.uid,
        recurrence_id=recurrence_id,
        starts=starts,
        ends=ends,
        # Outlook writes a whole day as a time from midnight to midnight.
        all_day=not isinstance(first, datetime) or starts.time() == ends.time() == MIDNIGHT,
        summary=" ".join(clean_line(text_of(event, "SUMMARY")).split()),
        description=clean(text_of(event, "DESCRIPTION")),
        location=" ".join(text_of(event, "LOCATION").split()),
        url=_web_address(text_of(event, "URL")),
        categories=tuple(str(each) for value in as_list(event.get("CATEGORIES")) for each in value.cats),
        status=_status(text_of(event, "STATUS").upper()),
        sequence=_sequence(event),
        point=_point(event.get("GEO")),
        notes=origin.notes,
    )


def _status(text: str) -> State:
    return next((state for state in get_args(State) if state == text), "CONFIRMED")


def _sequence(event: Event) -> int:
    text = text_of(event, "SEQUENCE")
    return int(text) if text.isdigit() else 0


def _web_address(text: str) -> str:
    """An address that a reader can open; an exporter's relative one is none."""
    return text if text.lower().startswith(("https://", "http://")) else ""


def _point(value: Any) -> Point | None:
    """GEO (3.8.1.6): latitude;longitude."""
    if value is None or isinstance(value, list | vBroken):
        return None
    point = (float(value.latitude), float(value.longitude))
    return point if abs(point[0]) <= 90 and abs(point[1]) <= 180 else None
