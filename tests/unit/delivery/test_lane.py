"""One channel's posts: their order and their pace."""

from __future__ import annotations

from collections import deque
from datetime import timedelta

import pytest

from alerts.delivery.lane import URGENT_EXTRA
from alerts.model.alert import Severity
from alerts.model.errors import Rejected, Retry
from alerts.model.post import OVER_LIMIT, Means, PostKind, PostState, Quota
from tests.fakes import HANGS, Late, PlainChannel, ScriptedChannel
from tests.unit.delivery.lane_house import gaps


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


async def test_the_gravest_goes_first_and_equals_in_the_order_of_storing(house):
    channel = ScriptedChannel(house.clock)
    await house.posts(["mineur 1", "mineur 2"], Severity.MINOR)
    await house.post("grave", Severity.SEVERE)
    await house.post("mineur 3", Severity.MINOR)
    await house.post("extrême", Severity.EXTREME)
    await house.start(channel, limits=("1/1s",))
    await house.clock.advance(10)
    assert channel.texts() == ["extrême", "grave", "mineur 1", "mineur 2", "mineur 3"]


async def test_an_extreme_one_overtakes_forty_routine_ones(house):
    channel = ScriptedChannel(house.clock)
    await house.start(channel, limits=("1/2s",))
    await house.posts([f"travaux {number}" for number in range(40)])
    await house.clock.advance(5)
    assert len(channel.published) == 3
    await house.post("rupture de digue", Severity.EXTREME)
    await house.clock.advance(1)
    assert channel.texts()[3] == "rupture de digue"
    await house.clock.advance(80)
    assert len(channel.published) == 41


async def test_the_window_is_kept_and_used_to_the_full(house):
    channel = ScriptedChannel(house.clock)
    await house.start(channel, limits=("1/2s", "5/30s"))
    await house.posts([str(number) for number in range(12)])
    await house.clock.advance(100)
    times = [asked.at for asked in channel.published]
    assert gaps(times) == pytest.approx([2, 2, 2, 2, 22, 2, 2, 2, 2, 22, 2], abs=0.001)
    assert min(gaps(times)) >= 2


async def test_the_window_holds_after_a_restart(house):
    channel = ScriptedChannel(house.clock)
    daemon = await house.start(channel, limits=("3/1m",))
    await house.posts(["1", "2", "3"])
    await house.clock.advance(10)
    await daemon.kill()
    await house.posts(["4", "5"])
    again = ScriptedChannel(house.clock)
    await house.start(again, limits=("3/1m",))
    await house.clock.advance(49.9)
    assert again.published == []
    await house.clock.advance(0.2)
    assert again.texts() == ["4", "5"]
    assert gaps([channel.published[0].at, again.published[0].at]) == pytest.approx([60], abs=0.01)


async def test_the_reserve_is_for_the_emergency(house):
    channel = ScriptedChannel(house.clock)
    await house.start(channel, limits=("5/5m",), reserve=2)
    await house.posts(["1", "2", "3", "4"], Severity.MODERATE)
    await house.clock.advance(60)
    assert channel.texts() == ["1", "2", "3"]
    await house.posts(["grave", "extrême"], Severity.SEVERE)
    assert channel.texts() == ["1", "2", "3", "grave", "extrême"]
    await house.post("encore", Severity.EXTREME)
    await house.clock.advance(239)
    assert len(channel.published) == 5, "nobody may more than the window"
    await house.clock.advance(2)
    assert channel.texts()[5:] == ["encore"]


async def test_a_hung_routine_send_holds_up_no_urgent_one(house):
    channel = ScriptedChannel(house.clock, publish=[HANGS, HANGS])
    daemon = await house.start(channel, concurrency=2)
    await house.posts(["1", "2", "3"])
    assert channel.texts() == ["1", "2"]
    await house.post("extrême", Severity.EXTREME)
    assert channel.texts() == ["1", "2", "extrême"]
    assert daemon.lane.under_way == 2


async def test_the_urgent_extras_are_counted(house):
    channel = ScriptedChannel(house.clock, publish=[HANGS] * 20)
    daemon = await house.start(channel, concurrency=2)
    await house.posts(["1", "2"])
    await house.posts([f"extrême {number}" for number in range(6)], Severity.EXTREME)
    assert daemon.lane.under_way == 2 + URGENT_EXTRA
    assert channel.texts()[2:] == [f"extrême {number}" for number in range(URGENT_EXTRA)]


async def test_an_urgent_one_uses_the_free_places_too(house):
    channel = ScriptedChannel(house.clock, publish=[HANGS] * 20)
    daemon = await house.start(channel, concurrency=2)
    await house.posts([f"extrême {number}" for number in range(9)], Severity.EXTREME)
    await house.post("routine")
    assert daemon.lane.under_way == 2 + URGENT_EXTRA
    assert "routine" not in channel.texts()


