"""What may be out or not: the looks, what is found, what is sent again, who waits for the officer."""

from __future__ import annotations

import json
from collections import deque
from datetime import timedelta

import pytest

from alerts.model.alert import Severity
from alerts.model.errors import BadCredential, DatabaseRefused, Duplicate, InDoubt, Rejected, Retry
from alerts.model.post import Means, PostKind, PostState, Receipt
from alerts.model.reason import in_words
from alerts.store.statement import stamp
from tests.fakes import HANGS, DroppingChannel, Late, PlainChannel, ScriptedChannel

MODERATE, MINOR = Severity.MODERATE, Severity.MINOR


def when(channel, what, start):
    return [round((asked.at - start).total_seconds(), 1) for asked in channel.calls(what)]


async def test_a_post_in_doubt_is_looked_for_three_times_and_sent_again_once(house):
    channel = ScriptedChannel(house.clock, publish=[InDoubt("no answer")])
    await house.start(channel)
    start = house.clock.now()
    post = await house.post("Crue")
    assert await house.state(post) is PostState.IN_DOUBT
    await house.clock.advance(60)
    assert when(channel, "find", start) == [2, 5, 10]
    assert when(channel, "publish", start) == [0, 10]
    stored = await house.get(post)
    assert (stored.state, stored.tries, stored.receipt.remote_id) == (PostState.SENT, 2, "2")


@pytest.mark.parametrize("seen_at", [1, 2, 3])
async def test_a_post_in_doubt_that_is_found_has_its_receipt_and_is_not_sent_again(house, seen_at):
    found = Receipt("77", "https://platform.example/77")
    script = [None] * (seen_at - 1) + [found]
    channel = ScriptedChannel(house.clock, publish=[InDoubt("no answer")], find=script)
    await house.start(channel, limits=("2/1h",))
    start = house.clock.now()
    post = await house.post("Crue")
    await house.clock.advance(60)
    stored = await house.get(post)
    assert (stored.state, stored.receipt, stored.sent_at) == (PostState.SENT, found, start)
    assert len(channel.published) == 1
    await house.post("Vent")
    assert len(channel.published) == 2, "a look takes no place in the window"


async def test_a_look_begins_after_the_newest_post_that_had_been_answered_for(house):
    channel = ScriptedChannel(house.clock, publish=[None, Late(3), InDoubt("no answer")])
    await house.start(channel)
    await house.post("1")
    await house.post("2, slow")  # left before the one in doubt, answered after: its id may be the higher one
    await house.clock.advance(1)
    await house.post("3")
    await house.clock.advance(3)
    assert [(asked.to, asked.known) for asked in channel.calls("find")] == [("1", frozenset({"1", "2"}))]


async def test_a_look_does_not_begin_at_an_old_post_that_was_changed_since(house):
    channel = ScriptedChannel(house.clock)
    await house.start(channel)
    await house.post("1", incident_id="crue")
    await house.post("2")
    await house.post("1, changed", kind=PostKind.UPDATE, means=Means.EDIT, incident_id="crue")
    channel.script["publish"] = deque([InDoubt("no answer")])
    await house.clock.advance(1)
    await house.post("3")
    await house.clock.advance(3)
    assert channel.calls("find")[0].to == "2"


async def test_a_duplicate_is_adopted(house):
    channel = ScriptedChannel(house.clock, publish=[Duplicate("said already")], find=[Receipt("5")])
    await house.start(channel)
    post = await house.get(await house.post("Crue"))
    assert (post.state, post.receipt.remote_id) == (PostState.SENT, "5")


async def test_a_duplicate_of_an_earlier_try_is_adopted_though_it_is_older_than_this_one(house):
    channel = ScriptedChannel(house.clock, publish=[InDoubt("no answer"), Duplicate("said already")])
    await house.start(channel)
    start = house.clock.now()
    await house.post("Crue")
    await house.clock.advance(11)
    assert len(channel.published) == 2
    assert channel.calls("find")[-1].since <= start


