"""The database file: opening, creating and upgrading it, and the room on its disk.

An empty file is made from the schema at once (`create_all`) and marked as being at `HEAD`: a new database runs no
migration. An existing one runs, in one transaction, those that it lacks (Alembic, `migrations/versions`). The first of
them is for databases from before the first release, which are at `UNRELEASED`.

The schema is defined once: the tables in `alerts.store.schema`, and here the triggers of SQLite, which run for
whichever program writes. Neither a command, nor a daemon of another version on the same file, may forget these three:

* `tally` counts posts by channel and state, so that metrics count no rows;
* `alert_words`, SQLite's FTS5, has all trigrams of an alert's searchable text, without accents;
* `audit` only grows: no line is changed, removed or replaced.

To change the schema, change it there or here, and write a migration that does the same to an existing database; the
version before has to continue working on it. A test compares the results of both.
"""

from __future__ import annotations

import fcntl
import os
import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from alerts.model.errors import TocsinError
from alerts.model.reason import Reason, because

# Longer than any transaction of ours, shorter than anybody at a page waits.
LOCK_WAIT = 5.0
# Attempts at the lock of an upgrade within the time that a command waits.
LOCK_TRIES = 100
_LOOKS = 20
"""Milliseconds that SQLite waits for a lock by itself, in which it tries five times."""
_NO_ROOM, _LITTLE_ROOM = 16_384, 200_000_000
"""Bytes: less than a transaction takes; and what a busy month writes."""

SQLITE = sqlite3.sqlite_version
"""The library that this Python has."""
LOWEST = (3, 40, 0)
"""The oldest SQLite that the store's tests run against: Debian 12's."""
HEAD = "0026"
"""The newest migration, repeated here so that a current database needs no Alembic; a test compares the two."""
UNRELEASED = "0005"
"""The migration of databases from before the first release, where the first migration starts."""


MOVED, UNFINISHED = "moved to ", "unfinished copy of "
"""Prefixes that replace a version, followed by the other store's name.

The first marks a town that was moved away, the second an incomplete copy. Digits sort before letters: every version of
the program takes it for a newer one's, and refuses.
"""


class StoreError(TocsinError):
    """The database can't be opened or written: which, why, and what to do."""


class StoreFile(sqlite3.Connection):
    """A connection to the store's file. `patience`: how long `begin` tries for the lock, in milliseconds.

    None: as long as SQLite itself would wait for one (its `busy_timeout`), which `begin` then asks each time.
    """

    patience: int | None = None


def connect(path: Path, *, readonly: bool = False) -> StoreFile:
    """Open the store with the settings that durability asks for: WAL, and a sync at every commit.

    Whoever opens a store does so here, and meets none that is half made: one that isn't there, or is of an older
    version, is made or upgraded first (`migrate`). One of a newer version is opened too, so that a daemon goes on while
    another one is upgraded; who begins is refused by `migrate`. Raises StoreError, also where this SQLite is too old.
    """
    while (db := as_it_is(path)) is None or not _is_ready(db, path):
        if db is not None:
            db.close()
        migrate(path)
    if readonly:
        db.execute("PRAGMA query_only = ON")
    return db


def as_it_is(path: Path) -> StoreFile | None:
    """Open whatever stands there, and change nothing. Returns None where there is no file, or an empty one.

    For who judges, upgrades or puts away a store; whoever works on one asks `connect`. Raises StoreError.
    """
    must_be_recent()
    try:
        return _open(path) if path.stat().st_size else None
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreError(because("database_unopened", path=path, said=error)) from error


def _open(path: Path) -> StoreFile:
    db: StoreFile | None = None
    try:
        # Without `isolation_level` Python's driver would begin and commit transactions by rules of its own.
        db = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=rw",
            uri=True,
            timeout=LOCK_WAIT,
            isolation_level=None,
            check_same_thread=False,
            factory=StoreFile,
        )
        _set_up(db)
    except sqlite3.Error as error:
        if db is not None:
            db.close()
        raise StoreError(because("database_unopened", path=path, said=error)) from error
    return db


def _is_ready(db: StoreFile, path: Path) -> bool:
    try:
        current = version_of(db, path)
    except StoreError:
        db.close()
        raise
    return current is not None and current >= HEAD


def version_of(db: sqlite3.Connection, path: Path) -> str | None:
    """As `version`, of the open file at `path`."""
    try:
        row = db.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.Error as error:
        if str(error).startswith("no such table"):
            return None
        raise StoreError(because("database_unread", path=path, said=error)) from error
    return str(row[0]) if row else None


