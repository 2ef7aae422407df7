"""What comes in is handled once and answered; one chat's trouble is no other's, and nothing is let go of unhandled."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from alerts.access.accounts import add_account
from alerts.access.audit import AuditEvent
from alerts.access.sessions import digest_of
from alerts.bot.chat import read_update
from alerts.bot.reception import AT_A_STRETCH, AT_ONCE, Bot, Reception
from alerts.bot.updates import KEPT_EVERY, SECRET_HEADER, SET_AGAIN, Asking, WebhookListening
from alerts.config import load_config
from alerts.daemon.bots import received_of_known
from alerts.daemon.desk import build_desk
from alerts.delivery.bot_pace import BotPace, PaceAs, Precedence
from alerts.delivery.jobs import JobLane
from alerts.delivery.lease import LeaseKeeper, Leases
from alerts.delivery.worker import Work, Workers
from alerts.desk.draft import Draft, draft_alert
from alerts.desk.officer import Officer
from alerts.desk.service import DeskService
from alerts.desk.unit import DeskUnit
from alerts.health.approvals import TAKEN, bot_notices
from alerts.listening.hearing import take
from alerts.listening.polls import PollDraft, open_poll
from alerts.model.errors import BadCredential, ChatMoved, DatabaseRefused, Occupied, ReaderGone, Rejected, Retry
from alerts.model.events import Events, PostsStored
from alerts.model.incident import MANUAL, new_id
from alerts.model.listening import Kind, Remark, Understood, UtteranceState
from alerts.model.person import Actor, Origin, Role
from alerts.model.subscriber import Asked, Linked, Subscriber
from alerts.model.town import SourceRules, Town
from alerts.store.files import migrate
from tests.fakes import FakeClock, FakeLine, begun
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

    def __init__(self, service: DeskService, clock: FakeClock, config: Town, keeper: LeaseKeeper) -> None:
        self.service, self.clock, self.line, self.config = service, clock, FakeLine(), config
        self.database = service.database
        self.facts: dict[str, str] = {}
        self.bot = Bot("telegram", self.line, service, self._town, clock, self._remember)
        self.reception = Reception(self.bot)
        self.keeper = keeper
        self.join = partial(keeper.join, "bot telegram")
        self.asking = Asking(self.bot, self.reception, self.join)
        self._number = 0

    def notices(self, town: Town) -> JobLane:
        kind = bot_notices(self.bot, town, "bot telegram")
        return JobLane(kind, self.service, self.keeper, self.clock, Events())

    @property
    def soon(self):
        return self.clock.now() + timedelta(minutes=5)

    def command(self, chat: int, text: str, **more) -> dict:
        self._number += 1
        kind = "private" if chat > 0 else "supergroup"
        sender = {"id": more.pop("by", 1), "language_code": "en"}
        message = {"message_id": 1, "chat": {"id": chat, "type": kind}, "from": sender, "text": text, **more}
        return {"update_id": self._number, "message": message}

    async def kept(self, chat: int) -> Subscriber | None:
        return await self.service.ask(lambda unit: unit.subscribers.get("telegram", chat))

    async def offset(self) -> int:
        return await self.service.ask(lambda unit: unit.subscribers.offset("telegram"))

    async def _town(self):
        return TOWN

    async def _remember(self, key: str, value: str) -> None:
        self.facts[key] = value


@pytest.fixture
async def scene(tmp_path):
    (tmp_path / "channels.toml").write_text(CHANNELS)
    config = load_config(tmp_path / "channels.toml")
    await asyncio.to_thread(migrate, config.database)
    database = await WatchedDatabase.open(config.database)
    clock = FakeClock(work=database.at_work)
    desk = build_desk(config, clock.now)
    service = DeskService(town=config, database=database, desk=desk, clock=clock, new_id=new_id, events=Events())
    keeper = LeaseKeeper(Leases(database), clock, "us", ["bot telegram"], timedelta(minutes=1))
    keeping = begun(clock, keeper.work)
    await clock.settle()
    yield Scene(service, clock, config, keeper)
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)
    await database.close()


async def test_one_chat_s_trouble_is_no_other_s(scene):
    scene.line.troubles.append(Rejected("Telegram refuses it"))
    await scene.reception.handle([scene.command(1, "/now"), scene.command(2, "/start"), scene.command(3, "/now")])
    told = [chat for chat, _ in scene.line.said]
    assert len(told) == len({*told} & {1, 2, 3}) == 2, "whoever spoke first met the trouble"
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
        await scene.service.act(lambda unit, chat=chat: unit.subscribers.put("telegram", Subscriber(chat, "en")))
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
    running = begun(scene.clock, scene.asking.work)
    await scene.clock.advance(seconds)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_it_says_up_to_where_everything_was_handled(scene):
    scene.line.batches += [[scene.command(1, "/start")], [scene.command(2, "/now")]]
    await run_for(scene, 40)
    assert scene.line.offsets == [0, 2, 3]
    assert await scene.offset() == 3
    assert scene.facts["bot"] == "@tocsin_bot"


async def test_what_the_database_did_not_take_comes_again(scene, monkeypatch):
    update = scene.command(1, "/start")
    scene.line.batches += [[update], [update]]
    act, failures = scene.service.act, [DatabaseRefused("database or disk is full")]

    async def failing(action, **how):
        if failures:
            raise failures.pop()
        return await act(action, **how)

    monkeypatch.setattr(scene.service, "act", failing)
    await run_for(scene, 40)
    assert scene.line.offsets[:3] == [0, 0, 2]
    assert len(scene.line.said) == 1


async def test_a_flood_of_strangers_costs_one_transaction_each_and_wakes_no_lane(scene, monkeypatch):
    asked, written, woken = [], [], []
    for name, calls in (("ask", asked), ("write", written)):
        plain = getattr(scene.database, name)
        # The service keeps its way of asking from the start on.
        where = (scene.service, "_read") if name == "ask" else (scene.database, name)
        monkeypatch.setattr(*where, lambda work, plain=plain, calls=calls: calls.append(work) or plain(work))
    scene.service.events.subscribe(PostsStored, woken.append)
    many = 3 * KEPT_EVERY
    scene.line.batches += [[scene.command(chat, "/start") for chat in range(1, many + 1)]]

    await run_for(scene, 40)

    assert len(scene.line.said) == many
    assert woken == []
    # One for each that writes; beside these, how far it is, and its lease.
    assert len(written) <= many + many // KEPT_EVERY + 3
    # Who of them is an officer, and where it stands: once for all of them.
    assert len(asked) <= 5


@pytest.mark.parametrize("trouble", [BadCredential("ask @BotFather"), Occupied("another program")])
async def test_a_line_that_is_refused_tells_why_and_begins_anew(scene, trouble):
    scene.line.batches += [trouble, trouble]
    running = begun(scene.clock, scene.asking.work)
    await scene.clock.advance(1)
    assert scene.asking.reason == trouble.reason
    await scene.clock.advance(20)
    assert scene.line.introductions == 3
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_a_line_that_stays_refused_is_heard_of_and_one_that_was_another_s_is_not(scene):
    scene.line.batches += [Occupied("another program")] * 20
    workers = Workers(scene.clock)
    workers.begin(scene.asking.work)
    await scene.clock.advance(200)
    assert [each.stands for each in workers.cycles()] == [True]
    await workers.close()

    keeper = LeaseKeeper(Leases(scene.database), scene.clock, "others", ["bot telegram"])
    standby = Asking(scene.bot, scene.reception, partial(keeper.join, "bot telegram"))
    workers = Workers(scene.clock)
    workers.begin(standby.work)
    workers.begin(keeper.work)
    await scene.clock.advance(300)
    assert [each.name for each in workers.cycles()] == ["leases"], "another one's is that one's to watch"
    await scene.keeper.give_back()
    await scene.clock.advance(1)
    assert {each.name: each.stands for each in workers.cycles()} == {"bot telegram": False, "leases": False}
    await workers.close()


async def test_a_bot_that_another_daemon_is_to_have_is_let_go_of_and_asked_for_nothing_more(scene):
    """A term of five seconds, of two daemons: the one that has both of two bots is asked for one."""
    await scene.keeper.give_back()
    bots = ["bot other", "bot telegram"]
    first, second = (LeaseKeeper(Leases(scene.database), scene.clock, name, bots) for name in ("first", "second"))
    asking = Asking(scene.bot, scene.reception, partial(first.join, "bot telegram"))
    running = [begun(scene.clock, each.work) for each in (first, asking)]
    scene.line.batches.append([scene.command(1, "/now")])
    await scene.clock.advance(1)
    assert (len(scene.line.said), len(scene.line.offsets)) == (1, 2), "it is being asked again"

    running.append(begun(scene.clock, second.work))
    await scene.clock.advance(3)
    assert [name for name in bots if second.lease_of(name)] == ["bot telegram"]
    assert len(scene.line.offsets) == 2
    for each in running:
        each.cancel()
    await asyncio.gather(*running, return_exceptions=True)


async def test_a_webhook_s_secret_is_that_of_the_token_as_it_is_now(scene):
    holds = ["old"]
    url = "https://alertes.saint-martin.example/telegram/telegram"
    listening = WebhookListening(
        scene.bot, scene.reception, scene.join, url, lambda: holds[-1], receive=received_of_known
    )
    app = web.Application()
    app.router.add_post("/", listening.take)

    async def opens(client, secret: str) -> bool:
        async with client.post("/", json={"update_id": 1}, headers={SECRET_HEADER: secret}) as answer:
            return answer.status == 200

    running = begun(scene.clock, listening.work)
    await scene.clock.advance(SET_AGAIN + 1)
    set_at_first, introduced = [secret for _, secret in scene.line.webhooks], scene.line.introductions
    async with TestClient(TestServer(app)) as client:
        before = [await opens(client, secret) for secret in ("old", "new")]
        holds.append("new")
        after = [await opens(client, secret) for secret in ("old", "new")]
    await scene.clock.advance(60)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)

    assert (before, after) == ([True, False], [False, True])
    assert (set_at_first, introduced) == (["old", "old"], 1)
    assert scene.line.webhooks[2:] == [(url, "new")]
    assert scene.line.introductions == 2, "its name may be another one too"


async def test_what_is_brought_again_is_answered_once(scene):
    update = scene.command(1, "/now")
    await scene.reception.handle([update, update])
    await scene.reception.handle([update])
    assert len(scene.line.said) == 1
    await scene.reception.handle([scene.command(1, "/now"), {**update, "update_id": None}])
    assert len(scene.line.said) == 3


def refuse_at(scene, number: int) -> None:
    """The database refuses once: for whom the town is asked about as the `number`th."""
    asked = []

    async def town():
        asked.append(1)
        if len(asked) == number:
            raise DatabaseRefused("database is locked")
        return TOWN

    scene.bot = replace(scene.bot, town=town)
    scene.reception = Reception(scene.bot)
    scene.asking = Asking(scene.bot, scene.reception, scene.join)


async def test_a_database_that_refuses_makes_nobody_be_answered_twice(scene):
    batch = [scene.command(chat, "/now") for chat in range(1, 13)]
    scene.line.batches += [batch, batch]
    refuse_at(scene, 7)
    await run_for(scene, 40)
    assert scene.line.offsets[:3] == [0, 0, 13]
    assert sorted(chat for chat, _ in scene.line.said) == list(range(1, 13))


async def test_what_was_handled_is_let_go_of_before_the_rest_of_a_long_batch(scene):
    batch = [scene.command(chat, "/now") for chat in range(1, 101)]
    scene.line.batches += [batch]
    refuse_at(scene, 90)
    await run_for(scene, 1)
    assert 90 - AT_ONCE - KEPT_EVERY <= await scene.offset() <= 90


async def test_one_that_can_not_be_read_keeps_nobody_from_being_heard(scene, monkeypatch):
    def stumbling(update, username):
        if update["update_id"] == 1:
            raise RecursionError
        return read_update(update, username)

    monkeypatch.setattr("alerts.bot.reception.read_update", stumbling)
    scene.line.batches.append([scene.command(1, "/now"), scene.command(2, "/now")])
    await run_for(scene, 40)
    assert [chat for chat, _ in scene.line.said] == [2]
    assert await scene.offset() == 3


async def test_it_waits_as_long_as_telegram_asks_it_to(scene):
    scene.line.batches += [Retry("wait", scene.clock.now() + timedelta(seconds=300)), [scene.command(1, "/now")]]
    running = begun(scene.clock, scene.asking.work)
    await scene.clock.advance(299)
    assert scene.line.offsets == [0]
    await scene.clock.advance(2)
    assert len(scene.line.said) == 1
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


@pytest.mark.parametrize(("secret", "body", "status"), [("\udcff", b"{}", 403), ("right", b"[" * 100_000, 400)])
async def test_whoever_knocks_at_the_webhook_makes_nothing_stumble(scene, secret, body, status):
    listening = WebhookListening(
        scene.bot, scene.reception, scene.join, "https://x.example/", lambda: "right", receive=received_of_known
    )
    app = web.Application()
    app.router.add_post("/", listening.take)
    async with TestServer(app) as server:
        reader, writer = await asyncio.open_connection(server.host, server.port)
        head = f"POST / HTTP/1.1\r\nHost: x\r\n{SECRET_HEADER}: {secret}\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode(errors="surrogateescape") + body)
        answer = await reader.readline()
        writer.close()
    assert answer.split()[1] == str(status).encode()


async def test_who_is_forgotten_as_an_officer_leaves_a_line_in_the_record(scene):
    def link(unit) -> None:
        officer = Officer(unit, Actor("root", Role.ADMINISTRATOR, Origin.COMMAND))
        if unit.accounts.account("Anne") is None:
            add_account(officer, "Anne", Role.APPROVER, "a hash")
        unit.officer_chats.link(Linked("telegram", 1, "Anne"))

    def unlinked(unit) -> int:
        return sum(line.entry.act == AuditEvent.CHAT_UNLINKED for line in unit.audit.all())

    await scene.service.act(link)
    press = {"id": "1", "from": {"id": 1}, "data": "f:yes", "message": {"message_id": 5}}
    press["message"]["chat"] = {"id": 1, "type": "private"}
    await scene.reception.handle([{"update_id": 900, "callback_query": press}])
    assert await scene.service.ask(unlinked) == 1

    await scene.service.act(link)
    scene.line.troubles.append(ReaderGone("blocked"))
    await scene.reception.handle([scene.command(1, "/now")])
    assert await scene.service.ask(unlinked) == 2
    assert await scene.service.ask(lambda unit: unit.officer_chats.linked("telegram", 1)) is None


async def test_who_taps_without_end_gets_no_more_answers_than_telegram_takes(scene):
    taps = [scene.command(1, "/now") for _ in range(10)]
    answering = asyncio.create_task(scene.reception.handle(taps))
    await scene.clock.settle()
    assert len(scene.line.said) <= AT_A_STRETCH
    await scene.clock.advance(10)
    await answering
    assert len(scene.line.said) == 10


async def test_who_writes_without_end_keeps_nobody_else_waiting(scene):
    landed = []

    async def land(update):
        landed.append(update)

    updates = [*(scene.command(1, "/now") for _ in range(30)), scene.command(2, "/now")]
    handling = asyncio.create_task(scene.reception.handle(updates, land))
    await scene.clock.settle()
    assert handling.done()
    assert len(landed) == 31
    assert [chat for chat, _ in scene.line.said].count(2) == 1
    await scene.clock.advance(40)
    assert len(scene.line.said) == 31


async def test_the_owner_s_chat_is_told_once_of_what_was_changed_of_their_account(scene):
    """Whoever found a browser open, or has the password: the telephone is still the owner's."""
    root, chat = Actor("root", Role.ADMINISTRATOR, Origin.COMMAND, "root"), 701
    anne = Actor("Anne", Role.VIEWER, Origin.CONSOLE, "203.0.113.66")

    async def write(act):
        await scene.service.act(lambda unit: Officer(unit, anne).write(act, "Anne"))

    await scene.service.act(lambda unit: add_account(Officer(unit, root), "Anne", Role.VIEWER, "hash"))
    await write(AuditEvent.PASSWORD_CHANGED)
    await scene.service.act(lambda unit: unit.officer_chats.offer(digest_of("ABCDEFGHJK"), "Anne", scene.soon))
    await scene.reception.handle([scene.command(chat, "/link ABCDEFGHJK")])
    linked, rounds = len(scene.line.said), scene.notices(scene.config)
    await rounds.go_round(scene.keeper.lease_of("bot telegram"))
    assert len(scene.line.said) == linked, "what was before the chat was linked is no news to it"

    await scene.clock.advance(60)
    await write(AuditEvent.CODES_ADDED)
    for _ in range(2):
        await rounds.go_round(scene.keeper.lease_of("bot telegram"))
    [(to, text)] = scene.line.said[linked:]
    assert to == chat
    assert text.startswith(
        "Compte Anne : codes ajoutés, le 25/11 à 13\u00a0h\u00a001\ndepuis 203.0.113.66\nSi ce n’était"
    )


