from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from babel.dates import format_datetime

from alerts.model.alert import Info, NamedValue
from alerts.rendering.library import GENERAL, Library, shipped_folder
from alerts.rendering.moments import DateFormatter, event_end, with_ordinal
from alerts.rendering.polling import moment
from tests.unit.rendering.sample_alerts import NOW
from tests.walls import in_one_test

PARIS = ZoneInfo("Europe/Paris")
PHRASES = {tag: Library([shipped_folder()]).words(tag, GENERAL)["moments"] for tag in ("fr", "en")}


def at(day: int, hour: int, minute: int = 0, month: int = 11, year: int = 2026) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=PARIS)


def teller(language: str = "fr-FR", *, long: bool = False) -> DateFormatter:
    return DateFormatter(language, PARIS, NOW, PHRASES[language[:2]], long)


FRENCH = [
    (None, at(25, 18), "jusqu’à mercredi 25, 18 h"),
    (None, at(25, 18, 5), "jusqu’à mercredi 25, 18 h 05"),
    (None, at(26, 12), "jusqu’à jeudi 26, midi"),
    (None, at(26, 0), "jusqu’à mercredi 25, minuit"),
    (None, at(25, 23, 59), "jusqu’à mercredi 25, minuit"),
    (None, at(26, 0, 30), "jusqu’à jeudi 26, 0 h 30"),
    (None, at(1, 8, month=12), "jusqu’à mardi 1er, 8 h"),
    (None, at(28, 8, month=12), "jusqu’à lundi 28 déc., 8 h"),
    (None, at(1, 8, month=9, year=2027), "jusqu’à mercredi 1er sept. 2027, 8 h"),
    (at(24, 8), at(25, 18), "jusqu’à mercredi 25, 18 h"),
    (at(26, 6), at(26, 18), "jeudi 26, de 6 h à 18 h"),
    (at(26, 6), at(28, 18), "du jeudi 26 à 6 h au samedi 28 à 18 h"),
    (at(26, 22), at(27, 2), "la nuit du jeudi 26 au vendredi 27, de 22 h à 2 h"),
    (at(26, 0), at(27, 0), "jeudi 26 toute la journée"),
    (at(26, 0), at(29, 0), "du jeudi 26 au samedi 28"),
    (at(26, 6), None, "à partir du jeudi 26 à 6 h"),
    (at(24, 8), None, "depuis le mardi 24 à 8 h, fin non précisée"),
    (None, None, "dès maintenant, fin non précisée"),
    (at(27, 8), at(26, 8), "à partir du vendredi 27 à 8 h"),
]


@in_one_test
@pytest.mark.parametrize(("start", "end", "words"), FRENCH)
def test_a_window_in_french(start: datetime | None, end: datetime | None, words: str) -> None:
    assert teller().window(start, end).replace("\u00a0", " ") == words


@in_one_test
@pytest.mark.parametrize(
    ("start", "end", "words"),
    [
        (None, at(25, 18), "jusqu’à 18 h aujourd’hui mercredi 25 novembre"),
        (None, at(25, 22), "jusqu’à 22 h ce soir, mercredi 25 novembre"),
        (at(25, 19), at(25, 22), "ce soir, mercredi 25 novembre, de 19 h à 22 h"),
        (at(25, 22), at(26, 2), "cette nuit, de 22 h à 2 h (mercredi 25 à jeudi 26)"),
        (at(26, 22), at(27, 6), "la nuit du jeudi 26 au vendredi 27 novembre, de 22 h à 6 h"),
        (None, at(26, 18), "jusqu’à demain jeudi 26 novembre à 18 h"),
        (None, at(27, 18), "jusqu’au vendredi 27 novembre à 18 h"),
        (at(25, 20), None, "à partir d’aujourd’hui mercredi 25 novembre à 20 h"),
        (at(26, 6), at(26, 18), "demain jeudi 26 novembre, de 6 h à 18 h"),
    ],
)
def test_where_there_is_room_the_day_is_also_today_or_tomorrow(
    start: datetime | None, end: datetime | None, words: str
) -> None:
    assert teller(long=True).window(start, end).replace("\u00a0", " ") == words


