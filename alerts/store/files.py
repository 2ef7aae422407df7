"""The SQLite file: how it is opened, and whether its disk has room."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from alerts.model.errors import TocsinError
from alerts.model.reason import Reason, because

# Longer than any transaction of ours, shorter than anybody at a page waits.
LOCK_WAIT = 5.0
LOCK_TRIES = 100
_LOOKS = 20
"""Milliseconds that SQLite waits for a lock by itself, in which it looks five times."""
_NO_ROOM, _LITTLE_ROOM = 16_384, 200_000_000
"""Bytes: less than a transaction takes; and what a busy month writes."""


class StoreError(TocsinError):
    """The database can't be opened or written: which, why, and what to do."""


def connect(path: Path, *, readonly: bool = False) -> sqlite3.Connection:
    """Open the file with the settings that durability asks for: WAL, and a sync at every commit.

    Raises StoreError.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            # It will hold what signs people in; the files that SQLite lays beside it are given the same mode.
            path.touch(mode=0o600)
        # Without `isolation_level` Python's driver would begin and commit transactions by rules of its own.
        db = sqlite3.connect(path, timeout=LOCK_WAIT, isolation_level=None, check_same_thread=False)
        db.row_factory = sqlite3.Row
        _write_ahead(db)
        db.execute("PRAGMA synchronous = FULL")
        # SQLite checks none unless it is told to, on each connection anew (sqlite.org/foreignkeys.html).
        db.execute("PRAGMA foreign_keys = ON")
        if readonly:
            db.execute("PRAGMA query_only = ON")
    except (sqlite3.Error, OSError) as error:
        raise StoreError(because("database_unopened", path=path, said=error)) from error
    return db


def connect_at_once(path: Path) -> sqlite3.Connection:
    """A connection that never waits: not for a lock, not for the disk, and leaves checkpoints to others."""
    db = connect(path)
    db.execute("PRAGMA busy_timeout = 0")
    db.execute("PRAGMA synchronous = NORMAL")
    db.execute("PRAGMA wal_autocheckpoint = 0")
    return db


def _write_ahead(db: sqlite3.Connection) -> None:
    """Switch to WAL, patiently: for this one statement SQLite doesn't wait by itself while another process does it."""
    for _ in range(LOCK_TRIES):
        try:
            db.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if not _is_busy(error):
                raise
            time.sleep(LOCK_WAIT / LOCK_TRIES)
        else:
            return
    db.execute("PRAGMA journal_mode = WAL")


def begin(db: sqlite3.Connection) -> None:
    """BEGIN IMMEDIATE, for as long as the connection waits for locks, but looking every few milliseconds to the end.

    Raises OperationalError, "database is locked", when nobody let go of the lock in that time.
    """
    # Left to itself SQLite looks ever more seldom, soon only ten times a second (`sqliteDefaultBusyCallback`). A busy
    # daemon commits two hundred times a second, and leaves the lock for a moment in between: of 700 commands beside
    # one, the unluckiest met none of these moments for 4.5 s, and on a loaded machine gave up after five.
    wait = int(db.execute("PRAGMA busy_timeout").fetchone()[0])
    db.execute(f"PRAGMA busy_timeout = {min(wait, _LOOKS)}")
    try:
        for _ in range(wait // _LOOKS - 1):
            try:
                db.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if not _is_busy(error):
                    raise
            else:
                return
        db.execute("BEGIN IMMEDIATE")
    finally:
        db.execute(f"PRAGMA busy_timeout = {wait}")


def _is_busy(error: sqlite3.Error) -> bool:
    """Whether another connection holds the lock: of its extended codes (recovery, snapshot) the low byte says so."""
    return error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY


@contextmanager
def blank() -> Iterator[sqlite3.Connection]:
    """An empty database in memory, for what is only to be looked at: it is typed at, so its making takes no time."""
    db = sqlite3.connect(":memory:", isolation_level=None)
    db.deserialize(_empty())
    db.row_factory = sqlite3.Row
    try:
        yield db
    finally:
        db.close()


@cache
def _empty() -> bytes:
    """An empty database as SQLite writes it: making its tables takes 30 ms, copying them a hundredth of that."""
    from sqlalchemy import StaticPool, create_engine  # noqa: PLC0415 only a preview needs it here

    from alerts.store.schema import metadata  # noqa: PLC0415

    db = sqlite3.connect(":memory:", isolation_level=None)
    engine = create_engine("sqlite://", creator=lambda: db, poolclass=StaticPool)
    try:
        metadata.create_all(engine)
        return db.serialize()
    finally:
        engine.dispose()
        db.close()


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection for one command, closed at the end."""
    db = connect(path)
    try:
        yield db
    finally:
        db.close()


def lack_of_room(path: Path) -> tuple[str, Reason] | None:
    """`failing` where the disk of `path` is full, `low` where it soon will be, each with the reason; None: neither.

    Low is less than 200 MB, or than a twentieth of a small disk: time enough to make room before an alert needs it.
    """
    try:
        disk = os.statvfs(path.parent)
    except OSError as error:
        return "failing", because("disk_unseen", folder=path.parent, said=error.strerror or "")
    left, size = disk.f_bavail * disk.f_frsize, disk.f_blocks * disk.f_frsize
    if left < _NO_ROOM:
        return "failing", because("disk_full", folder=path.parent)
    if left < min(_LITTLE_ROOM, size // 20):
        return "low", because("disk_nearly_full", folder=path.parent, left=f"{left / 1e6:.1f}")
    return None