async def test_an_officer_s_chat_is_told_of_a_call_for_help_in_its_own_words_and_once(scene):
    root, chat = Actor("root", Role.ADMINISTRATOR, Origin.COMMAND, "root"), 701
    await scene.service.act(lambda unit: add_account(Officer(unit, root), "Anne", Role.AUTHOR, "hash"))
    await scene.service.act(lambda unit: unit.officer_chats.offer(digest_of("ABCDEFGHJK"), "Anne", scene.soon))
    await scene.reception.handle([scene.command(chat, "/link ABCDEFGHJK")])
    hearing = {name: replace(each, hears=True) for name, each in scene.config.channels.items()}
    linked, rounds = (
        len(scene.line.said),
        scene.notices(replace(scene.config, channels=hearing)),
    )
    said = [
        (Remark("-1:1", "Ma mère est <bloquée>", scene.clock.now()), Understood(Kind.HELP)),
        (Remark("-1:2", "Merci", scene.clock.now()), Understood(Kind.THANKS)),
    ]
    taken = await scene.service.act(lambda unit: take(unit, next(iter(hearing)), said))
    for _ in range(2):
        await rounds.go_round(scene.keeper.lease_of("bot telegram"))
    [(to, text)] = scene.line.said[linked:]
    assert to == chat
    assert text.startswith("Peut-être un appel à l’aide\nMa mère est &lt;bloquée&gt;\nsur ")

    handled = replace(taken.utterances[0], state=UtteranceState.HANDLED)
    await scene.service.act(lambda unit: unit.listening.put(handled))
    await rounds.go_round(scene.keeper.lease_of("bot telegram"))
    assert len(scene.line.said) == linked + 1
    told = await scene.service.ask(lambda unit: unit.officer_chats.notified(scene.bot.channel, chat))
    assert [key for key in told if key.startswith("call")] == []


