"""Before anybody validates at a terminal, every word of the alert stands there: also what no post has room for."""

from __future__ import annotations

import json
import os
import pty

import pytest
import typer

from alerts.cli import run

CHANNELS = """
[station]
name = "Ville de Saint-Martin"
sender = "alertes@saint-martin.example"
language = "en"
[store]
url = "sqlite:///tocsin.db"
[sources.manual]
publish = "approve"
[channels.x]
kind = "telegram"
chat = "@saintmartin_alertes"
token = { env = "TELEGRAM_TOKEN" }
"""
ENGLISH = """<info><language>en-GB</language><category>Safety</category><event>Flood</event><urgency>Expected</urgency>
<severity>Moderate</severity><certainty>Likely</certainty><headline>HIDDEN \u202eHEADLINE</headline>
<description>HIDDEN DESCRIPTION</description><instruction>HIDDEN INSTRUCTION</instruction>
<contact>HIDDEN CONTACT</contact><area><areaDesc>Saint-Martin</areaDesc></area></info></alert>"""


@pytest.fixture
def alert(tmp_path, monkeypatch, capsys):
    """The id of an alert in two languages that waits."""
    (tmp_path / "channels.toml").write_text(CHANNELS, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TELEGRAM_TOKEN", "1:a")
    assert run(["post", "--headline", "Crue de la Morge", "--as", "Anne", "--json"]) == 0
    first = json.loads(capsys.readouterr().out)["alert"]
    assert run(["status", first, "--cap"]) == 0
    message = capsys.readouterr().out.replace("</info>", f"</info>{ENGLISH}", 1).partition("</alert>")[0] + "</alert>"
    another = message.replace("<identifier>", "<identifier>two-").replace("Crue de la Morge", "Crue de l’Isère")
    (tmp_path / "two.xml").write_text(another, encoding="utf-8")
    assert run(["post", "--cap", "two.xml", "--as", "Anne", "--json"]) == 0
    return json.loads(capsys.readouterr().out)["alert"]


def test_status_tells_them(alert, capsys):
    assert run(["status", alert]) == 0

    shown = capsys.readouterr().out
    assert "── on the town's page and in the CAP message · en-GB" in shown
    for words in ("headline: HIDDEN \ufffdHEADLINE", "description: HIDDEN DESCRIPTION", "contact: HIDDEN CONTACT"):
        assert words in shown


def test_approve_tells_them_before_it_asks(alert, capsys, monkeypatch):
    master, slave = pty.openpty()
    seen: list[str] = []

    def asked(question: str, **_: object) -> str:
        seen.append(capsys.readouterr().out)
        return "yes"

    monkeypatch.setattr(typer, "prompt", asked)
    with os.fdopen(slave, "w") as terminal:
        monkeypatch.setattr("sys.stdin", terminal)
        monkeypatch.setattr("sys.stderr", terminal)
        assert run(["approve", alert, "--as", "Paul"]) == 0
    os.close(master)

    [shown] = seen
    assert "instruction: HIDDEN INSTRUCTION" in shown


def test_approve_shows_off_a_terminal_too_what_it_lets_out(alert, capsys):
    assert run(["approve", alert, "--as", "Paul"]) == 0

    shown = capsys.readouterr().out
    for words in ("Crue de l’Isère", "instruction: HIDDEN INSTRUCTION", "contact: HIDDEN CONTACT"):
        assert words in shown
