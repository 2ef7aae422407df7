"""The report as a page, as a file to keep, and as data."""

from __future__ import annotations

import pytest
from aiohttp.test_utils import TestClient, TestServer

from alerts.model.person import Role
from alerts.web.console import report
from tests.unit.web.console.watching import a_desk


@pytest.fixture
async def desk(tmp_path):
    async with a_desk(tmp_path) as desk:
        yield desk


@pytest.fixture
async def ask(desk):
    async with TestClient(TestServer(desk.app(report.routes(desk.console)))) as client:

        async def ask(address: str):
            answer = await client.get(f"/desk{address}")
            return answer, await answer.text()

        yield ask


async def test_whoever_may_look_may_read_it_in_their_language(desk, ask):
    alert = (await desk.post("Rue Basse closed")).id
    desk.role = Role.VIEWER

    answer, english = await ask(f"/alerts/{alert}/report")
    desk.language = "fr"
    _, french = await ask(f"/alerts/{alert}/report")

    assert answer.status == 200
    assert "Incident report" in english
    assert "Rue Basse closed" in english
    assert "Compte rendu d’incident" in french
    assert "<style" not in english, "the policy allows none"


async def test_the_file_to_keep_is_never_shown_in_the_desk_s_own_address(desk, ask):
    alert = (await desk.post("Rue Basse closed")).id

    answer, file = await ask(f"/alerts/{alert}/report?as=file")

    assert answer.headers["Content-Disposition"].startswith("attachment;")
    assert "<style>" in file


async def test_the_data_is_the_same_report(desk, ask):
    stored = await desk.post("Rue Basse closed")

    answer, _ = await ask(f"/alerts/{stored.id}/report?as=json")
    data = await answer.json()

    assert data["incident"] == stored.incident_id
    assert data["deeds"][0]["what"] == "post"


async def test_what_is_no_alert_has_no_report(ask):
    answer, _ = await ask("/alerts/nosuchalert/report")

    assert answer.status == 404
