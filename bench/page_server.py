"""A server of the town's page for the benchmark: `python -m bench.page_server floor|ours`.

Both answer `/` with the same bytes. The floor is the barest aiohttp handler; ours is the public side over a database in
which an alert changes each second. It prints its port, stays on one core, and ends with its standard input.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from aiohttp import web

from alerts.config import load_config
from alerts.daemon.desk import build_desk
from alerts.daemon.environment import open_database
from alerts.daemon.serving import build_publisher
from alerts.daemon.telemetry import set_up_log
from alerts.delivery.worker import Workers
from alerts.desk.actions import Filed
from alerts.desk.draft import Draft, draft_alert
from alerts.desk.officer import update_of
from alerts.desk.service import DeskService
from alerts.desk.unit import DeskUnit
from alerts.model.alert import Severity
from alerts.model.events import Events
from alerts.model.incident import StoredAlert, new_id
from alerts.model.ports import SystemClock
from alerts.web.listener import AT_HAND, Listener, ListenerLimits
from alerts.web.public.publisher import Publisher, public_routes

CONFIG = """
[station]
name = "Ville de Saint-Martin"
sender = "alertes@saint-martin.example"
public_url = "https://alertes.saint-martin.example"

[channels.telegram]
kind = "telegram"
chat = "@saintmartin_alertes"
token = { env = "TELEGRAM_TOKEN" }
"""
ON = 5
"""Alerts that are on."""


async def serve(side: str) -> None:
    """Serve until standard input ends."""
    async with AsyncExitStack() as stack:
        service, publisher = await stack.enter_async_context(_town())
        stored = await _post(service, ON)
        await publisher.make()
        index = await publisher.find("/")
        assert index is not None
        app = web.Application()
        if side == "floor":
            app.add_routes([web.get("/", _bare(index.body))])
            runner = web.AppRunner(app, access_log=None)
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            port = runner.addresses[0][1]
        else:
            app.add_routes(public_routes(publisher))
            app[AT_HAND] = publisher.ready
            stack.push_async_callback((workers := Workers(SystemClock())).close)
            for each in publisher.work():
                workers.begin(each)
            stack.push_async_callback(_end, [asyncio.create_task(_change(service, stored))])
            listener = Listener(app, ListenerLimits(), SystemClock())
            stack.push_async_callback(listener.close)
            port = await listener.listen("127.0.0.1", 0)
        print(port, flush=True)
        await asyncio.to_thread(sys.stdin.read)


def _bare(body: bytes) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(body=body, content_type="text/html")

    return handler


@contextlib.asynccontextmanager
async def _town() -> AsyncIterator[tuple[DeskService, Publisher]]:
    clock = SystemClock()
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as folder:
        file = Path(folder) / "channels.toml"
        file.write_text(CONFIG, encoding="utf-8")
        config = load_config(file)
        database = await open_database(config.database)
        service = DeskService(
            town=config,
            database=database,
            desk=build_desk(config, clock.now),
            clock=clock,
            new_id=new_id,
            events=Events(),
        )
        yield service, build_publisher(config, service, clock)
        await database.close()


async def _post(service: DeskService, alerts: int) -> StoredAlert:
    for number in range(alerts):
        draft = Draft(f"Coupure d’eau {number}", severity=Severity.MODERATE, expires="6h")

        def file(unit: DeskUnit, draft: Draft = draft) -> Filed:
            alert = draft_alert(draft, unit.desk.station, unit.now, unit.new_id())
            return unit.desk.post(unit.alerts, alert, again=True)

        filed = await service.act(file)
    return filed.stored


async def _change(service: DeskService, stored: StoredAlert) -> None:
    """Each second the next version of one alert."""
    for second in itertools.count(1):
        await asyncio.sleep(1)
        changes = {"headline": f"Coupure d’eau, {second} s"}

        def file(unit: DeskUnit, stored: StoredAlert = stored, changes: dict[str, str] = changes) -> Filed:
            alert = update_of(stored, changes, unit.desk.station, unit.now, unit.new_id())
            return unit.desk.post(unit.alerts, alert, again=True)

        stored = (await service.act(file)).stored


async def _end(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


if __name__ == "__main__":
    os.sched_setaffinity(0, {0})
    set_up_log("error")
    asyncio.run(serve(sys.argv[1]))
