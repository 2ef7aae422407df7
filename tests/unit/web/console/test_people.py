"""What administrators do to accounts and tokens, one's own account, and the audit log that tells of it."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from alerts.model.person import Role
from tests.unit.web.console.guarding import OWN, Browser


async def account(town, name):
    return await town.service.ask(lambda unit: unit.accounts.account(name))


async def of_a_row(page, action, name, **more):
    """The fields of that row's form."""
    for form in page.tree.forms:
        if form.get("action") == action and form.fields.get("name") == name:
            return {key: value or "" for key, value in form.form_values()} | more
    raise AssertionError(action)


async def test_an_account_is_added_and_its_password_shown_once(town, browser, other):
    await browser.settle("Root", Role.ADMINISTRATOR)
    page = await browser.send(
        await browser.get("/desk/accounts"), "/desk/accounts/add", name="Bruno", role="approver", own_password=OWN
    )
    [secret] = page.tree.xpath("//*[@class='code large']/text()")
    assert (await account(town, "bruno")).role is Role.APPROVER
    assert secret not in (await browser.get("/desk/accounts")).text
    page = await other.send(await other.get("/desk/sign-in"), "/desk/sign-in", name="Bruno", password=secret)
    assert page.location == "/desk/sign-in/password"


async def test_a_name_that_is_taken_is_said_and_kept(browser):
    await browser.settle("Root", Role.ADMINISTRATOR)
    page = await browser.send(
        await browser.get("/desk/accounts"), "/desk/accounts/add", name="ROOT", role="viewer", own_password=OWN
    )
    assert (page.status, "is an account already" in page.said) == (400, True)
    assert page.form("/desk/accounts/add")["name"] == "ROOT"
    assert page.form("/desk/accounts/add")["role"] == "viewer"


async def test_a_role_that_there_is_not_is_refused(town, browser):
    await browser.settle("Root", Role.ADMINISTRATOR)
    token = (await browser.get("/desk/accounts")).form("/desk/accounts/add")["csrf"]
    page = await browser.post(
        "/desk/accounts/add", {"csrf": token, "name": "Eve", "role": "emperor", "own_password": OWN}
    )
    assert page.status == 400
    assert await account(town, "Eve") is None


async def test_roles_change_and_accounts_are_shut_opened_and_begun_anew(town, browser, other):
    await browser.settle("Root", Role.ADMINISTRATOR)
    await other.settle("Anne", Role.AUTHOR)
    page = await browser.get("/desk/accounts")
    fields = await of_a_row(page, "/desk/accounts/role", "Anne", role="viewer")
    asked = await browser.post("/desk/accounts/role", fields)
    assert (await account(town, "Anne")).role is Role.AUTHOR
    done = await browser.send(asked, "/desk/accounts/role", own_password=OWN)
    assert done.location == "/desk/accounts?done=role"
    assert (await account(town, "Anne")).role is Role.VIEWER
    page = await browser.get("/desk/accounts")
    await browser.post("/desk/accounts/disable", await of_a_row(page, "/desk/accounts/disable", "Anne"))
    assert (await other.get("/desk/account")).status == 303
    page = await browser.get("/desk/accounts")
    asked = await browser.post("/desk/accounts/enable", await of_a_row(page, "/desk/accounts/enable", "Anne"))
    assert (await account(town, "Anne")).disabled_at is not None
    await browser.send(asked, "/desk/accounts/enable", own_password=OWN)
    assert (await account(town, "Anne")).disabled_at is None
    page = await browser.get("/desk/accounts")
    asked = await browser.post("/desk/accounts/reset", await of_a_row(page, "/desk/accounts/reset", "Anne"))
    page = await browser.send(asked, "/desk/accounts/reset", own_password=OWN)
    assert page.tree.xpath("//*[@class='code large']")
    kept = await account(town, "Anne")
    assert (kept.must_change, kept.totp) == (True, None)


@pytest.mark.parametrize("action", ["role", "disable", "reset"])
async def test_nobody_shuts_themselves_out(town, browser, action):
    await browser.settle("Root", Role.ADMINISTRATOR)
    token = (await browser.get("/desk/accounts")).form("/desk/accounts/add")["csrf"]
    fields = {"csrf": token, "name": " rOOt", "role": "viewer"}
    page = await browser.post(f"/desk/accounts/{action}", fields)
    assert (page.status, "your own account" in page.said) == (409, True)
    kept = await account(town, "Root")
    assert (kept.role, kept.disabled_at, kept.must_change) == (Role.ADMINISTRATOR, None, False)


