"""docs/webhook.md can't lie: its receiver runs and takes our letters, its example is one, its table is what happens."""

from __future__ import annotations

import io
import json
import re
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from alerts.channels.answer import Answer
from alerts.channels.webhook import headers, identity_of, key_of, payload, ping, refusal
from alerts.config.kinds import channel_kind
from alerts.model.alert import Severity
from alerts.model.errors import BadCredential, InDoubt, Rejected, Retry
from alerts.model.post import About, Message, PostKind
from alerts.model.town import Secret
from tests.walls import in_one_test
from tocsin_sandbox.settings import WEBHOOK_SECRET

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "webhook.md").read_text(encoding="utf-8")
KEY = key_of(Secret(WEBHOOK_SECRET))
NOW = datetime(2026, 11, 25, 6, 0, tzinfo=UTC)
ABOUT = About("01JDH3V0T5", "01JDH3V0SZ", "01JDH3V0SZ", "bornes", PostKind.PUBLISH, Severity.SEVERE)
MESSAGE = Message("Crue", "Crue", about=ABOUT)


def block(language: str) -> str:
    found = re.search(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert found
    return found[1]


@pytest.fixture
def receiver(monkeypatch):
    """The example, as it stands in the page, with a clock that stands still."""
    monkeypatch.setenv("BORNES_SECRET", WEBHOOK_SECRET)
    namespace: dict[str, Any] = {}
    exec(compile(block("python"), "webhook.md", "exec"), namespace)
    namespace["time"] = SimpleNamespace(time=NOW.timestamp)
    return namespace


def ask(receiver: dict[str, Any], sent: dict[str, str], body: bytes) -> tuple[str, dict[str, Any]]:
    environ = {"HTTP_" + name.upper().replace("-", "_"): value for name, value in sent.items()}
    environ |= {"wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}
    statuses: list[str] = []
    answer = b"".join(receiver["receiver"](environ, lambda status, _: statuses.append(status)))
    return statuses[0], json.loads(answer)


def test_the_receiver_of_the_page_takes_a_letter_once(receiver):
    body = payload(MESSAGE, identity_of(MESSAGE, None), None, None, NOW)
    for _ in range(2):
        sent = headers(KEY, "01JDH3V0T5", NOW, body)
        assert ask(receiver, sent, body) == ("200 OK", {"id": "01JDH3V0T5", "name": "Bornes du centre"})

    assert receiver["taken"] == {"01JDH3V0T5": "Crue"}


def test_it_shows_a_ping_to_nobody(receiver):
    status, _ = ask(receiver, headers(KEY, "ping-1", NOW, ping(NOW)), ping(NOW))

    assert (status, receiver["taken"]) == ("200 OK", {})


@in_one_test
@pytest.mark.parametrize("wrong", ["body", "key", "id", "late", "nothing"])
def test_it_refuses_what_is_not_signed_now_by_us(receiver, wrong):
    body = payload(MESSAGE, "1", None, None, NOW)
    sent = headers(b"another" if wrong == "key" else KEY, "1", NOW, body)
    if wrong == "late":
        sent = headers(KEY, "1", datetime(2026, 11, 25, 5, 54, tzinfo=UTC), body)
    if wrong == "id":
        sent |= {"webhook-id": "2"}
    if wrong == "nothing":
        sent = {}
    assert ask(receiver, sent, body + b" " if wrong == "body" else body)[0] == "401 Unauthorized"
    assert receiver["taken"] == {}


def test_the_example_of_a_letter_has_every_key_and_no_other():
    told, made = json.loads(block("json")), json.loads(payload(MESSAGE, "1", None, None, NOW))

    assert told.keys() == made.keys()
    assert list(told["data"]) == list(made["data"])


def test_the_lines_of_the_page_are_valid():
    told = tomllib.loads(block("toml"))["channels"]["bornes"]

    assert channel_kind("webhook").settings.model_validate(told).kind == "webhook"


@in_one_test
@pytest.mark.parametrize(
    ("statuses", "meaning"),
    [
        ("429, or 503", Retry),
        ("401, 403", BadCredential),
        ("3xx, 404, 405, 410", BadCredential),
        ("408, 425", Retry),
        ("other 5xx, no answer", InDoubt),
        ("any other 4xx", Rejected),
    ],
)
def test_the_table_of_answers_is_what_happens(statuses, meaning):
    assert f"| {statuses}" in PAGE
    tried = {"3xx": 302, "5xx": 502, "4xx": 422}
    for status in [tried.get(each, 0) or int(each) for each in re.findall(r"\d\w\w", statuses)]:
        error = refusal(Answer(status, {"Retry-After": "60"}, b"{}"), NOW)
        assert type(error) is meaning
    assert refusal(Answer(204, {}, b""), NOW) is None


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        ("60", 60),
        ("0", 0),
        ("99999999999999999999", 3600),
        ("Wed, 25 Nov 2026 06:02:00 GMT", 120),
        ("Wed, 25 Nov 2027 06:02:00 GMT", 3600),
        ("soon", 60),
        ("", 60),
        ("-5", 60),
    ],
)
def test_the_time_that_it_names_is_kept_within_an_hour(told, seconds):
    error = refusal(Answer(429, {"Retry-After": told}, b""), NOW)

    assert isinstance(error, Retry)
    assert error.after is not None
    assert (error.after - NOW).total_seconds() == seconds
