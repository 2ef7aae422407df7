"""For those who operate it: `/healthz` the process, `/readyz` each cycle, `/metrics` Prometheus.

`/readyz` is 503 when a cycle stands still, and names it. A source that fails is told in the body and is no 503: its
cycle runs, and asks again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass

from aiohttp import web

from alerts.model.errors import DatabaseRefused
from alerts.model.reason import Reason, because
from alerts.rendering.i18n import told, word


@dataclass(frozen=True, slots=True)
class Cycle:
    """One task that must run again and again, a source's polling or a lane. `age`: seconds since it last did, if ever.

    `stands` says that it should have run by now; `reason` what troubles it while it does.
    """

    name: str
    age: float | None
    stands: bool
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class Owner:
    """The daemon that works something: its name, its host and since when, as `status --json` has them."""

    daemon: str
    host: str | None
    since: str | None


@dataclass(frozen=True, slots=True)
class Gauges:
    """What `ops` asks the daemon: its cycles, the text of its metrics, and in which language a reason is worded.

    `daemon` is its name, and `owners` tells which daemon works each lane, source, bulk and bot.
    """

    cycles: Callable[[], list[Cycle]]
    metrics: Callable[[], Awaitable[bytes]]
    language: str = "en"
    daemon: str = ""
    owners: Callable[[], Mapping[str, Owner]] = dict


def ops_routes(gauges: Gauges, warnings: Callable[[], list[Reason]] = list) -> list[web.RouteDef]:
    """The three addresses; `warnings` is what else is to be told, and stops nothing."""

    async def healthz(_: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def readyz(_: web.Request) -> web.Response:
        cycles = gauges.cycles()
        standing = [cycle.name for cycle in cycles if cycle.stands]
        body = {
            "status": "standing still" if standing else "ready",
            "daemon": gauges.daemon,
            "standing": standing,
            "cycles": {
                cycle.name: {
                    "age": None if cycle.age is None else round(cycle.age, 3),
                    **told(cycle.reason, gauges.language),
                }
                for cycle in cycles
            },
            "owners": {name: asdict(owner) for name, owner in gauges.owners().items()},
            "warnings": [word(each, gauges.language) for each in warnings()],
        }
        return web.json_response(body, status=503 if standing else 200)

    async def metrics(_: web.Request) -> web.Response:
        try:
            body = await gauges.metrics()
        except DatabaseRefused as error:
            why = because("database_busy", said=error)
            return web.Response(status=503, text=f"{word(why, gauges.language)}\n")
        return web.Response(body=body, headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})

    return [web.get("/healthz", healthz), web.get("/readyz", readyz), web.get("/metrics", metrics)]
