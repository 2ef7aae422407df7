"""A calendar of 200 events, one year: against icalendar's parse and recurring-ical-events' expansion."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from zoneinfo import ZoneInfo

import recurring_ical_events
from icalendar import Calendar

from alerts.sources.ical.agenda import read_agenda, window_around
from alerts.sources.ical.recurrence import Window
from bench import samples
from bench.measure import Row, compare

HOME = ZoneInfo("Europe/Paris")
YEAR = Window(samples.NOW, samples.NOW + timedelta(days=365))


def measure() -> Iterator[Row]:
    """All of the year on both sides, then our horizon against the year, then what is left of it to the daemon."""
    body = samples.calendar(200)

    def floor() -> None:
        parsed = Calendar.from_ical(body)
        recurring_ical_events.of(parsed).between(YEAR.start, YEAR.stop)

    horizon = window_around(samples.NOW)
    yield compare("calendar of 200 events, one year", floor, lambda: read_agenda(body, YEAR, HOME), goal=1.5, times=1)
    yield compare(
        "the same, our horizon of 60 days", floor, lambda: read_agenda(body, horizon, HOME), goal=1.5, times=1
    )
    yield compare(
        "the same, read apart", floor, lambda: read_agenda.in_subprocess(body, horizon, HOME), goal=0.2, times=1
    )
