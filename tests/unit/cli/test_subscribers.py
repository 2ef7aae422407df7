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
language = "en"
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
AREAS = Path(__file__).resolve().parents[3] / "areas.geojson"
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
        ({"chat": 1, "language": ["fr"]}, "allowed: fr, en"),
        ('{"chat": 1, "districts": ["\\ud800"]}', "a list of texts"),
        ("[" * 10_000, "is no JSON"),
    ],
)
def test_one_faulty_line_and_nothing_is_stored(folder, capsys, line, said):
    assert imports(folder, WHOLE, line) == 2
    error = capsys.readouterr().err
    assert f"line 2: {said}" in error or said in error
    assert "123456789" not in error
    assert exported(capsys) == []


def test_a_file_that_an_editor_marked_is_read_and_one_that_is_no_utf_8_is_refused(folder, capsys):
    (folder / "in.jsonl").write_bytes(b'\xef\xbb\xbf{"chat": 5}\n')
    assert run(["subscribers", "import", "in.jsonl"]) == 0
    (folder / "in.jsonl").write_bytes(b'{"chat": 6}\n{"chat": 7, "districts": ["\xff"]}\n')
    assert run(["subscribers", "import", "in.jsonl"]) == 2
    assert "no UTF-8" in capsys.readouterr().err
    assert [each["chat"] for each in exported(capsys)] == [5]


def test_where_no_districts_are_known_those_of_a_file_are_told(folder, capsys):
    assert imports(folder, WHOLE, {"chat": 5, "districts": ["SM-99"]}, {"chat": 6}) == 0
    assert "districts, for [station] boundary doesn't have them: SM-01, SM-99" in capsys.readouterr().err
    assert imports(folder, {"chat": 6}) == 0
    assert "boundary" not in capsys.readouterr().err


@pytest.mark.parametrize("district", ["SM-99", "Centre-Bourg"])
def test_a_district_there_is_none_of_is_a_fault_of_its_line_with_the_known_codes(folder, capsys, district):
    (folder / "areas.geojson").write_bytes(AREAS.read_bytes())
    (folder / "channels.toml").write_text(CHANNELS.replace("[store]", 'boundary = "areas.geojson"\n[store]'))
    assert imports(folder, WHOLE, {"chat": 5006, "districts": ["SM-02", district]}, {"chat": 6}) == 2

    error = capsys.readouterr().err
    assert f"line 2: district {district!r}; allowed, by their codes: SM-01 (Centre-Bourg), SM-02 (" in error
    assert "5006" not in error
    assert exported(capsys) == []
    assert imports(folder, WHOLE, {"chat": 5006, "districts": ["SM-02"]}, {"chat": 6}) == 0
    assert len(exported(capsys)) == 3


def test_an_export_says_how_many_it_wrote_and_where_there_can_be_none(folder, capsys):
    assert run(["subscribers", "export", "--channel", "telegram"]) == 0
    told = capsys.readouterr()
    assert (told.out, told.err) == ("", "0 subscribers written\n")
    assert run(["subscribers", "export", "--channel", "silent"]) == 2
    assert "'silent' has no subscriptions; allowed: telegram" in capsys.readouterr().err


def test_an_export_of_a_channel_there_is_none_of_is_no_empty_file(folder, capsys):
    assert imports(folder, WHOLE) == 0
    assert run(["subscribers", "export", "--channel", "telegarm"]) == 2
    assert "'telegarm' has no subscriptions; allowed: telegram" in capsys.readouterr().err


def test_a_bot_for_two_channels_and_a_webhook_nobody_can_reach_are_refused(folder, capsys):
    text = CHANNELS.replace("OTHER_TOKEN", "TELEGRAM_TOKEN") + 'subscriptions = true\nupdates = "webhook"\n'
    (folder / "channels.toml").write_text(text)
    assert run(["subscribers", "export"]) == 2
    error = capsys.readouterr().err
    assert "channels.silent.subscriptions: 'telegram' has the same bot" in error
    assert "channels.silent.updates: a webhook needs [station] public_url" in error


def test_one_bot_under_two_names_is_found_by_a_check(folder, capsys, monkeypatch):
    (folder / "channels.toml").write_text(CHANNELS + "subscriptions = true\n")
    monkeypatch.setenv("TELEGRAM_TOKEN", "1234567:a-token")
    monkeypatch.setenv("OTHER_TOKEN", "1234567:a-token")
    assert run(["check"]) != 0
    told = capsys.readouterr()
    assert "FAIL  channels.silent.token: its token is that of channels.telegram" in told.out + told.err
    assert "1234567" not in told.out + told.err
    monkeypatch.setenv("OTHER_TOKEN", "7654321:another-token")
    run(["check"])
    assert "its token is that of" not in capsys.readouterr().out


def test_the_line_that_the_page_shows_is_one(folder, capsys):
    page = (Path(__file__).resolve().parents[3] / "docs" / "subscriptions.md").read_text(encoding="utf-8")
    shown = page.partition("```json\n")[2].partition("\n```")[0]
    assert imports(folder, shown) == 0
    assert exported(capsys)[0].keys() == json.loads(shown).keys()
