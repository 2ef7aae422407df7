"""The process of a fleet: it holds the folder, opens the one door, and polls the folder until it is stopped.

One process at a time works a folder, by a lock on `DIR/fleet.lock`, which the system releases when the process dies.

`fleet_routes` are its own endpoints for operators: `/healthz`, `/readyz` and `/metrics`, under a name of no town. A
town's trouble never makes the whole unready: `/readyz` is 503 while the folder's towns are being begun for the first
time, and when nothing polls the folder any more. Each town's state is in the body. `/metrics` has every town's series
with the label `town`; each town also has its own under its own name.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import resource
import signal
import socket
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import structlog
from aiohttp import web
from prometheus_client import generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector, CollectorRegistry

from alerts.config import fleet_desk, load_fleet
from alerts.daemon.environment import (
    HANDED_OVER_AFTER,
    DaemonEnvironment,
    HttpSession,
    Looks,
    leave_alone_what_stays,
    tell_systemd,
    watchdog_interval,
)
from alerts.daemon.serving import serve
from alerts.daemon.telemetry import READERS, SUMMING_UP, TASK_ENDS
from alerts.delivery.worker import LATE, Work, Worker
from alerts.fleet.desk import FleetDesk, open_desk
from alerts.fleet.fleet import LOOKED_AT_EVERY, Fleet, Member
from alerts.fleet.town_list import TownPages
from alerts.listening.understanding import Understanding
from alerts.model.errors import DatabaseRefused, TocsinError
from alerts.model.reason import because
from alerts.rendering.i18n import word
from alerts.sources.shared import SharedReader
from alerts.store.connection import Place, migrate
from alerts.store.database import Database
from alerts.store.threads import SharedThreads
from alerts.web.ops import account_of

LOOKS = Looks(
    file=timedelta(seconds=60),
    lanes=timedelta(minutes=5),
    ends=timedelta(seconds=30),
    approvals=timedelta(seconds=20),
    store=timedelta(seconds=30),
)
"""How often each town checks by itself for changes that it is normally notified of."""
LEASES_LAST, LEASES_RENEWED = timedelta(seconds=60), 0.6
"""A process that comes after a killed one waits for none of them: by the folder's lock it knows their owner is dead."""

_MOST_FILES = 1 << 20

log = structlog.get_logger()


async def run_fleet(folder: Path) -> None:
    """Run the towns of a folder until SIGTERM or SIGINT; SIGHUP polls at once. Raises TocsinError."""
    sys.setswitchinterval(HANDED_OVER_AFTER)
    leave_alone_what_stays()
    section, listen = load_fleet(folder)
    _open_many_files()
    with sole_user(folder):
        async with shared_outside(folder) as outside:
            fleet = Fleet(folder, section, listen, outside)
            desk = await open_desk(fleet, fleet_desk(folder))
            entrance, _ = await serve(await fleet_app(fleet, desk), listen, outside.clock)
            desk.start()
            try:
                stopped, asked = asyncio.Event(), asyncio.Event()
                loop = asyncio.get_running_loop()
                for number in (signal.SIGTERM, signal.SIGINT):
                    loop.add_signal_handler(number, stopped.set)
                loop.add_signal_handler(signal.SIGHUP, asked.set)
                for work in fleet_work(fleet, asked, watchdog_interval()):
                    fleet.workers.begin(work)
                try:
                    await stopped.wait()
                finally:
                    await fleet.workers.close()
            finally:
                tell_systemd("STOPPING=1")
                log.info("fleet.stopping")
                await desk.close()
                await fleet.stop()
                await entrance.close()


def _open_many_files() -> None:
    """Have as many files as the system allows us: each town has some six open, and each connection is one more."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (_MOST_FILES if hard == resource.RLIM_INFINITY else hard, hard))


@contextmanager
def sole_user(folder: Path) -> Iterator[None]:
    """Hold the folder while this lasts. Raises TocsinError where another process does, or it can't be written."""
    try:
        lock = (folder / "fleet.lock").open("w")
    except OSError as error:
        raise TocsinError(because("fleet_unreadable", folder=folder, said=error.strerror or "")) from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise TocsinError(because("fleet_runs", folder=folder)) from None
        yield


def _owners(folder: Path) -> str:
    """Return the prefix of a folder's lease owners.

    It includes the machine's name: at a server, another machine's fleet may work towns of a folder of the same name.
    """
    place = f"{socket.gethostname()} {folder.resolve()}"
    return f"f{sha256(os.fsencode(place)).hexdigest()[:6]}-"


