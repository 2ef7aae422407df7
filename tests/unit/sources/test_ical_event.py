"""The times of an event: every way to name a zone, to leave out an end, to write a day."""

from __future__ import annotations

import pytest

from tests.unit.sources.ical_pages import agenda_of, calendar, event, spans
from tests.walls import in_one_test

CUSTOM_ZONE = """BEGIN:VTIMEZONE
TZID:Customized Time Zone
BEGIN:STANDARD
DTSTART:16010101T000000
TZOFFSETFROM:+0300
TZOFFSETTO:+0300
END:STANDARD
END:VTIMEZONE"""


def start_of(line: str, head: str = "") -> str:
    return spans(calendar(event(f"{line}\nDURATION:PT2H"), head=head))[0][0]


@in_one_test
@pytest.mark.parametrize(
    ("line", "starts"),
    [
        ("DTSTART:20261127T090000Z", "27 10:00"),
        ("DTSTART:20261127T090000", "27 09:00"),
        ("DTSTART;TZID=Europe/London:20261127T090000", "27 10:00"),
        ("DTSTART;TZID=GMT Standard Time:20261127T090000", "27 10:00"),
        ("DTSTART;TZID=/Europe/London:20261127T090000", "27 10:00"),
        ("DTSTART;TZID=/freeassociation.sourceforge.net/Europe/London:20261127T090000", "27 10:00"),
        ("DTSTART;TZID=/vendor.example/20050809_1/America/Argentina/Buenos_Aires:20261127T090000", "27 13:00"),
        ('DTSTART;TZID="Europe/London":20261127T090000', "27 10:00"),
        ("DTSTART;TZID=Asia/Tokyo:20261127T090000Z", "27 10:00"),
        ("dtstart;tzid=Europe/London:20261127T090000", "27 10:00"),
    ],
)
def test_a_start_in_the_station_s_zone(line, starts):
    assert start_of(line) == starts


@pytest.mark.parametrize("name", ["Nowhere/Land", "Europe", '"(UTC+01:00) Brussels, Paris"'])
def test_an_unknown_zone_is_the_station_s_and_says_so(name):
    agenda = agenda_of(calendar(event(f"DTSTART;TZID={name}:20261127T090000\nDURATION:PT2H")))

    assert f"{agenda.occurrences[0].starts:%H:%M}" == "09:00"
    [note] = agenda.occurrences[0].notes
    assert str(note) == f'the zone "{name.strip(chr(34))}" is unknown: its times are taken as Europe/Paris'


def test_a_zone_that_the_calendar_defines_is_its_own():
    own = calendar(event("DTSTART;TZID=Customized Time Zone:20261127T090000\nDURATION:PT2H"), head=CUSTOM_ZONE)
    other = calendar(event("DTSTART;TZID=Customized Time Zone:20261127T090000\nDURATION:PT2H"))

    assert spans(own)[0][0] == "27 07:00"
    assert spans(other)[0][0] == "27 09:00"  # the next file doesn't inherit it


def test_a_zone_defined_after_its_event():
    body = calendar(event("DTSTART;TZID=Customized Time Zone:20261127T090000\nDURATION:PT2H"), CUSTOM_ZONE)

    assert spans(body)[0][0] == "27 07:00"


def test_a_broken_definition_of_a_zone_costs_itself_alone():
    broken = CUSTOM_ZONE.replace("TZOFFSETTO:+0300", "TZOFFSETTO:later")
    agenda = agenda_of(calendar(event(), event("DTSTART;TZID=Customized Time Zone:20261128T090000"), head=broken))

    assert len(agenda.occurrences) == 1 or agenda.occurrences[-1].notes
    assert f"{agenda.occurrences[0].starts:%d %H:%M}" == "27 09:00"


def test_floating_times_are_those_of_the_calendar_s_zone():
    assert start_of("DTSTART:20261127T090000", head="X-WR-TIMEZONE:Europe/London") == "27 10:00"
    assert start_of("DTSTART:20261127T090000", head="X-WR-TIMEZONE:GMT Standard Time") == "27 10:00"
    assert start_of("DTSTART:20261127T090000", head="X-WR-TIMEZONE:/Europe/London") == "27 10:00"
    assert start_of("DTSTART:20261127T090000", head="X-WR-TIMEZONE:Nowhere/Land") == "27 09:00"


