"""Who works a lane, a source or a bot, of several daemons on one database."""

from __future__ import annotations

import asyncio
import itertools
from datetime import timedelta

import pytest

from alerts.delivery.lease import RENEWED, TERM, TRIED, LeasedWorker, LeaseKeeper, Leases
from alerts.delivery.share import LeaseGroup
from alerts.delivery.worker import LATE, Workers
from alerts.model.lease import DUTIES, source_lease
from tests.fakes import begun

LANES = [LeaseGroup("channel", (name,)) for name in ("x", "page", "webhook")]
BOT = LeaseGroup("channel", ("bot t", "bulk t", "t"))
SOURCES = [LeaseGroup("source", (source_lease(name),)) for name in ("meteo", "works", "floods", "air")]
ALL = [*LANES, BOT, *SOURCES, LeaseGroup("duties", (DUTIES,))]
FAIR_WITHIN = 10.0
TAKEN_WITHIN = 6.0


class Keepers:
    """Keepers over one database, which come and go."""

    def __init__(self, house) -> None:
        self.house = house
        self.clock = house.clock
        self.running: dict[str, asyncio.Task[None]] = {}
        self.all: dict[str, LeaseKeeper] = {}

    async def start(self, owner, holdings=("x",), **how) -> LeaseKeeper:
        keeper = LeaseKeeper(Leases(self.house.database), self.clock, owner, holdings, **how)
        self.all[owner], self.running[owner] = keeper, begun(self.clock, keeper.work)
        await self.clock.settle()
        return keeper

    def freeze(self, keeper) -> None:
        """It stands still, or is killed: nothing is renewed, and nothing given back."""
        self.running[keeper.owner].cancel()

    async def end(self) -> None:
        for task in self.running.values():
            task.cancel()
        await asyncio.gather(*self.running.values(), return_exceptions=True)

    def counts(self, *kinds: str) -> dict[str, int]:
        """How many leases each has of these beginnings, or of all."""
        names = [name for holding in ALL for name in holding.leases if not kinds or name.startswith(kinds)]
        found = {owner: sum(1 for name in names if each.lease_of(name)) for owner, each in self.all.items()}
        return {owner: found[owner] for owner in sorted(found)}

    def owner_of(self, name) -> list[str]:
        return [owner for owner, keeper in self.all.items() if keeper.lease_of(name)]

    async def until(self, what, within: float) -> float:
        """Seconds until it holds; fails when it takes longer."""
        began = self.clock.monotonic()
        while not what():
            assert self.clock.monotonic() - began < within, self.counts()
            await self.clock.advance(0.1)
        return self.clock.monotonic() - began


@pytest.fixture
async def keepers(house):
    made = Keepers(house)
    yield made
    await made.end()


async def test_one_owner_at_a_time(house, keepers):
    first, second = await keepers.start("first"), await keepers.start("second")
    for _ in range(20):
        await house.clock.advance(0.7)
        assert (bool(first.lease_of("x")), bool(second.lease_of("x"))) == (True, False)


async def test_a_term_goes_on_while_the_lease_is_renewed_and_ends_when_it_was_doubted(house, keepers):
    first = await keepers.start("first")
    term = first.term_of("x")
    await house.clock.advance(20)
    assert first.term_of("x") == term > 0
    first.mark_lost("x")
    assert (first.lease_of("x"), first.term_of("x")) == (None, 0)
    await house.clock.settle()
    assert first.term_of("x") > term, "a doubted lease is taken anew at once"


async def test_a_lease_that_is_not_renewed_runs_out_by_what_has_passed_not_by_the_wall(house, keepers):
    first = await keepers.start("first")
    keepers.freeze(first)
    house.clock.set(house.clock.now() - timedelta(hours=1))
    await house.clock.advance(4.9)
    assert first.lease_of("x")
    await house.clock.advance(0.2)
    assert first.lease_of("x") is None


async def test_a_lease_from_before_the_clock_was_set_back_holds_nobody_up(house, keepers):
    first = await keepers.start("first")
    keepers.freeze(first)
    house.clock.set(house.clock.now() - timedelta(hours=1))
    second = await keepers.start("second")
    await house.clock.advance(1)
    assert second.lease_of("x")


async def test_waiting_for_a_lease_ends_when_it_is_given_back(house, keepers):
    first, second = await keepers.start("first"), await keepers.start("second")
    waiting = asyncio.create_task(second.hold("x").wait())
    await house.clock.advance(2)
    assert not waiting.done()
    keepers.freeze(first)
    await first.give_back()
    await house.clock.advance(0.6)
    assert waiting.done()
    assert waiting.result().owner == "second"


