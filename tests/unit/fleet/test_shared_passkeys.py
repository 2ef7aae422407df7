"""Towns that share a host share what a browser offers at the sign-in: each takes its own passkeys, and no other's."""

from __future__ import annotations

import json
from contextlib import AsyncExitStack

import pytest
from aiohttp.test_utils import TestClient, TestServer
from argon2 import PasswordHasher
from lxml import html

from alerts.access.accounts import add_account
from alerts.access.passwords import Passwords
from alerts.desk.officer import Officer
from alerts.fleet.process import fleet_app
from alerts.model.person import Role
from tests.unit.access.authenticator import Authenticator
from tests.unit.fleet.test_entrance import ROOT
from tests.unit.fleet.towns import a_fleet, write_town

FIRST, OWN = "first-password-of-all", "correct horse battery"


class Towns:
    """Two of them below one host, and a browser there."""

    def __init__(self, client) -> None:
        self.client = client
        self.origin = str(client.make_url("/")).rstrip("/")

    async def post(self, town, path, **fields):
        headers = {"Origin": self.origin, "Accept": "text/html"}
        return await self.client.post(f"/t/{town}/desk{path}", data=fields, headers=headers, allow_redirects=False)

    async def ask(self, town, path, csrf=""):
        headers = {"Origin": self.origin, "X-CSRF-Token": csrf}
        return await (await self.client.post(f"/t/{town}/desk{path}/options", headers=headers)).json()

    async def csrf(self, town, path):
        page = await (await self.client.get(f"/t/{town}/desk{path}", headers={"Accept": "text/html"})).text()
        return html.document_fromstring(page).xpath("//input[@name='csrf']/@value")[0]

    async def enrolled(self, town):
        """Anne of that town, with a passkey, signed out; returns it, and what it was told."""
        key, enrol = Authenticator(), "/sign-in/second-factor"
        await self.post(town, "/sign-in", name="Anne", password=FIRST)
        own = {"new_password": OWN, "new_password_again": OWN, "csrf": await self.csrf(town, "/sign-in/password")}
        await self.post(town, "/sign-in/password", **own)
        csrf = await self.csrf(town, enrol)
        told = await self.ask(town, f"{enrol}/passkey", csrf)
        answer = json.dumps(key.create(told, self.origin))
        assert (await self.post(town, f"{enrol}/passkey", answer=answer, csrf=csrf)).status == 303
        await self.post(town, "/sign-out", csrf=await self.csrf(town, "/account"))
        return key, told

    async def comes(self, town, key, asked=None):
        """With what the passkey answers to that town's question, or to another's."""
        answer = key.get(asked or await self.ask(town, "/sign-in/alone/passkey"), self.origin)
        return await self.post(town, "/sign-in/alone/passkey", answer=json.dumps(answer))


@pytest.fixture
async def towns(tmp_path):
    async with AsyncExitStack() as stack:
        for name in ("crolles", "meylan"):
            write_town(tmp_path, name)
        fleet = await stack.enter_async_context(a_fleet(tmp_path, url="http://127.0.0.1"))
        client = await stack.enter_async_context(TestClient(TestServer(await fleet_app(fleet))))
        await fleet.look()
        kept = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)).hash_now(FIRST)
        for member in fleet.members.values():
            member.daemon.control().act(lambda unit: add_account(Officer(unit, ROOT), "Anne", Role.AUTHOR, kept))
        yield Towns(client)


async def test_two_people_of_one_name_keep_their_passkeys_apart(towns):
    (crolles, told), (meylan, other) = await towns.enrolled("crolles"), await towns.enrolled("meylan")
    assert (told["user"]["name"], other["user"]["name"]) == ("Anne (Ville de crolles)", "Anne (Ville de meylan)")
    assert told["user"]["id"] != other["user"]["id"], "else one would take the other's place in the telephone"

    assert (await towns.comes("crolles", meylan)).status == 401
    asked_elsewhere = await towns.ask("meylan", "/sign-in/alone/passkey")
    assert (await towns.comes("crolles", crolles, asked_elsewhere)).status == 401
    came = await towns.comes("crolles", crolles)
    assert (came.status, came.headers["Location"]) == (303, "/t/crolles/desk/")
    assert {each["path"] for each in came.cookies.values()} == {"/t/crolles/"}
    assert (await towns.comes("meylan", meylan)).status == 303
