"""The sender over the real store: the pace, the number under way, trouble, a cancellation, a stop and a kill."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from alerts.delivery.bot_pace import BotPace
from alerts.delivery.bulk import BulkSender, BulkSettings, ahead_of
from alerts.delivery.lease import LeaseKeeper, Leases
from alerts.delivery.worker import Work
from alerts.model.delivery import SendOutcome
from alerts.model.errors import BadCredential, DatabaseRefused, Retry
from alerts.model.events import BulkEnded, Events
from alerts.model.post import PostKind
from alerts.model.subscriber import Subscriber
from alerts.store.bulk import Bulks, BulkScope
from alerts.store.files import migrate
from tests.fakes import FakeClock, Late, ScriptedTells, begun
from tests.unit.delivery.lane_house import WatchedDatabase
from tests.unit.leases import ask_for
from tests.unit.store.bulk_turns import MODERATE, SEVERE, Turns

MANY = 60


class Disk(WatchedDatabase):
    """A database that keeps nothing while its disk is `full`."""

    full = False

    async def write(self, work):
        self._look()
        return await super().write(work)

    async def write_ahead(self, work):
        self._look()
        return await super().write_ahead(work)

    def write_at_once(self, work):
        return None if self.full else super().write_at_once(work)

    def _look(self) -> None:
        if self.full:
            raise DatabaseRefused("database or disk is full")


class Town:
    """A town with subscribers, whose daemons come and go."""

    def __init__(self, path, database, clock, rate: int = 0) -> None:
        self.database, self.clock = database, clock
        self.desk = Turns(path)
        self.desk.db.execute("DELETE FROM lease")
        self.desk.now = clock.now()
        self.rate = rate
        self.tells = ScriptedTells(clock)
        self.over: list[str] = []
        self.sender: BulkSender
        self._tasks: list[asyncio.Task[None]] = []

    async def begin(self, name: str = "first") -> None:
        keeper = LeaseKeeper(Leases(self.database), self.clock, name, ["bulk telegram"])
        pace = BotPace(self.rate, self.clock, rounds=1)
        bulks = Bulks(self.database, BulkScope("telegram"))
        self.pace, self.keeper, events = pace, keeper, Events()
        events.subscribe(BulkEnded, lambda event: self.over.append(f"{event.bulk.id} {event.bulk.state}"))
        self.sender = BulkSender(
            BulkSettings("telegram", 10, ZoneInfo("Europe/Paris"), ahead_of(self.rate, 10)),
            self.tells,
            bulks=bulks,
            keeper=keeper,
            pace=pace,
            clock=self.clock,
            events=events,
        )
        self._tasks = [begun(self.clock, work) for work in (keeper.work, Work("pace", pace.go_on), self.sender.work)]
        await self.clock.settle()

    async def kill(self) -> None:
        """As kill -9 does: what was asked may have been taken, and nobody learns of it."""
        tasks = [*self._tasks, *self.sender._in_flight.tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def pass_(self, seconds: float) -> None:
        await self.clock.advance(seconds)
        self.desk.now = self.clock.now()

    async def pass_until(self, done) -> None:
        """So long, an hour at most: each second that passes is looked at by all that waits."""
        for _ in range(60):
            if done():
                return
            await self.pass_(60)

    def file(self, *arguments, **changes):
        bulk = self.desk.file(*arguments, expires=self.clock.now() + timedelta(hours=6), **changes)
        self.sender.wake()
        return bulk

    @property
    def told(self) -> list[int]:
        return [target.chat for target in self.tells.taken]


@pytest.fixture
async def service(tmp_path):
    path = tmp_path / "tocsin.db"
    migrate(path)
    database = await Disk.open(path)
    clock = FakeClock(work=database.at_work)
    service = Town(path, database, clock)
    service.desk.subscribe(*(Subscriber(chat) for chat in range(1, MANY + 1)))
    await service.begin()
    yield service
    await service.kill()
    service.desk.db.close()
    await database.close()


async def test_everybody_is_told_once_with_so_many_under_way(service):
    service.tells.lasts = 0.1
    bulk = service.file()
    await service.pass_(5)
    assert sorted(service.told) == list(range(1, MANY + 1))
    assert service.tells.most == 9
    assert service.over == [f"{bulk.id} done"]


async def test_the_rate_is_kept(service):
    await service.kill()
    service.rate = 10
    await service.begin("second")
    await service.pass_(6)
    service.file()
    await service.pass_(7)
    times = [at for at, _ in service.tells.asked]
    assert len(times) == MANY
    assert all(sum(at <= other < at + 1 for other in times) <= 10 for at in times)
    assert times[-1] - times[0] < MANY / 10 / 0.98


@pytest.mark.parametrize("lasts", [0.01, 0.3])
async def test_killed_five_times_on_the_way_nobody_is_lost_and_few_are_told_twice(service, lasts):
    service.tells.lasts = lasts
    bulk = service.file(notice=SEVERE)
    for number in range(5):
        reached = len(service.told)
        while len(service.told) < min(reached + 9, MANY):
            await service.pass_(0.05)
        await service.kill()
        await service.begin(f"daemon {number}")
        await service.pass_(5.5)
    await service.pass_(20)
    times = Counter(service.told)
    assert set(times) == set(range(1, MANY + 1))
    assert sum(times.values()) - MANY <= 5 * 10
    assert service.over[-1] == f"{bulk.id} done"


async def test_a_cancelled_alert_stops_at_once_and_only_who_had_it_hears_of_the_end(service):
    service.tells.lasts = 0.5
    bulk = service.file()
    await service.pass_(0.6)
    had = set(service.told)
    asked = len(service.tells.asked)
    end = service.file(kind=PostKind.END)
    await service.clock.settle()
    started = [target for _, target in service.tells.asked[asked:]]
    assert all(target.bulks[0].id == end.id for target in started)
    await service.pass_(10)
    first = {target.chat for target in service.tells.taken if target.bulks[0].id == bulk.id}
    last = [target.chat for target in service.tells.taken if target.bulks[0].id == end.id]
    assert had <= first
    assert len(first) < MANY
    assert sorted(last) == sorted(first)
    assert service.over == [f"{bulk.id} stopped", f"{end.id} done"]


async def test_what_is_severe_overtakes_what_hangs(service):
    service.tells.script = {chat: [Late(9.0)] for chat in range(1, 10)}
    service.file("i1", notice=MODERATE)
    await service.pass_(0.1)
    urgent = service.file("i2", notice=SEVERE)
    await service.pass_(1)
    assert Counter(target.bulks[0].id for target in service.tells.taken)[urgent.id] == MANY


async def test_a_429_halts_the_whole_bot_and_loses_nobody(service):
    wait = Retry("Telegram asks us to wait 7 s", service.clock.now() + timedelta(seconds=7), whole_channel=True)
    service.tells.script = {3: [wait]}
    service.file()
    await service.pass_(0.1)
    assert service.pace.halted_for > 6
    reached = len(service.told)
    await service.pass_(6)
    assert len(service.told) == reached < MANY
    await service.pass_(3)
    assert sorted(service.told) == list(range(1, MANY + 1))


@pytest.mark.parametrize("trouble", [Retry("no connection", sent=False), BadCredential("a new token is needed")])
async def test_where_nothing_can_be_sent_it_goes_on_later(service, trouble):
    service.tells.script = {chat: [trouble] for chat in range(1, MANY + 1)}
    service.file()
    await service.pass_(0.5)
    assert service.told == []
    await service.pass_until(lambda: len(service.told) >= MANY)
    assert sorted(service.told) == list(range(1, MANY + 1))


async def test_a_platform_that_gives_no_answer_is_not_hurried(service):
    service.desk.db.execute("DELETE FROM subscriber WHERE chat > ?", (few := MANY // 4,))
    service.tells.script = {chat: [SendOutcome.DOUBT] * 9 for chat in range(1, few + 1)}
    bulk = service.file()
    await service.pass_(5)
    assert len(service.tells.asked) < 2 * few
    await service.pass_until(lambda: service.over)
    assert service.over == [f"{bulk.id} done"]
    assert service.desk.bulk(bulk)["failed"] == few


async def test_a_stop_finishes_what_is_away_and_keeps_it(service):
    service.tells.lasts = 1.0
    service.file()
    await service.pass_(0.1)
    stop = asyncio.create_task(service.sender.stop(10))
    await service.pass_(2)
    await stop
    assert len(service.told) == 9
    assert service.desk.rows("SELECT chat FROM received ORDER BY chat") == [(chat,) for chat in sorted(service.told)]
    left = [chat for (chat,) in service.desk.rows("SELECT chat FROM bulk_flight")]
    assert not set(left) & set(service.told)


async def test_under_another_s_lease_nothing_leaves(service):
    service.desk.db.execute("UPDATE lease SET owner = 'others', until = until + 60000000")
    service.file()
    await service.pass_(1)
    assert service.told == []


async def test_where_a_turn_failed_it_goes_on_though_nobody_wakes_it(service):
    service.tells.lasts = 1.0
    service.file()
    await service.pass_(0.2)
    service.database.full = True
    await service.pass_(3)
    service.database.full = False
    await service.pass_(30)
    assert sorted(service.told) == list(range(1, MANY + 1))


async def test_after_another_process_s_time_nothing_leaves_that_was_handed_over_before_it(service):
    service.tells.lasts = 0.1
    service.file()
    await service.clock.settle()
    before = set(service.told)
    service.keeper.mark_lost("bulk telegram")  # others held it, told everybody, and gave it back
    await service.keeper._renew()
    service.desk.db.execute("DELETE FROM bulk_flight")
    await service.pass_(10)
    assert len(service.told) - len(before) <= 10


async def test_what_hangs_for_long_keeps_nothing_severe_from_leaving(service):
    await service.kill()
    service.rate = 10
    await service.begin("second")
    await service.pass_(6)
    service.tells.script = {1: [Late(60.0)]}
    service.file("i1", notice=MODERATE)
    await service.pass_(15)
    urgent = service.file("i2", notice=SEVERE)
    await service.pass_(10)
    assert Counter(target.bulks[0].id for target in service.tells.taken)[urgent.id] > MANY / 2


async def test_a_bulk_is_handed_over_in_its_midst_and_goes_on_where_it_was(service):
    service.tells.lasts = 0.5
    bulk = service.file()
    await service.pass_(0.3)
    await ask_for(service.database, "bulk telegram", service.clock.now())
    await service.pass_(2.5)
    assert service.keeper.lease_of("bulk telegram") is None
    told = list(service.told)
    assert 0 < len(told) < MANY
    assert service.tells.under_way == 0

    await service.kill()
    await Leases(service.database).give_back("older", service.clock.now())
    await service.begin("second")
    await service.pass_(10)
    assert sorted(service.told) == list(range(1, MANY + 1)), "everybody, and nobody twice"
    assert service.over == [f"{bulk.id} done"]
