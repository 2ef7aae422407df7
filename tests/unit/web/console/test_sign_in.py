"""The way in, step by step; what was typed when a session was over comes back, and nothing is done by itself."""

from __future__ import annotations

import json
from html import unescape

import pytest
from pyotp import TOTP

from alerts.model.incident import SavedDraft
from tests.unit.access.authenticator import Authenticator
from tests.unit.web.console.guarding import FIRST, OWN, Browser, open_town
from tests.unit.web.public.test_asking import BAD_KINDS
from tests.walls import in_one_test

OWN_KEY, ALONE = "/desk/account/passkey", "/desk/sign-in/alone/passkey"


async def over(town, browser):
    """The session ends while its page stands open."""
    await town.clock.advance(13 * 3600)
    assert browser.cookie


async def sign_in_from(browser, page, codes, name="Anne"):
    """Go on from a page that asks to sign in, to where that leads."""
    page = await browser.send(page, "/desk/sign-in", name=name, password=OWN)
    if page.status == 303:
        page = await browser.follow(page)
    return await browser.send(page, "/desk/sign-in/code", code=codes.at(browser.town.clock.now()))


async def test_the_first_time(town, browser):
    await town.add()
    page = await browser.get("/desk/account")
    assert page.location == "/desk/sign-in?next=/desk/account"
    page = await browser.follow(page)
    page = await browser.follow(await browser.send(page, "/desk/sign-in", name="anne ", password=FIRST))
    assert "Choose your password" in page.said
    page = await browser.send(page, "/desk/sign-in/password", new_password=OWN, new_password_again="x")
    assert "The two are not the same." in page.said
    page = await browser.send(page, "/desk/sign-in/password", new_password="short", new_password_again="short")
    assert (page.status, "at least 12 characters" in page.said) == (400, True)
    page = await browser.send(page, "/desk/sign-in/password", new_password=OWN, new_password_again=OWN)
    page = await browser.follow(page)
    assert "Set up a second factor" in page.said
    assert page.tree.xpath("//div[@class='qr']//*[local-name()='svg']")
    [link] = page.tree.xpath("//a[starts-with(@href, 'otpauth:')]/@href")
    assert link.startswith("otpauth://totp/Ville%20de%20Saint-Martin:Anne?secret=")
    assert "style=" not in page.text
    page = await browser.send(page, "/desk/sign-in/second-factor", code="000000")
    assert page.status == 401
    seed = page.tree.xpath("//*[@class='code']")[0].text_content().replace(" ", "")
    page = await browser.send(page, "/desk/sign-in/second-factor", code=TOTP(seed).at(town.clock.now()))
    assert page.location == "/desk/account"
    assert (await browser.follow(page)).status == 200


async def test_who_comes_before_there_is_any_account_is_told_how_to_make_one(town, browser):
    assert "tocsin user add NAME --role administrator" in (await browser.get("/desk/sign-in")).text
    await town.add("Anne")
    assert "tocsin user add" not in (await browser.get("/desk/sign-in")).text


async def test_a_wrong_password_is_answered_as_an_unknown_name(town, browser):
    await town.add()
    page = await browser.get("/desk/sign-in")
    wrong = await browser.send(page, "/desk/sign-in", name="Anne", password="wrong")
    unknown = await browser.send(page, "/desk/sign-in", name="Nobody", password="wrong")
    assert wrong.status == unknown.status == 401
    assert wrong.said.replace("Anne", "") == unknown.said.replace("Nobody", "")
    assert "The name or the password is wrong." in wrong.said


async def test_who_fails_often_is_told_when_to_come_back(town, browser):
    await town.add()
    page = await browser.get("/desk/sign-in")
    for _ in range(30):
        page = await browser.send(page, "/desk/sign-in", name="Anne", password="wrong")
    assert page.status == 429
    assert int(page.headers["Retry-After"]) > 0
    assert "You can try again at" in page.said
    assert page.form("/desk/sign-in")["name"] == "Anne"


async def test_failed_attempts_are_told_once_after_the_next_sign_in(town, browser):
    codes = await browser.settle()
    other = Browser(town)
    page = await other.get("/desk/sign-in")
    await other.send(page, "/desk/sign-in", name="Anne", password="wrong")
    await other.client.close()
    await over(town, browser)
    page = await sign_in_from(browser, await browser.follow(await browser.get("/desk/account")), codes)
    assert "One attempt to sign in to your account failed" in page.said
    assert page.tree.xpath("//a[@href='/desk/account' and contains(@class, 'primary')]")


