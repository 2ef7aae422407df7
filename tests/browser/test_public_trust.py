"""What the town's own page must never make anybody believe: that nothing is on, when nobody knows, or elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import violations
from tests.browser.officer import SIZES
from tests.browser.public_town import public_town
from tests.browser.test_public_pages import another_site
from tests.release import at_release

pytestmark = pytest.mark.process
DOCUMENTED = (Path(__file__).resolve().parents[2] / "docs" / "pages.md").read_text(encoding="utf-8")
SNIPPET = DOCUMENTED.partition("```html\n")[2].partition("```")[0]
WITHIN_A_MINUTE = 60_000
CENTRE, COTEAUX = (45.17902, 5.72052), (45.19646, 5.72023)
"""Places in two districts: latitude, longitude."""


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    with public_town(tmp_path_factory.mktemp("trust")) as town:
        yield town


@pytest.fixture(scope="module")
def day(town):
    """A flood everywhere, a closed street in one district, a closed park in another that is open again."""
    day = town.day()
    grave = ("--severity", "Extreme", "--urgency", "Immediate")
    everywhere = town.post("Crue de la Vive", "--event", "Crue", "--area", "all", *grave)
    park = town.post("Parc fermé", "--severity", "Severe", "--area", "Les Coteaux")
    town.objects("cancel", park["incident"], "--over")
    town.until_shown(park["incident"])
    return {"everywhere": everywhere["incident"], "street": day.mapped, "park": park["incident"]}


@pytest.fixture
def look(chromium, town, day) -> Iterator:
    contexts = []

    def open_page(path: str, size: str = "desk", **options) -> Page:
        contexts.append(chromium.new_context(**{**SIZES[size], "locale": "fr-FR", "color_scheme": "light"}, **options))
        page = contexts[-1].new_page()
        page.goto(town.pages + path)
        return page

    yield open_page
    for context in contexts:
        context.close()


def ink(page: Page, name: str) -> str:
    shade = "name => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim()"
    return str(page.evaluate(shade, name))


@pytest.mark.parametrize("size", ["desk", *at_release(["phone"])])
def test_what_is_on_everywhere_covers_the_whole_map_and_is_told_below_it(look, day, size):
    page = look("/", size)

    hatched = page.locator("#map path[fill='url(#hatched)']")
    expect(hatched).to_have_count(6)
    expect(page.locator("#map pattern rect")).to_have_attribute("fill", ink(page, "extreme"))
    expect(page.locator(".whole")).to_have_text(
        [re.compile(r"Toute la commune\s: +Danger extrême +Crue"), re.compile("Danger grave +Eau non potable")]
    )
    expect(page.get_by_text("Hachuré\u00a0: toute la commune.")).to_be_visible()
    assert not (found := violations(page)), "\n".join(found)


@pytest.mark.release
def test_districts_have_their_names_where_there_is_room_else_on_being_pointed_at(look, day):
    page = look("/")
    names = page.locator("#map .district")
    expect(names).to_have_count(6)
    expect(names.filter(visible=True)).to_have_count(6)
    page.get_by_role("button", name="Réduire").click()
    expect(names.filter(visible=True)).not_to_have_count(6)
    page.get_by_role("button", name="Réduire").click()
    expect(names.filter(visible=True)).to_have_count(0)
    page.locator("#map path").nth(1).hover()
    expect(names.filter(visible=True)).to_have_count(1)


@pytest.mark.release
def test_what_is_over_is_drawn_in_no_colour_of_danger(look, day):
    page = look(f"/alerts/{day['park']}")

    told = page.locator("#map path[stroke-width='3']")
    expect(told).to_have_attribute("stroke", ink(page, "over"))
    expect(page.locator("#map path[fill='url(#hatched)']")).to_have_count(0)


@pytest.mark.release
def test_without_a_map_nothing_is_said_of_one(look, day):
    page = look("/", java_script_enabled=False)

    expect(page.get_by_text("La carte reprend ce que dit la liste.")).to_be_hidden()
    expect(page.locator("h1:visible").first).to_have_text(
        re.compile(r"3 alertes en cours\s+le \S+ \S+ \S+ à \d+\sh\s\d\d")
    )
    expect(page.locator(".outdated")).to_be_hidden()


@pytest.mark.release
def test_the_frame_of_the_documentation_shows_two_alerts_on_a_phone_and_all_with_its_script(chromium, town, day):
    here = SNIPPET.replace("https://alertes.saint-martin.example", town.pages)
    viewport = "<!doctype html><meta name='viewport' content='width=device-width'>"
    context = chromium.new_context(**SIZES["phone"])
    page = context.new_page()
    with another_site(viewport + here.partition("<script>")[0]) as site:
        page.goto(site)
        frame = page.frame_locator("iframe")
        bottom = page.locator("iframe").bounding_box()
        second = frame.locator("li").nth(1).bounding_box()
        assert second["y"] + second["height"] <= bottom["y"] + bottom["height"]
        page.locator("iframe").evaluate("frame => { frame.height = 160 }")
        frame.locator("li").last.scroll_into_view_if_needed()
        expect(frame.get_by_role("link", name="Toutes les alertes")).to_be_in_viewport()
    with another_site(viewport + here) as site:
        page.goto(site)
        expect(page.locator("iframe")).not_to_have_attribute("height", "320")
        assert (
            page.frame_locator("iframe").locator("html").evaluate("root => root.scrollHeight - root.clientHeight") <= 0
        )
    context.close()


@pytest.mark.release
def test_the_small_page_begins_where_its_frame_does(look, day):
    page = look("/embed")
    page.set_viewport_size({"width": 1232, "height": 400})

    assert page.locator("h1:visible").first.bounding_box()["x"] <= 16


def test_a_screen_in_the_hall_is_told_at_once_and_shows_nothing_that_is_over(look, town, day):
    page = look("/panel")
    expect(page.locator(".screen.shown")).to_contain_text("Crue de la Vive")
    smoke = town.post("Fumée toxique", "--severity", "Extreme", "--area", "Centre-Bourg", "--expires", "1h")
    expect(page.locator(".screen").filter(has_text="Fumée toxique")).to_have_count(1)
    town.objects("cancel", smoke["incident"], "--over")
    expect(page.locator(".screen").filter(has_text="Fumée toxique")).to_have_count(0)


@pytest.mark.release
def test_an_open_page_says_within_a_minute_that_contact_is_lost_and_no_longer_when_it_is_back(look, town, day):
    """The last of this module: the daemon is killed."""
    paths = {"/": "Pas à jour.", "/en/": "Not up to date.", "/embed": "Pas à jour."}
    open_pages = {path: look(path) for path in (*paths, f"/alerts/{day['street']}", f"/alerts/{day['park']}")}
    for page in open_pages.values():
        expect(page.locator("h1:visible").first).to_be_visible()
    town.kill()

    for path, page in open_pages.items():
        if path.endswith(day["park"]):
            continue
        expect(page.locator(".outdated")).to_be_visible(timeout=WITHIN_A_MINUTE)
        expect(page.locator(".outdated")).to_contain_text(re.compile("Dernier état connu|Last known"))
        assert not (found := violations(page)), "\n".join(found)
    for path, words in paths.items():
        [headline] = open_pages[path].locator("h1").filter(visible=True).all()
        expect(headline).to_contain_text(words)
    assert open_pages[f"/alerts/{day['park']}"].locator(".outdated").count() == 0, "what is over stays over"

    town.revive()
    for path in paths:
        expect(open_pages[path].locator(".outdated")).to_be_hidden(timeout=WITHIN_A_MINUTE)
        expect(open_pages[path].locator("h1[data-current]")).to_be_visible()


def test_a_reader_learns_whether_an_alert_is_about_where_they_are_and_tells_nobody(look, day):
    """The street is in Centre-Bourg alone, the flood everywhere; of where the reader is nothing leaves the browser."""
    asked: list[str] = []

    def verdict(latitude: float, longitude: float) -> str:
        where = {"latitude": latitude, "longitude": longitude}
        page = look("/", geolocation=where, permissions=["geolocation"])
        page.on("request", lambda request: asked.append(request.url + (request.post_data or "")))
        page.get_by_role("button", name="Utiliser ma position").click()
        told = page.locator("[data-verdict]:not(:empty)")
        expect(told).to_be_visible()
        assert not violations(page)
        return str(told.inner_text())

    inside, elsewhere, outside = verdict(*CENTRE), verdict(*COTEAUX), verdict(48.85, 2.35)
    assert "Oui, là où vous êtes" in inside
    assert "Rue Basse fermée" in inside
    assert "Crue de la Vive" in inside
    assert "Passez par le quai." in inside, "with what to do"
    assert "Rue Basse fermée" not in elsewhere
    assert "Crue de la Vive" in elsewhere
    assert "hors de la commune" in outside
    assert not [each for each in asked if str(CENTRE[0])[:5] in each or str(CENTRE[1])[:4] in each]


@pytest.mark.release
def test_what_is_on_is_handed_on_in_words(look, town, day):
    page = look("/", permissions=["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copier pour WhatsApp").click()
    expect(page.get_by_text("Copié")).to_be_visible()
    copied = page.evaluate("() => navigator.clipboard.readText()")

    assert "Crue de la Vive" in copied
    assert "https://" in copied or "http://" in copied
