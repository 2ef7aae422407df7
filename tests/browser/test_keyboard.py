"""The keyboard alone: from the first page to the alert that waits, and its validation; the focus is always seen."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

pytestmark = pytest.mark.process

MOST_TABS = 80


def tab_to(page: Page, what: Locator) -> None:
    """Press Tab until it has the focus, as somebody does who can't point."""
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        if what.evaluate("e => e === document.activeElement"):
            assert is_seen(page), "the focus can be seen"
            return
    raise AssertionError(f"{what} isn't reached by {MOST_TABS} tabs")


def is_seen(page: Page) -> bool:
    """Whether what has the focus shows it by an outline, a ring or a border, on itself or on what holds it."""
    return page.evaluate(
        """() => {
            const seen = e => { const s = getComputedStyle(e);
                return (s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) > 0) || s.boxShadow !== 'none'; };
            const e = document.activeElement;
            return seen(e) || (e.parentElement !== null && seen(e.parentElement)); }"""
    )


def test_posting_and_validating_by_keyboard(desk, town):
    anne, berthe = desk.person("anne"), desk.person("berthe", "approver")
    page = anne.go("/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    tab_to(page, page.get_by_role("link", name="New alert").first)
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/compose"))
    tab_to(page, page.get_by_role("link", name="Air pollution"))
    page.keyboard.press("Enter")
    headline = page.get_by_label("Headline", exact=True)
    tab_to(page, headline)
    page.keyboard.press("Control+A")
    page.keyboard.type("Plus d’eau quai Nord")
    tab_to(page, page.get_by_label("Les Coteaux"))
    page.keyboard.press("Space")
    tab_to(page, page.locator("#publish"))
    page.keyboard.press("Enter")
    expect(page.get_by_text("An alert is waiting to be validated.")).to_be_visible()
    alert = re.search(r"/alerts/(\w+)", page.url)[1]

    other = berthe.go(f"/waiting/{alert}")
    tab_to(other, other.get_by_role("button", name=re.compile("^Validate")))
    other.keyboard.press("Enter")
    expect(other.get_by_role("button", name=re.compile("^Validate"))).to_have_count(0)
    town.until(lambda: {post["state"] for post in town.objects("status", alert)[0]["posts"]} == {"sent"})