async def test_a_passkey_is_set_up_and_proves_who_one_is(town, browser):
    key, origin = Authenticator(), f"http://127.0.0.1:{town.server.port}"
    codes = await browser.settle()
    page = await browser.get("/desk/account")
    token = page.form("/desk/account/passkey")["csrf"]
    asked = json.loads(await browser.json("/desk/account/passkey/options", token))
    assert asked["rp"]["id"] == "127.0.0.1"
    answer = json.dumps(key.create(asked, origin))
    page = await browser.send(page, "/desk/account/passkey", answer=answer, label="Duty phone")
    page = await browser.send(page, "/desk/account/passkey", own_password=OWN)
    assert "Duty phone" in (await browser.follow(page)).said
    await over(town, browser)
    page = await browser.follow(await browser.get("/desk/account"))
    page = await browser.follow(await browser.send(page, "/desk/sign-in", name="Anne", password=OWN))
    token = page.form("/desk/sign-in/passkey")["csrf"]
    asked = json.loads(await browser.json("/desk/sign-in/passkey/options", token))
    page = await browser.send(page, "/desk/sign-in/passkey", answer=json.dumps(key.get(asked, origin)))
    assert "passkey added, Duty phone" in page.text
    assert page.tree.xpath("//main//a/@href")[0] == "/desk/account"
    assert codes


async def with_passkey(town, browser):
    """Anne, in by her passkey alone, and the passkey."""
    key, origin = Authenticator(), f"http://127.0.0.1:{town.server.port}"
    codes = await browser.settle()
    await town.clock.advance(90_000)
    await sign_in_from_there(browser, await browser.get("/desk/sign-in"), codes)
    page = await browser.get("/desk/account")
    asked = json.loads(await browser.json(f"{OWN_KEY}/options", page.form(OWN_KEY)["csrf"]))
    page = await browser.send(page, OWN_KEY, answer=json.dumps(key.create(asked, origin)), label="Duty phone")
    await browser.send(page, OWN_KEY, own_password=OWN)
    await browser.send(await browser.get("/desk/account"), "/desk/sign-out")
    await town.clock.advance(60)
    page = await browser.send(await browser.get("/desk/sign-in"), ALONE, answer=await answered(browser, key, origin))
    assert "passkey added, Duty phone" in page.text, "a change since is told here, too"
    page = await browser.send(page, "/desk/account/changes/read")
    assert page.location == "/desk/account", "and known to whoever was in with this browser a day before it"
    await town.clock.advance(60)
    return key, origin


async def answered(browser, key, origin):
    """What a stranger's browser is told to ask, and what the passkey answers."""
    return json.dumps(key.get(json.loads(await browser.json(f"{ALONE}/options", "")), origin))


async def test_a_passkey_alone_is_in_where_it_wanted_to_go(town, browser):
    key, origin = await with_passkey(town, browser)
    account = await browser.get("/desk/account")
    assert "signs in without a password" in account.said
    new = "battery staple horses"
    fields = {"old_password": OWN, "new_password": new, "new_password_again": new}
    account = await browser.follow(await browser.send(account, "/desk/account/password", **fields))
    assert "Your passkeys still sign you in: remove any that isn’t yours." in account.said
    await browser.send(account, "/desk/sign-out")
    page = await browser.follow(await browser.get("/desk/waiting"))
    name = page.tree.get_element_by_id("f-name")
    assert name.get("autocomplete") == "username webauthn"
    page = await browser.send(page, ALONE, answer=await answered(browser, key, origin))
    assert page.location == "/desk/waiting"
    assert "without a password, by passkey Duty phone" in (await browser.get("/desk/account")).said


async def test_what_was_typed_comes_back_after_a_passkey_alone(town, browser):
    key, origin = await with_passkey(town, browser)
    token = (await browser.get("/desk/account")).form("/desk/account/language")["csrf"]
    await over(town, browser)
    page = await browser.post("/desk/compose", {"csrf": token, "headline": "Crue"})
    page = await browser.send(page, ALONE, answer=await answered(browser, key, origin))
    [draft] = await town.drafts()
    assert (page.location, draft.fields["headline"]) == (f"/desk/compose?draft={draft.id}", "Crue")


