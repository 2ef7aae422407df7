"""`tocsin post --image`: a copy is kept, so that what was validated is what goes out, whatever becomes of the file."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest

from alerts.cli import run
from tests.pictures import a_kept_png

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
"""
PNG = a_kept_png()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "channels.toml").write_text(CHANNELS, encoding="utf-8")
    (tmp_path / "plan.png").write_bytes(PNG)
    monkeypatch.chdir(tmp_path)
    return tmp_path


POST = ("post", "--headline", "Marché déplacé", "--image", "plan.png", "--alt", "Le plan du quartier")


def test_the_picture_of_a_post_is_a_copy(folder):
    assert run(list(POST)) == 0
    (folder / "plan.png").write_bytes(PNG + b"painted over")

    with closing(sqlite3.connect(folder / "tocsin.db")) as db:
        [(image,)] = db.execute("SELECT image FROM post").fetchall()
    kept = folder / "tocsin.db.pictures"
    [file] = kept.iterdir()
    assert str(file) in image
    assert file.read_bytes() == PNG


def test_what_is_only_looked_at_keeps_nothing(folder, capsys):
    assert run([*POST, "--dry-run", "--json"]) == 0

    assert json.loads(capsys.readouterr().out)["posts"]
    assert not (folder / "tocsin.db.pictures").exists()