async def test_an_author_s_chat_is_told_once_that_another_s_words_took_the_place_of_theirs(scene):
    root, chat = Actor("root", Role.ADMINISTRATOR, Origin.COMMAND, "root"), 701
    anne, paul = Actor("Anne", Role.AUTHOR, Origin.CONSOLE), Actor("Paul", Role.APPROVER, Origin.CONSOLE)
    await scene.service.act(lambda unit: add_account(Officer(unit, root), "Anne", Role.AUTHOR, "hash"))
    await scene.service.act(lambda unit: unit.officer_chats.offer(digest_of("ABCDEFGHJK"), "Anne", scene.soon))
    await scene.reception.handle([scene.command(chat, "/link ABCDEFGHJK")])
    approving = replace(scene.config, sources={MANUAL: SourceRules(publish="approve")})
    desk, rounds = build_desk(approving, scene.clock.now), scene.notices(approving)

    async def acts(actor, act):
        return await scene.service.act(lambda unit: act(Officer(DeskUnit(unit, desk, unit.now, new_id), actor)))

    written = draft_alert(Draft("Coupure d’eau"), approving, scene.clock.now(), new_id())
    filed = await acts(anne, lambda officer: officer.post(written))
    await rounds.go_round(scene.keeper.lease_of("bot telegram"))
    before = len(scene.line.said)
    await acts(paul, lambda officer: officer.update(filed.stored.id, {"headline": "Fin vers minuit"}))
    for _ in range(2):
        await rounds.go_round(scene.keeper.lease_of("bot telegram"))
    [(to, text)] = scene.line.said[before:]
    assert to == chat
    assert "ce que Paul a écrit depuis l’a remplacée. C’était\u00a0: «\u00a0Coupure d’eau\u00a0»" in text

    await scene.service.act(lambda unit: unit.execute("UPDATE alert SET received_at = 0"))
    await rounds.go_round(scene.keeper.lease_of("bot telegram"))
    told = await scene.service.ask(lambda unit: unit.officer_chats.notified(scene.bot.channel, chat))
    assert [key for key in told if key.startswith(TAKEN)] == [], "after a day it is forgotten"


