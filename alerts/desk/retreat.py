"""An incident that leaves us: its sender goes on about it, but no longer for here, or no longer for the public."""

from __future__ import annotations

from dataclasses import replace

from alerts.desk.dedupe import MANUAL, end_reason
from alerts.desk.routing import fit_for_people
from alerts.desk.station import Station
from alerts.desk.territory import Elsewhere
from alerts.desk.thread import is_open
from alerts.model.alert import Alert, MsgType, Scope
from alerts.model.incident import AlertState, LeftOut, StoredAlert
from alerts.store.alerts import AlertRepository

NOT_HERE = {"fr": "Elle ne concerne plus notre commune.", "en": "It no longer concerns our area."}
"""What readers are told of an alert that moved away."""


def retreats(
    alerts: AlertRepository,
    alert: Alert,
    previous: StoredAlert | None,
    station: Station,
    source: str,
    *,
    any_area: bool,
) -> LeftOut | None:
    """Why the message takes an open incident away from here; None where it doesn't.

    It has to be the next version of what stands: one message of several that split an alert among districts takes
    nothing away from the one that is for here.
    """
    if previous is None or not is_open(alerts.thread(previous.incident_id)) or not _goes_on(alert, previous):
        return None
    why = _why(alert, station, any_area=any_area)
    return why if why and _follows_what_stands(alerts, alert, previous, source) else None


def without_words(alert: Alert, why: LeftOut, language: str) -> Alert:
    """The message as a bare end: what it says is for others. Readers are told, in `language`, that it moved away."""
    told = NOT_HERE["fr" if language.lower().startswith("fr") else "en"] if isinstance(why, Elsewhere) else None
    return replace(alert, msg_type=MsgType.CANCEL, scope=Scope.PUBLIC, note=told, infos=())


def _goes_on(alert: Alert, previous: StoredAlert) -> bool:
    own = previous.alert is not None and previous.alert.identifier == alert.identifier
    is_version = alert.msg_type is MsgType.UPDATE or (own and alert.msg_type is MsgType.ALERT)
    return is_version and bool(alert.infos) and end_reason(alert) is None


def _why(alert: Alert, station: Station, *, any_area: bool) -> LeftOut | None:
    if alert.scope is not Scope.PUBLIC:
        return fit_for_people(alert)
    if fit_for_people(alert) or not alert.areas:
        return None
    located = station.territory.locate(alert, any_area=any_area)
    return located if isinstance(located, Elsewhere) else None


def _follows_what_stands(alerts: AlertRepository, alert: Alert, previous: StoredAlert, source: str) -> bool:
    """Whether the newest message of the incident that was taken in is among those it goes on from.

    What waits of another feed's is a proposal: nobody knows it yet.
    """
    known = {alert.identifier, *(reference.identifier for reference in alert.references)}
    taken_in = [
        record
        for record in alerts.incident(previous.incident_id)
        if record.state is AlertState.ACCEPTED
        or (record.state is AlertState.WAITING and record.source in (source, MANUAL))
    ]
    newest = taken_in[-1].alert if taken_in else None
    return newest is not None and newest.identifier in known
