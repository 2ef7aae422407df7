"""What repeats: exceptions, additions, overrides, limits."""

from __future__ import annotations

import time

import pytest

from tests.unit.sources.ical_pages import agenda_of, calendar, event, spans
from tests.walls import in_one_test

DAILY = "DTSTART;TZID=Europe/Paris:20261126T080000\nDTEND;TZID=Europe/Paris:20261126T170000\nRRULE:FREQ=DAILY;COUNT=4"


def days(body: bytes) -> list[str]:
    return [start for start, _ in spans(body)]


@in_one_test
@pytest.mark.parametrize(
    "exception",
    [
        "EXDATE;TZID=Europe/Paris:20261127T080000",
        "EXDATE:20261127T070000Z",
        "EXDATE;VALUE=DATE:20261127",
        "EXDATE;TZID=Europe/Paris:20261127T080000,20301127T080000",
    ],
)
def test_an_exception_however_it_is_written(exception):
    assert days(calendar(event(DAILY, more=exception))) == ["26 08:00", "28 08:00", "29 08:00"]


def test_dates_that_are_added_also_as_a_period():
    more = "RDATE;TZID=Europe/Paris:20261210T080000\nRDATE;VALUE=PERIOD:20261212T070000Z/PT1H"
    more += "\nRDATE;VALUE=PERIOD:20261213T070000/20261213T100000"
    assert spans(calendar(event(DAILY, more=more)))[4:] == [
        ("2026-12-10 08:00", "2026-12-10 17:00"),
        ("2026-12-12 08:00", "2026-12-12 09:00"),
        ("2026-12-13 07:00", "2026-12-13 10:00"),
    ]


def test_an_override_before_its_master_takes_its_place():
    moved = event(
        "RECURRENCE-ID;TZID=Europe/Paris:20261127T080000\nDTSTART;TZID=Europe/Paris:20261127T130000\nDURATION:PT1H"
    )
    assert days(calendar(moved, event(DAILY))) == ["26 08:00", "27 13:00", "28 08:00", "29 08:00"]


def test_an_override_without_its_master_stands_alone():
    alone = event("RECURRENCE-ID;TZID=Europe/Paris:20261127T080000\nDTSTART;TZID=Europe/Paris:20261127T130000")
    assert days(calendar(alone)) == ["27 13:00"]


def test_this_and_future_gives_each_occurrence_its_own_identity():
    later = event(
        "RECURRENCE-ID;RANGE=THISANDFUTURE;TZID=Europe/Paris:20261127T080000\n"
        "DTSTART;TZID=Europe/Paris:20261127T100000\nDTEND;TZID=Europe/Paris:20261127T120000"
    )
    found = agenda_of(calendar(event(DAILY), later)).occurrences

    assert [f"{each.starts:%d %H:%M}" for each in found] == ["26 08:00", "27 10:00", "28 10:00", "29 10:00"]
    assert len({each.key for each in found}) == 4


def test_an_until_in_utc_with_a_local_start():
    rule = DAILY.replace("COUNT=4", "UNTIL=20261128T070000Z")
    assert days(calendar(event(rule))) == ["26 08:00", "27 08:00", "28 08:00"]


def test_only_the_window_is_expanded():
    endless = DAILY.replace("20261126", "20200101").replace(";COUNT=4", "")
    found = agenda_of(calendar(event(endless))).occurrences

    assert (f"{found[0].starts:%Y-%m-%d}", f"{found[-1].starts:%Y-%m-%d}") == ("2026-11-24", "2027-01-24")
    assert len(found) == 62


def test_the_newest_of_two_versions_is_the_event():
    old = event("DTSTART:20261127T090000\nDTEND:20261127T100000", more="SEQUENCE:1")
    new = event("DTSTART:20270610T090000\nDTEND:20270610T100000", more="SEQUENCE:2")

    assert days(calendar(new, old)) == []
    assert days(calendar(old, new)) == []
    assert days(calendar(old.replace("SEQUENCE:1", "SEQUENCE:3"), new)) == ["27 09:00"]
    assert days(calendar(new, old.replace("SEQUENCE:1", "SEQUENCE:3"))) == ["27 09:00"]


def test_what_was_told_is_followed_out_of_the_window():
    far = event("DTSTART:20270610T090000\nDURATION:PT1H", uid="told")
    override = event("RECURRENCE-ID:20261127T070000Z\nDTSTART:20270710T080000\nDURATION:PT1H", uid="series")
    body = calendar(far, event(DAILY, uid="series"), override)

    assert [f"{each.starts:%m-%d}" for each in agenda_of(body).occurrences] == ["11-26", "11-28", "11-29"]
    watched = agenda_of(body, watched=("told", "series")).occurrences
    assert [f"{each.starts:%m-%d}" for each in watched] == ["11-26", "11-28", "11-29", "06-10", "07-10"]


@in_one_test
@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=SECONDLY",
        "FREQ=MINUTELY",
        "FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=DAILY;INTERVAL=0",
        "FREQ=DAILY;INTERVAL=-1",
        "FREQ=DAILY;BYHOUR=0,1,2,3,4,5,6,7,8,9;BYMINUTE=0,10,20,30,40,50",
        "FREQ=FORTNIGHTLY",
        "FREQ=DAILY;UNTIL=soon",
        "COUNT=3",
    ],
)
def test_a_rule_that_nobody_can_follow_costs_its_event_alone_and_no_time(rule):
    body = calendar(event(f"DTSTART:20261126T080000\nRRULE:{rule}", uid="bad", summary="Bad"), event())

    begun = time.process_time()
    agenda = agenda_of(body)
    assert time.process_time() - begun < 5
    assert [flaw.uid for flaw in agenda.flaws] == ["bad"]
    assert str(agenda.flaws[0].reason).startswith('the event "Bad" can\'t be read: its ')
    assert len(agenda.occurrences) == 1


def test_a_rule_that_began_in_another_age_is_not_followed_hour_by_hour():
    agenda = agenda_of(calendar(event("DTSTART:19000101T080000\nRRULE:FREQ=HOURLY")))

    assert agenda.occurrences == ()
    assert "repeats too often to be followed" in str(agenda.flaws[0].reason)


def test_a_rule_of_seconds_that_ends_is_followed():
    assert len(agenda_of(calendar(event("DTSTART:20261126T080000\nRRULE:FREQ=SECONDLY;COUNT=5"))).occurrences) == 5


def test_two_thousand_occurrences_are_followed_and_absence_beyond_them_means_nothing():
    hourly = "DTSTART:20261125T000000\nDURATION:PT1M\nRRULE:FREQ=HOURLY"
    agenda = agenda_of(calendar(event(hourly, uid="a"), event(hourly, uid="b")))

    assert len(agenda.occurrences) == 2000
    last = agenda.occurrences[-1]
    assert last.starts <= agenda.complete_until < agenda.window.stop
    assert agenda.tells_absence("c", agenda.occurrences[0].starts, agenda.occurrences[0].ends)
    assert not agenda.tells_absence("c", agenda.complete_until, agenda.window.stop)
