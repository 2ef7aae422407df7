"""What a lane makes of each answer: pauses, credentials, fallbacks, threads, ends."""

from __future__ import annotations

from collections import deque
from datetime import timedelta

import pytest

from alerts.model.alert import Severity
from alerts.model.errors import BadCredential, Gone, InDoubt, Rejected, Retry
from alerts.model.post import Means, PostKind, PostState
from tests.fakes import HANGS, Late, PlainChannel, ScriptedChannel
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
    assert (post.state, post.reason) == (PostState.FAILED, "too long")


async def thread(house, channel, means, kind=UPDATE, **how):
    """A first post that is out, and the one that follows it."""
    daemon = await house.start(channel, **how)
    await house.post("Crue", incident_id="crue")
    await house.post("Crue, suite", kind=kind, means=means, incident_id="crue")
    await house.clock.advance(10)
    return daemon


async def test_an_update_answers_its_alert(house):
    channel = ScriptedChannel(house.clock)
    await thread(house, channel, Means.REPLY)
    assert [asked.to for asked in channel.published] == [None, "1"]


async def test_an_update_to_a_post_that_is_gone_stands_alone(house):
    channel = ScriptedChannel(house.clock, publish=[None, Gone("deleted")])
    await thread(house, channel, Means.REPLY)
    assert [(asked.text, asked.to) for asked in channel.published[1:]] == [("Crue, suite", "1"), ("Crue, suite", None)]


@pytest.mark.parametrize("error", [Gone("deleted"), Rejected("too old")])
async def test_what_cannot_be_edited_is_posted(house, error):
    channel = ScriptedChannel(house.clock, edit=[error])
    await thread(house, channel, Means.EDIT)
    assert [asked.what for asked in channel.asked] == ["open", "publish", "edit", "publish"]
    assert channel.published[1].to == ("1" if isinstance(error, Rejected) else None)


async def test_what_cannot_be_deleted_any_more_is_told_to_be_over(house):
    channel = ScriptedChannel(house.clock, delete=[Rejected("older than 48 h")])
    await thread(house, channel, Means.DELETE, END)
    assert [(asked.text, asked.to) for asked in channel.published] == [("Crue", None), ("Crue, suite", "1")]


@pytest.mark.parametrize(("means", "what"), [(Means.EDIT, "edit"), (Means.DELETE, "delete")])
async def test_a_change_without_an_answer_is_made_again(house, means, what):
    channel = ScriptedChannel(house.clock, **{what: [InDoubt("500")]})
    await thread(house, channel, means, END)
    assert [asked.to for asked in channel.calls(what)] == ["1", "1"]
    assert channel.calls("find") == []


async def test_a_channel_that_cannot_edit_answers_instead(house):
    channel = PlainChannel(house.clock)
    await thread(house, channel, Means.EDIT)
    assert [asked.to for asked in channel.published] == [None, "1"]


async def test_a_delete_takes_all_of_the_thread_back_the_alert_first(house):
    channel = ScriptedChannel(house.clock)
    await thread(house, channel, Means.REPLY)
    end = await house.post("fini", kind=END, means=Means.DELETE, incident_id="crue")
    assert [asked.to for asked in channel.calls("delete")] == ["1", "2"]
    stored = await house.get(end)
    assert (stored.state, stored.receipt, stored.sent_at) == (PostState.SENT, None, house.clock.now())


async def test_an_incident_that_is_published_anew_is_a_thread_of_its_own(house):
    channel = ScriptedChannel(house.clock)
    await thread(house, channel, Means.REPLY, END)
    await house.post("Crue, encore", incident_id="crue")
    await house.post("encore, suite", kind=UPDATE, means=Means.REPLY, incident_id="crue")
    assert [(asked.text, asked.to) for asked in channel.published[2:]] == [
        ("Crue, encore", None),
        ("encore, suite", "3"),
    ]


async def test_after_an_end_no_ended_post_is_answered(house):
    channel = ScriptedChannel(house.clock, publish=[None, None, Rejected("no")])
    await thread(house, channel, Means.REPLY, END)
    await house.post("Crue, encore", incident_id="crue")
    await house.post("encore, suite", kind=UPDATE, means=Means.REPLY, incident_id="crue")
    assert channel.published[3].to is None


