"""A town that takes reports, with the names of its streets, and pages in two languages."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.browser.town import CHANNELS, ROOT, SOURCES, STATION, DeskTown

ADDRESSES = """id;numero;rep;nom_voie;code_insee;lon;lat
1;4;;Rue de la Halle;38185;5.7180;45.1780
2;12;bis;Rue de la Halle;38185;5.7184;45.1784
3;1;;Quai Nord;38185;5.7160;45.1790
4;7;;Avenue du Général de Gaulle;38185;5.7200;45.1800
5;2;;Place de l’Église;38185;5.7170;45.1800
"""
PAGES = 'languages = ["en"]\nproxies = ["127.0.0.1"]\n'
"""In two languages; and each telephone may say from which network it comes, for one network reports only so often."""
HERE = {"latitude": 45.1781, "longitude": 5.7181, "accuracy": 12}
"""Where the telephones of these tests are: rue de la Halle."""


class ReportingTown(DeskTown):
    """What an officer lets out goes out at once."""

    @property
    def pages(self) -> str:
        """Where citizens look."""
        return f"http://localhost:{self.port}"

    def open_reports(self, section: str = "[reports]\n") -> None:
        """Sandbox, configuration, daemon."""
        self.start_sandbox()
        for name in ("areas.geojson", "travaux.ics"):
            shutil.copy(ROOT / name, self.folder / name)
        (self.folder / "adresses.csv").write_text(ADDRESSES, encoding="utf-8")
        station = STATION.replace("\n[desk]", f"\n{PAGES}\n[desk]").format(port=self.port, desk="")
        self.configure(
            channels=CHANNELS + "\n" + section,
            sources=SOURCES.format(publish="auto", feed=self.feed.url),
            station=station.replace("\n[store]", 'addresses = "adresses.csv"\n\n[store]', 1),
        )
        self.revive()

    def reports(self) -> list[dict[str, Any]]:
        """What was reported, newest first."""
        return self.objects("reports")


@contextmanager
def reporting_town(folder: Path) -> Iterator[ReportingTown]:
    """A town that is cleaned up at the end."""
    town = ReportingTown(folder)
    try:
        town.open_reports()
        yield town
    finally:
        town.end()
