"""The consequences of an attempt's outcome: pure functions of the error, the post and the time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from alerts.model.alert import Severity
from alerts.model.backoff import backoff
from alerts.model.delivery import ChannelStatus, Verdict
from alerts.model.errors import (
    BadCredential,
    ChatMoved,
    DeliveryError,
    Duplicate,
    Gone,
    InDoubt,
    ReaderGone,
    Rejected,
    Retry,
    Unexplained,
)
from alerts.model.job import Job
from alerts.model.post import UNEXPLAINED, Means, Post, PostKind, PostState, Receipt
from alerts.model.reason import Reason, because

Chance = Callable[[], float]
"""A number from [0, 1), as `random.random`."""

# Backoff ends here: an alert shouldn't wait longer for a platform that has recovered.
LONGEST_WAIT = timedelta(minutes=5)
WAITS = timedelta(seconds=2), LONGEST_WAIT
"""Until the second try, at the longest, and until any later one."""
LOOKS = (timedelta(seconds=2), timedelta(seconds=3), timedelta(seconds=5))
"""The delays of verifications of a post in doubt, one after the other; a platform's read side may lag."""
LONGEST_DOUBT = timedelta(seconds=30)
"""Until what may be out is said again where that does no harm: what comes after it on the channel waits for that."""
# A platform's read side may lag by seconds: an earlier absence proves nothing.
LOOKING_TAKES = timedelta(seconds=10)
# A credential is rarely repaired sooner, and a probe may cost money.
PROBED_AFTER = timedelta(seconds=30)
UNEXPLAINED_AFTER = timedelta(minutes=1)
"""When a post is tried again that was refused without an explanation; later each time, five minutes at the most."""
MOST_DOUBTED = 2
"""How often a message to one chat is sent whose answers are lost: once too often is better than never."""
# Done twice, these have the same result as done once.
_REPEATABLE = (Means.EDIT, Means.DELETE)


def sent(receipt: Receipt | None) -> Verdict:
    """It is out; without a receipt where it was to be taken back."""
    return Verdict(PostState.SENT, "sent", receipt=receipt)


def misdirected(post: Post) -> Verdict:
    """An exercise on a live channel, or the other way round: nothing leaves."""
    if post.exercise:
        return Verdict(PostState.FAILED, "rejected", because("exercise_on_live_channel"), counts=False)
    return Verdict(PostState.FAILED, "rejected", because("real_on_exercise_channel"), counts=False)


def overtaken() -> Verdict:
    """The lease ran out between the journal and the request: what another owner may be sending must not leave."""
    return Verdict(PostState.QUEUED, "retry", because("lane_given_up"), counts=False)


def too_late() -> Verdict:
    """Its end came between the journal and the request, while the database was waited for: the lane lets it expire."""
    return Verdict(PostState.QUEUED, "retry", because("over_before_sent"), counts=False)


def stands_alone() -> Verdict:
    """There is nothing out to change or take back, so it is a new post, and the windows have no room for one yet."""
    reason = because("waits_as_new_post")
    return Verdict(PostState.QUEUED, "retry", reason, counts=False, means=Means.NEW)


def never_asked() -> Verdict:
    """There is no poll on the platform that could be closed: it never went out, or the channel has none any more."""
    return Verdict(PostState.FAILED, "rejected", because("poll_never_asked"), counts=False)


def judge(
    error: DeliveryError, post: Post, via: Means, now: datetime, chance: Chance, *, repeatable: bool = False
) -> Verdict:
    """Return the consequence of a failed send for the post; `via` is the request that was really made.

    `repeatable`: the receiver drops a repeated post.
    """
    reason = error.reason
    match error:
        case Retry():
            named = _ahead(error.after, now)
            # Where all of the channel pauses, its status holds the post back, and no time of its own has to.
            wait = None if error.whole_channel else named or now + backoff(post.tries + 1, *WAITS, chance())
            return Verdict(PostState.QUEUED, "retry", reason, next_try=wait, counts=error.sent)
        case InDoubt() if via in _REPEATABLE:
            # Changed or taken back twice is the same as once: nothing has to be looked for.
            wait = now + backoff(post.tries + 1, *WAITS, chance())
            return Verdict(PostState.QUEUED, "retry", reason, next_try=wait)
        # It may be out: said again it would stand there twice, so it is looked for first. Where it would stand there
        # once it is said again in a while; in doubt meanwhile, so that an end which comes then isn't left out.
        case InDoubt():
            doubt = min(backoff(post.tries + 1, *WAITS, chance()), LONGEST_DOUBT) if repeatable else LOOKS[0]
            return Verdict(PostState.IN_DOUBT, "in_doubt", reason, next_try=now + doubt)
        # The platform has these words already, perhaps from an attempt whose answer was lost: ours is looked for.
        case Duplicate():
            return Verdict(PostState.IN_DOUBT, "duplicate", reason, next_try=now)
        case BadCredential() | Unexplained():
            return _kept(error, post, now)
        case Gone():
            return _without_its_parent(reason, via)
        # A platform may refuse to change or delete what is out (Telegram deletes nothing older than 48 hours), but
        # readers have to be told: it is said in a reply.
        case Rejected() if via in _REPEATABLE and not isinstance(error, ReaderGone):
            return Verdict(PostState.QUEUED, "rejected", reason, means=Means.REPLY)
        case _:
            return Verdict(PostState.FAILED, "rejected", reason)


