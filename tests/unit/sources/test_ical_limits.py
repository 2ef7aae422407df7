"""What a calendar may cost: no event holds up another one, and none of them the town."""

from __future__ import annotations

import time

import pytest
from structlog.testing import capture_logs

from alerts.apart.wire import Limits
from alerts.model.errors import Unreadable
from alerts.sources.ical.agenda import WorksAgenda, read_agenda, window_around
from alerts.sources.ical.event import EARLIEST, LATEST, MOST_DATES
from alerts.sources.ical.recurrence import MOST_RULES, MOST_VERSIONS
from tests.unit.sources.ical_pages import NINE_TO_NOON, PARIS, agenda_of, at, calendar, event
from tests.walls import in_one_test

FROM_2020 = "DTSTART;TZID=Europe/Paris:20200101T080000\nDURATION:PT1H\nRRULE:"
OVERRIDE = "RECURRENCE-ID:20261127T070000Z\nDTSTART:20261127T080000"


def costs(body: bytes) -> tuple[WorksAgenda, float]:
    """The agenda, and the seconds of this thread that it took."""
    begun = time.thread_time()
    return agenda_of(body), time.thread_time() - begun


def dates(count: int) -> str:
    return ",".join(f"2026{1 + number % 12:02}{1 + number % 28:02}T{number % 24:02}0000" for number in range(count))


@in_one_test
@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=DAILY;BYDAY=MO;BYSETPOS=300",
        "FREQ=DAILY;BYSETPOS=2",
        "FREQ=WEEKLY;BYMONTH=2;BYMONTHDAY=29;BYDAY=MO;BYSETPOS=2",
        "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=300",
        "FREQ=YEARLY;BYWEEKNO=53;BYMONTH=6",
        "FREQ=YEARLY;BYYEARDAY=366;BYMONTH=1",
    ],
)
def test_a_rule_that_is_never_met_is_searched_no_further_than_the_window(rule):
    agenda, seconds = costs(calendar(event(FROM_2020 + rule, uid="never"), event()))

    assert seconds < 5
    assert agenda.flaws == ()
    assert [each.uid for each in agenda.occurrences] == ["works-1@town"]


@pytest.mark.parametrize(
    ("rule", "found"),
    [
        ("FREQ=YEARLY;BYMONTH=12;BYDAY=-1TH", ["12-31"]),
        ("FREQ=YEARLY;BYDAY=50TH", ["12-10"]),
        ("FREQ=YEARLY;INTERVAL=2;BYMONTH=12;BYMONTHDAY=1", ["12-01"]),
        ("FREQ=YEARLY;INTERVAL=5;BYMONTH=12;BYMONTHDAY=1", []),
        ("FREQ=MONTHLY;BYMONTHDAY=-1", ["11-30", "12-31"]),
        ("FREQ=MONTHLY;INTERVAL=4;BYDAY=MO;BYSETPOS=1", ["01-04"]),
        ("FREQ=WEEKLY;INTERVAL=3;BYDAY=MO,FR;WKST=SU", ["11-27", "12-14", "12-18", "01-04", "01-08"]),
        ("FREQ=DAILY;INTERVAL=45", ["11-25", "01-09"]),
        ("FREQ=DAILY;BYMONTH=1;BYMONTHDAY=1,24", ["01-01", "01-24"]),
        ("FREQ=HOURLY;INTERVAL=1000", ["12-17"]),
        ("FREQ=MONTHLY;COUNT=84", ["12-01"]),
        ("FREQ=MONTHLY;UNTIL=20261201T070000Z", ["12-01"]),
    ],
)
def test_a_rule_is_followed_to_the_end_of_the_window(rule, found):
    assert [f"{each.starts:%m-%d}" for each in agenda_of(calendar(event(FROM_2020 + rule))).occurrences] == found


@in_one_test
@pytest.mark.parametrize(
    ("months", "days", "is_possible"),
    [
        ("2", "30", False),
        ("2", "-30", False),
        ("4,6", "31", False),
        ("2", "29", True),
        ("2,3", "31", True),
        ("2", "1,31", True),
    ],
)
def test_a_day_that_its_months_never_have_is_told(months, days, is_possible):
    agenda = agenda_of(calendar(event(f"{FROM_2020}FREQ=DAILY;BYMONTH={months};BYMONTHDAY={days}")))

    assert (agenda.flaws == ()) is is_possible
    assert all("a BYMONTHDAY that none of its months has" in str(flaw.reason) for flaw in agenda.flaws)


@in_one_test
@pytest.mark.parametrize(
    ("times", "reason"),
    [
        ("DTSTART:20260101T080000\nRRULE:FREQ=YEARLY;BYDAY=MO,TU,WE,TH,FR,SA,SU;BYHOUR=" + ",".join(map(str, range(24)))
         + ";BYMINUTE=" + ",".join(map(str, range(60))), "repeats too often"),
        ("DTSTART:20261126T080000\nRRULE:FREQ=MINUTELY", "repeats too often"),
        (f"{NINE_TO_NOON}\nRDATE:{dates(MOST_DATES + 1)}", "it has 2,001 dates (RDATE, EXDATE), more than 2,000"),
        (f"{NINE_TO_NOON}\nRDATE:{dates(80_000)}", "it has 80,000 dates"),
        (f"{NINE_TO_NOON}\nRRULE:FREQ=DAILY\nEXDATE:{dates(MOST_DATES)}\nRDATE:{dates(1)}", "it has 2,001 dates"),
        (NINE_TO_NOON + "".join(f"\nRRULE:FREQ=DAILY;COUNT={n + 1}" for n in range(MOST_RULES + 1)), "10 rules"),
    ],
)  # fmt: skip
def test_an_event_that_is_too_much_costs_itself_alone(times, reason):
    agenda, seconds = costs(calendar(event(times, uid="much"), event()))

    assert [flaw.uid for flaw in agenda.flaws] == ["much"]
    assert reason in str(agenda.flaws[0].reason)
    assert [each.uid for each in agenda.occurrences] == ["works-1@town"]
    assert seconds < 5


