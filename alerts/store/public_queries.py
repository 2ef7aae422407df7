"""Which incidents the public may ask for; what of them it may see, `alerts.desk.publicity` decides."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import bindparam, func, or_, select

from alerts.model.alert import Status
from alerts.model.incident import AlertState, Record
from alerts.model.post import PostState
from alerts.store.rows import record_of
from alerts.store.schema import alert, decision, stamp, time_of
from alerts.store.statement import Statement, any_of, one_of

LAST_DAY = timedelta(hours=24)

# What is let out is nearly all there is, and grows for ever: SQLite, which doesn't know, would read the whole of it.
_LET_OUT_FOR_REAL = (
    func.likely(alert.c.state == AlertState.ACCEPTED.value),
    func.likely(alert.c.status == Status.ACTUAL.value),
)
_CURRENT = Statement(
    select(alert.c.incident)
    .where(func.unlikely(alert.c.expires > bindparam("since")), *_LET_OUT_FOR_REAL)
    .group_by(alert.c.incident)
    .order_by(func.min(alert.c.seq))
)
_NEWEST = (
    select(alert.c.incident, alert.c.received_at)
    .where(*_LET_OUT_FOR_REAL)
    .order_by(alert.c.seq.desc())
    .limit(bindparam("most"))
    .subquery()
)
_PUBLISHED = Statement(
    select(_NEWEST.c.incident, func.max(_NEWEST.c.received_at).label("at"))
    .group_by(_NEWEST.c.incident)
    .order_by(func.max(_NEWEST.c.received_at).desc())
)
_LETS_OUT = (AlertState.ACCEPTED.value, "approved", PostState.QUEUED.value)
"""The decisions that let a message out: at once, by a validation, or because nobody vetoed it in time."""
_LET_OUT = (
    select(func.min(decision.c.at))
    .where(decision.c.alert_id == alert.c.id, any_of(decision.c.what, _LETS_OUT))
    .scalar_subquery()
    .label("let_out")
)
_MESSAGES = Statement(select(alert, _LET_OUT).where(one_of(alert.c.incident, "incidents")).order_by(alert.c.seq))
_INCIDENT_OF = Statement(
    select(alert.c.incident).where(or_(alert.c.id == bindparam("name"), alert.c.incident == bindparam("name"))).limit(1)
)


def public_incidents(db: sqlite3.Connection, now: datetime) -> Sequence[str]:
    """The incidents that are on or to come, or were over in the last day, in the order of their beginning."""
    return [row["incident"] for row in _CURRENT.rows(db, since=stamp(now - LAST_DAY))]


def messages(db: sqlite3.Connection, incidents: Sequence[str]) -> Mapping[str, Sequence[Record]]:
    """The messages of each of these incidents, in the order of storing.

    One that waited was received, for the public, when it was let out: when it came is the desk's affair.
    """
    grouped: dict[str, list[Record]] = {identity: [] for identity in incidents}
    for row in _MESSAGES.rows(db, incidents=json.dumps(list(incidents))):
        record = record_of(row)
        grouped[row["incident"]].append(replace(record, received_at=time_of(row["let_out"]) or record.received_at))
    return grouped


def published(db: sqlite3.Connection, most: int) -> Sequence[tuple[str, datetime]]:
    """The incidents of the newest messages that were let out, with when each last changed."""
    return [(row["incident"], at) for row in _PUBLISHED.rows(db, most=most) if (at := time_of(row["at"]))]


def incident_of(db: sqlite3.Connection, name: str) -> str | None:
    """The incident of that id, or of the message of that id."""
    row = _INCIDENT_OF.row(db, name=name)
    return str(row["incident"]) if row else None
