"""The record of who did what: each line's digest covers the one before, so a changed or missing line shows."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator, Sequence

from sqlalchemy import bindparam, or_, select

from alerts.model.person import Chained, Entry
from alerts.store.schema import audit, stamp, time_of
from alerts.store.statement import Statement, insert_into

BEGINNING = "0" * 64
"""What stands for the line before the first."""

_ADD = insert_into(audit)
_LAST = Statement(select(audit.c.digest).order_by(audit.c.seq.desc()).limit(1))
_NEWEST = Statement(
    select(audit)
    .where(or_(bindparam("before").is_(None), audit.c.seq < bindparam("before")))
    .where(or_(bindparam("subject").is_(None), audit.c.subject == bindparam("subject")))
    .order_by(audit.c.seq.desc())
    .limit(bindparam("most"))
)
_ALL = Statement(select(audit).order_by(audit.c.seq))


def digest_of(previous: str, entry: Entry) -> str:
    """SHA-256 over the line before and every field of this one, as JSON, so that no two fields can be run together."""
    fields = [
        previous,
        stamp(entry.at),
        entry.actor,
        entry.role,
        entry.origin,
        entry.address,
        entry.act,
        entry.subject,
        entry.detail,
    ]
    return hashlib.sha256(json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()).hexdigest()


class StoredLedger:
    """`alerts.model.ports.Ledger` over a connection that is in a transaction."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def write(self, entry: Entry) -> Chained:
        """Add a line."""
        last = _LAST.row(self._db)
        previous = last["digest"] if last else BEGINNING
        digest = digest_of(previous, entry)
        cursor = _ADD.run(
            self._db,
            at=stamp(entry.at),
            actor=entry.actor,
            role=entry.role,
            origin=entry.origin,
            address=entry.address,
            act=entry.act,
            subject=entry.subject,
            detail=entry.detail,
            previous=previous,
            digest=digest,
        )
        return Chained(cursor.lastrowid or 0, entry, previous, digest)

    def newest(self, *, before: int | None = None, subject: str | None = None, most: int = 50) -> Sequence[Chained]:
        """The newest lines first, from before the line `before`; of one subject, or of all."""
        return [_chained(row) for row in _NEWEST.rows(self._db, before=before, subject=subject, most=most)]

    def all(self) -> Iterator[Chained]:
        """Every line, oldest first."""
        return (_chained(row) for row in _ALL.run(self._db))


def _chained(row: sqlite3.Row) -> Chained:
    at = time_of(row["at"])
    assert at is not None  # noqa: S101 the column is not null
    entry = Entry(
        at, row["actor"], row["role"], row["origin"], row["address"], row["act"], row["subject"], row["detail"]
    )
    return Chained(row["seq"], entry, row["previous"], row["digest"])
