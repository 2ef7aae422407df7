"""What a calendar may cost: no event holds up another one, and none of them the town."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable

import pytest
from structlog.testing import capture_logs

from alerts.sources.ical.agenda import WorksAgenda, read_agenda, window_around
from alerts.sources.ical.event import EARLIEST, LATEST, MOST_DATES
from alerts.sources.ical.recurrence import MOST_RULES, MOST_SECONDS, MOST_VERSIONS, Budget, OutOfTime
from tests.unit.sources.ical_pages import NINE_TO_NOON, PARIS, agenda_of, at, calendar, event

FROM_2020 = "DTSTART;TZID=Europe/Paris:20200101T080000\nDURATION:PT1H\nRRULE:"
OVERRIDE = "RECURRENCE-ID:20261127T070000Z\nDTSTART:20261127T080000"


def costs(body: bytes) -> tuple[WorksAgenda, float]:
    """The agenda, and the seconds of this thread that it took."""
    begun = time.thread_time()
    return agenda_of(body), time.thread_time() - begun


def dates(count: int) -> str:
    return ",".join(f"2026{1 + number % 12:02}{1 + number % 28:02}T{number % 24:02}0000" for number in range(count))


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
    ids=["by the minute all year", "minutely", "a date too many", "80,000 dates", "exceptions", "rules"],
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


def ticking(seconds: float) -> Callable[[], float]:
    """A clock that has gone on by `seconds` whenever it is looked at."""
    times = itertools.count()
    return lambda: next(times) * seconds


def read_with(body: bytes, monotonic: Callable[[], float]) -> WorksAgenda:
    return read_agenda(body, window_around(at("2026-11-25 12:00")), PARIS, monotonic)


def test_what_is_beyond_the_time_of_a_calendar_is_told_once_for_all():
    body = calendar(*(event(uid=f"works-{number}") for number in range(20)))

    agenda = read_with(body, ticking(1))

    assert 0 < len(agenda.occurrences) < 6
    *begun, left = agenda.flaws
    assert len(begun) <= 1
    unread = 20 - len(agenda.occurrences) - len(begun)
    assert str(left.reason).startswith(f"{unread} events were not read, for the calendar takes longer than 10 s: ")
    assert not agenda.tells_absence("works-19", agenda.occurrences[0].starts, agenda.occurrences[0].ends)
    assert read_with(body, ticking(1)).flaws[-1].key == left.key
    assert read_with(body, ticking(MOST_SECONDS / 1000)).flaws == ()


def test_a_rule_is_given_up_when_the_time_is_up():
    """The clock jumps while the rule is being followed, at the second look that it takes at the time."""
    looks = itertools.count()
    agenda = read_with(
        calendar(event(f"{FROM_2020}FREQ=DAILY", uid="long"), event()), lambda: 0.0 if next(looks) < 4 else MOST_SECONDS
    )

    assert [flaw.uid for flaw in agenda.flaws] == ["long", None]
    assert "takes longer than 10 s to read, up to this event and with it" in str(agenda.flaws[0].reason)
    assert str(agenda.flaws[1].reason).startswith("1 events were not read")


def test_zones_are_learned_within_the_time():
    zone = "BEGIN:VTIMEZONE\nTZID:Z{0}\nBEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0200\n"
    zone += "END:STANDARD\nEND:VTIMEZONE"
    head = "\n".join(zone.format(number) for number in range(50))
    looks = itertools.count()

    agenda = read_with(calendar(event(), head=head), lambda: float(next(looks)))

    assert agenda.occurrences == ()
    assert next(looks) < 20
    assert [flaw.uid for flaw in agenda.flaws] == [None]


def test_a_budget_is_spent_when_its_time_is_up():
    now = 100.0
    budget = Budget(lambda: now, 5)

    budget.check()
    now = 104.9
    assert not budget.spent
    now = 105.0
    with pytest.raises(OutOfTime, match="longer than 5 s"):
        budget.check()
