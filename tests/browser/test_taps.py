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


@pytest.mark.release
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


def test_the_places_stay_where_they_are_and_the_form_s_bar_takes_a_sixth(officer):
    page = officer.go("/compose?hazard=evacuation")
    boxes = "() => [...document.querySelectorAll('.places > li')].map(each => each.getBoundingClientRect().toJSON())"
    before = page.evaluate(boxes)
    page.evaluate(
        """() => document.querySelector('.places a[href$="/waiting"]')
        .insertAdjacentHTML('beforeend', '<span class="count">99+</span>')"""
    )
    assert page.evaluate(boxes) == before, "a count moves nothing"
    assert {round(each["width"]) for each in before} == {round(390 / len(before))}
    assert {round(each["bottom"]) for each in before} == {844}
    expect(page.locator("#does")).to_have_text(re.compile("Publier sur 3 canaux"))
    bar = page.locator(".bar").bounding_box()
    assert bar["height"] <= 844 / 6
    assert bar["y"] + bar["height"] <= before[0]["top"] + 1, "and lies above the places"
    # Asked in one step: a preview that comes in takes the place of the element that a locator has found.
    mark = page.evaluate("() => document.querySelector('.checks .mark-of').getBoundingClientRect().toJSON()")
    assert mark["width"] == mark["height"] > 0, "a circle, and no oval"


@pytest.mark.release
def test_older_versions_are_folded_and_a_day_is_told_by_lists(officer, people):
    alert = people.town.post("Rue Haute barrée", "--area", "Centre-Bourg", "--instruction", "Passez par le quai.")[
        "alert"
    ]
    people.town.objects("update", alert, "--instruction", "Passez par le pont neuf.")
    [newest] = people.town.objects("update", alert, "--instruction", "Passez par la gare.")
    page = officer.go(f"/alerts/{newest['alert']}")
    expect(page.locator(".thread details[id^=older-]")).to_have_count(2)
    expect(page.locator(".thread details[id^=older-][open]")).to_have_count(0)
    expect(officer.go("/timeline").locator(".drawing")).to_be_hidden()


def test_an_alerts_words_are_copied_for_whatsapp_by_one_tap(chromium, people):
    desk = Desk(chromium, people)
    allowed = ["clipboard-read", "clipboard-write"]
    officer = desk.person("paule", "approver", "phone", locale="fr-FR", permissions=allowed)
    town = people.town
    alert = town.post("La Vive déborde", "--severity", "Severe")["alert"]
    # Each post that leaves puts a part of the page anew, and with it the button as it was.
    town.until(lambda: {post["state"] for post in town.objects("status", alert)[0]["posts"]} == {"sent"})
    page = officer.go(f"/alerts/{alert}")
    officer.actions = 0
    officer.press(page.get_by_role("button", name="Copier – Une chaîne WhatsApp", exact=True))
    expect(page.get_by_role("button", name="Copié")).to_be_visible()
    assert officer.actions == 1
    copied = page.evaluate("() => navigator.clipboard.readText()")
    assert copied.startswith("*")
    assert "La Vive déborde" in copied.splitlines()[0]
    desk.close()
