"""What people report, for everybody: map data, list, a page each, the photo; and what of it nobody gets."""

from __future__ import annotations

import asyncio
import json
import re
from datetime import timedelta

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from lxml import html

from alerts.fleet.entrance import TownRouter
from alerts.model.reports import Closing, ReportState
from alerts.reports.places import coarse
from alerts.reports.report_acts import CloseReport, DuplicateReport, WithholdReport
from alerts.reports.steps import release, take_back_photo
from alerts.web.public.pins import A_PAGE, signs
from tests.unit.french import visible, wrong_in
from tests.unit.reports.conftest import HERE, north
from tests.unit.web.public.reported import a_reported_town

ATTACK = "<script>alert(1)</script>\u202e evil"


@pytest.fixture
async def house(tmp_path):
    async with a_reported_town(tmp_path) as house:
        yield house


async def features(house):
    status, told, _ = await house.get("/reports.geojson")
    assert status == 200
    return json.loads(told)["features"]


async def test_the_map_tells_squares_days_and_answers_and_no_more(house):
    report = await house.accepted(text="Chez moi, au 12", address="12 rue Pasteur")
    await house.report(text="Rien que pour la mairie")
    await house.officer(CloseReport, report.number, "C’est réparé.", Closing.DONE)
    [found] = await features(house)
    lat, lon = coarse(*HERE)
    assert found["geometry"] == {"type": "Point", "coordinates": [lon, lat]}
    told = found["properties"]
    assert (told["report"], told["day"], told["state"], told["closing"]) == (
        report.number, "2026-11-25", "closed", "done",
    )  # fmt: skip
    assert told["answer"] == "C’est réparé."
    assert told["title"]["fr"].startswith("Inondation – ")
    assert told["title"]["fr"].endswith("– 25 novembre 2026 – réglé")
    assert told["url"] == f"/reports/{report.number}"
    assert told["pages"]["en"] == f"/en/reports/{report.number}"
    whole = json.dumps(found)
    assert str(HERE[0]) not in whole
    assert "12 rue" not in whole
    assert report.id not in whole


async def test_it_is_read_once_in_some_seconds_and_told_by_its_tag(house, monkeypatch):
    await house.accepted()
    asked = []
    ask = house.service.ask
    monkeypatch.setattr(house.service, "ask", lambda question: asked.append(1) or ask(question))
    answers = await asyncio.gather(*(house.get("/reports.geojson") for _ in range(50)))
    assert len(asked) == 1
    tag = answers[0][2]["ETag"]
    assert (await house.get("/reports.geojson", **{"If-None-Match": tag}))[0] == 304
    await house.accepted()
    assert (await house.get("/reports.geojson", **{"If-None-Match": tag}))[0] == 304
    house.wait()
    status, _, headers = await house.get("/reports.geojson", **{"If-None-Match": tag})
    assert (status, headers["Access-Control-Allow-Origin"]) == (200, "*")
    assert "stale" not in headers["Cache-Control"]


async def test_the_list_says_all_without_a_script_in_both_languages(house):
    report = await house.accepted("tree", text=ATTACK)
    await house.officer(CloseReport, report.number, "Voyez la <métropole>.", Closing.NOT_OURS)
    status, page, headers = await house.get("/reports")
    assert (status, headers["X-Robots-Tag"]) == (200, "noindex")
    tree = html.document_fromstring(page)
    [card] = tree.xpath("//li[contains(@class, 'card')]")
    said = " ".join(" ".join(card.itertext()).split()).replace("\u00a0", " ")
    assert said == (
        f"Arbre, branche {report.number} Où lieu connu à 100 m près Jour 25 novembre 2026 "
        "Suites clos : ne relève pas de la commune Réponse de la mairie Voyez la <métropole>."
    )
    assert card.xpath(".//a/@href") == [f"/reports/{report.number}"]
    assert "112" in page
    assert wrong_in(visible(page)) == []
    english = (await house.get("/en/reports"))[1]
    assert "closed: not for the town to deal with" in english
    assert f'href="/en/reports/{report.number}"' in english
    assert '<dd lang="fr-FR">Voyez' in english


async def test_a_long_list_is_in_pages(house):
    for number in range(A_PAGE + 1):
        await house.accepted(place=north(number))
    first, second = (await house.get("/reports"))[1], (await house.get("/reports?page=2"))[1]
    assert [page.count('<li class="card') for page in (first, second)] == [A_PAGE, 1]
    assert f"{A_PAGE + 1} signalements affichés" in first
    assert 'href="/reports?page=2"' in first
    for wrong in ("3", "0", "-1", "x", "1e3", ""):
        assert (await house.get(f"/reports?page={wrong}"))[0] == 404, wrong


