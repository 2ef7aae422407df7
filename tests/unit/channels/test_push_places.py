"""A push service that answers just within its time-out takes no other one's pace away; in virtual time."""

from __future__ import annotations

import asyncio
from collections import deque
from datetime import timedelta

from alerts.channels.push.places import LONGEST_LATER, SLOW_FOR, ServicePlaces
from tests.fakes import FakeClock

IN_FLIGHT, SLOW, QUICK = 60, 9.9, 0.1


class Crowd:
    """Messages to two services, mixed; so many senders as there are places work them off, as a bulk does."""

    def __init__(self, clock: FakeClock, each: int) -> None:
        self.clock = clock
        self.services = {SLOW: ServicePlaces(clock, IN_FLIGHT), QUICK: ServicePlaces(clock, IN_FLIGHT)}
        self.queue = deque(seconds for _ in range(each) for seconds in (SLOW, QUICK))
        self.told: dict[float, list[float]] = {SLOW: [], QUICK: []}
        self.later: list[timedelta] = []
        self.most = 0

    async def work(self) -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(IN_FLIGHT):
                group.create_task(self._sender())

    async def _sender(self) -> None:
        while self.queue:
            seconds = self.queue.popleft()
            places = self.services[seconds]
            if (place := await places.enter()) is None:
                self.later.append(places.later() - self.clock.now())
                continue
            self.most = max(self.most, len(self.services[SLOW]._began))
            await self.clock.sleep(seconds)
            places.leave(place)
            self.told[seconds].append(self.clock.monotonic())


async def test_a_slow_service_leaves_the_others_their_pace():
    clock = FakeClock()
    crowd = Crowd(clock, each=600)
    working = asyncio.create_task(crowd.work())
    await clock.advance(8)
    assert len(crowd.told[QUICK]) == 600, "while the first messages to the slow one have no answer yet"
    assert crowd.most == IN_FLIGHT * 3 // 4
    await clock.advance(60)
    await working
    assert len(crowd.told[SLOW]) + len(crowd.later) == 600, "who found no place comes again, and no one is lost"
    assert max(crowd.later) <= LONGEST_LATER
    assert len(set(crowd.later)) > 80, "each at another time, as the service answers"


async def test_it_is_known_for_a_while_and_then_it_may_be_quick_again():
    clock = FakeClock()
    places = ServicePlaces(clock, IN_FLIGHT)
    first = await places.enter()
    await clock.advance(SLOW)
    places.leave(first)
    taken = [await places.enter() for _ in range(IN_FLIGHT // 4)]
    assert None not in taken
    assert await places.enter() is None
    for each in taken:
        places.leave(each)
    await clock.advance(SLOW_FOR + 1)
    taken = [await places.enter() for _ in range(IN_FLIGHT * 3 // 4)]
    assert None not in taken


async def test_at_a_quick_service_one_waits_for_a_place_and_comes_in_turn():
    clock = FakeClock()
    places = ServicePlaces(clock, 4)
    taken = [await places.enter() for _ in range(3)]
    waiting = [asyncio.create_task(places.enter()) for _ in range(2)]
    await clock.settle()
    assert not any(each.done() for each in waiting)
    places.leave(taken[0])
    await clock.settle()
    assert [each.done() for each in waiting] == [True, False]
    waiting[1].cancel()
    places.leave(taken[1])
    assert await places.enter() is not None


async def test_one_place_is_a_place():
    places = ServicePlaces(FakeClock(), 1)
    assert await places.enter() is not None
