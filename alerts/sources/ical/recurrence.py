"""The occurrences of one UID's events within a window, and their repetition: bounded, so that no rule runs away.

recurring-ical-events combines a series' rules, dates, exceptions and overrides; dateutil follows each rule (RFC 5545,
section 3.3.10) from its start on. It searches a rule that is never met up to the year 9999, and checks UNTIL only when
the rule is met. So `RuleStarts` replaces dateutil's rule: it refuses absurd ones, follows no rule further than needed,
counts its steps and ends the search after them.
"""

from __future__ import annotations

import contextlib
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import chain
from typing import Any
from zoneinfo import ZoneInfo

import recurring_ical_events
from icalendar import Calendar, Event

from alerts.model.reason import because
from alerts.sources.ical.event import SettledEvent, as_instant, as_list, given_time, to_occurrence
from alerts.sources.ical.occurrence import Occurrence, Series

MOST_RULES = 10
"""How many rules an event may have; RFC 5545 (section 3.8.5.3) wants one at the most."""

MOST_VERSIONS = 2000
"""How often a UID may occur in a calendar: an event, and the occurrences that have entries of their own."""

# How far ahead the days that a series leaves out are looked at.
_PLANNED = timedelta(days=400)

_WEEK = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
# Parts of a rule that say when it ends or how often, but not on which days.
_NOT_THE_RHYTHM = ("COUNT", "UNTIL", "WKST", "INTERVAL")

MOST_STEPS = 100_000
"""How many times a rule may be tried, and met, from its start on; a daily one from 1753 on."""

MOST_SEEN = 2000
"""How many times a rule may be met within what is asked for; an hourly one is 1464 times in the window."""

FORESEEABLE = timedelta(days=5 * 366)
"""A rule that is met beyond this, counted from its start, is taken as one without an end."""

_STEP = {
    "YEARLY": timedelta(days=365),
    "MONTHLY": timedelta(days=28),
    "WEEKLY": timedelta(days=7),
    "DAILY": timedelta(days=1),
    "HOURLY": timedelta(hours=1),
    "MINUTELY": timedelta(minutes=1),
    "SECONDLY": timedelta(seconds=1),
}
# Frequencies that could have thousands of dates in a window.
_WITHIN_A_DAY = ("HOURLY", "MINUTELY", "SECONDLY")
# The longest day of a month in any year; the others have 31.
_SHORT_MONTHS = {2: 29, 4: 30, 6: 30, 9: 30, 11: 30}


@dataclass(frozen=True, slots=True)
class Window:
    """From when to when (aware) occurrences are wanted. What is `watched` (UIDs) is wanted wherever it moved to."""

    start: datetime
    stop: datetime
    watched: frozenset[str] = frozenset()

    def wants(self, occurrence: Occurrence) -> bool:
        """True if the occurrence touches the window, or is watched."""
        touches = occurrence.starts < self.stop and occurrence.ends > self.start
        return touches or occurrence.uid in self.watched


def in_force(events: Sequence[SettledEvent]) -> tuple[list[list[SettledEvent]], list[SettledEvent]]:
    """The entries of one UID: the one that repeats with its overrides, others alone; and the older versions.

    An entry is an older version where another of its kind (or of its RECURRENCE-ID) has a higher SEQUENCE (3.8.7.4).
    Those of one SEQUENCE that say the same are one; those that don't are different entries that share a UID wrongly.
    """
    if len(events) == 1:
        return [list(events)], []
    kinds: dict[str, list[SettledEvent]] = defaultdict(list)
    for each in events:
        kinds[_recurrence_id(each.event) if each.overrides else ""].append(each)
    newest = {kind: max(each.sequence for each in versions) for kind, versions in kinds.items()}
    current: list[SettledEvent] = []
    older: list[SettledEvent] = []
    for kind, versions in kinds.items():
        alike: dict[bytes, SettledEvent] = {each.event.to_ical(): each for each in versions}
        for number, each in enumerate(reversed(alike.values())):
            replaced = each.sequence < newest[kind] or (kind and number)
            (older if replaced else current).append(each)
    overrides = [each for each in current if each.overrides]
    masters = [each for each in reversed(current) if not each.overrides]
    # Overrides belong to the one that repeats. Of entries that share a UID by mistake it isn't always the last.
    masters.sort(key=lambda each: not each.recurs)
    if not masters:
        return [overrides], older
    return [[masters[0], *overrides], *([each] for each in masters[1:])], older


