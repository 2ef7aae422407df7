"""The occurrences of a recurring event within a window, bounded: a rule for every second must not hold up the town."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import recurring_ical_events
from icalendar import Calendar, Event

from alerts.sources.ical.occurrence import Occurrence
from alerts.sources.ical.settled_event import SettledEvent, as_list, to_occurrence
from alerts.sources.ical.times import time_told

MOST_STEPS = 100_000
"""How many times a rule may be tried from its start to the end of the window; a daily one from 1753 on."""

MOST_SEEN = 2000
"""How many occurrences one rule may have within the window; an hourly one has 1464."""

_STEP = {
    "YEARLY": timedelta(days=365),
    "MONTHLY": timedelta(days=28),
    "WEEKLY": timedelta(days=7),
    "DAILY": timedelta(days=1),
    "HOURLY": timedelta(hours=1),
    "MINUTELY": timedelta(minutes=1),
    "SECONDLY": timedelta(seconds=1),
}
_WITHIN_A_DAY = ("HOURLY", "MINUTELY", "SECONDLY")


@dataclass(frozen=True, slots=True)
class Window:
    """From when to when (aware) occurrences are wanted. What is `watched` (UIDs) is wanted wherever it moved to."""

    start: datetime
    stop: datetime
    watched: frozenset[str] = frozenset()

    def wants(self, occurrence: Occurrence) -> bool:
        """Whether the occurrence touches the window, or is watched."""
        touches = occurrence.starts < self.stop and occurrence.ends > self.start
        return touches or occurrence.uid in self.watched


def expand(events: Sequence[SettledEvent], window: Window, home: ZoneInfo) -> list[Occurrence]:
    """The occurrences that `window` wants of the events of one UID: a single event, or a master and its overrides.

    Raises ValueError for a rule that can't be followed; whatever the expansion stumbles over is one.
    """
    if not any(each.recurs or each.overrides for each in events):
        newest = max(events, key=lambda each: each.sequence)
        return [each for each in [to_occurrence(newest.event, newest, home, "")] if window.wants(each)]
    master = next((each for each in events if not each.overrides), events[0])
    found = [to_occurrence(each, master, home, _recurrence_id(each)) for each in _recur(events, window)]
    told = {each.recurrence_id for each in found}
    moved = [to_occurrence(each.event, each, home, _recurrence_id(each.event)) for each in events if each.overrides]
    return found + [each for each in moved if each.uid in window.watched and each.recurrence_id not in told]


def _recur(events: Sequence[SettledEvent], window: Window) -> list[Event]:
    """One event per occurrence that touches the window, as recurring-ical-events makes them."""
    calendar = Calendar()
    calendar.subcomponents.extend(each.event for each in events)
    try:
        for each in events:
            for rule in as_list(each.event.get("RRULE")):
                _check(rule, time_told(each.event, "DTSTART"), window)
        found: list[Event] = recurring_ical_events.of(calendar).between(window.start, window.stop)
    except (TypeError, KeyError, AttributeError, IndexError, OverflowError) as error:
        raise ValueError(f"its recurrence can't be followed ({error})") from error
    return found


def _recurrence_id(event: Event) -> str:
    """The time that the rule gave the occurrence, in UTC; a date where the event has dates."""
    told: Any = event.get("RECURRENCE-ID")
    # What RANGE=THISANDFUTURE moved along carries the id of the override that did it: its own start tells them apart.
    moved_along = told.params.get("RANGE") == "THISANDFUTURE"
    value = time_told(event, "DTSTART" if moved_along else "RECURRENCE-ID")
    return f"{value.astimezone(UTC):%Y%m%dT%H%M%SZ}" if isinstance(value, datetime) else f"{value:%Y%m%d}"


def _check(rule: Any, first: date, window: Window) -> None:
    """Raise ValueError where the rule would be tried too often, whatever it yields.

    A filter on a rule finer than a day may never be met, and the search would run to the year 9999.
    """
    frequency = str(rule["FREQ"][0]).upper()
    if frequency in _WITHIN_A_DAY and any(part.upper().startswith("BY") for part in rule):
        raise ValueError(f"its rule (FREQ={frequency} with BY…) is finer than a calendar needs: let it repeat daily")
    begins = first if isinstance(first, datetime) else datetime(first.year, first.month, first.day, tzinfo=UTC)
    interval = _number(rule.get("INTERVAL"), 1)
    if interval < 1:  # dateutil would never come back from it
        raise ValueError(f"its rule has INTERVAL={interval}: allowed are 1 and more (RFC 5545, section 3.3.10)")
    step = _STEP[frequency] * interval
    each_step = _product(len(rule.get(part, [0])) for part in ("BYHOUR", "BYMINUTE", "BYSECOND"))
    steps = max(0, (window.stop - begins) // step)
    steps = min(steps, _number(rule.get("COUNT"), steps))
    seen = min(steps, (window.stop - window.start) // min(step, timedelta(days=1)))
    if steps * each_step > MOST_STEPS or seen * each_step > MOST_SEEN:
        raise ValueError(f"its rule (FREQ={frequency}) repeats too often to be followed: let it repeat less")


def _number(values: Any, default: int) -> int:
    return int(as_list(values)[0]) if as_list(values) else default


def _product(numbers: Iterable[int]) -> int:
    result = 1
    for number in numbers:
        result *= max(1, number)
    return result
