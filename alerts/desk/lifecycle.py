"""What time alone does to an incident: when its newest message is over, its readers are told so, once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from alerts.desk.following import is_proposal
from alerts.desk.judgement import Accepted
from alerts.desk.posting import Occasion, Penned, pen_posts, withdraw
from alerts.desk.station import Outlet, Station
from alerts.desk.thread import channels_on
from alerts.model.alert import ENDS_BY, QUIET, Alert
from alerts.model.incident import AlertState, LeftOut, StoredAlert
from alerts.model.post import EndReason, PostKind, PostState
from alerts.model.reason import because
from alerts.store.alerts import AlertRepository

GRACE = timedelta(minutes=1)
"""A sender's own last word (all clear, an extension) often comes at the very end: it is waited for."""


def end_what_is_over(
    alerts: AlertRepository,
    station: Station,
    write: Callable[[Outlet, Occasion, PostKind], Penned],
    now: datetime,
) -> list[Penned]:
    """The ends of the incidents that nobody extended and nobody ended, stored."""
    penned: list[Penned] = []
    for record in alerts.over(now - GRACE):
        if any(_may_extend(alerts, each, station) for each in alerts.incident(record.incident_id)):
            continue
        penned += _end(alerts, station, record, write, now)
        alerts.close(record.id, now)
    return penned


def _runs_out_quietly(alert: Alert) -> bool:
    """Whether what it said last has an end of its own in words: a series of works, or a calendar that tells no ends."""
    return bool(alert.infos) and all(info.parameter(ENDS_BY) == QUIET for info in alert.infos)


def _may_extend(alerts: AlertRepository, record: StoredAlert, station: Station) -> bool:
    """Whether it waits and may go on about the incident; a proposal of who doesn't speak for it holds up nothing."""
    return record.state is AlertState.WAITING and not is_proposal(alerts, record, station)


def _end(
    alerts: AlertRepository,
    station: Station,
    record: StoredAlert,
    write: Callable[[Outlet, Occasion, PostKind], Penned],
    now: datetime,
) -> list[Penned]:
    whole = tuple(alerts.thread(record.incident_id))
    proposed = tuple(post for post in whole if post.state is PostState.WAITING)
    thread = tuple(post for post in whole if post not in proposed)
    told = alerts.subscribers_told(record.incident_id)
    on = channels_on(thread) | told
    alert = record.alert
    if alert is None or not on or _runs_out_quietly(alert):
        return []
    accepted = Accepted(
        publish="auto",
        outlets=tuple(outlet for outlet in station.outlets if outlet.name in on),
        area_names=tuple(dict.fromkeys(area.description for area in alert.areas)),
        previous=record,
        ending=EndReason.EXPIRED,
        thread=thread,
        withdrawn=proposed,
        told=told,
    )
    occasion = Occasion(record, alert, accepted, now, PostState.QUEUED, None)
    withdraw(alerts, occasion)
    made = pen_posts(alerts, occasion, write)
    if isinstance(made, LeftOut):
        alerts.note(now, record.id, None, "over", made.reason)
        return []
    alerts.note(now, record.id, None, "over", because("time_ran_out", at=alert.ends))
    return made
