"""Bulks as rows."""

from __future__ import annotations

import html
import json
import re
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import select

from alerts.model.alert import Severity
from alerts.model.bulk import Bulk, BulkState, Candidate, Progress
from alerts.model.post import Message, Post, PostKind, PostState
from alerts.model.reason import read_reason
from alerts.model.subscriber import Notice, Topic
from alerts.store import bulk_statements as sql
from alerts.store.schema import bulk, stamp, time_of
from alerts.store.statement import Statement, one_of

_TAG = re.compile(r"<[^>]*>")


def _moment(stamped: int) -> datetime:
    time = time_of(stamped)
    assert time is not None  # noqa: S101 the column is never empty
    return time


def candidate_of(row: sqlite3.Row) -> Candidate:
    """A row as far as it decides."""
    return Candidate(
        id=row["id"],
        seq=row["seq"],
        incident=row["incident"],
        urgent=Severity(row["severity"]).at_least(Severity.SEVERE),
        exercise=bool(row["exercise"]),
        expires=time_of(row["expires"]),
        post=PostState(row["post"]) if row["post"] else None,
        cursor=row["cursor"],
        everyone=bool(row["everyone"]),
    )


def bulk_of(row: sqlite3.Row) -> Bulk:
    """The bulk of a row."""
    districts = json.loads(row["districts"]) if row["districts"] is not None else None
    return Bulk(
        id=row["id"],
        channel=row["channel"],
        incident=row["incident"],
        alert_id=row["alert_id"],
        kind=PostKind(row["kind"]),
        state=BulkState(row["state"]),
        notice=Notice(
            Topic(row["topic"]), Severity(row["severity"]), None if districts is None else frozenset(districts)
        ),
        texts=json.loads(row["texts"]),
        stored_at=_moment(row["stored_at"]),
        everyone=bool(row["everyone"]),
        edits=bool(row["edits"]),
        expires=time_of(row["expires"]),
        exercise=bool(row["exercise"]),
        cursor=row["cursor"],
        total=row["total"],
        sent=row["sent"],
        failed=row["failed"],
        skipped=row["skipped"],
        started_at=time_of(row["started_at"]),
        ended_at=time_of(row["ended_at"]),
        reason=read_reason(row["reason"]),
        seq=row["seq"],
        links=json.loads(row["links"]),
    )


_TEXTS = Statement(select(bulk.c.id, bulk.c.texts, bulk.c.links).where(one_of(bulk.c.alert_id, "alerts")))


def with_subscribers(db: sqlite3.Connection, posts: Sequence[Post]) -> list[Post]:
    """The posts with what the subscribers of their channels are told."""
    if not posts:
        return []
    alerts = json.dumps(sorted({post.alert_id for post in posts}))
    told = {row["id"]: (json.loads(row["texts"]), json.loads(row["links"])) for row in _TEXTS.rows(db, alerts=alerts)}
    return [replace(post, subscribers=_messages(*told[post.id])) if post.id in told else post for post in posts]


def _messages(texts: Mapping[str, str], links: Mapping[str, str]) -> dict[str, Message]:
    return {
        language: Message(text, html.unescape(_TAG.sub("", text)), links.get(language), language=language)
        for language, text in texts.items()
    }


def add_bulk(db: sqlite3.Connection, new: Bulk) -> None:
    """Store a new one."""
    districts = new.notice.districts
    sql.ADD.run(
        db,
        id=new.id,
        channel=new.channel,
        incident=new.incident,
        alert_id=new.alert_id,
        kind=new.kind,
        state=new.state,
        topic=new.notice.topic,
        severity=new.notice.severity,
        districts=None if districts is None else json.dumps(sorted(districts), ensure_ascii=False),
        texts=json.dumps(dict(new.texts), ensure_ascii=False),
        links=json.dumps(dict(new.links)),
        exercise=new.exercise,
        everyone=new.everyone,
        edits=new.edits,
        cursor=None,
        total=None,
        sent=0,
        failed=0,
        skipped=0,
        stored_at=stamp(new.stored_at),
        expires=stamp(new.expires),
        started_at=None,
        ended_at=None,
        reason=None,
    )


def progress(db: sqlite3.Connection, since: datetime) -> list[Progress]:
    """The bulks that are not over, or were over since, in the order of storing."""
    rows = sql.PROGRESS.rows(db, since=stamp(since))
    return [Progress(bulk_of(row), row["held"], row["post"] == PostState.WAITING) for row in rows]
