"""The house's own service with a publisher, and a client that asks it over HTTP."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress

from aiohttp import CookieJar, web
from aiohttp.test_utils import TestClient, TestServer

from alerts.config import load_config
from alerts.daemon.desk import build_desk
from alerts.delivery.worker import Workers
from alerts.desk.service import DeskService
from alerts.fleet.entrance import TownRouter
from alerts.model.events import Events
from alerts.model.incident import new_id
from alerts.model.ports import Heard, Memory
from alerts.model.reason import in_words
from alerts.store.database import Database
from alerts.store.files import migrate
from alerts.web.public.publisher import Publisher, public_routes
from tests.fakes import FakeClock
from tests.unit.desk.conftest import NOW
from tests.unit.web.public.conftest import a_setting

CONFIG = """
[station]
name = "Ville de Saint-Martin"
sender = "alertes@saint-martin.example"
areas = ["INSEE:38185"]
{station}

[sources.meteo]
kind = "cap"
url = "meteo.xml"
publish = "{publish}"

[channels.telegram]
kind = "telegram"
chat = "@saintmartin_alertes"
token = {{ env = "TELEGRAM_TOKEN" }}
{channel}
"""


class House:
    """The service, a publisher, and a client that asks."""

    def __init__(self, database, config, clock, export=None, **setting) -> None:
        self.clock = clock
        self.database = database
        self.station = config
        self.events = Events()
        self.service = DeskService(
            town=config,
            database=database,
            desk=build_desk(config, clock.now),
            clock=clock,
            new_id=new_id,
            events=self.events,
        )
        self.publisher = Publisher(self.service, a_setting(**setting), clock, export)
        self.client = None

    def run(self) -> Workers:
        """The publisher's loops, from now on."""
        workers = Workers(self.clock)
        for work in self.publisher.work():
            workers.begin(work)
        return workers

    async def hear(self, alert, source="meteo"):
        filed = await self.service.act(lambda unit: unit.desk.hear(unit.alerts, Heard(alert.identifier, alert), source))
        return filed.stored

    async def post(self, alert):
        """An officer's, which is out at once."""
        filed = await self.service.act(lambda unit: unit.desk.post(unit.alerts, alert, again=True))
        await self.database.write(lambda db: db.execute("UPDATE post SET state = 'sent'"))
        return filed.stored

    async def read_source(self, reason=None):
        """The source was looked at just now, well or not."""
        now = self.clock.now()
        if reason is None:
            await self.database.write(lambda unit: unit.sources.remember("meteo", Memory(), now, now))
        else:
            await self.database.write(lambda unit: unit.sources.failed("meteo", in_words(reason), now, now))

    async def get(self, path, **headers):
        async with self.client.get(path, headers=headers) as answer:
            return answer.status, await answer.text()


@asynccontextmanager
async def a_house(tmp_path, publish="auto", export=None, clock=None, channel="", *, station="", **setting):
    path = tmp_path / "town.db"
    migrate(path)
    file = tmp_path / "channels.toml"
    file.write_text(CONFIG.format(publish=publish, channel=channel, station=station), encoding="utf-8")
    database = await Database.open(path)
    house = House(database, load_config(file), clock or FakeClock(NOW), export, **setting)
    app = web.Application()
    app.add_routes(public_routes(house.publisher))
    try:
        async with TestClient(TestServer(app)) as client:
            house.client = client
            yield house
    finally:
        await database.close()


async def next_data(stream):
    while True:
        line = await stream.content.readline()
        if line.startswith(b"data:"):
            return line


async def end(task):
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


@asynccontextmanager
async def a_door(routes):
    """A client of a fleet's door, behind which the town with these pages is below `/t/martin`."""
    app, door, front = web.Application(), TownRouter(), web.Application()
    app.add_routes(routes)
    front.router.add_route("*", "/{path:.*}", door.answer)
    place = await door.put("martin", app, ())
    async with TestClient(TestServer(front), cookie_jar=CookieJar(unsafe=True)) as client:
        yield client
    await door.take_away(place)
