"""`make sheet`: what the town shows, on one sheet (build/sheet.png): would a town put its name on it?

Page, screens, cards and the form of push come from editions (`editions.py`), in each state; the desk from a lively day,
and what a locked telephone shows from what waits there to be validated.
"""

from __future__ import annotations

import io
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont
from playwright.sync_api import Browser, Page

from alerts.channels.push.encryption import new_key
from tests.browser.chromium import started
from tests.browser.editions import STATES, Printed, printed, whole_setting
from tests.browser.lively import lively
from tests.browser.officer import SIZES, Desk, People
from tests.browser.test_files_that_nobody_renews import served
from tests.browser.town import CHANNELS, desk_town
from tests.unit.desk.conftest import NOW

SHEET, README = Path("build") / "sheet.png", Path("docs") / "pictures" / "tocsin.png"
_IN_README = (
    "page: calm, phone, light, fr",
    "page: severe, phone, light, fr",
    "page: extreme, phone, dark, en",
    "desk: to validate, phone, light, fr",
)
WIDTH, GAP, TALLEST = 3000, 16, 1500
_SHOWN_AS = {"phone": 360, "desk": 720, "screen": 480}
_SCREEN = {"viewport": {"width": 1280, "height": 720}}
_PUSH = """
[push]
key = {{ file = "push.pem" }}
subject = "mailto:mairie@saint-martin.example"
"""
_PUSHED = {
    "extreme": (
        "Crue soudaine de la Vive",
        "Crue",
        "Extreme",
        "Montez à l’étage et restez-y. Ne prenez pas la voiture.",
    ),
    "severe": ("Eau non potable", "Eau non potable", "Severe", "Ne buvez pas l’eau du robinet."),
    "minor": ("Rue Basse fermée à la circulation", "Travaux", "Minor", "Passez par la rue Haute."),
}
"""Headline, event, severity, what to do."""
# What sticks to a window's edge would lie across a picture that is higher than the window.
_UNSTUCK = """() => document.querySelectorAll('.main-nav, .bar, .decision, .confirm-form')
    .forEach(each => { each.style.position = 'static'; })"""
_LOOKS = (("phone", "light", "fr"), ("phone", "dark", "en"), ("desk", "light", "fr"), ("desk", "dark", "en"))


@dataclass(frozen=True)
class Picture:
    """One of the sheet, and what stands above it."""

    label: str
    image: Image.Image


def taken(label: str, page: Page, size: str, part: str | None = None) -> Picture:
    """The page as it stands, or the first of its parts, as wide as the sheet shows such."""
    page.wait_for_load_state("networkidle")
    page.evaluate(_UNSTUCK)
    options: dict[str, Any] = {"animations": "disabled"}
    png = page.locator(part).first.screenshot(**options) if part else page.screenshot(**options, full_page=True)
    return Picture(label, _fitted(png, _SHOWN_AS[size]))


def _fitted(png: bytes, width: int) -> Image.Image:
    image = Image.open(io.BytesIO(png)).convert("RGB")
    image = image.resize((width, max(1, round(image.height * width / image.width))), Image.Resampling.LANCZOS)
    return image.crop((0, 0, width, min(image.height, TALLEST)))


def of_the_public(browser: Browser) -> Iterator[Picture]:
    """Page, easy page, poster, screens, cards and the form of push."""
    with tempfile.TemporaryDirectory() as folder:
        setting = whole_setting(Path(folder))
        editions = {name: printed(Path(folder), name, setting) for name in STATES}
        for name, edition in editions.items():
            with served(edition.folder, NOW + timedelta(hours=STATES[name].hours, minutes=1)) as site:
                yield from _page(browser, name, site)
                yield from _screen(browser, name, site)
                if name in ("calm", "extreme"):
                    yield from _beside(browser, name, site, edition)
        for name in ("calm", "minor", "severe", "extreme"):
            drawn = list(editions[name].cards.values())[-1 if name == "calm" else 0]
            yield Picture(f"card: {'over' if name == 'calm' else name}", _fitted(drawn.body, _SHOWN_AS["screen"]))


def _page(browser: Browser, name: str, site: str) -> Iterator[Picture]:
    for size, scheme, language in _LOOKS:
        context = browser.new_context(**SIZES[size], color_scheme=scheme, locale=language)
        page = context.new_page()
        page.goto(site + ("" if language == "fr" else f"{language}/"))
        yield taken(f"page: {name}, {size}, {scheme}, {language}", page, size)
        if name == "calm" and size == "phone":
            yield taken(f"push, {scheme}, {language}", page, size, ".push")
        context.close()


def _screen(browser: Browser, name: str, site: str) -> Iterator[Picture]:
    context = browser.new_context(**_SCREEN)
    page = context.new_page()
    page.goto(f"{site}panel/")
    yield taken(f"screen: {name}", page, "screen")
    context.close()


def _beside(browser: Browser, name: str, site: str, edition: Printed) -> Iterator[Picture]:
    """The first incident's page, what is easy to read, the poster."""
    context = browser.new_context(**SIZES["phone"], locale="fr-FR")
    page = context.new_page()
    incident = edition.shown[-1 if name == "calm" else 0].lstrip("/")
    for label, path in (("over" if name == "calm" else "alert", incident), ("easy", "easy"), ("poster", "poster")):
        page.goto(f"{site}{path}/")
        yield taken(f"{label}: {name}", page, "phone")
    context.close()