class PacedLine(FakeLine):
    """A line at the pace of a whole bot, which notes when each answer left."""

    def __init__(self, pace, clock, told) -> None:
        super().__init__()
        self.pace, self.clock, self.told = pace, clock, told

    async def say(self, chat, text, keyboard=None, edit=None, reply=None) -> int:
        async with self.pace.direct():
            self.told.append((chat, self.clock.monotonic()))
        return await super().say(chat, text, keyboard, edit, reply)


async def test_a_reason_that_is_refused_is_asked_for_no_more(scene):
    def waits(unit):
        add_account(Officer(unit, Actor("root", Role.ADMINISTRATOR, Origin.COMMAND)), "Anne", Role.AUTHOR, "a hash")
        unit.officer_chats.link(Linked("telegram", 7, "Anne"))
        draft = PollDraft("Fermer la place ?", ("Oui", "Non"), unit.now + timedelta(hours=2))
        poll = open_poll(Officer(unit, Actor("Luc", Role.AUTHOR, Origin.CONSOLE)), draft)
        unit.officer_chats.ask("telegram", 7, Asked(poll.id, 1, unit.now))

    await scene.service.act(waits)
    await scene.reception.handle([scene.command(7, "trop tôt")])
    assert len(scene.line.said) == 1
    assert await scene.service.ask(lambda unit: unit.officer_chats.asked("telegram", 7)) is None