async def test_a_duplicate_that_is_none_of_ours_has_failed(house):
    channel = ScriptedChannel(house.clock, publish=[Duplicate("said already")])
    await house.start(channel)
    post = await house.post("Crue", Severity.EXTREME)
    await house.clock.advance(12)
    assert await house.state(post) is PostState.IN_DOUBT, "ten seconds at least"
    await house.clock.advance(10)
    stored = await house.get(post)
    assert stored.state is PostState.FAILED
    assert "said already" in str(stored.reason)
    assert len(channel.published) == 1


async def test_a_receiver_that_drops_repeats_is_asked_ever_less_often_and_hears_the_end_of_what_it_may_have(house):
    channel = DroppingChannel(house.clock, publish=[InDoubt("500")] * 200)
    await house.start(channel)
    alert = await house.post("Crue", MINOR, incident_id="crue")
    await house.clock.advance(600)
    assert await house.state(alert) is PostState.IN_DOUBT
    assert 20 <= len(channel.published) <= 60, "seconds at first, half a minute later"

    channel.script["publish"] = deque()
    end = await house.post("Fin", MINOR, incident_id="crue", kind=PostKind.END, means=Means.NEW)
    await house.clock.advance(300)
    assert await house.state(end) is PostState.SENT
    assert await house.state(alert) in (PostState.SENT, PostState.SUPERSEDED)


@pytest.mark.parametrize("channel_class", [PlainChannel, ScriptedChannel])
async def test_where_looking_is_no_answer_a_moderate_one_is_sent_again(house, channel_class):
    channel = channel_class(house.clock, publish=[InDoubt("no answer")], find=[InDoubt("nowhere to begin")])
    await house.start(channel)
    post = await house.post("Crue", MODERATE)
    await house.clock.advance(3)
    assert len(channel.published) == 2
    assert await house.state(post) is PostState.SENT


@pytest.mark.parametrize("channel_class", [PlainChannel, ScriptedChannel])
async def test_and_a_lesser_one_waits_for_the_officer_and_holds_up_nobody(house, channel_class):
    channel = channel_class(house.clock, publish=[InDoubt("no answer")], find=[InDoubt("nowhere to begin")])
    await house.start(channel)
    post = await house.post("Marché", MINOR, incident_id="marché")
    await house.clock.advance(60)
    stored = await house.get(post)
    assert (stored.state, stored.next_try) == (PostState.IN_DOUBT, None)
    later = await house.post("suite", MINOR, incident_id="marché", kind=PostKind.UPDATE, means=Means.REPLY)
    assert await house.state(later) is PostState.SENT
    assert len(channel.published) == 2


async def test_what_waits_for_the_officer_ends_with_its_alert(house):
    channel = PlainChannel(house.clock, publish=[InDoubt("no answer")])
    await house.start(channel)
    post = await house.post("Marché", MINOR, expires=house.clock.now() + timedelta(seconds=50))
    await house.clock.advance(51)
    assert await house.state(post) is PostState.EXPIRED


async def test_a_platform_that_never_answers_gets_no_volley_of_copies(house):
    channel = PlainChannel(house.clock, publish=[InDoubt("no answer")] * 99)
    await house.start(channel)
    await house.post("Crue", MODERATE)
    await house.clock.advance(120)
    assert 3 <= len(channel.published) <= 7


async def test_an_update_waits_while_its_alert_is_looked_for_and_answers_what_is_found(house):
    channel = ScriptedChannel(house.clock, publish=[InDoubt("no answer")], find=[None, Receipt("9")])
    await house.start(channel)
    await house.post("Crue", incident_id="crue")
    await house.post("suite", incident_id="crue", kind=PostKind.UPDATE, means=Means.REPLY)
    await house.clock.advance(4.9)
    assert channel.texts() == ["Crue"]
    await house.clock.advance(0.2)
    assert [(asked.text, asked.to) for asked in channel.published[1:]] == [("suite", "9")]


