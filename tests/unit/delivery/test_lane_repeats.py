"""Channels whose receivers drop repeats, all or most of them: what of it in doubt is sent again, and how often.

Each message says what it is about.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from alerts.model.alert import Severity
from alerts.model.errors import InDoubt, Retry
from alerts.model.post import PostKind, PostState
from tests.fakes import HANGS, DroppingChannel, RepeatingOnceChannel


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
