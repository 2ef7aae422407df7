"""From a comment on the sandbox's Page and a reply on its X to what is kept, in a daemon that really listens."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import timedelta

import aiohttp
import pytest
from structlog.testing import capture_logs

from alerts.app import build
from alerts.config import load_config
from alerts.daemon.environment import DaemonEnvironment
from alerts.model.events import AttemptFinished, RemarkHeard
from alerts.store.files import migrate
from tests.townsfolk import Townsfolk
from tests.unit.desk import conftest as desk
from tocsin_sandbox import settings as sandbox
from tocsin_sandbox.server import serve

TOWN = """
[station]
name = "Saint-Martin"
sender = "alertes@saint-martin.example"
public_url = "https://alertes.saint-martin.example"

[web]
listen = "127.0.0.1:0"

[listening]
every = "1s"

[channels.page]
kind = "facebook"
api_url = "{url}"
page_id = "1234567890"
token = {{ env = "FACEBOOK_TOKEN" }}
app_secret = {{ env = "FACEBOOK_APP_SECRET" }}
verify_token = {{ env = "FACEBOOK_VERIFY_TOKEN" }}
hears = true

[channels.x]
kind = "twitter"
api_url = "{url}"
consumer_key = {{ env = "X_CONSUMER_KEY" }}
consumer_secret = {{ env = "X_CONSUMER_SECRET" }}
access_token = {{ env = "X_ACCESS_TOKEN" }}
access_token_secret = {{ env = "X_ACCESS_TOKEN_SECRET" }}
hears = true
approved = 2026-01-01
budget = 5.00

[channels.x.listen]
consumer_key = {{ env = "LISTENER_CONSUMER_KEY" }}
consumer_secret = {{ env = "LISTENER_CONSUMER_SECRET" }}
access_token = {{ env = "LISTENER_TOKEN" }}
access_token_secret = {{ env = "LISTENER_TOKEN_SECRET" }}
"""
SECRETS = {
    "FACEBOOK_TOKEN": sandbox.FACEBOOK_PAGE_TOKEN,
    "FACEBOOK_APP_SECRET": sandbox.FACEBOOK_APP_SECRET,
    "FACEBOOK_VERIFY_TOKEN": "entre-nous",
    "X_CONSUMER_KEY": sandbox.TWITTER_CONSUMER_KEY,
    "X_CONSUMER_SECRET": sandbox.TWITTER_CONSUMER_SECRET,
    "X_ACCESS_TOKEN": sandbox.TWITTER_ACCESS_TOKEN,
    "X_ACCESS_TOKEN_SECRET": sandbox.TWITTER_ACCESS_TOKEN_SECRET,
    "LISTENER_CONSUMER_KEY": sandbox.TWITTER_LISTENER_CONSUMER_KEY,
    "LISTENER_CONSUMER_SECRET": sandbox.TWITTER_LISTENER_CONSUMER_SECRET,
    "LISTENER_TOKEN": sandbox.TWITTER_LISTENER_TOKEN,
    "LISTENER_TOKEN_SECRET": sandbox.TWITTER_LISTENER_TOKEN_SECRET,
}


@asynccontextmanager
async def running(tmp_path):
    platforms = await serve(sandbox.SandboxSettings(limits=False), "127.0.0.1", 0)
    file = tmp_path / "channels.toml"
    file.write_text(TOWN.format(url=platforms.url), encoding="utf-8")
    town = load_config(file)
    migrate(town.database)
    daemon = await build(town, DaemonEnvironment())
    try:
        await daemon.start()
        async with aiohttp.ClientSession() as session:
            yield daemon, Townsfolk(session, platforms.url), session
    finally:
        await daemon.stop()
        await platforms.stop()


def an_alert(now):
    """One that was just sent."""
    return desk.an_alert(sent=now, effective=now, onset=now, expires=now + timedelta(hours=2))


def next_of(daemon, event, count=1):
    """What is published from now on, so many."""
    found, done = [], asyncio.get_running_loop().create_future()

    def take(each):
        found.append(each)
        if len(found) == count and not done.done():
            done.set_result(found)

    daemon.events.subscribe(event, take)
    return asyncio.ensure_future(asyncio.wait_for(done, 30))


@pytest.fixture(autouse=True)
def secrets(monkeypatch):
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)


async def test_what_people_say_is_asked_for_and_brought(tmp_path):
    async with running(tmp_path) as (daemon, people, session):
        out = next_of(daemon, AttemptFinished, 2)
        filed = await daemon.service.act(lambda unit: unit.desk.post(unit.alerts, an_alert(unit.now)))
        posts = {each.post.channel: each.verdict.receipt.remote_id for each in await out}

        heard = next_of(daemon, RemarkHeard, 2)
        [comment] = (await people.say("facebook", "Et l'école ?", under=posts["page"]))["ids"]
        [reply] = (await people.say("x", "Jusqu'à quand ?", under=posts["x"]))["ids"]
        assert {each.channel for each in await heard} == {"page", "x"}

        assert (await people.subscribe(f"{daemon.url}/hook/facebook/page", "entre-nous"))["verified"]
        signed = {"Authorization": f"Bearer {sandbox.FACEBOOK_PAGE_TOKEN}"}
        graph = f"{people._url}/v25.0/1234567890/subscribed_apps"
        await session.post(graph, data={"subscribed_fields": "feed"}, headers=signed)
        brought = await people.say("facebook", "Merci", under=comment)
        assert brought["told"] == [200]

        kept = await daemon.service.ask(lambda unit: unit.listening.heard(9))
        assert {(each.channel, each.remote_id, each.incident) for each in kept} == {
            ("page", comment, filed.stored.incident_id),
            ("x", reply, filed.stored.incident_id),
            ("page", brought["ids"][0], filed.stored.incident_id),
        }
        assert [each.stands for each in daemon.vitals.cycles() if each.name.startswith("ear ")] == [False, False]


async def test_what_understands_is_there_before_anybody_speaks(tmp_path):
    with capture_logs() as logs:
        async with running(tmp_path) as (daemon, _, _):
            await asyncio.wait_for(
                next(task for task in daemon.workers.tasks if task.get_name() == "understanding"), 60
            )
    [begun] = [each for each in logs if each["event"] == "understanding.begun"]
    assert (begun["side"], begun["reason"], begun["read_anew"]) == ("model", None, 0)
