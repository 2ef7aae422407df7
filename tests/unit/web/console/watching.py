"""A desk with its pages in one process: the real database, a clock to wind, and whoever a test says is signed in."""

from __future__ import annotations

import itertools
from contextlib import asynccontextmanager
from datetime import timedelta

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from alerts.access.gate import Gate
from alerts.access.sessions import Visit, Visitor
from alerts.config import load_config
from alerts.daemon.desk import build_desk
from alerts.desk.draft import Draft, draft_alert
from alerts.desk.officer import Officer
from alerts.desk.service import DeskService
from alerts.model.events import Events
from alerts.model.person import Account, Actor, Origin, Role, Session, Stage
from alerts.model.post import PostState
from alerts.store.database import Database
from alerts.store.files import migrate
from alerts.web.console import days, incident, stream, watch
from alerts.web.console.frame import VISITOR, Console, Frame
from tests.fakes import FakeClock

TOWN = """
[station]
name = "Saint-Martin"
sender = "alertes@saint-martin.example"
language = "en"

[sources.manual]
publish = "{publish}"

[sources.meteo]
kind = "cap"
url = "http://127.0.0.1:9/index.atom"
area = "any"

[channels.x]
kind = "telegram"
chat = "@saintmartin"
token = {{ env = "TELEGRAM_TOKEN" }}
limits = ["60/24h"]
reserve = 12

[channels.second]
kind = "telegram"
chat = "@saintmartin2"
token = {{ env = "TELEGRAM_TOKEN" }}

[channels.drill]
kind = "telegram"
chat = "@exercices"
token = {{ env = "TELEGRAM_TOKEN" }}
exercise = true
"""

LISTENING = (
    TOWN.replace('chat = "@saintmartin2"', 'chat = "@saintmartin2"\nhears = true')
    + """
[channels.page]
kind = "facebook"
page_id = "117001"
token = {{ env = "FACEBOOK_TOKEN" }}
hears = true

[listening]
every = "60s"

[listening.feeds.presse]
kind = "rss"
url = "http://127.0.0.1:9/feed.xml"
every = "15m"
"""
)
"""The same town, which listens on two channels and to a feed."""
REPORTING = (
    LISTENING
    + """
[reports]
prefix = "SM"
"""
)
"""The same town, in which people report on the map."""
WATCH = (watch, incident, days, stream)


class Desk:
    """The service and the pages; `client` is a browser, signed in as `role` until a test changes that."""

    def __init__(self, config, database, clock, events=None) -> None:
        count = itertools.count(1)
        self.config, self.database, self.clock = config, database, clock
        self.events = events or Events()
        self.desk = build_desk(config, clock.now, lambda: f"id{next(count):05}")
        self.service = DeskService(
            town=config,
            database=database,
            desk=self.desk,
            clock=clock,
            new_id=lambda: f"id{next(count):05}",
            events=self.events,
        )
        gate = Gate(self.service, config)
        self.console = Console(self.service, Frame(config, clock.now), gate)
        self.role, self.name, self.language = Role.APPROVER, "Anne", "en"
        self.client: TestClient

    def visitor(self) -> Visitor:
        now = self.clock.now()
        account = Account(self.name, self.role, "", must_change=False, created_at=now, language=self.language)
        session = Session(
            f"digest of {self.name}", self.name, "csrf-of-the-test", Stage.FULL, now, now, now + timedelta(days=3)
        )
        return Visitor(account, session, Visit("127.0.0.1"))

    def app(self, routes=None) -> web.Application:
        @web.middleware
        async def as_somebody(request, handler):
            request[VISITOR] = self.visitor()
            return await handler(request)

        desk = web.Application(middlewares=[as_somebody])
        desk.add_routes(routes or [route for part in WATCH for route in part.routes(self.console)])
        app = web.Application()
        app.add_subapp("/desk", desk)
        return app

    async def sign_in(self) -> None:
        visitor = self.visitor()

        def keep(unit):
            unit.accounts.put_account(visitor.account)
            unit.accounts.put_session(visitor.session)

        await self.service.act(keep)

    async def text(self, address: str, status: int = 200) -> str:
        async with self.client.get(f"/desk{address}", allow_redirects=False) as answer:
            assert answer.status == status, await answer.text()
            return await answer.text()

    async def press(self, address: str, /, **fields: str):
        """Post a form; returns the status, where it leads, and the page."""
        async with self.client.post(f"/desk{address}", data=fields, allow_redirects=False) as answer:
            return answer.status, answer.headers.get("Location"), await answer.text()

    async def post(self, headline: str = "Water cut", *, again: bool = True, channels=(), by="Anne", **fields):
        """An officer's alert, filed."""
        draft = Draft(headline=headline, **{"expires": "6h", **fields})

        def action(unit):
            alert = draft_alert(draft, unit.desk.station, unit.now, unit.new_id())
            officer = Officer(unit, Actor(by, Role.ADMINISTRATOR, Origin.COMMAND))
            return officer.post(alert, channels, again=again).stored

        return await self.service.act(action)

    async def hear(self, alert, source="meteo"):
        return await self.service.act(lambda unit: unit.desk.file(unit.alerts, alert, source).stored)

    async def settle(self, alert_id: str, state: PostState, **changes) -> None:
        """Put an alert's posts into a state, as a lane would have."""
        values = {"state": state, **changes}
        sets = ", ".join(f"{name} = :{name}" for name in values)

        def work(db):
            db.execute(f"UPDATE post SET {sets} WHERE alert_id = :alert", {**values, "alert": alert_id})

        await self.database.write(work)

    async def posts(self, alert_id: str):
        return await self.service.ask(lambda unit: list(unit.alerts.posts_of(alert_id)))


async def _opened(tmp_path, publish, language, town):
    told = town.format(publish=publish).replace('language = "en"', f'language = "{language}"')
    (tmp_path / "channels.toml").write_text(told, encoding="utf-8")
    config = load_config(tmp_path / "channels.toml")
    migrate(config.database)
    return config, await Database.open(config.database)


@asynccontextmanager
async def a_desk(tmp_path, publish="auto", parts=WATCH, language="en", town=TOWN):
    config, database = await _opened(tmp_path, publish, language, town)
    try:
        desk = Desk(config, database, FakeClock())
        await desk.sign_in()
        async with TestClient(
            TestServer(desk.app([route for part in parts for route in part.routes(desk.console)]))
        ) as client:
            desk.client = client
            yield desk
    finally:
        await database.close()


def as_role(desk, role: str, name: str = "Anne") -> None:
    desk.role, desk.name = Role(role), name
