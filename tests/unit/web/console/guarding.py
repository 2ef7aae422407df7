"""The desk behind its guard, over HTTP, on a real service and database; a browser with its cookies; pages, read."""

from __future__ import annotations

import itertools
from contextlib import asynccontextmanager
from io import BytesIO
from urllib.parse import urlencode

from aiohttp import ClientSession, DummyCookieJar, web
from aiohttp.test_utils import TestServer
from argon2 import PasswordHasher
from lxml import html
from pyotp import TOTP

from alerts.access.accounts import add_account
from alerts.access.gate import Gate
from alerts.access.passwords import Passwords
from alerts.config import load_config
from alerts.daemon.desk import build_desk
from alerts.desk.officer import Officer
from alerts.desk.service import DeskService
from alerts.model.events import Events
from alerts.model.person import Actor, Origin, Role
from alerts.store.database import Database
from alerts.store.files import migrate
from alerts.web.console.app import console_app
from alerts.web.console.frame import Console, Frame
from tests.fakes import FakeClock

TOWN = """
[station]
name = "Ville de Saint-Martin"
sender = "alertes@saint-martin.example"
language = "fr"
[store]
url = "sqlite:///tocsin.db"
[web]
proxies = ["127.0.0.0/8"]
[channels.telegram]
kind = "telegram"
chat = "@saintmartin_alertes"
token = { env = "TELEGRAM_TOKEN" }
"""
FIRST, OWN = "first-password-of-all", "correct horse battery"
ROOT = Actor("root", Role.ADMINISTRATOR, Origin.COMMAND, "root")


class Page:
    """An answer, read: its status, headers, and what its HTML holds."""

    def __init__(self, answer, text) -> None:
        self.status, self.headers, self.text = answer.status, answer.headers, text
        self.location = answer.headers.get("Location", "")
        self.tree = html.document_fromstring(text) if text.lstrip().startswith("<!doctype") else None

    def form(self, action):
        """The fields of the form that posts there, as a browser would send them."""
        assert self.tree is not None, self.text
        form = next(form for form in self.tree.forms if form.get("action") == action)
        return {name: value or "" for name, value in form.form_values()}

    @property
    def said(self):
        return " ".join(self.tree.find(".//main").text_content().split())


class Town:
    """A desk, and browsers at it."""

    def __init__(self, config, database) -> None:
        numbers = itertools.count(1)
        self.clock, self.config = FakeClock(), config
        desk = build_desk(config, self.clock.now, lambda: f"id{next(numbers):06}")
        self.service = DeskService(
            town=config,
            database=database,
            desk=desk,
            clock=self.clock,
            new_id=lambda: f"id{next(numbers):06}",
            events=Events(),
        )
        self.passwords = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        self.gate = Gate(self.service, self.config, passwords=self.passwords)
        self.console = Console(self.service, Frame(config, self.clock.now), self.gate)
        self.server: TestServer

    def app(self) -> web.Application:
        app, desk = web.Application(), console_app(self.console)
        desk.add_routes([web.get("/stumbles", self._stumble)])
        app.add_subapp("/desk", desk)
        return app

    async def add(self, name="Anne", role=Role.AUTHOR):
        kept = self.passwords.hash_now(FIRST)
        return await self.service.act(lambda unit: add_account(Officer(unit, ROOT), name, role, kept))

    async def account(self, name="Anne"):
        return await self.service.ask(lambda unit: unit.accounts.account(name))

    async def drafts(self, name="Anne"):
        return await self.service.ask(lambda unit: list(unit.drafts.drafts(name)))

    first = FIRST

    def code(self, seed):
        return TOTP(seed).at(self.clock.now())

    @staticmethod
    async def _stumble(_):
        raise RuntimeError("the password of the database is swordfish")


class Browser:
    """A browser with its own cookies; `over_https` speaks through a proxy of ours, as the daemon sees it."""

    def __init__(self, town, *, over_https=False, language="en") -> None:
        self.town, self.over_https = town, over_https
        self.client = ClientSession(town.server.make_url("/"), cookie_jar=DummyCookieJar())
        self.headers = {"Accept": "text/html,*/*", "Accept-Language": language, "User-Agent": "Firefox"}
        if over_https:
            self.headers["X-Forwarded-Proto"] = "https"
        self.jar: dict[str, str] = {}

    @property
    def cookie(self):
        return self.jar.get("__Host-tocsin" if self.over_https else "tocsin", "")

    async def get(self, path, **headers):
        return await self._ask("GET", path, None, headers)

    async def post(self, path, fields=None, **headers):
        return await self._ask("POST", path, fields or {}, {"Sec-Fetch-Site": "same-origin"} | headers)

    async def send(self, page, action, **typed):
        """Fill in a form of the page and post it."""
        return await self.post(action, page.form(action) | typed)

    async def json(self, path, token):
        """What a script fetches."""
        page = await self.post(path, None, X_CSRF_Token=token, Accept="application/json", Sec_Fetch_Mode="cors")
        assert page.status == 200, page.text
        return page.text

    async def follow(self, page):
        assert page.status == 303, page.text
        return await self.get(page.location)

    async def settle(self, name="Anne", role=Role.AUTHOR):
        """An account with its own password and codes, signed in here; returns the generator of its codes."""
        await self.town.add(name, role)
        page = await self.get("/desk/sign-in")
        page = await self.follow(await self.send(page, "/desk/sign-in", name=name, password=FIRST))
        page = await self.follow(
            await self.send(page, "/desk/sign-in/password", new_password=OWN, new_password_again=OWN)
        )
        seed = page.tree.xpath("//*[@class='code']")[0].text_content().replace(" ", "")
        codes = TOTP(seed)
        page = await self.send(page, "/desk/sign-in/second-factor", code=codes.at(self.town.clock.now()))
        assert page.location == "/desk/", page.text
        await self.town.clock.advance(60)
        return codes

    async def _ask(self, method, path, fields, headers):
        sent = "; ".join(f"{name}={value}" for name, value in self.jar.items())
        headers = self.headers | {name.replace("_", "-"): value for name, value in headers.items()}
        if sent:
            headers["Cookie"] = sent
        data = None
        if fields is not None:
            headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
            data = BytesIO(urlencode(fields, doseq=True).encode())
        async with self.client.request(method, path, data=data, headers=headers, allow_redirects=False) as answer:
            for name, kept in answer.cookies.items():
                if kept["max-age"] == "0":
                    self.jar.pop(name, None)
                else:
                    self.jar[name] = kept.value
            return Page(
                answer, await answer.text() if answer.content_type.startswith(("text/", "application/json")) else ""
            )


@asynccontextmanager
async def open_town(folder, more="", station="", proxies='proxies = ["127.0.0.0/8"]'):
    lines = TOWN.replace('language = "fr"\n', f'language = "fr"\n{station}').replace(
        'proxies = ["127.0.0.0/8"]', proxies
    )
    (folder / "channels.toml").write_text(lines + more, encoding="utf-8")
    config = load_config(folder / "channels.toml")
    migrate(config.database)
    database = await Database.open(config.database)
    town = Town(config, database)
    town.server = TestServer(town.app())
    await town.server.start_server()
    try:
        yield town
    finally:
        await town.server.close()
        await database.close()
