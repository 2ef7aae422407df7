"""A desk whose pages of validation are behind the real guard, in one process, with several people signed in."""

from __future__ import annotations

import html
import itertools
import re
from dataclasses import replace
from datetime import timedelta

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from alerts.access.gate import Gate
from alerts.access.sessions import digest
from alerts.config import load_config
from alerts.daemon.desk import build_desk
from alerts.desk.draft import Draft, draft_alert
from alerts.desk.officer import Officer
from alerts.desk.service import DeskService
from alerts.model.events import Events
from alerts.model.person import Account, Actor, Origin, Role, Session, Stage
from alerts.store.database import Database
from alerts.store.files import migrate
from alerts.web.console import validate
from alerts.web.console.app import guarded
from alerts.web.console.frame import Console, Frame
from alerts.web.console.review import review_page, seal
from tests.fakes import FakeClock

TOWN = """
[station]
name = "Saint-Martin"
sender = "alertes@saint-martin.example"
language = "en"

[desk]
alone = {alone}

[sources.manual]
publish = "approve"

[sources.meteo]
kind = "cap"
url = "http://127.0.0.1:9/index.atom"
area = "any"
publish = "veto"
urgent = "approve"

[channels.x]
kind = "telegram"
chat = "@saintmartin"
token = {{ env = "TELEGRAM_TOKEN" }}

[channels.page]
kind = "facebook"
page_id = "1234567890"
token = {{ env = "FACEBOOK_TOKEN" }}

[channels.drill]
kind = "telegram"
chat = "@exercices"
token = {{ env = "TELEGRAM_TOKEN" }}
exercise = true
"""
PEOPLE = {"Anne": Role.APPROVER, "Paul": Role.APPROVER, "Luc": Role.AUTHOR, "Vera": Role.VIEWER}


class Page:
    """What came back: its status, where it leads, its text with and without tags, and what its forms hold."""

    def __init__(self, status: int, location: str | None, text: str) -> None:
        self.status, self.location, self.html = status, location, text
        bare = re.sub(r"<(script|style|title)\b.*?</\1>|<[^>]+>", " ", text, flags=re.DOTALL)
        self.text = " ".join(html.unescape(bare).split())

    def hidden(self, name: str) -> str:
        found = re.search(rf'name="{name}" value="([^"]*)"', self.html)
        return found[1] if found else ""

    def has_form(self, end: str) -> bool:
        return f'/{end}"' in self.html


class ValidatingDesk:
    """People in their browsers before the same desk."""

    def __init__(self, config, database: Database) -> None:
        count = itertools.count(1)
        self.config, self.database, self.clock = config, database, FakeClock()
        self.desk = build_desk(config, self.clock.now, lambda: f"id{next(count):05}")
        self.service = DeskService(
            town=config,
            database=database,
            desk=self.desk,
            clock=self.clock,
            new_id=lambda: f"id{next(count):05}",
            events=Events(),
        )
        gate = Gate(self.service, config)
        self.console = Console(self.service, Frame(config, self.clock.now), gate)
        self.client: TestClient

    def app(self) -> web.Application:
        desk = guarded(self.console)
        desk.add_routes(validate.routes(self.console))
        app = web.Application()
        app.add_subapp("/desk", desk)
        return app

    async def let_in(self) -> None:
        now = self.clock.now()

        def keep(unit):
            for name, role in PEOPLE.items():
                unit.accounts.put_account(Account(name, role, "", must_change=False, created_at=now, language="en"))
                session = Session(digest(name), name, f"csrf-{name}", Stage.FULL, now, now, now + timedelta(days=1))
                unit.accounts.put_session(session)

        await self.service.act(keep)

    async def change_account(self, name: str, **changes) -> None:
        def change(unit):
            unit.accounts.put_account(replace(unit.accounts.account(name), **changes))

        await self.service.act(change)

    async def look(self, address: str, who: str = "Paul") -> Page:
        async with self.client.get(
            f"/desk{address}", headers={"Cookie": f"tocsin={who}", "Accept": "text/html"}, allow_redirects=False
        ) as answer:
            return Page(answer.status, answer.headers.get("Location"), await answer.text())

    async def press(self, address: str, who: str = "Paul", **fields: str) -> Page:
        fields = {"csrf": f"csrf-{who}", **fields}
        async with self.client.post(
            f"/desk{address}",
            data=fields,
            headers={"Cookie": f"tocsin={who}", "Accept": "text/html"},
            allow_redirects=False,
        ) as answer:
            return Page(answer.status, answer.headers.get("Location"), await answer.text())

    async def act(self, name: str, action):
        actor = Actor(name, PEOPLE.get(name, Role.APPROVER), Origin.CONSOLE)
        return await self.service.act(lambda unit: action(Officer(unit, actor)))

    async def post(self, headline: str = "Water cut", by: str = "Anne", **fields) -> str:
        draft = Draft(headline=headline, **{"expires": "6h", **fields})

        def action(officer):
            unit = officer.unit
            alert = draft_alert(draft, unit.desk.station, unit.now, unit.new_id())
            return officer.post(alert, again=True).stored.id

        return await self.act(by, action)

    async def hear(self, alert, source: str = "meteo") -> str:
        return (await self.service.act(lambda unit: unit.desk.file(unit.alerts, alert, source).stored)).id

    async def sealed(self, alert: str, who: str) -> str:
        """What a page with a button would carry, for somebody who isn't shown one."""
        actor = Actor(who, PEOPLE[who], Origin.CONSOLE)
        return seal(await self.service.ask(lambda unit: review_page(unit, alert, actor)), f"csrf-{who}")

    async def states(self, alert: str) -> set[str]:
        posts = await self.service.ask(lambda unit: unit.alerts.posts_of(alert))
        return {str(post.state) for post in posts}


async def a_validating_desk(tmp_path, alone: bool = False):
    """The desk; a generator, for a fixture."""
    (tmp_path / "channels.toml").write_text(TOWN.format(alone=str(alone).lower()), encoding="utf-8")
    config = load_config(tmp_path / "channels.toml")
    migrate(config.database)
    database = await Database.open(config.database)
    desk = ValidatingDesk(config, database)
    await desk.let_in()
    async with TestClient(TestServer(desk.app())) as client:
        desk.client = client
        yield desk
    await database.close()
