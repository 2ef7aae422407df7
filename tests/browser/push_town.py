"""A town that pushes its alerts, by the push service of the sandbox; with a bot, and whatever else a test adds."""

from __future__ import annotations

from contextlib import closing
from typing import Any

from alerts.channels.push.encryption import new_key
from alerts.store.files import connect
from tests.browser.public_town import PublicTown
from tests.browser.town import ROOT, STATION
from tests.process.town import TELEGRAM

PUSH = """
[push]
key = {{{{ file = "push.pem" }}}}
subject = "mailto:mairie@saint-martin.example"
services = ["{host}"]
"""


class PushTown(PublicTown):
    """Its page, in two languages, offers to show alerts."""

    def open_push(self, more: str = "", sources: str = "") -> None:
        """Sandbox, configuration, daemon."""
        self.start_sandbox()
        (self.folder / "push.pem").write_text(new_key())
        (self.folder / "areas.geojson").write_bytes((ROOT / "areas.geojson").read_bytes())
        push = PUSH.format(host=self.sandbox.removeprefix("http://"))
        self.configure(
            channels=TELEGRAM + "subscriptions = true\n" + push + more,
            sources=sources,
            station=STATION.partition("[notify]")[0]
            .replace("https://alertes.saint-martin.example", "http://localhost:{port}")
            .replace("\n[desk]", '\nlanguages = ["en"]\n\n[desk]')
            .format(port=self.port, desk=""),
        )
        self.revive()

    def brought(self) -> list[dict[str, Any]]:
        """What the push service took, oldest first."""
        messages: list[dict[str, Any]] = self.ask("/sandbox/push/messages.json")
        return messages

    def rows(self, table: str, channel: str = "push") -> int:
        """How many there are of that channel."""
        with closing(connect(self.database, readonly=True)) as db:
            return int(db.execute(f"SELECT count(*) FROM {table} WHERE channel = ?", (channel,)).fetchone()[0])
