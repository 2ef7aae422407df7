"""The audit alone: each broken promise is told, and what is as it was promised is not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from alerts.delivery.limiter import RateLimits
from alerts.model.alert import Severity
from alerts.model.post import Means, PostKind, PostState
from alerts.model.town import parse_window
from simulation.audit import Act, Promised, Rules, Seen, audit

NOON = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
LATER = NOON + timedelta(hours=2)


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def promised(**changes):
    post = Promised(
        post="p1",
        alert="a1",
        incident="i1",
        channel="x",
        kind=PostKind.PUBLISH,
        severity=Severity.MINOR,
        exercise=False,
        seq=1,
        stored_at=NOON,
        ready_at=NOON,
        ends=after(3600),
        state=PostState.SENT,
        reason=None,
        text="Crue",
        remote_id="1",
        tries=1,
    )
    return replace(post, **changes)


def seen(text="Crue", remote_id="1", at=1.0, act=Act.PUBLISH):
    return Seen("x", act, text, after(at), after(at + 0.1), remote_id)


def broken(posts, requests, *limits, reserve=0, exercise=False, now=LATER):
    rules = {"x": Rules(RateLimits(tuple(map(parse_window, limits)), reserve), exercise, counts_every_write=False)}
    return [breach.promise for breach in audit(posts, requests, rules, now)]


def test_what_is_as_it_was_promised_is_no_breach():
    update = promised(post="p2", seq=2, text="Suite", remote_id="2", kind=PostKind.UPDATE)
    failed = promised(post="p3", seq=3, text="Vent", state=PostState.FAILED, reason="refused", incident="i2")
    gone = promised(post="p4", seq=4, text="Fin", means=Means.DELETE, remote_id=None, kind=PostKind.END)
    assert broken([promised(), update, failed, gone], [seen(), seen("Suite", "2", 5)], "2/1m") == []


@pytest.mark.parametrize(
    "post",
    [
        promised(),
        promised(state=PostState.FAILED),
        promised(state=PostState.SENDING, reason="under way"),
        promised(state=PostState.QUEUED, ends=None),
        promised(state=PostState.QUEUED, ends=after(60)),
    ],
    ids=["never taken", "without a reason", "still being sent", "stands still", "past its end"],
)
def test_what_is_lost_is_told(post):
    assert broken([post], []) == ["nothing lost"]


def test_the_receipt_of_another_post_is_told():
    assert broken([promised(remote_id="7")], [seen()]) == ["nothing lost"]


def test_what_waits_for_its_window_is_not_lost():
    waiting = promised(post="p2", state=PostState.QUEUED, text="Vent", incident="i2", ends=after(9000))
    assert broken([promised(), waiting], [seen()], "1/24h") == []


def test_what_is_out_twice_is_told_unless_the_house_says_so():
    twice = [seen(), seen(remote_id="2", at=20)]
    assert broken([promised()], twice) == ["nothing twice"]
    assert broken([promised(may_repeat=True)], twice) == []


def test_the_same_words_of_an_alert_that_came_again_are_not_twice():
    again = promised(post="p2", seq=2, stored_at=after(10), ready_at=after(10), remote_id="2", incident="i2")
    assert broken([promised(), again], [seen(), seen(remote_id="2", at=20)]) == []


def test_of_two_posts_with_the_same_words_that_both_waited_each_has_the_request_of_its_receipt():
    again = promised(post="p2", seq=2, state=PostState.FAILED, remote_id=None, reason="a duplicate", incident="i2")
    assert broken([promised(), again], [seen(), seen(remote_id=None, at=20)]) == []


def test_what_leaves_after_its_end_is_told_though_it_was_refused():
    assert "nothing late" in broken([promised(state=PostState.FAILED, reason="no")], [seen(at=3601, remote_id=None)])
    assert broken([promised(ends=after(3600))], [seen(at=3600)]) == []


def test_an_update_that_overtakes_its_alert_is_told():
    update = promised(post="p2", seq=2, text="Suite", remote_id="2", kind=PostKind.UPDATE)
    assert broken([promised(), update], [seen(at=9), seen("Suite", "2", 1)]) == ["nothing out of order"]


@pytest.mark.parametrize("exercise", [True, False])
def test_an_exercise_on_a_live_channel_and_the_other_way_round_are_told(exercise):
    assert broken([promised(exercise=not exercise)], [seen()], exercise=exercise) == ["an exercise stays one"]


def test_what_is_urgent_and_left_after_what_is_not_is_told():
    grave = promised(post="p2", seq=2, text="Vent", remote_id="2", incident="i2", severity=Severity.EXTREME)
    assert broken([promised(), grave], [seen(at=10), seen("Vent", "2", 20)]) == ["urgent overtakes"]
    assert broken([promised(), grave], [seen(at=2), seen("Vent", "2", 20)]) == [], "it was on its way already"


def test_a_window_that_holds_too_much_is_told():
    vent = promised(post="p2", seq=2, text="Vent", remote_id="2", incident="i2")
    requests = [seen(), seen("Vent", "2", 59)]
    assert broken([promised(), vent], requests, "1/1m") == ["the quota is kept"]
    assert broken([promised(), vent], [seen(), seen("Vent", "2", 61)], "1/1m") == []


def test_the_reserve_is_for_what_is_urgent():
    vent = promised(post="p2", seq=2, text="Vent", remote_id="2", incident="i2")
    requests = [seen(), seen("Vent", "2", 30)]
    assert broken([promised(), vent], requests, "2/1m", reserve=1) == ["the quota is kept"]
    assert broken([promised(), replace(vent, severity=Severity.SEVERE)], requests, "2/1m", reserve=1) == []


def test_words_of_no_post_are_told():
    assert broken([promised()], [seen(), seen("Autre", "2", 3)]) == ["nothing unknown"]