async def test_a_channel_that_hangs_touches_no_other_lane(house):
    hung, well = ScriptedChannel(house.clock, publish=[HANGS] * 9), ScriptedChannel(house.clock)
    await house.start_all({"x": hung, "page": well}, concurrency=1)
    await house.posts(["1", "2"])
    await house.posts(["3", "4"], channel="page")
    assert (hung.texts(), well.texts()) == (["1"], ["3", "4"])


async def test_a_channel_that_hangs_while_it_opens_touches_no_other_lane(house):
    hung, well = ScriptedChannel(house.clock, open=[HANGS]), ScriptedChannel(house.clock)
    await house.start_all({"x": hung, "page": well})
    await house.post("3", channel="page")
    assert well.texts() == ["3"]


async def test_an_attempt_that_never_left_takes_no_place_in_the_window(house):
    channel = ScriptedChannel(house.clock, publish=[Retry("no network", sent=False)] * 2)
    house.chance = 0.25
    await house.start(channel, limits=("1/1h",))
    post = await house.post("Crue")
    await house.clock.advance(5)
    assert await house.state(post) is PostState.SENT
    assert [row["counts"] for row in await house.attempts(post)] == [0, 0, 1]


async def test_what_the_platform_refused_counts(house):
    channel = ScriptedChannel(house.clock, publish=[Retry("busy", sent=True)])
    await house.start(channel, limits=("1/1m",))
    post = await house.post("Crue")
    await house.clock.advance(59)
    assert await house.state(post) is PostState.QUEUED
    await house.clock.advance(2)
    assert await house.state(post) is PostState.SENT


async def test_what_the_platform_says_is_left_is_believed_and_outlives_a_restart(house):
    channel = ScriptedChannel(house.clock)
    reset = house.clock.now() + timedelta(minutes=3)
    daemon = await house.start(channel, reserve=1)
    channel.told_quotas = [Quota(1, reset, 17, "24h")]
    first = await house.post("1", Severity.MODERATE)
    assert await house.state(first) is PostState.SENT
    late = await house.post("3", Severity.MODERATE)
    await house.clock.advance(60)
    assert await house.state(late) is PostState.QUEUED, "what is left is the reserve"
    await house.post("extrême", Severity.EXTREME)
    assert channel.texts()[-1] == "extrême"
    await daemon.kill()
    silent = ScriptedChannel(house.clock)  # has heard nothing of any limit yet
    await house.start(silent, reserve=1)
    await house.clock.advance(100)
    assert silent.published == []
    await house.clock.advance(30)
    assert await house.state(late) is PostState.SENT
    assert silent.published[0].at >= reset


async def test_silence_about_limits_is_no_news(house):
    channel = ScriptedChannel(house.clock, publish=[Late(5)])
    await house.start(channel)
    await house.post("slow")
    channel.told_quotas = [Quota(0, house.clock.now() + timedelta(minutes=2))]
    await house.post("1")
    channel.told_quotas = []
    await house.clock.advance(6)
    extreme = await house.post("extrême", Severity.EXTREME)
    await house.clock.advance(113)
    assert await house.state(extreme) is PostState.QUEUED
    await house.clock.advance(2)
    assert await house.state(extreme) is PostState.SENT


async def test_what_is_under_way_is_taken_off_what_is_left(house):
    channel = ScriptedChannel(house.clock)
    channel.told_quotas = [Quota(1, house.clock.now() + timedelta(minutes=15))]
    await house.start(channel)
    await house.post("1")
    channel.script["publish"] = deque([Late(5)])
    await house.posts(["2", "3"])
    assert channel.texts() == ["1", "2"]


async def test_deletes_leave_the_window_alone_where_the_platform_counts_posts_alone(house):
    channel = ScriptedChannel(house.clock)
    daemon = await house.start(channel, limits=("2/1h",), counts_every_write=False)
    await house.post("Crue", incident_id="crue")
    end = await house.post("fini", kind=PostKind.END, means=Means.DELETE, incident_id="crue")
    assert await house.state(end) is PostState.SENT
    await daemon.kill()
    await house.start(ScriptedChannel(house.clock), limits=("2/1h",), counts_every_write=False)
    await house.clock.advance(6)
    other = await house.post("Vent")
    assert await house.state(other) is PostState.SENT, "it counts no delete after a restart either"


