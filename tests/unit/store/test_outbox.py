"""The outbox as the lanes work it: order, claims, what an answer may still change, and what time alone does."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from alerts.model.alert import Severity
from alerts.model.delivery import Verdict
from alerts.model.incident import AlertState
from alerts.model.post import Means, PostKind, PostState, Receipt
from alerts.model.reason import in_words
from alerts.store.outbox import Due
from tests.unit.leases import take
from tests.unit.store.conftest import LATER, NOW

S = PostState
SOON = NOW + timedelta(minutes=1)
OUT = Verdict(S.SENT, "sent", receipt=Receipt("7", "https://x.example/7"))


async def due(outbox, *, urgent_only: bool = False, channel: str = "x", now=NOW) -> str | None:
    found = await outbox.next_due(channel, now, urgent_only=urgent_only)
    return found.posts[0].id if found.posts else None


async def send(outbox, post, lease, verdict=OUT, now=NOW):
    begun = await outbox.begin(post, lease, now, action="send", counts=True)
    await outbox.finish(post, begun, verdict, now, now)
    return begun


async def test_what_is_graver_goes_first_and_among_equals_what_was_first(shelf, outbox):
    later, first = shelf.post(), shelf.post()
    grave = shelf.post(severity=Severity.EXTREME)

    assert await due(outbox) == grave.id
    shelf.move(grave, S.SENT)
    assert await due(outbox) == later.id
    shelf.move(later, S.SENT)
    assert await due(outbox) == first.id


async def test_another_channel_s_posts_are_its_own(shelf, outbox):
    shelf.post(channel="page")

    assert await due(outbox) is None
    assert await due(outbox, channel="page") is not None


@pytest.mark.parametrize("state", [S.WAITING, S.QUEUED, S.SENDING])
async def test_an_incident_s_post_waits_for_the_one_before_it(shelf, outbox, state):
    stored = shelf.alert()
    first = shelf.post(stored)
    shelf.post(stored, kind=PostKind.UPDATE, severity=Severity.EXTREME)
    shelf.move(first, state)

    assert await due(outbox) == (first.id if state is S.QUEUED else None)


async def test_a_post_in_doubt_holds_its_incident_up_while_it_is_looked_for_and_no_longer(shelf, outbox):
    stored = shelf.alert()
    first = shelf.post(stored, next_try=SOON)
    update = shelf.post(stored, kind=PostKind.UPDATE)
    shelf.move(first, S.IN_DOUBT)
    assert await due(outbox) is None

    left = shelf.post(shelf.alert(), next_try=None)
    shelf.move(left, S.IN_DOUBT)
    shelf.move(first, S.FAILED)
    assert await due(outbox) == update.id


@pytest.mark.parametrize("state", [S.SENT, S.FAILED, S.DROPPED, S.EXPIRED, S.SUPERSEDED, S.REJECTED])
async def test_what_has_ended_holds_nobody_up(shelf, outbox, state):
    stored = shelf.alert()
    shelf.move(shelf.post(stored), state)
    update = shelf.post(stored, kind=PostKind.UPDATE)

    assert await due(outbox) == update.id


async def test_another_incident_is_not_held_up(shelf, outbox):
    shelf.move(shelf.post(), S.SENDING)
    free = shelf.post()

    assert await due(outbox) == free.id


async def test_a_full_lane_takes_urgent_posts_alone(shelf, outbox):
    shelf.post()
    assert await due(outbox, urgent_only=True) is None

    urgent = shelf.post(severity=Severity.SEVERE)
    assert await due(outbox, urgent_only=True) == urgent.id


async def test_what_is_over_or_to_be_tried_later_is_not_due(shelf, outbox):
    shelf.post(expires=NOW)
    waits = shelf.post(next_try=SOON)

    assert await due(outbox) is None
    assert await due(outbox, now=SOON) == waits.id


async def test_of_two_that_claim_a_post_one_gets_it(shelf, outbox, lease):
    post = shelf.post()
    begun = await asyncio.gather(
        *(outbox.begin(post, lease, NOW, action="send", counts=True) for _ in range(2)),
    )

    assert [each is None for each in begun] in ([False, True], [True, False])
    assert shelf.again(post).state is S.SENDING
    assert shelf.rows("SELECT count(*) AS attempts FROM attempt") == [{"attempts": 1}]


async def test_nothing_is_begun_without_the_lease(shelf, outbox, lease):
    post = shelf.post()

    assert await outbox.begin(post, replace(lease, owner="them"), NOW, action="send", counts=True) is None
    assert await outbox.begin(post, lease, lease.until, action="send", counts=True) is None
    assert shelf.again(post).state is S.QUEUED
    assert shelf.rows("SELECT * FROM attempt") == []


async def test_an_attempt_is_written_down_before_it_is_made(shelf, outbox, lease):
    post = shelf.post()
    await outbox.begin(post, lease, SOON, action="send", counts=True)

    [row] = shelf.rows("SELECT post_id, owner, ended_at FROM attempt")
    assert row == {"post_id": post.id, "owner": "us", "ended_at": None}
    assert (shelf.again(post).tries, shelf.again(post).attempted_at) == (1, SOON)


async def test_what_went_out_tells_where_and_when(shelf, outbox, lease):
    post = shelf.post()
    await send(outbox, post, lease, now=SOON)

    sent = shelf.again(post)
    assert (sent.state, sent.receipt, sent.sent_at, sent.tries) == (S.SENT, OUT.receipt, SOON, 1)
    assert await outbox.known_ids("x") == {"7"}
    assert await outbox.known_ids("page") == frozenset()


async def test_a_try_that_failed_comes_again_in_its_time(shelf, outbox, lease):
    post = shelf.post()
    await send(outbox, post, lease, Verdict(S.QUEUED, "retry", in_words("busy"), next_try=SOON))

    again = shelf.again(post)
    assert (again.state, str(again.reason), again.next_try, again.tries, again.sent_at) == (
        S.QUEUED,
        "busy",
        SOON,
        1,
        None,
    )
    assert await due(outbox) is None


async def test_a_lane_goes_on_by_a_means_that_works(shelf, outbox, lease):
    post = shelf.post(means=Means.EDIT)
    await send(outbox, post, lease, Verdict(S.QUEUED, "gone", in_words("gone"), means=Means.NEW))

    assert shelf.again(post).means is Means.NEW


async def test_an_answer_that_comes_after_an_officer_dropped_the_post_revives_nothing(shelf, outbox, lease):
    post = shelf.post()
    shelf.move(post, S.IN_DOUBT)
    looked = shelf.again(post)
    begun = await outbox.begin(looked, lease, NOW, action="look", counts=False)
    shelf.move(post, S.DROPPED)
    await outbox.finish(looked, begun, Verdict(S.QUEUED, "not_found", in_words("sent again")), NOW, NOW)

    assert shelf.again(post).state is S.DROPPED
    assert shelf.rows("SELECT outcome FROM attempt") == [{"outcome": "not_found"}]


async def test_a_look_that_ends_late_does_not_disturb_the_next_send(shelf, outbox, lease):
    post = shelf.post()
    shelf.move(post, S.IN_DOUBT)
    looked = shelf.again(post)
    look = await outbox.begin(looked, lease, NOW, action="look", counts=False)
    shelf.move(post, S.QUEUED)  # retried by an officer
    queued = shelf.again(post)
    await outbox.begin(queued, lease, NOW, action="send", counts=True)
    await outbox.finish(looked, look, Verdict(S.QUEUED, "not_found"), NOW, NOW)

    assert shelf.again(post).state is S.SENDING


async def test_a_late_answer_that_it_is_out_is_believed(shelf, outbox, lease):
    post = shelf.post()
    begun = await outbox.begin(post, lease, NOW, action="send", counts=True)
    shelf.move(post, S.IN_DOUBT)  # another owner took the lane over meanwhile
    await outbox.finish(post, begun, OUT, NOW, NOW)

    assert (shelf.again(post).state, shelf.again(post).receipt) == (S.SENT, OUT.receipt)


async def test_a_late_answer_that_is_not_sure_is_not(shelf, outbox, lease):
    post = shelf.post()
    first = await outbox.begin(post, lease, NOW, action="send", counts=True)
    shelf.move(post, S.QUEUED)
    second = await outbox.begin(shelf.again(post), lease, NOW, action="send", counts=True)
    await outbox.finish(post, first, Verdict(S.IN_DOUBT, "in_doubt", next_try=NOW), NOW, NOW)
    assert shelf.again(post).state is S.SENDING

    await outbox.finish(post, second, OUT, NOW, NOW)
    assert shelf.again(post).state is S.SENT


async def test_only_a_post_in_doubt_is_looked_for(shelf, outbox, lease):
    post = shelf.post()

    assert await outbox.begin(post, lease, NOW, action="look", counts=False) is None
    assert await outbox.next_look("x", NOW) is None
    doubtful = shelf.post(next_try=SOON)
    shelf.move(doubtful, S.IN_DOUBT)
    assert await outbox.next_look("x", NOW) is None
    assert (await outbox.next_look("x", SOON)).id == doubtful.id


async def test_an_update_knows_what_it_follows(shelf, outbox, lease):
    stored = shelf.alert()
    first = shelf.post(stored)
    await send(outbox, first, lease)
    update = shelf.post(stored, kind=PostKind.UPDATE, means=Means.REPLY)

    begun = await outbox.begin(update, lease, NOW, action="send", counts=True)
    assert begun.parent == OUT.receipt


async def test_a_post_s_doubts_are_its_sends_that_ended_so(shelf, outbox, lease):
    first, other = shelf.post(), shelf.post()
    doubt = Verdict(S.IN_DOUBT, "in_doubt", in_words("lost"))
    await send(outbox, first, lease, Verdict(S.QUEUED, "retry", in_words("not yet")))
    assert await outbox.doubts(first) == 0
    await send(outbox, shelf.again(first), lease, doubt)
    looked = await outbox.begin(shelf.again(first), lease, NOW, action="look", counts=False)
    await outbox.finish(shelf.again(first), looked, Verdict(S.IN_DOUBT, "in_doubt", looked=True), NOW, NOW)
    await send(outbox, other, lease, doubt)

    assert (await outbox.doubts(first), await outbox.doubts(other)) == (1, 1)


async def test_what_a_killed_daemon_left_is_in_doubt(shelf, outbox, lease, database):
    post, looked = shelf.post(), shelf.post()
    await outbox.begin(post, lease, NOW, action="send", counts=True)
    shelf.move(looked, S.IN_DOUBT)
    await outbox.begin(shelf.again(looked), lease, NOW, action="look", counts=False)
    [theirs] = await take(database, ["x"], "them", lease.until, lease.until + timedelta(hours=1))

    assert await outbox.mark_interrupted("x", replace(theirs, owner="nobody"), lease.until) == 0
    assert await outbox.mark_interrupted("x", theirs, lease.until) == 2
    found = shelf.again(post)
    assert (found.state, found.next_try) == (S.IN_DOUBT, lease.until)
    assert "stopped in the middle" in str(found.reason)
    assert await outbox.mark_interrupted("x", theirs, lease.until) == 0, "once"


async def test_our_own_attempts_are_not_recovered(shelf, outbox, lease):
    post = shelf.post()
    await outbox.begin(post, lease, NOW, action="send", counts=True)

    assert await outbox.mark_interrupted("x", lease, NOW) == 0
    assert shelf.again(post).state is S.SENDING


async def test_what_is_over_ends_and_says_so(shelf, outbox, lease):
    queued = shelf.post(expires=SOON)
    waiting_alert = shelf.alert(state=AlertState.WAITING)
    waiting = shelf.post(waiting_alert, state=S.WAITING, expires=SOON)
    left = shelf.post(expires=SOON)
    shelf.move(left, S.IN_DOUBT)
    looked_for = shelf.post(expires=SOON, next_try=SOON)
    shelf.move(looked_for, S.IN_DOUBT)
    sending, goes_on = shelf.post(expires=SOON), shelf.post()
    shelf.move(sending, S.SENDING)

    assert await outbox.settle("x", lease, NOW) == 0
    assert await outbox.settle("x", lease, SOON) == 3
    states = [shelf.again(post).state for post in (queued, waiting, left, looked_for, sending, goes_on)]
    assert states == [S.EXPIRED, S.EXPIRED, S.EXPIRED, S.IN_DOUBT, S.SENDING, S.QUEUED]
    assert str(shelf.again(queued).reason) == "it was over before it could go out"
    stored = shelf.stored(waiting_alert.id)
    assert (stored.state, str(stored.reason)) == (AlertState.LEFT_OUT, "it was over before anybody validated it")


async def test_a_veto_that_nobody_used_lets_it_go(shelf, outbox, lease):
    stored = shelf.alert(state=AlertState.WAITING, reason=in_words("it goes out in 10m unless somebody rejects it"))
    vetoed = shelf.post(stored, state=S.WAITING, not_before=SOON)
    validated = shelf.post(shelf.alert(state=AlertState.WAITING), state=S.WAITING)

    assert await outbox.settle("x", lease, NOW) == 0
    assert await outbox.settle("x", lease, SOON) == 1
    assert [shelf.again(post).state for post in (vetoed, validated)] == [S.QUEUED, S.WAITING]
    assert (shelf.stored(stored.id).state, shelf.stored(stored.id).reason) == (AlertState.ACCEPTED, None)
    assert await due(outbox, now=SOON) == vetoed.id
    assert shelf.rows("SELECT what, reason FROM decision") == [{"what": "queued", "reason": '{"code":"nobody_vetoed"}'}]


async def test_a_lane_knows_when_time_alone_gives_it_work(shelf, outbox):
    assert await outbox.next_time("x", NOW) is None
    shelf.post(expires=LATER)
    assert await outbox.next_time("x", NOW) == LATER
    shelf.post(next_try=SOON + timedelta(minutes=2))
    assert await outbox.next_time("x", NOW) == SOON + timedelta(minutes=2)
    shelf.post(state=S.WAITING, not_before=SOON)
    assert await outbox.next_time("x", NOW) == SOON
    shelf.post(channel="page", next_try=NOW + timedelta(seconds=1))
    assert await outbox.next_time("x", NOW) == SOON, "another channel's"


async def test_a_lane_that_has_nothing_to_send_is_told_at_once_what_it_waits_for(shelf, outbox):
    assert await outbox.next_due("x", NOW, urgent_only=False) == Due([])
    doubtful = shelf.post(state=S.IN_DOUBT, next_try=NOW)
    shelf.post(next_try=SOON)
    idle = await outbox.next_due("x", NOW, urgent_only=False)
    assert (idle.posts, idle.doubtful.id, idle.time) == ([], doubtful.id, SOON)
    assert await outbox.next_look("x", NOW) == idle.doubtful
    assert await outbox.next_time("x", NOW) == idle.time
    shelf.post()
    busy = await outbox.next_due("x", NOW, urgent_only=False)
    assert (len(busy.posts), busy.doubtful, busy.time) == (1, None, None)


async def test_time_changes_nothing_under_a_lease_that_was_lost(shelf, outbox, lease):
    post = shelf.post(expires=NOW)
    assert await outbox.settle("x", replace(lease, number=lease.number - 1), SOON) == 0
    assert shelf.again(post).state is S.QUEUED
    assert await outbox.settle("x", lease, SOON) == 1


async def test_the_pace_counts_what_reached_the_platform(shelf, outbox, lease):
    for minutes, counts in ((3, True), (1, True), (2, False)):
        at = NOW + timedelta(minutes=minutes)
        await send(outbox, shelf.post(), lease, replace(OUT, counts=counts), now=at)

    at = [NOW + timedelta(minutes=minutes) for minutes in (1, 3)]
    assert await outbox.pace("x", NOW) == at
    assert await outbox.pace("x", NOW + timedelta(minutes=2)) == at[1:]
    assert await outbox.pace("page", NOW) == []
