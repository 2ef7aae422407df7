"""What a bot hears is kept once, before its updates count as handled; what it can't hear any more is said."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from alerts.bot.chat import On
from alerts.bot.ear import LEARNT_EVERY, GroupEar
from alerts.bot.reception import Bot, Reception
from alerts.bot.updates import SECRET_HEADER, SET_AGAIN, Asking, WebhookListening
from alerts.config import load_config
from alerts.daemon.bots import received_of_known
from alerts.daemon.desk import build_desk
from alerts.delivery.lease import LeaseKeeper, Leases
from alerts.desk.service import DeskService
from alerts.listening.ears import Intake
from alerts.listening.hearing import understand_nothing
from alerts.model.errors import DatabaseRefused, Rejected, Retry
from alerts.model.events import Events, RemarkHeard
from alerts.model.incident import new_id
from alerts.model.listening import UtteranceState
from alerts.model.ports import Discussion
from alerts.model.reason import because
from alerts.store.files import migrate
from tests.fakes import FakeClock, FakeLine, begun
from tests.unit.bot.talking import TOWN
from tests.unit.bot.test_discussion import CHANNEL, GROUP, NADIA, PLACE, counted, forwarded, says
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
hears = true
"""
WATER = On("Eau non potable", "Ne la buvez pas", incident="abc123")
HEARING = replace(TOWN, hears=True, on={"fr": (WATER,), "en": (WATER,)})
PRIVACY = because("telegram_privacy_mode", account="@tocsin_bot")


class Killed(BaseException):
    """The process ends here."""


class Scene:
    """A bot that hears, before a real database. `killed_at` is the number of the write that doesn't come to be."""

    def __init__(self, service: DeskService, clock: FakeClock, keeper: LeaseKeeper, events: Events) -> None:
        self.service, self.clock, self.events = service, clock, events
        self.line = FakeLine()
        self.line.linked = PLACE
        self.join = partial(keeper.join, "bot telegram")
        self.lease = lambda: keeper.lease_of("bot telegram")
        self._first = 1
        self.start()

    def start(self) -> None:
        """A new process: nothing is in memory."""
        intake = Intake(self.service, self.events, self.clock, understand_nothing)
        self.bot = Bot("telegram", self.line, self.service, self._town, self.clock, self._remember, intake)
        self.reception = Reception(self.bot)
        self.ear = GroupEar("telegram", "@saintmartin_alertes", self.line, intake)
        self.asking = Asking(self.bot, self.reception, self.join, ear=self.ear)

    async def round(self, *updates: dict, again: bool = False) -> None:
        """One look, as the loop of the bot makes it; the time moves only while it rests between two writes.

        Updates are numbered as they come; those that are told `again` have the numbers that they had.
        """
        first = self._first - len(updates) if again else self._first
        self._first = first + len(updates)
        self.line.batches.append([{**each, "update_id": number} for number, each in enumerate(updates, first)])
        looking = asyncio.create_task(self._look())
        await self.clock.settle()
        while not looking.done():
            await self.clock.advance(0.05)
        await looking

    async def _look(self) -> None:
        await self.ear.learn()
        await self.asking._round(self.lease())
        await self.ear.record_reading(self.lease())

    async def heard(self):
        found = await self.service.ask(lambda unit: unit.listening.heard(1000))
        return list(reversed(found))

    async def texts(self) -> list[str | None]:
        return [each.text for each in await self.heard()]

    async def status(self):
        return await self.service.ask(lambda unit: unit.listening.ear("telegram"))

    async def offset(self) -> int:
        return await self.service.ask(lambda unit: unit.subscribers.offset("telegram"))

    async def _town(self):
        return HEARING

    async def _remember(self, key: str, value: str) -> None:
        pass


@pytest.fixture
async def scene(tmp_path):
    (tmp_path / "channels.toml").write_text(CHANNELS)
    config = load_config(tmp_path / "channels.toml")
    await asyncio.to_thread(migrate, config.database)
    database = await WatchedDatabase.open(config.database)
    clock, events = FakeClock(work=database.at_work), Events()
    desk = build_desk(config, clock.now)
    service = DeskService(town=config, database=database, desk=desk, clock=clock, new_id=new_id, events=events)
    # Longer than the days that a test winds forward.
    keeper = LeaseKeeper(Leases(database), clock, "us", ["bot telegram"], timedelta(days=30))
    keeping = begun(clock, keeper.work)
    await clock.settle()
    yield Scene(service, clock, keeper, events)
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)
    await database.close()


def private(number: int, text: str, kind: str = "message", **more: object) -> dict:
    chat = {"id": 4711, "type": "private"}
    return {kind: {"message_id": number, "date": 1_700_000_000, "chat": chat, "from": NADIA, "text": text, **more}}


def pressed(data: str, number: int, text: str) -> dict:
    question = private(number, text)["message"]
    ours = {"message_id": 99, "chat": question["chat"], "reply_to_message": question}
    return {"callback_query": {"id": f"p{number}", "from": NADIA, "data": data, "message": ours}}