async def test_a_token_is_shown_once_and_revoked(town, browser):
    await browser.settle("Root", Role.ADMINISTRATOR)
    page = await browser.send(
        await browser.get("/desk/accounts"),
        "/desk/tokens/add",
        token_name="Cartographie",
        role="viewer",
        own_password=OWN,
    )
    [secret] = page.tree.xpath("//*[@class='code large']/text()")
    assert (await town.gate.program(secret)).name == "Cartographie"
    page = await browser.get("/desk/accounts")
    assert secret not in page.text
    page = await browser.send(page, "/desk/tokens/revoke")
    assert page.location == "/desk/accounts?done=revoked"
    assert await town.gate.program(secret) is None


async def test_the_password_is_changed_and_everywhere_else_one_is_out(town, browser, other):
    codes = await browser.settle()
    page = await other.follow(
        await other.send(await other.get("/desk/sign-in"), "/desk/sign-in", name="Anne", password=OWN)
    )
    await other.send(page, "/desk/sign-in/code", code=codes.at(town.clock.now()))
    assert (await other.get("/desk/account")).status == 200
    before, page = browser.cookie, await browser.get("/desk/account")
    new = {"new_password": "another good phrase", "new_password_again": "another good phrase"}
    wrong = await browser.send(page, "/desk/account/password", old_password="wrong", **new)
    assert (wrong.status, "current password is wrong" in wrong.said) == (400, True)
    await town.clock.advance(600)
    done = await browser.send(page, "/desk/account/password", old_password=OWN, **new)
    assert done.location == "/desk/account?done=password"
    assert browser.cookie != before
    assert "The password is changed" in (await browser.follow(done)).said
    assert (await other.get("/desk/account")).status == 303


async def test_a_session_of_one_s_own_is_ended_and_nobody_else_s(town, browser, other):
    codes = await browser.settle()
    page = await other.follow(
        await other.send(await other.get("/desk/sign-in"), "/desk/sign-in", name="Anne", password=OWN)
    )
    await other.send(page, "/desk/sign-in/code", code=codes.at(town.clock.now()))
    stranger = Browser(town)
    await stranger.settle("Eve")
    [theirs] = await town.service.ask(lambda unit: unit.accounts.sessions("Eve"))
    page = await browser.get("/desk/account")
    token = page.form("/desk/account/language")["csrf"]
    await browser.post("/desk/account/sessions/end", {"csrf": token, "session": theirs.digest})
    assert (await stranger.get("/desk/account")).status == 200
    await stranger.client.close()
    await browser.send(page, "/desk/account/sessions/end")
    assert (await other.get("/desk/account")).status == 303
    assert (await browser.send(page, "/desk/account/sessions/end-all")).location == "/desk/sign-in"
    assert not await town.service.ask(lambda unit: unit.accounts.sessions("Anne"))


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/desk/account/code", {"code": "123456"}),
        ("/desk/account/code/remove", {}),
        ("/desk/account/passkey", {"answer": "{}", "label": "x"}),
        ("/desk/account/passkey/remove", {"passkey": "x"}),
        ("/desk/account/telegram", {}),
        ("/desk/account/telegram/remove", {}),
        ("/desk/accounts/add", {"name": "Eve", "role": "administrator"}),
        ("/desk/tokens/add", {"token_name": "Anne", "role": "administrator"}),
        ("/desk/accounts/role", {"name": "Bruno", "role": "administrator"}),
        ("/desk/accounts/reset", {"name": "Bruno"}),
    ],
)
async def test_who_may_come_in_is_changed_by_one_s_own_password_alone(town, browser, path, fields):
    await browser.settle(role=Role.ADMINISTRATOR)
    before = await town.add("Bruno")
    token = (await browser.get("/desk/account")).form("/desk/account/language")["csrf"]
    page = await browser.post(path, fields | {"csrf": token})
    assert (page.status, "Your own password, please" in page.said) == (200, True)
    assert page.form(path) == fields | {"csrf": token, "username": "Anne"}
    page = await browser.send(page, path, own_password="wrong")
    assert (page.status, "current password is wrong" in page.said) == (400, True)
    assert await account(town, "Bruno") == before
    assert (await account(town, "Anne")).totp is not None


