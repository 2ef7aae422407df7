"""Two feeds, one event: what was told already keeps its twin back, and what was told to nobody keeps back nothing.

What counts as told is what is out on a channel, or on its way there (`is_out`). A message that only waits, was rejected
or vetoed may never come to anything, so another source's goes its own way beside it. The one that still waits then
says so to whoever validates it (`told_already`), and needs a second word to be published too (`must_be_meant`). Nor
does it go out by itself any more: its veto's clock is stopped (`stop_clocks`), and started anew when nothing stands in
for it (`release`).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from alerts.desk.dedupe import MANUAL, content_key, end_reason, is_own, topic_key
from alerts.desk.routing import how_to_publish
from alerts.desk.station import Publish, Station
from alerts.desk.thread import channels_on, is_open
from alerts.model.alert import Alert, MsgType
from alerts.model.errors import Conflict
from alerts.model.incident import AlertState, LeftOut, StoredAlert
from alerts.model.post import Post, PostKind, PostState
from alerts.model.reason import Reason, because
from alerts.store.alerts import AlertRepository


def is_out(alerts: AlertRepository, record: StoredAlert) -> bool:
    """Whether its incident is on a channel, or on its way there, by what was let out of it."""
    return record.state is AlertState.ACCEPTED and bool(channels_on(alerts.thread(record.incident_id)))


def said_before(alerts: AlertRepository, alert: Alert, source: str, publish: Publish, now: datetime) -> LeftOut | None:
    """Why the same words needn't be said again; None where nobody was told them, or they are over.

    What the same source said and what waits, or was rejected, is not brought back to be decided once more, unless
    these words may go out by themselves now and those couldn't. Our own calendar knows itself what it told: a second
    notice, or works moved there and back, are meant.
    """
    if source == MANUAL or is_own(alert):
        return None
    for record in alerts.by_content(content_key(alert)):
        if record.alert is None or record.alert.ends <= now:
            continue
        if record.source != source:
            if is_out(alerts, record):
                return LeftOut(because("merged_same_words", into=record.id, source=record.source))
        elif _stands(alerts, record, publish):
            return LeftOut(because("same_words", alert=record.id, identifier=record.alert.identifier))
    return None


def _stands(alerts: AlertRepository, record: StoredAlert, publish: Publish) -> bool:
    match record.state:
        case AlertState.REJECTED:
            return publish != "auto"
        case AlertState.WAITING:
            has_clock = any(post.not_before for post in _waiting(alerts, record))
            return publish == "approve" or (publish == "veto" and has_clock)
        case _:
            return bool(channels_on(alerts.thread(record.incident_id)))


def merged_before(alerts: AlertRepository, alert: Alert, source: str, now: datetime) -> LeftOut | None:
    """Why another feed's message on the same event, areas and time, which is out and at least as grave, will do."""
    for record in same_topic(alerts, alert, source, now):
        if record.source != source and record.severity.at_least(alert.severity):
            return LeftOut(because("merged", into=record.id, source=record.source))
    return None


def same_topic(alerts: AlertRepository, alert: Alert, source: str, now: datetime) -> list[StoredAlert]:
    """The feeds' messages that a new one without references goes on from, or is merged with: the source's own first.

    Another source's counts only where it is out.
    """
    if source == MANUAL or alert.references or alert.msg_type is not MsgType.ALERT:
        return []
    found = [
        record
        for record in _on_the_same(alerts, alert, now)
        if record.source != MANUAL
        and (is_open(alerts.thread(record.incident_id)) if record.source == source else is_out(alerts, record))
    ]
    return sorted(found, key=lambda record: record.source != source)


def _on_the_same(alerts: AlertRepository, alert: Alert, now: datetime) -> Iterator[StoredAlert]:
    topic = topic_key(alert)
    for record in alerts.by_topic(topic, now) if topic is not None else ():
        if record.alert is not None and _overlap(alert, record.alert):
            yield record


def _overlap(one: Alert, other: Alert) -> bool:
    return max(one.starts, other.starts) < min(one.ends, other.ends)


# --- the twin that waits --------------------------------------------------------------------------------------------


