"""From a comment in a Telegram group and a question in private to the one answer in each, in a daemon that runs."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace

import aiohttp
import pytest

from alerts.app import build
from alerts.config import load_config
from alerts.daemon.environment import DaemonEnvironment
from alerts.desk.officer import Officer
from alerts.listening.question_acts import AnswerQuestion, WithdrawAnswer
from alerts.model.events import AttemptFinished, RemarkHeard
from alerts.model.person import Actor, Origin, Role
from alerts.model.post import PostKind, PostState
from alerts.store.files import migrate
from tests.townsfolk import Townsfolk
from tests.unit.acting import by
from tests.unit.listening.test_heard_by_a_daemon import an_alert, next_of
from tocsin_sandbox import settings as sandbox
from tocsin_sandbox.server import serve

TOWN = """
[station]
name = "Saint-Martin"
sender = "alertes@saint-martin.example"
public_url = "https://alertes.saint-martin.example"

[web]
listen = "127.0.0.1:0"

[channels.telegram]
kind = "telegram"
api_url = "{url}"
chat = "@saintmartin"
token = {{ env = "TELEGRAM_TOKEN" }}
limits = ["100/1s"]
hears = true
"""
CHANNEL, PERSON = "@saintmartin", 4711
ANNE = Actor("Anne", Role.AUTHOR, Origin.COMMAND)


@asynccontextmanager
async def running(tmp_path):
    platforms = await serve(sandbox.SandboxSettings(limits=False), "127.0.0.1", 0)
    file = tmp_path / "channels.toml"
    file.write_text(TOWN.format(url=platforms.url), encoding="utf-8")
    town = load_config(file)
    migrate(town.database)
    daemon = await build(town, DaemonEnvironment())
    try:
        async with aiohttp.ClientSession() as session:
            people = Townsfolk(session, platforms.url)
            await people.link(CHANNEL)
            await daemon.start()
            yield daemon, people, session
    finally:
        await daemon.stop()
        await platforms.stop()


@pytest.fixture(autouse=True)
def secrets(monkeypatch):
    monkeypatch.setenv("TELEGRAM_TOKEN", sandbox.TELEGRAM_TOKEN)


async def said_in(session, people, chat: str) -> list[dict]:
    async with session.get(f"{people._url}/sandbox/timelines.json") as answer:
        return [post for post in (await answer.json())["telegram"] if post["channel"] == chat]


async def pressed(people, what: str) -> None:
    """As soon as the bot offers that button."""
    for _ in range(400):
        async with people._session.post(
            f"{people._url}/sandbox/telegram/talk", json={"chat": PERSON, "press": what}
        ) as answer:
            if answer.ok:
                return
        await asyncio.sleep(0.01)
    raise AssertionError(what)


async def test_a_question_of_the_group_and_of_a_private_chat_is_answered_once_in_each(tmp_path):
    async with running(tmp_path) as (daemon, people, session):
        out = next_of(daemon, AttemptFinished)
        filed = await daemon.service.act(lambda unit: unit.desk.post(unit.alerts, an_alert(unit.now)))
        [sent] = await out
        post = sent.verdict.receipt.remote_id

        heard = next_of(daemon, RemarkHeard)
        comment = await people.say("telegram", "L’eau est-elle potable ?", under=f"{CHANNEL}/{post}", name="Nadia")
        await heard
        heard = next_of(daemon, RemarkHeard)
        await people.ask("telegram/talk", chat=PERSON, text="L’eau est-elle potable ?")
        await pressed(people, "Oui")
        await heard

        kept = await daemon.service.ask(lambda unit: list(reversed(unit.listening.heard(9))))
        group = str(comment["chat"])
        assert [(each.incident, each.remote_id, each.private) for each in kept] == [
            (filed.stored.incident_id, f"{group}:{comment['ids'][0]}", False),
            (filed.stored.incident_id, f"{PERSON}:1", True),
        ]
        question = kept[1].question

        def answer(unit) -> None:
            # That both ask the same is found elsewhere.
            unit.listening.put(replace(kept[0], question=question, asks=True))
            AnswerQuestion(question, "Oui, partout.").done_by(Officer(unit, ANNE))

        out = next_of(daemon, AttemptFinished, 2)
        await daemon.service.act(answer)
        done = [(each.post.kind, each.verdict.state) for each in await out]
        assert done == [(PostKind.ANSWER, PostState.SENT)] * 2
        in_group = [post for post in await said_in(session, people, group) if "Oui, partout." in (post["text"] or "")]
        alone = [post for post in await said_in(session, people, str(PERSON)) if "Oui, partout." in post["text"]]
        assert [post["reply_to"] for post in (*in_group, *alone)] == [comment["ids"][0], "1"]

        out = next_of(daemon, AttemptFinished, 2)
        await daemon.service.act(by(ANNE, AnswerQuestion, question, "Oui, sauf rue Haute."))
        assert {each.verdict.state for each in await out} == {PostState.SENT}
        for chat in (group, str(PERSON)):
            [told] = [post for post in await said_in(session, people, chat) if "Oui, sauf" in (post["text"] or "")]
            assert len(told["edits"]) == 1

        out = next_of(daemon, AttemptFinished, 2)
        await daemon.service.act(by(ANNE, WithdrawAnswer, question, "Erreur"))
        await out
        for chat in (group, str(PERSON)):
            assert not [
                each for each in await said_in(session, people, chat) if "Oui" in each["text"] and not each["deleted"]
            ]
        assert [each.stands for each in daemon.vitals.cycles() if each.name.startswith("bot ")] == [False]


async def test_who_blocked_the_bot_is_no_trouble_of_the_channel(tmp_path):
    async with running(tmp_path) as (daemon, people, session):
        await daemon.service.act(lambda unit: unit.desk.post(unit.alerts, an_alert(unit.now)))
        await people.ask("telegram/talk", chat=PERSON, text="On peut boire ?")
        heard = next_of(daemon, RemarkHeard)
        await pressed(people, "Oui")
        await heard
        [kept] = await daemon.service.ask(lambda unit: unit.listening.heard(9))
        readers = f"{people._url}/sandbox/telegram/readers"
        await session.post(readers, json={"chat": str(PERSON), "blocked": True})

        out = next_of(daemon, AttemptFinished)
        await daemon.service.act(by(ANNE, AnswerQuestion, kept.question, "Oui, partout."))
        [refused] = await out
        assert (refused.verdict.state, refused.verdict.reason.code) == (PostState.FAILED, "reader_left")
        assert daemon.lanes["telegram"].trouble is None
