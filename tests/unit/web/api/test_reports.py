"""Reports by the API: a program brings them and sees nothing, others look, accept and close."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.unit.web.api.bureau import CHANNELS, open_bureau
from tests.walls import in_one_test

WISH = {"kind": "flooding", "lat": 45.19, "lon": 5.71, "text": "De l’eau dans la rue", "source": "somebody"}
TOWN = (
    CHANNELS
    + """
[reports]
prefix = "SM"
[reports.forward.agglo]
url = "https://311.agglo.example/v2"
kinds = { lighting = "LIGHT-01" }
"""
)


@pytest.fixture
async def town(tmp_path):
    async with open_bureau(tmp_path, TOWN) as opened:
        yield opened


async def report(town, role="reporter", status=201, headers=None, **words):
    body = {name: value for name, value in {**WISH, **words}.items() if value is not None}
    return await town.told("POST", "/reports", role, json=body, status=status, headers=headers or {})


async def test_a_report_is_taken_with_its_number_and_a_link(town):
    receipt = await report(town)
    assert receipt["report"] == "SM-26-0001"
    assert receipt["state"] == "received"
    assert receipt["link"].startswith("/report/SM-26-0001/")
    assert set(receipt) == {"report", "state", "link"}
    one = await town.told("GET", "/reports/sm-26-0001", "viewer")
    assert one == {
        "report": "SM-26-0001",
        "kind": "flooding",
        "state": "received",
        "place": {"lat": 45.19, "lon": 5.71, "words": one["place"]["words"]},
        "at": one["received_at"],
        "text": "De l’eau dans la rue",
        "incident": None,
        "draft": None,
        "received_at": one["at"],
        "via": "api",
        "closing": None,
        "answer": None,
        "reason": None,
        "reason_code": None,
        "waits": None,
        "forwarded": [],
        "fingerprint": one["fingerprint"],
    }
    answer = await town.ask("POST", "/reports", "reporter", json={**WISH, "source": "another"})
    assert answer.headers["Location"] == "/api/v1/reports/SM-26-0002"


async def test_a_reporter_reports_and_sees_nothing(town):
    await report(town)
    for method, path in (("GET", "/reports"), ("GET", "/reports/SM-26-0001"), ("GET", "/me"), ("GET", "/alerts")):
        assert (await town.ask(method, path, "reporter")).status == 403
    assert (await town.ask("POST", "/reports/SM-26-0001/accept", "reporter", json={})).status == 403


async def test_two_keys_are_two_people_and_one_is_one(town):
    for source in ("a", "a", "b"):
        await report(town, source=source, text=None)
    sources = await town.rows("SELECT DISTINCT source FROM report")
    assert len(sources) == 2
    assert "somebody" not in repr(await town.rows("SELECT * FROM report"))


@in_one_test
@pytest.mark.parametrize(
    ("words", "where"),
    [
        ({"kind": "dragons"}, "dragons"),
        ({"kind": "gas"}, "18"),
        ({"lat": None, "lon": None}, "where is it"),
        ({"lat": 91}, "lat"),
        ({"lat": True}, "'where': 'lat', 'what': 'is no number'"),
        ({"lat": "45.19"}, "'where': 'lat', 'what': 'is no number'"),
        ({"lon": False}, "'where': 'lon', 'what': 'is no number'"),
        ({"source": None}, "source"),
        ({"text": "x" * 501}, "text"),
        ({"photo": "!!!!"}, "photo"),
        ({"who": "Luc"}, "who"),
        ({"at": "2026-11-26T13:00:00+01:00"}, "the last 24 hours"),
        ({"at": "2026-11-20T13:00:00+01:00"}, "the last 24 hours"),
        ({"at": "yesterday noon"}, "at"),
    ],
)
async def test_what_cannot_be_is_told_and_nothing_kept(town, words, where):
    problem = await report(town, status=422, **words)
    assert where in str(problem["errors"])
    assert await town.rows("SELECT * FROM report") == []


async def test_a_whole_number_is_a_position_too(town):
    await report(town, lat=45, lon=5)
    one = await town.told("GET", "/reports/SM-26-0001", "viewer")
    assert (one["place"]["lat"], one["place"]["lon"]) == (45.0, 5.0)


async def test_it_may_be_told_when_it_was(town):
    at = town.clock.now() - timedelta(hours=3)
    await report(town, at=at.isoformat())
    one = await town.told("GET", "/reports/SM-26-0001", "viewer")
    assert one["at"] != one["received_at"]


async def test_the_same_key_is_one_report_and_the_same_answer(town):
    key = {"Idempotency-Key": "k1"}
    first = await town.ask("POST", "/reports", "reporter", json=WISH, headers=key)
    again = await town.ask("POST", "/reports", "reporter", json=WISH, headers=key)
    assert (first.status, again.status) == (201, 201)
    assert await first.json() == await again.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.headers["Location"] == first.headers["Location"]
    problem = await report(town, status=422, headers=key, text="autre chose")
    assert problem["type"].endswith("key-reused")
    assert len(await town.rows("SELECT * FROM report")) == 1


async def test_a_crash_before_the_answer_was_kept_makes_no_second_report(town):
    key = {"Idempotency-Key": "k1"}
    first = await report(town, headers=key)
    await town.write("DELETE FROM idempotency")
    assert await report(town, headers=key) == first
    assert len(await town.rows("SELECT * FROM report")) == 1


async def test_lists_are_filtered_and_cut(town):
    for number in range(3):
        await report(town, source=str(number), kind="flooding" if number else "waste")
    page = await town.told("GET", "/reports?limit=2", "viewer")
    assert [each["report"] for each in page["reports"]] == ["SM-26-0003", "SM-26-0002"]
    rest = await town.ask("GET", f"/reports?limit=2&before={page['next']}", "viewer")
    assert [each["report"] for each in (await rest.json())["reports"]] == ["SM-26-0001"]
    waste = await town.told("GET", "/reports?kind=waste&state=received", "viewer")
    assert [each["report"] for each in waste["reports"]] == ["SM-26-0001"]
    assert (await town.told("GET", "/reports?state=closed", "viewer"))["reports"] == []
    await town.told("GET", "/reports?before=SM-26-9999", "viewer", status=422)
    await town.told("GET", "/reports?state=gone", "viewer", status=422)


async def test_an_author_accepts_and_closes(town):
    await report(town)
    accepted = await town.told("POST", "/reports/SM-26-0001/accept", json={"text": "On regarde"})
    assert (accepted["state"], accepted["answer"], accepted["waits"]["text"]) == ("accepted", None, "On regarde")
    closed = await town.told("POST", "/reports/SM-26-0001/close", json={"text": "Fait", "closing": "not ours"})
    assert (closed["state"], closed["closing"], closed["answer"]) == ("closed", "not ours", None)
    [waits] = (await town.told("GET", "/answers", "viewer"))["answers"]
    assert (waits["to"], waits["text"]) == ("report", "Fait"), "the one before was replaced"
    await town.told("POST", f"/answers/{waits['answer']}/approve", status=403)
    await town.told("POST", f"/answers/{waits['answer']}/approve", "approver", json={"seen": waits["fingerprint"]})
    assert (await town.told("GET", "/reports/SM-26-0001"))["answer"] == "Fait"
    await town.told("POST", "/reports/SM-26-0001/close", json={"closing": "erased"}, status=422)
    await town.told("POST", "/reports/SM-26-0009/close", json={}, status=404)
    await town.told("POST", "/reports/SM-26-0001/close", "viewer", json={}, status=403)


async def test_a_town_without_reports_has_none(bureau):
    for method, path, role in (("POST", "", "reporter"), ("GET", "", "viewer"), ("POST", "/X/accept", "author")):
        body = {"json": WISH if not path else {}} if method == "POST" else {}
        problem = await bureau.told(method, f"/reports{path}", role, status=404, **body)
        assert "takes no reports" in problem["detail"]


async def test_an_alert_that_reports_made_names_them_alone_and_in_a_list(town):
    numbers = [(await report(town, source=f"somebody {number}"))["report"] for number in range(5)]
    [listed] = (await town.told("GET", "/alerts", "viewer"))["alerts"]
    assert (listed["state"], listed["drafted_from"]) == ("waiting", numbers)
    one = await town.told("GET", f"/alerts/{listed['alert']}", "viewer")
    assert one["drafted_from"] == numbers
    history = await town.told("GET", f"/alerts/{listed['alert']}/history", "viewer")
    [drafted] = [each for each in history["events"] if each["what"] == "drafted"]
    assert drafted["reason_code"] == "drafted_of_reports"
    assert all(number in drafted["reason"] for number in numbers)
