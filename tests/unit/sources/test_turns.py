"""Whose turn it is, and that nobody is forgotten."""

from __future__ import annotations

import asyncio

import pytest

from alerts.sources.fetch_slots import AT_A_HOST, QUICK, SLOW, FetchSlots, RequestPlaces


async def settle():
    for _ in range(10):
        await asyncio.sleep(0)


class Held:
    """Those who hold a turn or a place now, by name, until they are let go."""

    def __init__(self):
        self.now = []
        self.began = {}
        self.ended = {}
        self.tasks = {}

    def take(self, name, place):
        async def hold():
            async with place:
                self.now.append(name)
                self.began[name].set()
                await self.ended[name].wait()
                self.now.remove(name)

        self.began[name], self.ended[name] = asyncio.Event(), asyncio.Event()
        self.tasks[name] = asyncio.ensure_future(hold())

    async def let_go(self, *names):
        for name in names:
            self.ended[name].set()
        await settle()

    async def stop(self, *names):
        for name in names:
            self.tasks[name].cancel()
        await settle()


@pytest.fixture
async def held():
    held = Held()
    yield held
    await held.stop(*held.tasks)


async def test_the_urgent_go_first_then_whoever_came_first(held):
    turns = FetchSlots(most=2)
    for name in ("a", "b", "c", "urgent", "d"):
        held.take(name, turns.turn(urgent=name == "urgent"))
    await settle()
    assert held.now == ["a", "b"]

    for name, now in (("a", ["b", "urgent"]), ("b", ["urgent", "c"]), ("urgent", ["c", "d"]), ("c", ["d"])):
        await held.let_go(name)
        assert held.now == now
    await held.let_go("d")
    held.take("e", turns.turn(urgent=False))
    held.take("f", turns.turn(urgent=False))
    await settle()
    assert held.now == ["e", "f"]


async def test_a_flood_keeps_nobody_waiting_who_says_one_thing(held):
    turns = FetchSlots(most=1)
    for name, place in (("flood 1", 0), ("flood 2", 1), ("flood 3", 2), ("one", 0)):
        held.take(name, turns.turn(urgent=False, place=place))
    await settle()
    await held.let_go("flood 1")
    assert held.now == ["one"]
    await held.let_go("one")
    assert held.now == ["flood 2"]


async def test_one_who_stops_waiting_leaves_the_turn_to_the_next(held):
    turns = FetchSlots(most=1)
    for name in ("a", "b", "c"):
        held.take(name, turns.turn(urgent=False))
    await settle()
    await held.stop("b")
    await held.let_go("a")

    assert held.now == ["c"]
    # and one who is stopped just as the turn comes
    held.take("d", turns.turn(urgent=False))
    held.take("e", turns.turn(urgent=False))
    await settle()
    held.ended["c"].set()
    await asyncio.sleep(0)
    held.tasks["d"].cancel()
    await settle()
    assert held.now == ["e"]


async def test_a_turn_that_is_held_for_long_is_given_to_the_next_and_only_once(held):
    turns = FetchSlots(most=1, longest=0.01)
    for name in ("a", "b", "c"):
        held.take(name, turns.turn(urgent=False))
    await asyncio.wait_for(held.began["c"].wait(), 60)
    assert held.now == ["a", "b", "c"]
    await held.let_go("a", "b", "c")
    turns._longest = 60

    held.take("d", turns.turn(urgent=False))
    held.take("e", turns.turn(urgent=False))
    await settle()
    assert held.now == ["d"]


async def test_a_host_is_asked_for_few_things_at_once_and_no_other_waits_for_it(held):
    places = RequestPlaces()
    for number in range(AT_A_HOST + 2):
        held.take(f"a{number}", places.at("a", slow=False))
    held.take("b", places.at("b", slow=False))
    await settle()
    assert held.now == [*[f"a{number}" for number in range(AT_A_HOST)], "b"]

    await held.let_go("a1")
    assert held.now[-1] == f"a{AT_A_HOST}", "first come, first served"


async def test_slow_addresses_share_few_places_among_themselves(held):
    places = RequestPlaces()
    for number in range(QUICK + SLOW):
        held.take(f"slow{number}", places.at(f"slow{number}", slow=True))
    for number in range(QUICK + 1):
        held.take(f"quick{number}", places.at(f"quick{number}", slow=False))
    await settle()

    assert sum(name.startswith("slow") for name in held.now) == SLOW
    assert sum(name.startswith("quick") for name in held.now) == QUICK


async def test_a_host_that_nobody_asks_is_forgotten(held):
    places = RequestPlaces()
    held.take("a", places.at("a", slow=False))
    await settle()
    await held.stop("a")

    assert not places._hosts