async def test_what_is_over_when_the_looks_are_done_is_not_sent_again(house):
    channel = ScriptedChannel(house.clock, publish=[InDoubt("no answer")])
    await house.start(channel)
    post = await house.post("Crue", expires=house.clock.now() + timedelta(seconds=4))
    await house.clock.advance(60)
    stored = await house.get(post)
    assert (stored.state, str(stored.reason)) == (PostState.EXPIRED, "it didn't go out, and is over")
    assert len(channel.published) == 1


async def test_a_platform_that_cannot_be_asked_is_asked_until_it_answers(house):
    channel = ScriptedChannel(house.clock, publish=[InDoubt("no answer")], find=[Retry("down")] * 3 + [Receipt("3")])
    await house.start(channel)
    post = await house.post("Crue")
    await house.clock.advance(60)
    stored = await house.get(post)
    assert (stored.state, stored.receipt.remote_id) == (PostState.SENT, "3")
    assert len(channel.published) == 1


async def test_a_credential_that_ends_while_looking_blocks_the_lane(house):
    channel = ScriptedChannel(house.clock, publish=[InDoubt("no answer")], find=[BadCredential("401")])
    await house.start(channel)
    await house.post("Crue")
    await house.clock.advance(3)
    assert (await house.row("SELECT state FROM channel"))["state"] == "blocked"
    other = await house.post("Vent")
    assert await house.state(other) is PostState.QUEUED


async def test_a_channel_that_stumbles_leaves_the_post_in_doubt(house):
    channel = ScriptedChannel(house.clock, publish=[RuntimeError("boom")], find=[ValueError("bang"), Receipt("4")])
    await house.start(channel)
    post = await house.post("Crue")
    stored = await house.get(post)
    assert (stored.state, str(stored.reason)) == (PostState.IN_DOUBT, "the channel's code failed: RuntimeError")
    await house.clock.advance(30)
    assert await house.state(post) is PostState.SENT
    assert len(channel.published) == 1


async def test_a_look_that_hangs_holds_up_no_send(house):
    channel = ScriptedChannel(house.clock, publish=[InDoubt("no answer")], find=[HANGS])
    await house.start(channel)
    await house.post("Crue")
    await house.clock.advance(3)
    other = await house.post("Vent")
    assert await house.state(other) is PostState.SENT


async def test_looks_go_on_while_the_window_is_closed(house):
    channel = ScriptedChannel(house.clock, publish=[InDoubt("no answer")], find=[Receipt("4")])
    await house.start(channel, limits=("1/1h",))
    first, _ = await house.posts(["1", "2"])
    await house.clock.advance(3)
    assert await house.state(first) is PostState.SENT


async def test_what_the_officer_dropped_while_it_was_looked_for_stays_dropped(house):
    channel = ScriptedChannel(house.clock, publish=[InDoubt("no answer")], find=[None, None, Late(5)])
    await house.start(channel)
    post = await house.post("Crue", MODERATE)
    await house.clock.advance(11)
    stored = await house.get(post)
    await house.act(
        lambda alerts: alerts.move_post(stored, PostState.DROPPED, in_words("by the officer"), not_before=None)
    )
    await house.clock.advance(60)
    assert await house.state(post) is PostState.DROPPED
    assert len(channel.published) == 1


async def test_an_answer_is_written_down_however_long_the_database_refuses(house):
    channel = ScriptedChannel(house.clock)
    daemon = await house.start(channel)
    daemon.outbox.refuses["finish"] = [DatabaseRefused("database or disk is full")] * 5
    post = await house.post("Crue")
    assert await house.state(post) is PostState.SENDING
    await house.clock.advance(5.1)
    assert await house.state(post) is PostState.SENT
    assert len(channel.published) == 1
    assert daemon.outbox.calls.count("finish") == 6


