"""All loops of a whole town fail at once, wherever each waits: none ends unseen, and the town goes on."""

from __future__ import annotations

import asyncio
import shutil
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest
from structlog.testing import capture_logs

from alerts.app import ENDS, build
from alerts.channels.push.encryption import new_key
from alerts.config import load_config
from alerts.daemon.outside import Outside
from alerts.health.monitor import What
from tests.fakes import FakeClock, PlainChannel
from tests.unit.desk.conftest import an_alert

ROOT = Path(__file__).parents[3]
TOWN = """
[station]
name = "Ville de Saint-Martin"
sender = "alertes@saint-martin.example"
language = "fr-FR"
areas = ["INSEE:38185", "NUTS3:FR714"]
boundary = "areas.geojson"

[store]
url = "sqlite:///town.db"
keep = "365d"

[web]
listen = "127.0.0.1:0"

[sources.manual]
publish = "auto"
urgent = "auto"

[sources.travaux]
kind = "ical"
url = "travaux.ics"

[reports]

[channels.page]
kind = "facebook"
page_id = "1"
hears = true
token = { file = "token" }

[channels.telegram]
kind = "telegram"
api_url = "http://127.0.0.1:1"
chat = "@saintmartin"
token = { file = "token" }
subscriptions = true

[channels.equipe]
kind = "telegram"
api_url = "http://127.0.0.1:1"
chat = "-1001"
token = { file = "token" }
public = false

[push]
key = { file = "push.pem" }
subject = "mailto:mairie@saint-martin.example"

[listening]

[notify]
channels = ["equipe"]
"""


class Foreseen(Exception):
    """Nobody foresaw it."""


@asynccontextmanager
async def whole_town(folder, town=TOWN, before=lambda _: None, **around):
    (folder / "channels.toml").write_text(town, encoding="utf-8")
    (folder / "push.pem").write_text(new_key())
    (folder / "token").write_text("1:a")
    for name in ("areas.geojson", "travaux.ics"):
        shutil.copy(ROOT / name, folder / name)
    clock = FakeClock()
    outside = Outside(clock=clock, open_channel=lambda *_: PlainChannel(clock), **around)
    daemon = await build(load_config(folder / "channels.toml"), outside)
    before(daemon)
    await daemon.start()
    try:
        yield daemon, clock
    finally:
        stopping = asyncio.create_task(daemon.stop())
        while not stopping.done():
            await asyncio.wait({stopping}, timeout=0.01)
            await clock.advance(1)
        await stopping


async def wound(daemon, clock, seconds):
    """Second by second, the database answering in between."""
    for _ in range(seconds):
        await clock.advance(1)
        await daemon.database.write(lambda _: None)
        await clock.settle()


async def fails_where_it_waits(task, daemon, clock):
    for _ in range(100):
        waits = task._fut_waiter
        if type(waits) is asyncio.Future and not waits.done():
            waits.set_exception(Foreseen("here"))
            return
        await wound(daemon, clock, 1)
    pytest.fail(f"{task.get_name()} never waited")


async def test_a_loop_that_fails_anywhere_is_seen_and_begun_anew_and_the_town_goes_on(tmp_path):
    around = asyncio.all_tasks()
    async with whole_town(tmp_path) as (daemon, clock):
        await wound(daemon, clock, 5)
        names = [each.name for each in daemon.workers]
        assert {"leases", "lane page", "bulk telegram", "bulk push", "pages", "store", "watch"} <= {*names}
        # What goes on though nobody waits for it: of any other's end nobody would hear.
        alone = {each for each in asyncio.all_tasks() - around if not each._callbacks}
        await wound(daemon, clock, 2)
        assert {each.get_coro().__qualname__ for each in alone if not each.done()} <= {"Worker.work", "Alarm._wait"}
        loops = [each for each in zip(daemon.workers, daemon.workers.tasks, strict=True) if each[0].name not in ENDS]
        with capture_logs() as logs:
            for _, task in loops:
                await fails_where_it_waits(task, daemon, clock)
            await wound(daemon, clock, 3)
        for worker, task in loops:
            assert worker.is_running, worker.name
            assert not task.done(), worker.name
        loud = [each for each in logs if each["log_level"] in ("error", "warning")]
        assert sum("exc_info" in each or "here" in str(each) for each in loud) >= len(loops), "and none ended unseen"
        page = daemon.lanes["page"]._channel
        await daemon.service.act(
            lambda unit: unit.desk.post(unit.alerts, an_alert(sent=unit.now, expires=unit.now + timedelta(hours=2)))
        )
        await wound(daemon, clock, 5)
        assert len(page.published) == 1, "and an alert goes out"
        async with aiohttp.ClientSession() as session, session.get(f"{daemon.url}/readyz") as answer:
            cycles = (await answer.json())["cycles"]
        assert cycles["task file"]["reason_code"] == "stumbled"
        assert 'tocsin_task_ends_total{task="file"} 1.0' in (await daemon.vitals.exposition()).decode()
        told = set()
        while "task file" not in told:
            await wound(daemon, clock, 1)
            told = {each.trouble.name for each in daemon.troubles() if each.trouble.what is What.TASK}


def fails_once(workers):
    """Have every loop that is begun from now on fail at once, and run when it is begun anew."""
    begin = workers.begin

    def begun(name, run, **named):
        comes = iter([Foreseen("here")])

        async def fails():
            for error in comes:
                raise error
            await run()

        begin(name, fails, **named)

    workers.begin = begun


async def test_each_loop_that_a_town_begins_is_logged_once_counted_shown_and_begun_anew(tmp_path):
    with capture_logs() as logs:
        async with whole_town(tmp_path, before=lambda daemon: fails_once(daemon.workers)) as (daemon, clock):
            await wound(daemon, clock, 3)
            names = {each.name for each in daemon.workers}
            assert {each.name for each in daemon.workers if each.is_running} >= names - ENDS
            async with aiohttp.ClientSession() as session, session.get(f"{daemon.url}/readyz") as answer:
                cycles = (await answer.json())["cycles"]
            counted = (await daemon.vitals.exposition()).decode()
    assert sorted(each["task"] for each in logs if each["event"] == "task.ended") == sorted(names)
    assert {name for name in names if cycles[f"task {name}"]["reason_code"] != "stumbled"} == set()
    assert {name for name in names if f'tocsin_task_ends_total{{task="{name}"}} 1.0' not in counted} == set()
