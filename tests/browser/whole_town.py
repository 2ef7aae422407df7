"""A town with all that citizens can meet on its pages: every way to be told, reports, polls, questions."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alerts.channels.push.encryption import new_key
from tests.browser.public_town import ReportingTown
from tests.browser.reporting_town import ADDRESSES
from tests.browser.town import LISTENS, ROOT, SOURCES, STATION
from tests.mail_relay import USER, Relay, running

MORE = f"""
[channels.lettre]
kind = "mail"
host = "127.0.0.1"
port = PORT
tls = "none"
sender = "Ville de Saint-Martin <{USER}>"
subscriptions = true

[push]
key = {{{{ file = "push.pem" }}}}
subject = "mailto:mairie@saint-martin.example"
services = ["HOST"]

[reports]
"""
OURS = "https://alertes.saint-martin.example"


class WholeTown(ReportingTown):
    """What an officer lets out goes out at once; its pages are in two languages, and answered by the daemon."""

    relay: Relay

    def open_whole(self, relay: Relay) -> None:
        """Sandbox, configuration, daemon."""
        self.relay = relay
        self.start_sandbox()
        for name in ("areas.geojson", "travaux.ics"):
            shutil.copy(ROOT / name, self.folder / name)
        (self.folder / "push.pem").write_text(new_key())
        (self.folder / "adresses.csv").write_text(ADDRESSES, encoding="utf-8")
        more = MORE.replace("PORT", str(relay.port)).replace("HOST", self.sandbox.removeprefix("http://"))
        station = STATION.replace("\n[store]", 'addresses = "adresses.csv"\n\n[store]', 1)
        self.configure(
            channels=LISTENS + more,
            sources=SOURCES.format(publish="auto", feed=self.feed.url),
            station=station.replace("\n[desk]", '\nlanguages = ["en"]\n\n[desk]').format(port=self.port, desk=""),
        )
        self.revive()

    def letter(self) -> str:
        """Where the last letter's link leads, on this machine."""
        found = re.search(rf"{OURS}(/\S*mail/confirm/\S+)", self.relay.taken[-1].text())
        assert found
        return f"{self.pages}{found[1]}"


@contextmanager
def whole_town(folder: Path) -> Iterator[WholeTown]:
    """A town that is cleaned up at the end."""
    with running(Relay()) as relay:
        town = WholeTown(folder)
        try:
            town.open_whole(relay)
            yield town
        finally:
            town.end()
