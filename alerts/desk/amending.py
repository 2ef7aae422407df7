"""A message about an alert that is out: its update, its cancellation, its correction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from alerts.desk.dedupe import CORRECTED, ENDS_BY
from alerts.desk.draft import Draft, draft_alert
from alerts.desk.station import Station
from alerts.model.alert import Alert, Info, MsgType, Named, Reference, ResponseType, Severity, Urgency
from alerts.model.errors import Misuse, Refused
from alerts.model.incident import Record

_WHERE = frozenset(("areas", "place", "polygons", "circles", "whole"))
"""The fields of a draft that say where; with one of them, all of where is told anew."""


def update_of(record: Record, changes: Mapping[str, Any], station: Station, now: datetime, identity: str) -> Alert:
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
        "onset": info.onset.isoformat() if info.onset else None,
        "expires": info.expires.isoformat() if info.expires else None,
        "web": info.web,
        "language": info.language,
    }
    given = {name: value for name, value in changes.items() if value not in (None, (), False)}
    if not given:
        raise Misuse("nothing to change was given; allowed: post's options, such as --instruction or --expires")
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


def cancel_of(record: Record, reason: str | None, station: Station, now: datetime, identity: str) -> Alert:
    """The end of the alert: it no longer holds. `reason` is told to the readers."""
    return _following(_ending(record, reason, station, now, identity), _alert_of(record), MsgType.CANCEL)


def all_clear_of(record: Record, reason: str | None, station: Station, now: datetime, identity: str) -> Alert:
    """The end of the alert: what it told of is over. `reason` is told to the readers."""
    before = _alert_of(record)
    alert = _ending(record, reason, station, now, identity)
    info = alert.infos[0] if alert.infos else Info(event="Alerte")
    clear = replace(info, urgency=Urgency.PAST, response_types=(ResponseType.ALL_CLEAR,))
    return _following(replace(alert, infos=(clear,)), before, MsgType.UPDATE)


def correction_of(record: Record, reason: str | None, station: Station, now: datetime, identity: str) -> Alert:
    """The end of the alert: it was wrong. `reason` says what is right."""
    mark = (Named(ENDS_BY, CORRECTED),)
    return _following(_ending(record, reason, station, now, identity, mark=mark), _alert_of(record), MsgType.CANCEL)


def _alert_of(record: Record) -> Alert:
    if record.alert is None:
        raise Refused(f"{record.id} could not be read when it came, so there is nothing to say about it")
    return record.alert


def _ending(
    record: Record, reason: str | None, station: Station, now: datetime, identity: str, *, mark: tuple[Named, ...] = ()
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
