"""Facts: a text by owner and key. Channels own most; the other owners have a name in brackets, as no channel has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alerts.store.statement import Statement, upsert_into

if TYPE_CHECKING:
    from alerts.store.dialect import Connection

STORE, WATCH, UNDRAFTED = "(store)", "(watch)", "(undrafted)"
_GET = Statement("SELECT value FROM fact WHERE channel = :owner AND key = :key")
_ALL = Statement("SELECT key, value FROM fact WHERE channel = :owner")
_KEEP = upsert_into("fact", "channel", "key")
_DROP = Statement("DELETE FROM fact WHERE channel = :owner AND key = :key")


def fact(db: Connection, owner: str, key: str) -> str | None:
    """Return the owner's fact of that key. Returns None if there is none."""
    row = _GET.row(db, owner=owner, key=key)
    return str(row["value"]) if row else None


def facts(db: Connection, owner: str) -> dict[str, str]:
    """Return all facts of an owner, by key."""
    return {row["key"]: row["value"] for row in _ALL.rows(db, owner=owner)}


def keep_fact(db: Connection, owner: str, key: str, value: str) -> None:
    """Store a fact, in place of the one before."""
    _KEEP.run(db, channel=owner, key=key, value=value)


def drop_fact(db: Connection, owner: str, key: str) -> bool:
    """Delete a fact; returns True if there was one."""
    return _DROP.run(db, owner=owner, key=key).rowcount > 0
