from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from functools import cache

import pytest
from hypothesis import HealthCheck, given, settings
from lxml import etree

from alerts.model.alert import Alert, Area, Circle, Info, Reference
from alerts.model.cap import NAMESPACE, violations, write
from alerts.sources.cap.message import read_message
from tests.cap_messages import alerts
from tests.samples import shared
from tests.walls import in_one_test

PARIS = timezone(timedelta(hours=1))
ALERT = Alert(
    identifier="crue-1",
    sender="alertes@riviere.example",
    sent=datetime(2026, 11, 25, 13, 0, tzinfo=PARIS),
    infos=(Info(event="Crue", areas=(Area("Quartier du pont"),)),),
)


@cache
def schemas() -> list[etree.XMLSchema]:
    names = ("CAP-v1.2.xsd", "cap12-google.xsd")
    return [etree.XMLSchema(etree.parse(shared(f"feeds/schema/{name}"))) for name in names]


def text_of(alert: Alert, name: str) -> str | None:
    return etree.fromstring(write(alert)).findtext(f".//{{{NAMESPACE}}}{name}")


def with_info(**changes: object) -> Alert:
    return replace(ALERT, infos=(replace(ALERT.infos[0], **changes),))


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], deadline=None)
@given(alerts())
def test_what_breaks_no_rule_is_valid_and_reads_back_the_same(alert: Alert) -> None:
    assert violations(alert) == ()

    written = write(alert)

    for schema in schemas():
        schema.assertValid(etree.fromstring(written))
    assert read_message(written, zone=UTC) == (alert, ())


@in_one_test
@pytest.mark.parametrize(
    ("time", "written"),
    [
        (datetime(2026, 11, 25, 13, 0, tzinfo=PARIS), "2026-11-25T13:00:00+01:00"),
        (datetime(2026, 11, 25, 13, 0, tzinfo=UTC), "2026-11-25T13:00:00-00:00"),
        (datetime(2026, 11, 25, 13, 0, 5, 999_999, tzinfo=UTC), "2026-11-25T13:00:05-00:00"),
        (datetime(2026, 11, 25, 13, 0, tzinfo=timezone(-timedelta(hours=9, minutes=30))), "2026-11-25T13:00:00-09:30"),
        # neither an offset with seconds nor one beyond 14 hours is an xsd:dateTime's
        (datetime(2026, 11, 25, 13, 0, tzinfo=timezone(timedelta(seconds=561))), "2026-11-25T12:50:39-00:00"),
        (datetime(2026, 11, 25, 13, 0, tzinfo=timezone(timedelta(hours=15))), "2026-11-24T22:00:00-00:00"),
    ],
)
def test_a_time_has_its_offset_in_numbers(time: datetime, written: str) -> None:
    assert text_of(replace(ALERT, sent=time), "sent") == written


def test_a_time_without_a_zone_is_not_written() -> None:
    with pytest.raises(ValueError, match="has no zone"):
        write(replace(ALERT, sent=datetime(2026, 11, 25, 13, 0)))  # noqa: DTZ001 - it is what is refused


def test_characters_that_xml_forbids_are_removed_and_the_rest_is_escaped() -> None:
    alert = with_info(headline="a\x00\x0b\ud800\ufffe<b> & ]]> \U0001f514\r\n")

    assert b"&lt;b&gt; &amp; ]]&gt;" in write(alert)
    assert text_of(alert, "headline") == "a<b> & ]]> \U0001f514\r\n"


def test_a_number_has_no_exponent() -> None:
    area = Area("x", circles=(Circle((1e-7, -1e-05), 0.0),), altitude=1e16, ceiling=2e16)
    alert = with_info(areas=(area,))

    assert text_of(alert, "circle") == "0.0000001,-0.00001 0.0"
    assert text_of(alert, "altitude") == "10000000000000000"
    for schema in schemas():
        schema.assertValid(etree.fromstring(write(alert)))


def test_a_word_that_holds_blanks_is_quoted() -> None:
    assert text_of(replace(ALERT, addresses=("a@b", 'mairie "centrale" ouest')), "addresses") == (
        "a@b \"mairie 'centrale' ouest\""
    )


def test_references_are_triples_separated_by_blanks() -> None:
    references = (Reference("s", "i", ALERT.sent), Reference("t", "j", ALERT.sent.astimezone(UTC)))

    assert text_of(replace(ALERT, references=references), "references") == (
        "s,i,2026-11-25T13:00:00+01:00 t,j,2026-11-25T12:00:00-00:00"
    )


def test_what_says_nothing_is_left_out() -> None:
    alert = with_info(headline="", web=None)

    assert text_of(alert, "headline") is None
    assert text_of(alert, "web") is None
    assert text_of(with_info(categories=()), "category") == "Other"
