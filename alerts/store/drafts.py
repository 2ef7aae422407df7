"""What officers have typed so far."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, delete, select

from alerts.model.actor import fold_name
from alerts.model.draft import SavedDraft
from alerts.store.schema import draft, stamp, time_of
from alerts.store.statement import Statement, upsert_into

_DRAFT = Statement(select(draft).where(draft.c.id == bindparam("id")))
_DRAFTS = Statement(
    select(draft)
    .where(draft.c.account == bindparam("folded"), draft.c.alert_id.is_(None))
    .order_by(draft.c.updated_at.desc(), draft.c.id.desc())
)
_PUT = upsert_into(draft)
_DROP = Statement(delete(draft).where(draft.c.id == bindparam("key")))
_SWEEP = Statement(delete(draft).where(draft.c.updated_at < bindparam("before")))


class StoredDrafts:
    """`alerts.model.ports.Drafts` over a connection that is in a transaction."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def draft(self, identity: str) -> SavedDraft | None:
        """The draft of that id."""
        row = _DRAFT.row(self._db, id=identity)
        return _saved(row) if row else None

    def drafts(self, account: str) -> Sequence[SavedDraft]:
        """What an account has not posted yet, newest first."""
        return [_saved(row) for row in _DRAFTS.rows(self._db, folded=fold_name(account))]

    def put_draft(self, draft: SavedDraft) -> None:
        """Keep a draft, or replace what was kept of it."""
        _PUT.run(
            self._db,
            id=draft.id,
            account=fold_name(draft.account),
            about=draft.about,
            fields=json.dumps(dict(draft.fields), ensure_ascii=False),
            revision=draft.revision,
            note=draft.note,
            alert_id=draft.alert_id,
            updated_at=stamp(draft.updated_at),
        )

    def drop_draft(self, identity: str) -> None:
        """Throw a draft away."""
        _DROP.run(self._db, key=identity)

    def sweep_drafts(self, before: datetime) -> None:
        """Throw away, of all accounts, what was last changed before then, posted or not."""
        _SWEEP.run(self._db, before=stamp(before))


def _saved(row: sqlite3.Row) -> SavedDraft:
    updated_at = time_of(row["updated_at"])
    assert updated_at is not None  # noqa: S101 the column is not null
    fields = {
        name: tuple(value) if isinstance(value, list) else value for name, value in json.loads(row["fields"]).items()
    }
    return SavedDraft(
        id=row["id"],
        account=row["account"],
        updated_at=updated_at,
        about=row["about"],
        fields=fields,
        revision=row["revision"],
        note=row["note"],
        alert_id=row["alert_id"],
    )
