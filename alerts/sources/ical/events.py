"""A calendar's body to its occurrences within a window: pure, and slow enough to belong into a thread."""

from __future__ import annotations

import hashlib
import threading
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from alerts.sources.ical.document import CalendarLines, EventLines, decode, read_calendars
from alerts.sources.ical.occurrence import Occurrence
from alerts.sources.ical.recurrence import Window, expand
from alerts.sources.ical.settled_event import read_event
from alerts.sources.ical.times import learn_zones, zone_called

MOST_OCCURRENCES = 2000
"""How many occurrences of a calendar are followed at once, the soonest first."""

_ONE_AT_A_TIME = threading.Lock()
"""icalendar keeps the zones that files define in one cache of the process: each calendar gets it empty, and alone."""


def window_around(now: datetime, watched: Iterable[str] = ()) -> Window:
    """A day back, for what has just ended, and sixty days ahead."""
    return Window(now - timedelta(days=1), now + timedelta(days=60), frozenset(watched))


@dataclass(frozen=True, slots=True)
class Flaw:
    """An event that could not be read: `key` names this version of it, `uid` whose it is where that can be told."""

    key: str
    uid: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class Agenda:
    """What a calendar says for a window: occurrences by start, the events that could not be read, and how far it goes.

    Absence means something only before `complete_until`, and only for a UID that isn't among the flaws.
    """

    occurrences: tuple[Occurrence, ...]
    flaws: tuple[Flaw, ...]
    window: Window
    complete_until: datetime

    def tells_absence(self, uid: str, starts: datetime, ends: datetime) -> bool:
        """Whether an occurrence of `uid` from `starts` to `ends` would be here if the calendar still had it."""
        unread = any(flaw.uid is None or flaw.uid == uid for flaw in self.flaws)
        return not unread and starts < self.complete_until and ends > self.window.start


def read_agenda(body: bytes, window: Window, home: ZoneInfo) -> Agenda:
    """Every occurrence that touches `window`, its times in `home`; Unreadable where `body` is no whole calendar."""
    calendars = read_calendars(decode(body))
    with _ONE_AT_A_TIME:
        found = [_read_calendar(calendar, window, home) for calendar in calendars]
    occurrences = sorted(
        (each for part, _ in found for each in part), key=lambda each: (each.starts, each.uid, each.recurrence_id)
    )
    flaws = tuple(flaw for _, part in found for flaw in part)
    kept = tuple(occurrences[:MOST_OCCURRENCES])
    complete_until = occurrences[MOST_OCCURRENCES].starts if len(occurrences) > MOST_OCCURRENCES else window.stop
    return Agenda(kept, flaws, window, complete_until)


def _read_calendar(calendar: CalendarLines, window: Window, home: ZoneInfo) -> tuple[list[Occurrence], list[Flaw]]:
    learn_zones(calendar.zones)
    calendar_zone = zone_called(calendar.properties.get("X-WR-TIMEZONE"))
    occurrences: list[Occurrence] = []
    flaws: list[Flaw] = []
    for versions in _by_uid(calendar.events, window):
        try:
            events = [read_event(lines, home, calendar_zone) for lines in versions]
            occurrences += expand(events, window, home)
        except ValueError as error:
            flaws.append(_flaw(versions[0], error))
    if calendar.properties.get("METHOD", "").upper() == "CANCEL":
        occurrences = [replace(each, status="CANCELLED") for each in occurrences]
    return occurrences, flaws


def _by_uid(events: Iterable[EventLines], window: Window) -> Iterable[list[EventLines]]:
    """The events of one UID together: a master and its overrides, in any order. Each without a UID is alone."""
    series: dict[str, list[EventLines]] = defaultdict(list)
    for number, lines in enumerate(events):
        series[lines.value("UID") or f"\n{number}"].append(lines)
    return [each for each in series.values() if len(each) > 1 or not _surely_outside(each[0], window)]


def _surely_outside(lines: EventLines, window: Window) -> bool:
    """Whether the event can be passed over unparsed: it doesn't recur, and its dates are days away from the window."""
    if lines.value("UID") in window.watched or any(lines.value(name) for name in ("RRULE", "RDATE", "DURATION")):
        return False
    starts, ends = lines.value("DTSTART") or "", lines.value("DTEND") or lines.value("DTSTART") or ""
    if not (starts[:8].isdigit() and ends[:8].isdigit()):
        return False
    margin = timedelta(days=2)
    first, last = f"{window.start - margin:%Y%m%d}", f"{window.stop + margin:%Y%m%d}"
    return max(starts[:8], ends[:8]) < first or min(starts[:8], ends[:8]) > last


def _flaw(lines: EventLines, error: ValueError) -> Flaw:
    key = hashlib.sha256("\n".join(lines.lines).encode()).hexdigest()[:16]
    title = lines.value("SUMMARY") or lines.value("UID") or "without a title"
    return Flaw(f"flaw-{key}", lines.value("UID"), f'the event "{title}" can\'t be read: {error}')
