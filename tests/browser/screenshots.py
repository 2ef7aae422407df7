"""`make screenshots`: a picture of every page, phone and desk, light and dark, to be looked at (build/screenshots)."""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from playwright.sync_api import Browser, Page

from tests.browser.chromium import started
from tests.browser.lively import Day, lively
from tests.browser.officer import SIZES, Desk, People, Person
from tests.browser.pages import BEHIND, PINS, PUBLIC, WHERE_PEOPLE_REPORT
from tests.browser.public_town import ReportingTown, public_town
from tests.browser.reporting_town import HERE, reporting_town
from tests.browser.town import LISTENS, desk_town

FOLDER = Path("build") / "screenshots"
HEARD = (
    "Est-ce qu’on peut boire l’eau ?",
    "Jusqu’à quand dure la coupure ?",
    "Ma grand-mère est bloquée au deuxième étage, elle ne répond plus",
    "Merci aux équipes",
    "Il paraît que le barrage a cédé",
)
DRAWN = """() => { const map = document.getElementById('map'), ground = map?.querySelector('path');
    return !map || ground?.getBoundingClientRect().width > map.clientWidth / 20; }"""
"""Whether the map, if there is one, shows the districts as large as they are to be."""


def photograph(page: Page, name: str) -> None:
    """The whole of a page as it stands; what moves is still."""
    page.wait_for_load_state("load")
    page.evaluate("() => document.fonts.ready.then(() => true)")
    page.screenshot(path=FOLDER / f"{name}.png", full_page=True, animations="disabled")


