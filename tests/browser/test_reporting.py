"""Citizens report in a real browser: in three taps, without script, by keyboard, without a network, and once."""

from __future__ import annotations

import io
import itertools
import re
from collections.abc import Iterator

import pytest
from PIL import Image
from playwright.sync_api import Page, Route, expect

from tests.browser.axe import SIDEWAYS, violations
from tests.browser.officer import PATIENCE, SIZES
from tests.browser.reporting_town import HERE, reporting_town
from tests.browser.test_keyboard import tab_to

pytestmark = pytest.mark.process
SHELVED = "async () => (await (await caches.open('report-form')).keys()).length > 6"
NETWORKS = itertools.count(1)
NUMBER = re.compile(r"SM-\d\d-\d{4}")


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    with reporting_town(tmp_path_factory.mktemp("reporting")) as town:
        yield town


@pytest.fixture
def visit(chromium, town) -> Iterator:
    """Opens telephones and computers; their scripts and the policy may have nothing to complain of."""
    contexts, faults = [], []

    def go(path: str = "/report", size: str = "phone", **options) -> Page:
        network = {"X-Forwarded-For": f"198.18.{next(NETWORKS)}.7"}
        given = {"geolocation": HERE, "permissions": ["geolocation"], "locale": "fr-FR", **options}
        given["extra_http_headers"] = network
        contexts.append(chromium.new_context(**{**SIZES[size], **given}))
        contexts[-1].set_default_timeout(PATIENCE)
        page = contexts[-1].new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda told: faults.append(told.text) if told.type == "error" else None)
        page.goto(town.pages + path)
        return page

    yield go
    for context in contexts:
        context.close()
    assert [each for each in faults if "Failed to load resource" not in each] == []


KEPT = """async () => (await Promise.all((await caches.keys()).map(async (name) =>
    (await (await caches.open(name)).keys()).map((each) => each.url)))).flat()
    .filter((url) => !url.endsWith(".json"))"""
"""The addresses of all that the pages keep in the browser."""


def kind(page: Page, name: str = "Éclairage public"):
    return page.get_by_role("radio", name=name)


def send(page: Page):
    return page.get_by_role("button", name="Envoyer le signalement")


def number_on(page: Page) -> str:
    page.wait_for_url(re.compile(r"/report/SM-"))
    return NUMBER.search(page.locator("h1").inner_text())[0]


def report_of(town, number: str) -> dict:
    return next(each for each in town.reports() if each["report"] == number)


def count(town) -> int:
    return len(town.reports())


def test_from_the_page_to_the_number_in_three_taps(visit, town):
    page, taps = visit("/"), 0
    page.get_by_role("link", name="Signaler un problème").first.tap()
    for what in (kind(page), page.locator("#here")):
        what.tap()
        taps += 1
    expect(page.locator("#place-said")).to_contain_text("12")
    send(page).tap()
    taps += 1
    kept = report_of(town, number_on(page))
    assert taps <= 4
    assert (kept["kind"], kept["state"], kept["text"]) == ("lighting", "received", None)
    assert (kept["place"]["lat"], kept["place"]["lon"]) == (HERE["latitude"], HERE["longitude"])
    assert kept["place"]["words"] == "4 Rue de la Halle"
    page.reload()
    assert not [each for each in page.evaluate(KEPT) if "/report/" in each], "who has the telephone next finds nothing"
    page.get_by_text("Effacer ce signalement").tap()
    page.get_by_role("button", name="Oui, effacer pour toujours").tap()
    expect(page.get_by_role("heading", name="C’est effacé")).to_be_visible()
    assert report_of(town, kept["report"])["place"]["lat"] is None