async def test_a_report_has_its_page_with_its_words_once_accepted(house):
    report = await house.report(text=ATTACK)
    path = f"/reports/{report.number}"
    assert (await house.get(path))[0] == 404
    await house.become(report, state=ReportState.ACCEPTED, accepted_at=house.clock.now())
    house.wait()
    status, page, headers = await house.get(path)
    assert status == 200
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Robots-Tag"] == "noindex"
    assert "<script>alert" not in page
    assert "\u202e" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert f'href="{path}/notice"' in page
    assert "<img" not in page
    assert wrong_in(visible(page).replace(ATTACK, "")) == []
    assert (await house.get(f"/en{path.lower()}"))[0] == 200
    await house.officer(WithholdReport, report.number, "Un nom y est.")
    house.wait()
    assert "alert(1)" not in (await house.get(path))[1]


async def test_fourteen_days_after_its_end_it_is_gone_everywhere(house):
    report = await house.accepted()
    await house.officer(CloseReport, report.number)
    path = f"/reports/{report.number}"
    assert (await house.get(path))[0] == 200
    house.clock.set(house.clock.now() + timedelta(days=14))
    assert [(await house.get(each))[0] for each in (path, f"{path}.jpg", f"{path}/notice")] == [404] * 3
    assert await features(house) == []


async def test_a_duplicate_leads_to_the_first(house):
    first, second = await house.accepted(), await house.accepted()
    await house.officer(DuplicateReport, second.number, first.number)
    page = (await house.get(f"/reports/{second.number}"))[1]
    assert f'href="/reports/{first.number}"' in page
    assert [each["id"] for each in await features(house)] == [first.number]


async def test_a_photo_is_shown_once_released_and_soon_gone(house):
    report = await house.with_photo(released=False)
    path = f"/reports/{report.number}.jpg"
    assert (await house.get(path))[0] == 404
    photo = await house.service.ask(lambda unit: unit.reports.photo(report.id))
    await house.officer(release, report.number, photo)
    house.wait()
    async with house.client.get(path) as told:
        assert (told.status, told.content_type, await told.read()) == (200, "image/jpeg", photo.jpeg)
        assert told.headers["Cache-Control"] == "public, max-age=60, must-revalidate"
        assert told.headers["X-Content-Type-Options"] == "nosniff"
        tag = told.headers["ETag"]
    assert (await house.get(path, **{"If-None-Match": tag}))[0] == 304
    assert f'src="{path}"' in (await house.get(f"/reports/{report.number}"))[1]
    await house.officer(take_back_photo, report.number)
    house.wait()
    assert (await house.get(path, **{"If-None-Match": tag}))[0] == 404


async def test_a_photo_goes_with_the_words_that_are_withheld(house):
    report = await house.with_photo()
    path = f"/reports/{report.number}.jpg"
    assert (await house.get(path))[0] == 200
    await house.officer(WithholdReport, report.number, "Une plaque se lit.")
    house.wait()
    assert (await house.get(path))[0] == 404


async def test_in_a_flood_pins_that_nobody_looked_at_are_those_of_clusters(house):
    for n in (0, 0, 1, 1):
        await house.report("road", north(3000 * n + 5000))
    await house.accepted("tree")
    assert len(await features(house)) == 5
    for n in range(60):
        await house.report("lighting", north(-200 * n))
    house.wait()
    assert [each["properties"]["kind"] for each in await features(house)] == ["tree"]
    house.clock.set(house.clock.now() + timedelta(minutes=11))
    assert len(await features(house)) == 5


@pytest.mark.parametrize(
    "path", ["/reports/x'--", "/reports/%00", "/reports/" + "A" * 41, "/reports/SM-26-0001", "/reports/a.jpg"]
)
async def test_what_is_no_report_is_no_page(house, path):
    assert (await house.get(path))[0] == 404


async def test_a_database_that_fails_once_is_asked_again(house, monkeypatch):
    await house.accepted()

    async def fail(_):
        raise RuntimeError("no disk")

    with monkeypatch.context() as broken:
        broken.setattr(house.service, "ask", fail)
        assert (await house.get("/reports.geojson"))[0] == 500
    assert len(await features(house)) == 1


async def test_each_kind_that_ships_has_its_sign(house):
    assert {each.pictogram for each in house.intake.town.reports.kinds} <= signs()


async def test_in_a_fleet_all_that_they_lead_to_is_below_the_towns_own_path(tmp_path):
    async with a_reported_town(tmp_path, mount="/t/martin") as house:
        app, door, front = web.Application(), TownRouter(), web.Application()
        app.add_routes(house.pins.routes())
        front.router.add_route("*", "/{path:.*}", door.answer)
        place = await door.put("martin", app, ())
        report = await house.with_photo()
        async with TestClient(TestServer(front)) as client:
            for path in ("/reports", f"/en/reports/{report.number}"):
                page = await (await client.get(f"/t/martin{path}")).text()
                leads = re.findall(r'\b(?:href|src|action|data-[a-z-]+)="(/[^"]*)"', page)
                assert leads
                assert [each for each in leads if not re.match("/t/martin/(?!t/)", each)] == []
            told = await (await client.get("/t/martin/reports.geojson")).json(content_type=None)
            properties = told["features"][0]["properties"]
            assert properties["url"] == f"/t/martin/reports/{report.number}"
            assert (await client.get(properties["photo"])).status == 200
        await door.take_away(place)
