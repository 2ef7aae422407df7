"""The API as a program meets it: over HTTP, on the real desk and the real database, with a clock to wind."""

from __future__ import annotations

import hashlib
import itertools
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from alerts.access.gate import Gate
from alerts.config import load_config
from alerts.daemon.desk import build_desk
from alerts.desk.service import DeskService
from alerts.model.events import Events
from alerts.model.person import Role, Token
from alerts.reports.intake import ReportIntake
from alerts.sources.cap.message import read_message
from alerts.store.database import Database
from alerts.store.files import migrate
from alerts.web.api.app import api_app
from alerts.web.api.guard import PROGRAM, STRANGER, Guard
from alerts.web.api.open311 import open311_app
from alerts.web.api.operation import Api
from tests.fakes import FakeClock
from tests.unit.desk.conftest import a_town

START = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
CHANNELS = """
[station]
name = "Ville de Saint-Martin"
sender = "alertes@saint-martin.example"
areas = ["INSEE:38185"]
boundary = "areas.geojson"
[store]
url = "sqlite:///tocsin.db"
[sources.manual]
publish = "approve"
urgent = "auto"
[channels.page]
kind = "facebook"
page_id = "1234567890"
token = { env = "FACEBOOK_TOKEN" }
[channels.telegram]
kind = "telegram"
chat = "@saintmartin"
token = { env = "TELEGRAM_TOKEN" }
[channels.exercices]
kind = "telegram"
chat = "-100"
token = { env = "TELEGRAM_TOKEN" }
exercise = true
"""
AREAS = Path(__file__).resolve().parents[4] / "areas.geojson"
ROLES = ("reporter", "viewer", "author", "approver", "administrator")


@dataclass
class Bureau:
    """One API with a token of each role, named as the role is."""

    api: Api
    service: DeskService
    database: Database
    clock: FakeClock
    client: TestClient
    folder: Path
    tokens: dict[str, str] = field(default_factory=dict)

    async def give(self, name, role, bearer=None):
        """A program's token, as the database keeps it."""
        return await give_token(self.service, name, role, bearer)

    async def ask(self, method, path, role="author", **request):
        headers = {"Accept-Language": "en", **request.pop("headers", {})}
        if role is not None:
            headers.setdefault("Authorization", f"Bearer {self.tokens.get(role, role)}")
        return await self.client.request(method, f"/api/v1{path}", headers=headers, **request)

    async def told(self, method, path, role="author", *, status=200, **request):
        """The answer's JSON, which must have this status."""
        answer = await self.ask(method, path, role, **request)
        assert answer.status == status, await answer.text()
        return await answer.json(content_type=None)

    async def posted(self, role="author", *, status=201, headers=None, **words):
        """A new alert that waits for a validation."""
        body = {"headline": "Coupure d’eau rue des Tilleuls", "instruction": "Faites des réserves.", **words}
        return await self.told("POST", "/alerts", role, json=body, status=status, headers=headers or {})

    async def rows(self, sql, *values):
        return await self.database.read(lambda db: [tuple(row) for row in db.execute(sql, values)])

    async def write(self, sql, *values):
        await self.database.write(lambda db: db.execute(sql, values) and None)


async def give_token(service, name, role, bearer=None):
    bearer = bearer or f"token-of-{name}"
    digest = hashlib.sha256(bearer.encode()).hexdigest()
    token = Token(f"id-{bearer}", name, Role(role), digest, service.now(), "root")
    await service.act(lambda unit: unit.accounts.put_token(token))
    return bearer


def build_api(service, station, pace=PROGRAM, proxies=()):
    gate = Gate(service, a_town())
    paces = (pace, STRANGER if pace is PROGRAM else pace)
    return Api(
        service=service,
        station=station,
        guard=Guard(gate, service.steady, proxies, paces),
        read_cap=lambda body: read_message(body, zone=station.zone),
    ), gate


@asynccontextmanager
async def open_bureau(folder, channels=CHANNELS, pace=PROGRAM, proxies=()):
    (folder / "channels.toml").write_text(channels, encoding="utf-8")
    (folder / "areas.geojson").write_bytes(AREAS.read_bytes())
    config = load_config(folder / "channels.toml")
    migrate(config.database)
    database, clock, numbers = await Database.open(config.database), FakeClock(START), itertools.count(1)
    desk = build_desk(config, clock.now, lambda: f"id{next(numbers):010}")
    service = DeskService(
        town=config,
        database=database,
        desk=desk,
        clock=clock,
        new_id=lambda: f"id{next(numbers):010}",
        events=Events(),
    )
    api, gate = build_api(service, desk.station, pace, proxies)
    if config.reports is not None:
        api = replace(api, reports=ReportIntake(config, service, clock))
    app = web.Application()
    app.add_subapp("/api/v1", api_app(api))
    if api.reports is not None:
        app.add_subapp("/open311/v2", open311_app(api, api.reports))
    async with TestClient(TestServer(app)) as client:
        tokens = {role: await give_token(service, role, role) for role in ROLES}
        yield Bureau(api, service, database, clock, client, folder, tokens)
    await gate.touches.done()
    await database.close()
