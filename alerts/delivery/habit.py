"""A feed's own habit: how long it usually goes without anything new, learned by watching it. Nothing but arithmetic."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

QUIET_AT_LEAST = timedelta(days=1)
"""No feed is called quiet before this, however busy it was."""
TIMES_AS_LONG = 3
"""How many times its longest silence is out of the ordinary."""
CHANGES_TO_LEARN = 5
FORGETS_HALF_IN = timedelta(days=60)


@dataclass(frozen=True, slots=True)
class Habit:
    """`mark` stands for what the feed said last and `changed_at` for when that was new.

    `longest` is its longest silence, which is forgotten by and by: half of it in two months. `changes` are how many
    were seen.
    """

    mark: str
    changed_at: datetime
    longest: timedelta = timedelta()
    changes: int = 0


def learn(habit: Habit | None, mark: str | None, now: datetime) -> Habit | None:
    """The habit after one more look at the feed; `mark` is None where nothing can be told (as after an error)."""
    if mark is None or (habit is not None and habit.mark == mark):
        return habit
    if habit is None:
        return Habit(mark, now)
    silence = max(now - habit.changed_at, timedelta())
    faded = habit.longest * 0.5 ** (silence / FORGETS_HALF_IN)
    return Habit(mark, now, max(silence, faded), habit.changes + 1)


def without(habit: Habit, away: timedelta) -> Habit:
    """The habit as if the time in which nobody watched hadn't been: its silence isn't the feed's."""
    return replace(habit, changed_at=habit.changed_at + away)


def quiet_since(habit: Habit | None, now: datetime) -> datetime | None:
    """Since when the feed is quiet beyond its habit; None: it isn't, or its habit isn't known yet."""
    if habit is None or habit.changes < CHANGES_TO_LEARN:
        return None
    usual = max(habit.longest * TIMES_AS_LONG, QUIET_AT_LEAST)
    return habit.changed_at if now - habit.changed_at > usual else None
