"""One incident taken out of the database, to be looked at elsewhere."""

from __future__ import annotations

import sqlite3
from typing import Any

_TABLES = ("alert", "post")
"""What a thread is decided by."""


def copy_incident(incident: str, db: sqlite3.Connection) -> list[tuple[str, dict[str, Any]]]:
    """The INSERTs, each with its values, that make this incident anew in an empty database."""
    copied = []
    for table in _TABLES:
        for row in db.execute(f"SELECT * FROM {table} WHERE incident = ?", (incident,)):  # noqa: S608 own names
            values = dict(row)
            columns, marks = ", ".join(f'"{name}"' for name in values), ", ".join(f":{name}" for name in values)
            copied.append((f"INSERT INTO {table} ({columns}) VALUES ({marks})", values))  # noqa: S608 own names
    return copied
