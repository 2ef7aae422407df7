from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from alerts.model.alert import Alert, Info, NamedValue, Severity
from alerts.model.reason import because
from alerts.sources.cap.index import read_index
from alerts.sources.cap.message import apply_colours, colour_of, read_json, why_none
from tests.samples import shared
from tests.walls import in_one_test

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def info(level: str | None, severity: Severity = Severity.UNKNOWN, onset: int = 0, expires: int = 6) -> Info:
    parameters = () if level is None else (NamedValue("awareness_level", level),)
    return Info(
        event="Orages", severity=severity, parameters=parameters,
        onset=NOON + onset * HOUR, expires=NOON + expires * HOUR,
    )  # fmt: skip


def alert(*infos: Info, sender: str = "vigilance@meteo.fr") -> Alert:
    return Alert("i", sender, NOON, infos=infos)


@in_one_test
@pytest.mark.parametrize(
    ("level", "colour"),
    [
        ("2; yellow; Moderate", "yellow"),
        ("3;ORANGE;Severe", "orange"),
        ("4", "red"),
        ("1; ; ", "green"),
        ("yellow", "yellow"),
        ("5; violet", None),
        ("", None),
    ],
)
def test_the_colour_of_a_level(level: str, colour: str | None) -> None:
    assert colour_of(info(level)) == colour


@pytest.mark.parametrize(
    ("level", "severity"),
    [
        ("1; green; Minor", Severity.MINOR),
        ("2; yellow; Moderate", Severity.MODERATE),
        ("3; orange; Moderate", Severity.SEVERE),
        ("4; red; Extreme", Severity.EXTREME),
    ],
)
@pytest.mark.parametrize("told", [Severity.UNKNOWN, Severity.MINOR, Severity.EXTREME])
def test_the_colour_wins_over_the_severity(level: str, severity: Severity, told: Severity) -> None:
    assert apply_colours(alert(info(level, told))).severity is severity


def test_without_a_colour_the_severity_stands() -> None:
    plain = alert(info(None, Severity.SEVERE), info("5; violet", Severity.MINOR))
    assert apply_colours(plain) is plain


def test_green_is_no_warning() -> None:
    assert why_none(alert(info("1; green; Minor"))) == because("green")
    assert why_none(alert(info("1; green; Minor"), info("2; yellow; Moderate"))) is None
    assert why_none(alert(info("2; yellow; Moderate"))) is None
    assert why_none(alert()) is None


@pytest.mark.parametrize("expires", [-1, 0])
def test_what_ends_before_it_begins_is_meteo_frances_marker(expires: int) -> None:
    marker = info("2; yellow; Moderate", expires=expires)
    assert why_none(alert(marker, marker)) is not None
    assert why_none(alert(marker, info("2; yellow; Moderate"))) is None
    assert why_none(alert(marker, sender="a@dmn.meteo.fr")) is not None


def test_the_same_from_another_sender_is_a_warning() -> None:
    """The end of a MESSAGE lies before the onset in many American alerts."""
    marker = info("2; yellow; Moderate", expires=-1)
    assert why_none(alert(marker, sender="w-nws.webmaster@noaa.gov")) is None
    assert why_none(alert(marker, sender="a@notmeteo.fr")) is None


def test_the_netherlands_say_that_there_is_no_warning() -> None:
    body = shared("feeds/index/meteoalarm-api-nl.json").read_bytes()
    for entry in read_index(body, "application/json", "https://feeds.example/", zone=UTC):
        assert why_none(read_json(entry.document or {}, zone=UTC)[0]) is not None


def test_bosnia_warns_and_its_colours_agree() -> None:
    body = shared("feeds/index/meteoalarm-api-ba.json").read_bytes()
    for entry in read_index(body, "application/json", "https://feeds.example/", zone=UTC):
        warning = read_json(entry.document or {}, zone=UTC)[0]
        assert why_none(warning) is None
        assert apply_colours(warning) is warning
