"""Every real calendar of the shared samples, and what became of it."""

from __future__ import annotations

import pytest

from alerts.model.reason import because
from tests.samples import shared
from tests.unit.sources.ical_pages import PARIS, agenda_of, spans


def body(name: str) -> bytes:
    return shared(f"feeds/ical/{name}.ics").read_bytes()


def test_a_moved_occurrence_stands_before_its_master():
    found = agenda_of(body("google-moved"), "2021-11-20 12:00").occurrences

    assert [(each.recurrence_id, f"{each.starts:%d.%m. %H:%M}") for each in found] == [
        ("20211126T203000Z", "26.11. 21:30"),
        ("20211231T203000Z", "17.12. 21:30"),
    ]
    assert found[0].description == "Jeden letzten Freitag im Monat https://www.instagram.com/p/CWwxmqbKXsC/"
    assert found[0].notes == (because("event_assumed_end"),)


def test_one_of_three_is_cancelled():
    found = agenda_of(body("rrule-one-cancelled"), "2020-01-28 12:00").occurrences

    assert [(f"{each.starts:%d %H:%M}", each.status) for each in found] == [
        ("28 22:00", "CONFIRMED"),
        ("29 22:00", "CANCELLED"),
        ("30 22:00", "CONFIRMED"),
    ]


def test_a_weekly_day_leaves_out_its_exceptions():
    assert spans(body("allday-weekly-exdate"), "2019-02-10 12:00")[:3] == [
        ("14 00:00", "15 00:00"),
        ("2019-03-21 00:00", "2019-03-22 00:00"),
        ("2019-03-28 00:00", "2019-03-29 00:00"),
    ]
    assert all(
        each.all_day and each.categories == ("WFH",)
        for each in agenda_of(body("allday-weekly-exdate"), "2019-02-10 12:00").occurrences
    )


def test_dates_without_value_date_are_whole_days():
    found = agenda_of(body("example-holidays"), "2022-01-01 12:00").occurrences

    assert [(each.summary, each.all_day, (each.ends - each.starts).days) for each in found] == [
        ("New Year's Day", True, 1),
        ("Orthodox Christmas", True, 1),
    ]
    assert found[1].location == "Russia"


def test_a_zone_told_four_times_and_an_event_without_an_end():
    found = agenda_of(body("no-dtend-repeated-vtimezone"), "2019-01-17 12:00").occurrences

    assert [(f"{each.starts:%m-%d %H:%M:%S}", f"{each.ends:%m-%d %H:%M:%S}") for each in found] == [
        ("01-17 18:00:25", "01-17 19:00:25"),
        ("02-28 15:00:14", "02-28 18:30:14"),
        ("03-01 18:00:35", "03-01 21:00:35"),
    ]
    assert not any(each.url for each in found)  # "/c/machbar/calendar" opens nothing


def test_overrides_and_an_until_in_utc():
    found = agenda_of(body("thunderbird-overrides"), "2019-03-07 12:00").occurrences

    assert [(each.summary, f"{each.starts:%d %H:%M}", f"{each.ends:%d %H:%M}", each.all_day) for each in found] == [
        ("New Event", "07 02:00", "07 03:00", False),
        ("New Event", "08 01:00", "08 03:00", False),
        ("New Event", "09 03:00", "09 03:30", False),
        ("New Event", "10 00:00", "11 00:00", True),
        ("test7", "18 04:00", "18 05:00", False),
        ("test7 - edited", "19 04:00", "19 05:00", False),
        ("test7", "20 04:00", "20 05:00", False),
    ]


@pytest.mark.parametrize(
    ("name", "now"),
    [
        ("google-moved", "2021-11-20 12:00"),
        ("thunderbird-overrides", "2019-03-07 12:00"),
        ("no-dtend-repeated-vtimezone", "2019-05-01 12:00"),
    ],
)
def test_no_sample_has_a_flaw_and_every_time_is_in_the_station_s_zone(name, now):
    agenda = agenda_of(body(name), now)

    assert agenda.flaws == ()
    assert {each.starts.tzinfo for each in agenda.occurrences} == {PARIS}
