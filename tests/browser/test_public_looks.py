"""How the town's page looks where people have set their devices otherwise, and on paper."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from itertools import combinations
from pathlib import Path

import pytest
from PIL import Image, ImageChops
from playwright.sync_api import Page, expect

from alerts.model.alert import Severity
from alerts.web.public.page import environment
from tests.browser.axe import too_wide
from tests.browser.editions import Printed, printed, whole_setting
from tests.browser.officer import SIZES
from tests.browser.test_files_that_nobody_renews import served
from tests.release import at_release
from tests.unit.desk.conftest import NOW

pytestmark = pytest.mark.process
PUBLIC = Path(__file__).parents[2] / "alerts" / "web" / "public" / "static"
DESK = PUBLIC.parents[1] / "console" / "static"


@pytest.fixture(scope="module")
def severe(tmp_path_factory) -> Printed:
    folder = tmp_path_factory.mktemp("severe")
    return printed(folder, "severe", whole_setting(folder))


@pytest.fixture
def page(chromium, severe) -> Iterator[Page]:
    with ExitStack() as until:
        site = until.enter_context(served(severe.folder, NOW + timedelta(minutes=1)))
        context = chromium.new_context(**SIZES["phone"], locale="fr-FR", base_url=site)
        until.callback(context.close)
        page = context.new_page()
        page.goto("/")
        page.wait_for_load_state("networkidle")
        yield page


def test_in_forced_colours_the_banner_is_a_frame_and_no_words_stand_in_patches(page):
    page.emulate_media(forced_colors="active")

    banner = page.locator(".now")
    assert banner.evaluate("each => getComputedStyle(each).borderImageSource") == "none"
    assert banner.evaluate("each => getComputedStyle(each).borderTopStyle") == "solid"


@pytest.mark.release
def test_with_letters_twice_as_large_no_word_of_the_banner_is_broken(page):
    page.evaluate("document.documentElement.style.fontSize = '200%'; document.body.style.overflowWrap = 'normal'")

    broken = page.locator(".now p, .now h1").evaluate_all(
        "all => all.filter(each => each.scrollWidth > each.clientWidth + 1).map(each => each.textContent.trim())"
    )
    assert not broken
    assert page.locator(".now").evaluate("each => each.scrollWidth <= each.clientWidth")


def test_with_letters_twice_as_large_a_grave_alert_begins_in_the_upper_half_and_the_poster_fits(page):
    colour = page.locator(".head").evaluate("each => getComputedStyle(each).backgroundColor")
    assert colour == "rgb(255, 255, 255)", "a town's own may be as red as the banner"
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    assert page.locator(".now .what").bounding_box()["y"] < SIZES["phone"]["viewport"]["height"] / 2
    assert page.locator(".head").bounding_box()["height"] < 100

    page.goto("/poster/")
    assert not too_wide(page)


@pytest.mark.release
def test_what_is_grave_is_read_aloud_first_then_whether_it_concerns_one_then_what_to_do(page):
    levels = page.locator("main :is(h1, h2, h3)").evaluate_all(
        "all => all.filter(each => each.checkVisibility()).map(each => each.localName)"
    )
    assert levels[0] == "h1"
    assert levels.count("h1") == 1
    order = "#now, .concerned h2, .report-link, .cards, .numbers, .map-side, .ways, .foot"
    places = page.locator(order).evaluate_all("all => all.map(each => each.className || each.id)")
    parts = ("now", "", "report-link", "cards", "numbers", "map-side", "ways", "foot")
    found = [next((part for part in parts[::-1] if part and part in each), "concerned") for each in places]
    assert list(dict.fromkeys(found))[:3] == ["now", "concerned", "report-link"]
    assert [each for each in dict.fromkeys(found) if each in ("cards", "numbers", "foot")] == [
        "cards",
        "numbers",
        "foot",
    ]


_SHIFTS = """() => { window.shifts = [];
    new PerformanceObserver(list => window.shifts.push(...list.getEntries().map(each => each.value)))
        .observe({type: 'layout-shift', buffered: true}); }"""


@pytest.mark.parametrize("size", ["phone", *at_release(["desk"])])
def test_nothing_jumps_when_the_page_comes_nor_when_it_takes_over_what_is_new(page, severe, size):
    page.set_viewport_size(SIZES[size]["viewport"])
    page.reload()
    page.evaluate(_SHIFTS)
    page.wait_for_load_state("networkidle")
    words = (severe.folder / "index.html").read_text(encoding="utf-8").replace("Ne buvez pas", "Ne buvez plus")
    page.route(page.url, lambda route: route.fulfill(body=words, content_type="text/html; charset=utf-8"))
    page.evaluate("dispatchEvent(new Event('online'))")
    expect(page.locator(".now")).to_contain_text("Ne buvez plus")
    page.wait_for_load_state("networkidle")

    # Two frames later whatever was drawn is measured. A tenth is what the web vitals call good.
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert sum(page.evaluate("window.shifts")) < 0.01


@pytest.mark.release
def test_the_ways_to_be_told_and_to_tell_stand_side_by_side_on_a_phone(page):
    told, tell = page.locator(".report-link a").all()

    assert told.bounding_box()["y"] == tell.bounding_box()["y"]


@pytest.mark.release
def test_on_paper_stands_what_is_told_and_nothing_to_fill_in(page, severe):
    page.emulate_media(media="print")
    for only_on_screens in (".push", ".report-link", ".handing", ".foot", ".languages", "[data-locate]"):
        expect(page.locator(only_on_screens).first).to_be_hidden()
    expect(page.locator(".now")).to_contain_text("Ne buvez pas l’eau du robinet.")
    expect(page.locator(".numbers")).to_be_visible()
    assert page.locator(".now").evaluate("each => getComputedStyle(each).borderImageSource") == "none"

    assert sheets(page) <= 3
    page.goto(severe.shown[0])
    assert sheets(page) <= 2


def sheets(page: Page) -> int:
    """How many it is printed on."""
    return len(re.findall(rb"/Type /Page\b", page.pdf(format="A4", prefer_css_page_size=True)))


# --- how grave, without its colour ---------------------------------------------------------------------------------

_PUBLIC = "{% from 'parts.html' import badge %}{% for each in all %}{{ badge(each, '') }}{% endfor %}"
_GRAVE = (Severity.EXTREME, Severity.SEVERE, Severity.MODERATE, Severity.MINOR)


@pytest.mark.release
def test_each_severity_has_a_shape_that_is_told_apart_in_one_colour(chromium):
    style = "".join((DESK / name).read_text(encoding="utf-8") for name in ("console.css", "compose.css"))
    shapes = "".join(f'<i class="mark {each.lower()}" style="background: #000"></i>' for each in _GRAVE)
    ours = environment("fr").from_string(_PUBLIC).render(all=_GRAVE)
    context = chromium.new_context(device_scale_factor=2)
    page = context.new_page()
    plain = "i { display: inline-block; font-size: 16px; margin: 8px } .badge { background: #fff !important }"
    page.set_content(f"<style>{style} {plain}</style>{shapes}{ours}")

    for kind in ("i", "svg"):
        drawn = [_dark(each.screenshot()) for each in page.locator(kind).all()]
        for (one, other), (first, second) in zip(combinations(_GRAVE, 2), combinations(drawn, 2), strict=True):
            different = sum(ImageChops.logical_xor(first, second).histogram()[128:])
            assert different > 0.1 * 32 * 32, f"{one} and {other} look alike: {different}"
    context.close()


def _dark(png: bytes) -> Image.Image:
    return (
        Image.open(io.BytesIO(png)).convert("L").resize((32, 32)).point(lambda value: 255 * (value < 128)).convert("1")
    )
