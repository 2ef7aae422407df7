"""A lane's life: its lease, its stops and restarts, and a wall clock that is set."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from itertools import pairwise

import pytest

from alerts.delivery.lease import TERM
from alerts.model.alert import Severity
from alerts.model.errors import DatabaseRefused, Retry
from alerts.model.lease import Lease
from alerts.model.post import Means, PostKind, PostState, Receipt
from tests.fakes import HANGS, Late, ScriptedChannel
from tests.unit.delivery.lane_house import gaps
from tests.unit.leases import ask_for


async def take_from(house, owner="thief", seconds=5.0):
    """Another owner takes the lane, as after the first one's lease ran out."""
    until = house.clock.now() + timedelta(seconds=seconds)
    values = (owner, round(until.timestamp() * 1_000_000))
    await house.database.write(lambda db: db.execute("UPDATE lease SET owner = ?, until = ?", values).rowcount)


async def stop(house, daemon, within=10.0, advance=20.0):
    stopping = asyncio.create_task(daemon.stop(within))
    await house.clock.settle()
    await house.clock.advance(advance)
    await stopping


async def test_two_daemons_send_each_post_once(house):
    first, second = ScriptedChannel(house.clock), ScriptedChannel(house.clock)
    await house.start(first, limits=("1/1s",))
    await house.start(second, limits=("1/1s",))
    await house.posts([str(number) for number in range(8)])
    await house.clock.advance(10)
    assert (len(first.published), len(second.published)) == (8, 0)


async def test_another_daemon_takes_over_within_six_seconds_of_a_kill(house):
    daemon = await house.start(ScriptedChannel(house.clock))
    standby = ScriptedChannel(house.clock)
    await house.start(standby)
    await house.clock.advance(3.1)
    await daemon.kill()
    killed = house.clock.now()
    await house.post("Crue")
    await house.clock.advance(6)
    assert standby.texts() == ["Crue"]
    assert standby.published[0].at - killed <= TERM + timedelta(seconds=0.6)


async def test_a_daemon_that_stops_hands_the_lane_on_at_once(house):
    daemon = await house.start(ScriptedChannel(house.clock))
    standby = ScriptedChannel(house.clock)
    await house.start(standby)
    await stop(house, daemon, advance=0.1)
    await house.post("Crue")
    await house.clock.advance(0.6)
    assert standby.texts() == ["Crue"]


async def test_under_a_lost_lease_nothing_is_sent(house):
    channel = ScriptedChannel(house.clock)
    daemon = await house.start(channel)
    await take_from(house, seconds=20)
    post = await house.post("Crue")
    assert daemon.keeper.lease_of("x") is None
    assert channel.published == []
    assert (await house.get(post)).state is PostState.QUEUED
    assert await house.attempts(post) == []
    daemon.outbox.calls.clear()
    await house.clock.advance(10)
    assert daemon.outbox.calls == [], "it doesn't spin at the outbox either"
    await house.clock.advance(12)
    assert await house.state(post) is PostState.SENT


async def test_a_process_that_stood_still_between_journal_and_request_sends_nothing(house):
    channel, standby = ScriptedChannel(house.clock), ScriptedChannel(house.clock)
    daemon = await house.start(channel)
    begin = daemon.outbox.begin

    async def stops(*arguments, **named):
        begun = await begin(*arguments, **named)
        await house.clock.sleep(TERM.total_seconds() + 1)
        return begun

    daemon.outbox.begin = stops
    daemon.workers.tasks[0].cancel()  # a process that stands still renews no lease
    post = await house.post("Crue")
    await house.start(standby)
    await house.clock.advance(30)

    assert channel.published == []
    assert standby.texts() == ["Crue"]
    assert await house.state(post) is PostState.SENT


async def test_what_is_over_when_a_slow_journal_answers_is_not_sent(house):
    channel = ScriptedChannel(house.clock)
    daemon = await house.start(channel)
    begin = daemon.outbox.begin

    async def is_slow(*arguments, **named):
        begun = await begin(*arguments, **named)
        await house.clock.sleep(11)  # a server that was killed was asked whether it took it; the lease was renewed
        return begun

    daemon.outbox.begin = is_slow
    post = await house.post("Crue", expires=house.clock.now() + timedelta(seconds=5))
    await house.clock.advance(30)

    assert channel.published == []
    assert await house.state(post) is PostState.EXPIRED


