"""Subscribing to SMS with the sandbox's provider: a code confirms, an alert arrives, one button leaves."""

from __future__ import annotations

import re
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestClient, TestServer

from alerts.channels.sms.bulk import SmsBulk
from alerts.channels.sms.settings import SmsSettings
from alerts.model.alert import Severity
from alerts.model.delivery import SendOutcome, Target
from alerts.model.post import TextFormat
from alerts.model.subscriber import Telephone, Topic
from alerts.model.town import ChannelConfig
from alerts.rendering.i18n import sentence
from alerts.web.public.publisher import public_routes
from alerts.web.public.signup import A_DAY, A_NETWORK, INTERVAL
from alerts.web.public.sms_signup import LASTS, TRIES, SmsSignup, SmsSignupPages
from tests.contract.channels.conftest import SECRETS, SETTINGS, Facts
from tests.unit.store.bulk_turns import a_told
from tests.unit.web.public.house import a_house
from tests.unit.web.public.test_letters import PAGES, a_house_s_resources
from tocsin_sandbox.server import serve
from tocsin_sandbox.settings import SandboxSettings

JEANNE = "+33612345678"


class Town:
    """A town that people subscribe to by SMS, its provider, and somebody's browser without script."""

    def __init__(self, house, sandbox, client, bulk) -> None:
        self.house, self.sandbox, self.client, self.bulk = house, sandbox, client, bulk

    async def ask(self, path, form=None, **headers):
        method = "GET" if form is None else "POST"
        async with self.client.request(method, path, data=form, headers=headers, allow_redirects=False) as answer:
            page = re.sub(r"<time.*?</time>", "", await answer.text())
            return answer.status, answer.headers.get("Location") or page

    async def send(self, number="06 12 34 56 78", path="/sms", **more):
        return await self.ask(path, {"number": number, "severity": "Minor", "quiet": "", **more})

    async def taken(self):
        """What came to telephones: the number and the words."""
        async with self.client.session.get(f"{self.sandbox.url}/sandbox/timelines.json") as answer:
            posts = (await answer.json()).get("sms", [])
        return [(each["kind"].partition(", ")[2], each["text"]) for each in posts]

    async def code(self):
        newest = max(await self.taken_at())[1]
        return re.search(r"\d{6}", newest)[0]

    async def taken_at(self):
        async with self.client.session.get(f"{self.sandbox.url}/sandbox/timelines.json") as answer:
            return [(each["created_at"], each["text"]) for each in (await answer.json()).get("sms", [])]

    async def subscribe(self, *told, **more):
        _, page = await self.send(*told, **more)
        return await self.confirm(page, await self.code())

    async def confirm(self, page, code):
        seal = re.search(r'name="seal" value="([^"]+)"', page)[1]
        return await self.ask("/sms/confirm", {"seal": seal, "code": code})

    async def kept(self):
        return await self.house.service.ask(lambda unit: list(unit.subscribers.all()))

    async def pass_time(self, span: timedelta):
        await self.house.clock.advance(span.total_seconds())


@asynccontextmanager
async def a_town(tmp_path, monkeypatch, **more):
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    kept = Facts()
    async with ClientSession() as session:
        channel = ChannelConfig("sms", "sms", TextFormat(200, count="gsm"), subscriptions=True)
        async with a_house(tmp_path, channels={"sms": channel}, public_url=PAGES) as house:
            clock = house.clock
            made = SandboxSettings(limits=False, clock=lambda: clock.now().timestamp())
            sandbox = await serve(made, "127.0.0.1", 0)
            told = {"kind": "sms", "api_url": sandbox.url, **SETTINGS["sms"], "subscriptions": True, **more}
            keys = SmsSettings.model_validate({**told, "contacts": None})
            plain = a_house_s_resources(house, tmp_path)
            resources = replace(plain, session=session, look_up=kept.look_up, change=kept.change)
            bulk = SmsBulk("sms", keys, resources, sentence)
            signup = SmsSignup("sms", bulk.write_to, keys.prefixes)
            pages = SmsSignupPages(house.publisher, house.service, signup)
            app = web.Application()
            app.add_routes([*pages.routes(), *public_routes(house.publisher)])
            async with TestClient(TestServer(app)) as client:
                yield Town(house, sandbox, client, bulk)
            await sandbox.stop()


@pytest.fixture
async def town(tmp_path, monkeypatch):
    async with a_town(tmp_path, monkeypatch) as found:
        yield found


async def test_a_code_subscribes_an_alert_arrives_and_a_button_leaves(town):
    status, page = await town.send(topic="flood", severity="Severe")
    assert (status, "Saisissez le code" in page) == (200, True)
    [(to, words)] = await town.taken()
    assert to == JEANNE
    assert await town.kept() == [], "nothing is kept before the code"

    status, own = await town.confirm(page, re.search(r"\d{6}", words)[0])
    assert status == 303, own
    [(channel, one)] = await town.kept()
    assert (channel, one.endpoint.digits, one.topics) == ("sms", JEANNE, {Topic.FLOOD})
    assert (one.severity, one.language, one.on) == (Severity.SEVERE, "fr", True)
    assert own == f"/sms/{one.endpoint.token}?kept"

    told = await town.bulk.tell(Target(one.chat, "fr", (a_told("b1"),), endpoint=one.endpoint))
    assert told.outcome is SendOutcome.SENT
    [alert] = [words for _, words in await town.taken() if "Stop" in words]
    leave = re.search(rf"Stop : {PAGES}(/sms/\S+)$", alert)[1]
    status, page = await town.ask(leave)
    assert (status, 'value="flood" checked' in page) == (200, True)
    assert JEANNE[3:] not in page, "the link shows no number"
    assert (await town.ask(leave, {"act": "leave"}))[0] == 200
    assert await town.kept() == []
    assert (await town.ask(leave))[0] == 404


