"""How long what a veto holds can still be stopped, where newer words take the place of older ones."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from alerts.desk.dedupe import MANUAL, end_reason
from alerts.desk.judgement import Accepted
from alerts.model.incident import StoredAlert
from alerts.model.post import Post, PostState
from alerts.store.alerts import AlertRepository

SHORTEST = timedelta(minutes=2)
"""What words that nobody has seen yet have at least, unless the whole veto is shorter."""
_UNSEEN = (PostState.WAITING, PostState.SUPERSEDED)


def end_of_veto(
    alerts: AlertRepository, message: StoredAlert, accepted: Accepted, now: datetime, veto: timedelta
) -> datetime | None:
    """When the message goes out by itself; None where no veto holds it.

    An officer's words have all of `veto`: whoever writes them must not choose how long they can be stopped. A feed's
    have the time that is left to what they replace if they are the same, else half of `veto`; but a feed that says
    something new again and again is told at the latest two vetoes after its first words.
    """
    if accepted.publish != "veto":
        return None
    held = [post for post in accepted.withdrawn if post.state is PostState.WAITING and post.not_before]
    running = min((post.not_before for post in held if post.not_before), default=None)
    if running is None or message.source == MANUAL:
        return now + veto
    if _repeats(alerts, message, held):
        return min(running, now + veto)
    least = now + max(veto / 2, SHORTEST)
    return min(max(running, min(least, _held_since(accepted) + 2 * veto)), now + veto)


def _repeats(alerts: AlertRepository, message: StoredAlert, held: Sequence[Post]) -> bool:
    """Whether the message says to the letter what each of these was made from."""
    named = {post.alert_id for post in held}
    earlier = [record for name in named for record in alerts.by_id(name) if record.id == name]
    return all(_content(record) == _content(message) for record in earlier)


def _content(record: StoredAlert) -> object:
    alert = record.alert
    return alert and (alert.status, end_reason(alert), alert.note, alert.infos)


def _held_since(accepted: Accepted) -> datetime:
    """When the oldest of the versions was stored that took each other's place without one of them going out."""
    posts = sorted((*accepted.thread, *accepted.withdrawn), key=lambda post: post.stored_at)
    since = posts[-1].stored_at
    for post in reversed(posts):
        if post.state not in _UNSEEN:
            break
        since = post.stored_at
    return since
