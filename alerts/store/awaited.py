"""What waits for somebody, for who tells those on duty."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, func, or_, select

from alerts.model.actor import Act
from alerts.model.incident import CLASHES, AlertState, Record
from alerts.model.person import Entry
from alerts.model.reason import because, read_reason
from alerts.store.rows import record_of
from alerts.store.schema import alert, audit, decision, stamp, time_of
from alerts.store.statement import Statement
from alerts.store.watched import OWN_WARNINGS

_WAITING = Statement(
    select(alert).where(alert.c.state == AlertState.WAITING.value, alert.c.source != OWN_WARNINGS).order_by(alert.c.seq)
)
_BEGAN = because("notice", say="begins", key="waiting ").kept().removesuffix('"}')
_TOLD = Statement(
    select(decision.c.reason)
    .select_from(alert.join(decision, decision.c.alert_id == alert.c.id))
    .where(alert.c.source == OWN_WARNINGS, func.likely(alert.c.state == AlertState.ACCEPTED.value))
    .where(alert.c.expires > bindparam("now"), alert.c.topic.is_not(None))
    .where(or_(decision.c.reason.like("begins: waiting %"), decision.c.reason.like(f"{_BEGAN}%")))
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


_CLASHES = Statement(
    select(decision.c.alert_id)
    .where(decision.c.seq > bindparam("after"), decision.c.what == CLASHES, decision.c.at > bindparam("since"))
    .order_by(decision.c.seq)
)
_LAST_BEFORE = Statement(
    select(decision.c.seq).where(decision.c.at <= bindparam("since")).order_by(decision.c.seq.desc()).limit(1)
)


_HEIGHT = Statement(select(func.max(decision.c.seq).label("height")))


def decisions_height(db: sqlite3.Connection) -> int:
    """The number of the newest decision."""
    row = _HEIGHT.row(db)
    return (row["height"] or 0) if row else 0


def clashes(db: sqlite3.Connection, after: int | None, since: datetime) -> Sequence[str]:
    """The alerts that go by another message's name, as far as that was decided behind the decision `after`.

    None: the decisions of before `since` were never read, and are passed over from the newest backwards.
    """
    if after is None:
        last = _LAST_BEFORE.row(db, since=stamp(since))
        after = last["seq"] if last else 0
    return [row["alert_id"] for row in _CLASHES.rows(db, after=after, since=stamp(since))]


def waiting(db: sqlite3.Connection) -> Sequence[Record]:
    """The alerts that wait for a validation or a veto, oldest first."""
    return [record_of(row) for row in _WAITING.rows(db)]


def told_of(db: sqlite3.Connection, now: datetime) -> Sequence[str]:
    """The ids of the alerts whose waiting those on duty were told of, and not yet how it ended."""
    return [str(read_reason(row["reason"])).rsplit(" ", 1)[1] for row in _TOLD.rows(db, now=stamp(now))]