@pytest.mark.release
def test_without_any_script(visit, town):
    page = visit(java_script_enabled=False)
    expect(page.locator("#pick")).to_be_hidden()
    page.locator(".kind", has_text="Bruit").tap()
    page.get_by_label("Ou une adresse, une rue").fill("12 bis rue de la halle")
    page.get_by_role("button", name="Déjà signalé là").tap()
    expect(page.locator("#known")).to_contain_text("Rien de tel")
    expect(kind(page, "Bruit")).to_be_checked()
    page.get_by_label("En quelques mots").fill("Une alarme")
    send(page).tap()
    number = number_on(page)
    kept = report_of(town, number)
    assert (kept["state"], kept["text"], kept["place"]["words"]) == ("held", "Une alarme", "12 bis Rue de la Halle")

    page.goto(town.pages + "/report")
    page.locator(".kind", has_text="Odeur de gaz").tap()
    expect(page.get_by_role("link", name="Appeler le 18")).to_be_visible()
    expect(send(page)).to_be_hidden()

    page.goto(town.pages + "/report")
    page.locator(".kind", has_text="Autre").tap()
    page.get_by_label("Ou une adresse, une rue").fill("rue Introuvable")
    page.get_by_label("En quelques mots").fill("Un banc")
    send(page).tap()
    expect(page.locator("#wrong-place")).to_contain_text("adresse")
    expect(page.get_by_label("En quelques mots")).to_have_value("Un banc")


@pytest.mark.release
def test_by_the_keyboard_alone(visit, town):
    page = visit(size="desk", permissions=[])
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Aller au contenu")).to_be_focused()
    tab_to(page, kind(page, "Route, trottoir"))
    for _ in range(2):
        page.keyboard.press("ArrowDown")
    expect(kind(page, "Déchets, dépôt sauvage")).to_be_checked()
    expect(kind(page, "Déchets, dépôt sauvage")).to_be_focused()
    tab_to(page, page.locator("#here"))
    page.keyboard.press("Enter")
    expect(page.locator("#place-said")).to_contain_text("n’a pu être obtenue")
    tab_to(page, page.locator("#pick"))
    page.keyboard.press("Enter")
    expect(page.locator("#pick path.my-pin")).to_be_visible()
    tab_to(page, page.get_by_label("Ou une adresse, une rue"))
    page.keyboard.type("7 avenue gen")
    expect(page.locator("#streets option").first).to_have_attribute("value", "7 Avenue du Général de Gaulle")
    page.keyboard.press("Control+A")
    page.keyboard.type("7 av du Gal de Gaulle")
    page.keyboard.press("Enter")
    expect(page.locator("#place-said")).to_contain_text("7 Avenue du Général de Gaulle")
    tab_to(page, send(page))
    page.keyboard.press("Enter")
    assert report_of(town, number_on(page))["place"]["words"] == "7 Avenue du Général de Gaulle"


def test_read_aloud_it_says_what_is_to_be_done(visit):
    page = visit()
    kind(page, "Inondation").tap()
    expect(page.locator("#step-place")).to_be_visible()
    read = page.locator("main").aria_snapshot().replace("\u202f", " ")
    assert read.index("112 toutes urgences") < read.index('radio "Route, trottoir"') < read.index("Envoyer")
    for said in (
        'heading "Signaler un problème" [level=1]',
        'group "De quoi s’agit-il ?"',
        'radio "Inondation" [checked]',
        'group "Où est-ce ?"',
        'button "Ici, là où je suis"',
        'textbox "En quelques mots (facultatif)"',
        'button "Envoyer le signalement"',
    ):
        assert said in read, said
    assert "Leave this" not in read
    assert "Laisse" not in read, "what only programs fill in is read to nobody"


@pytest.mark.release
def test_axe_finds_nothing_and_nothing_scrolls_sideways(visit, town):
    found = []
    for size in ("narrow", "phone", "desk"):
        page = visit(size=size)
        page.emulate_media(reduced_motion="reduce")

        def look(page=page, size=size) -> None:
            assert page.evaluate(SIDEWAYS) <= 0, (size, page.url)
            found.extend(f"{size} {page.url}: {wrong}" for wrong in violations(page))

        look()
        kind(page, "Inondation").click()
        page.locator("#here").click()
        expect(page.locator("#known")).to_contain_text(re.compile("Rien de tel|Déjà"))
        look()
        send(page).click()
        number_on(page)
        look()
        page.goto(f"{town.pages}/report?kind=wires")
        look()
        page.goto(f"{town.pages}/en/report?kind=road")
        page.get_by_role("button", name="Send the report").click()
        expect(page.locator("#sending")).to_contain_text("Where is it?")
        page.get_by_label("Or an address or street").fill("Nowhere Lane")
        page.get_by_role("button", name="Send the report").click()
        expect(page.locator("#wrong-place")).to_be_visible()
        look()
    assert not found, "\n".join(found)


