"""Seen before or not: the same message, and the same words under another identifier."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime

from alerts.model.alert import Alert, Info, MsgType, ResponseType, Urgency
from alerts.model.incident import LeftOut, Record
from alerts.model.ports import Books
from alerts.model.post import EndReason


def content_key(alert: Alert) -> str:
    """Equal for two messages that would tell people the same, whatever their identifier and time of issue."""
    said = [_said(info) for info in alert.infos]
    ending = end_reason(alert)
    references = sorted(reference.identifier for reference in alert.references) if ending else []
    parts = [str(alert.status), str(ending), references, said]
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode()).hexdigest()


def _said(info: Info) -> list[str]:
    areas = [f"{area.description}|{area.polygons}|{area.circles}|{area.geocodes}" for area in info.areas]
    times = [time.isoformat() if time else "" for time in (info.onset, info.expires)]
    words = [info.headline, info.description, info.instruction, info.web]
    folded = [" ".join((text or "").split()) for text in (info.event, *words)]
    return [info.language.lower(), info.severity, info.urgency, *folded, *times, *sorted(areas)]


def end_reason(alert: Alert) -> EndReason | None:
    """Why the message ends its incident, or None where it doesn't.

    An end comes as a Cancel, or as an Update that says AllClear or whose urgency is Past (feeds.md of the field:
    Environment Canada, Macao). An Alert whose urgency is Past (GDACS, seismic) tells of something, it ends nothing.
    """
    if alert.msg_type is MsgType.CANCEL:
        return EndReason.CANCELLED
    if not alert.infos or alert.msg_type is MsgType.ALERT:
        return None
    clear = all(ResponseType.ALL_CLEAR in info.response_types or info.urgency is Urgency.PAST for info in alert.infos)
    return EndReason.ALL_CLEAR if clear else None


def seen_before(books: Books, alert: Alert) -> Record | None:
    """The record of this very message, or of a newer one under its identifier."""
    for record in books.by_identifier(alert.identifier, alert.sender):
        if record.alert is not None and record.alert.sent >= alert.sent:
            return record
    return None


def said_before(books: Books, alert: Alert, source: str, now: datetime) -> tuple[Record, LeftOut] | None:
    """The record with the same words that still matters, and the reason to leave this one out."""
    for record in books.by_content(content_key(alert)):
        if record.alert is None or record.alert.ends <= now:
            continue
        if record.source == source:
            return record, LeftOut(f"the same words as {record.id} ({record.alert.identifier}) under a new identifier")
        return record, LeftOut(f"merged with {record.id}, which {record.source} told in the same words")
    return None


def predecessor(books: Books, alert: Alert) -> Record | None:
    """The newest message that this one updates or ends: by its references, else an older one of its own identifier."""
    for reference in sorted(alert.references, key=lambda reference: reference.sent, reverse=True):
        for record in books.by_identifier(reference.identifier):
            if record.alert is not None:
                return record
    return next(iter(books.by_identifier(alert.identifier, alert.sender)), None)