async def test_an_answer_is_taken_once_and_from_our_own_page_alone(town, browser):
    key, origin = await with_passkey(town, browser)
    await browser.send(await browser.get("/desk/account"), "/desk/sign-out")
    answer = await answered(browser, key, origin)
    foreign = await browser.post(ALONE, {"answer": answer}, Sec_Fetch_Site="cross-site", Origin="https://evil.example")
    assert foreign.status == 403
    assert (await browser.post(ALONE, {"answer": answer})).status == 303
    other = Browser(town)
    page = await other.post(ALONE, {"answer": answer})
    assert (page.status, "This passkey was not accepted" in page.said) == (401, True)
    elsewhere = await answered(other, key, "https://evil.example")
    assert (await other.post(ALONE, {"answer": elsewhere})).status == 401
    assert not other.cookie
    await other.client.close()


@in_one_test
@pytest.mark.parametrize("answer", ["", "{}", "[]", "[" * 30_000, '{"id": 7}', '{"id": "é", "response": {}}'])
async def test_what_answers_nothing_begins_anew(town, browser, answer):
    page = await browser.post(ALONE, {"answer": answer})
    assert (page.status, "This sign-in has ended: sign in again." in page.said) == (401, True)
    assert page.form("/desk/sign-in")["name"] == ""


@pytest.mark.parametrize("answer", ["", "{}", "[]", "[" * 30_000, '{"id": 7}'])
async def test_what_is_no_passkey_is_refused(town, browser, answer):
    await browser.settle()
    await over(town, browser)
    page = await browser.follow(await browser.get("/desk/account"))
    page = await browser.follow(await browser.send(page, "/desk/sign-in", name="Anne", password=OWN))
    fields = page.form("/desk/sign-in/code") | {"answer": answer}
    assert (await browser.post("/desk/sign-in/passkey", fields)).status == 401


@pytest.mark.parametrize("wanted", ["https://evil.example/", "//evil.example", "/\\evil.example", "/desk/../api"])
async def test_nobody_is_led_away_after_the_sign_in(browser, wanted):
    codes = await browser.settle()
    await browser.send(await browser.get("/desk/account"), "/desk/sign-out")
    await browser.town.clock.advance(60)
    page = await browser.get(f"/desk/sign-in?next={wanted}")
    page = await browser.send(page, "/desk/sign-in", name="Anne", password=OWN, next=wanted)
    page = await browser.follow(page)
    page = await browser.send(page, "/desk/sign-in/code", code=codes.at(browser.town.clock.now()), next=wanted)
    assert page.location == "/desk/"


async def test_an_alert_that_was_typed_becomes_a_draft_and_goes_nowhere(town, browser):
    codes = await browser.settle()
    token = (await browser.get("/desk/account")).form("/desk/account/language")["csrf"]
    await over(town, browser)
    typed = {"csrf": token, "headline": "Crue « rapide »", "channels": ["x", "page"], "body": "Line\r\n<b>two</b>"}
    page = await browser.post("/desk/compose", typed)
    assert (page.status, "What you typed is kept." in page.said) == (401, True)
    page = await sign_in_from(browser, page, codes)
    [draft] = await town.drafts()
    assert page.location == f"/desk/compose?draft={draft.id}"
    assert draft.fields == {"headline": "Crue « rapide »", "channels": ("x", "page"), "body": "Line\r\n<b>two</b>"}
    assert not await town.service.ask(lambda unit: list(unit.views.everything()))


async def test_a_draft_that_was_kept_before_is_gone_on_with(town, browser):
    codes = await browser.settle()
    token = (await browser.get("/desk/account")).form("/desk/account/language")["csrf"]
    for headline in ("Crue", "Crue rapide"):
        await over(town, browser)
        drafts = await town.drafts()
        fields = {"csrf": token, "headline": headline, "draft": drafts[0].id if drafts else ""}
        await sign_in_from(browser, await browser.post("/desk/compose", fields), codes)
    [draft] = await town.drafts()
    assert (draft.fields["headline"], draft.revision) == ("Crue rapide", 1)


async def test_a_draft_is_about_what_it_was_and_a_newer_one_stays(town, browser):
    codes = await browser.settle()
    token = (await browser.get("/desk/account")).form("/desk/account/language")["csrf"]
    kept = SavedDraft("id00000099", "anne", town.clock.now(), fields={"headline": "Newer"}, revision=7)
    await town.service.act(lambda unit: unit.drafts.put_draft(kept))
    await over(town, browser)
    fields = {"csrf": token, "headline": "Older", "draft": kept.id, "revision": "6", "about": "id000042", "do": "file"}
    await sign_in_from(browser, await browser.post("/desk/compose?exercise=1", fields), codes)
    drafts = {draft.id: draft for draft in await town.drafts()}
    assert drafts.pop(kept.id) == kept
    [draft] = drafts.values()
    assert (draft.about, draft.fields) == ("id000042", {"headline": "Older", "exercise": "1"})