def expand(events: Sequence[SettledEvent], window: Window, home: ZoneInfo) -> list[Occurrence]:
    """The occurrences that `window` wants of a single event, or of a master and its overrides.

    A series that is watched and has nothing on in the window is followed to its next date: it isn't over.

    Raises ValueError for a rule that can't be followed (whatever the expansion fails at is one).
    """
    if not any(each.recurs or each.overrides for each in events):
        return [each for each in [to_occurrence(events[0].event, events[0], home, "")] if window.wants(each)]
    master = next((each for each in events if not each.overrides), events[0])
    whole = to_occurrence(master.event, master, home, "")
    components, rules = _recur(events, window.start, window.stop)
    is_on = any(str(each.get("STATUS", "")).upper() != "CANCELLED" for each in components)
    if master.uid in window.watched and whole.status != "CANCELLED" and not is_on:
        components, _ = _recur(events, window.start, window.start + _PLANNED)
    found = [to_occurrence(each, master, home, _recurrence_id(each)) for each in components]
    # A date that was moved out of the window isn't found there, and would look as if it had been called off.
    overridden = {each.recurrence_id for each in found}
    moved = [to_occurrence(each.event, each, home, _recurrence_id(each.event)) for each in events if each.overrides]
    found += [each for each in moved if each.uid in window.watched and each.recurrence_id not in overridden]
    series = _series(master, events, rules, window, home)
    if series is None:
        return found
    return [replace(each, series=series) if _is_of(each, whole) else each for each in found]


def _is_of(one: Occurrence, whole: Occurrence) -> bool:
    """True if an occurrence is announced with its series: one with its own title or place is announced separately."""
    return one.status == "CANCELLED" or (one.summary, one.location) == (whole.summary, whole.location)


def _recur(events: Sequence[SettledEvent], start: datetime, stop: datetime) -> tuple[list[Event], list[RuleStarts]]:
    """One event per occurrence from `start` to `stop`, as recurring-ical-events makes them; and the rules."""
    calendar = Calendar()
    calendar.subcomponents.extend(each.event for each in events)
    if any(len(as_list(each.event.get("RRULE"))) > MOST_RULES for each in events):
        raise ValueError(because("event_rules", most=MOST_RULES))
    try:
        query = recurring_ical_events.of(calendar)
        rules = list(chain.from_iterable(_bound(series.recurrence) for series in query.series))
        found: list[Event] = query.between(start, stop)
    except (TypeError, KeyError, AttributeError, IndexError, OverflowError) as error:
        raise ValueError(because("event_recurrence", said=error)) from error
    return found, rules


def _bound(recurrence: Any) -> list[RuleStarts]:
    """Put rules that know where to stop in the place of a series' own; the first of them is what isn't by rule."""
    if not recurrence.has_core:
        return []
    dates, *rules = recurrence.rrules
    bounded = [RuleStarts(rule, recurrence.start) for rule in rules]
    recurrence.rrules = [dates, *bounded]
    return bounded


def _recurrence_id(event: Event) -> str:
    """The time that the rule gave the occurrence, in UTC; a date where the event has dates."""
    # What RANGE=THISANDFUTURE moved along carries the id of the override that did it: its own start tells them apart.
    value = given_time(event, "DTSTART" if _moves_along(event) else "RECURRENCE-ID")
    return f"{value.astimezone(UTC):%Y%m%dT%H%M%SZ}" if isinstance(value, datetime) else f"{value:%Y%m%d}"


def _moves_along(event: Event) -> bool:
    value: Any = event.get("RECURRENCE-ID")
    return value is not None and value.params.get("RANGE") == "THISANDFUTURE"