def looks(languages: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    """Each size, colour scheme and language."""
    return ((size, scheme, each) for each in languages for size in ("desk", "phone") for scheme in ("light", "dark"))


def photograph_desk(browser: Browser, languages: Sequence[str]) -> None:
    """Every page of the duty desk on a lively day, in each language."""
    with tempfile.TemporaryDirectory() as folder, desk_town(Path(folder)) as town:
        people = People(town)
        for name, role in (("anne", "author"), ("berthe", "approver")):
            people.known(name, role)
        desk, day = Desk(browser, people), lively(town)
        for size, scheme, language in looks(languages):
            look = f"{size}-{scheme}-{language}"
            admin = desk.person("ada", "administrator", size, color_scheme=scheme, locale=language)
            stranger = desk.stranger(admin.account, size, color_scheme=scheme, locale=language)
            photograph(stranger.go("/sign-in"), f"sign-in-{look}")
            _photograph_all(admin, day, look)
            desk.link_chat(admin, 4712)
            photograph(admin.page, f"account-chat-{look}")


def _photograph_all(admin: Person, day: Day, look: str) -> None:
    for route, addresses_on in BEHIND.items():
        for number, address in enumerate(addresses_on(day), start=1):
            photograph(admin.go(address), f"{_named(route)}-{number}-{look}")
    admin.come_to_what_is_grave()
    photograph(admin.page, f"compose-confirm-{look}")


def photograph_listening(browser: Browser, languages: Sequence[str]) -> None:
    """What people say, at the desk and on the alert's page, where the town listens."""
    with tempfile.TemporaryDirectory() as folder, desk_town(Path(folder), publish="auto", channels=LISTENS) as town:
        desk = Desk(browser, People(town))
        [filed] = town.objects("post", "--headline", "Coupure d’eau rue Haute", "--expires", "3h")
        for text in HEARD:
            town.tocsin("heard", "add", "--text", text, "--where", "Au guichet", "--incident", filed["incident"])
        asked = [each["question"] for each in town.objects("heard") if "words" in each]
        town.tocsin("answer", asked[0], "--text", "Non : seulement en bouteille, jusqu’à ce soir.")
        pages = {"heard": "/heard", "heard-all": "/heard/all", "heard-question": f"/heard/questions/{asked[1]}"}
        for size, scheme, language in looks(languages):
            anne = desk.person("anne", "author", size, color_scheme=scheme, locale=language)
            for name, address in pages.items():
                photograph(anne.go(address), f"{name}-{size}-{scheme}-{language}")
            site, below = town.desk.removesuffix("/desk"), "" if language == "fr" else f"/{language}"
            for name, path in (("alert", f"/alerts/{filed['incident']}"), ("privacy", "/privacy")):
                anne.page.goto(f"{site}{below}{path}")
                photograph(anne.page, f"public-heard-{name}-{size}-{scheme}-{language}")


def photograph_public(browser: Browser, languages: Sequence[str]) -> None:
    """The town's own page: while nothing is on, then on a day with all that it can show."""
    with tempfile.TemporaryDirectory() as folder, public_town(Path(folder)) as town:
        _photograph_public(browser, town.pages, languages, {"nothing": "", "embed-nothing": "embed"})
        day = town.day()
        town.until_shown(day.over)
        paths = {name: path(day) for name, path in PUBLIC.items()}
        _photograph_public(browser, town.pages, languages, paths)


def _photograph_public(browser: Browser, address: str, languages: Sequence[str], paths: dict[str, str]) -> None:
    for size, scheme, language in looks(languages):
        context = browser.new_context(**SIZES[size], color_scheme=scheme, locale=language)
        page = context.new_page()
        for name, path in paths.items():
            page.goto(f"{address}/{'' if language == 'fr' else language + '/'}{path}")
            page.wait_for_function(DRAWN)
            photograph(page, f"public-{name}-{size}-{scheme}-{language}")
        context.close()


def photograph_reporting(browser: Browser, languages: Sequence[str]) -> None:
    """The page on which citizens report, from the first look to the private page."""
    with tempfile.TemporaryDirectory() as folder, reporting_town(Path(folder)) as town:
        town.post("Rue de la Halle inondée", "--event", "Inondation", "--area", "Centre-Bourg")
        for number, (size, scheme, language) in enumerate(looks(languages)):
            context = browser.new_context(
                **SIZES[size],
                color_scheme=scheme,
                locale=language,
                geolocation=HERE,
                permissions=["geolocation"],
                extra_http_headers={"X-Forwarded-For": f"198.18.{number}.7"},
            )
            page, look = context.new_page(), f"{size}-{scheme}-{language}"
            page.goto(f"{town.pages}{'' if language == 'fr' else f'/{language}'}/report")
            photograph(page, f"report-1-{look}")
            page.locator("input[value=gas]").click()
            photograph(page, f"report-stop-{look}")
            page.locator("input[value=flooding]").click()
            page.locator("#here").click()
            page.locator("#known h2").first.wait_for()
            photograph(page, f"report-2-{look}")
            page.locator("#send").click()
            page.wait_for_url(re.compile("/report/SM-"))
            photograph(page, f"report-3-{look}")
            context.close()


def photograph_reported(browser: Browser, languages: Sequence[str]) -> None:
    """What people reported: for everybody, and at the desk."""
    with tempfile.TemporaryDirectory() as folder, public_town(Path(folder), ReportingTown) as town:
        told = town.reported()
        paths = {"with-pins": "", **{name: path(told) for name, path in PINS.items()}}
        _photograph_public(browser, town.pages, languages, paths)
        desk = Desk(browser, People(town))
        for size, scheme, language in looks(languages):
            anne = desk.person("anne", "author", size, color_scheme=scheme, locale=language)
            for route, address in WHERE_PEOPLE_REPORT.items():
                photograph(anne.go(address(told)), f"{_named(route)}-{size}-{scheme}-{language}")


def main(languages: Sequence[str]) -> None:
    """All of it, in each language."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with started() as browser:
        photograph_public(browser, languages)
        photograph_reporting(browser, languages)
        photograph_reported(browser, languages)
        photograph_listening(browser, languages)
        photograph_desk(browser, languages)
    sys.stdout.write(f"{len(list(FOLDER.glob('*.png')))} pictures in {FOLDER}\n")


def _named(route: str) -> str:
    return re.sub(r"[^a-z]+", "-", route).strip("-") or "now"


if __name__ == "__main__":
    main(sys.argv[1:] or ["fr"])