async def test_remarks_are_kept_and_the_rest_is_answered(scene):
    told = []
    scene.events.subscribe(RemarkHeard, told.append)
    await scene.round(forwarded(), says(8, "Où ?", message_thread_id=7), private(1, "/now"), says(9, "Merci"))
    assert [(each.text, each.root) for each in await scene.heard()] == [("Où ?", "12"), ("Merci", None)]
    assert [chat for chat, _ in scene.line.said] == [4711]
    assert (await scene.offset(), len(told)) == (5, 1)


async def test_a_thread_is_known_after_a_restart(scene):
    await scene.round(forwarded())
    scene.start()
    await scene.round(says(8, "Où ?", message_thread_id=7))
    assert [each.root for each in await scene.heard()] == ["12"]


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("kill", [1, 2, 3, 4, 7])
async def test_a_kill_at_any_write_loses_nothing_and_keeps_nothing_twice(scene, monkeypatch, kill, after):
    """Before the commit, and after it: what was told comes again to the next process."""
    updates = [forwarded(), *(says(number, f"Remarque {number}", message_thread_id=7) for number in range(8, 38))]
    act, writes = scene.service.act, []

    async def killed(action, *, posts=True):
        writes.append(1)
        result = None if len(writes) == kill and not after else await act(action, posts=posts)
        if len(writes) == kill:
            raise Killed
        return result

    monkeypatch.setattr(scene.service, "act", killed)
    with pytest.raises(Killed):
        await scene.round(*updates)
    monkeypatch.setattr(scene.service, "act", act)
    scene.start()
    await scene.round(*updates, again=True)
    assert await scene.texts() == [f"Remarque {number}" for number in range(8, 38)]
    assert {each.root for each in await scene.heard()} == {"12"}
    assert await scene.offset() == scene._first


async def test_what_the_database_refuses_comes_again(scene, monkeypatch):
    act, refusals = scene.service.act, [DatabaseRefused("database is locked")]

    async def failing(action, posts=True):
        if refusals:
            raise refusals.pop()
        return await act(action, posts=posts)

    monkeypatch.setattr(scene.service, "act", failing)
    with pytest.raises(DatabaseRefused):
        await scene.round(says(8, "Où ?"))
    assert (await scene.texts(), await scene.offset()) == ([], 0)
    await scene.round(says(8, "Où ?"), again=True)
    assert (await scene.texts(), await scene.offset()) == (["Où ?"], 2)


async def test_an_edit_replaces_the_words_and_an_older_one_doesn_t(scene):
    await scene.round(says(8, "Où ?"))
    await scene.round(says(8, "Où donc ?", kind="edited_message", edit_date=1_900_000_000))
    await scene.round(says(8, "Où ?"))
    assert await scene.texts() == ["Où donc ?"]


async def test_reactions_are_kept_beside_the_post(scene):
    await scene.round(counted(A=3), counted(A=5))
    for post, signs in (("12", {"A": 5, "★": 2}), ("13", {})):
        assert await scene.service.ask(lambda unit, post=post: unit.listening.reactions("telegram", post)) == signs


async def test_nothing_is_written_of_a_quiet_ear_but_once_a_minute(scene, monkeypatch):
    writes, act = [], scene.service.act

    async def counting(action, posts=True):
        writes.append(1)
        return await act(action, posts=posts)

    monkeypatch.setattr(scene.service, "act", counting)
    for _ in range(5):
        await scene.round()
        await scene.clock.advance(25)
    assert len(writes) == 2
    status = await scene.status()
    assert scene.clock.now() - status.last_ok <= timedelta(seconds=75)
    assert (status.reason, status.gap) == (None, None)


async def test_after_more_than_a_day_what_telegram_no_longer_has_is_said(scene):
    await scene.round()
    await scene.clock.advance(timedelta(hours=23).total_seconds())
    await scene.round()
    assert (await scene.status()).gap is None
    stopped = scene.clock.now()
    await scene.clock.advance(timedelta(hours=30).total_seconds())
    await scene.round(says(8, "Où ?"))
    gap = (await scene.status()).gap
    assert gap == because("telegram_gap", since=stopped, until=stopped + timedelta(hours=6))
    await scene.clock.advance(3600)
    await scene.round()
    assert (await scene.status()).gap == gap, "it is told for a while"
    for _ in range(8):
        await scene.clock.advance(timedelta(hours=23).total_seconds())
        await scene.round()
    assert (await scene.status()).gap is None


async def test_what_the_bot_lacks_is_told_and_what_it_missed_meanwhile(scene):
    await scene.round()
    well = (await scene.status()).last_ok
    scene.line.linked = replace(PLACE, deaf=PRIVACY)
    await scene.clock.advance(LEARNT_EVERY)
    await scene.round()
    status = await scene.status()
    assert (status.reason, status.last_ok) == (PRIVACY, well)
    scene.line.linked = PLACE
    await scene.clock.advance(LEARNT_EVERY)
    await scene.round()
    status = await scene.status()
    assert (status.reason, status.gap) == (None, because("telegram_gap", since=well, until=scene.clock.now()))


