"""`tocsin db copy`: a station goes to a server and comes back, and what was typed wrong is told."""

from __future__ import annotations

import pytest

from alerts.cli import run
from tests.unit.french import wrong_in
from tests.walls import in_one_test

CHANNELS = """
[station]
name = "Ville de Saint-Martin"
sender = "alertes@saint-martin.example"
language = "{language}"
[store]
url = "{url}"
[sources.manual]
publish = "auto"
[channels.telegram]
kind = "telegram"
chat = "@saintmartin_alertes"
token = {{ env = "TELEGRAM_TOKEN" }}
"""
POST = ("post", "--headline", "Marché déplacé", "--expires", "6h")


@pytest.fixture
def configure(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def configure(url: str = "sqlite:///tocsin.db", language: str = "en") -> None:
        (tmp_path / "channels.toml").write_text(CHANNELS.format(url=url, language=language), encoding="utf-8")

    configure()
    return configure


def test_a_station_goes_to_a_server_and_comes_back(configure, postgresql_url, capsys):
    assert run(list(POST)) == 0
    capsys.readouterr()
    assert run(["db", "copy", "sqlite:///tocsin.db", postgresql_url]) == 0
    told = capsys.readouterr().err
    assert "each row is checked" in told
    assert "under [store] url" in told

    assert run(["status"]) == 1
    assert "was moved to postgresql://" in capsys.readouterr().err
    configure(postgresql_url)
    assert run(["status"]) == 0
    assert "Marché déplacé" in capsys.readouterr().out

    assert run(["db", "copy", postgresql_url, "sqlite:///back.db"]) == 0
    configure("sqlite:///back.db")
    capsys.readouterr()
    assert run(["status"]) == 0
    assert "Marché déplacé" in capsys.readouterr().out


def test_a_copy_says_in_french_that_the_station_goes_on(configure, capsys):
    configure(language="fr-FR")
    assert run(list(POST)) == 0
    capsys.readouterr()
    assert run(["db", "copy", "sqlite:///tocsin.db", "sqlite:///other.db", "--keep"]) == 0
    told = capsys.readouterr().err
    assert "chaque ligne est vérifiée" in told
    assert "sinon les deux publieraient" in told
    assert not wrong_in(told)
    assert run(["db", "copy", "sqlite:///tocsin.db", "sqlite:///other.db"]) == 1
    assert "n’est pas vide" in capsys.readouterr().err


@in_one_test
@pytest.mark.parametrize("url", ["tocsin.db", "mysql://a/b", "postgresql://us:geheim@db/towns?schema=A", "sqlite:///"])
def test_what_names_no_store_is_wrong_use_and_no_password_is_told(configure, capsys, url):
    assert run(["db", "copy", "sqlite:///tocsin.db", url]) == 2
    told = capsys.readouterr().err
    assert "allowed" in told
    assert "geheim" not in told
