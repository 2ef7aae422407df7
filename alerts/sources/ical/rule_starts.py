"""When a recurrence rule has its event start (RFC 5545, section 3.3.10): followed no further than anybody asks.

dateutil searches a rule that is never met up to the year 9999, and looks at UNTIL only where the rule is met. What one
calendar may cost in time is here too: what a stranger wrote must not hold up the town's other sources.
"""

from __future__ import annotations

import contextlib
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from datetime import datetime, time, timedelta
from typing import Any

from alerts.model.reason import because

MOST_SECONDS = 10.0
"""For one calendar. Two hundred events that repeat take one second."""


class OutOfTime(ValueError):
    """The time is up."""


class Budget:
    """`seconds` from now on, by `monotonic`, which tells seconds that only ever grow."""

    def __init__(self, monotonic: Callable[[], float], seconds: float = MOST_SECONDS) -> None:
        self._monotonic = monotonic
        self._seconds = seconds
        self._end = monotonic() + seconds

    @property
    def spent(self) -> bool:
        """Whether the time is up."""
        return self._monotonic() >= self._end

    def check(self) -> None:
        """Raise OutOfTime when the time is up."""
        if self.spent:
            raise OutOfTime(f"the calendar takes longer than {self._seconds:g} s to read, up to this event and with it")


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
_WITHIN_A_DAY = ("HOURLY", "MINUTELY", "SECONDLY")
_SHORT_MONTHS = {2: 29, 4: 30, 6: 30, 9: 30, 11: 30}


class RuleStarts:
    """The starts by one rule of a series, in the place of dateutil's own rule there (`between` and `until`).

    `rule` is as recurring-ical-events makes it, with its text as `string`; `first` is the event's own start. Raises
    ValueError, here and later, for a rule that can't be followed or repeats too often.
    """

    def __init__(self, rule: Any, first: datetime, budget: Budget) -> None:
        parts = [part.upper().partition("=") for part in rule.string.split(";")]
        self.until = rule.until
        self.first = first
        self.parts = {name: value for name, _, value in parts}
        self._rule = rule
        self._budget = budget
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
        counted = _CountedInterval(interval)
        counted.left, counted.budget = steps, self._budget
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
    budget: Budget

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
        if self.left % 256 == 0:
            self.budget.check()
