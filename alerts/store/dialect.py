"""The two kinds of database connection, by the types that both have in common.

Connecting, and recovering a lost connection, are in `alerts.store.files` and `alerts.store.postgresql`; the common
statements are in `alerts.store.statement`.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from alerts.store.postgresql import ServerResult, ServerRow, ServerSession

    Connection: TypeAlias = sqlite3.Connection | ServerSession
    """A connection that a unit of work has: each runs a statement by `execute`."""
    Cursor: TypeAlias = sqlite3.Cursor | ServerResult
    """What a statement came to."""
    Row: TypeAlias = sqlite3.Row | ServerRow
    """A row: by the names of its columns, or by their numbers."""


def is_sqlite(db: Connection) -> bool:
    """True if this is a connection to a file; else it is one to a server."""
    return isinstance(db, sqlite3.Connection)


def phrase(db: Connection, folded: str) -> str:
    """Return the argument of `has_words` that finds a text folded like the index of words."""
    if is_sqlite(db):
        return '"' + folded.replace('"', '""') + '"'
    plain = folded.lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{plain}%"