def _kept(error: DeliveryError, post: Post, now: datetime) -> Verdict:
    """Nothing is given up for what is, or may be, our access's fault; unexplained, it is tried now and then."""
    if isinstance(error, BadCredential):
        return Verdict(PostState.QUEUED, "credential", error.reason, counts=False)
    wait = backoff(post.tries + 1, UNEXPLAINED_AFTER, LONGEST_WAIT)
    return Verdict(PostState.QUEUED, UNEXPLAINED, error.reason, next_try=now + wait)


def judge_count(error: DeliveryError, post: Post, now: datetime, chance: Chance) -> Verdict:
    """The same for the closing of a poll: done twice is as once, and its numbers are nowhere but on the platform."""
    if isinstance(error, Gone | Rejected | Duplicate):
        return Verdict(PostState.FAILED, "rejected", error.reason)
    return judge(error, post, Means.EDIT, now, chance)


def _ahead(named: datetime | None, now: datetime) -> datetime | None:
    """The time the platform named, if it is one to wait for: a past one would be no pause at all."""
    return named if named is not None and named > now else None


def _without_its_parent(reason: Reason, via: Means) -> Verdict:
    """The post to answer, change or delete is gone: deleting it is done, anything else is said anew."""
    if via is Means.DELETE:
        return Verdict(PostState.SENT, "gone", reason)
    if via is Means.NEW:
        return Verdict(PostState.FAILED, "gone", reason)
    return Verdict(PostState.QUEUED, "gone", reason, means=Means.NEW)


def stands_after(
    error: DeliveryError, status: ChannelStatus, now: datetime, refusals: int, chance: Chance
) -> ChannelStatus:
    """Return the health of the whole channel after a refusal; `refusals` counts the pauses since it last worked.

    A credential is probed after 30 s, then ever more slowly (a probe may cost money), at least every five minutes.
    """
    match error:
        case BadCredential():
            # Several posts under way meet the same refusal: the first of them alone makes the pause longer.
            if status.state == "blocked" and status.blocked_until is not None and status.blocked_until > now:
                return status
            until = now + backoff(refusals + 1, PROBED_AFTER, LONGEST_WAIT)
            return replace(status, state="blocked", reason=error.reason, blocked_until=until)
        case Retry() if error.whole_channel and status.state != "blocked":
            paused = timedelta(seconds=1) + backoff(refusals + 1, *WAITS, chance())
            # A pause that the platform asked for before isn't cut short by a shorter one.
            until = max(_ahead(error.after, now) or now + paused, status.blocked_until or now)
            return replace(status, state="failing", reason=error.reason, blocked_until=until)
        case _:
            return status


def found(receipt: Receipt) -> Verdict:
    """Return the verdict of a verification that found the post."""
    return Verdict(PostState.SENT, "found", receipt=receipt, counts=False, looked=True)


def repeat() -> Verdict:
    """Return the verdict of a post in doubt that is harmless to repeat."""
    return Verdict(PostState.QUEUED, "sent_again", because("done_once_more"), counts=False, looked=True)


def not_found(post: Post, now: datetime, *, surely: bool = False) -> Verdict:
    """Return the verdict of a fruitless search.

    Search again, or, after several over at least ten seconds, it isn't out; `surely`: one search tells.
    """
    looks = post.looks + 1
    # Less than nothing has passed where the clock was set back: then the looks alone have to do.
    too_soon = timedelta() <= now - (post.attempted_at or now) < LOOKING_TAKES
    if not surely and (looks < len(LOOKS) or too_soon):
        wait = LOOKS[min(looks, len(LOOKS) - 1)]
        return Verdict(PostState.IN_DOUBT, "not_found", post.reason, next_try=now + wait, counts=False, looked=True)
    if post.expires is not None and post.expires <= now:
        return Verdict(PostState.EXPIRED, "not_found", because("not_out_and_over"), counts=False, looked=True)
    if post.outcome == "duplicate":
        reason = because("duplicate_not_found", why=post.reason or because("not_told"))
        return Verdict(PostState.FAILED, "not_found", reason, counts=False, looked=True)
    return Verdict(PostState.QUEUED, "not_found", because("not_there_sent_again"), counts=False, looked=True)