@pytest.mark.parametrize(("how", "times"), [({}, 5), ({"renewed": 0.6}, 2)])
async def test_a_longer_term_is_renewed_more_seldom(house, keepers, how, times):
    keeper = await keepers.start("us", term=timedelta(seconds=60), **how)
    commits = house.database.commits
    await house.clock.advance(90)
    assert keeper.lease_of("x")
    assert house.database.commits - commits == times, "each 18 s, each 36 s"


async def test_a_daemon_that_has_its_share_only_reads_in_between(house, keepers):
    await keepers.start("first", ALL)
    await keepers.start("second", ALL)
    await house.clock.advance(FAIR_WITHIN)
    commits = house.database.commits
    await house.clock.advance(30)
    assert house.database.commits - commits <= 2 * 30 / (TERM.total_seconds() * RENEWED) + 2


@pytest.mark.parametrize("daemons", [2, 3])
async def test_shares_are_even_within_ten_seconds_of_another_one_s_start(house, keepers, daemons):
    for number in range(daemons):
        await keepers.start(f"daemon{number}", ALL)
        await house.clock.advance(FAIR_WITHIN)
        for kinds in (("source",), ("x", "page", "webhook", "t")):
            counts = keepers.counts(*kinds).values()
            assert max(counts) - min(counts) <= 1, keepers.counts()
    for name in (name for holding in ALL for name in holding.leases):
        assert len(keepers.owner_of(name)) == 1, name
    assert len({keepers.owner_of(name)[0] for name in BOT.leases}) == 1, "a bot has one pace"


async def test_all_that_a_killed_daemon_had_is_taken_within_six_seconds_whenever_it_dies(house, keepers):
    await keepers.start("stays", ALL)
    for number in range(4):
        dies = await keepers.start(f"dies{number}", ALL)
        await house.clock.advance(FAIR_WITHIN + number * 0.4)
        had = [name for holding in ALL for name in holding.leases if dies.lease_of(name)]
        assert had
        keepers.freeze(dies)
        del keepers.all[dies.owner]
        await keepers.until(lambda had=had: all(keepers.owner_of(name) for name in had), TAKEN_WITHIN)


async def test_one_that_stops_hands_its_sources_over_at_once_and_the_rest_when_it_is_done(house, keepers):
    await keepers.start("stays", ALL)
    stops = await keepers.start("stops", ALL)
    await house.clock.advance(FAIR_WITHIN)
    sources = [name for holding in SOURCES for name in holding.leases]
    lanes = [name for holding in (*LANES, BOT) for name in holding.leases if stops.lease_of(name)]
    assert lanes
    await stops.retire(sources)
    assert (await keepers.until(lambda: all(keepers.owner_of(name) == ["stays"] for name in sources), 1.0)) <= 0.6
    await house.clock.advance(TERM.total_seconds() * 2)
    assert all(stops.lease_of(name) for name in lanes), "what is under way is finished under a lease"
    keepers.freeze(stops)
    await stops.give_back()
    assert (await keepers.until(lambda: all(keepers.owner_of(name) == ["stays"] for name in lanes), 1.0)) <= 0.6


async def test_one_that_stood_still_writes_nothing_under_what_it_had_and_gets_a_share_anew(house, keepers):
    first = await keepers.start("first", LANES)
    old = {name: first.lease_of(name) for name in ("x", "page", "webhook")}
    keepers.freeze(first)
    second = await keepers.start("second", LANES)
    await house.clock.advance(TERM.total_seconds() + 1)
    assert keepers.counts() == {"first": 0, "second": 3}

    # It goes on. By its own clock nothing passed, as for a machine that was suspended: only the database knows better.
    keepers.running["first"] = begun(house.clock, first.work)
    await house.clock.advance(FAIR_WITHIN)
    assert sorted(keepers.counts().values()) == [1, 2]
    for name, lease in old.items():
        assert not await house.database.read(lambda unit, lease=lease: unit.leases.holds(lease, house.clock.now()))
        now = first.lease_of(name) or second.lease_of(name)
        assert now.number > lease.number


class Worker:
    """Works under a lease, and lets go when it is told that it may."""

    def __init__(self, keeper, name) -> None:
        self.asked = 0
        self.hold: LeasedWorker = keeper.join(name, self.wake)

    def wake(self) -> None:
        self.asked += self.hold.is_asked


