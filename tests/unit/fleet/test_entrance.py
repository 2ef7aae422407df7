"""One door: by host name, by `/t/NAME`, and what is the fleet's own."""

from __future__ import annotations

import asyncio
import re
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from argon2 import PasswordHasher
from lxml import html

from alerts.access.accounts import add_account
from alerts.access.passwords import Passwords
from alerts.desk.officer import Officer
from alerts.fleet.entrance import TownRouter
from alerts.fleet.process import fleet_app
from alerts.model.person import Actor, Origin, Role
from alerts.web.public.answers import answer, served
from tests.unit.fleet.towns import a_fleet, write_town

ROOT = Actor("root", Role.ADMINISTRATOR, Origin.COMMAND, "root")
HTML = {"Accept": "text/html"}
OPERATED = ("/healthz", "/readyz", "/metrics")
CROLLES = {"Host": "alertes.crolles.example"}


@asynccontextmanager
async def asked(stations):
    """A client of the door; two towns, one with a host of its own, one below `/t`, and one that is broken."""
    write_town(stations, "crolles", f'public_url = "http://{CROLLES["Host"]}"')
    write_town(stations, "meylan")
    write_town(stations, "voreppe", rest="[channels.site]\nkind = 'pigeon'\n")
    async with (
        a_fleet(stations, url="http://127.0.0.1") as fleet,
        TestClient(TestServer(await fleet_app(fleet))) as client,
    ):
        client.fleet = fleet
        await fleet.look()
        yield client


async def test_a_town_is_asked_by_its_host_name(tmp_path):
    async with asked(tmp_path) as client:
        page = await (await client.get("/", headers=CROLLES)).text()

    assert "Ville de crolles" in page
    assert "meylan" not in page


async def test_a_town_without_one_is_asked_below_its_path(tmp_path):
    async with asked(tmp_path) as client:
        page = await (await client.get("/t/meylan/")).text()
        elsewhere = await client.get("/t/meylan", allow_redirects=False)

    assert "Ville de meylan" in page
    assert elsewhere.headers["Location"] == "/t/meylan/"


async def test_a_page_below_a_path_is_sent_once_and_the_connection_stays_in_step():
    app, door, front = web.Application(), TownRouter(), web.Application()
    app.router.add_get("/", partial(served, answer("Vent violent.", "text/plain")))
    front.router.add_route("*", "/{path:.*}", door.answer)
    place = await door.put("meylan", app, ())
    async with TestServer(front) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        for header in ("X-Nothing: 1", "If-None-Match: *", "Connection: close"):
            writer.write(f"GET /t/meylan/ HTTP/1.1\r\nHost: town\r\n{header}\r\n\r\n".encode())
        said = await reader.read()
        writer.close()
        await writer.wait_closed()
    await door.take_away(place)

    assert re.findall(rb"HTTP/1.1 (\d+)", said) == [b"200", b"304", b"200"]


async def test_a_town_with_a_host_is_not_below_a_path_and_no_host_leads_to_another_town(tmp_path):
    async with asked(tmp_path) as client:
        below = await client.get("/t/crolles/")
        across = await (await client.get("/t/meylan/", headers=CROLLES)).text()

    assert below.status == 404
    assert "Ville de crolles" in across
    assert "Ville de meylan" not in across


async def test_a_towns_redirects_stay_below_its_path_and_its_guards_hold_there(tmp_path):
    async with asked(tmp_path) as client:
        led = await client.get("/t/meylan/desk/", headers=HTML, allow_redirects=False)

    assert led.status == 303
    assert led.headers["Location"].startswith("/t/meylan/desk/sign-in")
    assert led.headers["X-Frame-Options"] == "DENY"


LEADS = re.compile(r'\b(?:href|src|action|formaction|data-[a-z-]+)="([^"]*)"')


def below(page, mount="/t/meylan/"):
    """Where a page leads on this server; nothing of it may lead out of the town."""
    found = {each for each in LEADS.findall(page) if each.startswith("/")}
    assert found
    assert all(each.startswith(mount) for each in found), sorted(found)
    return found


async def test_all_that_a_towns_pages_lead_to_is_below_its_path_and_is_there(tmp_path):
    async with asked(tmp_path) as client:
        entry = await (await client.get("/t/meylan/desk/sign-in", headers=HTML)).text()
        found = below(await (await client.get("/t/meylan/")).text()) | below(entry)
        missing = [
            each for each in found if (await client.get(each, headers=HTML, allow_redirects=False)).status >= 400
        ]
        elsewhere = await (await client.get("/", headers=CROLLES)).text()

    # Those that are forms are only posted to.
    assert [each for each in missing if not each.endswith(("/language", "/options", "/passkey"))] == []
    assert "/t/" not in elsewhere


