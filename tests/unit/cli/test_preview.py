"""`tocsin preview FILE --at TIME`: what readers of a calendar would have been told last by then."""

from __future__ import annotations

import gzip
import json

import pytest

from alerts.cli import run
from tests.road_pages import incident, incidents
from tests.transit_pages import a_dataset, a_disruption
from tests.unit.cli.test_wrong_use import CHANNELS
from tests.unit.sources.ical_pages import calendar, event
from tests.walls import in_one_test

WATER = "DTSTART;TZID=Europe/Paris:20301203T083000\nDTEND;TZID=Europe/Paris:20301203T120000"
LONG = "DTSTART;TZID=Europe/Paris:20300801T080000\nDTEND;TZID=Europe/Paris:20301215T180000"
WEEKLY = "DTSTART;TZID=Europe/Paris:20301107T090000\nDURATION:PT3H\nRRULE:FREQ=WEEKLY;COUNT=8"


@pytest.fixture
def at(tmp_path, monkeypatch, capsys):
    """What is shown at a time: each entry's first line."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "channels.toml").write_text(CHANNELS.replace('language = "en"', 'language = "fr-FR"'))
    water = event(WATER, uid="water", summary="Coupure d’eau rue Haute")
    bridge = event(LONG, uid="bridge", summary="Pont fermé")
    (tmp_path / "works.ics").write_bytes(calendar(water, bridge, event(WEEKLY, uid="drains", summary="Curage")))

    def show(time: str) -> list[str]:
        assert run(["preview", "works.ics", "--at", time, "--json"]) == 0
        shown = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert all(alert["posts"] for alert in shown)
        texts = [alert["posts"][0]["text"].splitlines()[0].replace("\u00a0", " ") for alert in shown]
        return sorted(text.replace("midi", "12 h").rpartition(" : ")[2] for text in texts)

    return show


@in_one_test
@pytest.mark.parametrize(
    ("time", "water"),
    [
        ("2030-12-01T12:00", None),
        ("2030-12-02T08:30", "Coupure d’eau rue Haute"),
        ("2030-12-03T08:29", "Coupure d’eau rue Haute"),
        ("2030-12-03T08:30", "Commence maintenant – Coupure d’eau rue Haute"),
        ("2030-12-03T11:00", "Commence maintenant – Coupure d’eau rue Haute"),
        ("2030-12-03T12:00", "Fin prévue passée (12 h) – Coupure d’eau rue Haute"),
        ("2030-12-04T12:00", None),
    ],
)
def test_a_calendar_at_another_time(at, time, water):
    shown = at(time)

    assert [text for text in shown if "Coupure" in text] == ([water] if water else [])
    assert any("Pont fermé" in text for text in shown)
    assert any("Curage" in text for text in shown)


def test_the_day_is_told_as_it_is_then(at, capsys):
    assert run(["preview", "works.ics", "--at", "2030-12-02T09:00"]) == 0
    assert "demain" in capsys.readouterr().out


def test_a_time_that_is_none(at, capsys):
    assert run(["preview", "works.ics", "--at", "demain"]) == 2
    assert "--at 'demain' n’est pas une heure" in capsys.readouterr().err


def test_the_news_of_a_site(tmp_path, monkeypatch, capsys):
    """What a feed holds is shown, though a daemon that reads it first tells nothing of it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "channels.toml").write_text(CHANNELS)
    item = "<item><title>Rue Haute fermée</title><guid>1</guid><description>Lundi.</description></item>"
    (tmp_path / "feed.xml").write_text(f'<rss version="2.0"><channel><title>V</title>{item}</channel></rss>')

    assert run(["preview", "feed.xml", "--json"]) == 0
    [shown] = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert "Rue Haute fermée" in shown["posts"][0]["text"]


def test_a_mail(tmp_path, monkeypatch, capsys):
    """A saved mail is shown as its draft would be, whoever sent it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "channels.toml").write_text(CHANNELS)
    (tmp_path / "mail.eml").write_text("Received: x\nFrom: a@eaux.example\nSubject: Rue Haute fermée\n\nLundi.\n")

    assert run(["preview", "mail.eml", "--json"]) == 0
    [shown] = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert "Rue Haute fermée" in shown["posts"][0]["text"]


@in_one_test
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_works_on_roads(tmp_path, monkeypatch, capsys, pack):
    """They are shown where the town's own source of them says that the town is."""
    monkeypatch.chdir(tmp_path)
    box = "[45, 5, 46, 6]"
    source = f'[sources.r]\nkind = "roads"\nurl = "https://a.example/x"\nbox = {box}\nlicence = "ODbL"\n'
    (tmp_path / "channels.toml").write_text(CHANNELS + source)
    there, elsewhere = incident("a", street="Rue Haute"), incident("b", street="Rue Basse", polyline="60 20")
    (tmp_path / "cifs.xml").write_bytes(pack(incidents(there, elsewhere)))

    assert run(["preview", "cifs.xml", "--at", "2026-11-25T12:00", "--json"]) == 0
    [shown] = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert "Rue Haute" in shown["posts"][0]["text"]


def test_a_dataset_of_public_transport(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "channels.toml").write_text(CHANNELS)
    (tmp_path / "alerts.pb").write_bytes(a_dataset(a_disruption(spans=())))

    assert run(["preview", "alerts.pb", "--json"]) == 0
    [shown] = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert "rue Haute barrée" in shown["posts"][0]["text"]
