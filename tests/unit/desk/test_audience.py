"""Whom an alert reaches, in numbers that single nobody out, and counted no oftener than once a minute."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest

from alerts.desk.audience import Audiences, SubscriberReach, displayed_count, reach_of
from alerts.model.alert import Severity
from alerts.model.subscriber import Notice, Quiet, Topic
from alerts.store.audience import Stretch
from tests.fakes import FakeClock
from tests.unit.store.bulk_turns import a_told

NIGHT, NOON = Quiet(time(22), time(7)), Quiet(time(12), time(14))
LATE = datetime(2026, 11, 27, 23, tzinfo=UTC)
SEVERE, MODERATE = Notice(Topic.WATER, Severity.SEVERE), Notice(Topic.WATER, Severity.MODERATE)


def test_who_sleeps_is_told_later_unless_it_is_urgent():
    crowd = {None: 10, NIGHT: 4, NOON: 3}
    assert reach_of(crowd, MODERATE, LATE) == SubscriberReach(17, 4)
    assert reach_of(crowd, SEVERE, LATE) == SubscriberReach(17, 0)
    assert reach_of(crowd, MODERATE, LATE, readers=True) == SubscriberReach(17, 4, readers=True)


@pytest.mark.parametrize(
    ("number", "told"),
    [(0, None), (1, None), (4, None), (5, 5), (7, 5), (8, 10), (99, 100), (104, 100), (1_236, 1_240), (98_765, 98_800)],
)
def test_few_are_only_told_to_be_few_and_others_are_rounded(number, told):
    assert displayed_count(number) == told


class Desk:
    """A service whose database has this many subscribers, and counts how often it is asked."""

    def __init__(self, everybody, told):
        self.clock, self.asked = FakeClock(LATE), 0
        self._everybody, self._told = everybody, told

    def now(self):
        return self.clock.now()

    async def ask(self, question):
        self.asked += 1
        return question(type("Unit", (), {"audience": self}))

    def everybody(self, channel, notice, after):
        return self._everybody[after]

    def reached(self, channel, notice, after, incident):
        return self._told[after]


def a_desk():
    everybody = {
        None: Stretch({None: 2, NIGHT: 3}, {None: 1, NIGHT: 2}, 5),
        5: Stretch({None: 4}, {None: 3}),
    }
    # Of four who were told before, one would not want it.
    return Desk(everybody, {None: Stretch({None: 4}, {None: 3})})


async def test_everybody_who_wants_it_and_who_has_it_already_once_each():
    desk = a_desk()
    bulk = a_told("b1", notice=MODERATE)
    assert await Audiences().reach(desk, bulk, LATE) == SubscriberReach(7, 2)
    assert await Audiences().reach(desk, replace(bulk, everyone=False), LATE) == SubscriberReach(4, 0, readers=True)


async def test_a_count_is_good_for_a_minute_and_another_alert_has_its_own():
    desk, audiences = a_desk(), Audiences()
    for _ in range(20):
        await audiences.reach(desk, a_told("b1", notice=MODERATE), LATE)
    assert desk.asked == 3
    await audiences.reach(desk, a_told("b2", notice=SEVERE), LATE)
    assert desk.asked == 6
    desk.clock.set(desk.clock.now() + timedelta(minutes=1))
    await audiences.reach(desk, a_told("b3", notice=MODERATE), LATE)
    assert desk.asked == 9
