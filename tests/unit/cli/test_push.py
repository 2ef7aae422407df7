"""`tocsin push`: a key and nothing else; a browser that is forgotten."""

from __future__ import annotations

import pytest

from alerts.channels.push.encryption import TownKey
from alerts.cli.app import carry_out
from alerts.model.subscriber import PushEndpoint, Subscriber
from alerts.model.town import PUSH
from alerts.store.files import connect, migrate, opened
from alerts.store.subscribers import Subscribers
from alerts.store.unit import transaction

TOWN = """
[station]
name = "Saint-Martin"
sender = "a@b.example"

[store]
url = "sqlite:///tocsin.db"

[push]
key = { file = "push.pem" }
subject = "mailto:a@b.example"
"""


def test_a_key_is_all_that_is_printed_also_where_there_is_no_town(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert carry_out(["push", "keys"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("-----BEGIN PRIVATE KEY-----\n")
    assert out.endswith("-----END PRIVATE KEY-----\n")
    assert err == ""
    assert len(TownKey.read(out).public) == 87
    assert carry_out(["push", "keys"]) == 0
    assert capsys.readouterr().out != out


@pytest.fixture
def town(tmp_path):
    (tmp_path / "channels.toml").write_text(TOWN)
    migrate(tmp_path / "tocsin.db")
    endpoint = PushEndpoint("https://push.example/one", "key", "auth")
    with opened(tmp_path / "tocsin.db") as db, transaction(db):
        Subscribers(db).put(PUSH, Subscriber(endpoint.number, endpoint=endpoint, token="t"))
    return tmp_path


def test_a_browser_is_forgotten_by_its_endpoint(town, capsys):
    line = ["--config", str(town / "channels.toml"), "push", "forget"]
    assert carry_out([*line, "https://push.example/another"]) == 0
    assert "0 abonnement oublié" in "".join(capsys.readouterr())
    assert carry_out([*line, "https://push.example/one"]) == 0
    assert "1 abonnement oublié" in "".join(capsys.readouterr())
    db = connect(town / "tocsin.db")
    assert db.execute("SELECT count(*) FROM subscriber").fetchone()[0] == 0
    assert "push.example" not in str([tuple(row) for row in db.execute("SELECT * FROM audit")])
    db.close()


def test_browsers_move_with_the_database_and_not_with_the_subscribers_of_a_bot(town, capsys):
    assert carry_out(["--config", str(town / "channels.toml"), "subscribers", "export"]) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert "0 " in err
