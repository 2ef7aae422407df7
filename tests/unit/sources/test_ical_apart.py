"""A calendar that takes long is read in a process of its own, and never costs more than that."""

from __future__ import annotations

import itertools
import os
import sys

import pytest
from structlog.testing import capture_logs

from alerts.model.errors import Unreadable
from alerts.sources.ical import apart
from alerts.sources.ical.agenda import read_agenda, window_around
from alerts.sources.ical.apart import read_calendar
from tests.unit.sources.ical_pages import PARIS, at, calendar, event

WINDOW = window_around(at("2026-11-25 12:00"))
CALENDAR = calendar(*(event(uid=f"works-{number}", summary=f"Rue {number}") for number in range(20)))


def slow():
    """A clock by which each event takes a fifth of a second."""
    times = itertools.count()
    return lambda: next(times) / 5


def fast() -> float:
    return 0.0


def test_what_is_read_within_a_second_is_read_here(monkeypatch):
    monkeypatch.setattr(apart, "_COMMAND", ("/bin/false",))

    assert read_calendar(CALENDAR, WINDOW, PARIS, fast) == (read_agenda(CALENDAR, WINDOW, PARIS), False)


def test_what_takes_longer_is_read_whole_by_another_process_and_begins_there_the_next_time():
    agenda, takes_long = read_calendar(CALENDAR, WINDOW, PARIS, slow())

    assert takes_long
    assert agenda == read_agenda(CALENDAR, WINDOW, PARIS)
    assert len(agenda.occurrences) == 20
    assert not agenda.out_of_time


def test_what_doesn_t_take_long_any_more_is_read_here_again():
    agenda, takes_long = read_calendar(CALENDAR, WINDOW, PARIS, fast, apart=True)

    assert (len(agenda.occurrences), takes_long) == (20, False)


def test_what_is_no_calendar_is_told_wherever_it_is_read():
    with pytest.raises(Unreadable, match="a web page came instead"):
        read_calendar(b"<!DOCTYPE html>", WINDOW, PARIS, fast, apart=True)


@pytest.mark.parametrize(
    ("command", "error"),
    [
        ((sys.executable, "-c", "import time; time.sleep(60)"), "TimeoutExpired"),
        (("/bin/false",), "CalledProcessError"),
        (("/nowhere/python",), "FileNotFoundError"),
    ],
)
@pytest.mark.parametrize("at_once", [False, True])
def test_where_the_other_process_fails_what_was_read_here_stands_and_says_what_it_lacks(
    monkeypatch, command, error, at_once
):
    monkeypatch.setattr(apart, "_COMMAND", command)
    monkeypatch.setattr(apart, "LONGEST_WAIT", 0.1 if error == "TimeoutExpired" else 60.0)

    with capture_logs() as logs:
        agenda, takes_long = read_calendar(CALENDAR, WINDOW, PARIS, slow(), apart=at_once)

    assert takes_long
    assert 0 < len(agenda.occurrences) < 20
    assert "events were not read, for the calendar takes longer than 1 s: " in str(agenda.flaws[-1].reason)
    assert not agenda.tells_absence("works-19", agenda.occurrences[0].starts, agenda.occurrences[0].ends)
    assert [(line["event"], line["error"]) for line in logs] == [("calendar.not_read_apart", error)]


def test_the_other_process_has_none_of_the_credentials(monkeypatch):
    monkeypatch.setenv("X_CONSUMER_KEY", "a-secret")
    told = "import os, pickle, sys; sys.stdout.buffer.write(pickle.dumps(dict(os.environ)))"
    monkeypatch.setattr(apart, "_COMMAND", (sys.executable, "-c", told))

    environment, _ = read_calendar(CALENDAR, WINDOW, PARIS, fast, apart=True)

    assert "PYTHONPATH" in environment
    assert "a-secret" not in environment.values()
    assert "X_CONSUMER_KEY" in os.environ
