"""What the Bot API answers, row by row, and what is made of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from alerts.channels.answer import Answer, RequestPurpose
from alerts.channels.telegram.answers import Form, address, complaint_of, outcome
from alerts.model.errors import BadCredential, Gone, InDoubt, Rejected, Retry
from tests.walls import in_one_test

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


def refusal(status: int, description: str, headers=None, **parameters: object):
    body = {"ok": False, "error_code": status, "description": description}
    if parameters:
        body["parameters"] = parameters
    complaint = complaint_of(Answer(status, headers or {}, json.dumps(body).encode()))
    assert complaint is not None
    return complaint


@in_one_test
@pytest.mark.parametrize(
    ("status", "description", "act", "expected"),
    [
        (400, "Bad Request: chat not found", RequestPurpose.PUBLISH, BadCredential),
        (
            400,
            "Bad Request: not enough rights to send text messages to the chat",
            RequestPurpose.PUBLISH,
            BadCredential,
        ),
        (400, "Bad Request: need administrator rights in the channel chat", RequestPurpose.PUBLISH, BadCredential),
        (400, "Bad Request: CHAT_WRITE_FORBIDDEN", RequestPurpose.PUBLISH, BadCredential),
        (400, "Bad Request: CHAT_ADMIN_REQUIRED", RequestPurpose.EDIT, BadCredential),
        (403, "Forbidden: bot was kicked from the channel chat", RequestPurpose.PUBLISH, BadCredential),
        (403, "Forbidden: bot is not a member of the channel chat", RequestPurpose.PUBLISH, BadCredential),
        (401, "Unauthorized", RequestPurpose.PUBLISH, BadCredential),
        (404, "Not Found", RequestPurpose.PUBLISH, BadCredential),
        (403, "Forbidden: bot was blocked by the user", RequestPurpose.PUBLISH, Rejected),
        (403, "Forbidden: user is deactivated", RequestPurpose.PUBLISH, Rejected),
        (400, "Bad Request: message is too long", RequestPurpose.PUBLISH, Rejected),
        (400, "Bad Request: message text is empty", RequestPurpose.PUBLISH, Rejected),
        (400, "Bad Request: message to edit not found", RequestPurpose.EDIT, Gone),
        (400, "Bad Request: message can't be edited", RequestPurpose.EDIT, Gone),
        (400, "Bad Request: message to delete not found", RequestPurpose.DELETE, Gone),
        (400, "Bad Request: message can't be deleted for everyone", RequestPurpose.DELETE, Rejected),
        (400, "Bad Request: message to be replied not found", RequestPurpose.REPLY, Gone),
        (500, "Internal Server Error: restart", RequestPurpose.PUBLISH, InDoubt),
        (500, "Internal Server Error: restart", RequestPurpose.EDIT, Retry),
        (500, "Internal Server Error: restart", RequestPurpose.DELETE, Retry),
    ],
)
def test_a_refusal_is_what_to_do_next(status, description, act, expected):
    assert type(outcome(refusal(status, description), act, NOW)) is expected


@in_one_test
@pytest.mark.parametrize(
    ("parameters", "headers", "seconds"),
    [({"retry_after": 7}, {}, 7), ({}, {"Retry-After": "9"}, 9), ({}, {}, 60), ({"retry_after": 420}, {}, 420)],
)
def test_a_limit_holds_the_whole_channel_as_long_as_telegram_says(parameters, headers, seconds):
    told = outcome(refusal(429, "Too Many Requests: retry after 7", headers, **parameters), RequestPurpose.PUBLISH, NOW)
    assert isinstance(told, Retry)
    assert (told.whole_channel, told.after) == (True, NOW + timedelta(seconds=seconds))


@in_one_test
@pytest.mark.parametrize(
    "body", [b"<html>502 Bad Gateway</html>", b"", b"[]", b'{"ok":tr', b'{"ok": true, "result": 1}']
)
def test_what_is_not_the_bot_api_s_is_no_complaint(body):
    assert complaint_of(Answer(502, {}, body)) is None


def test_too_large_a_request_was_read_by_nobody():
    complaint = complaint_of(Answer(413, {}, b"<html>413 Request Entity Too Large</html>"))
    assert complaint is not None
    assert type(outcome(complaint, RequestPurpose.PUBLISH, NOW)) is Rejected


def test_a_chat_that_moved_is_followed_once():
    moved = refusal(400, "Bad Request: group chat was upgraded to a supergroup chat", migrate_to_chat_id=-100777)
    form = Form("-42").after(moved)
    assert form == Form("-100777", migrated=True)
    assert form.after(moved) is None


def test_markup_that_is_refused_is_left_out_once():
    unparsable = refusal(400, "Bad Request: can't parse entities: Unexpected end tag at byte offset 3")
    form = Form("@town").after(unparsable)
    assert form == Form("@town", html=False)
    assert form.after(unparsable) is None


@pytest.mark.parametrize(
    "description",
    [
        "Bad Request: PHOTO_INVALID_DIMENSIONS",
        "Bad Request: message caption is too long",
        "Bad Request: IMAGE_PROCESS_FAILED",
    ],
)
def test_a_picture_that_is_refused_is_left_out_once(description):
    refused = refusal(400, description)
    form = Form("@town", picture=True).after(refused)
    assert form == Form("@town")
    assert form.after(refused) is None


@in_one_test
@pytest.mark.parametrize(
    ("status", "words"),
    [
        (403, "Forbidden: bot was blocked by the user"),
        (403, "Forbidden: user is deactivated"),
        (403, "Forbidden: bot can't initiate conversation with a user"),
        (403, "Forbidden: bot was kicked from the group chat"),
        (403, "Forbidden: bot is not a member of the supergroup chat"),
        (400, "Bad Request: chat not found"),
        (400, "Bad Request: group chat was deactivated"),
        (400, "Bad Request: PEER_ID_INVALID"),
    ],
)
def test_one_list_tells_that_a_reader_left(status, words):
    assert refusal(status, words).reader_left


@pytest.mark.parametrize(
    ("status", "words"), [(400, "Bad Request: not enough rights"), (401, "Unauthorized"), (500, "chat not found")]
)
def test_trouble_of_the_bot_is_no_reader_that_left(status, words):
    assert not refusal(status, words).reader_left


def test_no_other_refusal_is_tried_again():
    for status, words in [
        (400, "Bad Request: message is too long"),
        (403, "Forbidden: bot was kicked"),
        (500, "photo"),
    ]:
        assert Form("@town", picture=True).after(refusal(status, words)) is None


@pytest.mark.parametrize(
    ("chat", "url"),
    [("@town_alerts", "https://t.me/town_alerts/7"), ("-1001234567890", "https://t.me/c/1234567890/7"), ("-42", None)],
)
def test_a_message_s_address(chat, url):
    assert address(chat, 7) == url
