"""A stormy evening: fifteen alerts are on, and somebody on a telephone asks whether one is about them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta

import brotli
import pytest
from playwright.sync_api import Page, expect

from tests.browser.editions import Printed, printed, whole_setting
from tests.browser.officer import SIZES
from tests.browser.test_files_that_nobody_renews import served
from tests.release import at_release
from tests.unit.desk.conftest import NOW

pytestmark = pytest.mark.process
SCREENS, MOST_BYTES = 3, 9_000
"""Telephone screens on which fifteen alerts stand, and bytes of such a page as Brotli."""


@pytest.fixture(scope="module")
def storm(tmp_path_factory) -> Printed:
    folder = tmp_path_factory.mktemp("storm")
    return printed(folder, "storm", whole_setting(folder))


@pytest.fixture
def open_page(chromium, storm) -> Iterator:
    with ExitStack() as until:
        site = until.enter_context(served(storm.folder, NOW + timedelta(minutes=1)))

        def look(**options) -> Page:
            context = chromium.new_context(**{**SIZES["phone"], "locale": "fr-FR", "base_url": site, **options})
            until.callback(context.close)
            return context.new_page()

        yield look


@pytest.mark.parametrize("scripts", [True, *at_release([False])])
def test_fifteen_alerts_fit_on_three_screens_after_the_question_whether_they_are_about_me(open_page, storm, scripts):
    page = open_page(java_script_enabled=scripts)
    page.goto("/")
    if scripts:
        page.wait_for_load_state("networkidle")

    order = [page.locator(each).bounding_box()["y"] for each in (".now", ".concerned", ".report-link", "#on")]
    assert order == sorted(order)
    shown = page.locator("#on > li")
    expect(shown).to_have_count(15)
    last = shown.last.bounding_box()
    assert last["y"] + last["height"] <= SCREENS * SIZES["phone"]["viewport"]["height"]
    assert page.locator("#on > li:not(.folded) h3").all_inner_texts()[0] == "Crue soudaine de la Vive"
    assert page.locator("#on > li.folded").count() == 12
    assert len(brotli.compress((storm.folder / "index.html").read_bytes(), quality=5)) < MOST_BYTES

    line = page.locator("#on > li", has_text="Route de Grenoble coupée")
    expect(line.locator("summary")).to_contain_text(re.compile("Centre-Bourg · jusqu’à .*25.*19"))
    expect(line.get_by_text("Passez par le pont Neuf.")).to_be_hidden()
    line.locator("summary").click()
    expect(line.get_by_text("Passez par le pont Neuf.")).to_be_visible()
    expect(line.get_by_role("link", name="En savoir plus")).to_have_attribute("href", re.compile("^/alerts/"))


@pytest.mark.release
def test_a_line_that_is_open_stays_open_and_in_hand_when_the_page_is_put_anew(open_page, storm):
    page = open_page()
    page.goto("/")
    page.wait_for_load_state("networkidle")
    line = page.locator("#on > li", has_text="Route de Grenoble coupée")
    line.locator("summary").focus()
    page.keyboard.press("Enter")
    renewed(page, (storm.folder / "index.html").read_text(encoding="utf-8").replace("pont Neuf", "pont Vieux"))

    expect(line.get_by_text("Passez par le pont Vieux.")).to_be_visible()
    expect(line.locator("summary")).to_be_focused()


@pytest.mark.release
def test_who_is_led_to_a_line_finds_it_open(open_page):
    page = open_page()
    page.goto("/")
    page.locator(".concerned details summary").click()
    page.locator(".concerned dd a", has_text="Marché du samedi annulé").first.click()

    expect(page.get_by_text("Il reprend la semaine prochaine.")).to_be_visible()


def test_a_new_alert_is_told_to_who_hears_the_page_and_nothing_else_is(open_page, storm):
    page = open_page()
    whole = (storm.folder / "index.html").read_text(encoding="utf-8")
    before = re.sub(r'<li class="card extreme" id="a-.*?</li>', "", whole, count=1, flags=re.DOTALL)
    page.route(re.compile(r"/$"), lambda route: route.fulfill(body=before, content_type="text/html; charset=utf-8"))
    page.goto("/")
    page.wait_for_load_state("networkidle")
    news = page.locator("[role=status][data-new]")
    assert news.evaluate("each => each.closest('main') === null")
    expect(news).to_be_empty()
    page.unroute_all()
    renewed(page, whole)

    expect(news).to_have_text("Nouvelle alerte\u00a0: Danger extrême – Crue soudaine de la Vive, Saint-Martin")
    renewed(page, whole.replace("pont Neuf", "pont Vieux"))
    expect(page.get_by_text("Passez par le pont Vieux.")).to_have_count(1)
    expect(news).to_have_text(re.compile("Crue soudaine"))


def renewed(page: Page, words: str) -> None:
    """The page's own look whether there is something new finds these."""
    page.route(page.url, lambda route: route.fulfill(body=words, content_type="text/html; charset=utf-8"))
    page.evaluate("dispatchEvent(new Event('online'))")