def _set_up(db: sqlite3.Connection) -> None:
    db.row_factory = sqlite3.Row
    # For a file that is made now: a post changes some fifty pages of a few rows each, and all of each is journalled.
    db.execute("PRAGMA page_size = 1024")
    _write_ahead(db)
    db.execute("PRAGMA synchronous = FULL")
    # Four megabytes of small pages: by its own thousand a busy lane would copy the journal into the file each second.
    db.execute("PRAGMA wal_autocheckpoint = 4000")
    # SQLite checks none unless it is told to, on each connection anew (sqlite.org/foreignkeys.html).
    db.execute("PRAGMA foreign_keys = ON")
    # What people said and is forgotten is overwritten, wherever it stood; many a SQLite does so by itself.
    db.execute("PRAGMA secure_delete = ON")


def must_be_recent() -> None:
    """Raise StoreError where SQLite is older than any that the store was tried with."""
    if sqlite3.sqlite_version_info < LOWEST:
        lowest = ".".join(map(str, LOWEST))
        raise StoreError(because("sqlite_old", version=sqlite3.sqlite_version, lowest=lowest))


def connect_to_write(path: Path) -> StoreFile:
    """A connection for one transaction after the other: each saves the three statements that ask and set the wait."""
    db = connect(path)
    db.execute(f"PRAGMA busy_timeout = {_LOOKS}")
    db.patience = int(LOCK_WAIT * 1000)
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
    """BEGIN IMMEDIATE, for as long as the connection waits for locks, but trying every few milliseconds to the end.

    Raises OperationalError, "database is locked", if nobody released the lock in that time.
    """
    # Left to itself SQLite looks ever more seldom, soon only ten times a second (`sqliteDefaultBusyCallback`). A busy
    # daemon commits two hundred times a second, and leaves the lock for a moment in between: of 700 commands beside
    # one, the unluckiest met none of these moments for 4.5 s, and on a loaded machine gave up after five.
    if isinstance(db, StoreFile) and db.patience is not None:
        _begin_within(db, db.patience)
        return
    wait = int(db.execute("PRAGMA busy_timeout").fetchone()[0])
    db.execute(f"PRAGMA busy_timeout = {min(wait, _LOOKS)}")
    try:
        _begin_within(db, wait)
    finally:
        db.execute(f"PRAGMA busy_timeout = {wait}")