def cannot_look(post: Post, reason: Reason, now: datetime, chance: Chance) -> Verdict:
    """Return the verdict if a search proves nothing: Moderate or worse is sent again, a lesser one is the officer's.

    Again at once the first time, then after ever longer pauses: each try may leave one more copy.
    """
    grave = post.severity is Severity.UNKNOWN or post.severity.at_least(Severity.MODERATE)
    if grave and post.outcome != "duplicate":
        again = None if post.tries < 2 else now + timedelta(seconds=1) + backoff(post.tries + 2, *WAITS, chance())
        why = because("maybe_out_twice", why=reason)
        return Verdict(PostState.QUEUED, "sent_again", why, next_try=again, counts=False, looked=True)
    return _officer_decides(reason)


def once_more(post: Post, reason: Reason, doubts: int) -> Verdict:
    """Return the verdict if most receivers drop repeats and none can be searched: Severe or worse is sent once more.

    `doubts` is how many sends ended in doubt. A second one, and a lesser post, wait for the officer: a repeat that
    isn't dropped is read twice.
    """
    grave = post.severity is Severity.UNKNOWN or post.urgent
    if grave and doubts < 2:
        why = because("maybe_out_twice", why=reason)
        return Verdict(PostState.QUEUED, "sent_again", why, counts=False, looked=True)
    return _officer_decides(reason)


def never_again(verdict: Verdict) -> Verdict:
    """Return the verdict of a look where nothing may be sent twice: what would be sent again waits for the officer."""
    if verdict.state is not PostState.QUEUED:
        return verdict
    why = verdict.reason["why"] if verdict.reason and verdict.outcome == "sent_again" else None
    return _officer_decides(why if isinstance(why, Reason) else because("not_found_there"))


def _officer_decides(reason: Reason) -> Verdict:
    waits = because("maybe_out_decide", why=reason)
    return Verdict(PostState.IN_DOUBT, "officer", waits, counts=False, looked=True)


def look_failed(error: DeliveryError, post: Post, now: datetime, chance: Chance) -> Verdict:
    """Return the verdict of a failed request: verify again later. A platform that will never answer proves nothing."""
    if isinstance(error, Gone) and post.kind is PostKind.ANSWER:
        # What somebody asked was taken back, and every answer to it with it.
        return Verdict(PostState.FAILED, "gone", error.reason, counts=False, looked=True)
    if isinstance(error, InDoubt | Rejected | Gone | Duplicate):
        return cannot_look(post, error.reason, now, chance)
    named = _ahead(error.after, now) if isinstance(error, Retry) else None
    wait = named or now + timedelta(seconds=1) + backoff(4, *WAITS, chance())
    return Verdict(PostState.IN_DOUBT, "look_failed", post.reason, next_try=wait, counts=False)


def uncounted(verdict: Verdict) -> Verdict:
    """The same, where the platform doesn't count such a write."""
    return replace(verdict, counts=False)


@dataclass(frozen=True, slots=True)
class JobRules:
    """How the jobs of a kind are repeated.

    `repeatable`: done twice it is as done once. `longest` is the longest pause between two tries. `looks` are the
    delays of the searches for a job in doubt, one after the other; without any it is done once more, unless that was
    in doubt too.
    """

    repeatable: bool = False
    longest: timedelta = LONGEST_WAIT
    looks: Sequence[timedelta] = ()


def job_failed(error: DeliveryError, job: Job, rules: JobRules, until: datetime | None, now: datetime) -> Job:
    """Return a job after an attempt that failed; after `until` one that could be repeated fails for good.

    Given up so, it keeps the time of its next try.
    """
    tried = replace(job, state=PostState.QUEUED, reason=error.reason, looks=0)
    pause = now + backoff(job.tries, WAITS[0], rules.longest)
    match error:
        case BadCredential():
            after = replace(tried, next_try=now + backoff(job.tries, PROBED_AFTER, rules.longest))
        case Retry() | ChatMoved():
            named = error.after if isinstance(error, Retry) else None
            after = replace(tried, next_try=max(named or pause, pause))
        case InDoubt() | Duplicate() if not rules.repeatable:
            return replace(tried, state=PostState.IN_DOUBT, next_try=now + (rules.looks or LOOKS)[0])
        case InDoubt() | Duplicate():
            after = replace(tried, next_try=pause)
        case _:
            return replace(tried, state=PostState.FAILED)
    return replace(after, state=PostState.FAILED) if until is not None and now >= until else after


def job_not_found(job: Job, rules: JobRules, now: datetime) -> Job:
    """Return a job in doubt after a fruitless search; after the last one an officer decides."""
    looks = job.looks + 1
    if looks < len(rules.looks):
        return replace(job, looks=looks, next_try=now + rules.looks[looks])
    return replace(job, looks=looks, next_try=None)


def job_gives_up(job: Job, rules: JobRules) -> bool:
    """True if a job in doubt is not done again: it was done twice, and both answers were lost."""
    is_in_doubt = job.state is PostState.IN_DOUBT and not rules.repeatable and not rules.looks
    return is_in_doubt and job.tries >= MOST_DOUBTED
