"""What the simulated senders write: CAP alerts whose words no other alert has, so that the audit tells them apart."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from alerts.model.alert import (
    Alert,
    Area,
    Category,
    Certainty,
    Info,
    MsgType,
    NamedValue,
    Reference,
    Severity,
    Status,
    Urgency,
)

SENDER = "vigilance@meteo.example"


@dataclass(frozen=True, slots=True)
class Subject:
    """What an incident is about."""

    number: int
    severity: Severity
    urgency: Urgency
    status: Status
    sender: str


def alert_on(subject: Subject, now: datetime, lasts: timedelta) -> Alert:
    """The first message on a subject."""
    sent = now.replace(microsecond=0)
    info = Info(
        event=f"Orage {subject.number}",
        categories=(Category.MET,),
        severity=subject.severity,
        urgency=subject.urgency,
        certainty=Certainty.LIKELY,
        language="fr-FR",
        expires=sent + lasts,
        headline=f"Orage no {subject.number}",
        description=f"Pluie et vent attendus, bulletin {subject.number}.",
        instruction="Restez chez vous.",
        areas=(Area(f"Quartier {subject.number}", geocodes=(NamedValue("INSEE", "38185"),)),),
    )
    return Alert(f"orage-{subject.number}", subject.sender, sent, status=subject.status, infos=(info,))


def update_on(before: Alert, place: int, now: datetime, lasts: timedelta, severity: Severity) -> Alert:
    """The next message of an incident."""
    info = before.infos[0]
    sent = max(now.replace(microsecond=0), before.sent + timedelta(seconds=1))
    head = (info.headline or "").split(",")[0]
    said = replace(info, headline=f"{head}, suite {place}", severity=severity, expires=sent + lasts)
    return _following(before, sent, MsgType.UPDATE, replace(said, description=f"{info.description} Suite {place}."))


def cancel_of(before: Alert, now: datetime) -> Alert:
    """The end of an incident."""
    sent = max(now.replace(microsecond=0), before.sent + timedelta(seconds=1))
    return _following(before, sent, MsgType.CANCEL, before.infos[0])


def forged_end_of(before: Alert, now: datetime) -> Alert:
    """An end by somebody who has no say in it."""
    end = cancel_of(before, now)
    return replace(end, identifier=f"{end.identifier}-forged", sender="somebody@else.example")


def reissue(before: Alert, now: datetime) -> Alert:
    """The same words under another identifier."""
    return replace(before, identifier=f"{before.identifier}-bis", sent=now.replace(microsecond=0))


def _following(before: Alert, sent: datetime, msg_type: MsgType, info: Info) -> Alert:
    reference = Reference(before.sender, before.identifier, before.sent)
    return replace(
        before,
        identifier=f"{before.identifier}-{int(sent.timestamp())}",
        sent=sent,
        msg_type=msg_type,
        references=(*before.references, reference),
        infos=(info,),
    )
