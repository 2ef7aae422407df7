"""The same words twice within minutes: somebody pressed twice, or somebody meant it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from alerts.desk.thread import is_open
from alerts.model.alert import Alert
from alerts.model.incident import AlertState, StoredAlert
from alerts.store.alerts import AlertRepository

DOUBLE_TAP = timedelta(minutes=10)
_TOLERANCE = timedelta(seconds=2)


def tapped_before(
    alerts: AlertRepository, alert: Alert, source: str, named: Sequence[str], now: datetime
) -> StoredAlert | None:
    """The alert of the last ten minutes that this one only repeats: the same words, times and channels, still on."""
    if not alert.infos:
        return None
    info = alert.infos[0]
    for record in alerts.by_headline(info.headline or info.event, source, now - DOUBLE_TAP):
        if record.alert is not None and record.state is not AlertState.REJECTED and _repeats(alert, record.alert):
            posts = alerts.posts_of(record.id)
            if is_open(alerts.thread(record.incident_id)) and set(named) <= {post.channel for post in posts}:
                return record
    return None


def _repeats(alert: Alert, earlier: Alert) -> bool:
    passed = alert.sent - earlier.sent
    times = zip(_times(alert), _times(earlier), strict=True)
    return _words(alert) == _words(earlier) and all(_is_same_time(new, old, passed) for new, old in times)


def _words(alert: Alert) -> tuple[object, ...]:
    info = alert.infos[0]
    areas = tuple(area.description for area in info.areas)
    references = tuple(reference.identifier for reference in alert.references)
    said = (info.event, info.headline, info.description, info.instruction, info.web)
    return (alert.status, alert.msg_type, references, info.language, info.severity, info.urgency, said, areas)


def _times(alert: Alert) -> tuple[datetime | None, datetime | None]:
    return alert.infos[0].onset, alert.infos[0].expires


def _is_same_time(new: datetime | None, old: datetime | None, passed: timedelta) -> bool:
    """Whether both were typed alike: as the same time, or as the same span from now."""
    if new is None or old is None:
        return new is old
    return any(abs((new - old) - shift) <= _TOLERANCE for shift in (timedelta(), passed))
