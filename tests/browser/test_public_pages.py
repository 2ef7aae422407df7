"""The town's own page in a real browser: with and without scripts, on a phone, in another site's frame, and live."""

from __future__ import annotations

import io
import re
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler

import pytest
from PIL import Image
from playwright.sync_api import expect

from campaign.feed import Loopback
from tests.browser.axe import SIDEWAYS
from tests.browser.public_town import citizens, public_town

pytestmark = pytest.mark.process


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    with public_town(tmp_path_factory.mktemp("public")) as town:
        yield town


@pytest.fixture(scope="module")
def day(town):
    day = town.day()
    town.until_shown(day.over)
    return day


@pytest.fixture
def look(chromium, town, day) -> Iterator:
    yield from citizens(chromium, town.pages)


def read(address: str) -> str:
    with urllib.request.urlopen(address, timeout=60) as answer:
        return answer.read().decode()


def every_page(day) -> list[str]:
    incidents = [f"/alerts/{each}" for each in (day.grave, day.mapped, day.works, day.over)]
    return ["/", "/en/", "/embed", "/404.html", *incidents, f"/en{incidents[1]}"]


def test_without_a_script_no_page_scrolls_sideways_at_320_pixels(look, town, day):
    page = look("/", "narrow", java_script_enabled=False)
    for path in every_page(day):
        page.goto(town.pages + path)
        assert page.evaluate(SIDEWAYS) <= 0, path


@pytest.mark.release
def test_without_any_script_it_says_the_same(look, town, day):
    page = look("/", "phone", java_script_enabled=False)

    expect(page.locator("h1:visible").first).to_contain_text("2 alertes en cours")
    expect(page.locator("#on h3")).to_have_text(["Eau non potable", "Rue Basse fermée"])
    expect(page.locator(".fresh")).to_contain_text(re.compile(r"Météo\s:\sdernière lecture \S+ \S+ \S+ à \d+\sh\s\d+"))
    expect(page.locator("#map")).to_be_hidden()
    page.get_by_role("link", name="Rue Basse fermée").click()
    expect(page).to_have_url(f"{town.pages}/alerts/{day.mapped}")
    expect(page.locator(".facts")).to_contain_text("Passez par le quai.")
    page.get_by_role("link", name="English").click()
    expect(page.locator(".facts")).to_contain_text("What to do")


@pytest.mark.release
def test_the_map_draws_the_districts_and_what_is_told_over_them(look, day):
    page = look("/")

    expect(page.locator("#map path")).to_have_count(7)
    told = page.locator("#map path[stroke-width='3']")
    expect(told).to_have_count(1)
    told.click()
    expect(page.locator(".leaflet-popup a")).to_have_attribute("href", f"/alerts/{day.mapped}")
    expect(page.locator(".fresh time").first).to_have_text(re.compile(r"il y a \d+ (minute|heure)"))


def test_without_tiles_the_districts_fill_the_map_on_a_phone_too(look, day):
    place = look("/", "phone").locator("#map")
    expect(place.locator("path")).to_have_count(7)
    ground, whole = place.locator("g").first.bounding_box(), place.bounding_box()

    assert max(ground["width"] / whole["width"], ground["height"] / whole["height"]) > 0.8


@pytest.mark.release
def test_the_bot_is_named_in_words_and_by_its_address(look, town, day):
    page = look("/")
    subscribing = page.get_by_role("region", name="Recevoir les alertes par message")
    expect(subscribing.get_by_role("link", name="@tocsin_sandbox_bot")).to_have_attribute(
        "href", "https://t.me/tocsin_sandbox_bot"
    )
    page.goto(f"{town.pages}/en/alerts/{day.over}")
    expect(page.get_by_role("region", name="Get alerts by message")).to_contain_text("We keep neither your name")


@pytest.mark.release
def test_a_shared_link_has_its_card(look, town, day):
    page = look(f"/alerts/{day.grave}")
    address = page.locator("meta[property='og:image']").get_attribute("content")
    with urllib.request.urlopen(town.pages + address.removeprefix("https://alertes.saint-martin.example")) as answer:
        card = Image.open(io.BytesIO(answer.read()))

    assert (answer.headers["Content-Type"], card.format, card.size) == ("image/png", "PNG", (1200, 630))
    alternative = page.locator("meta[property='og:image:alt']").get_attribute("content")
    assert alternative.startswith("Danger grave – Eau non potable")


@pytest.mark.release
def test_the_posts_of_a_channel_that_is_configured_so_carry_the_card(town, day):
    posts = town.until(lambda: [each for each in town.timelines()["telegram"] if "Rue Basse" in each["text"]])

    assert len(posts[0]["media"]) == 1


@contextmanager
def another_site(body: str) -> Iterator[str]:
    """A page of somebody else's server."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = Loopback(Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()


def test_the_towns_own_site_shows_the_small_page_in_a_frame_and_no_other_page(chromium, town, day):
    context = chromium.new_context()
    page = context.new_page()
    frames = f"<h1>La ville</h1><iframe src='{town.pages}/embed'></iframe><iframe src='{town.pages}/'></iframe>"
    with another_site(frames) as site:
        page.goto(site)
        shown = page.frame_locator("iframe").first
        expect(shown.locator(".tocsin-alerts li")).to_have_count(2)
        expect(shown.locator("li a").first).to_have_attribute("href", re.compile(rf"/alerts/{day.grave}$"))
        expect(page.frame_locator("iframe").nth(1).get_by_text("alertes en cours")).to_have_count(0)
    context.close()


@pytest.mark.release
def test_the_fragment_stands_in_a_page_of_the_towns_site(chromium, town, day):
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    with another_site(
        f"<!doctype html><meta charset=utf-8><h1>La ville</h1>{read(town.pages + '/embed.html')}"
    ) as site:
        page.goto(site)
        expect(page.get_by_role("region", name="Alertes – Ville de Saint-Martin").locator("li")).to_have_count(2)
        assert page.locator("script, link, style").count() == 0
    context.close()


def test_a_change_is_seen_without_a_reload_and_the_map_stays_where_it_was(look, town, day):
    page = look("/", "phone")
    expect(page.locator("#map path")).to_have_count(7)
    page.evaluate("() => { window.marked = true }")
    town.post("Arbre tombé avenue de la Gare", "--severity", "Moderate", "--area", "Les Coteaux")

    expect(page.locator("h1:visible").first).to_contain_text("3 alertes en cours")
    expect(page.get_by_role("link", name="Arbre tombé avenue de la Gare")).to_be_visible()
    expect(page.locator("#map path")).to_have_count(8)
    assert page.evaluate("() => window.marked"), "it was loaded anew"


@pytest.mark.release
def test_what_is_not_there_says_so_and_leads_on(look, town, day):
    with pytest.raises(urllib.error.HTTPError, match="404") as error:
        read(f"{town.pages}/en/alerts/inconnu")
    assert "No such page" in error.value.read().decode()
    page = look("/404.html")
    page.get_by_role("link", name="Tout ce qui est en cours").click()
    expect(page).to_have_url(f"{town.pages}/")
