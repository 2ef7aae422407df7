"""`tocsin doctor`: a page for somebody who helps, with how things stand and without what is secret."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from alerts.cli import run
from alerts.cli.doctor import discreet
from alerts.config import load_config
from alerts.store.connection import migrate
from alerts.store.restoring import backup

SECRET = "1:topsecret"
CHANNELS = """
[station]
name = "Ville de Saint-Martin"
sender = "alertes@saint-martin.example"
language = "{language}"
[store]
url = "sqlite:///tocsin.db"
[channels.telegram]
kind = "telegram"
chat = "@saintmartin_alertes"
token = {{ env = "TELEGRAM_TOKEN" }}
api_url = "http://127.0.0.1:9"
"""


@pytest.fixture
def doctor(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TELEGRAM_TOKEN", SECRET)

    def doctor(language: str = "en") -> tuple[int, str]:
        (tmp_path / "channels.toml").write_text(CHANNELS.format(language=language), encoding="utf-8")
        return run(["doctor"]), capsys.readouterr().out

    return doctor


def test_it_tells_what_stands_how_and_no_secret(doctor):
    status, page = doctor()
    assert status == 1
    assert "ok    program: Python 3." in page
    assert "FAIL  copies: none in " in page
    assert SECRET not in page


def test_the_newest_copy_is_tried(doctor, tmp_path):
    doctor()
    database = load_config(tmp_path / "channels.toml").database
    migrate(database)
    (tmp_path / "backups").mkdir()
    backup(database, tmp_path / "backups" / "tocsin-1.db", datetime.now(UTC))

    assert "ok    restauration: la copie la plus récente est intacte" in doctor("fr")[1]
    (tmp_path / "backups" / "tocsin-1.db").write_bytes(b"no database")
    assert "FAIL  restore: tocsin-1.db: " in doctor()[1]


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            "https://me:pass@agenda.example/private-8f3a/basic.ics?key=1 can't be read",
            "https://agenda.example/… can't be read",
        ),
        ("mail to anne.martin+town@mairie.example", "mail to …@mairie.example"),
        ("@saintmartin_alertes", "@saintmartin_alertes"),
    ],
)
def test_addresses_are_cut(said, told):
    assert discreet(said) == told
