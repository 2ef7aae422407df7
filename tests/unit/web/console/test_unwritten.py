"""The database refuses to be written: everybody may look on, and nothing that was typed is lost."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from contextlib import closing

import pytest

from alerts.model.person import Stage
from alerts.store.database import READERS, WAITING
from tests.unit.web.console.guarding import OWN, Browser

REFUSE = "CREATE TRIGGER refuse_{table}_{on} BEFORE {on} ON {table} BEGIN DELETE FROM full_disk; END"
"""What SQLite can't carry out is its OperationalError, as a full disk is: `no such table: main.full_disk`."""
TABLES = ("session", "draft", "account", "sign_in")


def refuse(town):
    """As a full disk does, at once."""
    with closing(sqlite3.connect(town.config.database, isolation_level=None)) as db:
        for table in TABLES:
            for on in ("INSERT", "UPDATE"):
                db.execute(REFUSE.format(table=table, on=on))


def relent(town):
    """There is room again."""
    with closing(sqlite3.connect(town.config.database, isolation_level=None)) as db:
        for table in TABLES:
            for on in ("INSERT", "UPDATE"):
                db.execute(f"DROP TRIGGER refuse_{table}_{on}")


@pytest.mark.parametrize("path", ["/desk/", "/desk/alerts", "/desk/channels", "/desk/waiting", "/desk/fragments/now"])
async def test_everybody_may_look(town, browser, path):
    await browser.settle()
    refuse(town)
    await town.clock.advance(3600)
    assert (await browser.get(path)).status == 200


async def test_a_form_is_given_back_and_sent_again(town, browser):
    await browser.settle()
    token = (await browser.get("/desk/account")).form("/desk/account/language")["csrf"]
    refuse(town)
    typed = {"csrf": token, "headline": "Crue « rapide »", "do": "save", "description": "<b>two</b>"}
    page = await browser.post("/desk/compose", typed)
    assert (page.status, page.headers["Retry-After"]) == (503, "5")
    assert "The database refuses Nothing was stored" in page.said
    assert "no such table: main.full_disk." in page.said
    assert "Crue « rapide »" in page.said
    assert page.form("/desk/compose")["description"] == "<b>two</b>"
    assert (await browser.send(page, "/desk/compose")).status == 503
    relent(town)
    await browser.send(page, "/desk/compose")
    [draft] = await town.drafts()
    assert draft.fields["headline"] == typed["headline"]


async def test_a_script_is_told_in_a_line(town, browser):
    await browser.settle()
    token = (await browser.get("/desk/account")).form("/desk/account/language")["csrf"]
    refuse(town)
    sent = {"X_CSRF_Token": token, "Accept": "application/json", "Sec_Fetch_Mode": "cors"}
    page = await browser.post("/desk/account/language", {"language": "fr"}, **sent)
    assert (page.status, page.text) == (
        503,
        "the database refuses (no such table: main.full_disk); nothing was stored; try again",
    )


async def test_who_signs_in_meanwhile_tries_again_and_loses_nothing(town, browser):
    codes = await browser.settle()
    token = (await browser.get("/desk/account")).form("/desk/account/language")["csrf"]
    await town.clock.advance(13 * 3600)
    page = await browser.post("/desk/compose", {"csrf": token, "headline": "Crue"})
    refuse(town)
    page = await browser.send(page, "/desk/sign-in", name="Anne", password=OWN)
    assert (page.status, OWN in page.text) == (503, False)
    assert page.form("/desk/sign-in")["name"] == "Anne"
    relent(town)
    page = await browser.send(page, "/desk/sign-in", password=OWN)
    page = await browser.send(page, "/desk/sign-in/code", code=codes.at(town.clock.now()))
    [draft] = await town.drafts()
    assert draft.fields["headline"] == "Crue"


@pytest.mark.parametrize("path", ["/desk/fragments/now", "/desk/compose/draft?draft=id00000042"])
async def test_what_pages_fetch_by_themselves_signs_nobody_in_for_longer(town, browser, path):
    await browser.settle()
    for _ in range(12):
        await town.clock.advance(3600 - 6)
        assert (await browser.get(path)).status == 200
        await town.gate.touches.done()
    await town.clock.advance(72)
    assert (await browser.get("/desk/")).location.startswith("/desk/sign-in")


async def test_a_click_does(town, browser):
    await browser.settle()
    for _ in range(24):
        await town.clock.advance(3600)
        assert (await browser.get("/desk/alerts")).status == 200
        await town.gate.touches.done()
    sessions = await town.service.ask(lambda unit: unit.accounts.sessions("Anne"))
    assert sessions[0].stage is Stage.FULL


async def test_what_the_program_did_wrong_is_not_told_but_the_words_are_kept(town, browser):
    await browser.settle()
    token = (await browser.get("/desk/account")).form("/desk/account/language")["csrf"]
    with closing(sqlite3.connect(town.config.database, isolation_level=None)) as db:
        db.execute("CREATE TRIGGER bad BEFORE INSERT ON draft BEGIN SELECT RAISE(ABORT, 'swordfish'); END")
    page = await browser.post("/desk/compose", {"csrf": token, "headline": "Crue", "do": "save"})
    assert (page.status, "swordfish" in page.text, "IntegrityError" in page.said) == (503, False, True)
    assert page.form("/desk/compose")["headline"] == "Crue"


@pytest.mark.parametrize(
    ("language", "said"), [("fr", "Trop de demandes à la fois"), ("en", "Too many requests at once")]
)
async def test_where_too_much_is_asked_the_page_says_so_in_the_reader_s_language(town, language, said):
    go = threading.Event()
    asked = [asyncio.create_task(town.service.ask(lambda _: go.wait(20))) for _ in range(READERS + WAITING)]
    await asyncio.sleep(0)
    browser = Browser(town, language=language)
    browser.jar["tocsin"] = "x" * 43
    try:
        answer = await browser.get("/desk/")
    finally:
        go.set()
        await asyncio.gather(*asked)
        await browser.client.close()
    assert answer.status == 503
    assert said in answer.said
