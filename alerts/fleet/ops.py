"""What the fleet says of itself to who operates it: `/healthz`, `/readyz` and `/metrics`, under a name of no town.

A town's trouble never makes the whole unready: `/readyz` is 503 while the folder's towns are being begun for the first
time, and when nobody looks at the folder any more. Each town's state stands in the body. `/metrics` has every town's
series with the label `town`; each town also tells its own under its own name.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

from aiohttp import web
from prometheus_client import generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector, CollectorRegistry

from alerts.fleet.fleet import LOOKED_AT_EVERY, Fleet, Member
from alerts.model.errors import DatabaseRefused
from alerts.rendering.i18n import word

LATE = 60.0
"""Seconds that a look at the folder may be behind its time."""
_ASKED_AT_ONCE = 8


def fleet_routes(fleet: Fleet) -> list[web.RouteDef]:
    """The fleet's own addresses."""

    async def healthz(_: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def readyz(_: web.Request) -> web.Response:
        status = readiness(fleet)
        body = {"status": status, "towns": {name: account(each) for name, each in fleet.members.items()}}
        return web.json_response(body, status=200 if status == "ready" else 503)

    async def metrics(_: web.Request) -> web.Response:
        body = await exposition(fleet)
        return web.Response(body=body, headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})

    return [web.get("/healthz", healthz), web.get("/readyz", readyz), web.get("/metrics", metrics)]


def readiness(fleet: Fleet) -> str:
    """`starting` until all towns were begun that can be, `standing still` when nobody looks any more, else `ready`."""
    if fleet.looked_at is None:
        return "starting"
    age = fleet.outside.clock.monotonic() - fleet.looked_at
    return "standing still" if age > LOOKED_AT_EVERY + LATE else "ready"


def account(member: Member) -> dict[str, Any]:
    """A town: `running`, `outdated` (it goes on with what its file said before) or `refused`; what stands, and why."""
    standing = [cycle.name for cycle in member.daemon.vitals.cycles() if cycle.stands] if member.daemon else []
    return {
        "state": state_of(member),
        "standing": standing,
        "reasons": [word(each, member.language) for each in member.wrong],
        "reason_codes": [each.code for each in member.wrong],
    }


def state_of(member: Member) -> str:
    """See `account`."""
    if member.daemon is None:
        return "refused"
    return "outdated" if member.wrong else "running"


async def exposition(fleet: Fleet) -> bytes:
    """Everything that is counted, of all towns, in Prometheus' text format."""
    places = asyncio.Semaphore(_ASKED_AT_ONCE)

    async def measured(member: Member) -> tuple[str, CollectorRegistry] | None:
        async with places:
            if member.daemon is None:
                return None
            try:
                return member.name, await member.daemon.vitals.measure()
            except DatabaseRefused:  # what it counted by itself is told all the same by the next scrape
                return None

    found = await asyncio.gather(*map(measured, list(fleet.members.values())))
    towns = [each for each in found if each is not None]
    states = {name: state_of(member) for name, member in fleet.members.items()}
    # Thousands of lines: in a thread, between whose steps the lanes go on.
    return await asyncio.to_thread(lambda: generate_latest(_Everybody(towns, states)))


class _Everybody(CollectorRegistry):
    """All towns' series as one registry: each name once, each series with its town."""

    def __init__(self, towns: Sequence[tuple[str, Collector]], states: dict[str, str]) -> None:
        super().__init__()
        self._towns = towns
        self._states = states

    def collect(self) -> Iterator[Metric]:
        """The fleet's own, then the towns'."""
        states = GaugeMetricFamily("tocsin_town", "1 for the state that a town is in", labels=["town", "state"])
        for name, state in self._states.items():
            states.add_metric([name, state], 1)
        yield states
        merged: dict[str, Metric] = {}
        for town, registry in self._towns:
            for family in registry.collect():
                whole = merged.setdefault(family.name, Metric(family.name, family.documentation, family.type))
                whole.samples += [each._replace(labels={**each.labels, "town": town}) for each in family.samples]
        yield from merged.values()
