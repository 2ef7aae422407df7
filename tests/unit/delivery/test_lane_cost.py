"""What a lane asks of the database and when: nothing when it is quiet, nothing between the bell and the post."""

from __future__ import annotations

from datetime import timedelta

import pytest

from alerts.model.alert import Severity
from alerts.model.post import PostState
from tests.fakes import ScriptedChannel


async def test_a_quiet_minute_costs_next_to_nothing(house):
    daemon = await house.start(ScriptedChannel(house.clock), limits=("1/2s",))
    await house.post("Crue")
    await house.clock.advance(5)
    daemon.outbox.calls.clear()
    await house.clock.advance(60)
    assert len(daemon.outbox.calls) <= 10
    assert "begin" not in daemon.outbox.calls


@pytest.mark.parametrize("limits", ["1/1h", "2/1h"])
async def test_a_lane_that_waits_for_its_window_costs_next_to_nothing(house, limits):
    daemon = await house.start(ScriptedChannel(house.clock), limits=(limits,))
    await house.posts(["1", "2", "3"])
    await house.clock.advance(5)
    daemon.outbox.calls.clear()
    await house.clock.advance(60)
    assert len(daemon.outbox.calls) <= 12


async def test_a_standby_that_is_rung_for_does_not_spin(house):
    await house.start(ScriptedChannel(house.clock))
    standby = await house.start(ScriptedChannel(house.clock))
    asked, lease_of = [], standby.keeper.lease_of
    standby.keeper.lease_of = lambda lane: asked.append(lane) or lease_of(lane)
    await house.post("Crue")
    await house.clock.advance(60)
    assert standby.outbox.calls == []
    assert len(asked) < 500  # twice a second, at each of the keeper's tries


async def test_what_cannot_be_settled_makes_no_hot_loop(house):
    daemon = await house.start(ScriptedChannel(house.clock))

    async def settles_nothing(channel, lease, now):
        daemon.outbox.calls.append("settle")
        return 0

    daemon.outbox.settle = settles_nothing
    await house.post("Crue", state=PostState.WAITING, not_before=house.clock.now())
    daemon.outbox.calls.clear()
    await house.clock.advance(30)
    assert 5 <= daemon.outbox.calls.count("settle") <= 70, "it is tried again, once a second or two"


async def test_a_busy_lane_takes_three_writes_for_a_post(house):
    daemon = await house.start(ScriptedChannel(house.clock))
    daemon.outbox.calls.clear()
    await house.post("Crue")
    assert daemon.outbox.calls.count("begin") == 1
    assert daemon.outbox.calls.count("finish") == 1
    assert daemon.outbox.calls.count("settle") == 0
    assert daemon.standings.writes == 0
    assert daemon.outbox.calls[:2] == ["next_due", "begin"], "nothing stands between the bell and the post"


async def test_a_busy_lane_still_ends_what_is_over_and_releases_what_waited(house):
    channel = ScriptedChannel(house.clock)
    await house.start(channel, limits=("1/1s",))
    await house.posts([f"travaux {number}" for number in range(60)])
    soon = house.clock.now() + timedelta(seconds=20)
    over = await house.post("brève", expires=soon, priority=0)
    waiting = await house.post("grave", Severity.SEVERE, state=PostState.WAITING, not_before=soon)
    await house.clock.advance(22)
    assert await house.state(over) is PostState.EXPIRED
    assert await house.state(waiting) is PostState.SENT


async def test_nothing_is_awaited_between_the_journal_and_the_request(house):
    channel = ScriptedChannel(house.clock)
    daemon = await house.start(channel)
    order: list[str] = []
    begin, publish = daemon.outbox.begin, channel.publish

    async def begins(*args, **kwargs):
        begun = await begin(*args, **kwargs)
        order.append("begun")
        return begun

    async def publishes(message, reply_to=None):
        order.append("request")
        return await publish(message, reply_to)

    daemon.outbox.begin, channel.publish = begins, publishes
    daemon.outbox.next_due = _noting(daemon.outbox.next_due, order)
    await house.post("Crue")
    assert order[:3] == ["next_due", "begun", "request"]


def _noting(call, order):
    async def noted(*args, **kwargs):
        order.append("next_due")
        return await call(*args, **kwargs)

    return noted


class Wearing(ScriptedChannel):
    """Each request takes half a second of everybody's time: a machine that is too busy to rest."""

    async def publish(self, message, reply_to=None):
        self.clock.set(self.clock.now() + timedelta(seconds=0.5))
        return await super().publish(message, reply_to)


async def test_a_lane_that_never_rests_releases_what_waited(house):
    channel = Wearing(house.clock)
    soon = house.clock.now() + timedelta(seconds=2)
    await house.post("grave", Severity.SEVERE, state=PostState.WAITING, not_before=soon)
    await house.posts([f"travaux {number}" for number in range(30)])
    await house.start(channel, concurrency=1)
    assert "grave" in channel.texts()[4:9]
