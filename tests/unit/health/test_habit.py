"""A feed is quiet by its own habit, not by a number of ours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from alerts.health.monitor import CHANGES_TO_LEARN, FORGETS_HALF_IN, Habit, habit_after, habit_without, quiet_since

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def lived(*gaps: timedelta) -> tuple[Habit, datetime]:
    """A feed that said something new after each of these gaps; its habit, and when it did last."""
    now, habit = NOW, habit_after(None, "0", NOW)
    for number, gap in enumerate(gaps, 1):
        now += gap
        habit = habit_after(habit, str(number), now)
    return habit, now


def test_a_feed_that_speaks_each_hour_is_quiet_after_a_day():
    habit, last = lived(*[HOUR] * 10)

    assert quiet_since(habit, last + DAY) is None
    assert quiet_since(habit, last + DAY + HOUR) == last


def test_a_feed_that_speaks_each_week_is_quiet_after_three():
    habit, last = lived(*[7 * DAY] * 6)

    assert quiet_since(habit, last + 20 * DAY) is None
    assert quiet_since(habit, last + 22 * DAY) == last


def test_a_storm_does_not_make_it_forget_the_calm_before():
    habit, last = lived(*[HOUR] * 5, 10 * DAY, *[timedelta(minutes=1)] * 500)

    assert quiet_since(habit, last + 20 * DAY) is None


def test_a_long_silence_is_forgotten_by_and_by():
    habit, last = lived(20 * DAY, *[DAY] * 240)

    assert habit.longest < 20 * DAY * 0.1
    assert quiet_since(habit, last + 6 * DAY) == last
    assert lived(20 * DAY, FORGETS_HALF_IN)[0].longest == FORGETS_HALF_IN


def test_a_feed_that_is_hardly_known_is_never_called_quiet():
    habit, last = lived(*[HOUR] * (CHANGES_TO_LEARN - 1))

    assert quiet_since(habit, last + 900 * DAY) is None
    assert quiet_since(None, last) is None
    assert quiet_since(lived(*[HOUR] * CHANGES_TO_LEARN)[0], last + 900 * DAY) is not None


def test_the_same_words_are_no_news_and_no_words_neither():
    habit, last = lived(HOUR)

    assert habit_after(habit, habit.mark, last + DAY) is habit
    assert habit_after(habit, None, last + DAY) is habit
    assert habit_after(None, None, NOW) is None


def test_the_time_in_which_nobody_watched_is_not_the_feed_s_silence():
    habit, last = lived(*[HOUR] * 10)
    back = habit_without(habit, 5 * DAY)

    assert quiet_since(back, last + 5 * DAY + HOUR) is None
    assert habit_after(back, "new", last + 5 * DAY + HOUR).longest == HOUR


def test_a_clock_that_was_set_back_makes_no_silence_less_than_none():
    habit, last = lived(*[HOUR] * 10)

    assert habit_after(habit, "new", last - HOUR).longest > timedelta()
    assert quiet_since(habit, last - HOUR) is None
