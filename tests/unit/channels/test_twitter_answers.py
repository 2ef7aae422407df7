"""What X answers, row by row, and what is made of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from alerts.channels.answer import Answer, RequestPurpose
from alerts.channels.twitter.answers import find_words, limits, refusal
from alerts.model.errors import BadCredential, Duplicate, Gone, InDoubt, Rejected, Retry, Unexplained
from tests.walls import in_one_test

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
EPOCH = int(NOW.timestamp())
PROBLEMS = "https://api.x.com/2/problems"


def problem(status: int, detail: str, *, title: str = "Forbidden", kind: str = "about:blank", **headers: str) -> Answer:
    body = {"detail": detail, "type": kind, "title": title, "status": status}
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, names, json.dumps(body).encode())


def test_what_was_done_is_no_refusal():
    assert refusal(Answer(201, {}, b'{"data": {"id": "1", "text": "x"}}'), RequestPurpose.PUBLISH, NOW) is None


@in_one_test
@pytest.mark.parametrize(
    ("answer", "act", "expected"),
    [
        (
            problem(403, "You are not allowed to create a Tweet with duplicate content."),
            RequestPurpose.PUBLISH,
            Duplicate,
        ),
        (
            problem(
                403,
                "Reply to this conversation is not allowed because you have not been mentioned or otherwise engaged.",
            ),
            RequestPurpose.REPLY,
            Gone,
        ),
        (
            problem(403, "You can only reply to or quote posts where you are mentioned or are the author."),
            RequestPurpose.REPLY,
            Gone,
        ),
        (
            problem(403, "You attempted to reply to a Tweet that is deleted or not visible to you."),
            RequestPurpose.REPLY,
            Gone,
        ),
        (
            problem(403, "You attempted to reply to a Tweet that is deleted or not visible to you."),
            RequestPurpose.PUBLISH,
            Unexplained,
        ),
        (problem(403, "You are not permitted to perform this action."), RequestPurpose.PUBLISH, Unexplained),
        (problem(403, "You are not permitted to perform this action."), RequestPurpose.DELETE, Rejected),
        (
            Answer(403, {}, b'{"errors": [{"code": 453, "message": "You currently have access to a subset"}]}'),
            RequestPurpose.PUBLISH,
            BadCredential,
        ),
        (problem(403, "Not enrolled.", kind=f"{PROBLEMS}/client-forbidden"), RequestPurpose.PUBLISH, BadCredential),
        (
            problem(
                403,
                "Application-Only is forbidden.",
                kind="https://api.twitter.com/2/problems/unsupported-authentication",
            ),
            RequestPurpose.PUBLISH,
            BadCredential,
        ),
        (
            problem(403, "Your account is suspended and is not permitted to do this."),
            RequestPurpose.PUBLISH,
            BadCredential,
        ),
        (problem(401, "Unauthorized", title="Unauthorized"), RequestPurpose.PUBLISH, BadCredential),
        (
            problem(400, "One or more parameters was invalid.", kind=f"{PROBLEMS}/invalid-request"),
            RequestPurpose.PUBLISH,
            Rejected,
        ),
        (problem(404, "Not found", title="Not Found Error"), RequestPurpose.DELETE, Gone),
        (problem(404, "Not found", title="Not Found Error"), RequestPurpose.PUBLISH, Rejected),
        (problem(503, "Over capacity", title="Service Unavailable"), RequestPurpose.PUBLISH, InDoubt),
        (problem(503, "Over capacity", title="Service Unavailable"), RequestPurpose.REPLY, InDoubt),
        (problem(503, "Over capacity", title="Service Unavailable"), RequestPurpose.REPLACE, InDoubt),
        (problem(503, "Over capacity", title="Service Unavailable"), RequestPurpose.DELETE, Retry),
        (problem(503, "Over capacity", title="Service Unavailable"), RequestPurpose.READ, Retry),
        (Answer(502, {}, b"<html>Bad gateway</html>"), RequestPurpose.PUBLISH, InDoubt),
        (Answer(502, {}, b"<html>Bad gateway</html>"), RequestPurpose.DELETE, Retry),
        (Answer(403, {}, b"<html>Attention required</html>"), RequestPurpose.PUBLISH, InDoubt),
        (Answer(302, {}, b""), RequestPurpose.PUBLISH, InDoubt),
    ],
)
def test_a_refusal_is_what_to_do_next(answer, act, expected):
    assert type(refusal(answer, act, NOW)) is expected


def test_trouble_tells_the_transaction_that_support_asks_for():
    error = refusal(Answer(503, {"x-transaction-id": "2f0a"}, b""), RequestPurpose.PUBLISH, NOW)
    assert error is not None
    assert "(503, transaction 2f0a)" in str(error.reason)


def test_credits_used_up_hold_the_channel_for_an_hour_and_say_so():
    error = refusal(problem(402, "Your account has no credits.", title="CreditsDepleted"), RequestPurpose.PUBLISH, NOW)
    assert isinstance(error, Retry)
    assert (error.whole_channel, error.after, error.sent) == (True, NOW + timedelta(hours=1), True)
    assert "credits" in str(error.reason)


@in_one_test
@pytest.mark.parametrize("status", [403, 429])
@pytest.mark.parametrize("host", ["x.com", "twitter.com"])
def test_a_capped_usage_is_as_credits_used_up(status, host):
    kind = f"https://api.{host}/2/problems/usage-capped"
    error = refusal(problem(status, "Usage cap exceeded: Monthly product cap", kind=kind), RequestPurpose.PUBLISH, NOW)
    assert isinstance(error, Retry)
    assert (error.whole_channel, error.after) == (True, NOW + timedelta(hours=1))


def limited(**headers: str) -> datetime | None:
    error = refusal(
        problem(429, "Too Many Requests", title="Too Many Requests", **headers), RequestPurpose.PUBLISH, NOW
    )
    assert isinstance(error, Retry)
    assert error.whole_channel
    return error.after


def test_a_limit_without_a_header_is_15_minutes():
    assert limited() == NOW + timedelta(minutes=15)


def test_a_limit_in_the_old_shape_is_one_too():
    answer = Answer(429, {}, b'{"errors": [{"code": 88, "message": "Rate limit exceeded"}]}')
    assert isinstance(refusal(answer, RequestPurpose.PUBLISH, NOW), Retry)


def test_a_limit_lasts_until_the_header_s_reset():
    assert limited(x_rate_limit_remaining="0", x_rate_limit_reset=str(EPOCH + 90)) == NOW + timedelta(seconds=90)


def test_a_reset_alone_is_believed():
    assert limited(x_rate_limit_reset=str(EPOCH + 90)) == NOW + timedelta(seconds=90)


def test_of_exhausted_windows_the_latest_reset_wins_and_the_others_do_not_count():
    headers = {
        "x_rate_limit_remaining": "0",
        "x_rate_limit_reset": str(EPOCH + 90),
        "x_user_limit_24hour_remaining": "0",
        "x_user_limit_24hour_reset": str(EPOCH + 7200),
        "x_app_limit_24hour_remaining": "12",
        "x_app_limit_24hour_reset": str(EPOCH + 80000),
    }
    assert limited(**headers) == NOW + timedelta(hours=2)


def test_a_reset_that_is_past_by_our_clock_gives_no_hot_loop():
    after = limited(x_rate_limit_remaining="0", x_rate_limit_reset=str(EPOCH - 30))
    assert after is not None
    assert NOW < after <= NOW + timedelta(seconds=10)


def test_limits_are_read_window_by_window():
    headers = {
        "x-rate-limit-limit": "100",
        "x-rate-limit-remaining": "97",
        "x-rate-limit-reset": str(EPOCH + 60),
        "x-user-limit-24hour-limit": "300",
        "x-user-limit-24hour-remaining": "0",
        "x-user-limit-24hour-reset": str(EPOCH + 600),
        "x-app-limit-24hour-remaining": "many",
        "x-app-limit-24hour-reset": str(EPOCH + 600),
    }
    told = [(quota.name, quota.remaining, quota.limit, quota.reset) for quota in limits(headers)]
    assert told == [
        ("15m", 97, 100, NOW + timedelta(seconds=60)),
        ("user-24h", 0, 300, NOW + timedelta(seconds=600)),
    ]


def test_words_are_found_though_links_are_shortened_and_signs_are_entities():
    post = {
        "id": "7",
        "text": "Crue de l’Isère &amp; du Drac :\nmontez !  &lt;3 https://t.co/abc",
        "entities": {"urls": [{"url": "https://t.co/abc", "expanded_url": "https://mairie.example/a?b=1&c=2"}]},
    }
    sent = "Crue de l’Ise\u0300re & du Drac :\nmontez ! <3 https://mairie.example/a?b=1&c=2"
    assert [found["id"] for found in find_words([post], sent)] == ["7"]
    assert not list(find_words([post], sent + "2"))


def test_words_are_found_though_x_adds_a_link_to_the_picture():
    urls = [
        {"url": "https://t.co/abc", "expanded_url": "https://mairie.example/a"},
        {"url": "https://t.co/pic", "expanded_url": "https://x.com/town/status/7/photo/1", "media_key": "3_7"},
    ]
    post = {"id": "7", "text": "Crue https://t.co/abc https://t.co/pic", "entities": {"urls": urls}}
    assert list(find_words([post], "Crue https://mairie.example/a"))


@in_one_test
@pytest.mark.parametrize(
    "odd",
    [
        None,
        7,
        "text",
        {},
        {"text": "Crue", "entities": []},
        {"entities": {"urls": [None, {}]}},
        {"entities": {"urls": 7}},
    ],
)
def test_an_odd_entry_of_a_timeline_stops_nothing(odd):
    assert list(find_words([odd, {"text": "Vent"}], "Vent")) == [{"text": "Vent"}]


def test_words_of_ours_that_look_like_an_entity_are_found():
    assert list(find_words([{"id": "1", "text": "R&amp;amp;B"}], "R&amp;B"))


def test_a_reason_quotes_the_platform_on_one_line_of_bounded_length():
    error = refusal(problem(403, "a\nb " + "c" * 5000), RequestPurpose.PUBLISH, NOW)
    assert error is not None
    assert "“a b c" in str(error.reason)
    assert "\n" not in str(error.reason)
    assert len(str(error.reason)) < 300
