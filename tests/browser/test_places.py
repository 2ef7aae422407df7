"""A reader keeps several places, in their browser alone; the page says of each whether it is concerned."""

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


@pytest.fixture
def page(chromium, tmp_path) -> Iterator[Page]:
    """A street of the centre is closed."""
    edition = printed(tmp_path, "minor", whole_setting(tmp_path))
    with served(edition.folder, NOW + timedelta(minutes=1)) as site:
        context = chromium.new_context(**SIZES["phone"], locale="fr-FR", base_url=site)
        page = context.new_page()
        page.goto("/")
        page.wait_for_load_state("networkidle")
        yield page
        context.close()


def test_several_places_are_kept_here_alone_and_told_of_after_a_visit_and_a_renewal(page):
    asked: list[str] = []
    page.on("request", lambda request: asked.append(f"{request.url} {request.post_data or ''}"))
    places = page.locator("[data-places]")
    expect(places).to_be_hidden()
    page.get_by_label("Votre rue").fill("rue de l'eglise")
    page.keyboard.press("Enter")
    places.get_by_role("button", name="Garder ce lieu").click()
    page.get_by_text("Par quartier", exact=True).click()
    page.get_by_role("button", name="Garder ce lieu\u00a0: Les Tanneries").click()

    def told() -> None:
        expect(places.locator("li")).to_have_count(2)
        expect(places.locator("li").first).to_contain_text(re.compile("Rue de l’Église – Oui.*Rue Basse fermée"))
        expect(places.locator("li").last).to_contain_text("Les Tanneries – Non")

    told()
    assert not [*violations(page), *too_wide(page)]
    page.reload()
    told()
    page.evaluate("dispatchEvent(new Event('online'))")
    page.wait_for_load_state("networkidle")
    told()
    assert page.context.cookies() == []
    assert not [each for each in asked if re.search("glise|tanneries|SM-0", each, re.IGNORECASE)]

    places.get_by_role("button", name="Ne plus garder Les Tanneries").click()
    expect(places.locator("li")).to_have_count(1)
    page.reload()
    expect(places.locator("li")).to_have_count(1)
