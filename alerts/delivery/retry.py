"""What an attempt came to and what is next: pure functions of the error, the post and the time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from alerts.model.alert import Severity
from alerts.model.errors import BadCredential, DeliveryError, Duplicate, Gone, InDoubt, Rejected, Retry
from alerts.model.ports import Verdict
from alerts.model.post import Means, Post, PostState, Receipt

Chance = Callable[[], float]
"""A number from [0, 1), as `random.random`."""

LONGEST_WAIT = timedelta(minutes=5)
LOOKS = (timedelta(seconds=2), timedelta(seconds=3), timedelta(seconds=5))
"""When to look for a post in doubt: after each, the next; a platform's read side may lag."""
LOOKING_TAKES = timedelta(seconds=10)


def backoff(tries: int, chance: Chance) -> timedelta:
    """Full jitter: anything from nothing to a second doubled with each try, five minutes at the most."""
    return min(timedelta(seconds=2.0 ** min(tries, 16)), LONGEST_WAIT) * chance()


def sent(receipt: Receipt) -> Verdict:
    """It is out."""
    return Verdict(PostState.SENT, "sent", receipt=receipt)


def judge(error: DeliveryError, post: Post, now: datetime, chance: Chance) -> Verdict:
    """What a failed attempt to send means for the post."""
    reason = error.reason
    match error:
        case Retry():
            wait = None if error.whole_channel else error.after or now + backoff(post.tries + 1, chance)
            return Verdict(PostState.QUEUED, "retry", reason, next_try=wait, counts=error.sent)
        case InDoubt():
            return Verdict(PostState.IN_DOUBT, "in_doubt", reason, next_try=now + LOOKS[0])
        case Duplicate():
            return Verdict(PostState.IN_DOUBT, "duplicate", reason, next_try=now)
        case BadCredential():
            return Verdict(PostState.QUEUED, "credential", reason, counts=False)
        case Gone():
            return _without_its_parent(reason, post)
        case Rejected() if post.means in (Means.EDIT, Means.DELETE):
            return Verdict(PostState.QUEUED, "rejected", reason, next_try=now, means=Means.REPLY)
        case _:
            return Verdict(PostState.FAILED, "rejected", reason)


def _without_its_parent(reason: str, post: Post) -> Verdict:
    """The post to answer, change or delete is gone: deleting it is done, anything else is said anew."""
    if post.means is Means.DELETE:
        return Verdict(PostState.SENT, "gone", reason)
    if post.means is Means.NEW:
        return Verdict(PostState.FAILED, "gone", reason)
    return Verdict(PostState.QUEUED, "gone", reason, means=Means.NEW)


def found(receipt: Receipt) -> Verdict:
    """A look showed that it is out."""
    return Verdict(PostState.SENT, "found", receipt=receipt, counts=False, looked=True)


def not_found(post: Post, now: datetime) -> Verdict:
    """A look didn't show it: look again, or, after several over at least ten seconds, it isn't there."""
    looks = post.looks + 1
    settled = (post.attempted_at or now) + LOOKING_TAKES
    if looks < len(LOOKS) or now < settled:
        wait = LOOKS[min(looks, len(LOOKS) - 1)]
        return Verdict(PostState.IN_DOUBT, "not_found", post.reason, next_try=now + wait, counts=False, looked=True)
    if post.expires is not None and post.expires <= now:
        return Verdict(PostState.EXPIRED, "not_found", "it didn't go out, and is over", counts=False, looked=True)
    if post.outcome == "duplicate":
        reason = f"refused as a duplicate, and no post of ours is there: {post.reason}"
        return Verdict(PostState.FAILED, "not_found", reason, counts=False, looked=True)
    return Verdict(PostState.QUEUED, "not_found", "it wasn't there: sent again", counts=False, looked=True)


def cannot_look(post: Post, reason: str) -> Verdict:
    """Where looking is no answer: Moderate or worse is sent again, a lesser one waits for the officer."""
    grave = post.severity is Severity.UNKNOWN or post.severity.at_least(Severity.MODERATE)
    if grave and post.outcome != "duplicate":
        return Verdict(PostState.QUEUED, "sent_again", f"it may be out twice: {reason}", counts=False, looked=True)
    waits = f"it may be out; retry or drop it: {reason}"
    return Verdict(PostState.IN_DOUBT, "officer", waits, counts=False, looked=True)


def look_failed(error: DeliveryError, post: Post, now: datetime, chance: Chance) -> Verdict:
    """The platform couldn't be asked: ask again later; nothing is known."""
    if isinstance(error, InDoubt):
        return cannot_look(post, error.reason)
    after = error.after if isinstance(error, Retry) else None
    wait = after or now + timedelta(seconds=1) + backoff(4, chance)
    return Verdict(PostState.IN_DOUBT, "look_failed", post.reason, next_try=wait, counts=False)
