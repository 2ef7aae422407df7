"""A lane's credential is tried live beside what is sent, and nothing that may still go out is stopped by it."""

from __future__ import annotations

import asyncio

import pytest

from alerts.model.errors import BadCredential, Retry
from alerts.model.ports import Probe
from alerts.model.post import PostState
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
