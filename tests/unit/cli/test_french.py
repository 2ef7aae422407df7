"""No English at the command line of a French station: every command's words, every mistake's, every source's notes."""

from __future__ import annotations

import io
import json
import re
import sqlite3
import sys
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from alerts.cli import run, screen
from alerts.daemon.status import newest
from alerts.desk.status_out import ChannelOut, CostOut
from alerts.listening.out import InSight
from alerts.model.alert import Category, Certainty, Severity, Urgency
from alerts.model.catalogue import LOCALE
from alerts.model.delivery import BulkState
from alerts.model.incident import AlertState
from alerts.model.post import PostKind, PostState
from alerts.rendering.i18n import read_words
from alerts.web.console.words import FOLDER as DESK
from tests.unit.cli.test_wrong_use import MISTAKES
from tests.unit.french import wrong_in
from tests.walls import in_one_test

CHANNELS = """
[station]
name = "Ville de Saint-Martin"
sender = "alertes@saint-martin.example"
language = "fr-FR"
[store]
url = "sqlite:///tocsin.db"
[sources.manual]
publish = "PUBLISH"
[sources.meteo]
kind = "cap"
url = "https://meteo.example/index.xml"
[channels.un]
kind = "telegram"
chat = "@saintmartin_alertes"
token = { env = "TELEGRAM_TOKEN" }
subscriptions = true
[channels.essais]
kind = "telegram"
chat = "-1001234567890"
token = { env = "TELEGRAM_TOKEN" }
exercise = true
"""
TOLD_AS = """low failing blocked quiet held restored send look approved no_post over released conflict bulk_begun
bulk_stopped bulk_done""".split()  # noqa: SIM905 a list to read
"""How a channel, a source or the disk stands, and what is told of an alert's history, beside the states."""
CODES = "|".join(code for kind in (Severity, Urgency, Certainty, Category) for code in kind)
ODD = """<?xml version="1.0" encoding="iso-8859-1"?>
<alert xmlns="urn:example:own"><identifier>crue-1</identifier><sender>x@meteo.example</sender>
<sent>2026-11-25 12:00:00</sent><status>Actual</status><msgType>Alerte</msgType><scope>Public</scope>
<references>crue-0</references>
<info><language>??</language><category>zzz</category><urgency>vite</urgency><severity>Severe</severity>
<expires>until further notice</expires><headline>Crue &agrave; la Morge</headline>
<onset>3999-01-01T00:00:00Z</onset>
<resource><resourceDesc>Plan</resourceDesc><mimeType>image/png</mimeType><size>beaucoup</size>
<uri>file:///etc/passwd</uri></resource>
<area><areaDesc>Saint-Martin</areaDesc><polygon>1,2 3,4</polygon><polygon>hier</polygon>
<polygon>1,2 3,4 5,6 7,8</polygon><polygon>91,2 3,4 5,6 91,2</polygon><circle>ici</circle></area></info></alert>"""
WORKS = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//mairie//FR
BEGIN:VEVENT
DTSTART;TZID=Nowhere:SOON
SUMMARY:Rue Basse barrée
LOCATION:Rue Basse
END:VEVENT
BEGIN:VEVENT
UID:deux
SUMMARY:Rue Haute barrée
END:VEVENT
BEGIN:VEVENT
UID:trois
DTSTART:SOON
SUMMARY:Pont fermé
BEGIN:VEVENT
UID:quatre
DTSTART:SOON
SUMMARY:Marché
END:VEVENT
END:VCALENDAR
"""


@pytest.fixture
def town(tmp_path, monkeypatch, capsys):
    """Run a command: what it printed and said. `configure` writes the town's file."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TOCSIN_CONFIG", raising=False)
    monkeypatch.setenv("TELEGRAM_TOKEN", "1:a")
    return _Town(tmp_path, capsys)


