"""`tocsin poll`: opened, validated by somebody else, closed, told; and nothing told before."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from alerts.cli import run
from alerts.model.poll import Ballot, PollCount
from alerts.store.unit import acting
from tests.walls import in_one_test

CHANNELS = """
[station]
name = "Ville de Saint-Martin"
sender = "alertes@saint-martin.example"
language = "en"
public_url = "https://saint-martin.example"
[store]
url = "sqlite:///tocsin.db"
[sources.manual]
publish = "PUBLISH"
[channels.telegram]
kind = "telegram"
chat = "@saintmartin_alertes"
token = { env = "TELEGRAM_TOKEN" }
[channels.page]
kind = "facebook"
page_id = "1"
token = { env = "FACEBOOK_TOKEN" }
"""
ASK = ["poll", "open", "--question", "Close the square?", "--option", "Yes", "--option", "No", "--until", "1h"]


@pytest.fixture
def town(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TOCSIN_CONFIG", raising=False)

    def configure(publish="auto"):
        (tmp_path / "channels.toml").write_text(CHANNELS.replace("PUBLISH", publish))
        return tmp_path / "tocsin.db"

    return configure


def said(capsys, *line, status=0):
    assert run(list(line)) == status
    out, err = capsys.readouterr()
    return [json.loads(each) for each in out.splitlines()] if "--json" in line else out + err


def test_a_poll_is_opened_closed_and_told(town, capsys):
    store = town()
    [opened] = said(capsys, *ASK, "--json", "--as", "anne")
    assert (opened["state"], opened["options"], opened["author"]) == ("open", ["Yes", "No"], "anne")
    assert datetime.fromisoformat(opened["until"]) - datetime.now(UTC) > timedelta(minutes=59)
    assert [(post["channel"], post["state"]) for post in opened["posts"]] == [
        ("telegram", "queued"),
        ("page", "queued"),
    ]
    with acting(store) as unit:
        poll = unit.polls.poll(opened["poll"])
        unit.polls.vote(poll, Ballot("web", "somebody", 0), datetime.now(UTC))
    assert said(capsys, "poll", "results", opened["poll"], "--json") == [
        {"poll": opened["poll"], "state": "open", "turnout": 1}
    ]
    words = said(capsys, "poll", "results", opened["poll"])
    assert "1 answer on" in words
    assert "Yes 1" not in words

    [closed] = said(capsys, "poll", "close", opened["poll"][:6], "--json")
    assert closed["state"] == "closed"
    with acting(store) as unit:
        unit.polls.counted(opened["poll"], "telegram", PollCount((4, 2)), datetime.now(UTC))
    [told] = said(capsys, "poll", "results", opened["poll"], "--json")
    assert told["channels"] == {"telegram": {"Yes": 4, "No": 2}, "web": {"Yes": 1, "No": 0}}
    assert told["turnout"] == 7
    assert "telegram       Yes 4, No 2" in said(capsys, "poll", "results", opened["poll"])


def test_the_result_is_published_with_a_picture_once(town, capsys):
    store = town()
    [opened] = said(capsys, *ASK, "--json")
    assert "open" in said(capsys, "poll", "results", opened["poll"], "--publish", status=1)
    said(capsys, "poll", "close", opened["poll"])
    [told] = said(capsys, "poll", "results", opened["poll"], "--publish", "--outcome", "It stays open.", "--json")
    assert told["published"]
    assert told["outcome"] == "It stays open."
    with acting(store) as unit:
        [post] = [each for each in unit.alerts.thread(opened["poll"], "telegram") if each.kind == "result"]
    with Path(post.message.image.path).open("rb") as picture:
        assert picture.read(4) == b"\x89PNG"
    assert "Yes: 0 (" in post.message.image.alt
    assert "out already" in said(capsys, "poll", "results", opened["poll"], "--publish", status=1)


def test_where_a_validation_is_needed_somebody_else_lets_it_out(town, capsys):
    town("approve")
    out = said(capsys, *ASK, "--as", "anne")
    poll = out.split()[0]
    assert f"tocsin approve {poll}" in out
    assert "somebody else" in said(capsys, "approve", poll, "--as", "anne", status=1)
    assert "goes out on telegram, page" in said(capsys, "approve", poll, "--as", "paul")
    assert "open" in said(capsys, "approve", poll, "--as", "paul", status=1)


def test_a_poll_that_was_rejected_stays_in(town, capsys):
    town("approve")
    poll = said(capsys, *ASK, "--as", "anne").split()[0]
    assert "doesn't go out" in said(capsys, "reject", poll, "--as", "paul", "--reason", "too soon")
    [told] = said(capsys, "poll", "results", poll, "--json")
    assert told["state"] == "rejected"


def test_a_dry_run_shows_each_channel_with_its_count_and_stores_nothing(town, capsys):
    store = town()
    telegram, page = said(capsys, *ASK, "--dry-run", "--json")
    assert (telegram["way"], telegram["count"], telegram["limit"]) == ("poll", 17, 4096)
    assert telegram["options"] == [{"option": "Yes", "count": 3}, {"option": "No", "count": 2}]
    assert page["way"] == "link"
    with acting(store) as unit:
        assert unit.polls.newest() == []


@in_one_test
@pytest.mark.parametrize(
    ("changed", "says"),
    [
        (["--option", "Perhaps, but only at weekends"], "29 characters"),
        (["--until", "4m"], "5 minutes to 7 days"),
        (["--channel", "nowhere"], "no such channel"),
        (["--exercise"], "no channel"),
    ],
)
def test_wrong_use_is_told_and_ends_with_2(town, capsys, changed, says):
    town()
    assert says in said(capsys, *ASK, *changed, status=2)


def test_no_poll_is_told_by_its_name(town, capsys):
    town()
    assert "no such poll" in said(capsys, "poll", "close", "nothing", status=2)
    assert "no such alert" in said(capsys, "approve", "nothing", status=2)
