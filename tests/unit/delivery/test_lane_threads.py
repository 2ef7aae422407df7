"""The posts of one incident: what answers, changes or takes back which, in order."""

from __future__ import annotations

from collections import deque
from datetime import timedelta

import pytest

from alerts.model.alert import Severity
from alerts.model.errors import Gone, InDoubt, Rejected, Retry
from alerts.model.post import Means, PostKind, PostState
from tests.fakes import Late, PlainChannel, ScriptedChannel

UPDATE, END = PostKind.UPDATE, PostKind.END


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
    assert (stored.state, str(stored.reason)) == (
        PostState.SUPERSEDED,
        f"alert-{update} took its place before it went out",
    )
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


@pytest.mark.parametrize(("means", "kind"), [(Means.EDIT, UPDATE), (Means.DELETE, END)])
async def test_what_finds_nothing_to_change_waits_for_its_window_as_a_new_post(house, means, kind):
    channel = ScriptedChannel(house.clock)
    await house.start(channel, limits=("1/1m",), counts_every_write=False)
    await house.post("Vent")
    await house.posts(["Crue, suite", "Neige, suite"], kind=kind, means=means)
    await house.clock.advance(59)
    assert channel.texts() == ["Vent"]
    await house.clock.advance(2)
    assert channel.texts() == ["Vent", "Crue, suite"]
    await house.clock.advance(60)
    assert channel.texts() == ["Vent", "Crue, suite", "Neige, suite"]


class PageChannel(ScriptedChannel):
    """A channel with posts and comments on them, no deeper."""

    two_levels = True


async def test_where_there_are_two_levels_all_hangs_on_the_post_itself(house):
    channel = PageChannel(house.clock)
    await thread(house, channel, Means.REPLY)
    for number in range(2):
        await house.post(f"Suite {number}", kind=UPDATE, means=Means.REPLY, incident_id="crue")
        await house.clock.advance(10)
    await house.post("Fin", kind=END, means=Means.EDIT, incident_id="crue")
    await house.clock.advance(10)
    assert [asked.to for asked in channel.published] == [None, "1", "1", "1"]
    assert [asked.to for asked in channel.calls("edit")] == ["1"]


async def test_a_lost_comment_is_looked_for_under_the_post_itself(house):
    channel = PageChannel(house.clock, publish=[None, None, InDoubt("no answer")])
    await thread(house, channel, Means.REPLY)
    await house.post("Suite", kind=UPDATE, means=Means.REPLY, incident_id="crue")
    await house.clock.advance(10)
    assert {asked.reply_to for asked in channel.calls("find")} == {"1"}


async def test_the_words_of_a_correction_answer_what_took_the_alert_back(house):
    channel = ScriptedChannel(house.clock)
    await thread(house, channel, Means.REPLY, END)
    await house.post("Ce qui est juste", kind=UPDATE, means=Means.REPLY, incident_id="crue")
    await house.clock.advance(10)
    assert [asked.to for asked in channel.published] == [None, "1", "2"]
