"""`update`, `cancel`, `correct` and what `status` tells of them, as an officer types them without a daemon."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest

from alerts.cli import run

CHANNELS = """
[station]
name = "Ville de Saint-Martin"
sender = "alertes@saint-martin.example"
language = "en"
[store]
url = "sqlite:///tocsin.db"
[sources.manual]
publish = "{publish}"
[channels.telegram]
kind = "telegram"
chat = "@saintmartin_alertes"
token = {{ env = "TELEGRAM_TOKEN" }}
"""


class Terminal:
    """One officer's terminal."""

    def __init__(self, folder, capsys) -> None:
        self.folder = folder
        self._capsys = capsys

    def configure(self, publish: str = "auto") -> None:
        (self.folder / "channels.toml").write_text(CHANNELS.format(publish=publish), encoding="utf-8")

    def type(self, *arguments: str, status: int = 0) -> tuple[str, str]:
        assert run(list(arguments)) == status
        shown = self._capsys.readouterr()
        return shown.out, shown.err

    def told(self, *arguments: str) -> dict:
        return json.loads(self.type(*arguments, "--json")[0])

    def deliver(self) -> None:
        """What a daemon would do with all that is queued."""
        with closing(sqlite3.connect(self.folder / "tocsin.db")) as db, db:
            db.execute("UPDATE post SET state = 'sent' WHERE state = 'queued'")


@pytest.fixture
def terminal(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TELEGRAM_TOKEN", "1:a")
    terminal = Terminal(tmp_path, capsys)
    terminal.configure()
    return terminal


@pytest.fixture
def first(terminal):
    """An alert that is out."""
    told = terminal.told("post", "--headline", "Crue de la Morge", "--instruction", "Évitez les berges.")
    terminal.deliver()
    return told


def test_an_update_by_an_older_id_keeps_the_newer_words_and_says_what_it_goes_on_from(terminal, first):
    second = terminal.told("update", first["alert"], "--instruction", "Montez à l’étage.")
    terminal.deliver()

    out, err = terminal.type("update", first["alert"], "--expires", "3h", "--json")
    third = json.loads(out)
    assert "Montez à l’étage." in third["posts"][0]["text"]
    assert (second["follows"], third["follows"]) == (first["identifier"], second["identifier"])
    assert f"continues from {second['alert']}" in err


@pytest.mark.parametrize("command", [["cancel"], ["cancel", "--over"], ["correct"]])
def test_an_end_by_an_older_id_ends_the_newest_words(terminal, first, command):
    second = terminal.told("update", first["alert"], "--headline", "Crue : quais fermés")
    terminal.deliver()

    out, err = terminal.type(*command, first["alert"], "--dry-run", "--json")
    assert json.loads(out)["follows"] == second["identifier"]
    assert json.loads(out)["headline"] == "Crue : quais fermés"
    assert f"continues from {second['alert']}" in err


def test_nothing_is_said_where_the_newest_was_named(terminal, first):
    second = terminal.told("update", first["alert"], "--headline", "Crue : quais fermés")
    assert "goes on from" not in terminal.type("update", second["alert"], "--expires", "3h")[1]


class TestWhileAnUpdateWaits:
    """What is out and what waits are two things."""

    @pytest.fixture
    def waiting(self, terminal, first):
        terminal.configure("approve")
        return terminal.told("update", first["alert"], "--instruction", "Montez à l’étage.", "--as", "Anne")

    def test_status_shows_both(self, terminal, first, waiting):
        lines = [json.loads(line) for line in terminal.type("status", "--json")[0].splitlines()]
        shown = {line["alert"]: line["state"] for line in lines if "identifier" in line}
        assert shown == {first["alert"]: "accepted", waiting["alert"]: "waiting"}

    def test_what_is_out_says_that_it_is_not_updated_yet(self, terminal, first, waiting):
        assert (
            f"updated once {waiting['alert']}, which waits, is validated" in terminal.type("status", first["alert"])[0]
        )

    @pytest.mark.parametrize("more", [[], ["--dry-run"]])
    def test_another_update_builds_on_what_is_out_and_says_what_it_takes_back(self, terminal, first, waiting, more):
        out, err = terminal.type("update", first["alert"], "--expires", "3h", "--as", "Paul", "--json", *more)

        assert "Évitez les berges." in json.loads(out)["posts"][0]["text"]
        assert f"{waiting['alert']}, which waited, is withdrawn" in err


@pytest.mark.parametrize(
    ("command", "word"),
    [
        (["cancel"], "CANCELLED by"),
        (["cancel", "--over"], "OVER, all clear by"),
        (["correct"], "WITHDRAWN AS WRONG by"),
        (["update", "--expires", "3h"], "updated by"),
    ],
)
def test_status_of_an_alert_tells_what_became_of_it(terminal, first, command, word):
    reason = [] if command[0] == "update" else ["--reason", "Rien à craindre."]
    later = terminal.told(command[0], first["alert"], *command[1:], *reason)

    shown = terminal.type("status", first["alert"])[0].splitlines()
    told = next(line for line in shown if word in line)
    assert later["alert"] in told
    assert told.endswith(": Rien à craindre.") is bool(reason)
    [then] = terminal.told("status", first["alert"])["then"]
    assert then["alert"] == later["alert"]
    assert terminal.told("status", later["alert"])["then"] == []
