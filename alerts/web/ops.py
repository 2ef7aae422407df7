"""Endpoints for operators: `/healthz` the process, `/readyz` each cycle, `/metrics` Prometheus.

`/readyz` is 503 when a cycle is stalled, and names it. A failing source is listed in the body without a 503: its cycle
runs, and tries again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from aiohttp import web

from alerts.delivery.worker import Cycle
from alerts.desk.status_out import OwnerOut
from alerts.model.errors import DatabaseRefused
from alerts.model.reason import Reason, because
from alerts.rendering.i18n import reason_json, word


@dataclass(frozen=True, slots=True)
class Gauges:
    """The daemon's data for `ops`: its cycles, the text of its metrics, and the language of reasons.

    `daemon` is its name, and `owners` maps each lane, source, bulk and bot to its daemon.
    """

    cycles: Callable[[], list[Cycle]]
    metrics: Callable[[], Awaitable[bytes]]
    language: str = "en"
    daemon: str = ""
    owners: Callable[[], Mapping[str, OwnerOut]] = dict


def account_of(cycles: Sequence[Cycle], language: str) -> dict[str, dict[str, Any]]:
    """How each is doing, by its name, as `/readyz` has it."""
    ages = {cycle.name: None if cycle.age is None else round(cycle.age, 3) for cycle in cycles}
    return {cycle.name: {"age": ages[cycle.name], **reason_json(cycle.reason, language)} for cycle in cycles}


def ops_routes(gauges: Gauges, warnings: Callable[[], list[Reason]] = list) -> list[web.RouteDef]:
    """Return the three routes; `warnings` are reported too, and stop nothing."""

    async def healthz(_: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def readyz(_: web.Request) -> web.Response:
        cycles = gauges.cycles()
        stalled = [cycle.name for cycle in cycles if cycle.stands]
        body = {
            "status": "standing still" if stalled else "ready",
            "daemon": gauges.daemon,
            "standing": stalled,
            "cycles": account_of(cycles, gauges.language),
            "owners": {name: asdict(owner) for name, owner in gauges.owners().items()},
            "warnings": [word(each, gauges.language) for each in warnings()],
        }
        return web.json_response(body, status=503 if stalled else 200)

    async def metrics(_: web.Request) -> web.Response:
        try:
            body = await gauges.metrics()
        except DatabaseRefused as error:
            why = because("database_busy", said=error)
            return web.Response(status=503, text=f"{word(why, gauges.language)}\n")
        return web.Response(body=body, headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})

    return [web.get("/healthz", healthz), web.get("/readyz", readyz), web.get("/metrics", metrics)]
