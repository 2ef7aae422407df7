"""The answers of the API that are kept, so that a request which is sent again is not carried out again."""

from __future__ import annotations

import sqlite3
from datetime import datetime

from sqlalchemy import bindparam, delete, select

from alerts.model.ports import Reply
from alerts.store.schema import idempotency, stamp, time_of
from alerts.store.statement import Statement, upsert_into

_REPLY = Statement(
    select(idempotency).where(idempotency.c.token == bindparam("token"), idempotency.c.key == bindparam("key"))
)
_KEEP = upsert_into(idempotency)
_SWEEP = Statement(delete(idempotency).where(idempotency.c.at < bindparam("oldest")))


class StoredReplies:
    """`alerts.model.ports.Replies` over a connection that is in a transaction."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def reply(self, token: str, key: str) -> Reply | None:
        """What this token was answered under this key."""
        row = _REPLY.row(self._db, token=token, key=key)
        return _reply(row) if row else None

    def keep(self, reply: Reply) -> None:
        """Keep an answer."""
        _KEEP.run(
            self._db,
            token=reply.token,
            key=reply.key,
            request=reply.request,
            status=reply.status,
            body=reply.body,
            at=stamp(reply.at),
        )

    def sweep(self, before: datetime) -> None:
        """Forget the answers from before."""
        _SWEEP.run(self._db, oldest=stamp(before))


def _reply(row: sqlite3.Row) -> Reply:
    at = time_of(row["at"])
    assert at is not None  # noqa: S101 the column is not null
    return Reply(row["token"], row["key"], row["request"], row["status"], row["body"], at)
