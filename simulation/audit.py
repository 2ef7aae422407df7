"""Compares what was promised with what the platforms' timelines hold. All of it is pure functions.

`Promised` is one post as the daemon tells it at the end; `Seen` one request that reached a platform. A `Breach` says
in words what breaks a promise.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise

from alerts.delivery.limiter import RateLimits
from alerts.model.alert import Severity
from alerts.model.post import Means, PostKind, PostState


class Act(StrEnum):
    """What a platform was asked to do."""

    PUBLISH = "publish"
    EDIT = "edit"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Promised:
    """One post of the outbox at the end: what it was to be, and what the daemon says became of it.

    `seq` is the order of storing, `ready_at` when it could first have gone out, `may_repeat` whether the daemon itself
    says that it may be out twice.
    """

    post: str
    alert: str
    incident: str
    channel: str
    kind: PostKind
    severity: Severity
    exercise: bool
    seq: int
    stored_at: datetime
    ready_at: datetime
    ends: datetime | None
    state: PostState
    reason: str | None
    text: str
    means: Means = Means.NEW
    remote_id: str | None = None
    tries: int = 0
    may_repeat: bool = False

    @property
    def urgent(self) -> bool:
        """Severe or Extreme."""
        return self.severity.at_least(Severity.SEVERE)


@dataclass(frozen=True, slots=True)
class Seen:
    """One request as the platform saw it: when it left the daemon, when it arrived, and under which id it was taken."""

    channel: str
    act: Act
    text: str
    left_at: datetime
    at: datetime
    remote_id: str | None

    @property
    def taken(self) -> bool:
        """Whether the platform did it."""
        return self.remote_id is not None


@dataclass(frozen=True, slots=True)
class Rules:
    """What a channel was promised: its windows, whether it takes exercises, and whether it counts every write."""

    pace: RateLimits
    exercise: bool
    counts_every_write: bool


@dataclass(frozen=True, slots=True)
class Breach:
    """A promise that was not kept, and when that was to be seen (None: at the end)."""

    promise: str
    what: str
    at: datetime | None = None

    def __str__(self) -> str:
        when = f"{self.at:%Y-%m-%d %H:%M:%S}" if self.at else "at the end"
        return f"{when}: {self.promise}: {self.what}"


STANDS_STILL = timedelta(minutes=15)
"""For how long a lane may send nothing that its windows let through: the longest retry waits five minutes."""
TOLERATED = timedelta(milliseconds=1)
SLACK = timedelta(seconds=3)
"""Between a decision and the request that it leads to: a slow disk lies between them."""


def audit(
    promised: Sequence[Promised], seen: Sequence[Seen], rules: Mapping[str, Rules], now: datetime
) -> list[Breach]:
    """Every promise of the delivery, checked on every channel."""
    found: list[Breach] = []
    for channel, rule in rules.items():
        posts = sorted((post for post in promised if post.channel == channel), key=lambda post: post.seq)
        requests = sorted((each for each in seen if each.channel == channel), key=lambda each: each.at)
        matched = match(posts, requests)
        found += nothing_lost(posts, matched, rule.pace, requests, now)
        found += nothing_twice(posts, matched)
        found += nothing_late(posts, matched)
        found += nothing_out_of_order(posts, matched)
        found += exercises_kept_separate(posts, matched, rule)
        found += urgent_first(posts, matched)
        found += windows_kept(posts, requests, rule)
        found += no_strangers(posts, requests)
    return found


def match(posts: Sequence[Promised], requests: Iterable[Seen]) -> dict[str, list[Seen]]:
    """The requests of each post, by its words, in the order of their arrival.

    Where several posts say the same (an alert that was ended and came again), a request is of the one that holds its
    receipt: two with the same words may both wait for the windows, and the older one leaves first. A request that no
    post has a receipt of is of the newest one by then, counted from when it was let go.
    """
    same: dict[str, list[Promised]] = defaultdict(list)
    for post in sorted(posts, key=lambda post: (post.ready_at, post.seq)):
        same[post.text].append(post)
    matched: dict[str, list[Seen]] = {post.post: [] for post in posts}
    for each in requests:
        stored = [post for post in same[each.text] if post.ready_at <= each.left_at]
        if stored:
            owner = next((post for post in stored if each.taken and post.remote_id == each.remote_id), stored[-1])
            matched[owner.post].append(each)
    return matched


def no_strangers(posts: Iterable[Promised], requests: Iterable[Seen]) -> Iterator[Breach]:
    """Nothing appears that isn't in the outbox."""
    texts = {post.text for post in posts}
    for each in requests:
        if each.act is not Act.DELETE and each.text not in texts:
            yield Breach(
                "nothing unknown", f"{each.channel} was asked for words of no post: {each.text[:60]!r}", each.at
            )


