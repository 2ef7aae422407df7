"""A town whose pages a citizen looks at: two alerts that are on, works to come, one that is over."""

from __future__ import annotations

import io
import shutil
import sqlite3
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from PIL import Image
from playwright.sync_api import Browser, Page

from tests.browser.officer import SIZES
from tests.browser.town import CHANNELS, ROOT, SOURCES, STATION, DeskTown

PAGES = '\nlanguages = ["en"]\nexport = "site"\nembed = ["http://127.0.0.1:*"]\n\n[desk]'


P = TypeVar("P", bound="PublicTown")


@dataclass(frozen=True)
class PublicDay:
    """The incidents of the day, by what is to be seen in them."""

    grave: str
    mapped: str
    works: str
    over: str


class PublicTown(DeskTown):
    """What an officer lets out goes out at once; its pages are in two languages, and written out as files.

    `more` is what else stands in its channels.toml.
    """

    more = ""

    @property
    def pages(self) -> str:
        """Where citizens look."""
        return f"http://localhost:{self.port}"

    def open_pages(self) -> None:
        """Sandbox, configuration, daemon."""
        self.start_sandbox()
        for name in ("areas.geojson", "travaux.ics"):
            shutil.copy(ROOT / name, self.folder / name)
        sources = SOURCES.format(publish="auto", feed=self.feed.url)
        self.configure(
            channels=CHANNELS.replace('kind = "telegram"', 'kind = "telegram"\ncard = true', 1) + self.more,
            sources=sources.replace('kind = "cap"', 'kind = "cap"\ntitle = "Météo"'),
            station=STATION.replace("\n[desk]", PAGES).format(port=self.port, desk=""),
        )
        self.revive()

    def until_shown(self, incident: str) -> None:
        """Wait for the page that tells of it."""
        self.until(lambda: f"/alerts/{incident}" in self._page())

    def _page(self) -> str:
        with urllib.request.urlopen(self.pages, timeout=60) as answer:
            text: str = answer.read().decode()
        return text

    def day(self) -> PublicDay:
        """Let it pass."""
        begins = (datetime.now(UTC) + timedelta(days=2)).isoformat(timespec="seconds")
        ends = (datetime.now(UTC) + timedelta(days=4)).isoformat(timespec="seconds")
        return PublicDay(
            grave=self._posted(
                "Eau non potable", "--event", "Eau non potable", "--severity", "Severe", "--area", "all"
            ),
            mapped=self._posted("Rue Basse fermée", "--severity", "Moderate", "--area", "Centre-Bourg"),
            works=self._posted("Travaux rue Haute", "--event", "Travaux", "--onset", begins, "--expires", ends),
            over=self._over("Marché du samedi annulé"),
        )

    def _posted(self, headline: str, *options: str) -> str:
        given = ("--instruction", "Passez par le quai.", *options)
        return str(self.post(headline, *given)["incident"])

    def _over(self, headline: str) -> str:
        incident = self._posted(headline, "--severity", "Minor")
        self.objects("cancel", incident, "--over")
        return incident


class ReportingTown(PublicTown):
    """The same, where people report: a crowd's, an accepted one with a photo, one that is closed."""

    more = "\n[reports]\n"

    def reported(self) -> dict[str, str]:
        """Some reports, by what is to be seen in them."""
        found = {
            "road": self._report("road", 45.1915, 5.7130, "Un trou devant l’école, profond comme une marche."),
            "tree": self._report("tree", 45.1956, 5.7242, "Une branche pend au-dessus du trottoir."),
            "lamp": self._report("lighting", 45.1870, 5.7301, "Éteint depuis lundi."),
        }
        self.objects("report", "accept", found["road"], "--text", "Une équipe passe demain.")
        self.objects("report", "accept", found["tree"])
        self.objects("report", "accept", found["lamp"])
        self.objects("report", "close", found["lamp"], "--text", "L’ampoule est changée.")
        for _ in range(3):
            found["water"] = self._report("flooding", 45.1956, 5.7242, "De l’eau sur la chaussée.")
            self.objects("report", "accept", found["water"])
        self._give_photo(found["road"])
        return found

    def _report(self, kind: str, lat: float, lon: float, text: str) -> str:
        [made] = self.objects("report", "add", "--kind", kind, "--at", f"{lat},{lon}", "--text", text)
        return str(made["report"])

    def _give_photo(self, number: str) -> None:
        """As the page brings it, and an officer releases it."""
        drawn = io.BytesIO()
        Image.linear_gradient("L").resize((800, 600)).convert("RGB").save(drawn, "JPEG")
        with closing(sqlite3.connect(self.folder / "tocsin.db", timeout=60)) as db, db:
            db.execute("UPDATE report SET has_photo = 1 WHERE number = ?", (number,))
            db.execute(
                """INSERT INTO report_photo (report, jpeg, likeness, at, released_at)
                SELECT id, ?, '', received_at, received_at FROM report WHERE number = ?""",
                (drawn.getvalue(), number),
            )
        db.close()


@contextmanager
def public_town(folder: Path, kind: type[P] = PublicTown) -> Iterator[P]:
    """A town that is cleaned up at the end."""
    town = kind(folder)
    try:
        town.open_pages()
        yield town
    finally:
        town.end()


def citizens(chromium: Browser, pages: str) -> Iterator[Callable[..., Page]]:
    """Opens browsers of citizens; none of them may meet an error of a script or of the policy, nor ask elsewhere."""
    contexts, faults, elsewhere = [], [], []

    def open_page(path: str, size: str = "desk", **options) -> Page:
        contexts.append(chromium.new_context(**{**SIZES[size], "locale": "fr-FR"}, **options))
        page = contexts[-1].new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
        page.on("request", lambda asked: elsewhere.append(asked.url) if "//localhost" not in asked.url else None)
        page.goto(pages + path)
        return page

    yield open_page
    assert all(context.cookies() == [] for context in contexts)
    for context in contexts:
        context.close()
    assert faults == []
    assert elsewhere == []
