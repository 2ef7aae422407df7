"""An operator at the fleet's own desk: real databases, the real guard, a browser with its cookies."""

from __future__ import annotations

from contextlib import asynccontextmanager

from aiohttp.test_utils import TestServer
from argon2 import PasswordHasher

from alerts.access.accounts import add_account
from alerts.access.passwords import Passwords
from alerts.config import fleet_desk
from alerts.desk.officer import Officer
from alerts.fleet.desk import open_desk
from alerts.fleet.process import fleet_app
from alerts.model.person import Role
from tests.fakes import FakeClock
from tests.unit.fleet.towns import a_fleet
from tests.unit.web.console.guarding import FIRST, ROOT, Browser

FLEET = '[fleet]\nname = "Département de l’Isère"\nlanguage = "fr-FR"\n'


class OperatorsDesk:
    """The desk of a folder of towns, where nothing looks by itself."""

    def __init__(self, fleet, desk) -> None:
        self.fleet, self.desk = fleet, desk
        self.clock, self.service = fleet.outside.clock, desk.service
        self.passwords = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        self.server: TestServer
        self._browsers = []

    async def add(self, name="Marie", role=Role.OPERATOR):
        kept = self.passwords.hash_now(FIRST)
        return await self.service.act(lambda unit: add_account(Officer(unit, ROOT), name, role, kept))

    async def operator(self, name="Marie", language="en"):
        """The browser of an operator who is signed in."""
        browser = Browser(self, language=language)
        self._browsers.append(browser)
        await browser.settle(name, Role.OPERATOR)
        return browser

    def stranger(self):
        """A browser of nobody."""
        self._browsers.append(Browser(self))
        return self._browsers[-1]

    def town(self, name):
        """A town's daemon."""
        return self.fleet.members[name].daemon

    async def look(self):
        """Look at the towns as the desk does every few seconds."""
        await self.clock.advance(6)
        await self.desk.health.look()

    async def close(self):
        for browser in self._browsers:
            await browser.client.close()
        await self.server.close()
        await self.desk.close()


@asynccontextmanager
async def an_operators_desk(stations):
    (stations / "fleet.toml").write_text(FLEET)
    passwords = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    async with a_fleet(stations, url=None, clock=FakeClock()) as fleet:
        desk = OperatorsDesk(fleet, await open_desk(fleet, fleet_desk(stations), passwords))
        desk.server = TestServer(await fleet_app(fleet, desk.desk))
        await desk.server.start_server()
        try:
            await fleet.look()
            await desk.desk.health.look()
            yield desk
        finally:
            await desk.close()
