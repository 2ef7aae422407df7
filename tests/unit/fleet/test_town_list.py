"""Several towns in one form: each town's own letter and link, at its own pace, and no town learns of another."""

from __future__ import annotations

import re
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from aiohttp.test_utils import TestClient, TestServer
from lxml import html

from alerts.fleet.process import fleet_app
from alerts.fleet.town_list import MOST_TOWNS
from alerts.model.subscriber import Topic
from alerts.web.public.signup import A_DAY, A_NETWORK, INTERVAL
from tests.fakes import FakeClock
from tests.mail_relay import MAIL, Relay
from tests.unit.fleet.towns import CHANNEL, a_fleet, write_town

HOST = "alertes.{}.example"
JEANNE = "jeanne@quais.example"
TOWNS = ("crolles", "meylan", "voreppe")


@asynccontextmanager
async def asked(stations, towns=TOWNS):
    """A client of the fleet's own address; each town writes letters, but Bernin, which has nothing to subscribe to."""
    relay = await Relay().start()
    for name in towns:
        station = f'public_url = "http://{HOST.format(name)}"'
        write_town(stations, name, station, MAIL.format(port=relay.port, name=name))
    write_town(stations, "bernin", rest=CHANNEL)
    try:
        async with (
            a_fleet(stations, url="http://127.0.0.1", clock=FakeClock()) as fleet,
            TestClient(TestServer(await fleet_app(fleet))) as client,
        ):
            client.fleet, client.relay = fleet, relay
            await fleet.look()
            yield client
    finally:
        await relay.stop()


async def send(client, *towns, email=JEANNE, **more):
    form = {"town": list(towns), "email": email, "severity": "Minor", "quiet": "", "topic": [], **more}
    pairs = [(name, each) for name, value in form.items() for each in (value if isinstance(value, list) else [value])]
    async with client.post("/subscribe", data=pairs, headers={"Accept-Language": "fr"}) as answer:
        return answer.status, await answer.text()


async def kept(client, name):
    daemon = client.fleet.members[name].daemon
    return [each for _, each in await daemon.service.ask(lambda unit: list(unit.subscribers.all()))]


def at(name):
    return {"Host": HOST.format(name)}


def senders(client):
    return sorted(each.letter["From"] for each in client.relay.taken)


async def test_one_form_has_each_town_send_its_own_link_which_alone_subscribes(tmp_path):
    async with asked(tmp_path) as client:
        status, page = await send(client, "crolles", "meylan", topic=["flood", "school"], severity="Severe")
        assert (status, "Consultez votre messagerie" in page) == (200, True)
        assert senders(client) == ["alertes@crolles.example", "alertes@meylan.example"]
        assert [await kept(client, each) for each in TOWNS] == [[], [], []], "nobody confirmed anything yet"

        letters = {str(each.letter["From"]): each for each in client.relay.taken}
        text = letters["alertes@meylan.example"].text()
        assert "crolles" not in text.lower(), "no town is told of another"
        link = re.search(r"http://alertes\.meylan\.example(/mail/confirm/\S+)", text)[1]
        async with client.post(link, headers=at("meylan"), allow_redirects=False) as answer:
            assert answer.status == 303
        [one] = await kept(client, "meylan")
        assert (one.endpoint.address, one.topics, one.severity) == (JEANNE, {Topic.FLOOD, Topic.SCHOOL}, "Severe")
        assert await kept(client, "crolles") == []


async def test_each_town_s_own_pace_holds_and_the_answer_never_tells(tmp_path):
    async with asked(tmp_path) as client:
        answers = set()
        for _ in range(A_DAY + 2):
            answers.add(await send(client, "crolles", "meylan"))
            await client.fleet.outside.clock.advance(INTERVAL / timedelta(seconds=1))
        assert len(answers) == 1, "the same to who asks too often"
        assert len(client.relay.taken) == 2 * A_DAY

        # From one network, whether by the towns' own forms or by this one.
        for each in range(A_NETWORK - 1):
            form = {"email": f"a{each}@quais.example", "severity": "Minor"}
            await client.post("/mail", data=form, headers=at("meylan"))
        before = len(client.relay.taken)
        assert (await send(client, "meylan", email="b@quais.example"))[0] == 200
        status, page = await send(client, "meylan", email="c@quais.example")
        assert (status, "Trop de demandes" in page) == (429, True)
        assert len(client.relay.taken) == before + 1
        status, page = await send(client, "meylan", "crolles", email="d@quais.example")
        assert (status, "Trop de demandes" in page, "Consultez votre messagerie" in page) == (200, True, True)


