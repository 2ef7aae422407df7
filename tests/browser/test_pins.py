"""What people report, in a real browser: on the town's map, in the list, on its page; by keyboard, without script."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.public_town import ReportingTown, citizens, public_town

pytestmark = pytest.mark.process


@pytest.fixture(scope="module")
def town(tmp_path_factory) -> Iterator[ReportingTown]:
    with public_town(tmp_path_factory.mktemp("reported"), ReportingTown) as town:
        yield town


@pytest.fixture(scope="module")
def told(town) -> dict[str, str]:
    return town.reported()


@pytest.fixture
def look(chromium, town, told) -> Iterator:
    yield from citizens(chromium, town.pages)


def test_the_map_has_a_sign_for_each_square_that_leads_to_its_reports(look, told):
    page = look("/")
    expect(page.locator(".pin")).to_have_count(3)
    # None lies under the name of a district.
    for pin in page.locator(".pin").all():
        pin.click(trial=True)
    drawn = page.locator(".pin svg use").evaluate_all("all => all.map(each => each.getBoundingClientRect().width)")
    assert min(drawn) > 5, "a sign that isn't drawn"
    several = page.locator(".pin", has=page.locator("b"))
    expect(several).to_have_text("4")
    several.click()
    expect(page.locator(".pinned a")).to_have_count(4)
    page.locator(".pinned a", has_text="Arbre").click()
    expect(page).to_have_url(re.compile(f"/reports/{told['tree']}$"))
    expect(page.locator("h1")).to_contain_text("Arbre, branche")
    expect(page.locator(".pin")).to_have_count(1)


@pytest.mark.release
def test_in_english_the_map_leads_to_english_pages(look, told):
    page = look("/en/reports")
    page.locator(".pin.over").click()
    page.locator(".pinned a").click()
    expect(page).to_have_url(re.compile(f"/en/reports/{told['lamp']}$"))
    expect(page.locator("dl")).to_contain_text("done")
    expect(page.locator("blockquote")).to_have_attribute("lang", re.compile("^fr"))


@pytest.mark.release
def test_without_a_script_and_by_keyboard_the_list_says_and_does_the_same(look, town, told):
    page = look("/", "phone", java_script_enabled=False)
    page.get_by_role("link", name="Tous les signalements").first.click()
    expect(page.locator(".pins .card")).to_have_count(6)
    expect(page.locator("#map")).to_be_hidden()
    link = page.get_by_role("link", name=re.compile(f"Route, trottoir.*{told['road']}"))
    link.focus()
    page.keyboard.press("Enter")
    expect(page.locator("dl")).to_contain_text("Une équipe passe demain.")
    assert page.locator("figure img").evaluate("image => image.complete && image.naturalWidth") == 800
    page.get_by_role("link", name="Signaler ce contenu").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.get_by_label("Ce qui ne va pas, et pourquoi").focus()
    page.keyboard.type("Un visage se voit.")
    page.wait_for_timeout(3100)
    for _ in range(3):
        page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Envoyer")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("C’est noté")
    assert re.search(rf"/reports/{told['road']}/notice/[0-9a-f]{{26}}$", page.url)
    expect(page.locator("blockquote")).to_contain_text("Un visage se voit.")