@asynccontextmanager
async def shared_outside(folder: Path, outside: DaemonEnvironment | None = None) -> AsyncIterator[DaemonEnvironment]:
    """Yield the world of each town of a folder that this process alone works: session, feeds and threads are shared.

    Nothing polls every second: events of this process are on each town's own bus, and writes of another one ring. The
    remaining polls are for rings that got lost.
    """
    outside = outside or DaemonEnvironment()
    session, threads, understanding = await outside.open_session(), SharedThreads(), Understanding()

    async def lend() -> HttpSession:
        return session

    async def open_database(place: Place) -> Database:
        await asyncio.to_thread(migrate, place)
        return await threads.open(place)

    try:
        yield replace(
            outside,
            open_session=lend,
            lends_session=True,
            open_database=open_database,
            feeds=SharedReader(session, outside.clock, many=True),
            understanding=understanding,
            looks=LOOKS,
            lease_term=LEASES_LAST,
            lease_renewed=LEASES_RENEWED,
            owners=_owners(folder),
        )
    finally:
        await understanding.close()
        threads.close()
        await session.close()


async def fleet_app(fleet: Fleet, desk: FleetDesk | None = None) -> web.Application:
    """The door: whoever asks for no town is answered by the fleet's own application, with the operators' desk."""
    own = web.Application()
    own.add_routes([*fleet_routes(fleet), *TownPages(fleet).routes()])
    if desk is not None:
        desk.add_to(own)
    await fleet.router.put_own(own)

    async def answer(request: web.Request) -> web.StreamResponse:
        return await fleet.router.answer(request)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    return app


def fleet_work(fleet: Fleet, asked: asyncio.Event, beaten_every: float | None) -> list[Work]:
    """Return the loops besides the towns: the folder is polled, also when `asked`, and systemd's watchdog is fed."""
    folder = Work("folder", partial(_look, fleet), LOOKED_AT_EVERY, woken=asked, late=LOOKED_AT_EVERY + LATE)
    beating = [] if beaten_every is None else [Work("watchdog", _beat, beaten_every)]
    return [SUMMING_UP, folder, *beating]


async def _look(fleet: Fleet) -> None:
    is_first, began = fleet.looked_at is None, asyncio.get_running_loop().time()
    await fleet.look()
    if not is_first:
        return
    running = sum(each.daemon is not None for each in fleet.members.values())
    seconds = round(asyncio.get_running_loop().time() - began, 1)
    log.info("fleet.running", towns=len(fleet.members), running=running, seconds=seconds)
    leave_alone_what_stays()
    # Only now: systemd starts what comes after us when it hears this (sd_notify(3)).
    tell_systemd("READY=1")


async def _beat() -> None:
    tell_systemd("WATCHDOG=1")


_ASKED_AT_ONCE = 8


def fleet_routes(fleet: Fleet) -> list[web.RouteDef]:
    """The fleet's own addresses."""

    async def healthz(_: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def readyz(_: web.Request) -> web.Response:
        status = readiness(fleet)
        towns = {name: account(each) for name, each in fleet.members.items()}
        body = {"status": status, "towns": towns, "cycles": account_of(fleet.workers.cycles(), "en")}
        return web.json_response(body, status=200 if status == "ready" else 503)

    async def metrics(_: web.Request) -> web.Response:
        body = await exposition(fleet)
        return web.Response(body=body, headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})

    return [web.get("/healthz", healthz), web.get("/readyz", readyz), web.get("/metrics", metrics)]


def readiness(fleet: Fleet) -> str:
    """Return `starting` until all possible towns were begun, `standing still` if a loop of its own is, else `ready`."""
    if fleet.looked_at is None:
        return "starting"
    age = fleet.outside.clock.monotonic() - fleet.looked_at
    stands = age > LOOKED_AT_EVERY + LATE or any(each.stands for each in fleet.workers.cycles())
    return "standing still" if stands else "ready"


def account(member: Member) -> dict[str, Any]:
    """Return a town's state, with its stalled cycles and the reasons.

    The state is `running`, `outdated` (with its previous configuration) or `refused`.
    """
    stalled = [cycle.name for cycle in member.daemon.vitals.cycles() if cycle.stands] if member.daemon else []
    return {
        "state": state_of(member),
        "standing": stalled,
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
    return await asyncio.to_thread(lambda: generate_latest(_Everybody(towns, states, list(fleet.workers))))


class _Everybody(CollectorRegistry):
    """All towns' series as one registry: each name once, each series with its town."""

    def __init__(
        self, towns: Sequence[tuple[str, Collector]], states: dict[str, str], workers: Sequence[Worker]
    ) -> None:
        super().__init__()
        self._workers = workers
        self._towns = towns
        self._states = states

    def collect(self) -> Iterator[Metric]:
        """The fleet's own, then the towns'."""
        states = GaugeMetricFamily("tocsin_town", "1 for the state that a town is in", labels=["town", "state"])
        for name, state in self._states.items():
            states.add_metric([name, state], 1)
        yield states
        yield from READERS.collect()
        ends = CounterMetricFamily("tocsin_task_ends", TASK_ENDS, labels=["task"])
        for worker in self._workers:
            ends.add_metric([worker.name], worker.ends)
        merged: dict[str, Metric] = {ends.name: ends}
        for town, registry in self._towns:
            for family in registry.collect():
                whole = merged.setdefault(family.name, Metric(family.name, family.documentation, family.type))
                whole.samples += [each._replace(labels={**each.labels, "town": town}) for each in family.samples]
        yield from merged.values()
