"""All that is read and written in one transaction of the desk, and how sources, channels and posts are doing by it.

An action is a function that gets a `DeskUnit`: the store's unit of work, and the desk that decides. What it reads is
what it decides on; what it raises undoes all of it.

How each source and channel is doing is said alike for `status`, the API and pages. A source is `failing` where its last
reading went wrong, `quiet` where it wasn't read for three of its rounds; a channel has the state of its lane.
`source_more` and `channel_more` say what the pages show beyond that.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from alerts.delivery.limiter import RateLimits, quota_free_at
from alerts.desk.actions import Desk
from alerts.desk.routing import channels_on
from alerts.model.incident import AlertState, SourceStatus, StoredAlert
from alerts.model.lease import Lease
from alerts.model.post import HELD, TO_BE_SEEN_TO, DeferredPost, Post, PostKind, PostState
from alerts.model.reason import because
from alerts.model.spending import LIFTED, SPENT, Spending
from alerts.model.town import MAIL, PUSH, SMS, Town
from alerts.store.unit import Unit
from alerts.store.views import Views

T = TypeVar("T")
PENDING = (PostState.QUEUED, PostState.SENDING, PostState.IN_DOUBT, PostState.WAITING)
# A source that is read every minute isn't called quiet for a few rounds that were missed.
QUIET_AFTER = timedelta(minutes=30)


class DeskUnit(Unit):
    """A unit of work of the desk: the store's, and the desk that decides, at `now`.

    `happened` are the events beyond posts and incidents that the service publishes after the commit. `lanes` are the
    channels with something to send then; None: it isn't known which.
    """

    def __init__(self, unit: Unit, desk: Desk, now: datetime, new_id: Callable[[], str]) -> None:
        super().__init__(unit.db, unit.written)
        self.desk = desk
        self.now = now
        self.new_id = new_id
        self.happened: list[object] = []
        self.lanes: Collection[str] | None = None


def concerning(unit: DeskUnit) -> list[StoredAlert]:
    """Of each incident the newest message that was let out, while it is on; and each that has a post to be seen to."""
    # Three questions in all, however many alerts are on: pages ask this again with each change.
    stored_alerts = unit.views.on_now(unit.now)
    newest = {stored.incident_id: stored for stored in stored_alerts if stored.state is AlertState.ACCEPTED}
    posts = unit.views.posts_by_alert([stored.id for stored in stored_alerts])
    threads = unit.views.threads(list({stored.incident_id for stored in newest.values()}))
    return [
        stored
        for stored in stored_alerts
        if any(post.state in TO_BE_SEEN_TO for post in posts[stored.id])
        or (newest.get(stored.incident_id) == stored and channels_on(threads[stored.incident_id]))
    ]


def under(lease: Lease | None, action: Callable[[DeskUnit], T]) -> Callable[[DeskUnit], T]:
    """The action, which raises LeaseLost in its transaction where the lease is another process's by then."""

    def checked(unit: DeskUnit) -> T:
        unit.leases.check(lease, unit.now)
        return action(unit)

    return checked


def followers_of(views: Views, channel: str) -> int | None:
    """Return the platform's latest number of followers. Returns None if it gave none."""
    text = views.fact(channel, "followers")
    return int(text) if text and text.isdigit() else None


def spending_of(views: Views, channel: str) -> Spending:
    """Return what the channel's posts cost, as it keeps it."""
    return Spending.read(views.fact(channel, SPENT))


def cost_of(views: Views, config: Town, channel: str, moment: datetime) -> dict[str, Any] | None:
    """Return what a channel spent and may spend, in euros (`lifted`: more today); None: posts cost nothing."""
    settings = config.channels[channel]
    if settings.daily_budget is None or settings.monthly_budget is None:
        return None
    spending, today = spending_of(views, channel), moment.astimezone(config.zone).date()
    return {
        "today": spending.on(today),
        "month": spending.in_month(today),
        "daily_budget": settings.daily_budget,
        "monthly_budget": settings.monthly_budget,
        "lifted": views.fact(channel, LIFTED) == today.isoformat(),
    }


def source_statuses(views: Views, config: Town, moment: datetime) -> Iterator[dict[str, Any]]:
    """How each source is doing."""
    known, zone = views.sources(), config.zone
    for name, rules in config.sources.items():
        if rules.every is None:
            continue
        found = known.get(name)
        last_ok = found.last_ok if found else None
        quiet = last_ok is None or moment - last_ok > max(rules.every * 3, QUIET_AFTER)
        state = "failing" if found and found.reason else "quiet" if quiet else "ok"
        yield {
            "source": name,
            "state": state,
            "last_ok": last_ok.astimezone(zone).isoformat(timespec="seconds") if last_ok else None,
            "reason": (found.reason if found else None) or (because("not_read_lately") if state == "quiet" else None),
        }


