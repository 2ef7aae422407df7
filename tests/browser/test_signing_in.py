"""Signing in, as somebody does it: the first password, a second factor, a code, a passkey; and out."""

from __future__ import annotations

import base64
import itertools
import re

import pytest
from playwright.sync_api import expect

from tests.browser.officer import PASSWORD
from tests.release import at_release

pytestmark = pytest.mark.process


def is_in(person) -> None:
    expect(person.page.get_by_role("link", name=f"Your account: {person.account.name}")).to_be_visible()


def sign_out(person) -> None:
    """On a phone the button is under "More"."""
    button = person.page.get_by_role("button", name="Sign out", exact=True).locator("visible=true")
    if not button.count():
        person.page.locator("details.more > summary").click()
    button.first.click()
    expect(person.page).to_have_url(re.compile("/desk/sign-in"))


class Authenticator:
    """A passkey's device, as Chromium's own debugger makes one: it says yes at once, also to what waits in a field."""

    def __init__(self, person, **more) -> None:
        self._debugger = person.context.new_cdp_session(person.page)
        self._debugger.send("WebAuthn.enable")
        device = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }
        made = self._debugger.send("WebAuthn.addVirtualAuthenticator", {"options": device | more})
        self._id = made["authenticatorId"]

    def send(self, command, **values):
        return self._debugger.send(f"WebAuthn.{command}", {"authenticatorId": self._id, **values})

    def answers(self, yes: bool) -> None:
        """Whether its owner is there and touches it."""
        self.send("setAutomaticPresenceSimulation", enabled=yes)


_NUMBERS = itertools.count(1)

WITHOUT_FIELD = "delete PublicKeyCredential.isConditionalMediationAvailable"
"""A browser that offers no passkey in a field: it has the button alone."""


def newcomer(desk, name, size="desk"):
    """Somebody who never signed in, and so has no password of their own yet: another at each call."""
    return desk.stranger(desk.account(f"{name}-{next(_NUMBERS)}"), size)


def registered(desk, name, *, before=None, **more):
    """Somebody who set up a passkey at their first sign-in, and signed out; and their device."""
    person = newcomer(desk, name)
    if before:
        person.context.add_init_script(before)
    device = Authenticator(person, **more)
    person.give_name_and_password()
    person.choose_password(PASSWORD)
    person.page.get_by_label("Name of the passkey").fill("duty phone")
    person.page.get_by_role("button", name="Set up a passkey").click()
    is_in(person)
    device.answers(yes=False)
    sign_out(person)
    return person, device


@pytest.mark.parametrize("size", ["desk", *at_release(["phone"])])
def test_the_first_sign_in_and_the_next(desk, size):
    anne = newcomer(desk, "anne", size)
    first = anne.account.password

    anne.give_name_and_password()
    anne.choose_password(PASSWORD)
    anne.set_up_codes()
    is_in(anne)
    sign_out(anne)

    anne.go("/waiting")
    expect(anne.page).to_have_url(re.compile("/desk/sign-in"))
    anne.give_name_and_password(first)
    expect(anne.page.locator("#errors")).to_be_visible()
    anne.give_name_and_password()
    anne.give_code(ahead=1)
    is_in(anne)


@pytest.mark.release
def test_a_code_is_taken_once(desk):
    paul = newcomer(desk, "paul")
    paul.give_name_and_password()
    paul.choose_password(PASSWORD)
    used = paul.set_up_codes()
    is_in(paul)
    sign_out(paul)
    paul.give_name_and_password()
    paul.give_code(code=used)
    expect(paul.page.locator("#errors")).to_be_visible()


@pytest.mark.release
def test_a_cookie_is_worth_nothing_after_the_sign_out(desk):
    lea = desk.person("lea")
    lea.go("/")
    kept = lea.context.cookies()
    sign_out(lea)
    lea.context.add_cookies(kept)
    lea.go("/waiting")
    expect(lea.page).to_have_url(re.compile("/desk/sign-in"))


def test_a_passkey_is_picked_in_the_field_and_is_all_that_it_takes(desk):
    marc, device = registered(desk, "marc")
    assert marc.page.locator("#f-name").get_attribute("autocomplete") == "username webauthn"
    # The device answers a question that is put to it, not one that it let pass before: no page asks until it is there.
    marc.page.goto("about:blank")
    device.answers(yes=True)
    marc.go("/account")
    is_in(marc)
    expect(marc.page).to_have_url(re.compile("/desk/account$"))
    expect(marc.page.get_by_text("signs in without a password")).to_be_visible()
    expect(marc.page.get_by_text("without a password, by passkey duty phone").first).to_be_visible()
    [kept] = device.send("getCredentials")["credentials"]
    assert kept["isResidentCredential"]
    assert marc.account.name not in base64.b64decode(kept["userHandle"]).decode("latin-1")


