"""A bot's pace: never more than its rate in any second, as good as all of it when there is enough to do."""

from __future__ import annotations

import asyncio
import random
from bisect import bisect_left
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.delivery.bot_pace import Alarm, BotPace, Precedence
from alerts.delivery.worker import Work
from tests.fakes import FakeClock, begun
from tests.walls import in_one_test


class Crowd:
    """Messages that want to leave, and when each did."""

    def __init__(self, rate: int, clock: FakeClock | None = None) -> None:
        self.clock = clock or FakeClock()
        self.pace = BotPace(rate, self.clock, rounds=1)
        self.left: list[tuple[float, Precedence]] = []
        self.tasks: list[asyncio.Task[None]] = [begun(self.clock, Work("pace", self.pace.go_on))]

    def come(self, number: int, precedence: Precedence = Precedence.ROUTINE) -> None:
        async def leave() -> None:
            await self.pace.leave(precedence)
            self.left.append((self.clock.monotonic(), precedence))

        self.tasks += [asyncio.create_task(leave()) for _ in range(number)]

    @property
    def times(self) -> list[float]:
        return [at for at, _ in self.left]

    async def go(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


@pytest.fixture
async def crowd():
    crowd = Crowd(30)
    yield crowd
    await crowd.go()


def most_in_a_second(times: list[float]) -> int:
    ordered = sorted(times)
    return max(bisect_left(ordered, at + 1.0) - earlier for earlier, at in enumerate(ordered))


async def test_a_minute_of_enough_to_do_is_at_least_98_percent_and_never_above(crowd):
    crowd.come(2000)
    await crowd.clock.advance(60)
    assert 0.98 * 30 * 60 <= len(crowd.left) <= 30 * 60
    assert most_in_a_second(crowd.times) <= 30


async def test_who_takes_a_bot_over_from_one_that_spoke_until_just_now_waits_for_a_second(crowd):
    for since, waits in ((timedelta(seconds=0.1), True), (timedelta(minutes=1), False)):
        began, before = crowd.clock.monotonic(), len(crowd.left)
        crowd.pace.rest(since)
        crowd.come(1)
        await crowd.clock.advance(3)
        assert len(crowd.left) == before + 1
        assert (crowd.times[-1] - began >= 1.0) is waits


@given(
    st.integers(1, 40),
    st.lists(st.tuples(st.floats(0.0, 3.0), st.integers(1, 60), st.sampled_from(Precedence)), min_size=1, max_size=8),
)
def test_never_more_than_the_rate_in_any_second(rate, waves):
    async def story() -> list[float]:
        crowd = Crowd(rate)
        for wait, number, precedence in waves:
            crowd.come(number, precedence)
            await crowd.clock.advance(wait)
        await crowd.clock.advance(sum(number for _, number, _ in waves) * 1.1 / rate + 1)
        await crowd.go()
        return crowd.times

    times = asyncio.run(story())
    assert len(times) == sum(number for _, number, _ in waves)
    assert most_in_a_second(times) <= rate


async def test_they_leave_evenly_so_that_the_network_makes_no_crowd_of_them(crowd):
    crowd.come(100)
    await crowd.clock.advance(3)
    assert all(later - earlier > 0.03 for earlier, later in pairwise(crowd.times))


async def test_after_a_pause_they_leave_evenly_too(crowd):
    crowd.come(1)
    await crowd.clock.advance(30)
    crowd.come(20)
    await crowd.clock.advance(2)
    assert all(later - earlier > 0.03 for earlier, later in pairwise(crowd.times))


class LateOnce(FakeClock):
    """A clock on which the next sleep lasts longer: the process stood still."""

    late = 0.0

    async def sleep(self, seconds: float) -> None:
        late, self.late = self.late, 0.0
        await super().sleep(seconds + late)


async def test_what_was_held_up_is_made_up_for_within_bounds():
    crowd = Crowd(30, LateOnce())
    crowd.come(100)
    await crowd.clock.advance(0.5)
    crowd.clock.late = 0.5
    await crowd.clock.advance(2)
    before = max(at for at in crowd.times if at < 0.6)
    late = min(at for at in crowd.times if at > before)
    assert 0.5 < late - before < 0.6
    assert sum(late <= at < late + 0.03 for at in crowd.times) == 5
    assert most_in_a_second(crowd.times) <= 30
    await crowd.go()


async def test_who_types_goes_first_then_what_is_urgent(crowd):
    crowd.come(3)
    await crowd.clock.settle()
    crowd.come(1, Precedence.URGENT)
    crowd.come(1, Precedence.DIRECT)
    await crowd.clock.advance(1)
    assert [precedence for _, precedence in crowd.left] == [
        Precedence.ROUTINE,
        Precedence.DIRECT,
        Precedence.URGENT,
        Precedence.ROUTINE,
        Precedence.ROUTINE,
    ]


async def test_who_types_without_end_keeps_nothing_severe_from_anybody(crowd):
    crowd.come(100, Precedence.DIRECT)
    crowd.come(40, Precedence.URGENT)
    crowd.come(1)
    await crowd.clock.advance(5)
    left = [precedence for _, precedence in crowd.left]
    assert left[:60] == [Precedence.DIRECT, Precedence.URGENT, Precedence.URGENT] * 20
    assert left[60:] == [Precedence.DIRECT] * 80 + [Precedence.ROUTINE]


@pytest.mark.parametrize("rate", [30, 0])
async def test_a_halt_holds_for_everybody(rate):
    crowd = Crowd(rate)
    crowd.pace.halt(7)
    crowd.come(1, Precedence.DIRECT)
    crowd.come(2)
    await crowd.clock.advance(6.9)
    assert crowd.left == []
    assert crowd.pace.halted_for == pytest.approx(0.1)
    await crowd.clock.advance(0.2)
    assert len(crowd.left) == 3
    await crowd.go()


@in_one_test
@pytest.mark.parametrize("seed", range(5))
async def test_however_they_are_held_up_on_the_way_no_more_than_the_rate_arrive_in_any_second(seed):
    chance, crowd, arrived = random.Random(seed), Crowd(30), []

    async def travel() -> None:
        departure = await crowd.pace.leave(Precedence.ROUTINE)
        stalls = chance.random() < 0.05
        await crowd.clock.sleep(0.05 + (chance.uniform(0.0, 0.4) if stalls else chance.uniform(0.0, 0.005)))
        arrived.append(crowd.clock.monotonic())
        await crowd.clock.sleep(0.05)
        crowd.pace.answered(departure)

    crowd.tasks += [asyncio.create_task(travel()) for _ in range(600)]
    await crowd.clock.advance(40)
    await crowd.go()
    assert len(arrived) == 600
    assert most_in_a_second(sorted(arrived)) <= 30


async def test_without_a_rate_everything_leaves_at_once():
    crowd = Crowd(0)
    crowd.come(500)
    await crowd.clock.settle()
    assert len(crowd.left) == 500
    await crowd.go()


async def test_who_gave_up_takes_nobody_s_place(crowd):
    crowd.come(3)
    await crowd.clock.settle()
    crowd.tasks[2].cancel()
    await crowd.clock.advance(0.04)
    assert len(crowd.left) == 2


async def test_an_answer_waits_for_its_turn(crowd):
    crowd.come(1)
    await crowd.clock.settle()
    answered = asyncio.Event()

    async def answer() -> None:
        async with crowd.pace.direct():
            answered.set()

    crowd.tasks.append(asyncio.create_task(answer()))
    await crowd.clock.settle()
    assert not answered.is_set()
    await crowd.clock.advance(0.1)
    assert answered.is_set()


# An alarm rings at the earliest of its times.


@pytest.fixture
def clock():
    return FakeClock()


async def test_it_rings_at_the_earliest_time_it_was_set_to(clock):
    rung = []
    alarm = Alarm(clock, lambda: rung.append(clock.monotonic()))
    for seconds in (30.0, 2.0, 10.0):
        alarm.within(seconds)
    await clock.advance(60)
    assert rung == [2.0]
    alarm.within(5.0)
    await clock.advance(60)
    assert rung == [2.0, 65.0]


async def test_it_can_be_turned_off(clock):
    rung = []
    alarm = Alarm(clock, lambda: rung.append(1))
    alarm.off()
    alarm.within(1.0)
    alarm.off()
    await clock.advance(5)
    assert rung == []
