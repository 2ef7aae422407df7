"""Each page of the desk, for everybody: axe-core finds nothing, nothing scrolls sideways, nothing is forgotten."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pytest
from playwright.sync_api import expect

from alerts.model.reports import ReportsSection, shipped_kinds
from alerts.model.town import ListeningFeed, ListeningSection, Town
from alerts.web.console.app import PARTS
from alerts.web.console.frame import Console, Frame
from tests.browser.axe import SIDEWAYS, too_wide, violations
from tests.browser.lively import lively
from tests.browser.officer import PASSWORD, SIZES
from tests.browser.pages import (
    BEHIND,
    NO_PAGES,
    NO_SUCH_PAGE,
    OF_A_POLL,
    ON_THE_WAY_IN,
    WHERE_IT_LISTENS,
    WHERE_PEOPLE_REPORT,
    addresses,
    representatives,
)
from tests.release import at_release

pytestmark = pytest.mark.process
RUN_OVER = """() => [...document.querySelectorAll('td[data-label]')]
    .filter(cell => cell.clientHeight && cell.scrollHeight > cell.clientHeight + 1).map(cell => cell.dataset.label)"""

LOOKED_AT = pytest.mark.parametrize(
    "looked_at", [representatives, *at_release([addresses])], ids=["representatives", "every page"]
)
_SQUEEZED = """() => {
    for (const fold of document.querySelectorAll('details')) fold.open = true;
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), found = [], range = new Range();
    while (texts.nextNode()) {
        const words = texts.currentNode.data.trim();
        let box = texts.currentNode.parentElement;
        if (!words || !box.checkVisibility()) continue;
        if (box.closest('.visually-hidden, svg, .leaflet-container, table.cards thead')) continue;
        while (/^inline$|contents/.test(getComputedStyle(box).display)) box = box.parentElement;
        range.selectNodeContents(texts.currentNode);
        const lines = new Set([...range.getClientRects()].map(each => Math.round(each.top)));
        const width = box.clientWidth;  // one pixel where it is for screen readers alone
        if (lines.size > 1 && width > 1 && width < 60) found.push(`${width} px: ${words}`);
    }
    return found; }"""
"""Words of more than one line in a box that is narrower than a word, with every fold open."""


@pytest.fixture(scope="session")
def day(town, people):
    return lively(town)


def routes(tmp_path) -> set[str]:
    """What can be asked for with GET, as the parts give it; a pattern's rule is left away."""
    feeds = {"presse": ListeningFeed("presse", "https://presse.example/feed")}
    listening = ListeningSection(feeds=feeds)
    reports = ReportsSection(shipped_kinds("fr"))
    station = Town("Saint-Martin", "alertes@saint-martin.example", "fr-FR", listening=listening, reports=reports)
    console = Console(service=None, frame=Frame(station, lambda: None), gate=SimpleNamespace(passwords=None))
    given = {route.path for part in PARTS for route in part(console) if route.method == "GET"}
    return {re.sub(r"\{(\w+):(?:[^{}]|\{[^{}]*\})+\}", r"{\1}", path) for path in given}


def test_no_page_is_forgotten(tmp_path):
    listed = {*ON_THE_WAY_IN, *BEHIND, *WHERE_IT_LISTENS, *WHERE_PEOPLE_REPORT, *OF_A_POLL, *NO_PAGES}

    assert sorted(routes(tmp_path) - listed) == [], "put it into tests/browser/pages.py"
    assert sorted(listed - routes(tmp_path)) == [], "it isn't there any more"


@LOOKED_AT
def test_axe_finds_nothing_on_any_page_in_either_colour_scheme(desk, day, looked_at):
    admin = desk.person("ada", "administrator")
    found = []
    for address in looked_at(day):
        answer = admin.page.goto(admin.desk + address)
        assert answer.ok, address
        found += [f"{address}: {wrong}" for wrong in violations(admin.page, always=True)]
        found += [f"{address}: {wrong}" for wrong in too_wide(admin.page)]
    admin.go(NO_SUCH_PAGE)
    found += violations(admin.page, always=True)
    found += violations(desk.stranger(desk.account("nadine")).go("/"), always=True)
    assert not found, "\n".join(found)


_LINES = "all => all.filter(each => each.getClientRects().length > 1).map(each => each.textContent)"