async def test_a_standing_that_cannot_be_written_loses_no_answer(house):
    channel = ScriptedChannel(house.clock, publish=[BadCredential("401")])
    daemon = await house.start(channel, limits=("1/1h",))
    daemon.standings.refuses = 3
    post = await house.post("Crue")
    assert daemon.standings.refuses < 3
    assert await house.state(post) is PostState.QUEUED
    await house.clock.advance(31)
    assert await house.state(post) is PostState.SENT
    assert daemon.lane.under_way == 0


@pytest.mark.parametrize("call", ["next_due", "begin", "settle"])
async def test_a_lane_stumbles_and_goes_on(house, call):
    channel = ScriptedChannel(house.clock)
    daemon = await house.start(channel)
    daemon.outbox.refuses[call] = [DatabaseRefused("database is locked")] * 3
    daemon.outbox.calls.clear()
    at = house.clock.now() + timedelta(seconds=10)
    first = await house.post("Crue", MODERATE)
    second = await house.post("Vent", state=PostState.WAITING, not_before=at)
    await house.clock.advance(4)
    assert await house.state(first) is PostState.SENT
    await house.clock.advance(10)
    assert await house.state(second) is PostState.SENT
    assert daemon.outbox.calls.count(call) < 30


async def test_a_lane_that_only_stumbles_is_seen_to_stand_still(house):
    daemon = await house.start(ScriptedChannel(house.clock))
    await house.clock.advance(31)
    daemon.outbox.refuses["next_due"] = [DatabaseRefused("no such column")] * 500
    await house.post("Crue")
    await house.clock.advance(100)
    [cycle] = [each for each in daemon.workers.cycles() if each.name.startswith("lane")]
    assert (cycle.stands, cycle.age >= 100) == (True, True)
    assert daemon.outbox.calls.count("next_due") < 110


async def test_a_full_disk_makes_no_hot_loop_of_looks(house):
    channel = ScriptedChannel(house.clock, publish=[InDoubt("no answer")], find=[Receipt("4")])
    daemon = await house.start(channel)
    post = await house.post("Crue")
    daemon.outbox.refuses["begin"] = [DatabaseRefused("disk is full")] * 10
    daemon.outbox.calls.clear()
    await house.clock.advance(30)
    assert await house.state(post) is PostState.SENT
    assert len(daemon.outbox.calls) < 60


async def test_a_rejected_look_is_no_answer(house):
    channel = ScriptedChannel(house.clock, publish=[InDoubt("no answer")], find=[Rejected("you may not read")])
    await house.start(channel)
    post = await house.post("Crue", MODERATE)
    await house.clock.advance(3)
    assert await house.state(post) is PostState.SENT


class ReplacingChannel(ScriptedChannel):
    """A channel where an edit is a new post, as on X."""

    replaces = True


async def change(house) -> str:
    """The second version of an incident that is out, by an edit."""
    await house.post("Crue", incident_id="crue")
    return await house.post("Crue, niveau 2", kind=PostKind.UPDATE, means=Means.EDIT, incident_id="crue")


async def test_an_edit_that_makes_a_new_post_is_looked_for_and_not_made_again(house):
    channel = ReplacingChannel(house.clock, edit=[InDoubt("no answer")], find=[None, Receipt("9")])
    await house.start(channel)
    post = await change(house)
    await house.clock.advance(60)
    stored = await house.get(post)
    assert (stored.state, stored.receipt.remote_id) == (PostState.SENT, "9")
    assert len(channel.calls("edit")) == 1


async def test_an_edit_that_is_refused_as_a_duplicate_is_adopted_and_not_made_over_and_over(house):
    channel = ReplacingChannel(house.clock, edit=[Duplicate("said already")], find=[Receipt("9")])
    await house.start(channel)
    post = await change(house)
    await house.clock.advance(60)
    stored = await house.get(post)
    assert (stored.state, stored.receipt.remote_id) == (PostState.SENT, "9")
    assert len(channel.calls("edit")) == 1


