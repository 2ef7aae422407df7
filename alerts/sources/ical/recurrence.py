"""The occurrences of a recurring event within a window, bounded: a rule for every second must not hold up the town."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import recurring_ical_events
from icalendar import Calendar, Event

from alerts.sources.ical.budget import Budget
from alerts.sources.ical.occurrence import Occurrence
from alerts.sources.ical.rule_starts import RuleStarts
from alerts.sources.ical.settled_event import SettledEvent, as_list, to_occurrence
from alerts.sources.ical.times import time_told

MOST_RULES = 10
"""How many rules an event may have; RFC 5545 (section 3.8.5.3) wants one at the most."""

MOST_VERSIONS = 2000
"""How many times a UID may stand in a calendar: an event, and the occurrences of it that are told for themselves."""


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


def expand(events: Sequence[SettledEvent], window: Window, home: ZoneInfo, budget: Budget) -> list[Occurrence]:
    """The occurrences that `window` wants of the events of one UID: a single event, or a master and its overrides.

    Raises ValueError for a rule that can't be followed (whatever the expansion stumbles over is one), and OutOfTime.
    """
    if not any(each.recurs or each.overrides for each in events):
        newest = max(events, key=lambda each: each.sequence)
        return [each for each in [to_occurrence(newest.event, newest, home, "")] if window.wants(each)]
    master = next((each for each in events if not each.overrides), events[0])
    found = [to_occurrence(each, master, home, _recurrence_id(each)) for each in _recur(events, window, budget)]
    told = {each.recurrence_id for each in found}
    moved = [to_occurrence(each.event, each, home, _recurrence_id(each.event)) for each in events if each.overrides]
    return found + [each for each in moved if each.uid in window.watched and each.recurrence_id not in told]


def _recur(events: Sequence[SettledEvent], window: Window, budget: Budget) -> list[Event]:
    """One event per occurrence that touches the window, as recurring-ical-events makes them."""
    calendar = Calendar()
    calendar.subcomponents.extend(each.event for each in events)
    if any(len(as_list(each.event.get("RRULE"))) > MOST_RULES for each in events):
        raise ValueError(f"it has more than {MOST_RULES} rules: let it have one")
    try:
        query = recurring_ical_events.of(calendar)
        for series in query.series:
            _bound(series.recurrence, budget)
        found: list[Event] = query.between(window.start, window.stop)
    except (TypeError, KeyError, AttributeError, IndexError, OverflowError) as error:
        raise ValueError(f"its recurrence can't be followed ({error})") from error
    return found


def _bound(recurrence: Any, budget: Budget) -> None:
    """Put rules that know where to stop in the place of a series' own; the first of them is what isn't by rule."""
    if recurrence.has_core:
        dates, *rules = recurrence.rrules
        recurrence.rrules = [dates, *(RuleStarts(rule, recurrence.start, budget) for rule in rules)]


def _recurrence_id(event: Event) -> str:
    """The time that the rule gave the occurrence, in UTC; a date where the event has dates."""
    told: Any = event.get("RECURRENCE-ID")
    # What RANGE=THISANDFUTURE moved along carries the id of the override that did it: its own start tells them apart.
    moved_along = told.params.get("RANGE") == "THISANDFUTURE"
    value = time_told(event, "DTSTART" if moved_along else "RECURRENCE-ID")
    return f"{value.astimezone(UTC):%Y%m%dT%H%M%SZ}" if isinstance(value, datetime) else f"{value:%Y%m%d}"