def of_the_desk(browser: Browser) -> Iterator[Picture]:
    """What an officer sees on a lively day, an exercise and the posts as they will look among it."""
    with tempfile.TemporaryDirectory() as folder, desk_town(Path(folder)) as town:
        people = People(town)
        for name, role in (("anne", "author"), ("berthe", "approver")):
            people.known(name, role)
        desk, day = Desk(browser, people), lively(town)
        pages = {
            "now": "/",
            "new alert": "/compose",
            "filled in": "/compose?hazard=water-cut",
            "to validate": f"/waiting/{day.waiting}",
            "exercise": f"/alerts/{day.exercise}",
            "an alert": f"/alerts/{day.thread}",
        }
        for size, scheme, language in (("phone", "light", "fr"), ("desk", "dark", "en"), ("desk", "light", "fr")):
            ada = desk.person("ada", "administrator", size, color_scheme=scheme, locale=language)
            for name, address in pages.items():
                yield taken(f"desk: {name}, {size}, {scheme}, {language}", ada.go(address), size)


def of_locked_telephones(browser: Browser) -> Iterator[Picture]:
    """What is pushed, as a telephone shows it on its lock screen: first, as an update, and at its end."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "push.pem").write_text(new_key())
        with desk_town(Path(folder), channels=CHANNELS + _PUSH) as town:
            people = People(town)
            for name, role in (("anne", "author"), ("berthe", "approver")):
                people.known(name, role)
            ada = Desk(browser, people).person("ada", "administrator", "phone", locale="fr")
            for name, (headline, event, severity, do) in _PUSHED.items():
                said = ("--event", event, "--severity", severity, "--instruction", do, "--area", "Centre-Bourg")
                alert = str(town.post(headline, "--as", "anne", *said)["alert"])
                yield from _locked(ada.go(f"/waiting/{alert}"), name)
            town.tocsin("approve", alert, "--as", "berthe")
            [update] = town.objects("update", alert, "--instruction", "Passez par le quai.", "--as", "anne")
            yield from _locked(ada.go(f"/waiting/{update['alert']}"), "update")
            page = ada.go(f"/alerts/{alert}")
            page.locator("#f-right").fill("La rue est ouverte.")
            with page.expect_navigation():
                page.locator(".correct button").last.click()
            yield from _locked(page, "correction")


def _locked(page: Page, name: str) -> Iterator[Picture]:
    for screen in page.locator(".screen.lock").all():
        page.evaluate(_UNSTUCK)
        screen.evaluate("each => each.closest('details:not([open])')?.setAttribute('open', '')")
        language = screen.locator("[lang]").first.get_attribute("lang")
        png = screen.locator(".glass").screenshot(animations="disabled")
        yield Picture(f"lock screen: {name}, {language}", _fitted(png, _SHOWN_AS["phone"]))


def laid_out(pictures: Sequence[Picture]) -> Image.Image:
    """In rows, in their order, each with its label above it."""
    rows: list[list[Picture]] = [[]]
    for each in pictures:
        if sum(one.image.width + GAP for one in rows[-1]) + each.image.width > WIDTH:
            rows.append([])
        rows[-1].append(each)
    heights = [max(each.image.height for each in row) + 3 * GAP for row in rows]
    sheet = Image.new("RGB", (WIDTH, sum(heights)), "#777")
    draw, font, top = ImageDraw.Draw(sheet), ImageFont.load_default(18), 0
    for row, height in zip(rows, heights, strict=True):
        left = 0
        for each in row:
            draw.text((left, top + 6), each.label, fill="#fff", font=font)
            sheet.paste(each.image, (left, top + 2 * GAP))
            left += each.image.width + GAP
        top += height
    return sheet


def beside_one_another(pictures: Sequence[Picture], labels: Sequence[str]) -> Image.Image:
    """The beginnings of those with these labels, as the README shows them."""
    chosen = [next(each.image for each in pictures if each.label == label) for label in labels]
    wide, high = _SHOWN_AS["phone"], 1160
    shown = Image.new("RGB", (GAP + (wide + GAP) * len(chosen), high + 2 * GAP), "#eee")
    for place, image in enumerate(chosen):
        shown.paste(image.crop((0, 0, wide, high)), (GAP + (wide + GAP) * place, GAP))
    return shown.quantize(128, dither=Image.Dither.NONE)


def main() -> None:
    """All of it; with `readme` as an argument, that one's picture too."""
    with started() as browser:
        pictures = [*of_the_public(browser), *of_locked_telephones(browser), *of_the_desk(browser)]
    # Those that are alike stand together: a row is as high as its highest.
    kinds = ("page", "push", "lock screen", "alert", "over", "easy", "poster", "screen", "card", "desk")
    pictures.sort(key=lambda each: (kinds.index(each.label.split(":")[0].split(",")[0]), each.image.width))
    SHEET.parent.mkdir(parents=True, exist_ok=True)
    laid_out(pictures).save(SHEET)
    if "readme" in sys.argv[1:]:
        beside_one_another(pictures, _IN_README).save(README, optimize=True)
    sys.stdout.write(f"{len(pictures)} pictures on {SHEET}\n")


if __name__ == "__main__":
    main()
