"""What a lane makes of each answer: pauses, credentials, ends, exercises."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from alerts.model.alert import Severity
from alerts.model.errors import BadCredential, Duplicate, InDoubt, ReaderGone, Rejected, Retry, Unexplained
from alerts.model.post import Means, PostKind, PostState
from alerts.model.reason import because
from tests.fakes import HANGS, ScriptedChannel
from tests.unit.delivery.lane_house import gaps

UPDATE, END = PostKind.UPDATE, PostKind.END


async def test_a_retry_with_a_time_waits_for_it(house):
    at = house.clock.now() + timedelta(seconds=40)
    channel = ScriptedChannel(house.clock, publish=[Retry("busy", at)])
    await house.start(channel)
    await house.posts(["1", "2"])
    assert channel.texts() == ["1", "2"], "the other one is not concerned"
    await house.clock.advance(60)
    assert channel.texts() == ["1", "2", "1"]
    assert channel.published[2].at == at


async def test_retries_without_a_time_back_off(house):
    channel = ScriptedChannel(house.clock, publish=[Retry("busy")] * 6)
    await house.start(channel)
    post = await house.post("Crue")
    await house.clock.advance(100)
    assert gaps([asked.at for asked in channel.published]) == pytest.approx([1, 2, 4, 8, 16, 32], abs=0.01)
    stored = await house.get(post)
    assert (stored.state, stored.tries) == (PostState.SENT, 7)


async def test_a_pause_of_the_whole_channel_outlives_a_restart(house):
    until = house.clock.now() + timedelta(seconds=90)
    channel = ScriptedChannel(house.clock, publish=[Retry("429", until, whole_channel=True)])
    daemon = await house.start(channel)
    await house.post("1")
    await house.post("extrême", Severity.EXTREME)
    await house.clock.advance(30)
    assert channel.texts() == ["1"]
    await daemon.kill()
    again = ScriptedChannel(house.clock)
    await house.start(again)
    await house.clock.advance(59)
    assert again.published == []
    await house.clock.advance(2)
    assert again.texts() == ["extrême", "1"]
    assert again.published[0].at == until


async def test_a_channel_that_works_again_is_no_longer_told_to_fail(house):
    channel = ScriptedChannel(house.clock, publish=[Retry("429", whole_channel=True)])
    await house.start(channel)
    await house.post("1")
    assert (await house.row("SELECT state, reason FROM channel"))[:] == ("failing", "429")
    await house.clock.advance(5)
    assert channel.texts() == ["1", "1"]
    assert (await house.row("SELECT state, reason, blocked_until FROM channel"))[:] == ("ok", None, None)


async def test_a_pause_without_a_time_is_no_hammering(house):
    channel = ScriptedChannel(house.clock, publish=[Retry("429", whole_channel=True)] * 99)
    house.chance = 0.0
    await house.start(channel)
    await house.post("1")
    await house.clock.advance(30)
    assert len(channel.published) <= 31


async def test_a_bad_credential_stops_the_lane_and_keeps_the_posts_until_a_probe_works(house):
    bad = BadCredential("401")
    channel = ScriptedChannel(house.clock, publish=[bad], probe=[bad])
    await house.start(channel, limits=("1/1h",))
    first, second = await house.posts(["1", "2"])
    await house.clock.advance(29)
    assert channel.texts() == ["1"]
    assert [await house.state(post) for post in (first, second)] == [PostState.QUEUED] * 2
    assert (await house.row("SELECT state FROM channel"))["state"] == "blocked"
    await house.clock.advance(2)
    assert len(channel.calls("probe")) == 1
    await house.clock.advance(58)
    assert len(channel.published) == 1
    await house.clock.advance(5)
    assert channel.texts() == ["1", "1"], "nobody had to say that it works, and the refused try took no place"
    assert (await house.row("SELECT state FROM channel"))["state"] == "ok"


async def test_two_texts_that_a_platform_refuses_unexplained_block_the_channel_and_both_are_kept(house):
    def refused():
        return Unexplained("not permitted", because("x_forbids_all", said="not permitted"))

    channel = ScriptedChannel(house.clock, publish=[refused() for _ in range(5)])
    await house.start(channel)
    first = await house.post("Crue", Severity.SEVERE)
    stored = await house.get(first)
    assert (stored.state, stored.outcome) == (PostState.QUEUED, "unexplained")
    assert (await house.row("SELECT state FROM channel"))["state"] == "failing"
    second = await house.post("Gaz", Severity.SEVERE)
    assert (await house.row("SELECT state FROM channel"))["state"] == "blocked"
    await house.clock.advance(29)
    assert len(channel.published) == 2
    # A probe of the keys passes all the while, and says nothing of it.
    await house.clock.advance(240)
    assert (await house.row("SELECT state FROM channel"))["state"] == "blocked"
    assert {await house.state(first), await house.state(second)} == {PostState.QUEUED}
    await house.clock.advance(600)
    assert {await house.state(first), await house.state(second)} == {PostState.SENT}
    assert (await house.row("SELECT state FROM channel"))["state"] == "ok"


async def test_a_text_that_is_refused_unexplained_while_another_goes_out_is_at_fault_itself(house):
    of_all = because("x_forbids_all", said="no")
    channel = ScriptedChannel(house.clock, publish=[Unexplained("no", of_all), None, Unexplained("no", of_all)])
    await house.start(channel)
    first = await house.post("Crue")
    second = await house.post("Gaz")
    await house.clock.advance(61)
    assert [await house.state(post) for post in (first, second)] == [PostState.FAILED, PostState.SENT]


async def test_a_blocked_lane_still_ends_what_is_over(house):
    channel = ScriptedChannel(house.clock, publish=[BadCredential("401")], probe=[BadCredential("401")] * 99)
    await house.start(channel)
    post = await house.post("Crue", expires=house.clock.now() + timedelta(seconds=100))
    await house.clock.advance(99)
    assert await house.state(post) is PostState.QUEUED
    await house.clock.advance(1.1)
    assert await house.state(post) is PostState.EXPIRED


async def test_a_restart_tries_a_bad_credential_at_once(house):
    channel = ScriptedChannel(house.clock, publish=[BadCredential("401")])
    daemon = await house.start(channel)
    post = await house.post("Crue")
    await daemon.stop()
    again = ScriptedChannel(house.clock)
    await house.start(again)
    assert [asked.what for asked in again.asked] == ["open", "probe", "publish"]
    assert await house.state(post) is PostState.SENT


async def test_a_missing_secret_blocks_until_it_is_there(house):
    channel = ScriptedChannel(house.clock, open=[BadCredential("the secret file is missing")])
    await house.start(channel)
    post = await house.post("Crue")
    assert channel.published == []
    await house.clock.advance(31)
    assert await house.state(post) is PostState.SENT


async def test_a_platform_that_is_down_when_the_channel_opens_is_no_bad_credential(house):
    channel = ScriptedChannel(house.clock, open=[Retry("down")])
    await house.start(channel)
    await house.post("Crue")
    assert (await house.row("SELECT state FROM channel"))["state"] == "failing"
    await house.clock.advance(31)
    assert channel.texts() == ["Crue"]
    assert (await house.row("SELECT state FROM channel"))["state"] == "ok"


async def test_a_rejected_post_has_failed_and_says_why(house):
    await house.start(ScriptedChannel(house.clock, publish=[Rejected("too long")]))
    post = await house.get(await house.post("Crue"))
    assert (post.state, str(post.reason)) == (PostState.FAILED, "too long")


async def test_what_is_over_is_not_sent(house):
    channel = ScriptedChannel(house.clock)
    await house.start(channel, limits=("1/1m",))
    await house.post("1")
    post = await house.post("brève", expires=house.clock.now() + timedelta(seconds=30))
    await house.clock.advance(30.1)
    stored = await house.get(post)
    assert (stored.state, str(stored.reason)) == (PostState.EXPIRED, "it was over before it could go out")
    await house.clock.advance(60)
    assert channel.texts() == ["1"]


async def test_what_nobody_vetoed_goes_out_when_its_time_is_over(house):
    channel = ScriptedChannel(house.clock)
    await house.start(channel)
    at = house.clock.now() + timedelta(minutes=2)
    post = await house.post("Crue", state=PostState.WAITING, not_before=at)
    await house.clock.advance(119.9)
    assert await house.state(post) is PostState.WAITING
    await house.clock.advance(0.2)
    assert channel.published[0].at == at
    assert (await house.row("SELECT state FROM alert"))["state"] == "accepted"


async def test_what_should_have_been_released_while_nobody_worked_is_released_at_once(house):
    post = await house.post("Crue", state=PostState.WAITING, not_before=house.clock.now() - timedelta(minutes=1))
    await house.start(ScriptedChannel(house.clock))
    assert await house.state(post) is PostState.SENT


async def test_what_is_released_on_arrival_does_not_wait_for_the_next_round(house):
    channel = ScriptedChannel(house.clock)
    await house.start(channel)
    await house.clock.advance(5)
    await house.post("Crue", state=PostState.WAITING, not_before=house.clock.now())
    await house.clock.advance(0.1)
    assert channel.texts() == ["Crue"]


@pytest.mark.parametrize("exercise", [True, False])
async def test_an_exercise_and_a_live_channel_never_meet(house, exercise):
    channel = ScriptedChannel(house.clock)
    await house.start(channel, limits=("1/1h",), exercise=not exercise)
    post = await house.get(await house.post("Crue", exercise=exercise))
    assert post.state is PostState.FAILED
    assert "may not go on" in str(post.reason)
    right = await house.post("Vent", exercise=not exercise)
    assert await house.state(right) is PostState.SENT, "what never left takes no place in the window"
    assert channel.texts() == ["Vent"]


@pytest.mark.parametrize("means", [Means.EDIT, Means.DELETE])
async def test_nor_by_an_edit_or_a_delete(house, means):
    channel = ScriptedChannel(house.clock)
    await house.start(channel)
    await house.post("Crue", incident_id="crue")
    post = await house.post("Exercice", exercise=True, kind=END, means=means, incident_id="crue")
    await house.clock.advance(5)
    assert await house.state(post) is PostState.FAILED
    assert [asked.what for asked in channel.asked] == ["open", "publish"]


async def test_a_hung_probe_ends_with_the_lane(house):
    channel = ScriptedChannel(house.clock, publish=[BadCredential("401")], probe=[HANGS])
    daemon = await house.start(channel)
    await house.post("Crue")
    await house.clock.advance(40)
    await asyncio.gather(daemon.stop(10), house.clock.advance(11))
    assert channel.calls("close")


async def test_a_channel_whose_attempts_all_fail_is_not_ok_until_one_gets_out(house):
    fails = [InDoubt("X answered 500"), InDoubt("X answered 500"), None]
    channel = ScriptedChannel(house.clock, publish=[None, *fails], find=[None] * 9)
    daemon = await house.start(channel)
    await house.post("Avant")
    await house.post("Crue")
    assert daemon.lane.trouble is None, "one failure may be the post's own"
    await house.clock.advance(15)
    assert str(daemon.lane.trouble) == "X answered 500"
    standing = await daemon.standings.status("x")
    assert (standing.state, str(standing.reason), standing.blocked_until) == ("failing", "X answered 500", None)

    await house.clock.advance(60)
    assert daemon.lane.trouble is None
    assert (await daemon.standings.status("x")).state == "ok"


@pytest.mark.parametrize("worked", [True, False])
async def test_the_first_attempt_of_all_tells_more_than_one_of_many(house, worked):
    channel = ScriptedChannel(house.clock, publish=[*([None] if worked else []), Rejected("chat not found")])
    daemon = await house.start(channel)
    await house.posts(["Avant", "Crue"] if worked else ["Crue"])
    await house.clock.advance(5)
    assert (daemon.lane.trouble is None) is worked


async def test_a_refusal_as_a_duplicate_is_an_answer_of_a_platform_that_works(house):
    channel = ScriptedChannel(house.clock, publish=[Duplicate("again")] * 5)
    daemon = await house.start(channel)
    await house.posts(["1", "2", "3"])
    await house.clock.advance(1)
    assert daemon.lane.trouble is None


async def test_readers_who_left_are_no_trouble_of_the_channel(house):
    channel = ScriptedChannel(house.clock, publish=[ReaderGone("blocked")] * 3)
    daemon = await house.start(channel)
    posts = await house.posts(["1", "2", "3"])
    await house.clock.advance(5)
    assert [await house.state(post) for post in posts] == [PostState.FAILED] * 3
    assert daemon.lane.trouble is None
