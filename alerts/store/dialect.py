"""Which of the two databases a connection is to, by the types that both have in common.

How each is connected to, and what it does when the connection is lost, stands in `alerts.store.files` and
`alerts.store.postgresql`; how statements are told to both, in `alerts.store.statement`.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alerts.store.postgresql import ServerResult, ServerRow, ServerSession

    Connection = sqlite3.Connection | ServerSession
    """A connection that a unit of work has: each runs a statement by `execute`."""
    Cursor = sqlite3.Cursor | ServerResult
    """What a statement came to."""
    Row = sqlite3.Row | ServerRow
    """A row: by the names of its columns, or by their numbers."""


def is_sqlite(db: Connection) -> bool:
    """Whether this is a connection to a file; else it is one to a server."""
    return isinstance(db, sqlite3.Connection)


def phrase(db: Connection, folded: str) -> str:
    """What `has_words` is given to find a text that was folded as the index of words is."""
    if is_sqlite(db):
        return '"' + folded.replace('"', '""') + '"'
    plain = folded.lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{plain}%"
