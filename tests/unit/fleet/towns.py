"""A folder of towns, as an administrator writes it."""

from __future__ import annotations

from contextlib import asynccontextmanager

from alerts.daemon.environment import DaemonEnvironment
from alerts.fleet.fleet import Fleet
from alerts.fleet.process import shared_outside
from alerts.model.town import FleetSection, WebSection

CHANNEL = """
[channels.site]
kind = "webhook"
url = "http://127.0.0.1:9/hook"
secret = { file = "secret" }
"""
SHARED = "https://alertes.departement.example"


def write_town(stations, name, station="", rest=CHANNEL, store="sqlite:///tocsin.db"):
    """A town's folder: a station with a channel and its secret."""
    folder = stations / name
    folder.mkdir(exist_ok=True)
    (folder / "secret").write_text("whsec_c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0")
    (folder / "channels.toml").write_text(
        f'[station]\nname = "Ville de {name}"\nsender = "alertes@{name}.example"\n{station}\n'
        f'[store]\nurl = "{store}"\n{rest}'
    )
    return folder


@asynccontextmanager
async def a_fleet(stations, url=SHARED, clock=None, hosts=None):
    """The fleet of a folder, which hasn't looked at it yet."""
    async with shared_outside(stations, DaemonEnvironment(clock=clock) if clock is not None else None) as outside:
        fleet = Fleet(stations, FleetSection(url, hosts=hosts or {}), WebSection(listen="127.0.0.1:0"), outside)
        try:
            yield fleet
        finally:
            await fleet.stop()


def running(fleet):
    return [name for name, member in sorted(fleet.members.items()) if member.daemon is not None]
