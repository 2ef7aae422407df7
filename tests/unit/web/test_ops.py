"""`/readyz` as a monitor reads it: each cycle's reason in words and as a code."""

from __future__ import annotations

import json

from aiohttp.test_utils import make_mocked_request

from alerts.model.reason import Reason, because
from alerts.web.ops import Cycle, Gauges, ops_routes


async def ready(*cycles: Cycle, language: str = "fr-FR", warnings: tuple[Reason, ...] = ()) -> tuple[int, dict]:
    async def metrics() -> bytes:
        return b""

    routes = {
        route.path: route.handler
        for route in ops_routes(Gauges(lambda: list(cycles), metrics, language), lambda: list(warnings))
    }
    answer = await routes["/readyz"](make_mocked_request("GET", "/readyz"))
    return answer.status, json.loads(answer.text)


async def test_what_fails_is_told_in_the_station_s_language_and_by_its_code():
    reason = because("database_said", said="disk full")
    status, body = await ready(Cycle("store", None, stands=True, reason=reason), Cycle("lane x", 1.23456, stands=False))

    assert (status, body["standing"]) == (503, ["store"])
    assert body["cycles"]["lane x"] == {"age": 1.235, "reason": None, "reason_code": None}
    store = body["cycles"]["store"]
    assert (store["reason_code"], store["reason"].startswith("la base de données refuse")) == ("database_said", True)


async def test_what_fails_without_standing_still_is_ready():
    status, body = await ready(Cycle("source meteo", 3.0, stands=False, reason=because("words", text="status 503")))

    assert (status, body["status"]) == (200, "ready")
    assert body["cycles"]["source meteo"]["reason"] == "status 503"


async def test_what_is_wrong_with_the_way_to_the_desk_is_told_in_that_language_and_is_no_503():
    why = because("proxy_unlisted", address="127.0.0.1")
    status, body = await ready(Cycle("lane x", 0.5, stands=False), warnings=(why,))

    said = (
        "web.proxies\u00a0: 127.0.0.1 transmet des requêtes et n’y figure pas\u00a0; le poste de permanence les refuse"
    )
    assert (status, body["warnings"]) == (200, [said])
