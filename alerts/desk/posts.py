"""The posts of an accepted message: laid out for each of its channels, stored, and withdrawn when they hold no more.

`draft_posts` asks each channel's thread what comes next there (`thread.next_step`), has it written (`writer.py`), and
stores it. What the new message takes the place of, and hasn't gone out, is superseded in the same transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from alerts.desk.decide import Accepted
from alerts.desk.station import Outlet
from alerts.desk.thread import last_there, next_step
from alerts.model.alert import Alert, Severity
from alerts.model.delivery import Bulk
from alerts.model.incident import AlertState, LeftOut, StoredAlert
from alerts.model.post import Post, PostKind, PostState
from alerts.model.reason import Reason, because
from alerts.rendering.faces import Rendered
from alerts.store.alerts import AlertRepository


@dataclass(frozen=True, slots=True)
class DraftPost:
    """A post as it was rendered: what the officer is shown before anything is sent; what its subscribers are told."""

    post: Post
    rendered: Rendered
    bulk: Bulk | None = None


@dataclass(frozen=True, slots=True)
class Occasion:
    """Why posts are made now: the message, what was decided about it, and how its posts wait.

    `previous` is what the readers of one channel saw last of the incident.
    """

    record: StoredAlert
    alert: Alert
    accepted: Accepted
    now: datetime
    state: PostState
    not_before: datetime | None
    previous: StoredAlert | None = None

    @property
    def severity(self) -> Severity:
        """The message's own severity, or that of what it ends where it brings none."""
        before = self.previous or self.accepted.previous
        return before.severity if not self.alert.infos and before else self.alert.severity


def withdraw(alerts: AlertRepository, occasion: Occasion) -> list[StoredAlert]:
    """Supersede what hadn't gone out yet, and say so of the messages that only waited; these."""
    return supersede(alerts, occasion.accepted.withdrawn, occasion.record, occasion.now)


def supersede(alerts: AlertRepository, posts: Sequence[Post], by: StoredAlert, now: datetime) -> list[StoredAlert]:
    """Keep these posts from going out, since a newer message says what holds; the messages that only waited."""
    reason = because("superseded", by=by.id)
    for post in posts:
        alerts.move_post(post, PostState.SUPERSEDED, reason, not_before=None)
        alerts.note(now, post.alert_id, post.id, PostState.SUPERSEDED, reason)
    waited = []
    for alert_id in dict.fromkeys(post.alert_id for post in posts):
        for record in alerts.by_id(alert_id):
            # None of its posts will go out, so nobody has to validate it any more.
            if record.state is AlertState.WAITING:
                alerts.set_alert_state(alert_id, AlertState.LEFT_OUT, reason)
                waited.append(record)
    return waited


def draft_posts(
    alerts: AlertRepository, occasion: Occasion, write: Callable[[Outlet, Occasion, PostKind], DraftPost]
) -> list[DraftPost] | LeftOut:
    """The posts for the channels, stored. LeftOut: there is none to make."""
    drafts: list[DraftPost] = []
    reasons: list[Reason] = []
    for outlet in occasion.accepted.outlets:
        thread = [post for post in occasion.accepted.thread if post.channel == outlet.name]
        told = outlet.name in occasion.accepted.told
        is_more = occasion.accepted.follows_up
        step = PostKind.UPDATE if is_more else next_step(outlet, thread, occasion.accepted.ending, told=told)
        if isinstance(step, LeftOut):
            reasons.append(because("no_post_on", channel=outlet.name, why=step.reason))
            # Written down for the report, so that nobody is left believing that it was said there.
            alerts.note(occasion.now, occasion.record.id, None, "no_post", reasons[-1])
            continue
        seen = replace(occasion, previous=_seen_last(alerts, thread) or occasion.accepted.previous)
        made = write(outlet, seen, step)
        alerts.add_post(made.post)
        if made.bulk is not None:
            alerts.add_bulk(made.bulk)
        drafts.append(made)
    return drafts or LeftOut(because("no_posts", each=reasons))


def _seen_last(alerts: AlertRepository, thread: Sequence[Post]) -> StoredAlert | None:
    """The message that a channel's readers know: a later one may never have got there."""
    last = last_there(thread)
    return next(iter(alerts.by_id(last.alert_id)), None) if last else None