async def test_who_is_in_at_one_town_is_in_nowhere_else_on_the_shared_host(tmp_path):
    write_town(tmp_path, "crolles")
    write_town(tmp_path, "meylan")
    async with AsyncExitStack() as stack:
        fleet = await stack.enter_async_context(a_fleet(tmp_path, url="http://127.0.0.1"))
        client = await stack.enter_async_context(TestClient(TestServer(await fleet_app(fleet))))
        await fleet.look()
        kept = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)).hash_now("first-password-of-all")
        service = fleet.members["meylan"].daemon.control()
        service.act(lambda unit: add_account(Officer(unit, ROOT), "Anne", Role.AUTHOR, kept))
        entry = await (await client.get("/t/meylan/desk/sign-in", headers=HTML)).text()
        form = next(form for form in html.document_fromstring(entry).forms if form.get("action").endswith("/sign-in"))
        fields = {**dict(form.form_values()), "name": "Anne", "password": "first-password-of-all"}
        origin = {"Origin": str(client.make_url("/")).rstrip("/"), "Accept": "text/html"}
        came_in = await client.post(form.get("action"), data=fields, headers=origin, allow_redirects=False)
        next_step = await (await client.get(came_in.headers["Location"], headers=HTML)).text()
        beside = await client.get("/t/crolles/desk/", headers=HTML, allow_redirects=False)

    assert {each["path"] for each in came_in.cookies.values()} == {"/t/meylan/"}
    assert came_in.headers["Location"].startswith("/t/meylan/desk/")
    assert 'action="/t/meylan/desk/' in next_step
    below(next_step)
    assert "/sign-in" in beside.headers["Location"]
    assert not beside.request_info.headers.get("Cookie")


async def test_what_operators_are_told_stands_at_their_door_alone(tmp_path):
    async with asked(tmp_path) as client:
        own = [(await client.get(page)).status for page in OPERATED]
        towns = [(await client.get(f"/t/meylan{page}")).status for page in OPERATED]
        towns += [(await client.get(page, headers=CROLLES)).status for page in OPERATED]

    assert own == [200, 200, 200]
    assert set(towns) == {404}


async def test_no_answer_names_the_program(tmp_path):
    async with asked(tmp_path) as client:
        told = [await client.get("/t/meylan/"), await client.get("/", headers=CROLLES), await client.get("/readyz")]

    assert not any("Server" in each.headers for each in told)


async def test_readyz_tells_each_town_and_a_broken_one_makes_nothing_unready(tmp_path):
    async with asked(tmp_path) as client:
        answer = await client.get("/readyz")
        body = await answer.json()

    assert answer.status == 200
    assert body["status"] == "ready"
    assert {name: each["state"] for name, each in body["towns"].items()} == {
        "crolles": "running",
        "meylan": "running",
        "voreppe": "refused",
    }
    assert "pigeon" in body["towns"]["voreppe"]["reasons"][0]


async def test_the_fleet_is_not_ready_before_its_first_look(tmp_path):
    async with a_fleet(tmp_path) as fleet, TestClient(TestServer(await fleet_app(fleet))) as client:
        answer = await client.get("/readyz")

    assert answer.status == 503


async def test_metrics_have_the_town_as_a_label_and_each_name_once(tmp_path):
    async with asked(tmp_path) as client:
        told = await (await client.get("/metrics")).text()

    assert 'tocsin_town{state="refused",town="voreppe"} 1.0' in told
    assert 'tocsin_ok{name="site",town="meylan",what="channel"} 1.0' in told
    assert 'tocsin_ok{name="site",town="crolles",what="channel"} 1.0' in told
    assert told.count("# TYPE tocsin_ok gauge") == 1


async def test_a_town_that_is_gone_is_asked_no_more(tmp_path):
    async with asked(tmp_path) as client:
        (tmp_path / "crolles/channels.toml").unlink()
        await client.fleet.look()
        gone = await client.get("/alerts.geojson", headers=CROLLES)

    assert gone.status == 404


async def test_the_fleets_own_address_lists_its_towns_for_citizens_with_where_to_subscribe(tmp_path):
    async with asked(tmp_path) as client:
        answer = await client.get("/", headers={"Accept-Language": "fr"})
        page = html.fromstring(await answer.text())
        found = html.fromstring(await (await client.get("/?words=MEYL")).text())
        none = await (await client.get("/?words=%3Cb%3E")).text()
        style = await client.get(page.xpath("//link[@rel='stylesheet']/@href")[0])

    links = dict(zip(page.xpath("//ul[@class='towns']//strong/text()"), page.xpath("//ul/li/a/@href"), strict=True))
    assert links == {"Ville de crolles": f"http://{CROLLES['Host']}/", "Ville de meylan": "http://127.0.0.1/t/meylan/"}
    assert page.xpath("//html/@lang") == ["fr"]
    assert "script-src" in answer.headers["Content-Security-Policy"]
    assert found.xpath("//ul[@class='towns']//strong/text()") == ["Ville de meylan"]
    assert "<b>" not in none
    assert style.status == 200


async def test_the_list_of_towns_stands_at_the_name_of_one_that_doesn_t_run_and_says_that_it_is_away(tmp_path):
    async with asked(tmp_path) as client:
        away = await client.get("/", headers={"Host": "alertes.voreppe.example"})

        assert away.status == 404
        assert "Ville de crolles" in await away.text()
        assert (await client.get("/")).status == 200
