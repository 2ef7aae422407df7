"""The life of an occurrence, told: each reading is decided from the calendar, the stored state and the time alone."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.model.alert import Alert, Category, MsgType, Severity, Urgency
from alerts.model.hazard import hazard_of
from alerts.model.town import Town
from alerts.sources.ical.announcements import Announcement, Schedule, decide
from alerts.sources.ical.occurrence import from_state, parse_moment, to_state
from alerts.sources.ical.works_alert import to_alert
from tests.unit.sources.ical_pages import NINE_TO_NOON, PARIS, agenda_of, at, calendar, event
from tests.walls import in_one_test

TOWN = Town("Town", "works@town.example", language="en-GB")
WEEK = "DTSTART;TZID=Europe/Paris:20261126T080000\nDTEND;TZID=Europe/Paris:20261126T170000\nRRULE:FREQ=DAILY;COUNT=3"
ALL_DAY = "DTSTART;VALUE=DATE:20261127\nDTEND;VALUE=DATE:20261129"


@dataclass
class Story:
    """A calendar as it changes, read at one time after another; the state goes through JSON each time."""

    page: bytes
    announce: tuple[str, ...] = ("-1d", "start", "end")
    since: str | None = None
    state: dict[str, Any] = field(default_factory=dict)
    look_again: str = ""
    gone: int = 0
    gone_for_good: bool = False
    decided: list[Announcement] = field(default_factory=list)
    sent: list[Alert] = field(default_factory=list)

    def read(self, now: str, page: bytes | None = None) -> list[Alert]:
        self.page = self.page if page is None else page
        told = from_state(json.loads(json.dumps(self.state)))
        watched = tuple(each.occurrence.uid for each in told.values() if each.occurrence and not each.over)
        schedule = Schedule([parse_moment(each) for each in self.announce], PARIS)
        since = at(self.since) if self.since else None
        agenda = agenda_of(self.page, now, watched)
        decision = decide(agenda, told, schedule, at(now), since=since, gone_for_good=self.gone_for_good)
        self.gone, self.decided = len(decision.gone), [*decision.announcements]
        self.state = to_state(decision.announced)
        self.look_again = f"{decision.look_again.astimezone(PARIS):%d %H:%M}" if decision.look_again else ""
        alerts = [to_alert(each, TOWN, Severity.MINOR, at(now)) for each in decision.announcements]
        self.sent += alerts
        return alerts

    def steps(self, now: str, page: bytes | None = None) -> list[tuple[str, str]]:
        return [(each.msg_type.value, step(each)) for each in self.read(now, page)]


def step(alert: Alert) -> str:
    return alert.infos[0].parameter("tocsin:step") or ""


def changes(alert: Alert) -> list[dict[str, Any]]:
    return json.loads(alert.infos[0].parameter("tocsin:change") or "[]")


def one(times: str = NINE_TO_NOON, **said: str) -> bytes:
    return calendar(event(times, **said))


def test_the_day_before_the_start_and_the_end():
    story = Story(one())

    assert story.read("2026-11-25 12:00") == []
    assert story.look_again == "26 09:00"
    assert story.steps("2026-11-26 09:00") == [("Alert", "before")]
    assert story.look_again == "27 09:00"
    assert story.steps("2026-11-26 15:00") == []
    assert story.steps("2026-11-27 09:00") == [("Update", "start")]
    assert story.look_again == "27 12:00"
    assert story.steps("2026-11-27 12:00") == [("Update", "end")]
    assert story.look_again == ""
    assert story.steps("2026-11-27 12:01") == []
    assert story.steps("2026-11-29 12:00") == []
    assert story.state == {"told": {}}


def test_what_the_alerts_say():
    page = one(
        summary="Rue haute",
        more="LOCATION:Rue haute\nDESCRIPTION:<b>No</b> cars\nURL:https://town.example/1\nGEO:45.5;5.25",
    )
    story = Story(page)
    (first,) = story.read("2026-11-26 09:00")
    (begun,) = story.read("2026-11-27 09:00")
    (over,) = story.read("2026-11-27 12:00")

    info = first.infos[0]
    assert (first.msg_type, first.references, first.sent) == (MsgType.ALERT, (), at("2026-11-26 09:00"))
    assert (info.event, info.headline, info.description) == ("Works", "Rue haute", "No cars")
    assert (info.onset, info.expires) == (at("2026-11-27 09:00"), at("2026-11-27 12:00"))
    assert (info.urgency, info.categories, info.web) == (
        Urgency.FUTURE,
        (Category.TRANSPORT,),
        "https://town.example/1",
    )
    assert (info.areas[0].description, info.areas[0].circles[0].centre) == ("Rue haute", (45.5, 5.25))
    assert info.parameter("tocsin:hazard") == "works"
    assert [each.identifier for each in begun.references] == [first.identifier]
    assert [(each.identifier, each.sent) for each in over.references] == [
        (first.identifier, first.sent),
        (begun.identifier, begun.sent),
    ]
    assert begun.infos[0].urgency is Urgency.EXPECTED
    assert (over.msg_type, over.infos[0].urgency) == (MsgType.UPDATE, Urgency.PAST)
    assert (over.infos[0].response_types, over.infos[0].parameter("tocsin:end")) == ((), "planned")
    assert over.infos[0].expires == at("2026-11-27 12:00")


@pytest.mark.parametrize(
    ("said", "language", "event_name", "category"),
    [
        ({"summary": "Coupure d'eau"}, "fr-FR", "Coupure d’eau", Category.INFRA),
        ({"summary": "Rue haute", "more": "CATEGORIES:Water cut"}, "en-GB", "Water cut", Category.INFRA),
        ({"summary": "Réseau d'eaux pluviales, vent fort"}, "fr-FR", "Travaux", Category.TRANSPORT),
    ],
)
def test_a_water_cut_is_one(said, language, event_name, category):
    agenda = agenda_of(one(**said))
    schedule = Schedule([parse_moment("-7d")], PARIS)
    announcement = decide(agenda, {}, schedule, at("2026-11-25 12:00")).announcements[0]
    info = to_alert(announcement, Town("Town", "a@b", language=language), Severity.MINOR, at("2026-11-25 12:00")).infos[
        0
    ]

    assert (info.event, info.categories) == (event_name, (category,))


def test_identifiers_are_legal_and_never_the_same():
    story = Story(one(uid="a b,c<&>\\;d", summary="x"))
    alerts = [*story.read("2026-11-26 09:00"), *story.read("2026-11-26 10:00", one(uid="a b,c<&>\\;d", summary="y"))]
    alerts += [*story.read("2026-11-26 11:00", one(uid="a b,c<&>\\;d", summary="x"))]
    alerts += [*story.read("2026-11-26 12:00", one(uid="a b,c<&>\\;d", summary="y"))]

    assert [step(each) for each in alerts] == ["before", "moved", "moved", "moved"]
    assert len({each.identifier for each in alerts}) == 4
    assert not set(" ,<&") & set("".join(each.identifier for each in alerts))


def test_the_same_decision_has_the_same_identifier():
    first, again = Story(one()), Story(one())

    assert first.read("2026-11-26 09:00")[0].identifier == again.read("2026-11-26 09:00:30")[0].identifier


@in_one_test
@pytest.mark.parametrize(
    ("now", "steps"),
    [
        ("2026-11-26 08:59", []),
        ("2026-11-26 20:00", [("Alert", "before")]),
        ("2026-11-27 10:00", [("Alert", "start")]),
        ("2026-11-27 12:00", []),
        ("2026-11-27 18:00", []),
    ],
)
def test_a_first_reading_tells_the_latest_moment_of_what_is_not_over(now, steps):
    assert Story(one()).steps(now) == steps


@in_one_test
@pytest.mark.parametrize(
    ("now", "steps"),
    [
        ("2026-11-27 10:00", [("Update", "start")]),
        ("2026-11-27 18:00", [("Update", "end")]),
        ("2026-11-27 23:59", [("Update", "end")]),
        ("2026-11-28 00:00", []),
        ("2026-12-05 00:00", []),
    ],
)
def test_after_a_stop_only_the_latest_moment_is_told_and_the_end_for_half_a_day(now, steps):
    story = Story(one(), announce=("-1d", "-2h", "start", "end"))
    story.read("2026-11-26 09:00")

    assert story.steps(now) == steps
    assert story.steps(now) == []


def test_moved_after_it_was_told():
    story = Story(one())
    (first,) = story.read("2026-11-26 09:00")
    later = NINE_TO_NOON.replace("T09", "T10").replace("T12", "T13")

    (moved,) = story.read("2026-11-26 09:30", one(later))
    assert (moved.msg_type, step(moved)) == (MsgType.UPDATE, "moved")
    assert [each.identifier for each in moved.references] == [first.identifier]
    assert moved.infos[0].onset == at("2026-11-27 10:00")
    assert story.steps("2026-11-26 10:00") == []  # the notice was given twice already: as itself, and as moved
    assert story.steps("2026-11-27 09:00") == []
    assert story.steps("2026-11-27 10:00") == [("Update", "start")]


@pytest.mark.parametrize("said", [{"summary": "Rue basse"}, {"more": "LOCATION:Elsewhere"}])
def test_another_title_or_place_is_told_at_once(said):
    story = Story(one())
    story.read("2026-11-26 09:00")

    assert story.steps("2026-11-26 09:30", one(**said)) == [("Update", "moved")]


def test_another_description_is_not_told():
    story = Story(one())
    story.read("2026-11-26 09:00")

    assert story.steps("2026-11-26 09:30", one(more="DESCRIPTION:typo corrected\nSEQUENCE:9")) == []


def test_moved_before_it_was_told_is_silent():
    story = Story(one())
    story.read("2026-11-25 12:00")

    assert story.steps("2026-11-25 13:00", one(NINE_TO_NOON.replace("T09", "T10"))) == []
    assert story.look_again == "26 10:00"


def test_moved_to_another_week_is_announced_again_in_its_turn():
    story = Story(one())
    story.read("2026-11-27 09:00")

    assert story.steps("2026-11-27 09:30", one(NINE_TO_NOON.replace("1127", "1204"))) == [("Update", "moved")]
    assert story.steps("2026-11-27 12:00") == []
    assert story.steps("2026-12-03 09:00") == [("Update", "before")]


def test_moved_beyond_the_window_is_moved_not_cancelled():
    story = Story(one())
    story.read("2026-11-26 09:00")

    assert story.steps("2026-11-26 10:00", one(NINE_TO_NOON.replace("202611", "202705"))) == [("Update", "moved")]
    assert story.steps("2026-11-26 11:00") == []


def test_ended_sooner_than_was_told():
    story = Story(one(), announce=("start",))
    story.read("2026-11-27 09:00")

    assert story.steps("2026-11-27 11:00", one(NINE_TO_NOON.replace("T12", "T10"))) == [("Update", "end")]
    assert story.steps("2026-11-27 12:00") == []


def test_prolonged_at_the_last_minute_or_after_the_word_that_it_is_over():
    longer = one(NINE_TO_NOON.replace("T12", "T15"))
    at_the_end, after = Story(one()), Story(one())
    at_the_end.read("2026-11-27 09:00")
    after.read("2026-11-27 09:00")
    after.read("2026-11-27 12:00")

    assert at_the_end.steps("2026-11-27 12:00", longer) == [("Update", "moved")]
    (again,) = after.read("2026-11-27 12:10", longer)
    assert (again.msg_type, again.references) == (MsgType.ALERT, ())
    assert after.steps("2026-11-27 15:00") == [("Update", "end")]


def test_cancelled_by_its_status():
    story = Story(one())
    (first,) = story.read("2026-11-26 09:00")

    (cancel,) = story.read("2026-11-26 10:00", one(more="STATUS:CANCELLED"))
    assert (cancel.msg_type, step(cancel)) == (MsgType.CANCEL, "cancelled")
    assert [each.identifier for each in cancel.references] == [first.identifier]
    assert cancel.infos[0].headline == "Rue haute closed"
    assert story.steps("2026-11-27 09:00") == []
    assert story.look_again == ""


def test_cancelled_before_it_was_told_is_silent():
    story = Story(one(more="STATUS:CANCELLED"))

    assert story.steps("2026-11-27 10:00") == []
    assert story.look_again == ""


def test_called_off_and_on_again():
    story = Story(one())
    story.read("2026-11-26 09:00")
    story.read("2026-11-26 10:00", one(more="STATUS:CANCELLED"))

    (again,) = story.read("2026-11-26 11:00", one())
    assert (again.msg_type, again.references) == (MsgType.ALERT, ())


def test_a_series_speaks_once_and_again_for_one_day_off():
    story = Story(one(WEEK))
    (first,) = story.read("2026-11-25 12:00")
    assert first.infos[0].onset == at("2026-11-26 08:00")
    assert first.infos[0].expires == at("2026-11-28 17:00")
    assert story.steps("2026-11-26 08:00") == []

    excepted = one(WEEK, more="EXDATE;TZID=Europe/Paris:20261127T080000")
    (off,) = story.read("2026-11-26 09:00", excepted)
    assert (off.msg_type, step(off), changes(off)) == (
        MsgType.UPDATE,
        "moved",
        [{"what": "off", "days": ["2026-11-27"]}],
    )
    assert story.steps("2026-11-26 17:00") == []
    assert story.steps("2026-11-27 08:00") == []
    (on,) = story.read("2026-11-27 09:00", one(WEEK))
    assert changes(on) == [{"what": "on", "days": ["2026-11-27"]}]
    assert story.steps("2026-11-28 17:00") == []
    assert story.steps("2026-11-30 17:00") == []
    assert story.state["told"] == {}


@in_one_test
@pytest.mark.parametrize(
    ("after", "change"),
    [
        (WEEK.replace("COUNT=3", "COUNT=4"), {"what": "last", "was": "2026-11-28", "now": "2026-11-29"}),
        (WEEK.replace("COUNT=3", "COUNT=2"), {"what": "last", "was": "2026-11-28", "now": "2026-11-27"}),
        (WEEK.replace(";COUNT=3", ""), {"what": "last", "was": "2026-11-28", "now": None}),
        (
            WEEK + "\nRDATE;TZID=Europe/Paris:20261203T080000",
            {"what": "last", "was": "2026-11-28", "now": "2026-12-03"},
        ),
    ],
)
def test_a_series_that_ends_on_another_day(after, change):
    story = Story(one(WEEK))
    story.read("2026-11-25 12:00")

    (changed,) = story.read("2026-11-25 13:00", one(after))
    assert change in changes(changed)
    assert story.steps("2026-11-25 14:00") == []


def test_one_date_of_a_series_is_moved_and_back_again():
    moved = "RECURRENCE-ID;TZID=Europe/Paris:20261127T080000\nDTSTART;TZID=Europe/Paris:20261127T130000\nDURATION:PT1H"
    story = Story(one(WEEK))
    story.read("2026-11-25 12:00")

    (update,) = story.read("2026-11-25 13:00", calendar(event(WEEK), event(moved)))
    span = ["2026-11-27", "2026-11-27T13:00:00+01:00", "2026-11-27T14:00:00+01:00"]
    assert changes(update) == [{"what": "date", "moved": [span]}]
    assert story.steps("2026-11-25 14:00") == []
    (back,) = story.read("2026-11-25 15:00", one(WEEK))
    assert changes(back) == [{"what": "on", "days": ["2026-11-27"]}]


def test_a_series_without_an_end_is_told_once_a_year():
    story = Story(one(NINE_TO_NOON + "\nRRULE:FREQ=WEEKLY"))
    story.read("2026-11-26 09:00")

    days = [at("2026-11-26 09:00") + timedelta(days=number) for number in range(1, 400)]
    told = [(f"{day:%Y-%m-%d}", steps) for day in days if (steps := story.steps(f"{day:%Y-%m-%d %H:%M}"))]
    assert told == [("2027-11-26", [("Update", "again")])]


def nights(*days: int) -> bytes:
    """Single entries of one night each, as exports write them that know no rules."""
    spans = [f"DTSTART;TZID=Europe/Paris:202612{day:02}T220000\nDURATION:PT8H" for day in days]
    return calendar(*(event(span, uid=f"night-{day}") for day, span in zip(days, spans, strict=True)))


def test_nights_in_a_row_that_are_entries_of_their_own_are_one_series():
    story = Story(nights(*range(2, 12)))
    (first,) = story.read("2026-12-01 22:00")
    assert json.loads(first.infos[0].parameter("tocsin:series"))["last"] == "2026-12-11"
    assert first.infos[0].expires == at("2026-12-12 06:00")
    assert story.steps("2026-12-02 22:00") == []

    (off,) = story.read("2026-12-04 12:00", nights(2, 3, 4, 5, 7, 8, 9, 10, 11))
    assert changes(off) == [{"what": "off", "days": ["2026-12-06"]}]
    (longer,) = story.read("2026-12-05 12:00", nights(2, 3, 4, 5, 7, 8, 9, 10, 11, 12))
    assert changes(longer) == [{"what": "last", "was": "2026-12-11", "now": "2026-12-12"}]
    for day in range(6, 14):
        assert story.steps(f"2026-12-{day:02} 23:00") == []
    assert story.steps("2026-12-15 12:00") == []
    assert story.state["told"] == {}


def test_the_same_on_days_apart_is_told_each_time():
    story = Story(nights(2, 4, 9))

    assert story.steps("2026-12-01 22:00") == [("Alert", "before")]
    assert story.steps("2026-12-03 22:00") == [("Alert", "before")]


@pytest.mark.parametrize(("first", "now"), [("20260326", "2026-03-25 22:00"), ("20261023", "2026-10-22 22:00")])
def test_the_night_that_the_clocks_change_is_a_night_like_others(first, now):
    last = str(int(first) + 1)
    night = f"DTSTART;TZID=Europe/Paris:{first}T220000\nDTEND;TZID=Europe/Paris:{last}T060000\nRRULE:FREQ=DAILY;COUNT=5"
    (told,) = Story(one(night)).read(now)

    assert json.loads(told.infos[0].parameter("tocsin:series"))["moved"] == []


def test_a_series_that_pauses_beyond_the_window_goes_on():
    story = Story(one(NINE_TO_NOON + "\nRRULE:FREQ=MONTHLY;INTERVAL=4"))
    assert story.steps("2026-11-26 09:00") == [("Alert", "before")]

    for day in ("2026-11-29", "2026-12-20", "2027-01-20", "2027-03-27"):
        assert story.steps(f"{day} 12:00") == []


def test_what_comes_once_a_year_is_told_each_year():
    story = Story(one(NINE_TO_NOON + "\nRRULE:FREQ=YEARLY"))

    assert story.steps("2026-11-26 09:00") == [("Alert", "before")]
    assert story.steps("2026-11-27 12:00") == [("Update", "end")]
    assert story.steps("2027-11-26 09:00") == [("Alert", "before")]


def test_gone_while_others_stay_is_cancelled():
    other = event(NINE_TO_NOON.replace("1127", "1210"), uid="other", summary="Other")
    story = Story(calendar(event(), other))
    story.read("2026-11-26 09:00")

    assert story.steps("2026-11-26 10:00", calendar(other)) == [("Cancel", "cancelled")]
    assert story.steps("2026-11-26 10:01") == []


@pytest.mark.parametrize("left", [0, 1, 3])
def test_much_that_is_gone_at_once_is_not_cancelled_until_an_officer_says_so(left):
    events = [event(uid=f"{number}", summary=f"Rue {number}") for number in range(6)]
    story = Story(calendar(*events))
    assert len(story.read("2026-11-26 09:00")) == 6

    page = calendar(*events[:left])
    assert story.steps("2026-11-26 10:00", page) == []
    assert story.gone == 6 - left
    assert len(story.steps("2026-11-27 09:00", page)) == left  # the others begin; of what is gone nothing is said
    assert story.steps("2026-11-27 09:10", calendar(*events)) == [("Update", "start")] * (6 - left)  # all is back
    story.gone_for_good = True
    assert story.steps("2026-11-27 10:00", page) == [("Cancel", "cancelled")] * (6 - left)


def test_a_calendar_that_is_damaged_calls_nothing_off():
    half = "BEGIN:VTIMEZONE\nTZID:X"
    story = Story(calendar(event(), event(uid="two", summary="Two")))
    assert len(story.read("2026-11-26 09:00")) == 2

    assert story.steps("2026-11-26 10:00", calendar(event(), half)) == []
    assert story.gone == 0


def test_new_uids_at_each_download_tell_nothing_twice():
    titles = ("Rue haute", "Rue basse", "Rue longue")

    def page(number: int, shift: str = "T09") -> bytes:
        rules = (f"{NINE_TO_NOON}\nRRULE:FREQ=WEEKLY;COUNT=4", NINE_TO_NOON.replace("T09", shift), ALL_DAY)
        return calendar(
            *(event(rule, uid=f"{number}-{title}", summary=title) for rule, title in zip(rules, titles, strict=True))
        )

    steady, anew = Story(page(0)), Story(page(0))
    for hour in range(10):
        now = f"2026-11-26 {9 + hour:02}:00"
        said = steady.steps(now, page(0, "T10" if hour > 4 else "T09"))
        assert anew.steps(now, page(hour, "T10" if hour > 4 else "T09")) == said
    assert len(anew.sent) == len(steady.sent) == 4
    assert anew.steps("2026-11-27 12:00", page(11, "T10")) == steady.steps("2026-11-27 12:00", page(0, "T10"))
    assert anew.steps("2026-11-27 13:00", page(12, "T10")) == []


def test_entries_that_share_a_uid_are_told_each():
    second = event(NINE_TO_NOON.replace("T09", "T10"), summary="Rue basse")
    story = Story(calendar(event(), second))

    assert story.steps("2026-11-26 10:00") == [("Alert", "before")] * 2
    assert story.steps("2026-11-26 11:00", calendar(event())) == [("Cancel", "cancelled")]
    assert story.steps("2026-11-27 09:00") == [("Update", "start")]


def test_what_is_not_public_any_more_is_withdrawn_without_its_words():
    story = Story(one(more="LOCATION:Rue haute\nURL:https://town.example/1"))
    story.read("2026-11-26 09:00")

    (withdrawn,) = story.read("2026-11-26 10:00", one(more="CLASS:PRIVATE"))
    assert (withdrawn.msg_type, step(withdrawn)) == (MsgType.CANCEL, "withdrawn")
    assert "haute" not in repr(withdrawn.infos)
    assert withdrawn.infos[0].web is None
    assert story.gone == 0
    assert story.steps("2026-11-27 09:00") == []


def test_a_first_reading_tells_nothing_that_began_before_it():
    on = event("DTSTART:20261126T080000\nDTEND:20261128T080000", uid="on", summary="Begun")
    weekly = event("DTSTART:20261105T090000\nDURATION:PT3H\nRRULE:FREQ=WEEKLY", uid="weekly", summary="Weekly")
    story = Story(calendar(on, weekly, event()), since="2026-11-26 09:30")

    assert [each.infos[0].headline for each in story.read("2026-11-26 09:30")] == ["Rue haute closed"]
    assert story.steps("2026-11-26 12:00") == []
    assert story.steps("2026-11-28 08:00", calendar(weekly, event())) == []
    (series,) = story.read("2026-12-02 09:00")
    assert (series.infos[0].headline, series.infos[0].onset) == ("Weekly", at("2026-12-03 09:00"))


def test_what_had_begun_is_told_when_it_is_put_off():
    on = event("DTSTART:20261126T080000\nDTEND:20261128T080000")
    story = Story(calendar(on), since="2026-11-26 09:30")
    story.read("2026-11-26 09:30")

    assert story.steps("2026-11-26 10:00", calendar(on.replace("1126T", "1127T"))) == [("Alert", "before")]


def test_a_flood_of_a_first_day_is_held_for_an_officer_with_all_that_follows():
    events = [event(uid=f"{number}", summary=f"Rue {number}") for number in range(6)]
    flood = Story(calendar(*events), since="2026-11-26 09:00")
    few = Story(calendar(*events[:5]), since="2026-11-26 09:00")
    later = Story(calendar(*events), since="2026-11-20 09:00")

    for story, held in ((flood, True), (few, False), (later, False)):
        story.read("2026-11-26 09:00")
        story.read("2026-11-27 09:00")
        assert {each.needs_review for each in story.decided} == {held}


def test_vanished_before_it_was_told_is_silent():
    story = Story(one())
    story.read("2026-11-25 12:00")

    assert story.steps("2026-11-26 10:00", calendar()) == []


def test_vanished_after_its_end_is_over_not_cancelled():
    story = Story(one())
    story.read("2026-11-27 09:00")

    (over,) = story.read("2026-11-27 12:00", calendar())
    assert (over.msg_type, over.infos[0].headline) == (MsgType.UPDATE, "Rue haute closed")
    assert over.infos[0].parameter("tocsin:end") == "planned"


def test_an_entry_that_can_t_be_read_any_more_has_not_vanished():
    story = Story(one())
    story.read("2026-11-26 09:00")

    assert story.steps("2026-11-26 10:00", one("DTSTART:soon")) == []
    assert story.steps("2026-11-27 09:00", one()) == [("Update", "start")]


def test_a_series_moved_to_another_hour_says_so_once():
    story = Story(one(WEEK))
    story.read("2026-11-26 08:00")

    (moved,) = story.read("2026-11-26 08:10", one(WEEK.replace("T08", "T09")))
    assert step(moved) == "moved"
    assert [each["what"] for each in changes(moved)] == ["rhythm"]
    assert changes(moved)[0]["was"]["opens"] == "08:00"
    assert story.steps("2026-11-26 08:20") == []


def test_tentative_is_for_the_record_only_until_it_is_confirmed():
    story = Story(one(more="STATUS:TENTATIVE"))
    schedule = Schedule([parse_moment("-1d")], PARIS)
    decision = decide(agenda_of(story.page, "2026-11-26 10:00"), {}, schedule, at("2026-11-26 10:00"))

    assert [(each.tentative, each.identifier[-10:]) for each in decision.announcements] == [(True, "-tentative")]
    assert decision.announced == {}
    assert story.steps("2026-11-26 11:00", one()) == [("Alert", "before")]


def test_a_told_one_that_turns_tentative_goes_on():
    story = Story(one())
    story.read("2026-11-26 09:00")

    assert story.steps("2026-11-27 09:00", one(more="STATUS:TENTATIVE")) == [("Update", "start")]


def test_an_all_day_event_is_told_at_civil_hours():
    story = Story(one(ALL_DAY))

    assert story.steps("2026-11-26 17:59") == []
    (first,) = story.read("2026-11-26 18:00")
    assert first.infos[0].parameter("tocsin:all-day") == "true"
    assert (first.infos[0].onset, first.infos[0].expires) == (at("2026-11-27 00:00"), at("2026-11-29 00:00"))
    assert story.steps("2026-11-27 00:00") == []
    assert story.steps("2026-11-27 07:00") == [("Update", "start")]
    assert story.steps("2026-11-28 20:00") == [("Update", "end")]
    assert story.steps("2026-11-29 00:00") == []


def test_without_an_end_to_announce_it_just_ends():
    story = Story(one(), announce=("start",))
    story.read("2026-11-27 09:00")

    assert story.look_again == "27 12:00"
    assert story.steps("2026-11-27 12:00") == []
    assert story.steps("2026-11-27 12:05", calendar()) == []


def test_prolonged_after_a_silent_end_is_news():
    story = Story(one(), announce=("start",))
    story.read("2026-11-27 09:00")
    story.read("2026-11-27 12:00")

    (again,) = story.read("2026-11-27 12:10", one(NINE_TO_NOON.replace("T12", "T15")))
    assert (again.msg_type, step(again), again.references) == (MsgType.ALERT, "start", ())


@pytest.mark.parametrize(("day", "before"), [("20260329", "2026-03-28"), ("20261025", "2026-10-24")])
def test_the_days_that_the_clocks_change(day, before):
    story = Story(one(NINE_TO_NOON.replace("20261127", day)))
    today = f"{day[:4]}-{day[4:6]}-{day[6:]}"

    assert story.steps(f"{before} 08:59") == []
    assert story.steps(f"{before} 09:00") == [("Alert", "before")]
    assert story.steps(f"{today} 08:59") == []
    assert story.steps(f"{today} 09:00") == [("Update", "start")]
    assert story.steps(f"{today} 12:00") == [("Update", "end")]


@given(st.lists(st.integers(0, 72 * 60), min_size=1, max_size=25))
def test_whenever_it_is_read_each_moment_is_told_once_at_most_and_in_order(minutes):
    story = Story(one())
    told: list[Alert] = []
    for minute in sorted(minutes):
        now = at("2026-11-25 20:00") + timedelta(minutes=minute)
        told += story.read(f"{now:%Y-%m-%d %H:%M}")

    steps = [step(each) for each in told]
    assert steps == sorted(set(steps), key=["before", "start", "end"].index)
    assert [each.msg_type for each in told] == [MsgType.ALERT, MsgType.UPDATE, MsgType.UPDATE][: len(told)]
    assert [len(each.references) for each in told] == list(range(len(told)))
    assert steps != ["end"]


@given(st.lists(st.sampled_from(["same", "later", "other", "cancelled", "gone", "broken"]), max_size=8))
def test_whatever_happens_to_it_every_reference_was_sent_before(happenings):
    pages = {
        "same": one(),
        "later": one(NINE_TO_NOON.replace("T12", "T16")),
        "other": one(summary="Another"),
        "cancelled": one(more="STATUS:CANCELLED"),
        "gone": calendar(),
        "broken": one("DTSTART:soon"),
    }
    story = Story(one())
    sent: list[Alert] = []
    for hour, happening in enumerate(["same", *happenings]):
        for alert in story.read(f"2026-11-26 {9 + hour:02}:00", pages[happening]):
            assert {each.identifier for each in alert.references} <= {each.identifier for each in sent}
            assert bool(alert.references) is (alert.msg_type is not MsgType.ALERT)
            sent.append(alert)
    assert len({each.identifier for each in sent}) == len(sent)


@in_one_test
@pytest.mark.parametrize(
    ("title", "hazard"),
    [
        ("Rue Haute", "works"),
        ("Élagage avenue de la Gare, stationnement interdit", "works"),
        ("Raccordement au gaz rue Basse", "works"),
        ("Fermeture de la rue Haute", "works"),
        ("Stationnement interdit place du Marché", "works"),
        ("Road closed for resurfacing", "works"),
        ("Coupure d'eau rue Basse", "water-cut"),
        ("Coupure d'électricité quartier de la Gare", "power"),
        ("Marché de Noël, place du Marché", "general"),
        ("Brocante : rue Haute fermée", "general"),
        ("Fermeture de la mairie", "general"),
        ("Fermeture de la piscine pour maintenance", "general"),
        ("Conseil municipal", "general"),
        ("Town hall closed", "general"),
        ("Farmers' market", "general"),
    ],
)
def test_what_is_no_works_is_not_called_so(title, hazard):
    (first,) = Story(one(summary=title)).read("2026-11-26 09:00")

    assert hazard_of(first.infos[0]).value == hazard
    assert (first.infos[0].event == "Information") == (hazard == "general")
