"""Channels whose receivers drop repeats, all or most of them: what of it in doubt is sent again, and how often.

Each message says what it is about.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from alerts.model.alert import Severity
from alerts.model.errors import InDoubt, Rejected, Retry
from alerts.model.post import PostKind, PostState, Receipt
from alerts.model.reason import because
from tests.fakes import (
    HANGS,
    DroppingChannel,
    Late,
    NeverRepeatingChannel,
    RepeatingOnceChannel,
    ScriptedChannel,
)


async def test_what_was_under_way_at_a_kill_is_sent_again_however_slight(house):
    daemon = await house.start(DroppingChannel(house.clock, publish=[HANGS]))
    post = await house.post("Marché", Severity.MINOR)
    await daemon.kill()
    again = DroppingChannel(house.clock)
    await house.start(again)
    await house.clock.advance(10)

    assert await house.state(post) is PostState.SENT
    assert len(again.published) == 1


async def test_what_stumbles_is_sent_again_under_the_same_id(house):
    channel = DroppingChannel(house.clock, publish=[RuntimeError("boom"), InDoubt("no answer")])
    await house.start(channel)
    post = await house.post("Crue")
    await house.clock.advance(30)

    assert await house.state(post) is PostState.SENT
    assert [message.about.post for message in channel.messages] == [post] * 3


async def test_a_message_says_what_it_is_about(house):
    channel = DroppingChannel(house.clock)
    await house.start(channel)
    ends = house.clock.now() + timedelta(hours=6)
    await house.post("Crue", Severity.SEVERE, incident_id="crue", expires=ends)
    await house.post("suite", Severity.SEVERE, incident_id="crue", kind=PostKind.UPDATE)
    await house.clock.advance(1)

    first, second = [message.about for message in channel.messages]
    assert (first.incident, first.channel, first.kind, first.severity) == ("crue", "x", "publish", Severity.SEVERE)
    assert (first.expires, first.exercise) == (ends, False)
    assert (second.incident, second.kind) == ("crue", "update")
    assert first.post != second.post


async def test_a_try_that_never_left_leaves_an_end_to_what_may_be_out(house):
    in_a_minute = Retry("unreached", house.clock.now() + timedelta(minutes=1), sent=False)
    channel = DroppingChannel(house.clock, publish=[InDoubt("no answer"), in_a_minute, Retry("unreached", sent=False)])
    await house.start(channel)
    post = await house.post("Crue", incident_id="crue")
    await house.clock.advance(10)
    end = await house.post("fini", kind=PostKind.END, incident_id="crue")
    await house.clock.advance(90)

    assert [await house.state(each) for each in (post, end)] == [PostState.SUPERSEDED, PostState.SENT]
    assert channel.texts()[-1] == "fini"


async def test_a_refused_repeat_leaves_an_end_to_what_may_be_out(house):
    channel = DroppingChannel(house.clock, publish=[InDoubt("no answer"), Late(5, Rejected("no"))])
    await house.start(channel)
    post = await house.post("Crue", incident_id="crue")
    await house.clock.advance(4)
    end = await house.post("fini", kind=PostKind.END, incident_id="crue")
    await house.clock.advance(90)

    assert [await house.state(each) for each in (post, end)] == [PostState.FAILED, PostState.SENT]


async def test_what_was_looked_for_and_is_not_there_is_in_no_doubt_any_more(house):
    # No answer, three looks that find nothing, and a channel that takes nothing until the alert is over.
    busy = Retry("busy", house.clock.now() + timedelta(hours=2))
    channel = ScriptedChannel(house.clock, publish=[InDoubt("no answer"), busy])
    await house.start(channel)
    post = await house.post("Crue", expires=house.clock.now() + timedelta(hours=1))
    await house.clock.advance(5)
    assert (await house.get(post)).is_doubtful
    await house.clock.advance(3600)

    stored = await house.get(post)
    assert (stored.state, stored.is_doubtful) == (PostState.EXPIRED, False)


LOST = InDoubt("lost after the final dot")


@pytest.mark.parametrize("severity", [Severity.SEVERE, Severity.EXTREME, Severity.UNKNOWN])
async def test_where_most_drop_repeats_what_is_grave_is_sent_once_more(house, severity):
    # Refused for now in between: that was certainly no second doubt.
    channel = RepeatingOnceChannel(house.clock, publish=[Retry("not yet"), LOST, Retry("not yet")])
    await house.start(channel)
    post = await house.post("Crue", severity)
    await house.clock.advance(30)

    assert await house.state(post) is PostState.SENT
    assert [message.about.post for message in channel.messages] == [post] * 4


async def test_what_is_in_doubt_a_second_time_is_the_officers(house):
    channel = RepeatingOnceChannel(house.clock, publish=[LOST, LOST])
    await house.start(channel)
    post = await house.post("Crue", Severity.EXTREME)
    await house.clock.advance(600)

    assert len(channel.messages) == 2
    stored = await house.get(post)
    assert (stored.state, stored.next_try, stored.reason.code) == (PostState.IN_DOUBT, None, "maybe_out_decide")


@pytest.mark.parametrize("severity", [Severity.MODERATE, Severity.MINOR])
async def test_what_is_less_waits_for_the_officer_and_holds_up_nobody(house, severity):
    channel = RepeatingOnceChannel(house.clock, publish=[LOST])
    await house.start(channel)
    post = await house.post("Vent", severity)
    await house.clock.advance(600)
    other = await house.post("Marché", severity)
    await house.clock.advance(1)

    assert (await house.state(post), await house.state(other)) == (PostState.IN_DOUBT, PostState.SENT)
    assert [message.plain for message in channel.messages] == ["Vent", "Marché"]


@pytest.mark.parametrize(("severity", "again"), [(Severity.SEVERE, 1), (Severity.MODERATE, 0)])
async def test_what_was_under_way_at_a_kill_is_in_doubt_like_any_other(house, severity, again):
    daemon = await house.start(RepeatingOnceChannel(house.clock, publish=[HANGS]))
    post = await house.post("Crue", severity)
    await daemon.kill()
    channel = RepeatingOnceChannel(house.clock)
    await house.start(channel)
    await house.clock.advance(30)

    assert await house.state(post) is (PostState.SENT if again else PostState.IN_DOUBT)
    assert len(channel.messages) == again


async def test_a_message_says_when_it_was_ready_the_same_at_each_attempt(house):
    channel = RepeatingOnceChannel(house.clock, publish=[Retry("not yet")])
    await house.start(channel)
    begun = house.clock.now()
    await house.post("Crue", Severity.SEVERE)
    await house.post("Vent", Severity.SEVERE, not_before=begun + timedelta(minutes=3))
    await house.clock.advance(300)

    told = {(message.plain, message.about.ready_at) for message in channel.messages}
    assert told == {("Crue", begun), ("Vent", begun + timedelta(minutes=3))}
    assert len(channel.messages) == 3


@pytest.mark.parametrize("severity", [Severity.EXTREME, Severity.UNKNOWN, Severity.MINOR])
async def test_where_each_post_costs_money_what_is_not_found_is_the_officers(house, severity):
    channel = NeverRepeatingChannel(house.clock, publish=[LOST])
    await house.start(channel)
    post = await house.post("Crue", severity)
    await house.clock.advance(600)

    stored = await house.get(post)
    assert (stored.state, stored.next_try, stored.reason.code) == (PostState.IN_DOUBT, None, "maybe_out_decide")
    assert stored.reason["why"].code == "not_found_there"
    assert channel.texts() == ["Crue"]


async def test_where_each_post_costs_money_a_search_that_proves_nothing_sends_nothing(house):
    nobody_says = InDoubt(because("sms_not_searched", provider="Octopush"))
    channel = NeverRepeatingChannel(house.clock, publish=[LOST], find=[nobody_says])
    await house.start(channel)
    post = await house.post("Crue", Severity.EXTREME)
    await house.clock.advance(600)

    stored = await house.get(post)
    assert (stored.state, stored.reason["why"].code) == (PostState.IN_DOUBT, "sms_not_searched")
    assert channel.texts() == ["Crue"]


async def test_where_each_post_costs_money_what_a_kill_left_is_found_or_is_the_officers(house):
    daemon = await house.start(NeverRepeatingChannel(house.clock, publish=[HANGS, HANGS]))
    posts = [await house.post(text, Severity.EXTREME, incident_id=text) for text in ("Crue", "Feu")]
    await daemon.kill()
    again = NeverRepeatingChannel(house.clock, find=[Receipt("77", None), None, None, None])
    await house.start(again)
    await house.clock.advance(600)

    assert sorted([await house.state(each) for each in posts]) == [PostState.IN_DOUBT, PostState.SENT]
    assert again.texts() == []
