"""What time alone does: a veto runs out and its message goes out; an incident is over, and its readers are told.

`end_of_veto` says until when what a veto holds can still be stopped, where newer words take the place of older ones.
`end_what_is_over` tells, once, of each incident whose newest message has run out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from alerts.desk.decide import Accepted
from alerts.desk.dedupe import end_reason
from alerts.desk.following import is_proposal
from alerts.desk.posts import DraftPost, Occasion, draft_posts, withdraw
from alerts.desk.thread import channels_on
from alerts.model.alert import ENDS_BY, QUIET, Alert
from alerts.model.incident import MANUAL, AlertState, LeftOut, StoredAlert
from alerts.model.post import EndReason, Post, PostKind, PostState
from alerts.model.reason import because
from alerts.model.town import ChannelConfig, Town
from alerts.store.alerts import AlertRepository

SHORTEST = timedelta(minutes=2)
"""What words that nobody has seen yet have at least, unless the whole veto is shorter."""
_UNSEEN = (PostState.WAITING, PostState.SUPERSEDED)
GRACE = timedelta(minutes=1)
"""A sender's own last word (all clear, an extension) often comes at the very end: it is waited for."""


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
    earlier = [stored for name in named for stored in alerts.by_id(name) if stored.id == name]
    return all(_content(stored) == _content(message) for stored in earlier)


def _content(stored: StoredAlert) -> object:
    alert = stored.alert
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


def end_what_is_over(
    alerts: AlertRepository,
    station: Town,
    write: Callable[[ChannelConfig, Occasion, PostKind], DraftPost],
    now: datetime,
) -> list[DraftPost]:
    """The ends of the incidents that nobody extended and nobody ended, stored."""
    drafts: list[DraftPost] = []
    for stored in alerts.over(now - GRACE):
        if any(_may_extend(alerts, each, station) for each in alerts.incident(stored.incident_id)):
            continue
        drafts += _end(alerts, station, stored, write, now)
        # Also where nothing was told: or else it would be looked at each minute for ever.
        alerts.close(stored.id, now)
    return drafts


def _runs_out_quietly(alert: Alert) -> bool:
    """Whether what it said last has an end of its own in words: a series of works, or a calendar that tells no ends."""
    return bool(alert.infos) and all(info.parameter(ENDS_BY) == QUIET for info in alert.infos)


def _may_extend(alerts: AlertRepository, stored: StoredAlert, station: Town) -> bool:
    """Whether it waits and may go on about the incident; a proposal of who doesn't speak for it holds up nothing."""
    return stored.state is AlertState.WAITING and not is_proposal(alerts, stored, station)


def _end(
    alerts: AlertRepository,
    station: Town,
    stored: StoredAlert,
    write: Callable[[ChannelConfig, Occasion, PostKind], DraftPost],
    now: datetime,
) -> list[DraftPost]:
    whole = tuple(alerts.thread(stored.incident_id))
    # What still waits came too late: nobody validates it for an incident that is over.
    proposed = tuple(post for post in whole if post.state is PostState.WAITING)
    thread = tuple(post for post in whole if post not in proposed)
    told = alerts.subscribers_told(stored.incident_id)
    on = channels_on(thread) | told
    alert = stored.alert
    if alert is None or not on or _runs_out_quietly(alert):
        return []
    accepted = Accepted(
        publish="auto",
        outlets=tuple(outlet for outlet in station.channels.values() if outlet.name in on),
        area_names=tuple(dict.fromkeys(area.description for area in alert.areas)),
        previous=stored,
        ending=EndReason.EXPIRED,
        thread=thread,
        withdrawn=proposed,
        told=told,
    )
    occasion = Occasion(stored, alert, accepted, now, PostState.QUEUED, None)
    withdraw(alerts, occasion)
    made = draft_posts(alerts, occasion, write)
    if isinstance(made, LeftOut):
        alerts.note(now, stored.id, None, "over", made.reason)
        return []
    alerts.note(now, stored.id, None, "over", because("time_ran_out", at=alert.ends))
    return made
