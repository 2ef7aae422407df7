"""Each act on one's own account that changes who may come in, or who is told of that, leaves a line in the audit log.

Acts are found by the page's own routes.
"""

from __future__ import annotations

from alerts.web.console.own_account import routes
from tests.unit.web.console.guarding import OWN, Browser
from tests.unit.web.console.test_sign_in import replaced_codes, sign_in_from_there

NEW = "battery staple horses"
KEPT = (
    "SELECT name, role, password, language, totp, disabled_at, changes_read_at FROM account",
    "SELECT id, label FROM passkey",
    "SELECT channel, chat FROM officer_chat",
    "SELECT count(*) FROM session",
)


async def kept(town):
    return await town.service.ask(lambda unit: [tuple(map(tuple, unit.execute(each))) for each in KEPT])


async def lines(town):
    return await town.service.ask(lambda unit: unit.audit.newest(most=500))


async def test_every_act_on_one_s_own_account_leaves_a_line(town, browser):
    await browser.settle()
    await town.clock.advance(90_000)
    other = Browser(town)
    codes = await replaced_codes(town, other)
    await sign_in_from_there(other, await other.get("/desk/sign-in"), codes)
    await other.client.close()
    session = (await town.service.ask(lambda unit: unit.accounts.sessions("Anne")))[-1]
    await town.clock.advance(60)
    page = await sign_in_from_there(browser, await browser.get("/desk/sign-in"), codes)
    assert "codes added" in page.text
    posted = [each.path for each in routes(town.console) if each.method == "POST"]
    # What changes the way in comes last: the others need it.
    posted.sort(key=lambda path: path.endswith(("password", "code/remove", "end-all")))
    changed = set()
    for path in posted:
        page = await browser.get("/desk/account")
        fields = {name: value or "" for form in page.tree.forms for name, value in form.form_values()}
        typed = {"language": "fr", "session": session.digest, "own_password": OWN, "old_password": OWN}
        typed |= {"new_password": NEW, "new_password_again": NEW}
        was, record = await kept(town), await lines(town)
        await browser.post(f"/desk{path}", fields | typed)
        if await kept(town) != was:
            changed.add(path)
            assert len(await lines(town)) > len(record), path
        await town.clock.advance(1)

    deeds = ("changes/read", "language", "password", "sessions/end", "sessions/end-all")
    assert {f"/account/{each}" for each in deeds} <= changed