@in_one_test
@pytest.mark.parametrize(
    ("language", "end", "words"),
    [
        ("en-GB", at(25, 18), "until Wednesday 25, 6pm"),
        ("en-GB", at(26, 0), "until Wednesday 25, midnight"),
        ("en-GB", at(26, 12, 15), "until Thursday 26, 12:15pm"),
        ("en-GB", at(26, 12), "until Thursday 26, noon"),
        ("en-GB", at(26, 0, 12), "until Thursday 26, 00:12"),
        ("en-US", at(25, 18, 30), "until Wednesday 25, 6:30pm"),
    ],
)
def test_a_window_in_english(language: str, end: datetime, words: str) -> None:
    assert teller(language).window(None, end) == words


def test_in_english_too_today_is_said_before_the_time() -> None:
    said = teller("en-GB", long=True).window(None, at(25, 21, 20))
    assert said == "until 9:20pm this evening, Wednesday 25 November"


def test_a_planned_window_tells_its_beginning_even_when_it_has_begun() -> None:
    assert teller("en-GB").window(at(24, 8), at(26, 18), whole=True) == "from Tuesday 24, 8am to Thursday 26, 6pm"


def test_times_are_the_station_s_whatever_zone_they_came_in() -> None:
    assert teller("en-GB").moment(datetime(2026, 11, 25, 23, 30, tzinfo=UTC)) == "Thursday 26, 00:30"


def test_no_narrow_space_stands_in_a_time_for_it_weighs_double_on_x() -> None:
    for language in ("fr-FR", "en-GB", "en-US"):
        assert "\u202f" not in teller(language).window(at(26, 6), at(28, 18))


def test_a_language_without_phrases_has_its_own_names_of_days() -> None:
    german = DateFormatter("de-DE", PARIS, NOW, PHRASES["en"], long=False)
    assert german.window(None, at(25, 18)) == "until Mittwoch 25, 18:00"


@in_one_test
@pytest.mark.parametrize(
    ("own", "expires", "end"),
    [
        ("2026-11-26T06:00:00+01:00", at(25, 18), at(26, 6)),
        ("2026-11-25T06:00:00+01:00", at(25, 18), at(25, 18)),
        ("2026-11-26T06:00:00+01:00", None, at(26, 6)),
        ("2026-11-26T06:00:00", at(25, 18), at(25, 18)),
        ("soon", at(25, 18), at(25, 18)),
    ],
)
def test_the_event_s_own_end_counts_where_it_is_later(own: str, expires: datetime | None, end: datetime) -> None:
    assert event_end(Info("x", expires=expires, parameters=(NamedValue("eventEndingTime", own),))) == end


def test_the_hour_that_comes_twice_says_which_of_the_two() -> None:
    first, again = (datetime(2026, 10, 25, hour, 30, tzinfo=UTC) for hour in (0, 1))
    told = [teller(language).time(moment) for language in ("fr-FR", "en-GB") for moment in (first, again)]
    assert [each.replace("\u00a0", " ") for each in told] == [
        "2 h 30 (heure d’été)", "2 h 30 (heure d’hiver)", "2:30am (summer time)", "2:30am (winter time)",
    ]  # fmt: skip
    assert teller().time(datetime(2026, 10, 25, 2, 30, tzinfo=UTC)).replace("\u00a0", " ") == "3 h 30"


def test_at_one_in_the_morning_an_end_before_dawn_is_tonight() -> None:
    small_hours = replace(teller(long=True), now=at(25, 1))
    assert small_hours.window(None, at(25, 4)).replace("\u00a0", " ") == "jusqu’à 4 h cette nuit, mercredi 25 novembre"
    assert "aujourd’hui" in small_hours.window(None, at(25, 9))


@pytest.mark.parametrize(
    ("language", "pattern", "words"),
    [
        ("fr", "EEEE d MMMM 'à' H 'h' mm", "mardi 1er décembre à 1 h 01"),
        ("fr", "d MMM y, HH:mm:ss", "1er déc. 2026, 01:01:00"),
        ("en", "EEEE d MMMM", "Tuesday 1 December"),
    ],
)
def test_the_first_of_a_month_is_an_ordinal_in_french(language: str, pattern: str, words: str) -> None:
    first = at(1, 1, 1, month=12)

    assert with_ordinal(format_datetime(first, pattern, locale=language), first, language) == words


def test_an_hour_is_said_as_people_read_it_in_polls_too() -> None:
    said = {language: moment(at(25, 18, 30), PARIS, language).replace("\u00a0", " ") for language in ("fr", "en")}
    assert said == {"fr": "mercredi 25 novembre, 18 h 30", "en": "Wednesday 25 November, 6:30pm"}
    assert moment(at(25, 12), PARIS, "en") == "Wednesday 25 November, noon"