async def test_begin_under_a_lost_lease_is_none(house):
    daemon = await house.start(ScriptedChannel(house.clock))
    post = await house.get(await house.post("Crue", channel="elsewhere"))
    now = house.clock.now()
    for lease in (Lease("x", "nobody", now + TERM), Lease("y", daemon.keeper.owner, now + TERM)):
        assert await daemon.outbox.begin(post, lease, now, action="send", counts=True) is None
    ours = daemon.keeper.lease_of("x")
    assert await daemon.outbox.begin(post, ours, ours.until, action="send", counts=True) is None, "it has run out"
    assert await daemon.outbox.begin(post, ours, now, action="send", counts=True)


async def test_what_others_sent_meanwhile_counts(house):
    channel = ScriptedChannel(house.clock)
    daemon = await house.start(channel, limits=("2/1m",))
    daemon.outbox.refuses["next_due"] = []
    await take_from(house, "other", seconds=3)
    first = await house.get(await house.post("theirs"))
    theirs = Lease("x", "other", house.clock.now() + timedelta(seconds=3))
    for action in ("1", "2"):
        begun = await daemon.outbox.begin(first, theirs, house.clock.now(), action="send", counts=True)
        if begun:
            await daemon.outbox.finish(first, begun, _sent(action), house.clock.now(), house.clock.now())
    mine = await house.posts(["1", "2"])
    await house.clock.advance(30)
    assert [await house.state(post) for post in mine] == [PostState.SENT, PostState.QUEUED]


def _sent(remote_id):
    from alerts.delivery import retry

    return retry.sent(Receipt(remote_id))


async def test_a_database_that_refuses_the_renewal_stands_the_lane_still(house):
    channel = ScriptedChannel(house.clock)
    daemon = await house.start(channel)
    renew = daemon.leases.renew

    async def refuses(*_):
        raise DatabaseRefused("database is locked")

    daemon.leases.renew = refuses
    await house.clock.advance(5.1)
    assert daemon.keeper.lease_of("x") is None
    post = await house.post("Crue")
    assert channel.published == []
    daemon.leases.renew = renew
    await house.clock.advance(2)
    assert await house.state(post) is PostState.SENT


async def test_what_was_under_way_at_a_kill_is_looked_for_and_found(house):
    daemon = await house.start(ScriptedChannel(house.clock, publish=[HANGS]))
    post = await house.post("Crue")
    await daemon.kill()
    again = ScriptedChannel(house.clock, find=[None, Receipt("8")])
    await house.start(again)
    await house.clock.advance(5.1)
    assert await house.state(post) is PostState.IN_DOUBT
    await house.clock.advance(10)
    stored = await house.get(post)
    assert (stored.state, stored.receipt.remote_id) == (PostState.SENT, "8")
    assert again.published == []


async def test_what_was_under_way_at_a_kill_and_is_not_there_is_sent_once(house):
    daemon = await house.start(ScriptedChannel(house.clock, publish=[HANGS]))
    await house.post("Crue")
    await daemon.kill()
    again = ScriptedChannel(house.clock)
    await house.start(again)
    await house.clock.advance(40)
    assert (len(again.calls("find")), len(again.published)) == (3, 1)


async def test_a_retried_failure_that_a_kill_interrupts_is_no_duplicate(house):
    post = await house.post("Crue")
    await house.database.write(lambda db: db.execute("UPDATE post SET outcome = 'duplicate'").rowcount)
    daemon = await house.start(ScriptedChannel(house.clock, publish=[HANGS]))
    await daemon.kill()
    await house.start(ScriptedChannel(house.clock))
    await house.clock.advance(40)
    assert await house.state(post) is PostState.SENT


@pytest.mark.parametrize(("means", "what"), [(Means.EDIT, "edit"), (Means.DELETE, "delete")])
async def test_a_change_that_a_kill_interrupts_is_made_again_without_looking(house, means, what):
    daemon = await house.start(ScriptedChannel(house.clock, **{what: [HANGS]}))
    await house.post("Crue", incident_id="crue")
    end = await house.post("fini", kind=PostKind.END, means=means, incident_id="crue")
    await daemon.kill()
    again = ScriptedChannel(house.clock)
    await house.start(again)
    await house.clock.advance(6)
    assert await house.state(end) is PostState.SENT
    assert [asked.what for asked in again.asked] == ["open", what]


async def test_the_place_of_what_was_under_way_at_a_kill_is_taken(house):
    daemon = await house.start(ScriptedChannel(house.clock, publish=[HANGS]), limits=("1/1m",))
    await house.post("Crue")
    await daemon.kill()
    again = ScriptedChannel(house.clock, find=[Receipt("8")])
    await house.start(again, limits=("1/1m",))
    await house.post("Vent")
    await house.clock.advance(63)
    assert again.published == [], "it was journalled before it left, at most a lease before"
    await house.clock.advance(4)
    assert again.texts() == ["Vent"]


