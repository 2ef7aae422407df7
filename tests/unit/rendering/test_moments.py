from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from alerts.model.alert import Info, Named
from alerts.rendering.moments import PHRASES, Teller, event_end
from tests.unit.rendering.sample_alerts import NOW

PARIS = ZoneInfo("Europe/Paris")


def at(day: int, hour: int, minute: int = 0, month: int = 11, year: int = 2026) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=PARIS)


def teller(language: str = "fr-FR", *, long: bool = False) -> Teller:
    return Teller(language, PARIS, NOW, PHRASES[language[:2]], long)


FRENCH = [
    (None, at(25, 18), "jusqu’au mercredi 25 nov. à 18 h"),
    (None, at(25, 18, 5), "jusqu’au mercredi 25 nov. à 18 h 05"),
    (None, at(26, 0), "jusqu’au mercredi 25 nov. à minuit"),
    (None, at(25, 23, 59), "jusqu’au mercredi 25 nov. à minuit"),
    (None, at(26, 0, 30), "jusqu’au jeudi 26 nov. à 0 h 30"),
    (None, at(1, 8, month=12), "jusqu’au mardi 1er déc. à 8 h"),
    (None, at(1, 8, month=9, year=2027), "jusqu’au mercredi 1er sept. 2027 à 8 h"),
    (at(24, 8), at(25, 18), "jusqu’au mercredi 25 nov. à 18 h"),
    (at(26, 6), at(26, 18), "jeudi 26 nov. de 6 h à 18 h"),
    (at(26, 6), at(28, 18), "du jeudi 26 nov. à 6 h au samedi 28 nov. à 18 h"),
    (at(26, 0), at(27, 0), "jeudi 26 nov. toute la journée"),
    (at(26, 0), at(29, 0), "du jeudi 26 nov. au samedi 28 nov."),
    (at(26, 6), None, "à partir du jeudi 26 nov. à 6 h"),
    (at(24, 8), None, "depuis le mardi 24 nov. à 8 h, fin non précisée"),
    (None, None, "dès maintenant, fin non précisée"),
    (at(27, 8), at(26, 8), "à partir du vendredi 27 nov. à 8 h"),
]


@pytest.mark.parametrize(("start", "end", "words"), FRENCH)
def test_a_window_in_french(start: datetime | None, end: datetime | None, words: str) -> None:
    assert teller().window(start, end).replace("\u00a0", " ") == words


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [
        (None, at(25, 18), "aujourd’hui mercredi 25 novembre jusqu’à 18 h"),
        (None, at(26, 18), "jusqu’à demain jeudi 26 novembre à 18 h"),
        (None, at(27, 18), "jusqu’au vendredi 27 novembre à 18 h"),
        (at(25, 20), None, "à partir d’aujourd’hui mercredi 25 novembre à 20 h"),
        (at(26, 6), at(26, 18), "demain jeudi 26 novembre de 6 h à 18 h"),
    ],
)
def test_where_there_is_room_the_day_is_also_today_or_tomorrow(
    start: datetime | None, end: datetime | None, words: str
) -> None:
    assert teller(long=True).window(start, end).replace("\u00a0", " ") == words


@pytest.mark.parametrize(
    ("language", "end", "words"),
    [
        ("en-GB", at(25, 18), "until Wed 25 Nov, 6:00 pm"),
        ("en-GB", at(26, 0), "until Wed 25 Nov, midnight"),
        ("en-US", at(25, 18), "until Wed, Nov 25, 6:00 PM"),
    ],
)
def test_a_window_in_english(language: str, end: datetime, words: str) -> None:
    assert teller(language).window(None, end) == words


def test_in_english_too_today_is_said_before_the_time() -> None:
    said = teller("en-GB", long=True).window(None, at(25, 21, 20))
    assert said == "today, Wednesday 25 November, until 9:20 pm"


def test_a_planned_window_tells_its_beginning_even_when_it_has_begun() -> None:
    assert (
        teller("en-GB").window(at(24, 8), at(26, 18), whole=True) == "from Tue 24 Nov, 8:00 am to Thu 26 Nov, 6:00 pm"
    )


def test_times_are_the_station_s_whatever_zone_they_came_in() -> None:
    assert teller("en-GB").moment(datetime(2026, 11, 25, 23, 30, tzinfo=UTC)) == "Thu 26 Nov, 12:30 am"


def test_no_narrow_space_stands_in_a_time_for_it_weighs_double_on_x() -> None:
    for language in ("fr-FR", "en-GB", "en-US"):
        assert "\u202f" not in teller(language).window(at(26, 6), at(28, 18))


def test_a_language_without_phrases_has_its_own_names_of_days() -> None:
    german = Teller("de-DE", PARIS, NOW, PHRASES["en"], long=False)
    assert german.window(None, at(25, 18)) == "until Mi. 25 Nov., 18:00"


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
    assert event_end(Info("x", expires=expires, parameters=(Named("eventEndingTime", own),))) == end