def channel_statuses(views: Views, config: Town, moment: datetime) -> Iterator[dict[str, Any]]:
    """How each channel is doing and how much of its windows is left."""
    counts = views.open_counts()
    for name, settings in config.channels.items():
        pace = RateLimits(settings.limits, settings.kept_back)
        left, status = views.departures(name, moment - pace.memory), views.channel_status(name)
        is_troubled = status.is_troubled(moment)
        yield {
            "channel": name,
            "state": status.state if is_troubled else "ok",
            "left": pace.left(left, moment),
            "reserve": pace.reserve,
            "queued": sum(counts.get((name, state), 0) for state in PENDING),
            "reason": status.reason if is_troubled else None,
        }


MOST_QUEUED = 1000


def deferred_by_limits(views: Views, config: Town, moment: datetime) -> list[DeferredPost]:
    """Which posts in the queue wait for their channel's limits alone, and about when each leaves.

    The lanes' own rules are asked in the lanes' order, each post taking the place of one that left. Posts that are
    tried again at a time of their own, and those beyond the first `MOST_QUEUED`, are none of them.
    """
    deferred: list[DeferredPost] = []
    queues: dict[str, list[Post]] = {}
    # Of one priority the oldest first, as the lanes have it.
    for post in reversed(views.posts_in(PostState.QUEUED, most=MOST_QUEUED)):
        asked = config.channels.get(post.channel)
        counts = asked is not None and post.kind is not PostKind.COUNT and asked.counts(post.means, urgent=post.urgent)
        if counts and (post.next_try is None or post.next_try <= moment):
            queues.setdefault(post.channel, []).append(post)
    for name, queue in queues.items():
        settings = config.channels[name]
        pace, quotas = RateLimits(settings.limits, settings.kept_back), views.channel_status(name).quotas
        left = list(views.departures(name, moment - pace.memory))
        for post in sorted(queue, key=lambda each: -each.priority):
            quota_free = quota_free_at(quotas, moment, pace.reserve, urgent=post.urgent)
            free = quota_free if post.is_over_limit else max(pace.free_at(left, moment, urgent=post.urgent), quota_free)
            if free > moment:
                deferred.append(DeferredPost(post, free, is_ours=quota_free <= moment))
            left = sorted([*left, free])
    return deferred


def with_limits(unit: DeskUnit, threads: Mapping[str, Sequence[Post]]) -> dict[str, list[Post]]:
    """The same posts, each in the queue that its channel alone holds back with why.

    That is its limits (`HELD`), with when it leaves, or that the platform refuses our access: then it isn't tried.
    """
    moving = {post.channel for thread in threads.values() for post in thread if post.state is PostState.QUEUED}
    waits = deferred_by_limits(unit.views, unit.desk.station, unit.now) if moving else []
    deferred = {each.post.id: each for each in waits}
    statuses = {name: unit.views.channel_status(name) for name in moving}

    def with_limit(post: Post) -> Post:
        if post.state is not PostState.QUEUED or post.is_doubtful:
            return post
        if statuses[post.channel].state == "blocked":
            return replace(post, outcome="credential", reason=statuses[post.channel].reason)
        found = deferred.get(post.id)
        return replace(post, outcome=HELD, next_try=found.leaves, reason=found.reason) if found else post

    return {name: [with_limit(post) for post in thread] for name, thread in threads.items()}


def unread_channels(unit: DeskUnit) -> frozenset[str]:
    """The channels that reach subscribers alone (push, e-mail and SMS without a list) and have none."""
    reaching = unit.desk.station.reaching.items()
    lists = ("to", "contacts", "numbers")
    alone = [
        name
        for name, each in reaching
        if each.kind in (PUSH, MAIL, SMS) and not any(getattr(each.settings, key, None) for key in lists)
    ]
    return frozenset(name for name in alone if not unit.subscribers.count(name))


def source_more(config: Town, known: SourceStatus | None, name: str) -> dict[str, Any]:
    """Return the pages' further data of a source: `every` in seconds, consecutive `failures`.

    `gone` is the number of entries that vanished from a calendar at once, for an officer to decide.
    """
    rules = config.sources[name]
    every = rules.every.total_seconds() if rules.every is not None else None
    return {
        "kind": rules.kind,
        "every": every,
        "failures": known.failures if known else 0,
        "gone": known.gone if known else 0,
    }


def channel_more(config: Town, views: Views, status: Mapping[str, Any], moment: datetime) -> dict[str, Any]:
    """Return the pages' further data of a channel.

    `windows` has each window's `limit` and how much is `left` of it, and of the longest the reserve it `keeps`. `until`
    is when a channel that waits continues, as an aware time. `cost` is that of `cost_of`.
    """
    name = status["channel"]
    settings = config.channels[name]
    pace = RateLimits(settings.limits, settings.kept_back)
    windows = [
        {
            "window": str(window),
            "limit": window.count,
            "left": status["left"][str(window)],
            "keeps": pace.reserve if window == pace.longest else 0,
        }
        for window in pace.windows
    ]
    is_well = status["state"] == "ok"
    until = None if is_well else views.channel_status(name).blocked_until
    cost = cost_of(views, config, name, moment)
    return {"kind": settings.kind, "exercise": settings.exercise, "windows": windows, "until": until, "cost": cost}
