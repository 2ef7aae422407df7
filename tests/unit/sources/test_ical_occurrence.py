"""When an occurrence is announced."""

from __future__ import annotations

from datetime import UTC, timedelta

import pytest

from alerts.sources.ical.occurrence import Moment, parse_moment, time_of
from tests.unit.sources.ical_pages import PARIS, at
from tests.walls import in_one_test


def local(text: str, starts: str, ends: str, *, all_day: bool = False) -> str:
    found = time_of(parse_moment(text), at(starts), at(ends), PARIS, all_day=all_day)
    assert found.tzinfo is UTC
    return f"{found.astimezone(PARIS):%Y-%m-%d %H:%M}"


@in_one_test
@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("start", Moment("start")),
        (" End ", Moment("end")),
        ("-1d", Moment("before", timedelta(days=1))),
        ("-1h30m", Moment("before", timedelta(minutes=90))),
        ("-30d", Moment("before", timedelta(days=30))),
        ("-1m", Moment("before", timedelta(minutes=1))),
    ],
)
def test_a_moment_is_read(text, moment):
    assert parse_moment(text) == moment


@in_one_test
@pytest.mark.parametrize("text", ["", "1d", "+30m", "-", "-1", "-1w", "-0m", "-30s", "-31d", "before", "-1d start"])
def test_what_is_no_moment_says_what_is_allowed(text):
    with pytest.raises(ValueError, match=r'allowed: "start", "end", or a time before the start such as "-30m"'):
        parse_moment(text)


def test_moments_of_hours():
    span = ("2026-11-27 09:00", "2026-11-27 12:00")

    assert local("-1d", *span) == "2026-11-26 09:00"
    assert local("-2h", *span) == "2026-11-27 07:00"
    assert local("start", *span) == "2026-11-27 09:00"
    assert local("end", *span) == "2026-11-27 12:00"


@pytest.mark.parametrize(("day", "eve"), [("2026-03-29", "2026-03-28"), ("2026-10-25", "2026-10-24")])
def test_a_day_ahead_is_the_same_hour_across_a_change_of_the_clocks(day, eve):
    span = (f"{day} 09:00", f"{day} 12:00")

    assert local("-1d", *span) == f"{eve} 09:00"


def test_hours_ahead_are_hours_across_a_change_of_the_clocks():
    assert local("-12h", "2026-03-29 09:00", "2026-03-29 12:00") == "2026-03-28 20:00"
    assert local("-12h", "2026-10-25 09:00", "2026-10-25 12:00") == "2026-10-24 22:00"


def test_an_hour_that_the_change_leaves_out_is_still_an_instant():
    assert local("-1d", "2026-03-30 02:30", "2026-03-30 04:00") == "2026-03-29 03:30"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("-1d", "2026-11-26 18:00"),
        ("-2d", "2026-11-25 18:00"),
        ("-6h", "2026-11-26 18:00"),
        ("-30h", "2026-11-25 18:00"),
        ("start", "2026-11-27 07:00"),
        ("end", "2026-11-28 20:00"),
    ],
)
def test_an_all_day_event_wakes_nobody(text, told):
    assert local(text, "2026-11-27 00:00", "2026-11-29 00:00", all_day=True) == told
