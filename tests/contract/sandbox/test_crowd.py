"""A crowd that reports to a town: as many as were asked for, where they were, each somebody else."""

from __future__ import annotations

import math

import pytest
from aiohttp import web
from lxml import html

from tests.walls import in_one_test
from tocsin_sandbox.crowd import ReportingCrowd


@pytest.fixture
async def hall():
    """A town that takes reports, and says no to the seventh where it is told to."""
    got, app = [], web.Application()
    told = {"refuses": None, "got": got}

    async def take(request):
        got.append({**await request.json(), "token": request.headers["Authorization"]})
        if told["refuses"] == len(got):
            return web.json_response({"detail": "too many"}, status=429)
        return web.json_response({"report": f"SM-26-{len(got):04}"}, status=201)

    app.router.add_post("/api/v1/reports", take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    told["url"] = f"http://{host}:{port}"
    yield told
    await runner.cleanup()


def away(one, lat=45.19, lon=5.71):
    return math.hypot((one["lat"] - lat) * 111_320, (one["lon"] - lon) * 111_320 * math.cos(math.radians(lat)))


async def test_twelve_people_report_around_a_place(world, hall):
    body = {"count": 12, "spread": 240, "town": hall["url"], "token": "abc", "text": "De l’eau"}
    said = await world.ask("POST", "/sandbox/reports", json=body)
    assert said.status == 201
    assert said.json == {"kind": "flooding", "reports": [f"SM-26-{n:04}" for n in range(1, 13)], "refused": None}
    got = hall["got"]
    assert len({each["source"] for each in got}) == 12
    assert {(each["kind"], each["text"], each["token"]) for each in got} == {("flooding", "De l’eau", "Bearer abc")}
    assert 200 < max(map(away, got)) <= 241
    # The town is remembered, and the next ones are other people.
    again = await world.ask("POST", "/sandbox/reports", json={"count": 6, "people": 1})
    assert len(again.json["reports"]) == 6
    assert len({each["source"] for each in got}) == 13


async def test_a_refusal_ends_it_and_is_told(world, hall):
    hall["refuses"] = 3
    said = await world.ask("POST", "/sandbox/reports", json={"town": hall["url"], "token": "abc"})
    assert said.status == 502
    assert (len(said.json["reports"]), said.json["refused"]) == (2, "429: too many")
    nobody = await world.ask("POST", "/sandbox/reports", json={"town": "http://127.0.0.1:9", "count": 2})
    assert "didn't answer" in nobody.json["refused"]


async def test_without_a_town_nobody_reports(world):
    said = await world.ask("POST", "/sandbox/reports", json={"count": 2})
    assert said.status == 400
    assert "tocsin token add" in said.json["error"]


async def test_the_page_s_form_does_it_and_never_shows_the_token(world, hall):
    form = {"count": "3", "kind": "waste", "lat": "45.2", "lon": "5.7", "spread": "0", "town": hall["url"], "text": ""}
    headers = {"Origin": world.url, "Referer": f"{world.url}/sandbox?lang=fr&still=1"}
    elsewhere = await world.ask("POST", "/sandbox/page/reports", data=form, headers={"Origin": "http://a.example"})
    assert elsewhere.status == 403
    untold = await world.ask("POST", "/sandbox/page/reports", data=form, headers=headers)
    assert untold.status == 400
    sent = await world.ask(
        "POST", "/sandbox/page/reports", data={**form, "token": "geheim"}, headers=headers, allow_redirects=False
    )
    assert (sent.status, sent.headers["Location"]) == (303, "/sandbox?lang=fr&still=1#crowd")
    assert [(each["lat"], each["kind"]) for each in hall["got"]] == [(45.2, "waste")] * 3
    page = await world.ask("GET", "/sandbox?lang=fr")
    section = html.fromstring(page.body.decode()).get_element_by_id("crowd")
    assert "3 personnes ont signalé : waste (SM-26-0001 – SM-26-0003)" in section.text_content()
    assert section.xpath(".//input[@name='town']/@value") == [hall["url"]]
    for path in ("/sandbox?lang=fr", "/sandbox/requests.json", "/sandbox/timelines.json"):
        assert b"geheim" not in (await world.ask("GET", path)).body


@in_one_test
@pytest.mark.parametrize("wrong", [{"count": 0}, {"count": 501}, {"lat": 91}, {"town": "file:///etc"}, {"x": 1}])
async def test_what_cannot_be_is_refused(world, wrong):
    assert (await world.ask("POST", "/sandbox/reports", json=wrong)).status == 400


def test_places_are_the_same_each_time_and_no_two_alike():
    crowd = ReportingCrowd(count=100)
    assert len({crowd.place(number) for number in range(100)}) == 100
    assert crowd.place(7) == ReportingCrowd(count=100).place(7)