def test_on_a_desk_nobodys_role_is_broken_in_the_audit_log_and_no_filter_leaves_its_button_alone(desk, day):
    page = desk.person("ada", "administrator", "desk").go("/record")
    assert page.locator("td.whole :is(a, span)").evaluate_all(_LINES) == []
    page.goto(page.url.replace("/record", "/alerts"))
    fields, button = page.locator(".toolbar .field"), page.locator(".toolbar button")
    last, shown = fields.last.bounding_box(), button.bounding_box()
    assert shown["y"] < last["y"] + last["height"], "the button stands in a line of its own"


@pytest.mark.release
def test_axe_finds_nothing_on_the_way_in_nor_before_something_grave_goes_out(desk):
    person = desk.stranger(desk.account("nina"), "phone")
    page, found = person.go("/"), []

    def look(address: str) -> None:
        expect(page).to_have_url(re.compile(re.escape(address) + r"(\?|$)"))
        # At the page's end the bar that sticks to the bottom covers nothing.
        page.evaluate("scrollTo(0, document.body.scrollHeight)")
        found.extend(f"{address}: {wrong}" for wrong in violations(page, always=True))

    look("/sign-in")
    person.give_name_and_password("nothing like it")
    look("/sign-in")
    person.give_name_and_password()
    look("/sign-in/password")
    person.choose_password(PASSWORD)
    look("/sign-in/second-factor")
    person.set_up_codes()
    page.goto(f"{person.desk}/account")
    person.sign_out_everywhere()
    page.get_by_role("button", name="Save", exact=True).click()
    look("/account/language")
    person.fill_in_name_and_password()
    expect(page.get_by_label("Code that your app shows now")).to_be_visible()
    look("/sign-in")
    person.give_code(ahead=1)
    expect(page.get_by_role("heading", name="You were signed out: please confirm")).to_be_visible()
    look("/sign-in/code")
    person.come_to_what_is_grave()
    look("/compose")
    page.goto(f"{person.desk}/compose?hazard=general")
    page.get_by_label("Headline", exact=True).fill("")
    page.locator("#publish").click()
    expect(page.locator("#errors")).to_be_visible()
    look("/compose")
    assert not found, "\n".join(found)


@pytest.mark.release
def test_axe_finds_nothing_where_a_chat_is_linked(desk):
    admin = desk.person("ada", "administrator", "phone")
    desk.link_chat(admin, 4712)
    expect(admin.page.get_by_role("heading", name="Telegram")).to_be_visible()
    expect(admin.page.get_by_text("@tocsin_sandbox_bot")).to_be_visible()
    expect(admin.page.get_by_text("1 chat linked")).to_be_visible()
    assert not (found := violations(admin.page, always=True)), "\n".join(found)
    assert admin.page.evaluate(SIDEWAYS) <= 0


def test_what_axe_is_to_find_it_finds(desk):
    page = desk.stranger(desk.account("anne")).page
    page.set_content("<html><body><img src='x.png'><p style='color: #aaa; background: #fff'>pale</p></body></html>")

    found = "\n".join(violations(page, always=True))

    assert "image-alt" in found
    assert "dark: color-contrast" in found
    assert "\ncolor-contrast" in found
    assert "html-has-lang" in found


@pytest.mark.release
def test_no_page_scrolls_sideways_at_320_pixels_nor_at_a_zoom_of_200_percent(desk, day):
    admin, wide = desk.person("ada", "administrator", "narrow"), []
    for address in addresses(day):
        admin.go(address)
        for size in ("narrow", "zoomed"):
            admin.page.set_viewport_size(SIZES[size]["viewport"])
            if admin.page.evaluate(SIDEWAYS) > 0:
                wide.append((address, size))
    assert wide == []


@LOOKED_AT
def test_on_a_phone_in_french_no_page_scrolls_sideways_and_no_words_are_squeezed_nor_run_over(desk, day, looked_at):
    admin, found = desk.person("ada", "administrator", "phone", locale="fr-FR"), []
    for address in looked_at(day):
        page = admin.go(address)
        if (over := page.evaluate(SIDEWAYS)) > 0:
            found.append(f"{address}: {over} px too wide")
        found += [f"{address}: runs over what is below it: {each}" for each in page.evaluate(RUN_OVER)]
        for size in ("phone", "narrow"):
            page.set_viewport_size(SIZES[size]["viewport"])
            found += [f"{address}, {size}: {each}" for each in page.evaluate(_SQUEEZED)]
        page.set_viewport_size(SIZES["phone"]["viewport"])
    assert not found, "\n".join(found)
