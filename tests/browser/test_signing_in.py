"""Signing in, as somebody does it: the first password, a second factor, a code, a passkey; and out."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.officer import PASSWORD

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


def authenticator(person) -> None:
    """A passkey's device, as Chromium's own debugger makes one: it says yes at once."""
    debugger = person.context.new_cdp_session(person.page)
    debugger.send("WebAuthn.enable")
    device = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    debugger.send("WebAuthn.addVirtualAuthenticator", {"options": device})


@pytest.mark.parametrize("size", ["desk", "phone"])
def test_the_first_sign_in_and_the_next(desk, size):
    anne = desk.stranger(desk.account(f"anne-{size}"), size)
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


def test_a_code_is_taken_once(desk):
    paul = desk.stranger(desk.account("paul"))
    paul.give_name_and_password()
    paul.choose_password(PASSWORD)
    used = paul.set_up_codes()
    is_in(paul)
    sign_out(paul)
    paul.give_name_and_password()
    paul.give_code(code=used)
    expect(paul.page.locator("#errors")).to_be_visible()


def test_a_cookie_is_worth_nothing_after_the_sign_out(desk):
    lea = desk.person("lea")
    lea.go("/")
    kept = lea.context.cookies()
    sign_out(lea)
    lea.context.add_cookies(kept)
    lea.go("/waiting")
    expect(lea.page).to_have_url(re.compile("/desk/sign-in"))


def test_a_passkey_is_set_up_and_used(desk):
    marc = desk.stranger(desk.account("marc"))
    authenticator(marc)
    marc.give_name_and_password()
    marc.choose_password(PASSWORD)
    marc.page.get_by_label("Name of the passkey").fill("duty phone")
    marc.page.get_by_role("button", name="Set up a passkey").click()
    is_in(marc)
    sign_out(marc)
    marc.give_name_and_password()
    marc.page.get_by_role("button", name="Use a passkey").click()
    is_in(marc)