async def test_the_place_of_what_went_out_as_a_new_post_after_all_is_taken_too(house):
    how = {"limits": ("1/1m",), "counts_every_write": False}
    daemon = await house.start(ScriptedChannel(house.clock, publish=[HANGS]), **how)
    await house.post("Crue, suite", kind=PostKind.UPDATE, means=Means.EDIT)
    await daemon.kill()
    again = ScriptedChannel(house.clock, find=[Receipt("8")])
    await house.start(again, **how)
    await house.post("Vent")
    await house.clock.advance(59)
    assert again.published == []
    await house.clock.advance(10)
    assert again.texts() == ["Vent"]


async def test_a_stop_waits_for_what_is_under_way_and_begins_nothing_more(house):
    channel = ScriptedChannel(house.clock, publish=[Late(4)])
    daemon = await house.start(channel, concurrency=1)
    first, second = await house.posts(["1", "2"])
    await stop(house, daemon)
    assert await house.state(first) is PostState.SENT
    assert await house.state(second) is PostState.QUEUED
    assert [asked.what for asked in channel.asked] == ["open", "publish", "close"]


async def test_a_stop_waits_no_longer_than_it_was_told(house):
    channel = ScriptedChannel(house.clock, publish=[HANGS])
    daemon = await house.start(channel)
    post = await house.post("Crue")
    stopping = asyncio.create_task(daemon.stop(10))
    await house.clock.advance(9.9)
    assert not stopping.done()
    await house.clock.advance(0.2)
    await stopping
    assert await house.state(post) is PostState.SENDING
    again = ScriptedChannel(house.clock, find=[Receipt("8")])
    await house.start(again)
    assert await house.state(post) is PostState.SENT, "the next one looks at once"
    assert again.published == []


async def test_an_attempt_that_was_being_begun_at_a_stop_is_waited_for(house):
    channel = ScriptedChannel(house.clock, publish=[Late(2)])
    daemon = await house.start(channel)
    begin, stopping = daemon.outbox.begin, []

    async def begins(*args, **kwargs):
        stopping.append(asyncio.create_task(daemon.stop()))
        await asyncio.sleep(0)
        return await begin(*args, **kwargs)

    daemon.outbox.begin = begins
    post = await house.post("Crue")
    await house.clock.advance(15)
    await asyncio.gather(*stopping)
    assert await house.state(post) is PostState.SENT


async def test_a_stop_while_the_lane_chooses_begins_nothing(house):
    channel = ScriptedChannel(house.clock)
    daemon = await house.start(channel)
    next_due, stopping = daemon.outbox.next_due, []

    async def chooses(*args, **kwargs):
        post = await next_due(*args, **kwargs)
        stopping.append(asyncio.create_task(daemon.lane.stop(10)))
        await asyncio.sleep(0)
        return post

    daemon.outbox.next_due = chooses
    post = await house.post("Crue")
    await house.clock.advance(15)
    await asyncio.gather(*stopping)
    assert await house.state(post) is PostState.QUEUED
    assert channel.published == []


async def test_a_stopped_lane_sends_nothing(house):
    channel = ScriptedChannel(house.clock)
    daemon = await house.start(channel)
    await stop(house, daemon)
    await house.post("Crue")
    await house.clock.advance(60)
    assert channel.published == []


@pytest.mark.parametrize("hours", [-1, 1])
async def test_a_clock_that_is_set_makes_neither_a_burst_nor_a_standstill(house, hours):
    channel = ScriptedChannel(house.clock)
    await house.start(channel, limits=("1/2s", "5/20s"))
    await house.posts([str(number) for number in range(12)])
    await house.clock.advance(5)
    house.clock.set(house.clock.now() + timedelta(hours=hours))
    await house.clock.advance(60)
    assert len(channel.published) == 12
    times = [asked.elapsed for asked in channel.published]
    assert min(later - earlier for earlier, later in pairwise(times)) >= 1.999
    assert all(times[place + 5] - times[place] >= 19.999 for place in range(7))
    assert times[-1] <= 50


@pytest.mark.parametrize("hours", [-1, 1])
@pytest.mark.parametrize("question", ["next_due", "begin", "finish"])
async def test_a_clock_that_is_set_in_the_middle_of_a_round_stops_no_lane(house, question, hours):
    channel = ScriptedChannel(house.clock)
    daemon = await house.start(channel)
    daemon.outbox.meanwhile[question] = lambda: house.clock.set(house.clock.now() + timedelta(hours=hours))
    if question in ("begin", "finish"):
        await house.post("Crue")
    await house.clock.advance(65)
    # A lane looks again by itself, even where nobody wakes it (another process stored it, and its ring was lost).
    await house.post("Vent", wake=False)
    await house.clock.advance(31)
    assert channel.texts()[-1] == "Vent"