async def test_an_edit_of_what_is_grave_takes_no_place_in_the_windows(house):
    channel = ScriptedChannel(house.clock)
    await house.start(channel, limits=("2/1h",))
    for words in ("Crue", "Crue, suite", "Crue, fin"):
        kind, means = (PostKind.PUBLISH, Means.NEW) if words == "Crue" else (PostKind.UPDATE, Means.EDIT)
        post = await house.post(words, Severity.SEVERE, kind=kind, means=means, incident_id="crue")
        assert await house.state(post) is PostState.SENT, words
    other = await house.post("Vent", Severity.SEVERE)
    assert await house.state(other) is PostState.SENT


async def test_what_an_approver_sends_over_the_windows_waits_for_the_platform_alone(house):
    channel = ScriptedChannel(house.clock)
    await house.start(channel, limits=("1/1h",))
    await house.post("Vent")
    before, urged = await house.posts(["Neige", "Crue"], Severity.SEVERE)
    await house.act(lambda alerts: alerts.put_ahead(alerts.post_by_id(urged)[0], OVER_LIMIT))
    channel.told_quotas = [Quota(0, house.clock.now() + timedelta(minutes=20))]
    await house.clock.advance(60)
    assert channel.texts() == ["Vent", "Crue"], "the town's own window is passed by this one alone"
    again = await house.post("Gaz", Severity.EXTREME)
    await house.act(lambda alerts: alerts.put_ahead(alerts.post_by_id(again)[0], OVER_LIMIT))
    await house.clock.advance(19 * 60 - 30)
    assert await house.state(again) is PostState.QUEUED, "what the platform told is passed by nobody"
    await house.clock.advance(90)
    assert await house.state(again) is PostState.SENT
    assert await house.state(before) is PostState.QUEUED


async def test_a_delete_waits_for_no_window_that_does_not_count_it(house):
    channel = ScriptedChannel(house.clock)
    await house.start(channel, limits=("1/1h",), counts_every_write=False)
    await house.post("Crue", incident_id="crue")
    end = await house.post("fini", kind=PostKind.END, means=Means.DELETE, incident_id="crue")
    assert await house.state(end) is PostState.SENT


async def test_an_edit_that_becomes_a_post_waits_for_the_window(house):
    channel = PlainChannel(house.clock)
    await house.start(channel, limits=("1/1m",), counts_every_write=False)
    await house.post("Crue", incident_id="crue")
    await house.post("Crue, suite", kind=PostKind.UPDATE, means=Means.EDIT, incident_id="crue")
    await house.clock.advance(59)
    assert len(channel.published) == 1
    await house.clock.advance(2)
    assert len(channel.published) == 2


async def test_an_edit_that_becomes_a_post_counts(house):
    channel = PlainChannel(house.clock)
    await house.start(channel, limits=("2/1h",), counts_every_write=False)
    await house.post("Crue", incident_id="crue")
    await house.post("Crue, suite", kind=PostKind.UPDATE, means=Means.EDIT, incident_id="crue")
    third = await house.post("Vent")
    await house.clock.advance(60)
    assert await house.state(third) is PostState.QUEUED


async def test_a_stored_post_of_another_channel_is_left_alone(house):
    channel = ScriptedChannel(house.clock)
    await house.start(channel)
    other = await house.post("Crue", channel="page")
    assert await house.state(other) is PostState.QUEUED
    assert channel.published == []


class HidingChannel(PlainChannel):
    """One that hides, and keeps people away."""

    def __init__(self, clock) -> None:
        super().__init__(clock)
        self.moderated = []

    async def hide(self, remote_id):
        self.moderated.append(("hide", remote_id))

    async def block(self, author):
        self.moderated.append(("block", author))


async def test_what_others_said_is_hidden_through_the_lane(house):
    channel = HidingChannel(house.clock)
    daemon = await house.start(channel)
    await house.post("Crue")

    await daemon.lane.moderate("hide", "c1", "42")
    await daemon.lane.moderate("block", "c1", "42")

    assert channel.moderated == [("hide", "c1"), ("block", "42")]
    for act, author in (("delete", "42"), ("block", None), ("praise", "42")):
        with pytest.raises(Rejected):
            await daemon.lane.moderate(act, "c1", author)


@pytest.mark.parametrize("channel_kind", [ScriptedChannel, PlainChannel])
async def test_an_answer_is_never_said_again_by_being_taken_back(house, channel_kind):
    channel = channel_kind(house.clock)
    await house.start(channel)
    thread = {"incident_id": "question", "kind": PostKind.ANSWER, "in_reply_to": "c1", "answer": "a1"}
    if channel_kind is PlainChannel:  # one that can take nothing back, and has said it
        await house.post("Oui.", means=Means.REPLY, **thread)
    said = len(channel.published)

    taken = await house.post("Oui.", means=Means.DELETE, **thread)

    assert await house.state(taken) is PostState.SENT
    assert len(channel.published) == said
