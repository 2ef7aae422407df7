"""The end by time: an incident that nobody extended or ended gets its end when it has expired."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime, timedelta

from alerts.desk.decide import Accepted
from alerts.desk.following import is_proposal
from alerts.desk.posts import DraftPost, PostContext, draft_posts, withdraw
from alerts.desk.routing import channels_on
from alerts.model.alert import ENDS_BY, QUIET, Alert
from alerts.model.incident import AlertState, LeftOut, StoredAlert
from alerts.model.post import EndReason, Means, PostKind, PostState
from alerts.model.reason import because
from alerts.model.town import ChannelConfig, Town
from alerts.store.alerts import AlertRepository

GRACE = timedelta(minutes=1)
"""Wait after expiry: the sender's own all-clear or extension often arrives at the very end."""


def end_what_is_over(
    alerts: AlertRepository,
    station: Town,
    write: Callable[[ChannelConfig, PostContext, PostKind], DraftPost],
    now: datetime,
    only: Collection[str] | None = None,
) -> list[DraftPost]:
    """Store and return the ends of expired incidents that nobody extended or ended. `only`: of these alerts."""
    drafts: list[DraftPost] = []
    for stored in alerts.over(now - GRACE):
        if only is not None and stored.id not in only:
            continue
        if any(_may_extend(alerts, each, station) for each in alerts.incident(stored.incident_id)):
            continue
        drafts += _end(alerts, station, stored, write, now)
        # Even if nothing was published: otherwise it would be checked each minute for ever.
        alerts.close(stored.id, now)
    return drafts


def _runs_out_quietly(alert: Alert) -> bool:
    """True if its last text already names its end: a series of works, or a calendar that announces no ends."""
    return bool(alert.infos) and all(info.parameter(ENDS_BY) == QUIET for info in alert.infos)


def _takes_away(station: Town, name: str) -> bool:
    channel = station.channels.get(name)
    return channel is not None and channel.on_end is Means.DELETE


def _may_extend(alerts: AlertRepository, stored: StoredAlert, station: Town) -> bool:
    """True if the message waits and may continue the incident. A proposal from another source delays nothing."""
    return stored.state is AlertState.WAITING and not is_proposal(alerts, stored, station)


def _end(
    alerts: AlertRepository,
    station: Town,
    stored: StoredAlert,
    write: Callable[[ChannelConfig, PostContext, PostKind], DraftPost],
    now: datetime,
) -> list[DraftPost]:
    whole = tuple(alerts.thread(stored.incident_id))
    # Waiting posts came too late: nobody validates them for an incident that is over.
    proposed = tuple(post for post in whole if post.state is PostState.WAITING)
    thread = tuple(post for post in whole if post not in proposed)
    reached = alerts.subscriber_channels(stored.incident_id)
    alert = stored.alert
    if alert is None:
        return []
    on = channels_on(thread) | reached
    if _runs_out_quietly(alert):
        # An end that only removes the published message, as on a broker, is quiet, and nothing else would remove it.
        reached = frozenset()
        on = frozenset(name for name in channels_on(thread) if _takes_away(station, name))
    if not on:
        return []
    accepted = Accepted(
        publish="auto",
        channels=tuple(channel for channel in station.channels.values() if channel.name in on),
        area_names=tuple(dict.fromkeys(area.description for area in alert.areas)),
        previous=stored,
        ending=EndReason.EXPIRED,
        thread=thread,
        withdrawn=proposed,
        reached=reached,
    )
    occasion = PostContext(stored, alert, accepted, now, PostState.QUEUED, None)
    withdraw(alerts, occasion)
    made = draft_posts(alerts, occasion, write)
    if isinstance(made, LeftOut):
        alerts.note(now, stored.id, None, "over", made.reason)
        return []
    alerts.note(now, stored.id, None, "over", because("time_ran_out", at=alert.ends))
    return made
