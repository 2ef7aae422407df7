"""What an attempt came to: every outcome, as pure functions."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.delivery import retry
from alerts.model.alert import Severity
from alerts.model.delivery import ChannelStatus, Verdict
from alerts.model.errors import BadCredential, DeliveryError, Duplicate, Gone, InDoubt, Rejected, Retry
from alerts.model.post import FOLLOWS, Means, Message, Post, PostKind, PostState, Quota, Receipt
from alerts.model.reason import in_words
from tests.walls import in_one_test

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
POST = Post(
    id="p",
    alert_id="a",
    incident_id="i",
    channel="x",
    kind=PostKind.PUBLISH,
    means=Means.NEW,
    state=PostState.SENDING,
    priority=0,
    message=Message("", ""),
    severity=Severity.MODERATE,
    stored_at=NOW - timedelta(minutes=1),
    attempted_at=NOW,
)
LATER = NOW + timedelta(minutes=7)

chances = st.floats(0, 1, exclude_max=True)
times = st.none() | st.integers(-43_200, 43_200).map(lambda seconds: NOW + timedelta(seconds=seconds))
errors = st.one_of(
    st.builds(Retry, st.just("no"), times, whole_channel=st.booleans(), sent=st.booleans()),
    st.sampled_from([InDoubt("?"), Duplicate("twice"), Rejected("no"), Gone("gone"), BadCredential("401")]),
    st.just(DeliveryError("something new")),
)
posts = st.builds(
    replace,
    st.just(POST),
    severity=st.sampled_from(Severity),
    tries=st.integers(0, 50),
    looks=st.integers(0, 9),
    outcome=st.sampled_from([None, "in_doubt", "duplicate"]),
    expires=times,
    attempted_at=times,
)


def half() -> float:
    return 0.5


def judge(error: DeliveryError, via: Means = Means.NEW, **fields: object) -> Verdict:
    return retry.judge(error, replace(POST, **fields), via, NOW, half)


@given(errors, posts, st.sampled_from(Means), chances)
def test_what_may_follow_a_send_is_what_the_states_allow(error, post, via, chance):
    verdict = retry.judge(error, post, via, NOW, lambda: chance)
    assert verdict.state in FOLLOWS[PostState.SENDING]
    assert verdict.reason
    assert not verdict.looked
    assert verdict.next_try is None or verdict.next_try >= NOW


@given(errors, posts, chances)
def test_what_may_follow_a_look_is_what_the_states_allow(error, post, chance):
    verdicts = [
        retry.found(Receipt("1")),
        retry.repeat(),
        retry.not_found(post, NOW),
        retry.cannot_look(post, "deaf", NOW, lambda: chance),
        retry.look_failed(error, post, NOW, lambda: chance),
    ]
    for verdict in verdicts:
        assert verdict.state is PostState.IN_DOUBT or verdict.state in FOLLOWS[PostState.IN_DOUBT]
        assert not verdict.counts, "a look is no post"


@given(st.floats(0, 40), st.floats(0, 3), st.sampled_from(["in_doubt", "duplicate"]))
def test_looks_go_on_for_ten_seconds_at_least_and_three_times(answered_after, delay, outcome):
    now = NOW + timedelta(seconds=answered_after)
    first = now
    error = InDoubt("?") if outcome == "in_doubt" else Duplicate("twice")
    verdict = retry.judge(error, POST, Means.NEW, now, half)
    post, looks = replace(POST, outcome=outcome), 0
    while verdict.state is PostState.IN_DOUBT:
        now = verdict.next_try + timedelta(seconds=delay)
        verdict = retry.not_found(replace(post, looks=looks), now)
        looks += 1
        assert looks < 20
    assert looks >= 3
    assert now - NOW >= timedelta(seconds=10)
    if outcome == "in_doubt":
        assert now - first >= timedelta(seconds=10)
    assert verdict.state is (PostState.QUEUED if outcome == "in_doubt" else PostState.FAILED)


def test_the_looks_of_an_unanswered_send_come_at_two_five_and_ten_seconds():
    now, at = NOW, []
    verdict = judge(InDoubt("?"))
    for looks in range(3):
        now = verdict.next_try
        at.append((now - NOW).total_seconds())
        verdict = retry.not_found(replace(POST, looks=looks), now)
    assert at == [2, 5, 10]
    assert verdict.state is PostState.QUEUED


def test_looks_end_though_the_clock_was_set_back_since_the_attempt():
    post = replace(POST, attempted_at=NOW + timedelta(hours=1), looks=2)
    assert retry.not_found(post, NOW).state is PostState.QUEUED


@in_one_test
@pytest.mark.parametrize(
    ("error", "next_try", "counts"),
    [
        (Retry("later", LATER), LATER, True),
        (Retry("unheard", sent=False), NOW + timedelta(seconds=8), False),
        (Retry("later", NOW - timedelta(hours=1)), NOW + timedelta(seconds=8), True),
        (Retry("all wait", LATER, whole_channel=True), None, True),
    ],
)
def test_a_retry_waits_as_long_as_it_is_told_or_backs_off(error, next_try, counts):
    verdict = judge(error, tries=3)
    assert (verdict.state, verdict.next_try, verdict.counts) == (PostState.QUEUED, next_try, counts)


@in_one_test
@pytest.mark.parametrize(
    ("via", "state", "means"),
    [
        (Means.NEW, PostState.FAILED, None),
        (Means.REPLY, PostState.QUEUED, Means.NEW),
        (Means.EDIT, PostState.QUEUED, Means.NEW),
        (Means.DELETE, PostState.SENT, None),
    ],
)
def test_a_parent_that_is_gone_leads_to_a_post_of_its_own(via, state, means):
    verdict = judge(Gone("deleted"), via)
    assert (verdict.state, verdict.means) == (state, means)


@in_one_test
@pytest.mark.parametrize(
    ("via", "state", "means"),
    [
        (Means.NEW, PostState.FAILED, None),
        (Means.REPLY, PostState.FAILED, None),
        (Means.EDIT, PostState.QUEUED, Means.REPLY),
        (Means.DELETE, PostState.QUEUED, Means.REPLY),
    ],
)
def test_what_may_not_be_changed_is_answered_instead(via, state, means):
    verdict = judge(Rejected("too old"), via)
    assert (verdict.state, verdict.means) == (state, means)


@pytest.mark.parametrize("via", [Means.EDIT, Means.DELETE])
def test_a_change_in_doubt_is_made_again_without_looking(via):
    verdict = judge(InDoubt("500"), via, tries=1)
    assert (verdict.state, verdict.next_try) == (PostState.QUEUED, NOW + timedelta(seconds=2))


@in_one_test
@pytest.mark.parametrize("severity", [Severity.EXTREME, Severity.SEVERE, Severity.MODERATE, Severity.UNKNOWN])
def test_where_looking_is_no_answer_a_grave_alert_is_sent_again(severity):
    verdict = retry.cannot_look(replace(POST, severity=severity, tries=1), "deaf", NOW, half)
    assert (verdict.state, verdict.next_try) == (PostState.QUEUED, None)
    again = retry.cannot_look(replace(POST, severity=severity, tries=9), "deaf", NOW, half)
    assert again.next_try == NOW + timedelta(seconds=151), "each try may leave one more copy"


def test_where_looking_is_no_answer_a_lesser_one_waits_for_the_officer():
    verdict = retry.cannot_look(replace(POST, severity=Severity.MINOR), "deaf", NOW, half)
    assert (verdict.state, verdict.next_try, verdict.outcome) == (PostState.IN_DOUBT, None, "officer")
    assert "retry or drop" in str(verdict.reason)


def test_a_duplicate_that_nobody_can_look_for_is_not_sent_again():
    verdict = retry.cannot_look(replace(POST, outcome="duplicate", severity=Severity.EXTREME), "deaf", NOW, half)
    assert verdict.state is PostState.IN_DOUBT


def test_a_platform_that_cannot_be_asked_is_asked_later():
    verdict = retry.look_failed(Retry("down", LATER), POST, NOW, half)
    assert (verdict.state, verdict.next_try, verdict.looked) == (PostState.IN_DOUBT, LATER, False)
    verdict = retry.look_failed(BadCredential("401"), POST, NOW, half)
    assert NOW < verdict.next_try <= NOW + timedelta(seconds=17)


@pytest.mark.parametrize("error", [InDoubt("no way to begin"), Rejected("not allowed to read")])
def test_a_platform_that_will_never_tell_is_no_answer(error):
    assert retry.look_failed(error, replace(POST, tries=1), NOW, half).outcome == "sent_again"


def test_a_lost_answer_to_what_was_taken_back_waits_for_nobody():
    answer = replace(POST, kind=PostKind.ANSWER, severity=Severity.MINOR)
    verdict = retry.look_failed(Gone("taken back"), answer, NOW, half)
    assert (verdict.state, verdict.outcome) == (PostState.FAILED, "gone")
    assert retry.look_failed(InDoubt("no rights"), answer, NOW, half).outcome == "officer"


def test_what_is_over_when_the_looks_are_done_is_not_sent_again():
    post = replace(POST, looks=2, expires=NOW + timedelta(seconds=5))
    assert retry.not_found(post, NOW + timedelta(seconds=11)).state is PostState.EXPIRED


class TestStanding:
    """What one post's refusal says of the whole channel."""

    QUOTAS = (Quota(0, LATER),)

    def after(self, error: DeliveryError, standing: ChannelStatus | None = None, refusals: int = 0) -> ChannelStatus:
        return retry.stands_after(error, standing or ChannelStatus(quotas=self.QUOTAS), NOW, refusals, half)

    @in_one_test
    @pytest.mark.parametrize("error", [Rejected("no"), InDoubt("?"), Gone("g"), Duplicate("d"), Retry("this one")])
    def test_most_say_nothing(self, error):
        assert self.after(error) == ChannelStatus(quotas=self.QUOTAS)

    def test_a_pause_lasts_as_the_platform_says_and_keeps_its_quotas(self):
        assert self.after(Retry("429", LATER, whole_channel=True)) == ChannelStatus(
            "failing", in_words("429"), LATER, self.QUOTAS
        )

    def test_a_pause_without_a_time_grows(self):
        pauses = [self.after(Retry("429", whole_channel=True), refusals=n).blocked_until - NOW for n in range(12)]
        assert pauses == sorted(pauses)
        assert pauses[0] == timedelta(seconds=2)
        assert pauses[-1] == timedelta(seconds=151)

    def test_the_longer_of_two_pauses_holds(self):
        paused = ChannelStatus("failing", in_words("429"), LATER)
        short = Retry("429", NOW + timedelta(seconds=1), whole_channel=True)
        assert self.after(short, paused).blocked_until == LATER

    def test_a_credential_is_probed_ever_more_slowly(self):
        waits = [self.after(BadCredential("401"), refusals=n).blocked_until - NOW for n in range(6)]
        assert [wait.total_seconds() for wait in waits] == [30, 60, 120, 240, 300, 300]

    def test_what_else_fails_meanwhile_doesnt_hide_a_bad_credential(self):
        blocked = ChannelStatus("blocked", in_words("401"), NOW + timedelta(seconds=30))
        assert self.after(Retry("429", LATER, whole_channel=True), blocked) == blocked
        assert self.after(BadCredential("401 once more"), blocked) == blocked


def test_where_one_search_tells_for_certain_a_missing_post_is_sent_again_at_once():
    post = replace(POST, state=PostState.IN_DOUBT)
    assert retry.not_found(post, NOW).state is PostState.IN_DOUBT
    assert retry.not_found(post, NOW, surely=True).state is PostState.QUEUED
    over = replace(post, expires=NOW)
    assert retry.not_found(over, NOW, surely=True).state is PostState.EXPIRED
