"""The two ways through the program are what `alerts.app` says: an alert is played from its feed to its receipt."""

from __future__ import annotations

import asyncio
import sys
import threading

from alerts.app import MESSAGE, POST, build
from alerts.config import load_config
from alerts.daemon.environment import DaemonEnvironment
from alerts.model.alert import Alert, Area, Info, Severity
from alerts.model.events import AttemptFinished
from alerts.model.ports import Heard, Memory, SourceReading
from alerts.model.post import PostState
from alerts.store.files import migrate
from tests.fakes import FakeClock, PlainChannel
from tests.unit.delivery.lane_house import WatchedDatabase

TOWN = """
[station]
name = "Saint-Martin"
sender = "alertes@saint-martin.example"
language = "fr-FR"

[sources.meteo]
kind = "cap"
url = "https://meteo.example/feed"
publish = "auto"
area = "any"

[channels.telegram]
kind = "telegram"
chat = "@saintmartin"
token = { env = "TELEGRAM_TOKEN" }
"""


class Session:
    async def close(self) -> None:
        """There is nothing to close."""


class Feed:
    """Says one alert, once."""

    def __init__(self, alert: Alert) -> None:
        self.alert = alert

    async def read(self, memory, known, now) -> SourceReading:
        heard = [] if await known(["1"]) else [Heard("1", self.alert)]
        return SourceReading(heard, Memory(digest="1"))


class Calls:
    """The functions that are called from now on, in order, in every thread that begins from now on."""

    def __init__(self) -> None:
        self.codes: list[object] = []

    def __call__(self, frame, event, argument) -> None:
        if event == "call":
            self.codes.append(frame.f_code)

    def __enter__(self):
        threading.setprofile(self)
        sys.setprofile(self)
        return self

    def __exit__(self, *_) -> None:
        sys.setprofile(None)
        threading.setprofile(None)

    def missed(self, way) -> list[str]:
        """The steps that weren't called after those before them."""
        rest, missed = iter(self.codes), []
        for step, function in way:
            if not any(code is function.__code__ for code in rest):
                missed.append(step)
        return missed


async def play(config, out: list[AttemptFinished]) -> None:
    """A daemon that reads one alert in its feed, until the post has an outcome."""
    migrate(config.database)
    database = await WatchedDatabase.open(config.database)
    clock = FakeClock(work=database.at_work)
    info = Info(event="Crue", headline="Crue de l'Isère", severity=Severity.SEVERE, areas=(Area("Saint-Martin"),))
    alert = Alert("urn-1", "meteo@example", clock.now(), infos=(info,))

    async def opened(*_):
        return database

    async def open_session():
        return Session()

    outside = DaemonEnvironment(
        clock=clock,
        open_session=open_session,
        open_database=opened,
        open_channel=lambda name, settings, resources: PlainChannel(clock),
        open_source=lambda name, settings, around: Feed(alert),
        doors=False,
    )
    daemon = await build(config, outside)
    daemon.events.subscribe(AttemptFinished, out.append)
    await daemon.start()
    while not out:
        await clock.advance(1)
    stopping = asyncio.create_task(daemon.stop())
    while not stopping.done():
        await clock.advance(1)


async def test_an_alert_goes_the_ways_that_are_written_down(tmp_path):
    (tmp_path / "channels.toml").write_text(TOWN, encoding="utf-8")
    out: list[AttemptFinished] = []
    with Calls() as calls:
        await play(load_config(tmp_path / "channels.toml"), out)

    assert [event.verdict.state for event in out] == [PostState.SENT]
    assert calls.missed(MESSAGE) == []
    assert calls.missed(POST) == []
    assert calls.missed(POST[::-1]), "an order that is another one is seen"