@pytest.mark.parametrize("step", ["confirm", "discard"])
async def test_after_the_second_page_it_goes_on_with_the_draft_and_makes_none(town, browser, step):
    codes = await browser.settle()
    token = (await browser.get("/desk/account")).form("/desk/account/language")["csrf"]
    kept = SavedDraft("id00000099", "anne", town.clock.now(), fields={"headline": "Crue"}, revision=7)
    await town.service.act(lambda unit: unit.drafts.put_draft(kept))
    for sent, onward in ((kept.id, f"/desk/compose?draft={kept.id}"), ("../x", "/desk/compose")):
        await over(town, browser)
        fields = {"csrf": token, "draft": sent, "onset": "", "seen": "abc"}
        page = await sign_in_from(browser, await browser.post(f"/desk/compose/{step}", fields), codes)
        assert page.location == onward
    assert await town.drafts() == [kept]


async def two_at_one_browser(town, browser):
    """Anne and Berthe have accounts; Anne's page stands open here."""
    other = Browser(town)
    codes = await other.settle("Berthe")
    await other.client.close()
    await browser.settle()
    return codes, (await browser.get("/desk/account")).form("/desk/account/language")["csrf"]


async def test_what_one_typed_becomes_no_draft_of_another(town, browser):
    codes, token = await two_at_one_browser(town, browser)
    await over(town, browser)
    page = await browser.post("/desk/compose", {"csrf": token, "headline": "Crue rapide"})
    page = await sign_in_from(browser, page, codes, "Berthe")
    assert "What Anne had typed is kept for Anne." in page.said
    assert "You are signed in as Berthe." in page.said
    assert "Crue rapide" not in page.text
    assert not await town.drafts("Berthe")
    [draft] = await town.drafts()
    assert draft.fields == {"headline": "Crue rapide"}


async def test_what_one_decided_is_not_sent_by_another(town, browser):
    codes, token = await two_at_one_browser(town, browser)
    await over(town, browser)
    page = await browser.post("/desk/waiting/id000042/reject", {"csrf": token, "reason": "Wrong area"})
    page = await sign_in_from(browser, page, codes, "Berthe")
    assert "What Anne had sent was not done." in page.said
    assert "Wrong area" in page.said
    assert not [form for form in page.tree.forms if "reject" in form.get("action", "")]


async def test_what_one_sends_while_another_is_signed_in_is_kept_for_the_first(town, browser):
    codes, token = await two_at_one_browser(town, browser)
    await over(town, browser)
    await sign_in_from(browser, await browser.get("/desk/sign-in"), codes, "Berthe")
    page = await browser.post("/desk/compose", {"csrf": token, "headline": "Crue rapide"})
    assert (page.status, "What Anne had typed is kept for Anne." in page.said) == (403, True)
    assert [draft.fields["headline"] for draft in await town.drafts()] == ["Crue rapide"]
    assert not await town.drafts("Berthe")


async def test_nobody_s_name_is_made_up(town, browser):
    codes, token = await two_at_one_browser(town, browser)
    await over(town, browser)
    name = token.split(".")[1]
    forged = f"{token.split('.')[0]}.{name}.{'0' * 64}"
    page = await browser.post("/desk/compose", {"csrf": forged, "headline": "Crue rapide"})
    await sign_in_from(browser, page, codes, "Berthe")
    assert not await town.drafts()
    assert len(await town.drafts("Berthe")) == 1


async def test_any_other_form_is_shown_again_and_sent_by_hand_alone(town, browser):
    codes = await browser.settle()
    page = await browser.get("/desk/account")
    fields = page.form("/desk/account/language") | {"language": "fr"}
    await over(town, browser)
    page = await sign_in_from(browser, await browser.post("/desk/account/language", fields), codes)
    assert (page.status, "please confirm" in page.said) == (200, True)
    assert (await town.service.ask(lambda unit: unit.accounts.account("Anne"))).language is None
    page = await browser.send(page, "/desk/account/language")
    assert page.location == "/desk/account?done=language"
    assert (await town.service.ask(lambda unit: unit.accounts.account("Anne"))).language == "fr"