class _Town:
    def __init__(self, folder: Path, capsys) -> None:
        self.folder, self._capsys = folder, capsys
        self.told: dict[str, list[str]] = {}
        """What was no French, by the command that said it."""
        self.configure()

    def configure(self, publish: str = "auto") -> None:
        (self.folder / "channels.toml").write_text(CHANNELS.replace("PUBLISH", publish), encoding="utf-8")

    def __call__(self, *arguments: str, status: int | None = 0) -> str:
        """What it said; what is no French in it is kept in `told`."""
        done = run(arguments)
        out, err = self._capsys.readouterr()
        assert status in (None, done), err
        said = (out + err).replace(f"{self.folder}/", "")
        if "--json" not in arguments and (wrong := wrong_in(_ours(said))):
            self.told[" ".join(arguments)] = wrong
        return said

    def post(self, *arguments: str) -> str:
        """The id of an alert that was filed."""
        return self("post", "--again", "--headline", *arguments).split(maxsplit=1)[0]


def _ours(said: str) -> str:
    """What we say, without what has to stand there as it is.

    That is names of options and files, CAP's codes and names, what subscribers read in English, and what was drawn by
    lot: ids, passwords, tokens, digests.
    """
    said = re.sub(r"(?m)^\S{12,}$|\b[0-9a-z]{12}\b|\b[0-9a-f]{64}\b", "", said)
    said = re.sub(r"── [^·\n]* · en\n.*?(?=\n── |\Z)", "", said, flags=re.DOTALL)
    return re.sub(rf"\btocsin: |\b[a-z_]+\.[a-z]{{3,4}}\b|sender,identifier,sent|en-US|\b(?:{CODES})\b", "", said)


def test_no_command_says_a_word_of_english(town):
    out = town.post("Fuite rue Haute", "--instruction", "Restez chez vous.", "--expires", "6h", "--as", "Anne")
    town("post", "--headline", "Fuite rue Haute", "--instruction", "Restez chez vous.", "--expires", "6h")
    town("post", "--headline", "Essai", "--exercise", "--dry-run")
    town("post", "--headline", "Essai", "--exercise", "--wait=1ms", status=1)
    town("update", out, "--headline", "Fuite réparée en partie", "--as", "Anne")
    town("correct", out, "--reason", "Mauvaise rue", "--as", "Anne")
    town("cancel", town.post("Arbre tombé"), "--as", "Anne")
    town.configure("approve")
    waits = town.post("Pont fermé", "--severity", "Severe", "--as", "Anne")
    town("update", waits, "--headline", "Pont encore fermé", "--as", "Anne")
    refused = town.post("Marché annulé", "--as", "Anne")
    town("reject", refused, "--as", "Paul", "--reason", "Erreur")
    [waiting] = [each["alert"] for each in _alerts(town("status", "--json")) if each["state"] == "waiting"]
    town("status", waiting)
    town("approve", waiting, "--as", "Paul")
    _unsettle(town.folder / "tocsin.db")
    for each in (out, waits, waiting, refused):
        town("status", each)
        town("explain", each)
        town("report", each)
    for command in ("retry", "drop"):
        _unsettle(town.folder / "tocsin.db")
        town(command, waiting, "--as", "Paul")
        town(command, waiting, "--as", "Paul", status=1)
    town("gone", "meteo", "--as", "Paul", status=1)
    town("status")
    town("status", "--all")
    assert not town.told, json.dumps(town.told, indent=1, ensure_ascii=False)


def _alerts(lines: str) -> list[dict]:
    return [json.loads(each) for each in lines.splitlines() if each.startswith('{"alert"')]


def _unsettle(database: Path) -> None:
    """A post failed, one is in doubt, one is out; a channel is blocked, a source fails."""
    with closing(sqlite3.connect(database)) as db, db:
        posts = [row[0] for row in db.execute("SELECT id FROM post WHERE state = 'queued' ORDER BY seq DESC")]
        states = ["failed", "in_doubt", "sent"]
        db.executemany(
            "UPDATE post SET state = ?, tries = 2, reason = ? WHERE id = ?",
            [(state, '{"code":"channel_without_search"}', post) for state, post in zip(states, posts, strict=False)],
        )
        db.execute(
            "INSERT OR REPLACE INTO source (name, memory, last_ok, failures, reason) VALUES ('meteo', '{}', 1, 3, ?)",
            ('{"code":"reader_stumbled","error":"OSError"}',),
        )
        db.execute(
            "INSERT OR REPLACE INTO channel (name, state, reason, quotas) VALUES ('un', 'blocked', ?, '[]')",
            ('{"code":"telegram_token_refused","said":"Unauthorized"}',),
        )