def nothing_lost(
    posts: Iterable[Promised],
    matched: Mapping[str, list[Seen]],
    pace: RateLimits,
    requests: Sequence[Seen],
    now: datetime,
) -> Iterator[Breach]:
    """What is told to be sent is there; what isn't sent says why; nothing is stuck."""
    left = sorted(each.left_at for each in requests)
    for post in posts:
        taken = [each for each in matched[post.post] if each.taken]
        if post.state is PostState.SENT and not taken and post.means is not Means.DELETE:
            yield Breach("nothing lost", f"{_name(post)} is told to be sent, and the platform never took it")
        if post.state is PostState.SENT and taken and post.remote_id not in {None, *(e.remote_id for e in taken)}:
            yield Breach("nothing lost", f"{_name(post)} has the receipt of another post ({post.remote_id})")
        if post.state not in (PostState.SENT, PostState.QUEUED, PostState.WAITING) and not post.reason:
            yield Breach("nothing lost", f"{_name(post)} is {post.state} without a reason")
        if post.state is PostState.SENDING:
            yield Breach("nothing lost", f"{_name(post)} is still being sent at the end")
        if post.state is PostState.QUEUED and _could_go(post, pace, left, now):
            yield Breach("nothing lost", f"{_name(post)} stands still in the queue at the end")


def _could_go(post: Promised, pace: RateLimits, left: Sequence[datetime], now: datetime) -> bool:
    if post.ends is not None and post.ends + SLACK * 4 < now:
        return True
    then = now - STANDS_STILL
    return (
        post.ready_at <= then and not any(at > then for at in left) and pace.free_at(left, then, urgent=False) <= then
    )


def nothing_twice(posts: Iterable[Promised], matched: Mapping[str, list[Seen]]) -> Iterator[Breach]:
    """No post appears as two, unless the daemon says itself that it may."""
    for post in posts:
        out = [each for each in matched[post.post] if each.taken and each.act is Act.PUBLISH]
        if len(out) > 1 and not post.may_repeat:
            ids = ", ".join(str(each.remote_id) for each in out)
            yield Breach("nothing twice", f"{_name(post)} is out as {ids}", out[1].at)


def nothing_late(posts: Iterable[Promised], matched: Mapping[str, list[Seen]]) -> Iterator[Breach]:
    """Nothing leaves after the end of its alert."""
    for post in posts:
        for each in matched[post.post]:
            if post.ends is not None and each.act is not Act.DELETE and each.left_at > post.ends:
                yield Breach(
                    "nothing late", f"{_name(post)} left {each.left_at - post.ends} after its end", each.left_at
                )


def nothing_out_of_order(posts: Sequence[Promised], matched: Mapping[str, list[Seen]]) -> Iterator[Breach]:
    """Within an incident, what was stored later appears later."""
    threads: dict[str, list[Promised]] = defaultdict(list)
    for post in posts:
        threads[post.incident].append(post)
    for thread in threads.values():
        shown = [(first.at, post) for post in thread if (first := _first(matched[post.post]))]
        for (earlier_at, earlier), (later_at, later) in pairwise(shown):
            if later_at < earlier_at:
                yield Breach("nothing out of order", f"{_name(later)} appeared before {_name(earlier)}", later_at)


def _first(requests: Iterable[Seen]) -> Seen | None:
    return next((each for each in requests if each.taken), None)


def exercises_kept_separate(
    posts: Iterable[Promised], matched: Mapping[str, list[Seen]], rule: Rules
) -> Iterator[Breach]:
    """An exercise is seen on exercise channels alone, and nothing real there."""
    for post in posts:
        if post.exercise is not rule.exercise and matched[post.post]:
            what = f"{_name(post)} was sent to the wrong kind of channel"
            yield Breach("an exercise stays one", what, matched[post.post][0].left_at)


def urgent_first(posts: Sequence[Promised], matched: Mapping[str, list[Seen]]) -> Iterator[Breach]:
    """What is urgent and ready leaves before any first routine send."""
    firsts = [(post, min(r.left_at for r in matched[post.post])) for post in posts if matched[post.post]]
    opening = {post.post for post in {post.incident: post for post in reversed(posts)}.values()}
    routine = [(post, left) for post, left in firsts if not post.urgent and post.tries == 1]
    for post, left in firsts:
        if not post.urgent or post.post not in opening or post.tries != 1:
            continue
        for other, other_left in routine:
            if post.ready_at + SLACK < other_left < left and other.incident != post.incident:
                yield Breach(
                    "urgent overtakes", f"{_name(other)} left before {_name(post)}, which was ready", other_left
                )
                break


def windows_kept(posts: Iterable[Promised], requests: Sequence[Seen], rule: Rules) -> Iterator[Breach]:
    """No window holds more than it may, and the reserve is left to what is urgent."""
    urgent = {post.text for post in posts if post.urgent}
    changes = [r for r in requests if rule.counts_every_write and r.act is Act.EDIT and r.text not in urgent]
    counted = [*changes, *(r for r in requests if r.act is Act.PUBLISH)]
    left = sorted((r.left_at, r.text in urgent) for r in counted)
    for window in rule.pace.windows:
        reserved = rule.pace.reserve if window == rule.pace.longest else 0
        for place, (at, is_urgent) in enumerate(left):
            room = window.count if is_urgent else max(window.count - reserved, 1)
            if place >= room and at - left[place - room][0] < window.span - TOLERATED:
                what = "the window" if is_urgent or not reserved else "the window less the reserve"
                yield Breach("the quota is kept", f"{requests[0].channel} {window}: {what} was exceeded", at)
                break


def _name(post: Promised) -> str:
    return f"{post.kind} {post.post} of alert {post.alert} on {post.channel}"
