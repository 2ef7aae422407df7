"""One channel's posts: their order and their pace."""

from __future__ import annotations

from alerts.model.alert import Severity
from alerts.model.post import PostState
from tests.fakes import ScriptedChannel


async def test_a_post_goes_out_at_once_and_its_receipt_is_kept(house):
    channel = ScriptedChannel(house.clock)
    daemon = await house.start(channel)
    post = await house.post("Crue")
    stored = await house.get(post)
    assert stored.state is PostState.SENT
    assert stored.receipt.remote_id == "1"
    assert stored.sent_at == house.clock.now()
    assert (stored.tries, stored.outcome) == (1, "sent")
    assert [verdict.outcome for _, verdict in daemon.told] == ["sent"]


async def test_the_gravest_goes_first(house):
    channel = ScriptedChannel(house.clock)
    await house.posts(["mineur 1"], Severity.MINOR)
    await house.posts(["grave"], Severity.SEVERE)
    await house.posts(["mineur 2"], Severity.MINOR)
    await house.posts(["extrême"], Severity.EXTREME)
    await house.start(channel, limits=("1/1s",))
    await house.clock.advance(10)
    assert channel.texts() == ["extrême", "grave", "mineur 1", "mineur 2"]