class _Terminal(io.StringIO):
    """What is typed, or shown, where somebody sits."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("last", "status"), [("oui", 0), ("non", 1)])
def test_no_question_is_asked_in_english(town, monkeypatch, last, status):
    answers = [
        "",
        "Rue barrée",
        "Passez par le pont",
        "gravissime",
        "sev",
        "imm",
        "Rue Basse",
        "hier",
        "6h",
        last,
    ]
    waits = (town.configure("approve"), town.post("Pont fermé", "--as", "Anne"))[1]
    shown = _Terminal()
    monkeypatch.setattr(sys, "stderr", shown)
    for command, typed in ((["post", "--as", "Anne"], answers), (["approve", waits, "--as", "Paul"], [last])):
        monkeypatch.setattr(sys, "stdin", _Terminal("\n".join(typed) + "\n"))
        assert run(command) == status, shown.getvalue()
    assert "Publier maintenant" in shown.getvalue()
    assert "Valider ceci" in shown.getvalue()
    assert wrong_in(_ours(shown.getvalue())) == []


def test_nobody_who_administers_reads_a_word_of_english(town, monkeypatch):
    town("user", "add", "Anne", "--role", "administrator")
    town("user", "add", "Zoé", "--role", "author", "--as", "Anne")
    monkeypatch.setattr(sys, "stdin", io.StringIO("court\n"))
    town("user", "reset", "Zoé", "--password-stdin", "--as", "Anne", status=2)
    for command in ("disable", "enable", "reset"):
        town("user", command, "Zoé", "--as", "Anne")
        town("user", "list")
    town("user", "role", "Zoé", "viewer", "--as", "Anne")
    for refused in (["post", "--headline", "Rue barrée", "--as", "Zoé"], ["user", "add", "Anne", "--role", "author"]):
        town(*refused, "--as", "Zoé", status=None)
    town("post", "--headline", "Rue barrée", "--as", "Inconnue", status=2)
    bearer = town("token", "add", "capteurs", "--role", "author", "--as", "Anne")
    town("token", "revoke", "capteurs", "--as", "Anne")
    town("token", "list")
    town("audit", "list")
    town("audit", "verify")
    town("audit", "verify", "--expect", "1:" + "0" * 64, status=1)
    for change in ("UPDATE audit SET detail = 'x' WHERE seq = 2", "DELETE FROM audit WHERE seq = 1"):
        _tamper(town.folder / "tocsin.db", change)
        town("audit", "verify", status=1)
    assert bearer
    assert not town.told, json.dumps(town.told, indent=1, ensure_ascii=False)


def _tamper(database: Path, change: str) -> None:
    with closing(sqlite3.connect(database)) as db, db:
        for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            db.execute(f"DROP TRIGGER {name}")
        db.execute(change)


def test_no_copy_or_import_tells_of_itself_in_english(town):
    town("db", "upgrade")
    town("db", "upgrade")
    town("db", "backup", "copie.db")
    town("db", "backup", "copie.db", status=1)
    town("db", "restore", "copie.db")
    town("db", "restore", "rien.db", status=1)
    (town.folder / "faux.db").write_bytes(b"rien")
    town("db", "restore", "faux.db", status=1)
    town("status")
    rows = [
        "",
        '{"chat": 7}',
        "{",
        "[]",
        '{"chat": 0}',
        '{"chat": 7, "x": 1}',
        '{"chat": 7, "channel": "page"}',
        '{"chat": 7, "language": "zz"}',
        '{"chat": 7, "on": 3}',
        '{"chat": 7, "topics": "x"}',
        '{"chat": 7, "topics": ["x"]}',
        '{"chat": 7, "severity": "Horrible"}',
        '{"chat": 7, "quiet": [1]}',
        *["{"] * 30,
    ]
    (town.folder / "tous.jsonl").write_text("\n".join(rows), encoding="utf-8")
    told = town("subscribers", "import", "tous.jsonl", status=2)
    assert told.startswith("tocsin: rien n’a été enregistré\u00a0:\ntocsin: ligne 3\u00a0:")
    (town.folder / "bons.jsonl").write_text('{"chat": 7}\n', encoding="utf-8")
    town("subscribers", "import", "bons.jsonl")
    town("subscribers", "import", "nulle-part.jsonl", status=2)
    town("subscribers", "export", "--channel", "page", status=2)
    assert not town.told, json.dumps(town.told, indent=1, ensure_ascii=False)


@in_one_test
@pytest.mark.parametrize("arguments", [each for each, _ in MISTAKES if each[0] != "sandbox"])
def test_no_mistake_is_told_in_english(town, arguments):
    town(*arguments, status=2)
    if "nowhere.toml" not in arguments:
        assert not town.told, json.dumps(town.told, indent=1, ensure_ascii=False)


@in_one_test
@pytest.mark.parametrize(
    "arguments",
    [
        ["status", "a", "b"],
        ["statu"],
        ["status", "--all=3"],
        ["user", "add", "Anne"],
        ["user", "add", "Anne", "--role", "chef"],
        ["audit", "list", "--last", "x"],
        ["audit", "list", "--last", "0"],
        ["audit", "verify", "--expect", "x"],
        ["gone", "nulle-part"],
        ["report", "x", "--lang", "zz"],
        ["post", "--headline", "\udcff"],
    ],
)
def test_nothing_typed_wrong_is_told_in_english(town, arguments):
    town(*arguments, status=2)
    assert not town.told, json.dumps(town.told, indent=1, ensure_ascii=False)


def test_what_was_forgiven_or_could_not_be_read_is_told_in_french(town):
    (town.folder / "crue.xml").write_text(ODD, encoding="latin-1")
    soon = f"{datetime.now(UTC) + timedelta(hours=3):%Y%m%dT%H%M%S}"
    works = WORKS.replace("SOON", soon)
    (town.folder / "travaux.ics").write_text(works, encoding="utf-8")
    told = town("preview", "crue.xml")
    assert told.count("toléré\u00a0:") > 10
    town("post", "--cap", "crue.xml", status=1)
    told = town("preview", "travaux.ics")
    assert "il n’a pas de END:VEVENT" in told
    assert "le fuseau" in told
    for name, body in (("vide.ics", ""), ("page.html", "<html></html>"), ("reste.ics", works[:-20])):
        (town.folder / name).write_text(body, encoding="utf-8")
        town("preview", name, status=None)
    assert not town.told, json.dumps(town.told, indent=1, ensure_ascii=False)


def test_a_configuration_that_cannot_be_used_still_says_whose_it_is(town):
    assert (screen.Reader(town.folder / "channels.toml").language, screen.Reader().language) == ("fr-FR", "en")
    (town.folder / "channels.toml").write_text('[station]\nlanguage = "fr-FR"\nnom = "x"', encoding="utf-8")
    assert "option inconnue" in town("status", "--tout", status=2)


def test_an_english_station_is_spoken_to_in_english(town):
    english = CHANNELS.replace("fr-FR", "en-GB").replace("PUBLISH", "auto")
    (town.folder / "channels.toml").write_text(english, encoding="utf-8")
    assert "it goes out when the daemon runs" in town("post", "--headline", "Leak")
    assert "no daemon runs" in town("status")


def test_every_sentence_that_is_translated_is_one_that_is_said():
    files = [*screen.FOLDER.parent.glob("*.py"), *screen.FOLDER.parents[1].glob("*/*_acts.py")]
    code = "\n".join(file.read_text(encoding="utf-8") for file in files)
    with (screen.FOLDER / "fr" / "cli.po").open("rb") as lines:
        told = [message.id for message in read_po(lines, locale="fr")]
    sentences = [each for one in told for each in (one if isinstance(one, tuple) else (one,)) if " " in each]
    assert [each for each in sentences if f'"{each}"' not in code and f"'{each}'" not in code] == []


BULK = {
    "bulk": "b1",
    "channel": "un",
    "alert": "a1",
    "headline": "Crue",
    "kind": "publish",
    "state": "done",
    "of": "subscribers",
    "total": 1,
    "sent": 1,
    "failed": 0,
    "skipped": 0,
    "held": 0,
    "rest": 0,
    "held_until": None,
    "ends_at": None,
    "ended_at": "2026-11-25T13:00:00+01:00",
    "reason": None,
}
CHANNEL = ChannelOut(
    channel="un",
    state="ok",
    left={},
    reserve=0,
    queued=0,
    reason=None,
    reason_code=None,
    followers=None,
    subscribers=None,
    cost=None,
    owner=None,
)


@pytest.mark.parametrize(
    ("many", "subscribers", "reached"),
    [
        (0, "0 abonné", "sur 0 abonné : 0 averti, 1 non joint, 2 passés"),
        (1, "1 abonné", "sur 1 abonné : 1 averti, 1 non joint, 2 passés"),
        (2, "2 abonnés", "sur 2 abonnés : 2 avertis, 1 non joint, 2 passés"),
    ],
)
def test_so_many_are_told_of_in_the_form_of_that_number(town, capsys, many, subscribers, reached):
    screen.address(town.folder / "channels.toml")
    screen.show_channel(replace(CHANNEL, subscribers=many))
    screen.show_bulk({**BULK, "total": many, "sent": many, "failed": 1, "skipped": 2})
    screen.show_heard(InSight(heard=many, raised=1, questions=1, waiting=0))
    channel, _, told, heard = capsys.readouterr().out.replace("\u00a0", " ").splitlines()
    assert channel.endswith(f" {subscribers}")
    assert told.strip() == reached
    assert heard.endswith("1 peut-être un appel à l’aide, 1 question ouverte")


def test_one_is_one_in_english_too(town, capsys):
    (town.folder / "channels.toml").write_text(CHANNELS.replace("fr-FR", "en-GB"), encoding="utf-8")
    screen.address(town.folder / "channels.toml")
    for many in (0, 1, 2):
        screen.show_channel(replace(CHANNEL, subscribers=many))
    screen.show_bulk(BULK)
    screen.show_bulks_left_out({"more": 1})
    *channels, _, told, more = capsys.readouterr().out.splitlines()
    assert [each.rpartition("ok")[2].strip() for each in channels] == ["0 subscribers", "1 subscriber", "2 subscribers"]
    assert (told.strip(), more.strip()) == (
        "of 1 subscriber: 1 told",
        "1 more has ended in the last day (--json)",
    )


def test_of_what_has_ended_the_newest_are_shown_and_nothing_that_had_nobody_to_tell():
    ended = [{**BULK, "bulk": f"b{number}"} for number in range(8)]
    nobody = {**BULK, "bulk": "nobody", "total": 0}
    going = [{**BULK, "bulk": f"g{number}", "ended_at": None, "total": None} for number in range(7)]
    shown, left_out = newest([*going, nobody, *ended])
    assert [each["bulk"] for each in shown] == [*(each["bulk"] for each in going), "b3", "b4", "b5", "b6", "b7"]
    assert left_out == 3
    assert newest([nobody]) == ([], 0)


def test_every_state_has_a_french_word():
    french = read_words(screen.FOLDER, "fr", DESK, LOCALE)
    states = [*PostState, *AlertState, *BulkState, *PostKind, *TOLD_AS]
    assert [each for each in states if french.gettext(each) == each] == []


def test_what_a_paid_channel_spent_is_told_with_its_ceilings(town, capsys):
    screen.address(town.folder / "channels.toml")
    screen.show_channel(replace(CHANNEL, cost=CostOut(29.4, 88.2, 200.0, 600.0, lifted=True)))
    assert (
        "29.40 € sur 200.00 aujourd’hui, 88.20 € sur 600.00 ce mois-ci, plafonds levés jusqu’à minuit"
        in capsys.readouterr().out
    )