async def test_wrong_passwords_for_it_are_failed_sign_ins(town, browser):
    await browser.settle(role=Role.ADMINISTRATOR)
    page = await browser.send(await browser.get("/desk/account"), "/desk/account/code/remove")
    for _ in range(10):
        page = await browser.send(page, "/desk/account/code/remove", own_password="wrong")
    page = await browser.send(page, "/desk/account/code/remove", own_password=OWN)
    assert page.status == 429
    lines = await town.service.ask(lambda unit: unit.audit.newest(subject="Anne"))
    assert "sign-in failing" in [line.entry.act for line in lines]


async def test_the_language_of_an_account_is_in_the_record_once(town, browser):
    await browser.settle()
    for language in ("fr", "fr", ""):
        await browser.send(await browser.get("/desk/account"), "/desk/account/language", language=language)
    lines = await town.service.ask(lambda unit: unit.audit.newest(subject="Anne"))
    told = [(line.entry.act, line.entry.detail) for line in lines if line.entry.act == "language changed"]
    assert told == [("language changed", "the browser's"), ("language changed", "fr")]


async def test_what_happened_to_an_account_is_read_in_its_language(town, browser):
    await browser.settle()
    await browser.send(await browser.get("/desk/account"), "/desk/account/language", language="fr")
    page = await browser.get("/desk/account")
    assert "connexion, par un second facteur tout juste installé" in page.said
    assert "compte ajouté, rédacteur – root" in page.said


async def test_the_last_second_factor_stays(town, browser):
    await browser.settle()
    page = await browser.send(await browser.get("/desk/account"), "/desk/account/code/remove")
    page = await browser.send(page, "/desk/account/code/remove", own_password=OWN)
    assert (page.status, "only second factor" in page.said) == (400, True)
    assert (await account(town, "Anne")).totp is not None


async def test_other_codes_take_the_place_of_the_first(town, browser):
    codes = await browser.settle()
    page = await browser.get("/desk/account/code")
    assert not page.tree.xpath("//*[@class='code']")
    page = await browser.send(page, "/desk/account/code", own_password=OWN)
    page = await browser.send(page, "/desk/account/code", code="12")
    assert page.status == 401
    seed = page.tree.xpath("//*[@class='code']")[0].text_content().replace(" ", "")
    page = await browser.send(page, "/desk/account/code", code=type(codes)(seed).at(town.clock.now()))
    assert page.location == "/desk/account?done=code"
    assert (await account(town, "Anne")).totp.reveal() == seed != codes.secret


async def test_the_record_tells_who_did_what_and_is_whole(town, browser):
    await browser.settle("Root", Role.ADMINISTRATOR)
    await town.add("Anne")
    page = await browser.get("/desk/record")
    assert "Intact:" in page.said
    assert "account added" in page.said
    [head] = page.tree.xpath("//*[@id='head']/text()")
    [short] = page.tree.xpath("//summary/abbr")
    assert (short.text, head.partition(":")[2]) == (f"{short.get('title')[:12]}…", short.get("title"))
    page = await browser.get("/desk/record?subject=Anne")
    assert len(page.tree.xpath("//tbody/tr")) == 1
    assert (await browser.get("/desk/record?before=x")).status == 200


async def test_the_record_is_paged(town, browser):
    await browser.settle("Root", Role.ADMINISTRATOR)
    for number in range(60):
        await town.add(f"Person {number}")
    page = await browser.get("/desk/record")
    first = page.tree.xpath("//tbody/tr")
    [older] = page.tree.xpath("//a[@rel='next']/@href")
    second = (await browser.get(older)).tree.xpath("//tbody/tr")
    height = await town.service.ask(lambda unit: unit.audit.height())
    assert (len(first), len(second)) == (50, height - 50)


async def test_a_changed_line_is_found(town, browser):
    await browser.settle("Root", Role.ADMINISTRATOR)
    with closing(sqlite3.connect(town.config.database)) as db, db:
        for (name,) in list(db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit'")):
            db.execute(f'DROP TRIGGER "{name}"')
        db.execute("UPDATE audit SET detail = 'viewer' WHERE seq = 1")
    db.close()
    page = await browser.get("/desk/record")
    assert "The audit log is not intact: line 1" in page.said
