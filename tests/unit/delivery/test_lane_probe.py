"""A lane's credential is tried live beside what is sent, and nothing that may still go out is stopped by it."""

from __future__ import annotations

import asyncio

import pytest

from alerts.model.errors import BadCredential, Retry
from alerts.model.ports import Probe
from alerts.model.post import PostState
from alerts.store.channel_statuses import ChannelStatuses
from tests.fakes import HANGS, ScriptedChannel


async def test_a_probe_tells_the_account(house):
    daemon = await house.start(ScriptedChannel(house.clock, probe=[Probe("@town", ("may not edit",))]))

    assert await daemon.lane.probe() == Probe("@town", ("may not edit",))


@pytest.mark.parametrize("error", [BadCredential("401; renew it"), Retry("no answer")])
async def test_what_a_probe_finds_stops_no_post(house, error):
    channel = ScriptedChannel(house.clock, probe=[error])
    daemon = await house.start(channel)
    with pytest.raises(type(error)):
        await daemon.lane.probe()

    post = await house.post("Crue")
    assert await house.state(post) is PostState.SENT
    assert len(channel.calls("probe")) == 1


async def test_a_lane_without_a_credential_tries_for_itself(house):
    channel = ScriptedChannel(house.clock, publish=[BadCredential("401")], probe=[BadCredential("401")])
    daemon = await house.start(channel)
    await house.post("Crue")

    assert await daemon.lane.probe() is None
    assert channel.calls("probe") == []
    await house.clock.advance(100)
    assert await daemon.lane.probe() == Probe("@town")


async def test_a_lane_that_has_to_wait_asks_nothing(house):
    channel = ScriptedChannel(house.clock, publish=[Retry("429", whole_channel=True)])
    daemon = await house.start(channel)
    await house.post("Crue")

    assert await daemon.lane.probe() is None


async def test_a_hung_probe_holds_up_no_post(house):
    channel = ScriptedChannel(house.clock, probe=[HANGS])
    daemon = await house.start(channel)
    probe = asyncio.create_task(daemon.lane.probe())
    await house.clock.settle()

    assert await house.state(await house.post("Crue")) is PostState.SENT
    probe.cancel()
    await asyncio.gather(probe, return_exceptions=True)


class HomeChannel(ScriptedChannel):
    """Knows by itself who refuses its credential; a post is sent to nobody."""

    proves_nothing = True
    probes_at_home = True


async def test_who_refuses_a_credential_is_known_at_home_and_the_channel_does_not_stand_as_if_all_worked(house):
    refusal = BadCredential("refused by push.example")
    daemon = await house.start(HomeChannel(house.clock, probe=[refusal, refusal, Probe("@town"), refusal]))
    for _ in range(2):
        with pytest.raises(BadCredential):
            await daemon.lane.probe()
        assert str(daemon.lane.trouble) == "refused by push.example"
        # Other services may be reached: nothing is held back, and that it went says nothing about the one.
        assert await house.state(await house.post("Crue")) is PostState.SENT
        assert str(daemon.lane.trouble) == "refused by push.example"

    await daemon.lane.probe()
    assert daemon.lane.trouble is None


async def test_what_was_refused_before_a_restart_is_over_once_a_probe_says_so(house):
    daemon = await house.start(HomeChannel(house.clock, probe=[BadCredential("refused by push.example")]))
    with pytest.raises(BadCredential):
        await daemon.lane.probe()
    await daemon.kill()
    again = await house.start(HomeChannel(house.clock, probe=[Probe("@town")]))
    await house.clock.advance(10)
    assert again.lane.trouble is not None
    await again.lane.probe()
    assert again.lane.trouble is None


class RememberingChannel(HomeChannel):
    """Knows who refuses its credential by a fact that its bulk keeps."""

    recall = staticmethod(lambda _: None)

    async def probe(self):
        if refused := self.recall("refused by"):
            raise BadCredential(refused)
        return await super().probe()


async def test_what_another_daemon_keeps_of_a_refusal_is_told_by_whoever_has_the_lane(house):
    """While a bulk and its lane move from one daemon to another, two processes may have them."""
    channel = RememberingChannel(house.clock, probe=[Probe("@town")] * 3)
    daemon = await house.start(channel)
    channel.recall = lambda key: daemon.standings.recall("x", key)
    another = ChannelStatuses(house.database)
    await daemon.lane.probe()

    await another.remember("x", "refused by", "push.example")
    with pytest.raises(BadCredential):
        await daemon.lane.probe()
    assert str(daemon.lane.trouble) == "push.example"

    await another.remember("x", "refused by", "")
    await daemon.lane.probe()
    assert daemon.lane.trouble is None


async def test_a_database_that_refuses_changes_nothing_of_what_is_known_of_a_refusal(house):
    channel = RememberingChannel(house.clock, probe=[Probe("@town")])
    daemon = await house.start(channel)
    channel.recall = lambda key: daemon.standings.recall("x", key)
    await daemon.standings.remember("x", "refused by", "push.example")
    daemon.standings.unread = 1

    with pytest.raises(BadCredential):
        await daemon.lane.probe()
