"""`make screenshots`: a picture of every page, phone and desk, light and dark, to be looked at (build/screenshots)."""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path

from tests.browser.chromium import started
from tests.browser.lively import lively
from tests.browser.officer import Desk, People, Person
from tests.browser.pages import BEHIND
from tests.browser.town import desk_town

FOLDER = Path("build") / "screenshots"


def photograph(person: Person, address: str, name: str) -> None:
    """The whole of one page; what moves is still."""
    page = person.go(address)
    page.wait_for_load_state("load")
    page.evaluate("() => document.fonts.ready.then(() => true)")
    page.screenshot(path=FOLDER / f"{name}.png", full_page=True, animations="disabled")


def main(languages: list[str]) -> None:
    """A lively day, photographed in each language."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, desk_town(Path(folder)) as town, started() as browser:
        people = People(town)
        for name, role in (("anne", "author"), ("berthe", "approver")):
            people.known(name, role)
        desk, day = Desk(browser, people), lively(town)
        for language in languages:
            for size in ("desk", "phone"):
                for scheme in ("light", "dark"):
                    look = f"{size}-{scheme}-{language}"
                    admin = desk.person("ada", "administrator", size, color_scheme=scheme, locale=language)
                    stranger = desk.stranger(admin.account, size, color_scheme=scheme, locale=language)
                    photograph(stranger, "/sign-in", f"sign-in-{look}")
                    for route, addresses_on in BEHIND.items():
                        for number, address in enumerate(addresses_on(day), start=1):
                            photograph(admin, address, f"{_named(route)}-{number}-{look}")
    sys.stdout.write(f"{len(list(FOLDER.glob('*.png')))} pictures in {FOLDER}\n")


def _named(route: str) -> str:
    return re.sub(r"[^a-z]+", "-", route).strip("-") or "now"


if __name__ == "__main__":
    main(sys.argv[1:] or ["fr"])
