"""Seen before or not: the same message, the same words under another identifier, the next version of an incident."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import Any

from alerts.desk.routing import PRACTICE, fit_for_people, premature
from alerts.desk.thread import is_open
from alerts.model.alert import CORRECTED, ENDS_BY, PLANNED, Alert, Area, Info, MsgType, ResponseType, Urgency
from alerts.model.incident import AlertState, LeftOut, Record
from alerts.model.ports import Books
from alerts.model.post import EndReason

MANUAL = "manual"
"""The source of what a duty officer enters: meant as it is entered, so never merged with anything by itself."""
_OWN = "tocsin:"


def content_key(alert: Alert) -> str:
    """Equal for two messages that would tell people the same, whatever their identifier and time of issue."""
    said = [_said(info) for info in alert.infos]
    ending = end_reason(alert)
    references = sorted(reference.identifier for reference in alert.references) if ending else []
    return _digest([str(alert.status), str(ending), references, said])


def topic_key(alert: Alert) -> str | None:
    """Equal for two messages on the same event in the same areas; None where there is nothing to compare.

    Our own calendar's announcements tell by references what belongs together: two road works in one street are two.
    """
    if not alert.infos or not alert.areas or _is_own(alert):
        return None
    events = sorted({_folded(info.event) for info in alert.infos})
    return _digest([str(alert.status), events, sorted({_where(area) for area in alert.areas})])


def _is_own(alert: Alert) -> bool:
    return any(pair.name.startswith(_OWN) for info in alert.infos[:1] for pair in info.parameters)


def _digest(parts: list[Any]) -> str:
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode()).hexdigest()


def _said(info: Info) -> list[str]:
    times = [time.timestamp().hex() if time else "" for time in (info.onset, info.expires)]
    words = [info.headline, info.description, info.instruction, info.web]
    folded = [" ".join((text or "").split()) for text in (info.event, *words)]
    areas = sorted(_where(area) for area in info.areas)
    return [info.language.lower(), info.severity, info.urgency, *folded, *times, *areas]


def _where(area: Area) -> str:
    return f"{_folded(area.description)}|{area.polygons}|{area.circles}|{sorted(map(str, area.geocodes))}"


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())


def end_reason(alert: Alert) -> EndReason | None:
    """Why the message ends its incident, or None where it doesn't.

    An end comes as a Cancel, or as an Update that says AllClear or whose urgency is Past (Environment Canada, Macao).
    An Alert whose urgency is Past (GDACS, earthquakes) tells of something; it ends nothing. Of our own calendar's ends
    nobody knows more than that their planned time has come: they run out, and give no all clear.
    """
    if alert.msg_type is MsgType.CANCEL:
        wrong = any(info.parameter(ENDS_BY) == CORRECTED for info in alert.infos)
        return EndReason.CORRECTED if wrong else EndReason.CANCELLED
    if not alert.infos or alert.msg_type is not MsgType.UPDATE:
        return None
    clear = all(ResponseType.ALL_CLEAR in info.response_types or info.urgency is Urgency.PAST for info in alert.infos)
    if clear and all(info.parameter(ENDS_BY) == PLANNED for info in alert.infos):
        return EndReason.EXPIRED
    return EndReason.ALL_CLEAR if clear else None


def seen_before(books: Books, alert: Alert, source: str) -> Record | None:
    """The record of this very message, or of a newer one under its identifier that was taken in.

    Another source's record counts only where it was accepted: what is left out there hides nothing here.
    """
    for record in books.by_identifier(alert.identifier, alert.sender):
        if record.alert is not None and _is_known_by(record, record.alert, alert, source):
            return record
    return None


def _is_known_by(record: Record, known: Alert, alert: Alert, source: str) -> bool:
    if record.source != source:
        return record.state is AlertState.ACCEPTED and known.sent >= alert.sent
    return known.sent == alert.sent or (record.state is not AlertState.LEFT_OUT and known.sent > alert.sent)


def may_follow(alert: Alert, source: str, record: Record) -> bool:
    """Whether a message may go on about that one, end it or take its place.

    An exercise has no part in what is real, nor the other way round. A feed speaks of what it brought itself, and a
    sender of its own messages; an officer speaks of everything, and nobody else of what an officer posted.
    """
    if record.alert is None or _is_practice(record.alert) is not _is_practice(alert):
        return False
    if source == MANUAL:
        return True
    return record.source != MANUAL and (record.source == source or record.alert.sender == alert.sender)


def _is_practice(alert: Alert) -> bool:
    return alert.status in PRACTICE


def replaced_before(books: Books, alert: Alert, source: str, now: datetime) -> Record | None:
    """The update or cancellation of this message that was read before the message itself.

    One that was left out itself replaces nothing, but for an end, which found nothing to end yet.
    """
    itself = Record("", "", source, alert, AlertState.LEFT_OUT, now)
    for record in books.referring(alert.identifier):
        later = record.alert
        if later is None or later.msg_type not in (MsgType.UPDATE, MsgType.CANCEL):
            continue
        is_newer = later.sent >= alert.sent and later.identifier != alert.identifier
        if is_newer and _counts(record, later, now) and may_follow(later, record.source, itself):
            return record
    return None


def _counts(record: Record, later: Alert, now: datetime) -> bool:
    if record.state is AlertState.LEFT_OUT:
        return end_reason(later) is not None and fit_for_people(later) is None and not premature(later, now)
    return record.state is not AlertState.REJECTED


def said_before(books: Books, alert: Alert, source: str, now: datetime) -> tuple[Record, LeftOut] | None:
    """The record with the same words that still matters, and the reason to leave this one out.

    Our own calendar knows itself what it told: a second notice, or works moved there and back, are meant.
    """
    if source == MANUAL or _is_own(alert):
        return None
    for record in books.by_content(content_key(alert)):
        if record.alert is None or record.alert.ends <= now or _is_over(books, record):
            continue
        if record.source == source:
            reason = f"the same words as {record.id} ({record.alert.identifier}), under a new identifier"
            return record, LeftOut(reason)
        return record, LeftOut(f"merged with {record.id}: {record.source} told the same words before")
    return None


def merged_before(books: Books, alert: Alert, source: str, now: datetime) -> tuple[Record, LeftOut] | None:
    """The record of another feed on the same event, areas and time that is at least as grave, and the reason."""
    for record in _same_topic(books, alert, source, now):
        if record.source != source and record.severity.at_least(alert.severity):
            return record, LeftOut(f"merged with {record.id}: {record.source} told of the same event before")
    return None


def predecessor(books: Books, alert: Alert, source: str, now: datetime) -> Record | None:
    """The newest message that this one updates or ends.

    By its references, else an older one of its own identifier, of those that it may follow; a feed that gives neither
    is taken to go on about the same event in the same areas, where their times overlap.
    """
    for reference in sorted(alert.references, key=lambda reference: reference.sent, reverse=True):
        for record in books.by_identifier(reference.identifier):
            if may_follow(alert, source, record):
                return record
    for record in books.by_identifier(alert.identifier, alert.sender):
        if record.alert is not None and record.alert.sent <= alert.sent and may_follow(alert, source, record):
            return record
    return next(iter(_same_topic(books, alert, source, now)), None)


def _same_topic(books: Books, alert: Alert, source: str, now: datetime) -> list[Record]:
    topic = topic_key(alert)
    if topic is None or source == MANUAL or alert.references or alert.msg_type is not MsgType.ALERT:
        return []
    return [
        record
        for record in books.by_topic(topic, now)
        if record.source != MANUAL
        and record.alert is not None
        and _overlap(alert, record.alert)
        and not _is_over(books, record)
    ]


def _is_over(books: Books, record: Record) -> bool:
    """Whether its incident was ended: what is said of it again is a new one. A rejected one stays rejected."""
    return record.state is not AlertState.REJECTED and not is_open(books.thread(record.incident_id))


def _overlap(one: Alert, other: Alert) -> bool:
    return max(one.starts, other.starts) < min(one.ends, other.ends)