async def test_officers_go_past_a_crowd_and_who_leaves_has_left_at_once(scene):
    """200 chats write all that they may, in virtual time, at a bot that says 25 things a second."""
    pace, told = BotPace(25, scene.clock, rounds=1), []
    line = PacedLine(PaceAs(pace, Precedence.DIRECT), scene.clock, told)
    ahead = PacedLine(PaceAs(pace, Precedence.AHEAD), scene.clock, told)
    reception = Reception(replace(scene.bot, client=line, ahead=ahead))
    await scene.service.act(lambda unit: unit.officer_chats.link(Linked("telegram", 7, "Anne")))
    await scene.service.act(lambda unit: unit.subscribers.put("telegram", Subscriber(8)))
    running = begun(scene.clock, Work("pace", pace.go_on))
    crowd = [scene.command(1000 + number % 200, "/now") for number in range(200 * 40)]
    batches = [crowd[start : start + 100] for start in range(0, len(crowd), 100)]
    flood = asyncio.create_task(_one_after_the_other(reception, batches))
    await scene.clock.advance(5)
    assert flood.done(), "a crowd's minute is read at once: what comes behind it isn't kept waiting"
    assert len(reception._later) > 300

    began = scene.clock.monotonic()
    asked = asyncio.create_task(reception.handle([scene.command(7, "/waiting"), scene.command(8, "/stop")]))
    await scene.clock.advance(2)
    answered = [at for chat, at in told if chat == 7]
    assert answered[0] - began < 1, "ahead of hundreds that wait"
    assert not (await scene.kept(8)).on, "whoever leaves has left, whenever they are told so"

    await scene.clock.advance(60)
    assert asked.done()
    assert len({chat for chat, _ in told}) == 202, "and everybody else is answered in their turn"
    running.cancel()


