"""A message about an alert that is out: its update, its cancellation, its correction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from alerts.desk.dedupe import end_reason
from alerts.desk.draft import Draft, draft_alert
from alerts.desk.station import Station
from alerts.model.alert import (
    CORRECTED,
    ENDS_BY,
    Alert,
    Info,
    MsgType,
    Named,
    Reference,
    ResponseType,
    Severity,
    Urgency,
)
from alerts.model.errors import Misuse, Refused
from alerts.model.incident import AlertState, StoredAlert
from alerts.model.post import PostKind
from alerts.model.reason import because
from alerts.store.alerts import AlertRepository

# The fields of a draft that say where; with one of them, all of where is told anew.
_WHERE = frozenset(("areas", "place", "polygons", "circles", "nowhere"))


def goes_on_from(alerts: AlertRepository, named: StoredAlert, *, ends: bool) -> StoredAlert:
    """The message that a word about this incident is built on, whichever of its messages was named.

    It is the newest whose words were let out: an update by an older one's id would take newer words back, and an end
    speaks of what readers know. A message that waits is built on only where nothing was let out, or where an update
    names it itself, to take its place. What was rejected, left out, or is an end itself has no words to go on with.
    """
    if not ends and named.state is AlertState.WAITING:
        return named
    incident = alerts.incident(named.incident_id)
    for state in (AlertState.ACCEPTED, AlertState.WAITING):
        for record in reversed(incident):
            if record.state is state and record.alert is not None and not _is_end(alerts, record):
                return record
    return named


def _is_end(alerts: AlertRepository, record: StoredAlert) -> bool:
    """Whether all that it led to, or would lead to, are ends: also of a feed's word that its alert has left us."""
    posts = alerts.posts_of(record.id)
    says_so = record.alert is not None and end_reason(record.alert) is not None
    return says_so or (bool(posts) and all(post.kind is PostKind.END for post in posts))


def update_of(record: StoredAlert, changes: Mapping[str, Any], station: Station, now: datetime, identity: str) -> Alert:
    """The alert again with `changes` (fields of Draft); what isn't changed stays as it was.

    Raises Misuse as a draft does, and Refused for an entry that could not be read.
    """
    before = _alert_of(record)
    info = before.info_for(station.language) or Info(event="")
    kept: dict[str, Any] = {
        "headline": info.headline or info.event,
        "description": info.description,
        "instruction": info.instruction,
        "event": info.event,
        "category": info.categories[0],
        "severity": info.severity,
        "urgency": info.urgency,
        "certainty": info.certainty,
        # A draft reads times as they are typed: spelled with their offset, they come back the same.
        "onset": info.onset.isoformat() if info.onset else None,
        "expires": info.expires.isoformat() if info.expires else None,
        "web": info.web,
        "language": info.language,
    }
    given = {name: value for name, value in changes.items() if value not in (None, (), False)}
    if not given:
        raise Misuse(because("nothing_to_change"))
    alert = draft_alert(Draft(**{**kept, **given}), station, now, identity)
    said = replace(
        alert.infos[0],
        areas=alert.infos[0].areas if _WHERE & given.keys() else info.areas,
        resources=alert.infos[0].resources if {"image", "no_picture"} & given.keys() else info.resources,
        parameters=_parameters(info, alert.infos[0].parameters),
        event_codes=info.event_codes,
    )
    return _following(replace(alert, infos=(said,)), before, MsgType.UPDATE)


def _parameters(before: Info, own: tuple[Named, ...]) -> tuple[Named, ...]:
    """Those of before, but for the ones that are told anew."""
    told = {pair.name for pair in own}
    return (*(pair for pair in before.parameters if pair.name not in told), *own)


def cancel_of(record: StoredAlert, reason: str | None, station: Station, now: datetime, identity: str) -> Alert:
    """The end of the alert: it no longer holds. `reason` is told to the readers."""
    return _following(_ending(record, reason, station, now, identity), _alert_of(record), MsgType.CANCEL)


def all_clear_of(record: StoredAlert, reason: str | None, station: Station, now: datetime, identity: str) -> Alert:
    """The end of the alert: what it told of is over. `reason` is told to the readers."""
    before = _alert_of(record)
    alert = _ending(record, reason, station, now, identity)
    info = alert.infos[0] if alert.infos else Info(event="Alerte")
    clear = replace(info, urgency=Urgency.PAST, response_types=(ResponseType.ALL_CLEAR,))
    return _following(replace(alert, infos=(clear,)), before, MsgType.UPDATE)


def correction_of(record: StoredAlert, reason: str | None, station: Station, now: datetime, identity: str) -> Alert:
    """The end of the alert: it was wrong. `reason` says what is right."""
    mark = (Named(ENDS_BY, CORRECTED),)
    return _following(_ending(record, reason, station, now, identity, mark=mark), _alert_of(record), MsgType.CANCEL)


def without_own_words(correction: Alert, record: StoredAlert, station: Station) -> Alert:
    """The correction as it goes out when nobody has validated its words: it says what was wrong as that stood."""
    bare = _ending(record, None, station, correction.sent, "", mark=(Named(ENDS_BY, CORRECTED),))
    return replace(correction, note=None, infos=bare.infos)


def words_after(correction: Alert, identity: str) -> Alert:
    """The correction with its words as a message of its own, which goes on from the one without."""
    sent = correction.sent.astimezone(UTC).replace(microsecond=0)
    told = Reference(correction.sender, correction.identifier, sent)
    return replace(correction, identifier=f"tocsin-{identity}", references=(*correction.references, told))


def _alert_of(record: StoredAlert) -> Alert:
    if record.alert is None:
        raise Refused(because("unread_nothing_to_say", alert=record.id))
    return record.alert


def _ending(
    record: StoredAlert,
    reason: str | None,
    station: Station,
    now: datetime,
    identity: str,
    *,
    mark: tuple[Named, ...] = (),
) -> Alert:
    before = _alert_of(record)
    infos: tuple[Info, ...] = ()
    if before.infos:
        info = before.info_for(station.language) or before.infos[0]
        said = replace(info, description=None, instruction=None, resources=(), parameters=(*info.parameters, *mark))
        infos = (said,)
    elif mark:
        infos = (Info(event="Alerte", severity=Severity.UNKNOWN, parameters=mark),)
    sent = now.replace(microsecond=0).astimezone(station.timezone)
    return Alert(f"tocsin-{identity}", station.sender, sent, status=before.status, note=reason, infos=infos)


def _following(alert: Alert, before: Alert, msg_type: MsgType) -> Alert:
    own = Reference(before.sender, before.identifier, before.sent.astimezone(UTC).replace(microsecond=0))
    return replace(alert, status=before.status, msg_type=msg_type, references=(*before.references, own))