async def test_what_is_under_way_is_finished_before_a_lease_is_handed_over(house, keepers):
    first = await keepers.start("first", [LANES[0], BOT])
    lane, bulk, listener = (Worker(first, name) for name in ("t", "bulk t", "bot t"))
    second = await keepers.start("second", [LANES[0], BOT])
    await house.clock.advance(8)
    assert (listener.asked > 0, bulk.asked, lane.asked) == (True, 0, 0), "one after the other, the lane last"
    assert first.lease_of("t")
    assert second.lease_of("t") is None
    assert listener.hold.is_overdue
    assert (bulk.hold.is_asked, lane.hold.is_asked) == (False, False)

    listener.hold.let_go()
    assert listener.hold.lease is None
    assert bulk.asked
    assert lane.hold.lease, "which goes on meanwhile"
    bulk.hold.let_go()
    lane.hold.let_go()
    await house.clock.advance(0.6)
    assert {keepers.owner_of(name)[0] for name in BOT.leases} == {"second"}


async def test_what_nobody_wants_any_more_is_kept(house, keepers):
    first = await keepers.start("first", [LANES[0], BOT])
    worker, lane = Worker(first, "bulk t"), Worker(first, "t")
    second = await keepers.start("second", [LANES[0], BOT])
    await house.clock.advance(3)
    assert worker.asked
    worker.hold.let_go()
    assert (worker.hold.lease, lane.hold.is_asked) == (None, True)
    keepers.freeze(second)
    await second.give_back()
    waiting = asyncio.create_task(worker.hold.wait())
    await house.clock.advance(2)
    assert not worker.hold.is_asked
    assert (await waiting).owner == "first"
    assert keepers.owner_of("x") == ["first"]


async def test_what_is_given_up_and_taken_back_at_once_is_worked_on(house, keepers):
    """Who asked for it died just before it was let go."""
    first = await keepers.start("first", [LANES[0], BOT])
    workers = [Worker(first, name) for name in BOT.leases]
    second = await keepers.start("second", [LANES[0], BOT])
    await house.clock.advance(3)
    term = first.term_of("t")
    keepers.freeze(second)
    await second.give_back()
    for worker in workers:
        worker.hold.let_go()
    await house.clock.advance(2)
    assert [worker.hold.lease is not None for worker in workers] == [True, True, True]
    assert first.term_of("t") != term


async def test_who_takes_a_lease_hears_how_it_ended_before(house, keepers):
    heard = []
    first = await keepers.start("first", taken=lambda name, before: heard.append((name, before)))
    assert heard == [("x", None)]
    keepers.freeze(first)
    given_back = house.clock.now()
    await first.give_back()
    await house.clock.advance(3)
    await keepers.start("second", taken=lambda name, before: heard.append((name, before)))
    assert [(before.owner, before.until) for _, before in heard[1:]] == [("", given_back)]


async def test_others_know_who_works_what_where_since_when_and_what_stands_still(house, keepers):
    standing = itertools.chain([()], itertools.repeat(("pages",)))
    first = await keepers.start("mairie-7-a", host="mairie", version="1.2", stalled=lambda: next(standing))
    first.tell(url="http://127.0.0.1:8080")
    began = house.clock.now()
    await house.clock.advance(1)
    second = await keepers.start("annexe-9-b")
    await house.clock.advance(3)
    assert second.is_elsewhere("x")
    assert not first.is_elsewhere("x")
    told = second.found.daemons["mairie-7-a"]
    assert (told.name, told.host, told.url, told.version) == ("mairie-7", "mairie", "http://127.0.0.1:8080", "1.2")
    assert (told.since, second.found.owned["x"].since) == (began, began)
    assert second.stalled_elsewhere() == {"pages"}
    assert TRIED < RENEWED


class SlowLeases(Leases):
    """Those of a machine so busy that each renewal takes six seconds."""

    clock = None

    async def renew(self, *told):
        found = await super().renew(*told)
        await self.clock.sleep(6)
        return found


async def test_where_a_renewal_takes_longer_than_a_term_the_lanes_are_held_all_the_same(house):
    leases = SlowLeases(house.database)
    leases.clock = house.clock
    keeper = LeaseKeeper(leases, house.clock, "us", ["x"])
    keeping = begun(house.clock, keeper.work)
    held = []
    for _ in range(60):
        await house.clock.advance(1)
        held.append(keeper.lease_of("x") is not None)
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)
    assert held.index(True) < 20
    assert all(held[20:])


async def test_a_keeper_whose_renewal_hangs_stands_still(house):
    class Hung(Leases):
        async def renew(self, *_):
            await asyncio.Event().wait()

    workers = Workers(house.clock)
    workers.begin(LeaseKeeper(Hung(house.database), house.clock, "a", ["x"]).work)
    await house.clock.advance(LATE - 1)
    assert [(each.name, each.stands) for each in workers.cycles()] == [("leases", False)]
    await house.clock.advance(2)
    assert [(each.name, each.stands) for each in workers.cycles()] == [("leases", True)]
    await workers.close()