def _series(
    master: SettledEvent, events: Iterable[SettledEvent], rules: Sequence[RuleStarts], window: Window, home: ZoneInfo
) -> Series | None:
    """Return the repetition of an event. Returns None if each occurrence is announced separately.

    That is a yearly event, one that repeats within a day, and one that changes its rhythm on the way (THISANDFUTURE).
    """
    rhythms = [_rhythm(rule) for rule in rules]
    if not master.recurs or None in rhythms or any(_moves_along(each.event) for each in events):
        return None
    starts, ends = (as_instant(given_time(master.event, name), home) for name in ("DTSTART", "DTEND"))
    added = {_day(each, home) for each in _dates(master.event, "RDATE")}
    if not rules:
        added.add(starts.date())
    lasts = [rule.last() for rule in rules]
    last = None if None in lasts else max([*added, *(_day(each, home) for each in lasts if each)])
    first_day, last_day = window.start.astimezone(home).date(), (window.start + _PLANNED).astimezone(home).date()
    # Exceptions that are over, or far ahead, say nothing to readers; some calendars keep years of them.
    off = {day for each in _dates(master.event, "EXDATE") if first_day <= (day := _day(each, home)) <= last_day}
    if last is not None and last == min([*added, starts.date()]):
        return None
    # The latest first: the rule is walked that far once, and the earlier days are looked up in what was found.
    off_days = [day for day in sorted(off, reverse=True) if day in added or _meets(rules, day, home)]
    return Series(
        rule="+".join(sorted(filter(None, rhythms))),
        opens=starts.time(),
        length=ends - starts,
        last=last,
        off=tuple(sorted(off_days)),
        extra=tuple(sorted(day for day in added if day >= first_day)),
    )


def _rhythm(rule: RuleStarts) -> str | None:
    """The rule in one fixed spelling, with what its start implies, without its end; None for what isn't a series."""
    said = {name: value for name, value in rule.parts.items() if name not in _NOT_THE_RHYTHM}
    if said["FREQ"] not in ("DAILY", "WEEKLY", "MONTHLY"):
        return None
    interval = int(rule.parts.get("INTERVAL", 1))
    if said["FREQ"] == "DAILY" and "BYDAY" in said and interval == 1:
        said["FREQ"] = "WEEKLY"
    if said["FREQ"] == "WEEKLY":
        days = said.get("BYDAY", _WEEK[rule.first.weekday()]).split(",")
        said["BYDAY"] = ",".join(sorted(days, key=lambda day: _WEEK.index(day) if day in _WEEK else len(_WEEK)))
    if said["FREQ"] == "MONTHLY" and len(said) == 1:
        said["BYMONTHDAY"] = str(rule.first.day)
    if interval > 1:
        said["INTERVAL"] = str(interval)
    return ";".join(f"{name}={said[name]}" for name in sorted(said, key=lambda name: (name != "FREQ", name)))


def _dates(event: Event, name: str) -> list[date | datetime]:
    """The single dates of a property; of a period, when it begins."""
    dates = [each.dt for value in as_list(event.get(name)) for each in value.dts]
    return [each[0] if isinstance(each, tuple) else each for each in dates]


def _day(value: date | datetime, home: ZoneInfo) -> date:
    if not isinstance(value, datetime):
        return value
    return value.astimezone(home).date() if value.tzinfo else value.date()


def _meets(rules: Iterable[RuleStarts], day: date, home: ZoneInfo) -> bool:
    """True if a rule has a start on that day in the town's zone."""
    for rule in rules:
        zone = rule.first.tzinfo
        noon = datetime(day.year, day.month, day.day, 12, tzinfo=zone)
        near = rule.between(noon - timedelta(days=1), noon + timedelta(days=1), inc=True)
        if any(_day(start, home) == day for start in near):
            return True
    return False


# --- one rule ---------------------------------------------------------------------------------------------------------


