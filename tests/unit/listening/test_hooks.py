"""What Facebook brings, from the sandbox over a socket: kept once, in order, or refused without a word."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from alerts.channels.settings import FacebookSettings
from alerts.daemon import hooks
from alerts.daemon.hooks import hook_routes
from alerts.listening.ears import Intake
from alerts.listening.hearing import understand_nothing
from alerts.model.errors import Busy
from alerts.model.listening import UtteranceState
from alerts.model.ports import SystemClock
from alerts.model.town import WebSection
from tests.townsfolk import Townsfolk
from tests.unit.web.test_listener import POST, hall
from tests.walls import in_one_test
from tocsin_sandbox.server import serve
from tocsin_sandbox.settings import FACEBOOK_APP_SECRET, FACEBOOK_PAGE_ID, FACEBOOK_PAGE_TOKEN, SandboxSettings

WORD = "entre-nous"
SETTINGS = {
    "kind": "facebook",
    "page_id": FACEBOOK_PAGE_ID,
    "token": {"env": "FACEBOOK_TOKEN"},
    "hears": True,
    "app_secret": {"env": "FACEBOOK_APP_SECRET"},
    "verify_token": {"env": "FACEBOOK_VERIFY_TOKEN"},
}


@dataclass
class Hook:
    """A Page of the sandbox whose comments are brought, and what is kept of them."""

    url: str
    people: Townsfolk
    session: aiohttp.ClientSession
    sandbox: str
    post: str
    listening: Any

    async def kept(self) -> list[Any]:
        heard = await self.listening.service.ask(lambda unit: unit.listening.heard(2000))
        return sorted(heard, key=lambda each: each.remote_id)

    async def texts(self) -> list[Any]:
        return [each.text for each in await self.kept()]

    async def bring(self, body: bytes, secret: str | None = FACEBOOK_APP_SECRET, **headers: str) -> int:
        if secret is not None:
            headers["X-Hub-Signature-256"] = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        async with self.session.post(self.url, data=body, headers=headers) as answer:
            assert await answer.text() == ""
            return answer.status


def routes_of(listening, tmp_path, intake=None, **settings):
    page = FacebookSettings.model_validate(SETTINGS | settings)
    town = SimpleNamespace(hearing={"page": SimpleNamespace(settings=page)}, folder=tmp_path, web=WebSection())
    intake = intake or Intake(listening.service, listening.events, SystemClock(), understand_nothing)
    return hook_routes(town, intake)


@asynccontextmanager
async def listens_at(listening, tmp_path, intake=None, **settings):
    app = web.Application()
    app.add_routes(routes_of(listening, tmp_path, intake, **settings))
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/hook/facebook/page"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def stopping(sandbox):
    try:
        yield
    finally:
        await sandbox.stop()


@pytest.fixture
async def hook(listening, tmp_path, monkeypatch):
    monkeypatch.setenv("FACEBOOK_APP_SECRET", FACEBOOK_APP_SECRET)
    monkeypatch.setenv("FACEBOOK_VERIFY_TOKEN", WORD)
    seconds = iter(range(10**6))
    now = datetime(2026, 11, 25, 12, 0, tzinfo=UTC).timestamp()
    # Each thing that people do takes them a second.
    sandbox = await serve(SandboxSettings(limits=False, clock=lambda: now + next(seconds)), "127.0.0.1", 0)
    async with stopping(sandbox), aiohttp.ClientSession() as session, listens_at(listening, tmp_path) as url:
        graph = f"{sandbox.url}/v25.0/{FACEBOOK_PAGE_ID}"
        signed = {"Authorization": f"Bearer {FACEBOOK_PAGE_TOKEN}"}
        async with session.post(f"{graph}/feed", data={"message": "Eau coupée"}, headers=signed) as answer:
            post = (await answer.json(content_type=None))["id"]
        people = Townsfolk(session, sandbox.url)
        assert (await people.subscribe(url, WORD, "by hand"))["verified"]
        await session.post(f"{graph}/subscribed_apps", data={"subscribed_fields": "feed"}, headers=signed)
        yield Hook(url, people, session, graph, post, listening)


async def test_only_who_knows_the_word_is_verified(hook):
    assert not (await hook.people.subscribe(hook.url, "autre"))["verified"]
    for asked in (
        {"hub.mode": "subscribe", "hub.verify_token": "é", "hub.challenge": "1"},
        {"hub.mode": "unsubscribe", "hub.verify_token": WORD, "hub.challenge": "1"},
        {"hub.mode": "subscribe", "hub.verify_token": WORD, "hub.challenge": "<script>"},
        {},
    ):
        async with hook.session.get(hook.url, params=asked) as answer:
            assert (answer.status, await answer.text()) == (403, "")


async def test_what_people_say_and_do_is_followed(hook):
    [id_] = (await hook.people.say("facebook", "Ou ?", under=hook.post, name="Nadia"))["ids"]
    [reply] = (await hook.people.say("facebook", "Idem", under=id_, name=None))["ids"]
    assert (await hook.people.deliver())["told"] == [200, 200]
    first, second = await hook.kept()
    assert (first.remote_id, first.text, first.name, first.root, first.parent) == (
        id_,
        "Ou ?",
        "Nadia",
        hook.post,
        None,
    )
    assert (second.remote_id, second.name, second.author, second.parent) == (reply, None, None, id_)
    await hook.people.edit("facebook", id_, "Où ?")
    await hook.people.delete("facebook", reply)
    await hook.people.deliver()
    first, second = await hook.kept()
    assert (first.text, second.text, second.state) == ("Où ?", None, UtteranceState.GONE)
    assert "Idem" not in str(await hook.listening.rows("SELECT * FROM utterance"))


@pytest.mark.parametrize(
    "how", [{"order": "reversed", "times": 2}, {"order": "reversed", "together": True}, {"late": 1200}]
)
async def test_in_any_order_twice_or_late_it_comes_to_the_same(hook, how):
    [edited, removed, hidden] = (await hook.people.say("facebook", ["a", "b", "c"], under=hook.post))["ids"]
    for text in ("aa", "aaa"):
        await hook.people.edit("facebook", edited, text)
    await hook.people.delete("facebook", removed)
    signed = {"Authorization": f"Bearer {FACEBOOK_PAGE_TOKEN}"}
    graph = hook.sandbox.rpartition("/")[0]
    for flag in ("true", "false", "true"):
        await hook.session.post(f"{graph}/{hidden}", data={"is_hidden": flag}, headers=signed)
    assert set((await hook.people.deliver(**how))["told"]) == {200}
    kept = {each.remote_id: each for each in await hook.kept()}
    assert len(kept) == 3
    assert (kept[edited].text, kept[removed].text, kept[hidden].text) == ("aaa", None, "c")
    assert [kept[each].hidden for each in (edited, hidden)] == [False, True]


async def test_what_the_page_says_itself_is_no_remark(hook):
    signed = {"Authorization": f"Bearer {FACEBOOK_PAGE_TOKEN}"}
    graph = hook.sandbox.rpartition("/")[0]
    await hook.session.post(f"{graph}/{hook.post}/comments", data={"message": "Bonjour"}, headers=signed)
    assert (await hook.people.deliver())["told"] == [200]
    assert await hook.kept() == []


@pytest.mark.parametrize("forged", [True, "unsigned"])
async def test_a_forged_delivery_is_refused_and_learns_nothing(hook, forged):
    await hook.people.say("facebook", "Où ?", under=hook.post)
    assert (await hook.people.deliver(forged=forged, keep=True))["told"] == [403]
    assert await hook.kept() == []
    assert (await hook.people.deliver())["told"] == [200]
    assert await hook.texts() == ["Où ?"]


async def test_a_thousand_changes_are_kept_in_a_few_transactions_and_twice_make_no_more(hook):
    acts = []
    await hook.people.say("facebook", "Merci", under=hook.post, count=1000)
    act = hook.listening.service.act
    hook.listening.service.act = lambda action, **more: acts.append(action) or act(action, **more)
    told = await hook.people.deliver(together=True, times=2)
    assert (told["told"], len(await hook.kept())) == ([200, 200], 1000)
    assert len(acts) == 10


async def test_what_the_database_refuses_comes_again(hook, listening, tmp_path):
    class Refusing(Intake):
        """Keeps the first few, then finds the disk full."""

        async def keep(self, channel, remarks, lease=None, **more):
            await super().keep(channel, remarks[:2], lease, **more)
            raise Busy("disk full")

    refusing = Refusing(listening.service, listening.events, SystemClock(), understand_nothing)
    await hook.people.say("facebook", ["a", "b", "c"], under=hook.post)
    async with listens_at(listening, tmp_path, refusing) as url:
        await hook.people.subscribe(url, WORD, "by hand")
        await hook.people.say("facebook", ["a", "b", "c"], under=hook.post)
        assert (await hook.people.deliver(together=True))["told"] == [503]
        assert len(await hook.kept()) == 2
    async with listens_at(listening, tmp_path) as url:
        await hook.people.subscribe(url, WORD, "by hand")
        await hook.people.say("facebook", ["d"], under=hook.post)
        assert (await hook.people.deliver())["told"] == [200]
    assert await hook.texts() == ["a", "b", "d"]


async def test_an_answer_that_got_lost_makes_nothing_twice(hook):
    body = json.dumps(
        {
            "object": "page",
            "entry": [
                {
                    "id": FACEBOOK_PAGE_ID,
                    "time": 1795608000,
                    "changes": [
                        {
                            "field": "feed",
                            "value": {
                                "item": "comment",
                                "verb": "add",
                                "comment_id": "1_7",
                                "post_id": hook.post,
                                "created_time": 1795608000,
                                "message": "Où ?",
                            },
                        }
                    ],
                }
            ],
        }
    ).encode()
    signature = "sha256=" + hmac.new(FACEBOOK_APP_SECRET.encode(), body, hashlib.sha256).hexdigest()
    host, port = hook.url.split("/")[2].split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    head = ("POST /hook/facebook/page HTTP/1.1", "Host: x", f"Content-Length: {len(body)}")
    signed = (*head, f"X-Hub-Signature-256: {signature}", "", "")
    writer.write("\r\n".join(signed).encode() + body)
    await writer.drain()
    writer.close()
    assert await hook.bring(body) == 200
    assert await hook.texts() == ["Où ?"]


@pytest.mark.parametrize("body", [b"", b"{", b"[" * 100_000])
async def test_what_is_signed_and_no_json_is_refused_for_good(hook, body):
    assert await hook.bring(body) == 400


async def test_a_delivery_that_is_too_large_is_refused(hook, monkeypatch):
    monkeypatch.setattr(hooks, "LARGEST", 1000)
    assert await hook.bring(b"[" + b" " * 999) == 400
    assert await hook.bring(b"[" + b" " * 1000) == 413


async def test_who_takes_too_long_over_it_is_let_go(hook, monkeypatch):
    monkeypatch.setattr(hooks, "WITHIN", 0.01)
    host, port = hook.url.split("/")[2].split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    head = (
        "POST /hook/facebook/page HTTP/1.1",
        "Host: x",
        "Content-Length: 9",
        f"X-Hub-Signature-256: sha256={'0' * 64}",
        "",
        "{",
    )
    writer.write("\r\n".join(head).encode())
    assert b" 408 " in await reader.readline()
    writer.close()


@pytest.mark.parametrize("networks", [1, 3])
async def test_whoever_sends_halves_keeps_nobody_out(hook, networks):
    host, port = hook.url.split("/")[2].split(":")
    half = "\r\n".join(
        (
            "POST /hook/facebook/page HTTP/1.1",
            "Host: x",
            "Content-Length: 1000",
            f"X-Hub-Signature-256: sha256={'0' * 64}",
            "",
            "{",
        )
    ).encode()
    held = []
    for number in range(3 * hooks.AT_ONCE):
        own = (f"127.0.{number % networks + 1}.1", 0)
        held.append(await asyncio.open_connection(host, int(port), local_addr=own))
        held[-1][1].write(half)
        await held[-1][1].drain()
    # Those before the last few gave way, each at once.
    given = held[: -hooks.AT_ONCE] if networks > 1 else held[: -hooks.OF_A_NETWORK]
    assert {(await reader.readline()).split()[1] for reader, _ in given} == {b"408"}
    assert [await hook.bring(b'{"object": "page"}') for _ in range(5)] == [200] * 5
    for _, writer in held:
        writer.close()


@in_one_test
@pytest.mark.parametrize("signature", ["", "x", f"sha256={'0' * 63}", f"sha256={'G' * 64}", f"sha1={'0' * 64}"])
async def test_what_can_be_no_signature_is_refused_before_anything_is_read(hook, signature):
    host, port = hook.url.split("/")[2].split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    head = "POST /hook/facebook/page HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n"
    writer.write(f"{head}X-Hub-Signature-256: {signature}\r\n\r\n".encode())
    assert b" 403 " in await reader.readline()
    writer.close()


async def test_without_its_secret_nothing_is_believed(hook, monkeypatch):
    monkeypatch.delenv("FACEBOOK_APP_SECRET")
    assert await hook.bring(b'{"object": "page"}') == 403
    assert await hook.bring(b'{"object": "page"}', "") == 403
    monkeypatch.setenv("FACEBOOK_APP_SECRET", "renewed")
    assert await hook.bring(b'{"object": "page"}', "renewed") == 200


@pytest.mark.parametrize("missing", ["hears", "app_secret", "verify_token"])
async def test_an_address_that_is_not_wanted_is_not_there(listening, tmp_path, missing):
    without = {missing: False if missing == "hears" else None}
    async with (
        aiohttp.ClientSession() as session,
        listens_at(listening, tmp_path, **without) as url,
        session.post(url, data=b"{}") as answer,
    ):
        assert answer.status == 404


async def test_a_delivery_that_gives_way_to_what_strangers_send_is_to_come_again(listening, tmp_path, monkeypatch):
    monkeypatch.setenv("FACEBOOK_APP_SECRET", FACEBOOK_APP_SECRET)
    body = b'{"object": "page", "entry": [], "filler": "' + b"x" * 12_000 + b'"}'
    signature = hmac.new(FACEBOOK_APP_SECRET.encode(), body, hashlib.sha256).hexdigest()
    head = f"POST /hook/facebook/page HTTP/1.1\r\nHost: town\r\nX-Hub-Signature-256: sha256={signature}\r\n"
    brought = f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
    strangers = POST + b"x" * 6000
    async with hall(*routes_of(listening, tmp_path), room=60_000) as town:
        slow = await town.call("127.0.0.5", brought[:-1])
        await town.holds(12_000)
        for place in range(30):
            await town.call(f"127.1.{place}.1", strangers)
        assert await slow.status() == 503
        assert await town.ask("127.0.0.5", brought) == 200
