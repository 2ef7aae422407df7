"""Telling our own words and times in what a platform gives back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from alerts.channels.answer import QUOTED, Answer, RequestPurpose, appeared, normal, refusal_of
from alerts.channels.settings import SecretSource
from alerts.model.errors import BadCredential, Gone, InDoubt, Rejected, Retry

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


PUBLISH, EDIT, READ = RequestPurpose.PUBLISH, RequestPurpose.EDIT, RequestPurpose.READ
DELETE = RequestPurpose.DELETE


@pytest.mark.parametrize(
    ("status", "body", "act", "expected"),
    [
        (200, b"{}", PUBLISH, type(None)),
        (200, b"[]", READ, type(None)),
        (204, b"", DELETE, type(None)),
        (204, b"", PUBLISH, InDoubt),
        (200, b"<html>", DELETE, Retry),
        (200, b"<html>", PUBLISH, InDoubt),
        (200, b"<html>", EDIT, Retry),
        (502, b"<html>", PUBLISH, InDoubt),
        (500, b"{}", READ, Retry),
        (429, b"{}", PUBLISH, Retry),
        (401, b"{}", READ, BadCredential),
        (403, b"", PUBLISH, BadCredential),
        (404, b"{}", EDIT, Gone),
        (404, b"<html>", EDIT, BadCredential),
        (404, b"{}", PUBLISH, BadCredential),
        (410, b"{}", EDIT, Gone),
        (301, b"", PUBLISH, BadCredential),
        (405, b"{}", PUBLISH, BadCredential),
        (422, b"{}", PUBLISH, Rejected),
        (400, b"", EDIT, Retry),
        (400, b"<html>", PUBLISH, InDoubt),
        (413, b"<html>", PUBLISH, Rejected),
    ],
)
def test_a_status_means_what_http_means_by_it(status, body, act, expected):
    error = refusal_of("Mastodon", Answer(status, {}, body), act, said="キー", until=SINCE)
    assert type(error) is expected
    if status == 429:
        assert (error.after, error.whole_channel) == (SINCE, True)


def test_a_platform_that_quotes_its_request_has_no_reason_quote_our_credential(tmp_path):
    (tmp_path / "token").write_text("tk_not-for-the-log\n")
    token = SecretSource(file="token").read(tmp_path).reveal()

    said = f"{'no such token: ':>{QUOTED}}Bearer {token}"
    error = refusal_of("ntfy", Answer(401, {}, b"{}"), READ, said=said, until=SINCE)

    assert "Bearer ***" in str(error)
    assert "tk_" not in str(error)