async def test_an_edit_of_a_killed_daemon_is_looked_for_where_it_makes_a_new_post(house):
    channel = ReplacingChannel(house.clock, edit=[HANGS], find=[Receipt("9")])
    daemon = await house.start(channel)
    post = await change(house)
    await daemon.kill()
    await house.start(channel)
    await house.clock.advance(7)
    assert (await house.get(post)).receipt.remote_id == "9"
    assert len(channel.calls("edit")) == 1


async def test_an_edit_elsewhere_is_simply_made_again(house):
    channel = ScriptedChannel(house.clock, edit=[HANGS])
    daemon = await house.start(channel)
    post = await change(house)
    await daemon.kill()
    await house.start(channel)
    await house.clock.advance(7)
    assert await house.state(post) is PostState.SENT
    assert (len(channel.calls("edit")), channel.calls("find")) == (2, [])


async def test_a_reply_is_looked_for_under_what_it_answers(house):
    channel = ScriptedChannel(house.clock, publish=[Receipt("1"), InDoubt("no answer")])
    await house.start(channel)
    await house.post("Crue", incident_id="crue")
    await house.post("Crue, niveau 2", kind=PostKind.UPDATE, means=Means.REPLY, incident_id="crue")
    await house.clock.advance(3)
    assert [asked.reply_to for asked in channel.calls("find")] == ["1"]


@pytest.mark.parametrize("way", [Means.REPLY, Means.DELETE])
async def test_what_never_went_out_takes_its_end_with_it(house, way):
    channel = ScriptedChannel(house.clock, publish=[InDoubt("no answer")])
    await house.start(channel)
    first = await house.post("Crue", MODERATE, incident_id="crue", expires=house.clock.now() + timedelta(seconds=8))
    end = await house.post("C’est fini", MODERATE, incident_id="crue", kind=PostKind.END, means=way)
    await house.clock.advance(60)
    assert await house.state(first) is PostState.EXPIRED
    assert await house.state(end) is PostState.DROPPED
    assert len(channel.published) == 1


async def test_what_was_found_keeps_its_end(house):
    channel = ScriptedChannel(house.clock, publish=[InDoubt("no answer")], find=[None, None, Receipt("9")])
    await house.start(channel)
    await house.post("Crue", MODERATE, incident_id="crue", expires=house.clock.now() + timedelta(seconds=8))
    end = await house.post("C’est fini", MODERATE, incident_id="crue", kind=PostKind.END, means=Means.REPLY)
    await house.clock.advance(60)
    assert await house.state(end) is PostState.SENT


async def put_back(house, hours: int) -> None:
    """As after a restore, an hour ago, of a copy that was so many hours old."""
    until = house.clock.now() - timedelta(hours=1)
    kept = {"since": stamp(until - timedelta(hours=hours)), "until": stamp(until), "begun": True}
    row = ("(store)", "gap", json.dumps(kept))
    await house.database.write(lambda db: db.execute("INSERT INTO fact VALUES (?, ?, ?)", row).rowcount)


async def test_what_may_be_out_since_a_copy_was_made_is_adopted_where_it_stands_and_else_sent_once(house):
    found = Receipt("77", "https://platform.example/77")
    channel = ScriptedChannel(house.clock, find=[found, None, None, None])
    start = house.clock.now()
    await put_back(house, hours=5)
    before = start - timedelta(hours=3)
    out, lost = [await house.post(text, stored_at=before) for text in ("Crue", "Vent")]
    new = await house.post("Orage")

    await house.start(channel)
    await house.clock.advance(1)
    assert channel.texts() == ["Orage"], "it can't be out: nobody looks for it"
    await house.clock.advance(30)

    assert channel.texts() == ["Orage", "Vent"]
    assert (await house.get(out)).receipt == found
    assert {await house.state(post) for post in (out, lost, new)} == {PostState.SENT}
    assert {asked.since for asked in channel.calls("find")} == {start - timedelta(hours=6, seconds=1)}
