"""Setting up in the running daemon: for administrators alone, with each trial in the audit log."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime, timedelta
from html import unescape

import aiohttp
import pytest

from alerts.access.sessions import digest
from alerts.app import build
from alerts.config import load_config
from alerts.model.person import Account, Role, Session, Stage
from alerts.store.people import Accounts

LINES = """[station]
name = "Ville de Saint-Martin"
sender = "alertes@saint-martin.example"
language = "en"

[web]
listen = "127.0.0.1:0"

[notify]
every = "1s"

[channels.page]
kind = "facebook"
api_url = "{sandbox}"
page_id = "1234567890"
token = {{ env = "FACEBOOK_TOKEN" }}
"""


@pytest.fixture
async def house(tmp_path, sandbox):
    (tmp_path / "channels.toml").write_text(LINES.format(sandbox=sandbox.url))
    house = await build(load_config(tmp_path / "channels.toml"))
    await house.start()
    yield house
    await house.stop()


async def signed_in(house, role: Role, name: str = "camille") -> aiohttp.ClientSession:
    now = datetime.now(UTC)
    account = Account(name, role, "", must_change=False, created_at=now)
    session = Session(digest(name), name, f"csrf-{name}", Stage.FULL, now, now, now + timedelta(hours=1))

    def store(db):
        Accounts(db).put_account(account)
        Accounts(db).put_session(session)

    await house.database.write(store)
    return aiohttp.ClientSession(cookies={"tocsin": name}, headers={"Accept-Language": "en"})


async def send(house, client, step: str, do: str, **typed: str) -> tuple[int, str]:
    data = {"csrf": "csrf-camille", "lines": house.config.file.read_text(), "do": do, **typed}
    async with client.post(f"{house.url}/desk/setup/{step}", data=data) as answer:
        return answer.status, await answer.text()


def words(page: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())


async def test_an_administrator_begins_with_the_lines_that_hold_and_tests_them(house):
    async with await signed_in(house, Role.ADMINISTRATOR) as client:
        async with client.get(f"{house.url}/desk/setup") as answer:
            assert answer.status == 200
            assert 'value="Ville de Saint-Martin"' in await answer.text()
        status, page = await send(house, client, "channels", "test:page")
        assert status == 200
        assert "Speaks as Sandbox page 1234567890, 2140 people follow it." in words(page)


@pytest.mark.parametrize("role", [Role.VIEWER, Role.AUTHOR, Role.APPROVER])
async def test_nobody_else_may(house, sandbox, role):
    async with await signed_in(house, role) as client:
        async with client.get(f"{house.url}/desk/setup") as answer:
            assert answer.status == 403
        for do in ("test:page", "show:page"):
            status, page = await send(house, client, "channels", do)
            assert status == 403
            assert "api_url" not in page
        async with client.get(f"{sandbox.url}/sandbox/timelines.json") as answer:
            assert (await answer.json())["facebook"] == []


async def test_a_test_post_is_in_the_record(house):
    async with await signed_in(house, Role.ADMINISTRATOR) as client:
        status, page = await send(house, client, "channels", "show:page")
    assert (status, "The test post is out" in words(page)) == (200, True)
    lines = await house.database.read(lambda unit: unit.audit.newest())
    entry = lines[0].entry
    assert (entry.act, entry.subject, entry.actor) == ("post a test", "channels.page", "camille")


async def test_every_trial_is_in_the_record_with_its_address(house, sandbox):
    lines = house.config.file.read_text()
    more = """
[channels.hook]
kind = "webhook"
url = "http://user:geheim@127.0.0.1:1/x?key=geheim"
secret = { env = "FACEBOOK_TOKEN" }
[sources.meteo]
kind = "cap"
url = "http://127.0.0.1:1/feed?key=geheim"
"""
    async with await signed_in(house, Role.ADMINISTRATOR) as client:
        await send(house, client, "channels", "test:page")
        await send(house, client, "channels", "test:hook", lines=lines + more)
        await send(house, client, "sources", "test:meteo", lines=lines + more)
    newest = await house.database.read(lambda unit: unit.audit.newest(most=3))
    assert [(line.entry.act, line.entry.subject, line.entry.detail) for line in reversed(newest)] == [
        ("test", "channels.page", sandbox.url),
        ("test", "channels.hook", "http://127.0.0.1:1/x"),
        ("test", "sources.meteo", "http://127.0.0.1:1/feed"),
    ]


async def test_a_webhook_is_not_tried_before_it_stands_in_the_file(house, sandbox):
    hook = '[channels.hook]\nkind = "webhook"\nurl = "URL/webhook"\nsecret = { env = "WEBHOOK_SECRET" }\n'
    lines = house.config.file.read_text() + hook.replace("URL", sandbox.url)
    async with await signed_in(house, Role.ADMINISTRATOR) as client:
        _, page = await send(house, client, "channels", "test:hook", lines=lines)
        assert "url and secret are tried from here once they stand together in channels.toml" in words(page)
        house.config.file.write_text(lines)
        _, page = await send(house, client, "channels", "test:hook", lines=lines)
        assert "url and secret are tried" not in words(page)


@pytest.mark.parametrize(
    ("others", "told"),
    [
        ({}, "Four eyes are not possible yet."),
        ({"alex": Role.VIEWER}, "Four eyes are not possible yet."),
        ({"alex": Role.AUTHOR}, "Four eyes are possible"),
    ],
)
async def test_the_accounts_step_tells_whether_four_eyes_are_possible(house, others, told):
    async with await signed_in(house, Role.ADMINISTRATOR) as client:
        for name, role in others.items():
            await (await signed_in(house, role, name)).close()
        _, page = await send(house, client, "accounts", "")
    assert told in words(page)
    assert all(name in page for name in others)


async def test_followers_are_known_soon_after_the_start(house):
    known: dict[str, str] = {}
    async with asyncio.timeout(20):
        while "followers" not in known:
            known = await house.database.read(lambda db: dict(db.execute("select key, value from fact").fetchall()))

    assert known["followers"] == "2140"
