"""What waits for somebody, for who tells those on duty."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, func, select

from alerts.model.actor import Act
from alerts.model.incident import AlertState, Record
from alerts.model.person import Entry
from alerts.store.rows import record_of
from alerts.store.schema import alert, audit, decision, stamp, time_of
from alerts.store.statement import Statement
from alerts.store.watched import OWN_WARNINGS

_WAITING = Statement(
    select(alert).where(alert.c.state == AlertState.WAITING.value, alert.c.source != OWN_WARNINGS).order_by(alert.c.seq)
)
_TOLD = Statement(
    select(decision.c.reason)
    .select_from(alert.join(decision, decision.c.alert_id == alert.c.id))
    .where(alert.c.source == OWN_WARNINGS, func.likely(alert.c.state == AlertState.ACCEPTED.value))
    .where(alert.c.expires > bindparam("now"), alert.c.topic.is_not(None))
    .where(decision.c.reason.like("begins: waiting %"))
)


_CORRECTIONS = Statement(
    select(audit)
    .where(audit.c.seq > bindparam("after"), audit.c.act == Act.CORRECT.value, audit.c.at > bindparam("since"))
    .order_by(audit.c.seq)
)


def corrections(db: sqlite3.Connection, after: int, since: datetime) -> Sequence[Entry]:
    """The lines of the record by which somebody corrected an alert, from behind the line `after`."""
    names = ("actor", "role", "origin", "address", "act", "subject", "detail")
    rows = [(time_of(row["at"]), row) for row in _CORRECTIONS.rows(db, after=after, since=stamp(since))]
    return [Entry(at, *(str(row[name]) for name in names)) for at, row in rows if at is not None]


def waiting(db: sqlite3.Connection) -> Sequence[Record]:
    """The alerts that wait for a validation or a veto, oldest first."""
    return [record_of(row) for row in _WAITING.rows(db)]


def told_of(db: sqlite3.Connection, now: datetime) -> Sequence[str]:
    """The ids of the alerts whose waiting those on duty were told of, and not yet how it ended."""
    return [row["reason"].rsplit(" ", 1)[1] for row in _TOLD.rows(db, now=stamp(now))]
