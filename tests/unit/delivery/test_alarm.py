"""An alarm rings at the earliest of its times."""

from __future__ import annotations

import pytest

from alerts.delivery.bot_pace import Alarm
from tests.fakes import FakeClock


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
