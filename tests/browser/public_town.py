"""A town whose pages a citizen looks at: two alerts that are on, works to come, one that is over."""

from __future__ import annotations

import shutil
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.browser.town import CHANNELS, ROOT, SOURCES, STATION, DeskTown

PAGES = '\nlanguages = ["en"]\nexport = "site"\nembed = ["http://127.0.0.1:*"]\n\n[desk]'


@dataclass(frozen=True)
class PublicDay:
    """The incidents of the day, by what is to be seen in them."""

    grave: str
    mapped: str
    works: str
    over: str


class PublicTown(DeskTown):
    """What an officer lets out goes out at once; its pages are in two languages, and written out as files."""

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
            channels=CHANNELS.replace('kind = "telegram"', 'kind = "telegram"\ncard = true', 1),
            sources=sources.replace('kind = "cap"', 'kind = "cap"\ntitle = "Météo"'),
            station=STATION.replace("\n[desk]", PAGES).format(port=self.port, desk=""),
        )
        self.revive()

    def until_shown(self, incident: str) -> None:
        """Wait for the page that tells of it."""
        self.until(lambda: f"/alerts/{incident}" in self._page())

    def _page(self) -> str:
        with urllib.request.urlopen(self.pages, timeout=10) as answer:
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


@contextmanager
def public_town(folder: Path) -> Iterator[PublicTown]:
    """A town that is cleaned up at the end."""
    town = PublicTown(folder)
    try:
        town.open_pages()
        yield town
    finally:
        town.end()
