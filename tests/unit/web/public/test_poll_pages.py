"""A poll's page: one tap, once a browser, once a network in ten minutes; no number before the end."""

from __future__ import annotations

import asyncio
import re
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from aiohttp import ClientSession, CookieJar, web
from aiohttp.test_utils import TestServer

from alerts.desk.officer import Officer
from alerts.listening.poll_acts import ClosePoll, TellPollOutcome
from alerts.listening.polls import PollDraft, open_poll
from alerts.model.person import Actor, Origin, Role
from alerts.model.poll import Counting, PollCount
from alerts.model.town import WebSection
from alerts.web.public.polls import PollPages
from alerts.web.public.publisher import public_routes
from tests.unit.french import visible, wrong_in
from tests.unit.web.public.house import a_door, a_house
from tests.unit.web.public.test_asking import BAD_KINDS
from tests.walls import in_one_test

QUESTION = "Faut-il fermer la <place> le samedi ?"
ANNE = Actor("Anne", Role.AUTHOR, Origin.COMMAND)


class Square:
    """A town with one open poll, and people who look at its page, each from an address."""

    def __init__(self, house, server, poll) -> None:
        self.house, self.server, self.poll = house, server, poll
        self.path = f"/polls/{poll.id}"

    @asynccontextmanager
    async def person(self, address="192.0.2.1", **headers):
        headers = {"X-Forwarded-For": address, **headers}
        jar = CookieJar(unsafe=True)
        async with ClientSession(str(self.server.make_url("/")), cookie_jar=jar, headers=headers) as client:
            yield client

    async def vote(self, option, address, **headers):
        async with self.person(address, **headers) as client:
            await client.get(self.path)
            answer = await client.post(self.path, data={"option": option})
            return answer.status, await answer.text()

    async def close(self):
        await self.house.service.act(lambda unit: ClosePoll(self.poll.id).done_by(Officer(unit, ANNE)))
        self.pages._shown._kept.clear()

    async def json(self):
        self.pages._shown._kept.clear()
        async with self.person() as client:
            return await (await client.get(f"{self.path}.json")).json()


@pytest.fixture
async def square(tmp_path):
    async with a_house(tmp_path, web=WebSection(languages=("en",), proxies=("127.0.0.1",))) as house:
        now = house.clock.now()
        draft = PollDraft(QUESTION, ("Oui", "Non"), now + timedelta(hours=1))
        poll = await house.service.act(lambda unit: open_poll(Officer(unit, ANNE), draft))
        await house.service.act(
            lambda unit: unit.execute("INSERT INTO poll_place (poll, name, way) VALUES (?, 'web', 'own')", (poll.id,))
        )
        pages = PollPages(house.publisher, house.service, house.service)
        app = web.Application()
        app.add_routes([*pages.routes(), *public_routes(house.publisher)])
        server = TestServer(app)
        await server.start_server()
        made = Square(house, server, poll)
        made.pages = pages
        yield made
        await server.close()


async def test_one_tap_is_one_vote_however_often_it_is_sent(square):
    async with square.person() as client:
        first = await client.get(square.path)
        assert first.headers["Cache-Control"] == "no-store"
        assert "form-action 'self'" in first.headers["Content-Security-Policy"]
        for _ in range(3):
            answer = await client.post(square.path, data={"option": "0"})
            assert answer.status == 200, "it leads back to the page"
        page = await answer.text()
        assert "Merci" in page
        assert "<form" not in page
    await square.close()
    assert (await square.json())["channels"] == {"web": {"Oui": 1, "Non": 0}}


async def test_who_shows_no_cookie_or_a_forged_one_isnt_counted(square):
    async with square.person() as client:
        refused = await client.post(square.path, data={"option": "0"})
        assert refused.status == 403
        assert "cookie" in await refused.text()
    forged = {"Cookie": f"poll-{square.poll.id}={'a' * 32}.{'b' * 32}"}
    async with square.person(**forged) as client:
        assert (await client.post(square.path, data={"option": "0"})).status == 403
    assert (await square.json())["turnout"] == 0


async def test_a_cookie_that_is_no_text_is_nobodys(square):
    reader, writer = await asyncio.open_connection("127.0.0.1", square.server.port)
    cookie = b"poll-" + square.poll.id.encode() + b"=\xff.0123"
    writer.write(b"GET " + square.path.encode() + b" HTTP/1.0\r\nHost: x\r\nCookie: " + cookie + b"\r\n\r\n")
    assert (await reader.readline()).split()[1] == b"200"
    writer.close()


async def test_a_network_votes_once_in_ten_minutes_and_is_told_when_again(square):
    assert (await square.vote("0", "192.0.2.1"))[0] == 200
    status, page = await square.vote("1", "192.0.2.1")
    assert status == 429
    assert "13 h 10" in page.replace("\u00a0", " ")
    assert (await square.vote("1", "192.0.2.2"))[0] == 200
    square.house.clock.set(square.house.clock.now() + timedelta(minutes=10))
    assert (await square.vote("1", "192.0.2.1"))[0] == 200
    assert (await square.json())["turnout"] == 3


async def test_a_household_has_all_addresses_of_its_network(square):
    assert (await square.vote("0", "2001:db8:0:1::1"))[0] == 200
    assert (await square.vote("0", "2001:db8:0:2::9"))[0] == 429
    assert (await square.vote("0", "2001:db8:1:1::1"))[0] == 200


