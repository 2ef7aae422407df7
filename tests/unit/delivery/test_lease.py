"""Who works a lane."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from alerts.delivery.lease import LeaseKeeper
from alerts.store.outbox import Leases


@pytest.fixture
async def keeper(house):
    """Starts a keeper of the lane `x`; all end with the test."""
    tasks = []

    async def start(owner):
        keeper = LeaseKeeper(Leases(house.database), house.clock, owner, ["x"])
        tasks.append(asyncio.create_task(keeper.run()))
        keeper.task = tasks[-1]
        await house.clock.settle()
        return keeper

    yield start
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_one_owner_at_a_time(house, keeper):
    first, second = await keeper("first"), await keeper("second")
    for _ in range(20):
        await house.clock.advance(0.7)
        assert (bool(first.lease_of("x")), bool(second.lease_of("x"))) == (True, False)


async def test_a_term_goes_on_while_the_lease_is_renewed_and_ends_when_it_was_doubted(house, keeper):
    first = await keeper("first")
    term = first.term_of("x")
    await house.clock.advance(20)
    assert first.term_of("x") == term > 0
    first.doubt("x")
    assert (first.lease_of("x"), first.term_of("x")) == (None, 0)
    await house.clock.settle()
    assert first.term_of("x") > term, "a doubted lease is taken anew at once"


async def test_a_lease_that_is_not_renewed_runs_out_by_what_has_passed_not_by_the_wall(house, keeper):
    first = await keeper("first")
    first.task.cancel()
    house.clock.set(house.clock.now() - timedelta(hours=1))
    await house.clock.advance(4.9)
    assert first.lease_of("x")
    await house.clock.advance(0.2)
    assert first.lease_of("x") is None


async def test_a_lease_from_before_the_clock_was_set_back_holds_nobody_up(house, keeper):
    first = await keeper("first")
    first.task.cancel()
    house.clock.set(house.clock.now() - timedelta(hours=1))
    second = await keeper("second")
    await house.clock.advance(1)
    assert second.lease_of("x")


async def test_waiting_for_a_lease_ends_when_it_is_given_back(house, keeper):
    first, second = await keeper("first"), await keeper("second")
    waiting = asyncio.create_task(second.wait_for("x"))
    await house.clock.advance(2)
    assert not waiting.done()
    first.task.cancel()
    await first.give_back()
    await house.clock.advance(0.6)
    assert waiting.done()
    assert waiting.result().owner == "second"


async def test_a_longer_term_is_renewed_more_seldom(house):
    leases = Leases(house.database)
    keeper = LeaseKeeper(leases, house.clock, "us", ["x"], timedelta(seconds=60))
    running = asyncio.create_task(keeper.run())
    await house.clock.settle()
    commits = house.database.commits
    await house.clock.advance(90)
    assert keeper.lease_of("x")
    assert house.database.commits - commits == 5, "each 18 s"
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