class RuleStarts:
    """The starts by one rule of a series, in the place of dateutil's own rule there (`between` and `until`).

    `rule` is as recurring-ical-events makes it, with its text as `string`; `first` is the event's own start. Raises
    ValueError, here and later, for a rule that can't be followed or repeats too often.
    """

    def __init__(self, rule: Any, first: datetime) -> None:
        parts = [part.upper().partition("=") for part in rule.string.split(";")]
        self.until = rule.until
        self.first = first
        self.parts = {name: value for name, _, value in parts}
        self._rule = rule
        self._starts: list[datetime] = []
        self._reach: datetime | None = None
        _refuse(self.parts)

    def between(self, after: datetime, before: datetime, *, inc: bool) -> list[datetime]:
        """The starts from `after` to `before`, both included where `inc` says so."""
        if self._reach is None or before > self._reach:
            self._starts = list(self._walk(after, before))
            self._reach = before
        first, last = (bisect_left, bisect_right) if inc else (bisect_right, bisect_left)
        return self._starts[first(self._starts, after) : last(self._starts, before)]

    def last(self) -> datetime | None:
        """The last start; None where the rule goes on, or on and on for longer than anybody plans."""
        if self.until is not None:
            end = self.until if isinstance(self.until, datetime) else datetime.combine(self.until, time.max)
            end = end.replace(tzinfo=end.tzinfo or self.first.tzinfo) if self.first.tzinfo else end.replace(tzinfo=None)
        elif "COUNT" in self.parts:
            end = self.first + FORESEEABLE
        else:
            return None
        try:
            starts = self.between(self.first, min(end, self.first + FORESEEABLE), inc=True)
        except ValueError:
            return None
        goes_on = end > self.first + FORESEEABLE or ("COUNT" in self.parts and len(starts) < int(self.parts["COUNT"]))
        return None if goes_on or not starts else starts[-1]

    def _walk(self, after: datetime, before: datetime) -> Iterator[datetime]:
        interval = int(self.parts.get("INTERVAL", 1))
        steps = max(0, (before - self.first) // (_STEP[self.parts["FREQ"]] * interval)) + 2
        if min(steps, int(self.parts.get("COUNT", steps))) > MOST_STEPS:
            raise self._too_often()
        # Without dateutil's cache: what is found is kept here already.
        counted = _CountedInterval(interval)
        counted.left = steps
        rule = self._rule.replace(interval=counted, cache=False)
        with contextlib.suppress(_FarEnough):
            passed = seen = 0
            for start in rule:
                if start > before:
                    return
                passed, seen = passed + 1, seen + (start >= after)
                if passed > MOST_STEPS or seen > MOST_SEEN:
                    raise self._too_often()
                yield start

    def _too_often(self) -> ValueError:
        frequency = self.parts["FREQ"]
        return ValueError(because("event_too_often", frequency=frequency))


def _refuse(parts: dict[str, str]) -> None:
    """Raise ValueError for a rule that dateutil would never come back from, or that can't be meant."""
    frequency, interval = parts["FREQ"], int(parts.get("INTERVAL", 1))
    if frequency in _WITHIN_A_DAY and any(name.startswith("BY") for name in parts):
        raise ValueError(because("event_too_fine", frequency=frequency))
    if interval < 1:
        raise ValueError(because("event_interval", interval=interval))
    days = [abs(int(day)) for day in parts.get("BYMONTHDAY", "").split(",") if day]
    longest = [_SHORT_MONTHS.get(int(month), 31) for month in parts.get("BYMONTH", "").split(",") if month]
    if days and min(days) > max(longest, default=31):
        raise ValueError(because("event_month_day"))


class _FarEnough(Exception):
    """The rule's next start is beyond what was asked for, if it has one."""


class _CountedInterval(int):
    """A rule's INTERVAL that ends the search after `steps`: dateutil adds it once at each step, met or not."""

    left: int

    # `year + interval`, and so for months and days; weeks are `interval * 7`. Rules within a day add it after they have
    # skipped what their BY… parts leave out, so that these parts are refused there (`_refuse`).
    def __radd__(self, other: int) -> int:
        self._count()
        return other + int(self)

    def __mul__(self, other: int) -> int:
        self._count()
        return int(self) * other

    def _count(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise _FarEnough