def _begin_within(db: sqlite3.Connection, wait: int) -> None:
    for _ in range(wait // _LOOKS - 1):
        try:
            db.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if not _is_busy(error):
                raise
        else:
            return
    db.execute("BEGIN IMMEDIATE")


def _is_busy(error: sqlite3.Error) -> bool:
    """True if another connection holds the lock: of the extended codes (recovery, snapshot), the low byte says so."""
    return error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY


@contextmanager
def blank() -> Iterator[sqlite3.Connection]:
    """Yield an empty database in memory for previews.

    A preview runs at each keystroke, so creating it takes no time.
    """
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


def must_be_makeable() -> None:
    """Make a new database in memory, and raise StoreError with what this SQLite lacks for it."""
    from sqlalchemy import create_engine  # noqa: PLC0415 only a check needs it here
    from sqlalchemy.exc import DatabaseError  # noqa: PLC0415

    must_be_recent()
    engine = create_engine("sqlite://")
    try:
        with engine.begin() as connection:
            _make(connection)
    except DatabaseError as error:
        raise StoreError(because("sqlite_lacks", version=sqlite3.sqlite_version, said=error.orig or error)) from error
    finally:
        engine.dispose()


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


if TYPE_CHECKING:
    from sqlalchemy import Connection


def version(path: Path) -> str | None:
    """Return the migration that the file at `path` is at. Returns None if none was created yet. Raises StoreError."""
    db = as_it_is(path)
    if db is None:
        return None
    with closing(db):
        return version_of(db, path)


def sound(path: Path) -> str:
    """The version of a database that is whole and Tocsin's; nothing is changed, and none is made.

    Raises StoreError saying what is wrong: not there, no database, damaged (SQLite's quick_check), of another program,
    or of a newer Tocsin.
    """
    if not path.is_file():
        raise StoreError(because("database_missing", path=path))
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as db:
            faults = [str(row[0]) for row in db.execute("PRAGMA quick_check(3)")]
            known = db.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone()
            row = db.execute("SELECT version_num FROM alembic_version").fetchone() if known else None
    except sqlite3.Error as error:
        raise StoreError(because("database_broken", path=path, said=error)) from error
    if faults != ["ok"]:
        raise StoreError(because("database_damaged", path=path, said="; ".join(faults)))
    current = str(row[0]) if row is not None else ""
    must_be_usable(path, current)
    if not re.fullmatch(r"[0-9]{4}", current):
        raise StoreError(because("database_foreign", path=path))
    return current


def must_be_usable(path: object, current: str | None) -> None:
    """Raise StoreError where a database is a newer Tocsin's, its station was moved away, or it isn't complete."""
    if current is None or current <= HEAD:
        return
    for mark, code in ((MOVED, "database_moved"), (UNFINISHED, "database_unfinished")):
        if current.startswith(mark):
            raise StoreError(because(code, path=path, other=current.removeprefix(mark)))
    raise StoreError(because("database_newer", path=path, standing=current))


def migrate(path: Path) -> bool:
    """Upgrade the file, creating it if there is none; returns True if anything was done.

    One process at a time makes, upgrades or replaces a store, and the others wait for it. A new one is made whole under
    another name and gets its own at the end; an upgrade is one transaction. So a kill leaves all of it or nothing.
    Raises StoreError, also for a file that a newer Tocsin has written.
    """
    if _is_current(path):
        return False
    with alone(path):
        # `post` and `run` may both meet none: one makes it, the other waits and finds it done.
        if _is_current(path):
            return False
        if path.exists():
            _upgrade(path)
        else:
            _make_whole(path.resolve())
    return True


def _is_current(path: Path) -> bool:
    current = version(path)
    must_be_usable(path, current)
    return current == HEAD


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Nobody else makes, upgrades or replaces the file meanwhile; waits for who does. Raises StoreError."""
    # A link and the file that it leads to are one store.
    real = path.resolve()
    try:
        real.parent.mkdir(parents=True, exist_ok=True)
        beside = os.open(lock_of(real), os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise StoreError(because("database_unopened", path=path, said=error)) from error
    with os.fdopen(beside, "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def lock_of(path: Path) -> Path:
    """The file by which processes wait for who makes, upgrades or replaces the one at `path`."""
    return path.with_name(f"{path.name}-upgrade")


def remove(path: Path) -> None:
    """Remove a database with SQLite's companion files, if any of it is there."""
    for suffix in ("-wal", "-shm", "-journal", ""):
        Path(f"{path}{suffix}").unlink(missing_ok=True)


def _make_whole(path: Path) -> None:
    new = path.with_name(f"{path.name}-new")
    try:
        remove(new)  # of one that was killed
        # It will hold what signs people in; the files that SQLite lays beside it are given the same mode.
        new.touch(mode=0o600)
        _upgrade(new)
        sync(new)
        remove(path)  # a journal that is left over would be applied to the new file
        new.replace(path)
        sync(path.parent)
    except OSError as error:
        raise StoreError(because("database_unopened", path=path, said=error)) from error
    finally:
        remove(new)


def _upgrade(path: Path) -> None:
    # SQLAlchemy and the schema take a tenth of a second to import, Alembic more: only who upgrades pays.
    from sqlalchemy import create_engine  # noqa: PLC0415
    from sqlalchemy.exc import DatabaseError  # noqa: PLC0415

    current = version(path)
    if current is not None and current < UNRELEASED:
        raise StoreError(because("database_ungiven", path=path, standing=current))
    engine = create_engine(f"sqlite:///{path}", creator=lambda: _plain(path))
    try:
        with engine.begin() as connection:
            # All or nothing: Python's driver begins no transaction for DDL, and a half-made database is upgraded by
            # nobody.
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            if current is None:
                _make(connection)
            else:
                if current == UNRELEASED:
                    # The migrations of before the release are one now: to Alembic such a database stands before it.
                    connection.exec_driver_sql("DELETE FROM alembic_version")
                run_migrations(connection)
    except (DatabaseError, sqlite3.Error) as error:
        cause = getattr(error, "orig", None) or error
        raise StoreError(because("database_not_upgraded", path=path, said=cause)) from error
    finally:
        engine.dispose()


def _make(connection: Connection) -> None:
    """Make a new database, as it is when all migrations have run."""
    create_all(connection, anew=True)
    # Alembic's own table, in its own words, without importing it.
    connection.exec_driver_sql(
        "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL, "
        "CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"
    )
    connection.exec_driver_sql("INSERT INTO alembic_version VALUES (?)", (HEAD,))


def run_migrations(connection: Connection) -> None:
    """Run those that the database hasn't yet, in the transaction that the connection is in."""
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


# Alembic and Core read rows by number; ours are read by name.
def _plain(path: Path) -> sqlite3.Connection:
    db = _open(path)
    db.row_factory = None
    return db


FOLDED = {
    "a": "àáâãäåÀÁÂÃÄÅ",
    "c": "çÇ",
    "e": "èéêëÈÉÊË",
    "i": "ìíîïÌÍÎÏ",
    "n": "ñÑ",
    "o": "òóôõöøÒÓÔÕÖØ",
    "u": "ùúûüÙÚÛÜ",
    "y": "ýÿÝŸ",
    "ae": "æÆ",
    "oe": "œŒ",
    "ss": "ß",
    "'": "’",
    "": "\u0300\u0301\u0302\u0303\u0308\u030a\u0327",
}
"""Letters as they are searched for: the tokenizer folds cases, and folds accents only from SQLite 3.45 on."""


_DEEP = 12
"""Calls within one another. Before 3.46 SQLite's parser has a stack of a hundred, of which each call takes three and
each sub-select six; where one trigger nests deeper, the whole database can't be read."""


# `replace`, since SQLite has no other function that every version and every program beside this one would have.
def _folded(expression: str) -> str:
    """A few letters at a time, each few in what the sub-select before has made of the text."""
    letters = [(character, plain.replace("'", "''")) for plain, group in FOLDED.items() for character in group]
    folded = f"SELECT {expression} AS folded"
    for start in range(0, len(letters), _DEEP):
        nested = "folded"
        for character, plain in letters[start : start + _DEEP]:
            nested = f"replace({nested}, '{character}', '{plain}')"
        folded = f"SELECT {nested} AS folded FROM ({folded})"
    return f"({folded})"


def _words(row: str) -> str:
    """Return the searchable text of an alert, in SQL."""
    columns = (f"coalesce({row}{name}, '')" for name in ("headline", "id", "identifier"))
    return _folded(" || char(10) || ".join(columns))


_MORE = (
    "INSERT INTO tally VALUES (NEW.channel, NEW.state, 1) ON CONFLICT (channel, state) DO UPDATE SET posts = posts + 1;"
)
_LESS = "UPDATE tally SET posts = posts - 1 WHERE channel = OLD.channel AND state = OLD.state;"
_ADD = f"INSERT INTO alert_words (rowid, words) VALUES (NEW.seq, {_words('NEW.')});"
# Of a table without content, FTS5 is told what it is to forget (sqlite.org/fts5.html#the_delete_command).
_FORGET = f"INSERT INTO alert_words (alert_words, rowid, words) VALUES ('delete', OLD.seq, {_words('OLD.')});"
_GROWS = "BEGIN SELECT RAISE(ABORT, 'the record of who did what only grows'); END"
TRIGGERS = {
    "post_is_counted": f"AFTER INSERT ON post BEGIN {_MORE} END",
    "post_is_counted_anew": "AFTER UPDATE OF channel, state ON post "
    f"WHEN OLD.state <> NEW.state OR OLD.channel <> NEW.channel BEGIN {_LESS} {_MORE} END",
    "post_is_counted_no_more": f"AFTER DELETE ON post BEGIN {_LESS} END",
    "alert_is_found": f"AFTER INSERT ON alert BEGIN {_ADD} END",
    "alert_is_found_anew": f"AFTER UPDATE OF seq, id, identifier, headline ON alert BEGIN {_FORGET} {_ADD} END",
    "alert_is_found_no_more": f"AFTER DELETE ON alert BEGIN {_FORGET} END",
    "audit_is_not_changed": f"BEFORE UPDATE ON audit {_GROWS}",
    "audit_is_not_removed": f"BEFORE DELETE ON audit {_GROWS}",
    # INSERT OR REPLACE removes a row without asking the trigger above (sqlite.org/lang_conflict.html).
    "audit_is_not_replaced": f"BEFORE INSERT ON audit WHEN EXISTS (SELECT 1 FROM audit WHERE seq = NEW.seq) {_GROWS}",
}
"""By name; each says when, on which table, and what."""


def create_all(connection: Connection, *, anew: bool = False) -> None:
    """Make whatever isn't there yet: tables, indexes, triggers. Of a table that is there, no column is touched.

    `anew`: there is nothing yet, and a table that is there all the same is another program's and an error.
    """
    from alerts.store.schema import metadata  # noqa: PLC0415 with SQLAlchemy, which only who makes tables pays for

    metadata.create_all(connection, checkfirst=not anew)
    # Of a table that it makes, it makes the indexes; looking for them costs twice as much as making the database.
    for made in () if anew else metadata.tables.values():
        known = {row[1] for row in connection.exec_driver_sql(f"PRAGMA table_info({made.name})")}
        for index in made.indexes:
            # The migration that adds a column makes its index too.
            if known.issuperset(index.columns.keys()):
                index.create(connection, checkfirst=True)
    connection.exec_driver_sql(
        "CREATE VIRTUAL TABLE IF NOT EXISTS alert_words USING fts5(words, content='', tokenize='trigram')"
    )
    for name, trigger in TRIGGERS.items():
        connection.exec_driver_sql(f"CREATE TRIGGER IF NOT EXISTS {name} {trigger}")


def count_and_index(connection: Connection) -> None:
    """Count the posts and index the alerts of a database that had rows before it had these triggers."""
    connection.exec_driver_sql("INSERT INTO tally SELECT channel, state, count(*) FROM post GROUP BY channel, state")
    connection.exec_driver_sql(f"INSERT INTO alert_words (rowid, words) SELECT seq, {_words('')} FROM alert")


def sync(path: Path) -> None:
    """Return once the file, or the names in a folder, are on the disk (fsync(2))."""
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
