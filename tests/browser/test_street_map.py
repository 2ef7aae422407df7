"""A town's own map with streets: drawn in the browser, on a telephone and at the desk, and nobody else is asked."""

from __future__ import annotations

import io
import re
import shutil
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import asdict

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, Route, expect

from alerts.model.street_map import STREET_MAP
from alerts.web.pages import leaflet_files
from tests.browser.axe import violations
from tests.browser.firefox import FIREFOX, firefox
from tests.browser.officer import People
from tests.browser.public_town import ReportingTown, citizens, public_town
from tests.release import at_release
from tests.street_map import STREETS, street_map

pytestmark = pytest.mark.process
DRAWN = """map => [...map.querySelectorAll('canvas')].some(each => {
    const {data} = each.getContext('2d').getImageData(0, 0, each.width, each.height);
    for (let at = 3; at < data.length; at += 4096) if (data[at]) return true;
    return false; })"""
"""Whether anything of the streets is drawn."""


WRITTEN = """window.written = []; const write = CanvasRenderingContext2D.prototype.fillText;
CanvasRenderingContext2D.prototype.fillText = function (...given) {
    written.push(given[0]); write.apply(this, given); };"""
"""Keeps what is written on any canvas."""


class StreetTown(ReportingTown):
    """Its map has streets; `found` are its incidents and reports, by what they are."""

    found: dict[str, str]

    def configure(self, *, station: str, **parts: str) -> None:
        (self.folder / "commune.pmtiles").write_bytes(street_map())
        super().configure(station=station.replace('export = "site"', 'map = "commune.pmtiles"'), **parts)


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    with public_town(tmp_path_factory.mktemp("streets"), StreetTown) as town:
        town.found = {**asdict(town.day()), **town.reported()}
        yield town


@pytest.fixture(scope="module")
def people(town) -> People:
    return People(town)


@pytest.fixture
def look(chromium, town) -> Iterator:
    yield from citizens(chromium, town.pages)


def streets(page: Page, name: str = "#map") -> Locator:
    """The map, once it is drawn."""
    place = page.locator(name)
    place.scroll_into_view_if_needed()
    page.wait_for_function(f"() => ({DRAWN})(document.querySelector('{name}'))")
    return place


def colours(place: Locator) -> set[tuple[int, ...]]:
    picture = Image.open(io.BytesIO(place.screenshot())).convert("RGB")
    return {colour for count, colour in picture.getcolors(1_000_000) if count > 40}


@pytest.mark.parametrize("scheme", ["dark", *at_release(["light"])])
def test_on_a_telephone_the_streets_stand_below_what_is_told_in_both_schemes(look, town, scheme):
    page = look("/", "phone", color_scheme=scheme)
    place = streets(page)

    road, other = ((255, 255, 255), (61, 66, 73)) if scheme == "light" else ((61, 66, 73), (255, 255, 255))
    page.locator(".leaflet-overlay-pane").evaluate("each => { each.style.display = 'none' }")
    town.until(lambda: road in colours(place))
    assert other not in colours(place) or scheme == "light"
    expect(place.locator(".leaflet-control-attribution")).to_contain_text("© OpenStreetMap")
    assert not violations(page)
    page.add_init_script(WRITTEN)
    page.reload()
    streets(page)
    for _ in range(3):
        page.locator(".leaflet-control-zoom-in").click()
    page.wait_for_function(f"() => {list(STREETS)}.some(name => window.written.includes(name))")


@pytest.mark.release
def test_the_reports_their_form_and_an_alert_have_it_too(look, town):
    page = look("/reports", "phone")
    streets(page)
    page.goto(f"{town.pages}/report")
    page.get_by_label("Éclairage public").check()
    streets(page, "#pick")


@pytest.mark.release
def test_the_desk_has_it_too(desk):
    anne = desk.person("anne", "author")
    asked: list[str] = []
    anne.page.on("request", lambda request: asked.append(request.url))
    anne.go("/reports")
    streets(anne.page)
    assert not violations(anne.page)
    assert any(each.endswith(STREET_MAP) for each in asked)
    assert all("//localhost" in each or each.startswith(("data:", "blob:")) for each in asked)


def zoom_out(page, name):
    """By one level, to the end: a map that is still zooming takes no click."""
    place = name.get_attribute("style")
    page.get_by_role("button", name="Zoom out").click()
    expect(name).not_to_have_attribute("style", place)
    expect(page.locator(".leaflet-zoom-anim")).to_have_count(0)


PLACES = (("/compose?hazard=general", "#map-box"), ("/reports/{road}", "#map"), ("/alerts/{mapped}", "#map"))


