"""Why the database refuses, as far as it is anybody's business."""

from __future__ import annotations

import sqlite3


def cause_of(error: sqlite3.Error) -> str:
    """SQLite's own words where its surroundings are to blame (locked, full, read-only, a broken disk).

    Anything else is a fault of the program, whose words may hold what somebody stored: its kind alone.
    """
    return str(error) if isinstance(error, sqlite3.OperationalError) else type(error).__name__