async def test_the_town_s_page_has_the_form_and_may_send_it(town):
    async with town.client.get("/") as answer:
        page = await answer.text()
        assert "form-action 'self'" in answer.headers["Content-Security-Policy"]
    assert 'action="/sms"' in page
    assert 'href="/#sms-title"' in page
    assert 'action="/en/sms"' in (await town.ask("/en/sms"))[1]
    assert "Alerts by SMS" in (await town.ask("/en/privacy"))[1]


async def test_no_table_has_a_number_that_was_not_confirmed(town):
    await town.send()

    def dumped(unit):
        tables = [row[0] for row in unit.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()]
        return "".join(repr([tuple(row) for row in unit.execute(f"SELECT * FROM {each}")]) for each in tables)

    assert "612345678" not in await town.house.service.ask(dumped)


async def test_five_tries_and_ten_minutes_and_once(town):
    _, page = await town.send()
    code = await town.code()
    wrong = f"{(int(code) + 1) % 1_000_000:06}"
    for _ in range(TRIES):
        assert (await town.confirm(page, wrong))[0] == 422
    assert (await town.confirm(page, code))[0] == 410, "the right code comes too late then"
    assert await town.kept() == []

    await town.pass_time(INTERVAL)
    _, page = await town.send()
    code = await town.code()
    await town.pass_time(LASTS)
    assert (await town.confirm(page, code))[0] == 410

    await town.pass_time(INTERVAL)
    _, page = await town.send()
    code = await town.code()
    status, own = await town.confirm(page, f" {code[:3]} {code[3:]} ")
    assert status == 303
    assert (await town.confirm(page, code))[1] == own, "pressed twice is the same as once"
    await town.ask(own.partition("?")[0], {"act": "leave"})
    assert (await town.confirm(page, code))[0] == 410, "and it brings nobody back who left"


async def test_new_seals_bring_a_number_no_more_than_fifteen_tries_a_day(town):
    tries = []
    for _ in range(A_DAY + 2):
        _, page = await town.send()
        tries += [(await town.confirm(page, "none"))[0] for _ in range(TRIES)]
    assert tries.count(422) == A_DAY * TRIES


async def test_nobody_floods_a_telephone_and_learns_nothing(town):
    first = (await town.send())[1]
    again = (await town.send())[1]
    assert len(await town.taken()) == 1
    plain = [re.sub(r'value="[^"]{60,}"', "", each) for each in (first, again)]
    assert plain[0] == plain[1]
    for _ in range(A_DAY + 2):
        await town.pass_time(INTERVAL)
        await town.send("+33 6 12 34 56 78")
    assert len(await town.taken()) == A_DAY


async def test_a_network_that_asks_too_often_is_told_so(town):
    for number in range(A_NETWORK):
        assert (await town.send(f"06123456{number:02}"))[0] == 200
    assert (await town.send("0712345678"))[0] == 429
    assert len(await town.taken()) == A_NETWORK


async def test_the_day_s_codes_are_a_ceiling_for_all(tmp_path, monkeypatch):
    async with a_town(tmp_path, monkeypatch, codes=2) as town:
        answers = [(await town.send(f"06123456{number:02}"))[0] for number in range(3)]
        assert answers == [200, 200, 503]
        await town.pass_time(timedelta(days=1))
        assert (await town.send("0612345602"))[0] == 200


@pytest.mark.parametrize(
    "form", [{"number": "0899123456"}, {"number": "nobody"}, {"number": ""}, {"topic": "gossip"}, {"quiet": "soon"}]
)
async def test_what_can_t_be_is_refused_and_nothing_leaves(town, form):
    assert (await town.send(**form))[0] == 422
    assert await town.taken() == []


async def test_a_program_gets_no_code(town):
    assert (await town.send(website="x"))[0] == 200
    assert await town.taken() == []


async def test_another_site_can_t_have_a_browser_send_codes(town):
    for path, form in (("/sms", {"number": JEANNE}), ("/sms/confirm", {"seal": "x", "code": "1"})):
        async with town.client.post(path, data=form, headers={"Sec-Fetch-Site": "cross-site"}) as answer:
            assert answer.status == 403
    assert await town.taken() == []


async def test_who_subscribes_again_keeps_the_link(town):
    _, own = await town.subscribe()
    await town.pass_time(INTERVAL)
    _, again = await town.subscribe(topic="flood")
    assert again == own
    [(_, one)] = await town.kept()
    assert isinstance(one.endpoint, Telephone)
    assert one.topics == {Topic.FLOOD}