async def test_that_the_bot_was_made_an_administrator_is_heard_of_at_once(scene):
    scene.line.linked = replace(PLACE, deaf=PRIVACY)
    await scene.round()
    scene.line.linked = PLACE
    change = {"chat": {"id": GROUP, "type": "supergroup"}, "new_chat_member": {"status": "administrator"}}
    await scene.round({"my_chat_member": {**change, "from": NADIA}}, says(8, "Où ?"))
    assert ((await scene.status()).reason, await scene.texts()) == (None, ["Où ?"])


@pytest.mark.parametrize("place", [Discussion(CHANNEL, None, PRIVACY), Rejected("chat not found")])
async def test_without_a_group_others_are_answered_all_the_same(scene, place):
    scene.line.linked = place
    await scene.round(says(8, "Où ?"), private(1, "/now"))
    assert await scene.texts() == []
    assert [chat for chat, _ in scene.line.said] == [4711]
    assert (await scene.status()).reason is not None


async def test_where_telegram_can_t_be_asked_the_ear_says_why(scene):
    scene.line.batches += [Retry("no connection")] * 3
    running = begun(scene.clock, scene.asking.work)
    await scene.clock.advance(0.5)
    status = await scene.status()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert (str(status.reason), status.failures) == ("no connection", 1)


async def test_what_somebody_asks_the_bot_is_kept_once_changed_shown_and_forgotten(scene):
    await scene.round(private(8, "On peut boire ?"))
    assert await scene.texts() == [], "nothing is kept before they say so"
    await scene.round(pressed("about:abc123", 8, "On peut boire ?"))
    scene.start()
    await scene.round(pressed("about:abc123", 8, "On peut boire ?"))
    [utterance] = await scene.heard()
    assert (utterance.text, utterance.incident, utterance.private) == ("On peut boire ?", "abc123", True)
    assert (utterance.asks, utterance.remote_id, utterance.name) == (True, "4711:8", None)

    await scene.round(private(8, "On peut se laver ?", kind="edited_message", edit_date=1_900_000_000))
    await scene.round(private(7, "Autre chose", kind="edited_message", edit_date=1_900_000_000))
    assert await scene.texts() == ["On peut se laver ?"]
    await scene.round(private(9, "/mydata"))
    assert "On peut se laver" in scene.line.said[-1][1]
    await scene.round(pressed("f:yes", 9, "/forget"))
    [forgotten] = await scene.heard()
    assert (forgotten.state, forgotten.text, forgotten.sealed) == (UtteranceState.FORGOTTEN, None, None)
    await scene.round(private(10, "/mydata"))
    assert "laver" not in scene.line.said[-1][1]


async def test_a_webhook_hears_too_and_has_it_brought_again_where_nothing_was_kept(scene, monkeypatch):
    listening = WebhookListening(
        scene.bot,
        scene.reception,
        scene.join,
        "https://x.example/",
        lambda: "s",
        receive=received_of_known,
        ear=scene.ear,
    )
    app = web.Application()
    app.router.add_post("/", listening.take)
    act, refusals = scene.service.act, [DatabaseRefused("database is locked")]

    async def failing(action, posts=True):
        if refusals:
            raise refusals.pop()
        return await act(action, posts=posts)

    monkeypatch.setattr(scene.service, "act", failing)
    async with TestClient(TestServer(app)) as client:
        answers = []
        for _ in range(3):
            async with client.post("/", json=says(8, "Où ?"), headers={SECRET_HEADER: "s"}) as answer:
                answers.append(answer.status)
    assert (answers, await scene.texts()) == ([503, 200, 200], ["Où ?"])


async def test_the_ear_of_a_webhook_is_well_once_telegram_took_it(scene):
    url = "https://x.example/"
    listening = WebhookListening(
        scene.bot, scene.reception, scene.join, url, lambda: "s", receive=received_of_known, ear=scene.ear
    )
    running = begun(scene.clock, listening.work)
    await scene.clock.advance(1)
    status = await scene.status()
    assert (status.reason, scene.line.webhooks) == (None, [(url, "s")])
    assert scene.clock.now() - status.last_ok <= timedelta(seconds=1)
    scene.line.linked = replace(PLACE, deaf=PRIVACY)
    await scene.clock.advance(2 * SET_AGAIN)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert (await scene.status()).reason == PRIVACY


async def test_a_flood_in_the_group_is_heard_whole(scene):
    await scene.round(*(says(number, f"Remarque {number}") for number in range(1, 100)))
    assert len(await scene.texts()) == 99
    assert GROUP not in [chat for chat, _ in scene.line.said]
