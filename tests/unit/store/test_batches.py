"""Works are written a few at a time, and one that can't be written costs itself alone."""

import asyncio
from functools import partial

import pytest

from alerts.model.errors import DatabaseRefused, Unstorable
from alerts.model.lease import Lease, LeaseLost
from alerts.store.batches import AT_ONCE, LONGEST, RESTS, Pace, in_batches
from alerts.store.facts import facts, keep_fact
from tests.fakes import FakeClock


class Written:
    """What was written, each transaction by itself; `bad` are works that can't be."""

    def __init__(self, *bad, error=ValueError) -> None:
        self.together = []
        self._bad = set(bad)
        self._error = error

    async def __call__(self, few):
        if self._bad & set(few):
            raise self._error(str(few))
        self.together.append(list(few))
        return len(few)


async def all_of(batches):
    return [each async for each in batches]


async def test_a_few_at_a_time_in_their_order_with_what_came_meanwhile_behind():
    works, write = [1, 2, 3], Written()

    async def write_and_get_more(few):
        if 1 in few:
            works.append(4)
        return await write(few)

    assert await all_of(in_batches(works, write_and_get_more, event="x", size=2)) == [2, 2]
    assert (write.together, works) == ([[1, 2], [3, 4]], [])


async def test_one_that_can_not_be_written_costs_itself_alone_and_goes_to_blame():
    write, blamed = Written(2, 5), []

    async def blame(work, error):
        blamed.append((work, type(error)))
        return -work

    assert await all_of(in_batches([1, 2, 3, 4, 5], write, event="x", size=3, blame=blame)) == [1, -2, 1, 1, -5]
    assert write.together == [[1], [3], [4]]
    assert blamed == [(2, ValueError), (5, ValueError)]


async def test_where_nobody_takes_the_blame_it_is_raised_once_the_others_are_written():
    write = Written(1, 2)
    with pytest.raises(ValueError, match=r"\[1\]"):
        await all_of(in_batches([1, 2, 3], write, event="x"))
    assert write.together == [[3]]


async def test_alone_it_may_be_written_otherwise():
    write, alone = Written(1, 2), Written()
    assert await all_of(in_batches([1, 2], write, event="x", alone=alone)) == [1, 1]
    assert alone.together == [[1], [2]]


async def test_what_breaks_a_constraint_costs_itself_alone(database):
    def keep(few, unit):
        for key, value in few:
            keep_fact(unit.db, "x", key, value)

    works = [("a", "told"), ("b", None), ("c", "told")]
    with pytest.raises(Unstorable):
        await all_of(in_batches(works, lambda few: database.write(partial(keep, few)), event="x"))

    assert await database.read(lambda unit: facts(unit.db, "x")) == {"a": "told", "c": "told"}
    assert database.trouble is None


@pytest.mark.parametrize("error", [DatabaseRefused, lambda _: LeaseLost(Lease("x", "us", 1))])
async def test_no_work_is_to_blame_for_the_database_or_the_lease(error):
    write = Written(3, error=error)
    with pytest.raises((DatabaseRefused, LeaseLost)):
        await all_of(in_batches([1, 2, 3, 4], write, event="x", size=2))
    assert write.together == [[1, 2]]


async def test_between_two_transactions_it_rests():
    clock, write = FakeClock(), Written()
    writing = asyncio.ensure_future(all_of(in_batches([1, 2, 3], write, event="x", size=2, clock=clock)))
    await clock.settle()
    assert write.together == [[1, 2]]
    await clock.advance(RESTS)
    assert await writing == [2, 1]


async def test_what_comes_during_the_rest_is_written_with_the_others_and_a_rest_that_is_cancelled_loses_nothing():
    clock, write, works = FakeClock(), Written(), [1, 2, 3]
    writing = asyncio.ensure_future(all_of(in_batches(works, write, event="x", size=2, clock=clock)))
    await clock.settle()
    works.append(4)
    for _ in range(2):
        await clock.advance(RESTS)
    assert await writing == [2, 2]
    works += [5, 6, 7]
    writing = asyncio.ensure_future(all_of(in_batches(works, write, event="x", size=2, clock=clock)))
    await clock.settle()
    writing.cancel()
    await asyncio.wait([writing])
    assert (write.together, works) == ([[1, 2], [3, 4], [5, 6]], [7])


async def test_what_takes_long_is_written_one_by_one_until_it_is_quick_again():
    clock, write = FakeClock(), Written()
    pace, slow = Pace(clock), set(range(60))

    async def write_slowly(few):
        with pace:
            if slow & set(few):
                await clock.sleep(LONGEST * 1.5)
            return await write(few)

    writing = asyncio.ensure_future(all_of(in_batches(list(range(150)), write_slowly, event="x", pace=pace)))
    while not writing.done():
        await clock.advance(LONGEST)
    sizes = await writing
    assert sizes[:5] == [AT_ONCE, 10, 5, 2, 1]
    assert sizes[sizes.index(1) :] == [*(1 for _ in range(23)), 1, 2, 4, 8, 16, AT_ONCE, AT_ONCE, 19]