async def test_an_edit_is_followed_at_the_post_it_changed(house):
    channel = ScriptedChannel(house.clock)
    await thread(house, channel, Means.EDIT)
    await house.post("fini", kind=END, means=Means.REPLY, incident_id="crue")
    assert channel.published[1].to == "1"


async def test_an_update_waits_for_its_alert_and_holds_up_no_other_incident(house):
    channel = ScriptedChannel(house.clock, publish=[Late(8)])
    await house.start(channel)
    await house.post("Crue", incident_id="crue")
    await house.post("Crue, suite", Severity.EXTREME, kind=UPDATE, means=Means.REPLY, incident_id="crue")
    await house.post("Vent", incident_id="vent")
    assert channel.texts() == ["Crue", "Vent"]
    await house.clock.advance(9)
    assert [(asked.text, asked.to) for asked in channel.published[2:]] == [("Crue, suite", "1")]


async def test_an_update_waits_for_an_alert_that_is_tried_again(house):
    channel = ScriptedChannel(house.clock, publish=[Retry("busy", house.clock.now() + timedelta(seconds=30))])
    await house.start(channel)
    await house.post("Crue", incident_id="crue")
    await house.post("Crue, suite", kind=UPDATE, means=Means.REPLY, incident_id="crue")
    await house.clock.advance(29)
    assert channel.texts() == ["Crue"]
    await house.clock.advance(2)
    assert channel.texts() == ["Crue", "Crue", "Crue, suite"]


async def test_what_is_over_is_not_sent(house):
    channel = ScriptedChannel(house.clock)
    await house.start(channel, limits=("1/1m",))
    await house.post("1")
    post = await house.post("brève", expires=house.clock.now() + timedelta(seconds=30))
    await house.clock.advance(30.1)
    stored = await house.get(post)
    assert (stored.state, stored.reason) == (PostState.EXPIRED, "it was over before it could go out")
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
    assert "may not go on" in post.reason
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
    stopping = house.clock.advance(11)
    import asyncio

    await asyncio.gather(daemon.stop(10), stopping)
    assert channel.calls("close")


async def test_what_goes_back_to_the_queue_makes_way_for_its_update(house):
    pause = Retry("429", house.clock.now() + timedelta(seconds=20), whole_channel=True)
    channel = ScriptedChannel(house.clock, publish=[Late(2, pause)])
    await house.start(channel, limits=("1/2s",))
    first = await house.post("Crue", incident_id="crue")
    await house.posts([f"travaux {number}" for number in range(20)])
    update = await house.post("Crue, grave", Severity.EXTREME, kind=UPDATE, means=Means.REPLY, incident_id="crue")
    await house.clock.advance(22)
    assert channel.texts()[1] == "Crue, grave", "it waits for nothing that is less urgent than itself"
    stored = await house.get(first)
    assert (stored.state, stored.reason) == (PostState.SUPERSEDED, f"alert-{update} took its place before it went out")
    assert await house.state(update) is PostState.SENT


@pytest.mark.parametrize(("published_before", "end_is"), [(True, PostState.SENT), (False, PostState.DROPPED)])
async def test_an_end_is_told_only_where_something_was_out(house, published_before, end_is):
    channel = ScriptedChannel(house.clock)
    await house.start(channel)
    if published_before:
        await house.post("Crue", incident_id="crue")
    channel.script["publish"] = deque([Late(2, Retry("busy"))])
    await house.post("Crue, suite", incident_id="crue", kind=UPDATE if published_before else PostKind.PUBLISH)
    end = await house.post("fini", kind=END, means=Means.REPLY, incident_id="crue")
    await house.clock.advance(30)
    assert await house.state(end) is end_is
    assert ("fini" in channel.texts()) is published_before


async def test_what_may_be_out_is_ended_though_nobody_knows(house):
    channel = PlainChannel(house.clock, publish=[InDoubt("no answer")])
    await house.start(channel)
    await house.post("Crue", Severity.SEVERE, incident_id="crue")
    end = await house.post("fini", kind=END, means=Means.REPLY, incident_id="crue")
    await house.clock.advance(30)
    assert await house.state(end) is PostState.SENT
    assert channel.texts() == ["Crue", "fini"]
