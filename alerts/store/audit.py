"""The audit log as the store has it: who did what.

Each line is bound to the one before by a digest, so that a changed or missing line shows.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from alerts.model.errors import Unreadable
from alerts.model.person import BEGINNING, AuditEntry, Chained, digest_of
from alerts.model.reason import because
from alerts.store.dialect import is_sqlite
from alerts.store.statement import Statement, UnitPart, insert_into, stamp, time_of

if TYPE_CHECKING:
    from datetime import datetime

    from alerts.store.dialect import Row


_ADD = insert_into("audit", returning="seq")
_LAST = Statement("SELECT digest FROM audit ORDER BY seq DESC LIMIT 1")
_NEWEST = Statement("""
    SELECT * FROM audit WHERE CAST(:before AS bigint) IS NULL OR seq < :before ORDER BY seq DESC LIMIT :most
""")
# By the index of subjects, whose rows stand in the order of `seq`: only as many are read as are wanted.
_NEWEST_OF = Statement("SELECT * FROM audit WHERE subject = :subject AND seq < :before ORDER BY seq DESC LIMIT :most")
# The lines of a subject after a time that tell one of some acts, oldest first.
_ACTS_OF = Statement("""
    SELECT * FROM audit WHERE subject = :subject AND at > :since AND act IN (SELECT value FROM items(:acts))
    ORDER BY seq
""")
_BEYOND = 2**63 - 1
# The fields covered by the digest, in this order for ever.
_TEXTS = ("actor", "role", "origin", "address", "act", "subject", "detail", "previous", "digest")
# A line that was removed from the end leaves no gap in the chain: only this number shows that there was one.
# AUTOINCREMENT remembers the highest number that it gave, also when the row is gone (sqlite.org/autoinc.html).
_HEIGHT = {
    True: Statement("SELECT seq FROM sqlite_sequence WHERE name = 'audit'"),
    False: Statement("SELECT seq FROM height WHERE name = 'audit'"),
}
_ALL = Statement("SELECT * FROM audit ORDER BY seq")


class AuditLog(UnitPart):
    """The audit log of all acts: it only grows, and each line is bound to the one before."""

    def write(self, entry: AuditEntry) -> Chained:
        """Add a line."""
        last = _LAST.row(self._db)
        previous = last["digest"] if last else BEGINNING
        digest = digest_of(previous, entry)
        added = _ADD.row(
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
        return Chained(added["seq"] if added is not None else 0, entry, previous, digest)

    def newest(self, *, before: int | None = None, subject: str | None = None, most: int = 50) -> Sequence[Chained]:
        """The newest lines first, from before the line `before`; of one subject, or of all."""
        if subject is None:
            return [_chained(row) for row in _NEWEST.rows(self._db, before=before, most=most)]
        until = _BEYOND if before is None else before
        return [_chained(row) for row in _NEWEST_OF.rows(self._db, subject=subject, before=until, most=most)]

    def acts_of(self, subject: str, acts: tuple[str, ...], since: datetime) -> Sequence[Chained]:
        """Return a subject's lines since `since` with one of these acts, oldest first."""
        rows = _ACTS_OF.rows(self._db, subject=subject, acts=json.dumps(acts), since=stamp(since))
        return [_chained(row) for row in rows]

    def all(self) -> Iterator[Chained]:
        """Every line, oldest first. Raises Unreadable at a line that no Tocsin has written so."""
        try:
            for row in _ALL.each(self._db):
                yield _chained(row)
        except sqlite3.OperationalError as error:  # text that isn't UTF-8
            raise Unreadable(because("record_unread", said=error)) from error

    def height(self) -> int:
        """The number of the newest line that was ever written, be it there or not."""
        row = _HEIGHT[is_sqlite(self._db)].row(self._db)
        return int(row["seq"]) if row else 0


def _chained(row: Row) -> Chained:
    texts = [row[name] for name in _TEXTS]
    at = time_of(row["at"]) if isinstance(row["at"], int) else None
    if at is None or not all(isinstance(text, str) for text in texts):
        raise Unreadable(because("record_foreign"))
    *words, previous, digest = texts
    return Chained(row["seq"], AuditEntry(at, *words), previous, digest)
