"""Which incidents something was decided or tried about since one looked last: a few rows of three indexes."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from sqlalchemy import bindparam, func, select

from alerts.store.schema import alert, attempt, decision, post
from alerts.store.statement import Statement

EVERYTHING = ""
"""In the place of an incident: so much changed that everything is to be looked at again."""
MOST = 200
"""More rows than so many at once are told as everything."""


@dataclass(frozen=True, slots=True)
class Mark:
    """How far one has looked: the last decision, the last attempt, the newest time at which something went out."""

    decision: int = 0
    attempt: int = 0
    sent_at: int = 0


_LAST = tuple(
    Statement(select(func.coalesce(func.max(column), 0).label("last")))
    for column in (decision.c.seq, attempt.c.seq, post.c.sent_at)
)
_DECIDED = Statement(
    select(alert.c.incident.label("incident"))
    .join(decision, decision.c.alert_id == alert.c.id)
    .where(decision.c.seq > bindparam("after"))
    .limit(MOST + 1)
)
_TRIED = Statement(
    select(post.c.incident.label("incident"))
    .join(attempt, attempt.c.post_id == post.c.id)
    .where(attempt.c.seq > bindparam("after"))
    .limit(MOST + 1)
)
_SENT = Statement(
    select(post.c.incident.label("incident"))
    .where(post.c.sent_at > bindparam("after"))
    .order_by(post.c.sent_at)
    .limit(MOST + 1)
)


def mark_of(db: sqlite3.Connection) -> Mark:
    """How far it goes now."""
    return Mark(*(int(row["last"]) for each in _LAST if (row := each.row(db)) is not None))


def changed_since(db: sqlite3.Connection, mark: Mark) -> tuple[frozenset[str], Mark]:
    """The incidents that changed since the mark, and the mark to ask with next time.

    `EVERYTHING` where those are many. A process that only notes what it does itself misses what another
    one does; this finds it in the file.
    """
    now = mark_of(db)
    found: set[str] = set()
    for statement, was, is_now in (
        (_DECIDED, mark.decision, now.decision),
        (_TRIED, mark.attempt, now.attempt),
        (_SENT, mark.sent_at, now.sent_at),
    ):
        if is_now != was:
            rows = statement.rows(db, after=was)
            found.update(row["incident"] for row in rows)
            if len(rows) > MOST:
                return frozenset({EVERYTHING}), now
    return frozenset(found), now
