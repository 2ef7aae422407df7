"""A town with all that a desk can show: live channels, one for exercises, one for the team, a feed, a calendar."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from campaign.feed import Feed
from campaign.running import Running, free_port
from campaign.town import ALL_THREE, Town

ROOT = Path(__file__).resolve().parents[2]
STATION = """
[station]
name = "Ville de Saint-Martin"
sender = "alertes@saint-martin.example"
public_url = "https://alertes.saint-martin.example"
areas = ["INSEE:38185"]
boundary = "areas.geojson"

[store]
url = "sqlite:///tocsin.db"

[web]
listen = "127.0.0.1:{port}"

[desk]
{desk}

[notify]
channels = ["equipe"]
"""
SOURCES = """
[sources.manual]
publish = "{publish}"

[sources.meteo]
kind = "cap"
url = "{feed}"
every = "1s"
publish = "veto"
veto = "10m"

[sources.travaux]
kind = "ical"
url = "travaux.ics"
announce = ["start", "end"]
severity = "Minor"
"""
CHANNELS = (
    ALL_THREE
    + """subscriptions = true

[channels.exercices]
kind = "telegram"
api_url = "{sandbox}"
chat = "-1001234567890"
token = {{ env = "TELEGRAM_TOKEN" }}
exercise = true

[channels.equipe]
kind = "telegram"
api_url = "{sandbox}"
chat = "-1009876543210"
token = {{ env = "TELEGRAM_TOKEN" }}
public = false
"""
)


LISTENS = (
    CHANNELS.replace('page_id = "1234567890"', 'page_id = "1234567890"\nhears = true')
    + """
[listening]
every = "1s"
hours = "08:00-19:00"
"""
)
"""The same, where people are listened to on the Page."""


class DeskTown(Town):
    """A town whose daemon always answers at the same address, so that it can be killed and come back."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.feed = Feed()
        self.port = free_port()
        self.daemon: Running | None = None

    @property
    def desk(self) -> str:
        """The desk's address."""
        return f"http://localhost:{self.port}/desk"

    def open(
        self, *, publish: str = "approve", desk: str = "", channels: str = CHANNELS, station: str = STATION
    ) -> None:
        """Sandbox, configuration, daemon."""
        self.start_sandbox()
        for name in ("areas.geojson", "travaux.ics"):
            shutil.copy(ROOT / name, self.folder / name)
        self.configure(
            channels=channels,
            sources=SOURCES.format(publish=publish, feed=self.feed.url),
            station=station.format(port=self.port, desk=desk),
        )
        self.revive()

    def revive(self) -> None:
        """Start the daemon, or start it again."""
        self.daemon = self.start_daemon()

    def kill(self) -> None:
        """kill -9."""
        if self.daemon is not None:
            self.daemon.stop(9)

    def end(self) -> None:
        """Kill what still runs, close the feed."""
        super().end()
        self.feed.stop()


@contextmanager
def desk_town(
    folder: Path, *, publish: str = "approve", desk: str = "", channels: str = CHANNELS, station: str = STATION
) -> Iterator[DeskTown]:
    """A town that is cleaned up at the end."""
    town = DeskTown(folder)
    try:
        town.open(publish=publish, desk=desk, channels=channels, station=station)
        yield town
    finally:
        town.end()
