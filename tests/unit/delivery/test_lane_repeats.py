"""A channel whose receiver drops repeats: what is in doubt is sent again, and each message says what it is about."""

from __future__ import annotations

from datetime import timedelta

from alerts.model.alert import Severity
from alerts.model.errors import InDoubt
from alerts.model.post import PostKind, PostState
from tests.fakes import HANGS, DroppingChannel


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