def test_what_repeats_in_utc_keeps_its_hour_where_the_calendar_names_its_zone():
    weekly = event("DTSTART:20261018T070000Z\nDTEND:20261018T080000Z\nRRULE:FREQ=WEEKLY;COUNT=2")

    assert spans(calendar(weekly), "2026-10-18 12:00") == [("18 09:00", "18 10:00"), ("25 08:00", "25 09:00")]
    assert spans(calendar(weekly, head="X-WR-TIMEZONE:Europe/Paris"), "2026-10-18 12:00") == [
        ("18 09:00", "18 10:00"),
        ("25 09:00", "25 10:00"),
    ]


def test_a_local_hour_stays_across_both_changes_of_the_clocks():
    daily = "DTSTART;TZID=Europe/Paris:{}T080000\nDTEND;TZID=Europe/Paris:{}T090000\nRRULE:FREQ=DAILY;COUNT=3"

    spring = spans(calendar(event(daily.format("20260328", "20260328"))), "2026-03-28 12:00")
    autumn = spans(calendar(event(daily.format("20261024", "20261024"))), "2026-10-24 12:00")
    assert [start for start, _ in spring] == ["28 08:00", "29 08:00", "30 08:00"]
    assert [start for start, _ in autumn] == ["24 08:00", "25 08:00", "26 08:00"]


@in_one_test
@pytest.mark.parametrize(
    ("times", "span"),
    [
        ("DTSTART:20261127T090000", ("27 09:00", "27 10:00")),
        ("DTSTART:20261127T090000\nDTEND:20261127T090000", ("27 09:00", "27 10:00")),
        ("DTSTART:20261127T090000\nDTEND:20261127T080000", ("27 09:00", "27 10:00")),
        ("DTSTART:20261127T090000\nDURATION:PT90M", ("27 09:00", "27 10:30")),
        ("DTSTART:20261127T090000\nDURATION:-PT90M", ("27 09:00", "27 10:00")),
        ("DTSTART:20261127T090000\nDTEND:20261127T110000\nDURATION:PT0S", ("27 09:00", "27 11:00")),
        ("DTSTART;VALUE=DATE:20261127", ("27 00:00", "28 00:00")),
        ("DTSTART;VALUE=DATE:20261127\nDTEND;VALUE=DATE:20261129", ("27 00:00", "29 00:00")),
        ("DTSTART:20261127\nDTEND:20261127", ("27 00:00", "28 00:00")),
        ("DTSTART:20261127\nDTEND:20261126", ("27 00:00", "28 00:00")),
        ("DTSTART;VALUE=DATE:20261127\nDURATION:P2D", ("27 00:00", "29 00:00")),
        ("DTSTART;VALUE=DATE:20261127\nDTEND:20261127T120000", ("27 00:00", "27 12:00")),
        ("DTSTART:20261127T220000\nDTEND;VALUE=DATE:20261129", ("27 22:00", "29 00:00")),
        ("DTSTART:20261127T220000\nDTEND:20261128T050000", ("27 22:00", "28 05:00")),
    ],
)
def test_an_end_after_the_start(times, span):
    assert spans(calendar(event(times))) == [span]


@in_one_test
@pytest.mark.parametrize(
    ("times", "whole"),
    [
        ("DTSTART;TZID=Romance Standard Time:20261127T000000\nDTEND;TZID=Romance Standard Time:20261128T000000", True),
        ("DTSTART;VALUE=DATE:20261127", True),
        ("DTSTART:20261127T000000\nDTEND:20261127T060000", False),
        ("DTSTART:20261127T220000\nDTEND:20261128T000000", False),
    ],
)
def test_from_midnight_to_midnight_is_a_whole_day(times, whole):
    assert agenda_of(calendar(event(times))).occurrences[0].all_day is whole


def test_a_duration_is_counted_as_time_passes():
    night = event("DTSTART;TZID=Europe/Paris:20261024T220000\nDURATION:PT12H")

    assert spans(calendar(night), "2026-10-24 12:00") == [("24 22:00", "25 09:00")]