@pytest.mark.parametrize("hours", [-1, 1])
async def test_a_restart_after_the_clock_was_set_back_stands_not_still(house, hours):
    channel = ScriptedChannel(house.clock, publish=[None, Retry("busy", house.clock.now() + timedelta(minutes=1))])
    daemon = await house.start(channel, limits=("4/1m",))
    await house.posts(["1", "2", "3"])
    await daemon.kill()
    house.clock.set(house.clock.now() + timedelta(hours=hours))
    again = ScriptedChannel(house.clock)
    await house.start(again, limits=("4/1m",))
    late = await house.post("4", expires=house.clock.now() + timedelta(hours=5))
    await house.clock.advance(70)
    assert await house.state(late) is PostState.SENT
    await house.clock.advance(240)
    assert sorted(again.texts()) == ["2", "4"], "what was to be tried again is, within five minutes"


async def test_a_pause_of_the_time_before_the_clock_was_set_back_ends_in_five_minutes(house):
    until = house.clock.now() + timedelta(seconds=30)
    channel = ScriptedChannel(house.clock, publish=[Retry("429", until, whole_channel=True)])
    await house.start(channel)
    post = await house.post("Crue")
    house.clock.set(house.clock.now() - timedelta(hours=1))
    await house.clock.advance(330)
    assert await house.state(post) is PostState.SENT


async def test_looks_end_though_the_clock_was_set_back_and_find_what_left_while_it_ran_ahead(house):
    daemon = await house.start(ScriptedChannel(house.clock, publish=[HANGS]))
    post = await house.post("Crue", Severity.EXTREME)
    await daemon.kill()
    house.clock.set(house.clock.now() - timedelta(hours=1))
    left_at, again = house.clock.now(), ScriptedChannel(house.clock)
    await house.start(again)
    await house.post("2")
    await house.clock.advance(40)
    assert await house.state(post) is PostState.SENT
    assert {asked.since <= left_at for asked in again.calls("find")} == {True}
    assert {asked.to for asked in again.calls("find")} == {None}, "what left since is no place to look from"


async def test_a_clock_that_is_set_forward_ends_what_is_over(house):
    channel = ScriptedChannel(house.clock)
    await house.start(channel, limits=("1/5m",))
    await house.post("1")
    post = await house.post("Crue", expires=house.clock.now() + timedelta(minutes=30))
    house.clock.set(house.clock.now() + timedelta(hours=1))
    await house.clock.advance(31)
    assert await house.state(post) is PostState.EXPIRED


@pytest.mark.parametrize("hours", [-1, 1])
async def test_what_runs_out_does_so_once_the_wall_clock_says_it_and_not_before(house, hours):
    await house.start(ScriptedChannel(house.clock), limits=("1/6h",))
    await house.post("1")
    ends = house.clock.now() + timedelta(minutes=62 if hours > 0 else 2)  # little is left to wind, either way
    post = await house.post("Crue", expires=ends)
    house.clock.set(house.clock.now() + timedelta(hours=hours))
    left = (ends - house.clock.now()).total_seconds()
    await house.clock.advance(left - 1)
    assert await house.state(post) is PostState.QUEUED
    await house.clock.advance(31)
    assert await house.state(post) is PostState.EXPIRED


async def test_the_gaps_are_as_short_as_the_window_allows(house):
    channel = ScriptedChannel(house.clock)
    await house.start(channel, limits=("10/1s",), concurrency=100)
    await house.posts([str(number) for number in range(30)])
    await house.clock.advance(5)
    times = [asked.at for asked in channel.published]
    assert gaps(times[::10]) == pytest.approx([1, 1], abs=0.001)


async def test_a_lane_is_handed_over_once_nothing_is_under_way_and_goes_on_until_then(house):
    channel = ScriptedChannel(house.clock, publish=[Late(4.0), None, None])
    daemon = await house.start(channel, concurrency=1)
    await house.post("Crue")
    await ask_for(house.database, "x", house.clock.now())
    await house.clock.advance(2)
    assert daemon.keeper.lease_of("x"), "its request hasn't been answered"
    await house.post("Digue", Severity.EXTREME)
    assert channel.texts()[-1] == "Digue", "which nobody has to wait for"
    await house.clock.advance(3)
    assert daemon.keeper.lease_of("x") is None
    left = await house.row("SELECT owner FROM lease WHERE lane = 'x'")
    assert left["owner"] == "", "it is free for who asked"
    assert (await house.row("SELECT count(*) FROM attempt WHERE ended_at IS NULL"))[0] == 0
