"""An officer at three in the morning, on a telephone with one thumb: how many taps it takes, and what is typed."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.officer import Desk, People
from tests.browser.town import STATION, desk_town

pytestmark = pytest.mark.process
NUMBERS = 'numbers = ["Mairie: 04 76 00 00 00"]\n\n[store]'


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    with desk_town(
        tmp_path_factory.mktemp("taps"), publish="auto", station=STATION.replace("[store]", NUMBERS, 1)
    ) as town:
        yield People(town)


@pytest.fixture
def officer(chromium, people):
    desk = Desk(chromium, people)
    yield desk.person("paul", "approver", "phone", locale="fr-FR", color_scheme="dark")
    desk.close()


def test_an_evacuation_of_a_district_takes_six_taps_and_what_only_the_officer_knows_and_its_end_four(officer):
    page = officer.go("/")
    officer.actions = 0
    officer.press(page.get_by_role("navigation").get_by_role("link", name="Nouvelle alerte"))
    officer.press(page.get_by_role("link", name="Évacuation"))
    expect(page.get_by_label("N°", exact=True)).to_have_value("04 76 00 00 00")
    officer.press(page.get_by_label("Lieu", exact=True))
    page.keyboard.type("la salle des fêtes")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Itinéraire", exact=True)).to_be_focused()
    page.keyboard.type("le quai")
    page.keyboard.press("Enter")
    expect(page.get_by_label("N°", exact=True)).not_to_be_focused()
    officer.press(page.locator("#f-area").get_by_text("Centre-Bourg"))
    expect(page.locator("#beside")).to_contain_text(
        "vers la salle des fêtes, par le quai. Aide : 04 76 00 00 00 ou 112"
    )
    officer.press(page.locator("#publish"))
    expect(page.locator("main dl")).to_contain_text("vers la salle des fêtes, par le quai")
    officer.press(page.locator("#confirm"))
    page.wait_for_url(re.compile("/alerts/"))
    assert officer.actions <= 6

    officer.actions = 0
    officer.press(page.locator("#ending > summary"))
    officer.press(page.locator("label[for=f-how-clear]"))
    officer.press(page.locator("#end"))
    expect(page.locator("#undo")).to_be_visible()
    assert officer.actions <= 4


def test_the_place_of_the_last_time_is_one_tap_with_its_route(officer, people):
    order = "Partez maintenant vers l’école Jules-Ferry, par la rue Haute. Aide : 04 76 00 00 00 ou 112."
    said = ("--event", "Évacuation", "--severity", "Extreme", "--instruction", order)
    people.town.post("Évacuation immédiate", "--area", "Centre-Bourg", *said)
    page = officer.go("/compose?hazard=evacuation")
    officer.press(page.locator(".offers").get_by_text("l’école Jules-Ferry"))
    expect(page.get_by_label("Lieu", exact=True)).to_have_value("l’école Jules-Ferry")
    expect(page.get_by_label("Itinéraire", exact=True)).to_have_value("la rue Haute")
    expect(page.locator("#beside")).to_contain_text("vers l’école Jules-Ferry, par la rue Haute")
