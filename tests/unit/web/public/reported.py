"""A town that takes reports and shows them: its pages over the real store, and a client that asks."""

from __future__ import annotations

import itertools
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from alerts.config import load_config
from alerts.daemon.desk import build_desk
from alerts.desk.service import DeskService
from alerts.model.events import Events
from alerts.model.incident import new_id
from alerts.model.person import Actor, Origin, Role
from alerts.model.reports import ReportPhoto, ReportState, Via
from alerts.model.town import WebSection
from alerts.reports.intake import ReportIntake
from alerts.reports.taking import ReportDraft
from alerts.store.database import Database
from alerts.store.files import migrate
from alerts.web.public.pins import PinPages
from alerts.web.public.publisher import Publisher, public_routes
from alerts.web.public.snapshot import Setting
from tests.fakes import FakeClock
from tests.unit.acting import by
from tests.unit.desk.conftest import NOW, renderer_of
from tests.unit.reports.conftest import HERE

CONFIG = """
[station]
name = "Ville de Saint-Martin"
sender = "alertes@saint-martin.example"
areas = ["INSEE:38185"]

[sources.meteo]
kind = "cap"
url = "meteo.xml"

[channels.telegram]
kind = "telegram"
chat = "@saintmartin_alertes"
token = { env = "TELEGRAM_TOKEN" }

[reports]
"""
ANNE = Actor("Anne", Role.AUTHOR, Origin.COMMAND)


@dataclass
class ReportedTown:
    """Its service, its way in for reports, its pages, and a client that asks them."""

    service: DeskService
    database: Database
    clock: FakeClock
    intake: ReportIntake
    publisher: Publisher
    pins: PinPages
    client: TestClient | None = None
    networks: itertools.count = field(default_factory=lambda: itertools.count(1))

    async def report(self, kind="flooding", place=HERE, **more):
        draft = ReportDraft(kind, Via.PAGE, f"net 10.0.{next(self.networks)}.0/24", *place, **more)
        return (await self.intake.take(draft)).report

    async def officer(self, act, *told, **more):
        """What Anne does about it."""
        return await self.service.act(by(ANNE, act, *told, **more))

    async def become(self, report, **changes):
        def change(unit):
            unit.reports.put(replace(unit.reports.by_id(report.id), **changes))

        await self.service.keep(change)

    async def accepted(self, kind="flooding", place=HERE, **more):
        report = await self.report(kind, place, **more)
        await self.become(report, state=ReportState.ACCEPTED, accepted_at=self.clock.now())
        return report

    async def with_photo(self, jpeg=b"\xff\xd8 a photo", released=True):
        report = await self.accepted(text="Un trou")
        await self.become(report, has_photo=True, state=ReportState.ACCEPTED, accepted_at=self.clock.now())
        at = self.clock.now()
        photo = ReportPhoto(report.id, jpeg, "0" * 16, at, at if released else None)
        await self.service.keep(lambda unit: unit.reports.put_photo(photo))
        return report

    def wait(self, seconds=5.0):
        """Until what was read is read anew."""
        self.clock.set(self.clock.now() + timedelta(seconds=seconds))

    async def get(self, path, **headers):
        async with self.client.get(path, headers=headers, allow_redirects=False) as told:
            return told.status, (await told.read()).decode(errors="replace"), told.headers


@asynccontextmanager
async def a_reported_town(tmp_path, more=lambda _: [], **changes):
    """`more` are routes beside those of pins."""
    path, file = tmp_path / "town.db", tmp_path / "channels.toml"
    migrate(path)
    file.write_text(CONFIG, encoding="utf-8")
    town = replace(load_config(file), web=WebSection(languages=("en",)), **changes)
    database, clock, events = await Database.open(path), FakeClock(NOW), Events()
    service = DeskService(
        town=town, database=database, desk=build_desk(town, clock.now), clock=clock, new_id=new_id, events=events
    )
    publisher = Publisher(service, Setting(town, renderer_of(town)), clock)
    intake = ReportIntake(town, service, clock)
    house = ReportedTown(service, database, clock, intake, publisher, PinPages(publisher, service, intake))
    app = web.Application()
    app.add_routes([*house.pins.routes(), *more(house), *public_routes(publisher)])
    try:
        async with TestClient(TestServer(app)) as client:
            house.client = client
            yield house
    finally:
        await database.close()
