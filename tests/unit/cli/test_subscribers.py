"""`tocsin subscribers`: what was exported is taken in elsewhere, and nonsense leaves everything as it was."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from alerts.cli import run

CHANNELS = """
[station]
name = "Ville de Saint-Martin"
sender = "alertes@saint-martin.example"
[store]
url = "sqlite:///tocsin.db"
[channels.telegram]
kind = "telegram"
chat = "@saintmartin_alertes"
token = { env = "TELEGRAM_TOKEN" }
subscriptions = true
[channels.silent]
kind = "telegram"
chat = "@saintmartin_autres"
token = { env = "OTHER_TOKEN" }
"""
WHOLE = {
    "channel": "telegram",
    "chat": 123456789,
    "language": "en",
    "districts": ["SM-01"],
    "topics": ["water", "weather"],
    "severity": "Moderate",
    "quiet": ["22:00", "07:30"],
    "on": False,
}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TOCSIN_CONFIG", raising=False)
    (tmp_path / "channels.toml").write_text(CHANNELS)
    return tmp_path


def exported(capsys) -> list[dict]:
    capsys.readouterr()
    assert run(["subscribers", "export"]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def imports(folder, *lines: object) -> int:
    text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    (folder / "in.jsonl").write_text(text)
    return run(["subscribers", "import", "in.jsonl"])


def test_what_was_exported_is_taken_in_again(folder, capsys):
    assert imports(folder, WHOLE, "", {"chat": -100200}) == 0
    assert "2 subscribers" in capsys.readouterr().err
    least = {"channel": "telegram", "chat": -100200, "language": "fr", "districts": [], "topics": []}
    told = exported(capsys)
    assert told == [{**least, "severity": "Minor", "quiet": None, "on": True}, WHOLE]
    assert imports(folder, *told) == 0
    assert exported(capsys) == told


def test_standard_input_is_a_file_too(folder, capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps({"chat": 5})))
    assert run(["subscribers", "import", "-"]) == 0
    assert [each["chat"] for each in exported(capsys)] == [5]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("nonsense", "is no JSON"),
        ("[1]", "is no object"),
        ({}, "chat is missing"),
        ({"chat": "123"}, "chat is missing"),
        ({"chat": True}, "chat is missing"),
        ({"chat": 0}, "chat is missing"),
        ({"chat": 2**60}, "chat is missing"),
        ({"chat": 1, "name": "Anne"}, "unknown key 'name'"),
        ({"chat": 1, "language": "de"}, "allowed: fr, en"),
        ({"chat": 1, "topics": ["gossip"]}, "'gossip'; allowed: weather"),
        ({"chat": 1, "districts": "SM-01"}, "a list of texts"),
        ({"chat": 1, "severity": "Terrible"}, "allowed: Extreme"),
        ({"chat": 1, "quiet": ["22", "99:00"]}, "quiet: allowed"),
        ({"chat": 1, "on": "yes"}, "true or false"),
        ({"chat": 1, "channel": "silent"}, "allowed: telegram"),
    ],
)
def test_one_faulty_line_and_nothing_is_stored(folder, capsys, line, said):
    assert imports(folder, WHOLE, line) == 2
    error = capsys.readouterr().err
    assert f"line 2: {said}" in error or said in error
    assert "123456789" not in error
    assert exported(capsys) == []


def test_a_bot_for_two_channels_and_a_webhook_nobody_can_reach_are_refused(folder, capsys):
    text = CHANNELS.replace("OTHER_TOKEN", "TELEGRAM_TOKEN") + 'subscriptions = true\nupdates = "webhook"\n'
    (folder / "channels.toml").write_text(text)
    assert run(["subscribers", "export"]) == 2
    error = capsys.readouterr().err
    assert "channels.silent.subscriptions: 'telegram' has the same bot" in error
    assert "channels.silent.updates: a webhook needs [station] public_url" in error


def test_the_line_that_the_page_shows_is_one(folder, capsys):
    page = (Path(__file__).resolve().parents[3] / "docs" / "subscriptions.md").read_text(encoding="utf-8")
    shown = page.partition("```json\n")[2].partition("\n```")[0]
    assert imports(folder, shown) == 0
    assert exported(capsys)[0].keys() == json.loads(shown).keys()
