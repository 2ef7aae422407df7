"""Nothing typed is ever lost: the server killed, the page reloaded, the session over."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.release import at_release

pytestmark = pytest.mark.process

WORDS = "Rupture de canalisation, chaussée affaissée devant l’école"


def composing(person, headline: str):
    page = person.go("/compose?hazard=general")
    person.write(page.get_by_label("Headline", exact=True), headline)
    return page


@pytest.mark.parametrize("size", ["phone", *at_release(["desk"])])
def test_the_server_is_killed_while_somebody_types_and_nothing_is_lost(desk, town, size):
    anne = desk.person("anne", "author", size)
    page = composing(anne, f"Fuite ({size})")
    expect(page.locator("#status")).to_have_text(re.compile("^Saved"))

    town.kill()
    anne.write(page.get_by_label("More details"), WORDS)
    expect(page.locator("#status")).to_contain_text("the connection is lost")
    town.revive()

    expect(page.locator("#status")).to_have_text(re.compile("^Saved"))
    page.reload()
    expect(page.get_by_label("Headline", exact=True)).to_have_value(f"Fuite ({size})")
    expect(page.get_by_label("More details")).to_have_value(WORDS)


@pytest.mark.release
def test_typed_while_the_server_is_down_and_the_page_closed(desk, town):
    anne = desk.person("anne")
    page = composing(anne, "Arbre tombé")
    expect(page.locator("#status")).to_have_text(re.compile("^Saved"))
    town.kill()
    anne.write(page.get_by_label("More details"), WORDS)
    expect(page.locator("#status")).to_contain_text("kept on this device")
    page.close(run_before_unload=False)
    town.revive()

    anne.page = anne.context.new_page()
    anne.go("/compose").get_by_role("link", name=re.compile("Arbre tombé – Carry on with it")).click()

    expect(anne.page.get_by_label("More details")).to_have_value(WORDS)


@pytest.mark.release
def test_a_session_that_ends_while_somebody_types(desk, town):
    anne = desk.fresh("carla")
    page = composing(anne, "Kermesse reportée")
    expect(page.locator("#status")).to_have_text(re.compile("^Saved"))
    anne.sign_out_everywhere()

    anne.write(page.get_by_label("More details"), WORDS)
    expect(page.locator("#status")).to_contain_text("you are signed out")
    page.locator("#publish").click()
    expect(page.get_by_text("What you typed is kept.")).to_be_visible()
    anne.fill_in_name_and_password()
    anne.give_code(ahead=1)

    expect(page.get_by_label("Headline", exact=True)).to_have_value("Kermesse reportée")
    expect(page.get_by_label("More details")).to_have_value(WORDS)
    assert not any("Kermesse reportée" in (each.get("headline") or "") for each in town.objects("status")), (
        "nothing went out"
    )
