"""What the Graph API answers, row by row, and what is made of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from alerts.channels.answer import Answer, RequestPurpose
from alerts.channels.facebook.answers import maybe_not_the_words, refusal
from alerts.channels.graph import limits
from alerts.model.errors import BadCredential, Duplicate, Gone, InDoubt, Rejected, Retry
from tests.walls import in_one_test

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
PAGE = "1234567890"
BUSINESS = "X-Business-Use-Case-Usage"


def error(code: int, subcode: int | None = None, *, status: int = 400, headers=None, **more: object) -> Answer:
    told = {"message": "(#0) Some words", "type": "OAuthException", "code": code, "fbtrace_id": "A1", **more}
    if subcode is not None:
        told["error_subcode"] = subcode
    return Answer(status, headers or {}, json.dumps({"error": told}).encode())


def decide(answer: Answer, act: RequestPurpose = RequestPurpose.PUBLISH):
    return refusal(answer, act, PAGE, NOW)


def test_what_was_done_is_no_refusal():
    assert decide(Answer(200, {}, b'{"id": "1_2"}')) is None


@in_one_test
@pytest.mark.parametrize(
    "answer",
    [
        error(1, 99, status=500),
        error(1),
        error(2, status=500),
        error(2, is_transient=True),
        error(9999, is_transient=True),
        error(9999, status=503),
        Answer(502, {}, b"<html>Sorry, something went wrong</html>"),
        Answer(200, {}, b"<html>Sorry, something went wrong</html>"),
        Answer(200, {}, b'{"id": "1'),
        Answer(500, {}, b"{}"),
    ],
)
def test_trouble_is_in_doubt_where_a_second_post_could_come_of_it(answer):
    assert type(decide(answer)) is InDoubt
    assert type(decide(answer, RequestPurpose.REPLY)) is InDoubt
    assert type(decide(answer, RequestPurpose.EDIT)) is Retry
    assert type(decide(answer, RequestPurpose.READ)) is Retry


@in_one_test
@pytest.mark.parametrize("code", [4, 17, 32, 341, 613, 80000, 80001, 80014])
def test_a_limit_holds_the_whole_channel_for_15_minutes_where_no_header_tells(code):
    told = decide(error(code, is_transient=True))
    assert isinstance(told, Retry)
    assert (told.whole_channel, told.after) == (True, NOW + timedelta(minutes=15))


def test_a_limit_lasts_the_minutes_of_the_page_s_header():
    usage = {
        PAGE: [{"type": "pages", "call_count": 100, "estimated_time_to_regain_access": 19}],
        "99": [{"estimated_time_to_regain_access": 500}],
    }
    told = decide(error(32, headers={BUSINESS: json.dumps(usage)}))
    assert isinstance(told, Retry)
    assert told.after == NOW + timedelta(minutes=19)


@in_one_test
@pytest.mark.parametrize("code", [102, 190])
@pytest.mark.parametrize("subcode", [None, 458, 459, 460, 463, 464, 467, 492])
def test_a_dead_token_is_a_credential_s_matter(code, subcode):
    assert type(decide(error(code, subcode))) is BadCredential


def test_an_expired_token_is_told_as_one():
    assert "expired" in str(decide(error(190, 463)))
    assert "password" in str(decide(error(190, 460)))


@in_one_test
@pytest.mark.parametrize("code", [3, 10, 200, 250, 299])
def test_a_missing_permission_is_a_credential_s_matter(code):
    assert type(decide(error(code))) is BadCredential


@pytest.mark.parametrize("subcode", [1404078, 4854002])
def test_a_permission_missing_by_subcode_is_one_too(subcode):
    assert type(decide(error(100, subcode))) is BadCredential


def test_the_same_post_again_is_a_duplicate():
    assert type(decide(error(506))) is Duplicate
    assert type(decide(error(368, message="You have already posted this."))) is Duplicate


def test_too_fast_holds_the_channel_for_an_hour():
    told = decide(error(368, 1390008))
    assert isinstance(told, Retry)
    assert (told.whole_channel, told.after) == (True, NOW + timedelta(hours=1))


@pytest.mark.parametrize("subcode", [1346003, 1404102])
def test_unwanted_content_is_refused_for_good(subcode):
    assert type(decide(error(368, subcode))) is Rejected


@in_one_test
@pytest.mark.parametrize(
    ("code", "subcode"), [(100, None), (324, None), (100, 1366046), (100, 1609005), (100, 2061006), (100, 1609008)]
)
def test_a_bad_parameter_picture_or_link_is_refused_for_good_and_worth_one_try_without(code, subcode):
    answer = error(code, subcode)
    assert type(decide(answer)) is Rejected
    assert maybe_not_the_words(answer)


@in_one_test
@pytest.mark.parametrize(
    "answer", [error(506), error(190), error(100, 33), error(100, status=500), error(1), Answer(502, {}, b"")]
)
def test_nothing_is_tried_again_where_the_words_may_be_out_or_at_fault(answer):
    assert not maybe_not_the_words(answer)


@pytest.mark.parametrize("answer", [error(100, 33), error(803)])
def test_an_object_that_is_gone_is_the_post_or_on_publishing_the_page(answer):
    assert type(decide(answer, RequestPurpose.EDIT)) is Gone
    assert type(decide(answer, RequestPurpose.DELETE)) is Gone
    assert type(decide(answer, RequestPurpose.REPLY)) is Gone
    assert type(decide(answer, RequestPurpose.PUBLISH)) is BadCredential


def test_the_words_for_the_user_are_quoted_first():
    assert "“Le lien est mauvais”" in str(decide(error(100, error_user_msg="Le lien est mauvais")))


@in_one_test
@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, []),
        ({"X-App-Usage": '{"call_count":89,"total_time":25,"total_cputime":25}'}, []),
        ({"X-App-Usage": '{"call_count":28,"total_time":90,"total_cputime":25}'}, [("app", 1)]),
        ({"X-Page-Usage": '{"call_count":95}'}, [("page", 1)]),
        (
            {
                BUSINESS: json.dumps(
                    {PAGE: [{"type": "pages", "call_count": 100, "estimated_time_to_regain_access": 19}]}
                )
            },
            [("pages", 19)],
        ),
        ({BUSINESS: json.dumps({"99": [{"type": "pages", "call_count": 100}]})}, []),
        ({BUSINESS: json.dumps({PAGE: "odd"}), "X-App-Usage": "odd", "X-Page-Usage": "[1]"}, []),
    ],
)
def test_usage_counts_from_90_percent_until_access_is_regained(headers, expected):
    told = limits(headers, PAGE, NOW)
    assert [(quota.name, (quota.reset - NOW) // timedelta(minutes=1)) for quota in told] == expected
    assert all(quota.remaining == 0 for quota in told)