@pytest.mark.release
def test_a_double_tap_is_one_report(visit, town):
    page, before = visit(), count(town)
    kind(page).tap()
    page.locator("#here").tap()
    expect(page.locator("#place-said")).to_contain_text("12")
    page.evaluate("() => { const go = document.getElementById('send'); go.click(); go.click(); }")
    number_on(page)
    assert count(town) == before + 1


@pytest.mark.release
def test_me_too_takes_the_place_of_a_second_report(visit, town):
    first = visit()
    kind(first, "Arbre, branche").tap()
    first.locator("#here").tap()
    send(first).tap()
    number_on(first)
    before, second = count(town), visit()
    kind(second, "Arbre, branche").tap()
    second.locator("#here").tap()
    second.get_by_role("button", name="Moi aussi").first.tap()
    expect(second.get_by_role("heading", name="C’est compté. Merci.")).to_be_visible()
    assert count(town) == before


def test_a_photo_is_made_smaller_before_it_leaves(visit, town):
    page, sizes = visit(), []
    out = io.BytesIO()
    Image.effect_noise((1800, 1200), 40).convert("RGB").save(out, "JPEG", quality=95)
    page.on("request", lambda asked: sizes.append(asked) if asked.method == "POST" else None)
    kind(page).tap()
    page.locator("#here").tap()
    page.locator("#photo").set_input_files({"name": "p.jpg", "mimeType": "image/jpeg", "buffer": out.getvalue()})
    expect(page.get_by_role("img", name="Votre photo")).to_be_visible()
    assert page.evaluate("() => document.querySelector('.preview canvas').width") == 1600
    send(page).tap()
    number_on(page)
    expect(page.get_by_text("sans le lieu ni l’heure")).to_be_visible()


@pytest.mark.release
def test_an_answer_that_is_lost_costs_nothing_and_makes_no_second_report(visit, town):
    page, before = visit(), count(town)
    kind(page).tap()
    page.locator("#here").tap()

    def lose(route: Route) -> None:
        if b'name="key"' not in (route.request.post_data_buffer or b""):
            return route.continue_()
        route.fetch(max_redirects=0)
        return route.abort()

    page.route("**/report", lose)
    send(page).tap()
    expect(page.locator("#kept")).to_contain_text("Attend le réseau")
    town.until(lambda: count(town) == before + 1)
    page.unroute("**/report", lose)
    page.get_by_role("button", name="Envoyer maintenant").tap()
    expect(page.locator("#kept")).to_contain_text("Envoyé")
    assert count(town) == before + 1


def test_without_a_network_it_is_kept_and_sent_once(visit, town):
    page, before = visit(), count(town)
    page.wait_for_function(SHELVED)
    town.kill()
    page.reload()
    kind(page).tap()
    page.locator("#here").tap()
    page.get_by_label("En quelques mots").fill("Hors ligne")
    send(page).tap()
    expect(page.locator("#kept")).to_contain_text("Éclairage public")
    expect(page.locator("#kept")).to_contain_text("Attend le réseau")
    expect(page.get_by_label("En quelques mots")).to_have_value("")
    town.revive()
    both = [page, page.context.new_page()]
    both[1].goto(town.pages + "/report")
    page.evaluate("() => dispatchEvent(new Event('online'))")
    for each in both:
        expect(each.locator("#kept")).to_contain_text("Envoyé", timeout=PATIENCE)
    assert count(town) == before + 1
    kept = town.reports()[0]
    assert (kept["text"], kept["state"]) == ("Hors ligne", "received")
    both[1].locator("#kept a").tap()
    assert number_on(both[1]) == kept["report"]


@pytest.mark.release
def test_who_only_saw_the_first_page_has_the_form_without_a_network(visit, town):
    page = visit("/")
    page.wait_for_function(
        "async () => { const all = await (await caches.open('report-form')).keys();"
        " return all.length > 6 && all.some(({url}) => url.endsWith('/report')) }"
    )
    page.context.set_offline(True)
    page.get_by_role("link", name="Signaler un problème").first.click()
    expect(page).to_have_url(f"{town.pages}/report")
    assert page.evaluate("() => getComputedStyle(document.body).margin") == "0px", "with its style"
    expect(page.get_by_text("112").first).to_be_visible()
    kind(page)
    page.goto(f"{town.pages}/de/report")
    expect(page.get_by_text("112").first).to_be_visible()
