"""How often people's words are asked for, and how a platform's times and words are read: tables, no request."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from alerts.channels.hearing import look_after, moment_of, print_of, words_of

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest.mark.parametrize(
    ("quiet", "every", "pause"),
    [
        (timedelta(), MINUTE, MINUTE),
        (12 * MINUTE, MINUTE, MINUTE),
        (24 * MINUTE, MINUTE, 2 * MINUTE),
        (3 * HOUR, MINUTE, 15 * MINUTE),
        (72 * HOUR, MINUTE, 6 * HOUR),
        (1000 * HOUR, MINUTE, 6 * HOUR),
        # A post of our own whose time the platform puts a little after ours.
        (-MINUTE, MINUTE, MINUTE),
        (MINUTE, timedelta(seconds=1), 5 * timedelta(seconds=1)),
        # Whoever wants it more seldom than six hours gets that.
        (1000 * HOUR, 12 * HOUR, 12 * HOUR),
    ],
)
def test_the_quieter_it_is_the_more_seldom_it_is_looked_at(quiet, every, pause):
    assert look_after(quiet, every) == pause


def test_a_post_of_three_days_that_nobody_talks_about_costs_few_looks():
    age, looks = timedelta(), 0
    while age < timedelta(hours=72):
        age, looks = age + look_after(age, MINUTE), looks + 1
    assert looks < 90


NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("told", "moment"),
    [
        ("2026-11-25T12:00:00+0000", NOON),
        ("2026-11-25T13:00:00+01:00", NOON),
        ("2026-11-25T12:00:00.000Z", NOON),
        (int(NOON.timestamp()), NOON),
        ("2026-11-25T12:00:00", None),
        ("yesterday", None),
        (True, None),
        (None, None),
        (1e300, None),
        (float("nan"), None),
        (-5, None),
        ("9999-12-31T23:59:59-23:00", None),
        ("0001-01-01T00:00:00+23:00", None),
    ],
)
def test_a_time_is_read_as_platforms_tell_it_or_not_at_all(told, moment):
    assert moment_of(told) == moment


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ("  Merci ! ", "Merci !"),
        ("a\x00b\ud800c\u202ed", "abcd"),
        (None, ""),
        (["x"], ""),
        ("x" * 10_000, "x" * 4000),
    ],
)
def test_words_are_bounded_and_hide_nothing(told, words):
    assert words_of(told) == words


def test_a_print_tells_of_a_change_and_of_no_word():
    assert print_of("Merci") == print_of("Merci") != print_of("merci")
    assert print_of("\ud800")
    assert len(print_of("x" * 4000)) == 4