async def _one_after_the_other(reception, batches) -> None:
    for batch in batches:
        await reception.handle(batch)


@pytest.mark.parametrize("loses", ["the role", "the chat", "the account"])
async def test_who_is_no_approver_any_more_while_another_is_told_is_told_nothing(scene, loses):
    root = Actor("root", Role.ADMINISTRATOR, Origin.COMMAND, "root")
    for name, chat in (("Anne", 701), ("Paul", 702)):
        await scene.service.act(lambda unit, name=name: add_account(Officer(unit, root), name, Role.APPROVER, "hash"))
        await scene.service.act(
            lambda unit, name=name, chat=chat: unit.officer_chats.link(Linked("telegram", chat, name))
        )
    approving = replace(scene.config, sources={MANUAL: SourceRules(publish="approve")})
    desk, rounds = build_desk(approving, scene.clock.now), scene.notices(approving)
    written = draft_alert(Draft("Coupure d’eau"), approving, scene.clock.now(), new_id())
    eve = Actor("Eve", Role.AUTHOR, Origin.CONSOLE)
    await scene.service.act(lambda unit: Officer(DeskUnit(unit, desk, unit.now, new_id), eve).post(written))
    say, before = scene.line.say, len(scene.line.said)

    def lost(unit):
        account = unit.accounts.account("Paul")
        match loses:
            case "the role":
                unit.accounts.put_account(replace(account, role=Role.VIEWER))
            case "the chat":
                unit.officer_chats.unlink("telegram", 702)
            case _:
                unit.accounts.put_account(replace(account, disabled_at=unit.now))

    async def meanwhile(*told, **more):
        await scene.service.act(lost)
        return await say(*told, **more)

    scene.line.say = meanwhile
    for _ in range(2):
        await rounds.go_round(scene.keeper.lease_of("bot telegram"))
    assert {to for to, _ in scene.line.said[before:]} == {701}