async def test_a_program_that_fills_in_every_field_is_told_the_same_and_nothing_is_sent(tmp_path):
    async with asked(tmp_path) as client:
        assert await send(client, "meylan", website="x") == await send(client, "meylan", email="b@quais.example")
        assert [each.to for each in client.relay.taken] == [["b@quais.example"]]


@pytest.mark.parametrize(
    ("towns", "more", "status"),
    [
        ((), {}, 422),
        (("nowhere", "bernin"), {}, 422),
        (("meylan",), {"email": "no address"}, 422),
        (("meylan",), {"topic": ["no such"]}, 422),
        (("meylan",), {"district": "D1"}, 422),
    ],
)
async def test_what_can_t_be_asked_sends_nothing(tmp_path, towns, more, status):
    async with asked(tmp_path) as client:
        assert (await send(client, *towns, **more))[0] == status
        async with client.post("/subscribe", data={}, headers={"Sec-Fetch-Site": "cross-site"}) as answer:
            assert answer.status == 403
        assert client.relay.taken == []


async def test_a_town_whose_relay_is_gone_costs_the_others_nothing(tmp_path):
    async with asked(tmp_path) as client:
        (tmp_path / "meylan/channels.toml").write_text(
            (tmp_path / "meylan/channels.toml").read_text().replace(f"port = {client.relay.port}", "port = 9")
        )
        await client.fleet.look()
        status, page = await send(client, "crolles", "meylan")
        told = html.fromstring(page)
        assert status == 200
        assert told.xpath("//li/strong/text()") == ["Ville de crolles"]
        assert "Ville de meylan" in told.xpath("string(//p[@role='alert'])")
        assert senders(client) == ["alertes@crolles.example"]
        assert (await send(client, "meylan", email="b@quais.example"))[0] == 503


async def test_what_is_ticked_stays_while_another_town_is_looked_for(tmp_path):
    async with asked(tmp_path) as client:
        async with client.get("/?words=mey&town=crolles") as answer:
            page = html.fromstring(await answer.text())
        assert page.xpath("//ul[@class='towns']//strong/text()") == ["Ville de crolles", "Ville de meylan"]
        assert page.xpath("//input[@type='checkbox' and @checked]/@value") == ["crolles"]
        async with client.get("/") as answer:
            assert "bernin" not in html.fromstring(await answer.text()).xpath("//input[@type='checkbox']/@value")


async def test_ten_towns_at_most_are_subscribed_to_at_once(tmp_path):
    towns = [f"t{number:02}" for number in range(MOST_TOWNS + 1)]
    async with asked(tmp_path, towns) as client:
        query = "&".join(f"town={each}" for each in towns)
        async with client.get(f"/subscribe?{query}") as answer:
            assert answer.status == 422
            page = html.fromstring(await answer.text())
            assert len(page.xpath("//input[@checked]")) == len(towns), "what was ticked is kept"
        async with client.get("/subscribe") as answer:
            assert answer.status == 422
        assert (await send(client, *towns))[0] == 200
        assert len(client.relay.taken) == MOST_TOWNS


async def test_the_form_names_where_each_town_says_what_it_keeps(tmp_path):
    async with asked(tmp_path) as client, client.get("/subscribe?town=crolles&town=meylan") as answer:
        assert answer.headers["Cache-Control"] == "no-store"
        links = html.fromstring(await answer.text()).xpath("//p[@class='small']/a/@href")
    assert links == [f"http://{HOST.format(each)}/privacy#mail" for each in ("crolles", "meylan")]
