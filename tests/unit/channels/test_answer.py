"""Telling our own words and times in what a platform gives back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from alerts.channels.answer import appeared, normal

SINCE = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


def test_white_space_and_unicode_form_make_no_difference():
    assert normal(" Cre\u0302te :\u00a0\r\n\n  crue\u202f! ") == normal("Crête : crue !")


def test_other_words_do():
    assert normal("Crue") != normal("crue")


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("2026-11-25T12:00:00.000Z", True),
        ("2026-11-25T13:00:00+0100", True),
        ("2026-11-25T11:59:00Z", True),
        ("2026-11-25T11:58:59Z", False),
        ("2026-11-25T12:00:00", False),  # of which zone?
        ("yesterday", False),
        (None, False),
    ],
)
def test_a_post_appeared_if_it_is_dated_no_more_than_a_minute_before(told, expected):
    assert appeared(told, SINCE) is expected


def test_a_later_attempt_leaves_an_earlier_post_out():
    assert not appeared("2026-11-25T12:00:00Z", SINCE + timedelta(minutes=2))
