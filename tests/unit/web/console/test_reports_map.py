"""The map's pins and areas, and the files: as filtered as the list, and no cell that a spreadsheet would compute."""

from __future__ import annotations

import csv
import io
import json
import re

import pytest

from alerts.model.person import Actor, Origin, Role
from alerts.reports.report_acts import AcceptReport
from alerts.web.console import reports_map
from tests.unit.acting import by
from tests.unit.web.console.reporting import a_reporting_desk, report

PAUL = Actor("Paul", Role.AUTHOR, Origin.CONSOLE)


@pytest.fixture
async def desk(tmp_path):
    async with a_reporting_desk(tmp_path) as desk:
        yield desk


async def features(desk, query=""):
    return json.loads(await desk.text(f"/reports/map.geojson{query}"))["features"]


async def rows(desk, query=""):
    text = await desk.text(f"/reports/export.csv{query}")
    assert text.startswith("\ufeffreport")
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff")), delimiter=";" if ";" in text[:20] else ","))


async def test_each_pin_leads_to_its_report_and_keeps_the_filter(desk):
    one = await report(desk, address="12 rue Pasteur")
    await report(desk, kind="tree")
    [pin] = await features(desk, "?kind=lighting")
    assert pin["id"] == one.number
    assert pin["geometry"]["coordinates"] == [5.71, 45.19]
    assert pin["properties"]["name"] == "Street lighting – 12 rue Pasteur"
    assert pin["properties"]["url"] == f"/desk/reports/{one.number}?kind=lighting"
    await desk.text(f"/reports/{one.number}?kind=lighting")


async def test_alerts_that_are_on_lie_beneath_with_drafts_and_clusters_that_grow(desk):
    alert = await desk.post("Power cut", channels=("x",), circles=("45.19,5.71 1",), place="Rue Haute")
    for metres in (0, 50, 100):
        await report(desk, kind="flooding", metres=metres)
    found = await features(desk)
    assert [each["properties"]["what"] for each in found] == ["area", "growing", "pin", "pin", "pin"]
    assert found[0]["properties"]["url"] == f"/desk/alerts/{alert.id}"
    assert found[1]["properties"]["name"] == "Flooding – 3 of 5"
    for metres in (150, 200):
        await report(desk, kind="flooding", metres=metres)
    assert "draft" in {each["properties"]["what"] for each in await features(desk)}


@pytest.mark.parametrize("said", ["=1+1", "+33 6", "-2", "@SUM(A1)", "\t=1", "  =1", "＝1"])
async def test_no_cell_is_computed_by_a_spreadsheet(desk, said):
    await report(desk, f"{said}", address="=HYPERLINK(A1)")
    [row] = await rows(desk)
    assert not row["text"].startswith(("=", "+", "-", "@", "\t", " ", "＝"))
    assert row["text"].startswith("'")
    assert row["place"] == "'=HYPERLINK(A1)"
    assert float(row["lat"]) == 45.19


async def test_the_files_hold_all_that_the_filter_finds_and_no_more(desk, monkeypatch):
    monkeypatch.setattr(reports_map, "AT_ONCE", 2)
    here = [await report(desk, f'Lamp "{place}",\nhere; now', metres=900 * place) for place in range(5)]
    await report(desk, kind="tree")
    await desk.service.act(by(PAUL, AcceptReport, here[0].number))
    found = await rows(desk, "?kind=lighting")
    assert [row["report"] for row in found] == [each.number for each in reversed(here)]
    assert found[0]["text"] == 'Lamp "4",\nhere; now'
    assert found[-1]["state"] == "accepted"
    geojson = json.loads(await desk.text("/reports/export.geojson?kind=lighting"))
    assert [each["id"] for each in geojson["features"]] == [row["report"] for row in found]
    assert geojson["features"][0]["geometry"]["type"] == "Point"
    assert json.loads(await desk.text("/reports/export.geojson?kind=noise"))["features"] == []


async def test_cells_are_told_apart_as_the_readers_spreadsheet_expects(desk):
    await report(desk)
    desk.language = "fr"
    text = await desk.text("/reports/export.csv")
    assert text.startswith("\ufeffreport;kind;state;")
    assert len(await rows(desk)) == 1


async def test_a_file_that_ends_before_all_is_told_says_so(desk, monkeypatch):
    await report(desk)
    assert "note" not in json.loads(await desk.text("/reports/export.geojson"))
    monkeypatch.setattr(reports_map, "AT_ONCE", 1)
    monkeypatch.setattr(reports_map, "MOST_ROWS", 1)
    await report(desk, kind="tree")

    told = json.loads(await desk.text("/reports/export.geojson"))
    assert len(told["features"]) == 1
    assert told["note"].startswith("Only the newest 1 reports are in this file.")
    assert (await rows(desk))[-1]["report"] == told["note"]


async def test_the_page_offers_the_files_and_the_map_with_its_own_filter(desk):
    page = await desk.text("/reports?kind=tree")
    assert 'href="/desk/reports/export.csv?kind=tree"' in page
    assert 'href="/desk/reports/export.geojson?kind=tree"' in page
    assert re.search(r'id="map"[^>]*data-pins="/desk/reports/map.geojson\?kind=tree"[^>]*hidden', page)


async def test_each_file_leaves_a_line_without_what_was_searched_for(desk):
    await desk.text("/reports/export.csv?q=Dupont")
    await desk.text("/reports/export.geojson")

    lines = await desk.service.ask(lambda unit: [line.entry for line in unit.audit.all()])
    assert [(each.actor, each.act, each.subject) for each in lines[-2:]] == [
        ("Anne", "reports exported", "csv"),
        ("Anne", "reports exported", "geojson"),
    ]
    assert "Dupont" not in str(lines)