@pytest.mark.release
def test_a_browser_that_offers_none_in_a_field_has_a_button(desk):
    nina, device = registered(desk, "nadine", before=WITHOUT_FIELD)
    device.answers(yes=True)
    nina.go("/waiting")
    nina.page.get_by_role("button", name="Sign in with a passkey").click()
    is_in(nina)
    expect(nina.page).to_have_url(re.compile("/desk/waiting$"))


@pytest.mark.release
def test_who_isnt_verified_isnt_let_in(desk):
    """The browser refuses by itself; one that was told to ask for less is refused by the desk."""
    olga, device = registered(desk, "olga", before=WITHOUT_FIELD)
    device.answers(yes=True)
    device.send("setUserVerified", isUserVerified=False)
    olga.go("/")
    button = olga.page.get_by_role("button", name="Sign in with a passkey")
    button.click()
    expect(olga.page.get_by_text("The passkey gave no answer.")).to_be_visible()

    def ask_for_less(route) -> None:
        asked = route.fetch()
        route.fulfill(response=asked, json=asked.json() | {"userVerification": "discouraged"})

    olga.page.route("**/alone/passkey/options", ask_for_less)
    button.click()
    expect(olga.page.locator("#errors")).to_contain_text("This passkey was not accepted")
    device.send("setUserVerified", isUserVerified=True)
    olga.page.unroute("**/alone/passkey/options")
    button.click()
    is_in(olga)


@pytest.mark.release
def test_an_answer_that_was_seen_is_worth_nothing(desk):
    rita, device = registered(desk, "rita", before=WITHOUT_FIELD)
    device.answers(yes=True)
    rita.go("/")
    with rita.page.expect_request(lambda asked: asked.url.endswith("/alone/passkey")) as seen:
        rita.page.get_by_role("button", name="Sign in with a passkey").click()
    is_in(rita)
    sign_out(rita)
    origin = rita.desk.removesuffix("/desk")
    headers = {"Origin": origin, "Content-Type": "application/x-www-form-urlencoded", "Accept-Language": "en"}
    again = rita.context.request.post(seen.value.url, data=seen.value.post_data, headers=headers, max_redirects=0)
    assert again.status == 401
    assert "This passkey was not accepted" in again.text()


@pytest.mark.release
def test_who_is_shut_out_isnt_let_in_by_a_passkey(desk, town):
    yves, device = registered(desk, "yves", before=WITHOUT_FIELD)
    assert town.tocsin("user", "disable", yves.account.name).returncode == 0
    device.answers(yes=True)
    yves.go("/")
    yves.page.get_by_role("button", name="Sign in with a passkey").click()
    expect(yves.page.locator("#errors")).to_contain_text("This passkey was not accepted")


@pytest.mark.release
def test_a_key_that_verifies_nobody_is_a_second_factor(desk):
    paula, device = registered(desk, "paula", hasUserVerification=False, isUserVerified=False, hasResidentKey=False)
    device.answers(yes=True)
    paula.give_name_and_password()
    paula.page.get_by_role("button", name="Use a passkey").click()
    is_in(paula)
    paula.go("/account")
    expect(paula.page.get_by_text("second factor only", exact=True)).to_be_visible()


@pytest.mark.release
def test_the_button_takes_the_place_of_what_waits_in_the_field(desk):
    hugo, device = registered(desk, "hugo")
    hugo.go("/")
    hugo.page.wait_for_load_state("networkidle")  # the question waits in the field by then
    device.answers(yes=True)
    hugo.page.get_by_role("button", name="Sign in with a passkey").click()
    is_in(hugo)


@pytest.mark.release
def test_the_password_does_while_a_passkey_waits_in_the_field(desk):
    ines, device = registered(desk, "ines")
    with ines.page.expect_response("**/alone/passkey/options"):
        ines.go("/account")
    ines.fill_in_name_and_password()
    expect(ines.page.get_by_role("button", name="Use a passkey")).to_be_visible()
    device.answers(yes=True)
    ines.page.get_by_role("button", name="Use a passkey").click()
    is_in(ines)
    expect(ines.page).to_have_url(re.compile("/desk/account$"))


@pytest.mark.release
def test_a_page_that_stands_open_asks_anew_before_its_question_is_too_old(desk):
    lise, device = registered(desk, "lise")
    lise.page.clock.install()
    asked = "**/alone/passkey/options"
    with lise.page.expect_response(asked):
        lise.go("/")
    for _ in range(2):
        with lise.page.expect_response(asked):
            lise.page.clock.fast_forward("05:01")
    device.answers(yes=True)
    lise.page.clock.fast_forward("05:01")
    is_in(lise)


@pytest.mark.release
def test_without_script_there_is_no_button_and_the_password_does(desk):
    page = desk.stranger(desk.account("simon"), java_script_enabled=False).go("/")
    expect(page.get_by_role("button", name="Sign in", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="Sign in with a passkey")).to_be_hidden()
