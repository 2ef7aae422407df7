"""How many messages are under way: those that are away, and those that landed and aren't kept yet."""

from __future__ import annotations

import asyncio

import pytest

from alerts.delivery.in_flight import InFlight
from alerts.model.delivery import SendOutcome, SendResult, Target
from tests.unit.store.bulk_turns import a_told


class Air:
    """InFlight whose messages land when the test says so, and whose jots can be refused."""

    def __init__(self, most: int) -> None:
        self.flights = InFlight(most, self._fly, self._checkpoint)
        self.flights.working = "b1"
        self.kept: list[int] = []
        self.may_jot = True
        self._up: dict[int, asyncio.Future[None]] = {}

    async def _fly(self, flight) -> None:
        goes_on = True
        while goes_on:
            up = self._up[flight.target.chat] = asyncio.get_running_loop().create_future()
            await up
            self.flights.land(SendResult(flight.target, SendOutcome.SENT, 1))
            goes_on = self.flights.goes_on(flight)
        self.flights.leave(flight)

    def _checkpoint(self, results) -> bool:
        if self.may_jot:
            self.kept += [result.target.chat for result in results]
        return self.may_jot

    @property
    def up(self) -> list[int]:
        return [chat for chat, up in self._up.items() if not up.done()]

    async def land(self, *chats: int) -> None:
        for chat in chats:
            self._up[chat].set_result(None)
        await settled()


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def targets(*chats: int) -> list[Target]:
    return [Target(chat, "fr", (a_told("b1"),)) for chat in chats]


@pytest.fixture
async def air():
    air = Air(8)
    air.flights.take(targets(*range(1, 31)))
    await settled()
    yield air
    for task in air.flights.tasks:
        task.cancel()


async def test_so_many_leave_that_a_batch_of_landed_ones_is_within_the_bound(air):
    assert air.up == list(range(1, 8))
    await air.land(1)
    assert (air.up, air.kept) == ([2, 3, 4, 5, 6, 7, 8], [])
    await air.land(2)
    assert (len(air.up), air.kept) == (7, [1, 2])


async def test_while_nothing_can_be_kept_no_more_are_under_way_than_allowed(air):
    air.may_jot = False
    for number in range(1, 8):
        await air.land(number)
        assert len(air.up) + number <= 8
    assert air.up == [8]
    await air.land(8)
    assert (air.up, air.kept) == ([], [])

    results = air.flights.collect()
    assert len(results) == 8
    air.flights.kept(results, well=True)
    air.flights.begin()
    await settled()
    assert air.up == list(range(9, 16))


async def test_what_was_not_kept_is_there_for_the_next_time(air):
    await air.land(1)
    results = air.flights.collect()
    air.flights.kept(results, well=False)
    assert (air.flights.unkept, air.flights.collect()) == (True, results)


async def test_what_lands_while_a_turn_keeps_the_rest_is_jotted_down_after_it(air):
    await air.land(1)
    results = air.flights.collect()
    await air.land(2, 3)
    assert air.kept == []
    air.flights.kept(results, well=True)
    assert air.kept == [2, 3]


async def test_what_has_not_left_is_taken_back_and_what_is_away_is_not(air):
    for flight in air.flights._away:
        flight.waits = flight.target.chat == 7
    assert air.flights.withdraw(lambda _: True)
    await settled()
    assert len(air.flights) == 6
    assert {chat for _, chat in air.flights.keys} == set(range(1, 7))
    assert not air.flights.withdraw(lambda _: True)


async def test_hung_ones_of_another_bulk_leave_room(air):
    air.flights.working = "b2"
    assert air.flights.room(8) == 0
    big = Air(20)
    big.flights.take(targets(*range(1, 17)))
    await settled()
    big.flights.working = "b2"
    assert big.flights.room(20) == 10
    for task in big.flights.tasks:
        task.cancel()


async def test_while_it_is_cold_only_one_leaves_until_it_has_landed():
    air = Air(8)
    air.flights.cold = True
    air.flights.take(targets(*range(1, 31)))
    await settled()
    assert air.up == [1]
    await air.land(1)
    assert air.up == list(range(2, 9))
    for task in air.flights.tasks:
        task.cancel()
