"""What comes in is handled once and answered; one chat's trouble is no other's, and nothing is let go of unhandled."""

from __future__ import annotations

import asyncio
import sqlite3
from dataclasses import replace
from datetime import timedelta

import pytest

from alerts.bot.updates import Asking, Bot, Reception
from alerts.config import load_config
from alerts.daemon.furnish import furnish_desk
from alerts.daemon.live import Live
from alerts.daemon.office import HouseOffice
from alerts.model.errors import BadCredential, ChatMoved, Occupied, ReaderGone, Rejected, Retry
from alerts.model.ids import new_id
from alerts.model.subscriber import Subscriber
from alerts.store.migrate import migrate
from tests.fakes import FakeClock, FakeLine
from tests.unit.bot.talking import TOWN
from tests.unit.delivery.lane_house import WatchedDatabase

CHANNELS = """
[station]
name = "Ville de Saint-Martin"
sender = "alertes@saint-martin.example"
[store]
url = "sqlite:///tocsin.db"
[channels.telegram]
kind = "telegram"
chat = "@saintmartin_alertes"
token = { env = "TELEGRAM_TOKEN" }
subscriptions = true
"""


class Scene:
    """A bot before a real database."""

    def __init__(self, office: HouseOffice, clock: FakeClock) -> None:
        self.office, self.clock, self.line = office, clock, FakeLine()
        self.facts: dict[str, str] = {}
        self.bot = Bot("telegram", self.line, office, self._town, clock, self._remember)
        self.reception = Reception(self.bot)
        self.asking = Asking(self.bot, self.reception, self._lease)
        self._number = 0

    def command(self, chat: int, text: str, **more) -> dict:
        self._number += 1
        kind = "private" if chat > 0 else "supergroup"
        sender = {"id": more.pop("by", 1), "language_code": "en"}
        message = {"message_id": 1, "chat": {"id": chat, "type": kind}, "from": sender, "text": text, **more}
        return {"update_id": self._number, "message": message}

    async def kept(self, chat: int) -> Subscriber | None:
        return await self.office.ask(lambda sitting: sitting.subscribers.get("telegram", chat))

    async def offset(self) -> int:
        return await self.office.ask(lambda sitting: sitting.subscribers.offset("telegram"))

    async def _town(self):
        return TOWN

    async def _remember(self, key: str, value: str) -> None:
        self.facts[key] = value

    async def _lease(self) -> None:
        return


@pytest.fixture
async def scene(tmp_path):
    (tmp_path / "channels.toml").write_text(CHANNELS)
    config = load_config(tmp_path / "channels.toml")
    await asyncio.to_thread(migrate, config.database)
    database = await WatchedDatabase.open(config.database)
    clock = FakeClock(busy=lambda: database.busy > 0)
    desk = furnish_desk(config, clock.now)
    office = HouseOffice(
        config=config, database=database, desk=desk, clock=clock, new_id=new_id, live=Live(), wake=lambda: None
    )
    yield Scene(office, clock)
    await database.close()


async def test_one_chat_s_trouble_is_no_other_s(scene):
    scene.line.troubles.append(Rejected("Telegram refuses it"))
    await scene.reception.handle([scene.command(1, "/now"), scene.command(2, "/start"), scene.command(3, "/now")])
    assert sorted(chat for chat, _ in scene.line.said) == [2, 3]
    assert await scene.kept(2) is not None


async def test_what_surely_did_not_leave_is_said_again_when_it_may_be(scene):
    after = scene.clock.now() + timedelta(seconds=7)
    scene.line.troubles += [Retry("wait", after), Retry("no connection", sent=False)]
    answering = asyncio.create_task(scene.reception.handle([scene.command(1, "/now")]))
    await scene.clock.advance(20)
    await answering
    assert len(scene.line.said) == 1


async def test_who_left_is_forgotten_and_who_moved_is_followed(scene):
    for chat in (1, -2):
        await scene.office.act(lambda sitting, chat=chat: sitting.subscribers.put("telegram", Subscriber(chat, "en")))
    scene.line.admins.add(1)
    scene.line.troubles.append(ReaderGone("blocked"))
    await scene.reception.handle([scene.command(1, "/now")])
    assert await scene.kept(1) is None

    scene.line.troubles.append(ChatMoved("supergroup", -100_2))
    await scene.reception.handle([scene.command(-2, "/now@tocsin_bot")])
    assert await scene.kept(-2) is None
    assert await scene.kept(-100_2) == Subscriber(-100_2, "en")
    assert [chat for chat, _ in scene.line.said] == [-100_2]


async def test_in_a_group_administrators_alone_are_obeyed(scene):
    await scene.reception.handle([scene.command(-2, "/start@tocsin_bot", by=5)])
    assert (scene.line.said, await scene.kept(-2)) == ([], None)
    scene.line.admins.add(5)
    await scene.reception.handle([scene.command(-2, "/start@tocsin_bot", by=5)])
    assert replace(await scene.kept(-2), step=None).chat == -2


async def run_for(scene, seconds: int) -> None:
    running = asyncio.create_task(scene.asking.run())
    await scene.clock.advance(seconds)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_it_says_up_to_where_everything_was_handled(scene):
    scene.line.batches += [[scene.command(1, "/start")], [scene.command(2, "/now")]]
    await run_for(scene, 40)
    assert scene.line.offsets == [0, 2, 3]
    assert await scene.offset() == 3
    assert scene.facts == {"bot": "@tocsin_bot"}


async def test_what_the_database_did_not_take_comes_again(scene, monkeypatch):
    update = scene.command(1, "/start")
    scene.line.batches += [[update], [update]]
    act, failures = scene.office.act, [sqlite3.OperationalError("database or disk is full")]

    async def failing(action):
        if failures:
            raise failures.pop()
        return await act(action)

    monkeypatch.setattr(scene.office, "act", failing)
    await run_for(scene, 40)
    assert scene.line.offsets[:3] == [0, 0, 2]
    assert len(scene.line.said) == 1


@pytest.mark.parametrize("trouble", [BadCredential("ask @BotFather"), Occupied("another program")])
async def test_a_line_that_is_refused_tells_why_and_begins_anew(scene, trouble):
    scene.line.batches += [trouble, trouble]
    running = asyncio.create_task(scene.asking.run())
    await scene.clock.advance(1)
    assert scene.asking.reason == trouble.reason
    await scene.clock.advance(20)
    assert scene.line.introductions == 3
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_a_line_that_stays_refused_is_heard_of_and_one_that_was_another_s_is_not(scene):
    scene.line.batches += [Occupied("another program")] * 20
    running = asyncio.create_task(scene.asking.run())
    await scene.clock.advance(200)
    assert scene.clock.monotonic() - scene.asking.cycled_at == 200
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)

    async def held_by_another() -> None:
        await scene.clock.sleep(300)

    standby = Asking(scene.bot, scene.reception, held_by_another)
    running = asyncio.create_task(standby.run())
    await scene.clock.advance(301)
    assert scene.clock.monotonic() - standby.cycled_at == 1
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
