"""Somebody types their street: it is looked for in their browser, and no request tells of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import too_wide, violations
from tests.browser.editions import printed, whole_setting
from tests.browser.officer import SIZES
from tests.browser.test_files_that_nobody_renews import served
from tests.unit.desk.conftest import NOW

pytestmark = pytest.mark.process


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Iterator[str]:
    """A street of one district is closed."""
    folder = tmp_path_factory.mktemp("streets")
    edition = printed(folder, "minor", whole_setting(folder))
    with served(edition.folder, NOW + timedelta(minutes=1)) as site:
        yield site


@pytest.fixture
def look(chromium, site) -> Iterator:
    """Opens a page, and keeps what it asks for."""
    contexts = []

    def open_page(path: str = "", **options) -> tuple[Page, list[str]]:
        contexts.append(chromium.new_context(**SIZES["phone"], locale="fr-FR", **options))
        page, asked = contexts[-1].new_page(), []
        page.on("request", lambda request: asked.append(f"{request.url} {request.post_data or ''}"))
        page.goto(site + path)
        page.wait_for_load_state("networkidle")
        return page, asked

    yield open_page
    for context in contexts:
        context.close()


def faults(page: Page) -> list[str]:
    found = [*violations(page), *too_wide(page)]
    page.set_viewport_size({"width": 320, "height": 700})
    found += too_wide(page)
    page.set_viewport_size(SIZES["phone"]["viewport"])
    return found


def test_a_street_tells_whether_it_is_concerned_and_no_request_tells_of_it(look, site):
    page, asked = look()
    street, said = page.get_by_label("Votre rue"), page.locator("form [data-verdict]")
    assert not [each for each in asked if "streets.json" in each], "before the field is touched"

    street.fill("12 bis r. de l'eglise")
    page.keyboard.press("Enter")
    expect(said).to_contain_text("Oui, pour Rue de l’Église (Centre-Bourg)\u00a0:")
    expect(said.get_by_role("link", name="Rue Basse fermée")).to_be_visible()
    expect(said).to_contain_text("Passez par la rue Haute.")
    assert not faults(page)

    street.fill("av. gal lecl")
    expect(said).to_be_empty()
    page.get_by_role("button", name="Avenue du Général-Leclerc").click()
    expect(said).to_have_text("Aucune alerte en cours ne concerne Avenue du Général-Leclerc (Les Tanneries).")
    expect(said).to_be_focused()

    street.fill("rue")
    expect(page.locator("[data-streets] button")).to_have_text(["Rue Basse", "Rue de l’Église", "Rue Haute"])
    expect(page.get_by_text("Choisissez votre rue")).to_be_visible()
    assert not faults(page)
    street.fill("RUE HAUTE")
    page.get_by_role("button", name="Regarder", exact=True).click()
    expect(said).to_contain_text("Oui, pour Rue Haute (Centre-Bourg)\u00a0:")
    expect(said).to_contain_text("Aucune alerte en cours ne concerne Rue Haute (Les Coteaux).")

    street.fill("rue de nulle part")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Aucune rue de ce nom n’est connue ici.")).to_be_visible()
    expect(said).to_be_empty()

    assert len([each for each in asked if "streets.json" in each]) == 1
    assert not [each for each in asked if re.search("eglise|lecl|haute|basse|nulle", each, re.IGNORECASE)]
    assert page.url == site


@pytest.mark.release
def test_what_is_typed_and_told_stays_when_the_page_is_put_anew(look):
    page, _ = look()
    street = page.get_by_label("Votre rue")
    street.fill("rue de l'eglise")
    page.keyboard.press("Enter")
    expect(page.locator("form [data-verdict]")).to_contain_text("Oui, pour")
    # As the next minute's page, where the street is open again.
    page.route(
        re.compile(r"/$"),
        lambda route: route.fulfill(
            response=(found := route.fetch()), body=re.sub(r'data-sure="\w+"', 'data-sure=""', found.text())
        ),
    )
    street.focus()
    page.evaluate("dispatchEvent(new Event('online'))")

    expect(page.locator("form [data-verdict]")).to_contain_text("Aucune alerte en cours ne concerne Rue de l’Église")
    expect(street).to_have_value("Rue de l’Église")
    expect(street).to_be_focused()


@pytest.mark.release
def test_without_scripts_the_streets_stand_by_district_with_the_answer(look, site):
    page, _ = look(java_script_enabled=False)
    expect(page.get_by_label("Votre rue")).to_be_hidden()
    page.get_by_role("link", name="Toutes les rues, par quartier").click()

    centre = page.get_by_role("region", name="Centre-Bourg")
    expect(centre).to_contain_text("Rue de l’Église")
    expect(centre.get_by_role("link", name="Rue Basse fermée")).to_be_visible()
    expect(page.get_by_role("region", name="Les Coteaux")).to_contain_text("Non")