async def test_networks_are_forgotten_after_ten_minutes(square):
    await square.vote("0", "192.0.2.1")
    square.house.clock.set(square.house.clock.now() + timedelta(minutes=11))
    await square.vote("0", "192.0.2.2")
    kept = await square.house.service.ask(
        lambda unit: [row["network"] for row in unit.execute("SELECT network FROM ballot")]
    )
    assert sorted(each is None for each in kept) == [False, True]


@in_one_test
@pytest.mark.parametrize("option", ["2", "-1", "x", "", "0" * 3000, "²"])
async def test_what_is_no_option_is_refused(square, option):
    status, _ = await square.vote(option, "192.0.2.1")
    assert status == 400
    assert (await square.json())["turnout"] == 0


async def test_no_address_tells_a_number_before_the_end(square):
    await square.vote("0", "192.0.2.1")
    told = await square.json()
    assert told["turnout"] == 1
    assert "channels" not in told
    async with square.person() as client:
        page = await (await client.get(square.path)).text()
    assert "1 réponse" in page
    assert "<table" not in page


async def test_nobody_votes_after_the_end(square):
    async with square.person() as client:
        await client.get(square.path)
        square.house.clock.set(square.house.clock.now() + timedelta(hours=2))
        await client.post(square.path, data={"option": "0"})
        assert "<form" not in await (await client.get(square.path)).text(), "though nobody has closed it yet"
        await square.close()
        assert (await client.post(square.path, data={"option": "0"})).status == 409
    assert (await square.json())["turnout"] == 0


async def test_the_result_stands_with_its_parts_and_what_came_of_it(square):
    await square.vote("0", "192.0.2.1")
    await square.close()
    poll, now = square.poll, square.house.clock.now()
    counted = PollCount((4, 5), Counting.EARLY)
    await square.house.service.act(lambda unit: unit.polls.counted(poll.id, "telegram", counted, now))
    await square.house.service.act(
        lambda unit: TellPollOutcome(poll.id, "Elle ferme\ndès mai.").done_by(Officer(unit, ANNE))
    )
    told = await square.json()
    assert told["channels"] == {"telegram": {"Oui": 4, "Non": 5}, "web": {"Oui": 1, "Non": 0}}
    async with square.person() as client:
        page = await (await client.get(square.path)).text()
    rows = re.findall(r'<th scope="row">(\w+)</th><td>(\d+)</td><td>(\d+)</td><td>(\d+)</td>', page)
    assert rows == [("Oui", "4", "1", "5"), ("Non", "5", "0", "5")]
    assert "<p>dès mai.</p>" in page
    assert "Set-Cookie" not in page


async def test_words_are_escaped_and_each_page_speaks_the_readers_language(square):
    async with square.person() as client:
        french = await (await client.get(square.path)).text()
        assert "la &lt;place&gt; le" in french
        assert wrong_in(visible(french)) == []
    await square.close()
    async with square.person() as client:
        assert wrong_in(visible(await (await client.get(square.path)).text())) == []


async def test_a_poll_that_isnt_open_yet_has_no_page(square):
    async with square.person() as client:
        answer = await client.get("/polls/nothing")
        assert answer.status == 404
        assert "<html" in await answer.text()
    await square.house.service.act(lambda unit: unit.execute("UPDATE poll SET state = 'waiting'"))
    square.pages._shown._kept.clear()
    async with square.person() as client:
        assert (await client.get(square.path)).status == 404
        assert (await client.post(square.path, data={"option": "0"})).status == 404


async def test_a_crowd_that_looks_asks_the_database_once(square, monkeypatch):
    asked = []
    ask = square.house.service.ask

    async def counted(question):
        asked.append(question)
        return await ask(question)

    monkeypatch.setattr(square.house.service, "ask", counted)
    async with square.person() as client:
        for _ in range(20):
            await client.get(square.path)
    assert len(asked) == 1


async def test_in_a_fleet_all_that_it_leads_to_is_below_the_towns_own_path_once(tmp_path):
    web_section = WebSection(languages=("en",), proxies=("127.0.0.1",))
    async with a_house(tmp_path, web=web_section, mount="/t/martin") as house:
        polls = PollPages(house.publisher, house.service, house.service).routes()
        draft = PollDraft(QUESTION, ("Oui", "Non"), house.clock.now() + timedelta(hours=1))
        poll = await house.service.act(lambda unit: open_poll(Officer(unit, ANNE), draft))
        async with a_door([*polls, *public_routes(house.publisher)]) as client:
            page = await (await client.get(f"/t/martin/polls/{poll.id}")).text()
            leads = set(re.findall(r'\b(?:href|src|action)="(/[^"]*)"', page))
            assert {each for each in leads if not re.match("/t/martin/(?!t/)", each)} == set()
            answer = await client.post(f"/t/martin/polls/{poll.id}", data={"option": "0"}, allow_redirects=False)
            assert answer.headers["Location"] == f"/t/martin/polls/{poll.id}?lang=fr"
            assert "Merci" in await (await client.get(answer.headers["Location"])).text()


@pytest.mark.parametrize("kind", BAD_KINDS)
async def test_what_is_no_form_is_refused_as_such(square, kind):
    async with square.person() as client:
        await client.get(square.path)
        answer = await client.post(square.path, data=BAD_KINDS[kind], headers={"Content-Type": kind})
        assert answer.status == 400