async def test_a_form_of_a_session_that_was_followed_by_another_is_asked_about(town, browser):
    codes = await browser.settle()
    fields = (await browser.get("/desk/account")).form("/desk/account/language") | {"language": "fr"}
    await browser.send(await browser.get("/desk/account"), "/desk/sign-out")
    await town.clock.advance(60)
    await sign_in_from(browser, await browser.get("/desk/sign-in"), codes)
    page = await browser.post("/desk/account/language", fields)
    assert (page.status, "please confirm" in page.said) == (403, True)
    assert (await town.service.ask(lambda unit: unit.accounts.account("Anne"))).language is None
    assert page.form("/desk/account/language")["language"] == "fr"
    assert page.form("/desk/account/language")["csrf"] != fields["csrf"]
    page = await browser.post("/desk/account/language", fields, Sec_Fetch_Site="cross-site")
    assert "please confirm" not in page.said


async def test_a_password_is_never_carried(town, browser):
    await browser.settle()
    fields = (await browser.get("/desk/account")).form("/desk/account/password")
    await over(town, browser)
    typed = fields | {"old_password": "swordfish-1", "new_password": "swordfish-2", "new_password_again": "swordfish-2"}
    page = await browser.post("/desk/account/password", typed)
    assert page.status == 401
    assert "swordfish" not in unescape(page.text)


async def test_what_is_carried_is_escaped(town, browser):
    await browser.settle()
    await over(town, browser)
    nasty = '"><script>alert(1)</script>'
    page = await browser.post("/desk/compose", {"csrf": "x", "headline": nasty, nasty: nasty})
    assert "<script>alert" not in page.text
    assert nasty in json.loads(page.form("/desk/sign-in")["carried"])["fields"][0][1]


async def test_the_language_is_chosen_before_the_sign_in_and_kept(browser):
    page = await browser.get("/desk/sign-in?next=/desk/account")
    page = await browser.follow(await browser.send(page, "/desk/language", language="fr"))
    assert "Se connecter" in page.said
    assert page.form("/desk/sign-in")["next"] == "/desk/account"
    assert page.tree.get("lang") == "fr"
    page = await browser.follow(await browser.send(page, "/desk/language", language="en", next="//evil.example"))
    assert page.status == 303
    assert page.location.startswith("/desk/sign-in")


@pytest.fixture
async def thief(town):
    """Somebody who got hold of a session's cookie, or found the browser open; its password they don't know."""
    thief = Browser(town)
    yield thief
    await thief.client.close()


async def test_a_stolen_session_sets_no_code_by_the_way_in(town, browser, thief):
    codes = await browser.settle()
    thief.jar = dict(browser.jar)
    token = (await thief.get("/desk/account")).form("/desk/account/language")["csrf"]
    page = await thief.get("/desk/account/code")
    shown = page.tree.xpath("//*[@class='code']")
    seed = shown[0].text_content().replace(" ", "") if shown else codes.secret
    page = await thief.post("/desk/sign-in/second-factor", {"csrf": token, "code": town.code(seed)})
    assert (await town.account()).totp.reveal() == codes.secret
    assert (page.location, shown) == ("/desk/", [])
    page = await thief.post("/desk/account/code", {"csrf": token, "seed": codes.secret, "code": "123456"})
    assert "This sign-in has ended" in page.said
    assert (await town.account()).totp.reveal() == codes.secret


async def test_a_stolen_session_sets_no_passkey_by_the_way_in(town, browser, thief):
    await browser.settle()
    thief.jar = dict(browser.jar)
    token = (await thief.get("/desk/account")).form("/desk/account/language")["csrf"]
    refused = await thief.post("/desk/sign-in/second-factor/passkey/options", X_CSRF_Token=token)
    asked = json.loads(await thief.json("/desk/account/passkey/options", token))
    answer = json.dumps(Authenticator().create(asked, f"http://127.0.0.1:{town.server.port}"))
    fields = {"csrf": token, "answer": answer, "label": "theirs"}
    page = await thief.post("/desk/sign-in/second-factor/passkey", fields)
    assert not await town.service.ask(lambda unit: unit.accounts.passkeys("Anne"))
    assert (refused.status, page.location) == (409, "/desk/")


@pytest.mark.parametrize("step", ["code", "password", "passkey"])
async def test_the_steps_of_the_way_in_do_nothing_for_who_is_in(town, browser, step):
    await browser.settle()
    before = (await town.account()).password
    token = (await browser.get("/desk/account")).form("/desk/account/language")["csrf"]
    other = "another good password"
    fields = {"csrf": token, "code": "123456", "new_password": other, "new_password_again": other}
    page = await browser.post(f"/desk/sign-in/{step}", fields)
    assert page.location == "/desk/"
    assert (await town.account()).password == before
    assert (await browser.get("/desk/account")).status == 200