def told_already(alerts: AlertRepository, record: StoredAlert, now: datetime) -> list[StoredAlert]:
    """The messages by which the public knows already what a waiting one would say, newest first."""
    return [each for each in _twins(alerts, record, now) if is_out(alerts, each) and _repeats(alerts, record, each)]


def must_be_meant(alerts: AlertRepository, record: StoredAlert, now: datetime) -> None:
    """Raise Conflict for a feed's message whose event is out already, at least as grave: it isn't published by habit.

    An officer's words are meant as they are written.
    """
    for twin in told_already(alerts, record, now) if record.source != MANUAL else ():
        if twin.severity.at_least(record.severity):
            raise Conflict(because("event_is_out", twin=twin.id, source=twin.source, alert=record.id))


def stop_clocks(alerts: AlertRepository, record: StoredAlert, now: datetime) -> None:
    """Stop the clocks of what a message that goes out stands in for: it would be published twice, by nobody."""
    for twin in _twins(alerts, record, now):
        will_do = record.severity.at_least(twin.severity) and _repeats(alerts, twin, record)
        if twin.state is AlertState.WAITING and will_do:
            _set_clock(alerts, twin, None, because("waits_event_is_out", alert=record.id), now)


def stands_behind(alerts: AlertRepository, message: StoredAlert, now: datetime) -> StoredAlert | None:
    """The twin that goes out by itself unless somebody stops it, and will do: this one waits behind it."""
    for twin in _twins(alerts, message, now):
        has_clock = twin.state is AlertState.WAITING and any(post.not_before for post in _waiting(alerts, twin))
        if has_clock and twin.severity.at_least(message.severity):
            return twin
    return None


def release(alerts: AlertRepository, gone: StoredAlert, station: Station, now: datetime) -> list[Post]:
    """Start the clock, from its beginning, of what waited behind a message that goes out no more; its posts."""
    # The oldest first: it has waited longest.
    for twin in reversed(list(_twins(alerts, gone, now))):
        posts = _waiting(alerts, twin) if twin.state is AlertState.WAITING and twin.alert else []
        if not posts or any(post.not_before for post in posts) or told_already(alerts, twin, now):
            continue
        intake = station.intake(twin.source)
        if twin.alert and how_to_publish(twin.alert, intake) == "veto" and stands_behind(alerts, twin, now) is None:
            _set_clock(alerts, twin, now + intake.veto, because("no_longer_behind", alert=gone.id), now)
            return posts
    return []


def _twins(alerts: AlertRepository, record: StoredAlert, now: datetime) -> Iterator[StoredAlert]:
    """The messages in the same words, or of other incidents on the same event in the same areas and time.

    Within one incident they are another feed's word for word: two that relay one message both go on about what they
    share.
    """
    if record.alert is None or is_own(record.alert):
        return
    same_words = [each for each in alerts.by_content(record.content_key or "") if each.alert and each.alert.ends > now]
    seen = {record.id}
    for each in (*same_words, *_on_the_same(alerts, record.alert, now)):
        relayed = each.source != record.source and each.content_key == record.content_key
        if each.id not in seen and (relayed or each.incident_id != record.incident_id):
            seen.add(each.id)
            yield each


def _repeats(alerts: AlertRepository, record: StoredAlert, twin: StoredAlert) -> bool:
    """Whether what waits would say again what its twin says.

    It tells of an event for the first time, or goes on about the incident that both share, as its twin does. An end
    repeats nothing: each feed ends what it brought.
    """
    if record.alert is not None and end_reason(record.alert) is not None:
        return False
    goes_on = record.incident_id == twin.incident_id
    return goes_on or any(post.kind is PostKind.PUBLISH for post in _waiting(alerts, record))


def _waiting(alerts: AlertRepository, record: StoredAlert) -> list[Post]:
    return [post for post in alerts.posts_of(record.id) if post.state is PostState.WAITING]


def _set_clock(
    alerts: AlertRepository, record: StoredAlert, at: datetime | None, reason: Reason, now: datetime
) -> None:
    held = [post for post in _waiting(alerts, record) if post.not_before != at]
    for post in held:
        alerts.set_clock(post, at)
    if held:
        alerts.set_alert_state(record.id, AlertState.WAITING, reason)
        alerts.note(now, record.id, None, "held" if at is None else "released", reason)
