"""All loops of a whole town fail at once, wherever each waits: none ends unseen, and the town goes on."""

from __future__ import annotations

import asyncio
import shutil
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest
from structlog.testing import capture_logs

from alerts.app import build
from alerts.channels.push.encryption import new_key
from alerts.config import load_config
from alerts.daemon.environment import DaemonEnvironment
from alerts.fleet.process import exposition, fleet_work
from alerts.health.monitor import What
from tests.fakes import FakeClock, PlainChannel
from tests.unit.desk.conftest import an_alert
from tests.unit.fleet.operators import an_operators_desk
from tests.unit.fleet.towns import write_town

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
    outside = DaemonEnvironment(clock=clock, open_channel=lambda *_: PlainChannel(clock), **around)
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
        await daemon.database.write(lambda _: None)
        await clock.settle()
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
        assert {each.get_coro().__qualname__ for each in alone if not each.done()} <= {"Worker.run", "Alarm._wait"}
        loops = [each for each in zip(daemon.workers, daemon.workers.tasks, strict=True) if not each[0]._work.once]
        with capture_logs() as logs:
            for _, task in loops:
                await fails_where_it_waits(task, daemon, clock)
            await wound(daemon, clock, 20)
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
    """Have the first step of every loop that is begun from now on fail, and the next one be done."""
    begin = workers.begin

    def begun(work):
        comes = iter([Foreseen("here")])

        async def fails(*given):
            for error in comes:
                raise error
            await work.step(*given)

        begin(replace(work, step=fails, first=0.0))

    workers.begin = begun


def none_ended_unseen(names, logs, cycles, counted):
    """Each of these is logged once, counted and shown."""
    assert sorted(each["task"] for each in logs if each["event"] == "task.ended") == sorted(names)
    assert {name for name in names if cycles[f"task {name}"]["reason_code"] != "stumbled"} == set()
    assert {name for name in names if f'tocsin_task_ends_total{{task="{name}"}} 1.0' not in counted} == set()


async def test_each_loop_that_a_town_begins_is_logged_once_counted_shown_and_begun_anew(tmp_path):
    with capture_logs() as logs:
        async with whole_town(tmp_path, before=lambda daemon: fails_once(daemon.workers)) as (daemon, clock):
            await wound(daemon, clock, 3)
            names = {each.name for each in daemon.workers}
            assert {each.name for each in daemon.workers if not (each.is_running or each.is_over)} == set()
            async with aiohttp.ClientSession() as session, session.get(f"{daemon.url}/readyz") as answer:
                cycles = (await answer.json())["cycles"]
            counted = (await daemon.vitals.exposition()).decode()
    none_ended_unseen(names, logs, cycles, counted)


async def test_each_loop_of_a_fleet_s_own_is_too_and_its_towns_go_on(tmp_path):
    write_town(tmp_path, "crolles")
    with capture_logs() as logs:
        async with an_operators_desk(tmp_path) as desk:
            fleet, clock = desk.fleet, desk.fleet.outside.clock
            fails_once(fleet.workers)
            for work in fleet_work(fleet, asyncio.Event(), 15.0):
                fleet.workers.begin(work)
            desk.desk.start()
            for _ in range(100):
                await clock.advance(0.5)
            names = {each.name for each in fleet.workers}
            assert {"folder", "watchdog", "log", "health", "dispatches"} == names
            assert {each.name for each in fleet.workers if not each.is_running} == set()
            async with aiohttp.ClientSession() as session, session.get(desk.server.make_url("/readyz")) as answer:
                body = await answer.json()
            counted = (await exposition(fleet)).decode()
    none_ended_unseen(names, logs, body["cycles"], counted)
    assert (body["status"], body["towns"]["crolles"]["state"]) == ("ready", "running")