@pytest.mark.parametrize("scheme", ["dark", *at_release(["light"])])
def test_the_form_a_report_and_an_alert_at_the_desk_ask_nobody_else_for_their_streets(desk, town, scheme):
    anne = desk.person("anne", "author", color_scheme=scheme)
    ranges: list[str] = []
    elsewhere: list[str] = []

    def note(request) -> None:
        if "//localhost" not in request.url and not request.url.startswith(("data:", "blob:")):
            elsewhere.append(request.url)
        if request.url.endswith(STREET_MAP):
            ranges.append(request.headers["range"])

    anne.page.on("request", note)
    for path, name in PLACES:
        ranges.clear()
        anne.go(path.format(**town.found))
        if name == "#map-box":
            anne.page.locator("#map-fold > summary").click()
        streets(anne.page, name)
        if name == "#map-box":
            names = anne.page.locator("#map-box .leaflet-tooltip")
            for _ in range(4):
                zoom_out(anne.page, names.first)
            expect(names.filter(visible=True), "none lies on another").to_have_count(1)
        assert ranges, path
        assert all(each.startswith("bytes=") for each in ranges)
        assert not violations(anne.page)
    assert elsewhere == []


LAYOUTS = {
    "no leaves": {"depth": 0},
    "leaves of leaves": {"depth": 3},
    "nothing packed": {"packed": False, "depth": 2},
}


@pytest.mark.parametrize("layout", ["leaves of leaves", *at_release(["no leaves", "nothing packed"])])
def test_each_layout_of_the_format_s_directories_is_read(look, town, layout):
    file = town.folder / "commune.pmtiles"
    before = file.read_bytes()
    try:
        file.write_bytes(street_map(**LAYOUTS[layout]))
        page = look("/", "desk")
        page.add_init_script(WRITTEN)
        page.reload()
        streets(page)
        for _ in range(3):
            page.locator(".leaflet-control-zoom-in").click()
        page.wait_for_function(f"() => {list(STREETS)}.some(name => window.written.includes(name))")
    finally:
        file.write_bytes(before)


ALONE = """<!doctype html><link rel=stylesheet href=leaflet.css><div id=map style="width:390px;height:500px"></div>
<script src=leaflet.js></script><script src=pmtiles.js></script>
<script>L.tileLayer("/commune.pmtiles").addTo(L.map("map").setView([45.1925, 5.7225], 14));</script>"""
WATERS = """() => [...document.querySelectorAll('canvas')].filter(each =>
    String(each.getContext('2d').getImageData(each.width / 2, each.height / 2, 1, 1).data) === '169,204,232,255')
    .length === 4"""
"""Whether all squares in sight are water in their midst."""


def test_tiles_that_are_one_stand_wherever_their_run_goes(chromium):
    whole, files = street_map(runs=True), leaflet_files()

    def give(route: Route) -> None:
        name, asked = route.request.url.rpartition("/")[2], route.request.headers.get("range", "")
        if found := re.fullmatch(r"bytes=(\d+)-(\d+)", asked):
            part = whole[int(found[1]) : int(found[2]) + 1]
            route.fulfill(status=206, body=part, headers={"ETag": '"one"'})
        elif file := files.get(f"leaflet/{name}"):
            route.fulfill(path=file)
        else:
            route.fulfill(body=ALONE, content_type="text/html")

    page = chromium.new_page(color_scheme="light")
    page.route("**/*", give)
    page.goto("http://localhost/")
    page.wait_for_function(WATERS)
    page.close()


@pytest.mark.release
@pytest.mark.skipif(shutil.which(FIREFOX) is None, reason="firefox is missing: apt-get install firefox-esr")
def test_a_firefox_draws_the_streets_too_and_asks_nobody_else(town, tmp_path):
    with firefox(tmp_path / "profile", {}) as browser:
        for path, name in (("/", "#map"), ("/reports", "#map")):
            browser.goto(town.pages + path)
            town.until(lambda name=name: browser.evaluate(f"() => ({DRAWN})(document.querySelector('{name}'))"))
            asked = browser.evaluate("() => performance.getEntriesByType('resource').map(each => each.name)")
            assert any(each.endswith(STREET_MAP) for each in asked)
            assert all(each.startswith(town.pages) for each in asked)
        assert browser.errors(town.pages) == []


def test_the_file_is_given_by_ranges_alone(town):
    def ask(**headers: str):
        return urllib.request.urlopen(urllib.request.Request(town.pages + STREET_MAP, headers=headers), timeout=60)

    whole = (town.folder / "commune.pmtiles").read_bytes()
    with ask(Range="bytes=0-126") as answer:
        assert (answer.status, answer.read()) == (206, whole[:127])
        assert answer.headers["Content-Range"] == f"bytes 0-126/{len(whole)}"
    with ask(Range=f"bytes={len(whole) - 5}-99999999") as answer:
        assert answer.read() == whole[-5:]
    for wrong in ({}, {"Range": "bytes=0-"}, {"Range": f"bytes={len(whole)}-{len(whole) + 9}"}):
        with pytest.raises(urllib.error.HTTPError) as refused:
            ask(**wrong)
        assert refused.value.code == 416
        refused.value.close()


def test_without_the_file_there_is_nothing_to_be_had(town):
    file = town.folder / "commune.pmtiles"
    file.rename(kept := file.with_suffix(".kept"))
    try:
        with pytest.raises(urllib.error.HTTPError) as gone:
            urllib.request.urlopen(town.pages + STREET_MAP, timeout=60)
        assert gone.value.code == 404
        gone.value.close()
    finally:
        kept.rename(file)
