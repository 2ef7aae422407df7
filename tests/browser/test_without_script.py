"""Without JavaScript: sign in, compose, look, publish, validate. Only what is live needs it."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.process


def test_the_whole_way_without_any_script(desk, town):
    anne = desk.fresh("simone", java_script_enabled=False)
    berthe = desk.person("berthe", "approver", java_script_enabled=False)

    page = anne.go("/compose")
    page.get_by_role("link", name="Air pollution").click()
    page.get_by_label("Headline", exact=True).fill("Plus d’eau rue Haute")
    page.get_by_label("Les Coteaux").check()
    page.locator("#look").click()
    expect(page.locator(".look").first).to_contain_text("Plus d’eau rue Haute")
    page.locator("#save").click()
    expect(page.get_by_text("The draft is saved.")).to_be_visible()
    page.locator("#publish").click()
    expect(page.get_by_text("An alert is waiting to be validated.")).to_be_visible()
    alert = re.search(r"/alerts/(\w+)", page.url)[1]

    other = berthe.go("/waiting")
    other.get_by_role("link", name=re.compile("Plus d’eau rue Haute")).first.click()
    other.get_by_role("button", name=re.compile("^Validate")).click()
    town.until(lambda: {post["state"] for post in town.objects("status", alert)[0]["posts"]} == {"sent"})
    page.reload()
    expect(page.get_by_role("link", name="See it there – Telegram channel (telegram)").first).to_be_visible()
