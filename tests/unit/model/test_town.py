"""Spans and windows as people write them, and a secret that shows itself to nobody but who asks for it by name."""

from __future__ import annotations

import copy
import logging
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from alerts.model.town import RateLimit, Secret, Server, parse_span, parse_window, spell_span
from tests.walls import in_one_test


@in_one_test
@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("250ms", timedelta(milliseconds=250)),
        ("2s", timedelta(seconds=2)),
        ("10m", timedelta(minutes=10)),
        ("6h", timedelta(hours=6)),
        ("1d", timedelta(days=1)),
        ("1h30m", timedelta(minutes=90)),
        ("1.5h", timedelta(minutes=90)),
        ("3y", timedelta(days=1095)),
        (" 10M ", timedelta(minutes=10)),
        ("0s", timedelta()),
    ],
)
def test_what_is_a_span(text, span):
    assert parse_span(text) == span


@in_one_test
@pytest.mark.parametrize(
    "text", ["", "10", "m", "10 m", "-10m", "10m!", "x10m", "10w", "1h 30m", "10m-5s", "1e3s", "١m?"]
)
def test_what_is_none_is_told_with_what_is_allowed(text):
    with pytest.raises(ValueError, match="is no span of time; allowed: a number and a unit, such as 250ms, 2s, 10m"):
        parse_span(text)


def test_a_span_beyond_all_calendars_is_told():
    with pytest.raises(ValueError, match="is too long a span of time"):
        parse_span("999999999d999999999d")


@in_one_test
@pytest.mark.parametrize(
    ("span", "text"),
    [
        (timedelta(hours=24), "24h"),
        (timedelta(days=2), "2d"),
        (timedelta(minutes=15), "15m"),
        (timedelta(seconds=90), "90s"),
        (timedelta(milliseconds=250), "250ms"),
        (timedelta(), "0ms"),
    ],
)
def test_a_span_is_spelled_in_its_largest_whole_unit(span, text):
    assert spell_span(span) == text
    assert parse_span(text) == span


def test_a_window():
    assert parse_window("100/15m") == RateLimit(100, timedelta(minutes=15))
    assert str(parse_window(" 60/1d ")) == "60/24h"


@in_one_test
@pytest.mark.parametrize("text", ["", "100", "100/", "/15m", "0/15m", "100/0s", "100/15", "-1/15m", "100 / 15m"])
def test_what_is_no_window_is_told_with_what_is_allowed(text):
    with pytest.raises(ValueError, match=r"is no (limit|span of time); (allowed|the span must be more)"):
        parse_window(text)


VALUE = "hunter2-not-a-real-one"


@dataclass
class Holder:
    secret: Secret


def test_only_reveal_reveals():
    assert Secret(VALUE).reveal() == VALUE


@in_one_test
@pytest.mark.parametrize(
    "show",
    [str, repr, "{}".format, "{!r}".format, "%s".__mod__, lambda s: f"{s}", lambda s: repr([s, {"a": s}, Holder(s)])],
)
def test_no_way_of_printing_shows_it(show):
    shown = show(Secret(VALUE))

    assert VALUE not in shown
    assert "***" in shown


@pytest.mark.parametrize("show", [str, repr, lambda server: server.name])
def test_a_server_is_named_without_what_signs_in(show):
    url = f"postgresql://anne:{VALUE}@db.example:5433/town?password={VALUE}"
    shown = show(Server(Secret(url), "tocsin", Path("var"), Secret(VALUE)))

    assert VALUE not in shown
    assert "anne" not in shown


def test_a_log_line_and_a_traceback_don_t_show_it(caplog):
    secret = Secret(VALUE)
    try:
        int(secret)
    except TypeError:
        logging.getLogger("test").exception("with %s", secret)

    assert VALUE not in caplog.text


def test_it_has_no_attributes_that_a_dump_would_show():
    assert not hasattr(Secret(VALUE), "__dict__")


def test_an_empty_one_is_false():
    assert not Secret("")
    assert Secret(VALUE)


def test_a_copy_keeps_it():
    assert copy.copy(Secret(VALUE)).reveal() == VALUE