async def test_other_codes_are_told_in_every_browser_of_their_owner(town, browser, thief):
    """Whoever has password and session may still not be the owner: the owner is told where they work."""
    codes = await browser.settle()
    page = await thief.follow(await thief.get("/desk/account"))
    page = await thief.follow(await thief.send(page, "/desk/sign-in", name="Anne", password=OWN))
    await thief.send(page, "/desk/sign-in/code", code=codes.at(town.clock.now()))
    await town.clock.advance(60)
    page = await thief.send(await thief.get("/desk/account/code"), "/desk/account/code", own_password=OWN)
    seed = page.form("/desk/account/code")["seed"]
    await thief.send(page, "/desk/account/code", code=town.code(seed))
    await town.clock.advance(60)

    assert "How you sign in has changed" not in (await thief.get("/desk/account")).text
    page = await browser.get("/desk/account")
    told = page.tree.xpath("//aside[@aria-labelledby='changed']")[0].text_content()
    assert "codes added" in told
    assert "127.0.0.1" in told
    page = await browser.follow(await browser.send(page, "/desk/account/changes/read"))
    assert "changed" not in page.text.split("<main")[0]


async def test_what_was_changed_is_told_at_each_sign_in_until_somebody_from_before_knows_of_it(town, browser, thief):
    """Whoever made a change may sign in again, read the notice and say that it was them."""
    await browser.settle()
    await town.clock.advance(90_000)
    codes = await replaced_codes(town, thief)

    for _ in range(2):
        page = await sign_in_from_there(thief, await thief.get("/desk/sign-in"), codes)
        assert "codes added" in page.text
        page = await thief.follow(await thief.send(page, "/desk/account/changes/read"))
        assert "The notice stays at each sign-in" in page.said
        assert "was changed" not in page.said
        await thief.send(page, "/desk/sign-out")
        await town.clock.advance(60)

    for told in (True, False):
        page = await sign_in_from_there(browser, await browser.get("/desk/sign-in"), codes)
        assert (page.status == 200 and "codes added" in page.text) is told
        if told:
            assert (await browser.send(page, "/desk/account/changes/read")).location == "/desk/account"
        await browser.send(await browser.get("/desk/account"), "/desk/sign-out")
        await town.clock.advance(60)


async def replaced_codes(town, thief):
    """Codes of another app, set up by somebody who knows the password and has the first app."""
    account = await town.account()
    await sign_in_from_there(thief, await thief.get("/desk/sign-in"), TOTP(account.totp.reveal()))
    page = await thief.send(await thief.get("/desk/account/code"), "/desk/account/code", own_password=OWN)
    seed = page.form("/desk/account/code")["seed"]
    await town.clock.advance(60)
    await thief.send(page, "/desk/account/code", code=town.code(seed))
    await thief.send(await thief.get("/desk/account"), "/desk/sign-out")
    await town.clock.advance(60)
    return TOTP(seed)


async def sign_in_from_there(browser, page, codes):
    page = await browser.follow(await browser.send(page, "/desk/sign-in", name="Anne", password=OWN))
    return await browser.send(page, "/desk/sign-in/code", code=codes.at(browser.town.clock.now()))


@pytest.mark.parametrize("kind", BAD_KINDS)
async def test_what_is_no_form_is_refused_as_such(town, browser, kind):
    headers = {"Content-Type": kind, "Sec-Fetch-Site": "same-origin", "Accept": "text/html"}
    async with browser.client.post("/desk/sign-in", data=BAD_KINDS[kind], headers=headers) as answer:
        assert answer.status == 400
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_where_a_password_is_asked_of_everybody_no_passkey_alone_is_offered(tmp_path):
    async with open_town(tmp_path, "[desk]\npasswordless = false\n") as town:
        browser = Browser(town)
        page = await browser.get("/desk/sign-in")
        assert (ALONE in page.text, "webauthn" in page.text) == (False, False)
        asked = {"id": "x", "response": {}}
        assert (await browser.post(ALONE, {"answer": json.dumps(asked)})).status == 401
        await browser.settle()
        account = await browser.get("/desk/account")
        assert "This desk asks for a passkey after your password" in account.said
        await browser.client.close()
