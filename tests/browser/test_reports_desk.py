"""What citizens report, at the desk in real browsers: two taps from pin to answer, by keyboard, without any script."""

from __future__ import annotations

import base64
import io
import json
import re
import urllib.request
from collections.abc import Iterator

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.axe import SIDEWAYS, violations
from tests.browser.officer import People
from tests.browser.town import LISTENS, DeskTown, desk_town
from tests.release import at_release

pytestmark = pytest.mark.process
REPORTS = LISTENS + "\n[reports]\nprefix = 'SM'\n"
PLACES = {"lighting": "45.19,5.71", "waste": "45.192,5.712", "tree": "45.188,5.708", "road": "45.186,5.715"}


@pytest.fixture(scope="module")
def town(tmp_path_factory) -> Iterator[DeskTown]:
    with desk_town(tmp_path_factory.mktemp("reports"), publish="auto", channels=REPORTS) as town:
        yield town


@pytest.fixture(scope="module")
def people(town) -> People:
    return People(town)


def reported(town: DeskTown, kind: str, text: str, at: str | None = None) -> str:
    """Somebody reports that at the counter; its number."""
    [one] = town.objects("report", "add", "--kind", kind, "--at", at or PLACES[kind], "--text", text)
    return one["report"]


def kept(town: DeskTown, number: str) -> dict:
    return next(each for each in town.objects("reports") if each["report"] == number)


def with_photo(town: DeskTown) -> str:
    """A program reports with a photo of fine stripes; its number."""
    picture = Image.new("RGB", (320, 240))
    picture.putdata([(255, 255, 255) if x // 4 % 2 else (0, 0, 0) for _ in range(240) for x in range(320)])
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=95)
    [made] = town.objects("token", "add", "app", "--role", "reporter")
    wish = {"kind": "road", "lat": 45.186, "lon": 5.715, "text": "Un trou", "source": "one",
            "photo": base64.b64encode(file.getvalue()).decode()}  # fmt: skip
    request = urllib.request.Request(
        f"http://localhost:{town.port}/api/v1/reports",
        json.dumps(wish).encode(),
        {"Authorization": f"Bearer {made['token']}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)["report"]


def look(page: Page, found: list[str]) -> None:
    assert page.evaluate(SIDEWAYS) <= 0, page.url
    found += [f"{page.url}: {wrong}" for wrong in violations(page)]


@pytest.mark.parametrize(
    ("size", "language", "kind"), [("phone", "fr", "waste"), *at_release([("desk", "en", "lighting")])]
)
def test_from_the_pin_to_the_answer_in_two_taps(desk, town, size, language, kind):
    number, found = reported(town, kind, f"Signalé, {size}"), []
    officer = desk.person("anne", "author", size, locale=language)
    page = officer.go(f"/reports?kind={kind}")
    pin = page.locator(".leaflet-marker-icon.pin.waiting")
    expect(pin).to_have_count(1)
    look(page, found)
    officer.actions = 0
    officer.press(pin)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    look(page, found)
    officer.press(page.locator("#close-mended"))
    expect(page.get_by_role("status").filter(has_text=number)).to_be_visible()
    assert officer.actions == 2
    look(page, found)
    assert kept(town, number)["state"] == "closed"
    assert found == []


@pytest.mark.release
def test_what_comes_in_stands_on_the_open_page_and_map_by_itself(desk, town):
    officer = desk.person("anne", "author")
    page = officer.go("/reports?kind=tree")
    expect(page.locator(".leaflet-marker-icon.pin")).to_have_count(0)
    number = reported(town, "tree", "Une branche")
    expect(page.locator(f"#r-{number}")).to_be_visible()
    expect(page.locator(".leaflet-marker-icon.pin")).to_have_count(1)
    page.locator(f"#open-{number}").hover()
    expect(page.locator(".pin.chosen")).to_have_count(1)


@pytest.mark.release
def test_a_report_is_dealt_with_by_keyboard_alone(desk, town):
    number = reported(town, "road", "Un nid-de-poule", "45.185,5.716")
    page = desk.person("anne", "author").go(f"/reports?words={number}")
    page.keyboard.press("Tab")  # to the content
    page.keyboard.press("Enter")
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("() => document.activeElement.id") == f"open-{number}":
            break
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.wait_for_url(re.compile(number))
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("() => document.activeElement.id") == "close-not-found":
            break
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").filter(has_text=number)).to_be_visible()
    assert kept(town, number)["state"] == "closed"


@pytest.mark.release
def test_all_of_it_works_without_any_script(desk, town):
    number = reported(town, "lighting", "Lampadaire éteint", "45.184,5.706")
    page = desk.person("anne", "author", java_script_enabled=False).go("/reports")
    expect(page.locator("#map")).to_be_hidden()
    page.get_by_text("Which reports", exact=True).click()
    page.get_by_label("Words, street or number").fill(number)
    page.get_by_role("button", name="Show", exact=True).click()
    page.locator(f"#open-{number}").click()
    page.get_by_label("Somebody else, or a service").fill("Service éclairage")
    page.locator("#assign-own").click()
    expect(page.get_by_text(f"{number} is assigned.")).to_be_visible()
    assert kept(town, number)["state"] == "assigned"


@pytest.mark.release
def test_a_box_is_drawn_on_the_photo_and_what_it_holds_is_gone(desk, town):
    number, found = with_photo(town), []
    officer = desk.person("anne", "author")
    page = officer.go(f"/reports/{number}")
    page.locator("#to-photo").click()
    picture = page.locator("#photo img")
    expect(picture).to_be_visible()
    look(page, found)
    box = picture.bounding_box()
    page.mouse.move(box["x"] + 5, box["y"] + 5)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=4)
    page.mouse.up()
    expect(page.locator("#f-box-1-right")).to_have_value(re.compile(r"^(49|50)\.\d$"))
    page.locator("#release").click()
    expect(page.get_by_role("status").filter(has_text="Everybody can now see it")).to_be_visible()
    look(page, found)
    jpeg = page.request.get(f"{officer.desk}/reports/{number}/photo.jpg").body()
    low, high = Image.open(io.BytesIO(jpeg)).convert("L").crop((16, 16, 140, 100)).getextrema()
    assert high - low < 80
    assert found == []


@pytest.mark.release
def test_a_remark_is_made_a_report_and_every_page_of_it_is_sound(desk, town):
    town.tocsin("heard", "add", "--text", "Tout est inondé quai des Moulins", "--where", "Au guichet")
    for size, language in (("desk", "en"), ("phone", "fr"), ("narrow", "fr")):
        found: list[str] = []
        officer = desk.person("anne", "author", size, locale=language)
        for address in ("/reports", "/reports?state=all", "/reports/new", "/reports/notices"):
            look(officer.go(address), found)
        page = officer.go("/heard")
        page.locator(".to-report").first.click()
        expect(page.locator("#f-kind")).to_have_value("flooding")
        look(page, found)
        if size == "desk":
            at = page.locator("#map").bounding_box()
            page.mouse.click(at["x"] + at["width"] / 2, at["y"] + at["height"] / 2)
            expect(page.locator("#f-lat")).to_have_value(re.compile(r"^45\.\d{5}$"))
        assert found == []
