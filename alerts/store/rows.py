"""Rows as the vocabulary's types, and back."""

from __future__ import annotations

import json
import sqlite3
from datetime import datetime
from typing import Any

from alerts.model.alert import Severity
from alerts.model.codec import alert_from_json, alert_to_json
from alerts.model.incident import AlertState, Record
from alerts.model.post import Image, Means, Message, Post, PostKind, PostState, Receipt
from alerts.model.reason import kept_reason, read_reason
from alerts.store.schema import stamp, time_of


def record_of(row: sqlite3.Row) -> Record:
    """A row of `alert`."""
    return Record(
        id=row["id"],
        incident_id=row["incident"],
        source=row["source"],
        alert=alert_from_json(row["document"]) if row["document"] else None,
        state=AlertState(row["state"]),
        received_at=_time(row["received_at"]),
        reason=read_reason(row["reason"]),
        content_key=row["content_key"],
        topic=row["topic"],
        author=row["author"],
        notes=tuple(json.loads(row["notes"])),
    )


def values_of_record(record: Record) -> dict[str, Any]:
    """The columns of `alert` for a record."""
    alert = record.alert
    info = alert.infos[0] if alert and alert.infos else None
    return {
        "id": record.id,
        "incident": record.incident_id,
        "source": record.source,
        "identifier": alert.identifier if alert else None,
        "sender": alert.sender if alert else None,
        "sent": stamp(alert.sent) if alert else None,
        "status": alert.status if alert else None,
        "msg_type": alert.msg_type if alert else None,
        "severity": record.severity,
        "headline": (info.headline or info.event) if info else None,
        "expires": stamp(alert.ends) if alert else None,
        "state": record.state,
        "reason": kept_reason(record.reason),
        "content_key": record.content_key,
        "topic": record.topic,
        "notes": json.dumps(record.notes, ensure_ascii=False),
        "document": alert_to_json(alert) if alert else None,
        "received_at": stamp(record.received_at),
        "closed_at": None,
        "author": record.author,
    }


def post_of(row: sqlite3.Row) -> Post:
    """A row of `post`."""
    return Post(
        id=row["id"],
        alert_id=row["alert_id"],
        incident_id=row["incident"],
        channel=row["channel"],
        kind=PostKind(row["kind"]),
        means=Means(row["means"]),
        state=PostState(row["state"]),
        priority=row["priority"],
        seq=row["seq"],
        message=Message(
            text=row["text"],
            plain=row["plain"],
            link=row["link"],
            image=Image(row["image"], row["alt"] or "") if row["image"] else None,
            language=row["language"],
        ),
        severity=Severity(row["severity"]),
        exercise=bool(row["exercise"]),
        warnings=tuple(json.loads(row["warnings"])),
        expires=time_of(row["expires"]),
        not_before=time_of(row["not_before"]),
        tries=row["tries"],
        next_try=time_of(row["next_try"]),
        receipt=Receipt(row["remote_id"], row["url"]) if row["remote_id"] else None,
        sent_at=time_of(row["sent_at"]),
        outcome=row["outcome"],
        reason=read_reason(row["reason"]),
        looks=row["looks"],
        attempted_at=time_of(row["attempted_at"]),
        stored_at=_time(row["stored_at"]),
    )


def values_of_post(post: Post) -> dict[str, Any]:
    """The columns of `post` for a new post."""
    message, receipt = post.message, post.receipt
    return {
        "id": post.id,
        "alert_id": post.alert_id,
        "incident": post.incident_id,
        "channel": post.channel,
        "kind": post.kind,
        "means": post.means,
        "state": post.state,
        "priority": post.priority,
        "severity": post.severity,
        "exercise": post.exercise,
        "text": message.text,
        "plain": message.plain,
        "link": message.link,
        "image": message.image.path if message.image else None,
        "alt": message.image.alt if message.image else None,
        "language": message.language,
        "warnings": json.dumps(post.warnings, ensure_ascii=False),
        "expires": stamp(post.expires),
        "not_before": stamp(post.not_before),
        "next_try": stamp(post.next_try),
        "tries": post.tries,
        "looks": post.looks,
        "attempted_at": stamp(post.attempted_at),
        "remote_id": receipt.remote_id if receipt else None,
        "url": receipt.url if receipt else None,
        "sent_at": stamp(post.sent_at),
        "outcome": post.outcome,
        "reason": kept_reason(post.reason),
        "stored_at": stamp(post.stored_at),
    }


def _time(stamped: int) -> datetime:
    time = time_of(stamped)
    assert time is not None  # noqa: S101 the column is NOT NULL
    return time