def test_as_many_dates_as_are_allowed_are_read():
    assert agenda_of(calendar(event(f"{NINE_TO_NOON}\nEXDATE:{dates(MOST_DATES)}"))).flaws == ()


def test_a_uid_that_stands_there_too_often_is_left_out():
    agenda = agenda_of(calendar(*[event(OVERRIDE, uid="crowd")] * (MOST_VERSIONS + 1), event()))

    assert [(flaw.uid, "stands there 2,001 times" in str(flaw.reason)) for flaw in agenda.flaws] == [("crowd", True)]
    assert len(agenda.occurrences) == 1


@in_one_test
@pytest.mark.parametrize(
    "times",
    [
        "DTSTART:20261127T090000\nDTEND:99991231T235959Z",
        "DTSTART:20261127T090000\nDTEND:29000101T000000",
        "DTSTART;VALUE=DATE:00010101\nDTEND;VALUE=DATE:99991231",
        "DTSTART:00010101T000000Z\nRRULE:FREQ=YEARLY",
    ],
)
def test_a_year_beyond_reason_costs_its_event_alone(times):
    agenda = agenda_of(calendar(event(times, uid="far"), event()))

    assert [flaw.uid for flaw in agenda.flaws] == ["far"]
    assert str(agenda.flaws[0].reason).endswith(f"in a year beyond reason: allowed are {EARLIEST} to {LATEST}")
    assert [each.uid for each in agenda.occurrences] == ["works-1@town"]


def test_what_the_reader_stumbles_over_costs_its_event_alone_and_is_logged():
    with capture_logs() as logs:
        agenda = agenda_of(calendar(event(uid="odd", more="GEO;VALUE=TEXT:x"), event()))

    assert [(flaw.uid, str(flaw.reason)) for flaw in agenda.flaws] == [
        ("odd", "the event \"Rue haute closed\" can't be read: the reader's code failed on it (AttributeError)")
    ]
    assert [(line["event"], line["uid"]) for line in logs] == [("calendar.failed", "odd")]
    assert [each.uid for each in agenda.occurrences] == ["works-1@town"]


def test_no_control_character_is_heard():
    (occurrence,) = agenda_of(calendar(event(summary="Rue\x1b[31m\0 haute"))).occurrences
    assert occurrence.summary == "Rue[31m haute"


# --- time -----------------------------------------------------------------------------------------------------------


ZONE = """BEGIN:VTIMEZONE
TZID:Ours
BEGIN:STANDARD
DTSTART:19700101T000000
TZOFFSETFROM:+0100
TZOFFSETTO:+0500
RRULE:{}
END:STANDARD
END:VTIMEZONE"""
THERE = "DTSTART;TZID=Ours:20261126T090000\nDTEND;TZID=Ours:20261126T120000"


@pytest.mark.parametrize(
    ("rule", "hour"),
    [
        ("FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU", 5),
        ("FREQ=SECONDLY", 9),
        ("FREQ=YEARLY;BYHOUR=0,1,2;BYMINUTE=0,1,2;BYSECOND=0,1,2", 9),
    ],
    ids=["each October", "each second", "each second of a year"],
)
def test_a_zone_of_the_calendars_own_changes_by_the_year_or_is_passed_over(rule, hour):
    agenda = read_agenda.in_subprocess(
        calendar(event(THERE), head=ZONE.format(rule)), window_around(at("2026-11-25 12:00")), PARIS
    )

    assert [each.starts.hour for each in agenda.occurrences] == [hour]
    assert agenda.flaws == ()


def test_a_calendar_that_takes_for_ever_is_not_read_and_takes_no_others_time(monkeypatch):
    """A thousand rules that are never met, each searched as far as one may be."""
    monkeypatch.setattr(read_agenda, "limits", Limits(0.5, 512))
    never = [event(FROM_2020 + "FREQ=DAILY;BYSETPOS=2;BYDAY=MO", uid=f"never-{number}") for number in range(1000)]
    window = window_around(at("2026-11-25 12:00"))

    with pytest.raises(Unreadable, match=r"takes more than the 0\.5 s of computing"):
        read_agenda.in_subprocess(calendar(*never), window, PARIS)
    assert len(read_agenda.in_subprocess(calendar(event()), window, PARIS).occurrences) == 1


def test_what_is_read_apart_is_what_is_read_here():
    bodies = [calendar(event(f"{FROM_2020}FREQ=MONTHLY")), calendar(event(uid="odd", more="GEO;VALUE=TEXT:x"), event())]
    for body in bodies:
        window = window_around(at("2026-11-25 12:00"), ["watched"])
        assert read_agenda.in_subprocess(body, window, PARIS) == read_agenda(body, window, PARIS)
