"""The two ends of a copy (`alerts.store.copying`), where each is a file or a schema of a PostgreSQL server.

A `CopySource` is read at one moment, a `CopyTarget` is filled where nobody sees it. Both speak to their database by its
own means, for many rows: SQLite in one transaction without a journal, PostgreSQL by COPY and by a cursor of the
server's.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import psycopg
from sqlalchemy import Boolean, Table

from alerts.model.town import Server
from alerts.store import files, reaching, server_schema
from alerts.store.schema import metadata

TABLES = metadata.sorted_tables
"""In an order in which each row finds those that it refers to."""
Row = tuple[Any, ...]
"""A row in the order of the table's columns; truth is 1 or 0."""
# Rows in memory at a time, and in one COPY.
_MANY, _COPIED_AT_ONCE = 500, 10_000
_NUMBERED = [table for table in TABLES if "seq" in table.c]
_COUNTS_ROWS = ("post_is_counted", "post_is_counted_anew", "post_is_counted_no_more")
"""Triggers of a file that write rows of their own; those rows are copied."""


class CopySource(Protocol):
    """One moment of a store."""

    mended: int

    def rows(self, table: Table) -> Iterator[Row]:
        """All rows of a table, some hundred in memory at a time."""
        ...

    def heights(self) -> Mapping[str, int]:
        """The highest number that each table with numbers gave, be its row there or not."""
        ...

    def mark_moved(self, to: str) -> None:
        """Let nobody work on it any more; on the disk when this returns."""
        ...

    def close(self) -> None:
        """Let it go on as it is."""
        ...


class CopyTarget(Protocol):
    """A store that is being filled, which nobody sees."""

    mended: int

    def fitted(self, rows: Iterable[Row]) -> Iterator[Row]:
        """The rows as this store can keep them."""
        ...

    def write(self, table: Table, rows: Iterator[Row]) -> None:
        """Write the rows of a table, and none that a trigger would add."""
        ...

    def share(self, name: str, data: bytes) -> None:
        """Have a picture for all machines that work on it."""
        ...

    def set_heights(self, heights: Mapping[str, int]) -> None:
        """Go on from these numbers."""
        ...

    def rows(self, table: Table) -> Iterator[Row]:
        """Yield the written rows, as they are read back."""
        ...

    def heights(self) -> Mapping[str, int]:
        """The numbers from which it goes on, where that is kept."""
        ...

    def keep(self) -> None:
        """Have it on the disk, marked as unfinished."""
        ...

    def finish(self) -> None:
        """Let programs work on it."""
        ...

    def close(self) -> None:
        """Give up what wasn't kept."""
        ...


def read_from(place: Path | Server, *, alone: bool) -> CopySource:
    """One moment of the store at that place; with `alone` nobody else writes there until it is closed."""
    return _OneFile(place, alone=alone) if isinstance(place, Path) else _OneSchema(place, alone=alone)


def write_to(place: Path | Server, mark: str) -> CopyTarget:
    """Return a store to fill, if there is none or an unfinished one; `mark` is its version until it is finished."""
    return _NewFile(place, mark) if isinstance(place, Path) else _NewSchema(place, mark)


def _columns(table: Table) -> str:
    return ", ".join(f'"{column.name}"' for column in table.columns)


# --- SQLite


def _file_rows(db: sqlite3.Connection, table: Table) -> Iterator[Row]:
    cursor = db.execute(f"SELECT {_columns(table)} FROM {table.name}")
    while batch := cursor.fetchmany(_MANY):
        yield from batch


def _file_heights(db: sqlite3.Connection) -> Mapping[str, int]:
    sequences = dict(db.execute("SELECT name, seq FROM sqlite_sequence"))
    newest = {table.name: db.execute(f"SELECT max(seq) FROM {table.name}").fetchone()[0] for table in _NUMBERED}
    return {name: max(int(sequences.get(name) or 0), int(height or 0)) for name, height in newest.items()}


class _OneFile:
    """A file as it is now."""

    def __init__(self, path: Path, *, alone: bool) -> None:
        self.mended = 0
        self._db = files.connect(path, readonly=not alone)
        self._db.row_factory = None
        self._db.text_factory = self._text
        if alone:
            files.begin(self._db)
        else:
            self._db.execute("BEGIN")
            self._db.execute("SELECT 1 FROM alembic_version").fetchone()  # the moment is that of the first question

    def rows(self, table: Table) -> Iterator[Row]:
        return _file_rows(self._db, table)

    def heights(self) -> Mapping[str, int]:
        return _file_heights(self._db)

    def mark_moved(self, to: str) -> None:
        words = f"moved to {to}".replace("'", "''")
        for table in TABLES:
            for verb in ("INSERT", "UPDATE", "DELETE"):
                self._db.execute(
                    f"CREATE TRIGGER IF NOT EXISTS {table.name}_{verb.lower()}_moved "
                    f"BEFORE {verb} ON {table.name} BEGIN SELECT RAISE(ABORT, '{words}'); END"
                )
        self._db.execute("UPDATE alembic_version SET version_num = ?", (files.MOVED + to,))
        self._db.execute("COMMIT")

    def close(self) -> None:
        self._db.close()

    def _text(self, raw: bytes) -> str:
        try:
            return raw.decode()
        except UnicodeDecodeError:
            self.mended += 1
            return raw.decode(errors="replace")


class _NewFile:
    """A file that is made under another name, and gets its own when all of it is on the disk."""

    def __init__(self, path: Path, mark: str) -> None:
        self.mended = 0
        self._path = path
        self._part = path.with_name(f"{path.name}.part")
        self._remove(self._part)
        files.migrate(self._part)
        self._part.with_name(f"{self._part.name}-upgrade").unlink(missing_ok=True)
        self._db = sqlite3.connect(self._part, isolation_level=None)
        # One file without any beside it; until it is whole nobody would want what is half written back.
        self._db.execute("PRAGMA journal_mode = DELETE")
        self._db.execute("PRAGMA journal_mode = OFF")
        self._db.execute("PRAGMA synchronous = OFF")
        self._db.execute("BEGIN")
        self._db.execute("UPDATE alembic_version SET version_num = ?", (mark,))
        for name in _COUNTS_ROWS:
            self._db.execute(f"DROP TRIGGER {name}")

    def fitted(self, rows: Iterable[Row]) -> Iterator[Row]:
        yield from rows

    def write(self, table: Table, rows: Iterator[Row]) -> None:
        marks = ", ".join("?" * len(table.columns))
        while batch := list(islice(rows, _MANY)):
            self._db.executemany(f"INSERT INTO {table.name} ({_columns(table)}) VALUES ({marks})", batch)

    def share(self, name: str, data: bytes) -> None:
        pass  # its machine has the folder

    def set_heights(self, heights: Mapping[str, int]) -> None:
        self._db.execute("DELETE FROM sqlite_sequence")
        kept = [(table.name, heights[table.name]) for table in _NUMBERED if _goes_on(table)]
        self._db.executemany("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", kept)

    def rows(self, table: Table) -> Iterator[Row]:
        return _file_rows(self._db, table)

    def heights(self) -> Mapping[str, int]:
        heights = _file_heights(self._db)
        return {table.name: heights[table.name] for table in _NUMBERED if _goes_on(table)}

    def keep(self) -> None:
        for name in _COUNTS_ROWS:
            self._db.execute(f"CREATE TRIGGER {name} {files.TRIGGERS[name]}")
        self._db.execute("COMMIT")
        self._db.close()
        files.sync(self._part)
        self._remove(self._path)
        self._part.replace(self._path)
        files.sync(self._path.parent)

    def finish(self) -> None:
        with contextlib.closing(files.connect(self._path)) as db:
            db.execute("UPDATE alembic_version SET version_num = ?", (files.HEAD,))

    def close(self) -> None:
        self._db.close()
        self._remove(self._part)

    def _remove(self, path: Path) -> None:
        for suffix in ("-wal", "-shm", "-journal", ""):
            Path(f"{path}{suffix}").unlink(missing_ok=True)


def _goes_on(table: Table) -> bool:
    """True if SQLite never gives a number of this table twice."""
    return bool(table.dialect_options["sqlite"]["autoincrement"])


# --- PostgreSQL


def _run(db: psycopg.Connection[Any], sql: str, *values: object) -> psycopg.Cursor[Any]:
    return db.execute(sql, values or None)


def _schema_rows(db: psycopg.Connection[Any], table: Table) -> Iterator[Row]:
    truths = [place for place, column in enumerate(table.columns) if isinstance(column.type, Boolean)]
    with db.cursor(name="rows") as cursor:
        cursor.itersize = _MANY
        cursor.execute(f"SELECT {_columns(table)} FROM {table.name}")
        if not truths:
            yield from cursor
            return
        for row in cursor:
            plain = list(row)
            for place in truths:
                plain[place] = None if plain[place] is None else int(plain[place])
            yield tuple(plain)


def _sequence_of(db: psycopg.Connection[Any], table: Table) -> str | None:
    """Return the sequence that numbers the rows of a table. Returns None if `height` does, without gaps."""
    row = _run(db, "SELECT pg_get_serial_sequence(%s, 'seq')", table.name).fetchone()
    return row[0] if row is not None else None


def _schema_heights(db: psycopg.Connection[Any]) -> Mapping[str, int]:
    heights = {}
    for table in _NUMBERED:
        sequence = _sequence_of(db, table)
        sequence_row = (
            _run(db, "SELECT seq FROM height WHERE name = %s", table.name)
            if sequence is None
            else _run(db, f"SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM {sequence}")
        ).fetchone()
        newest = _run(db, f"SELECT max(seq) FROM {table.name}").fetchone()
        heights[table.name] = max(int(row[0] or 0) if row else 0 for row in (sequence_row, newest))
    return heights


class _OneSchema:
    """A schema as it is now."""

    def __init__(self, server: Server, *, alone: bool) -> None:
        self.mended = 0
        self._db = _connected(server)
        _run(self._db, "BEGIN ISOLATION LEVEL REPEATABLE READ")
        if alone:
            names = ", ".join(table.name for table in TABLES)
            _run(self._db, f"LOCK TABLE {names} IN SHARE ROW EXCLUSIVE MODE")
        _run(self._db, "SELECT 1")  # the moment is that of the first question

    def rows(self, table: Table) -> Iterator[Row]:
        return _schema_rows(self._db, table)

    def heights(self) -> Mapping[str, int]:
        return _schema_heights(self._db)

    def mark_moved(self, to: str) -> None:
        # Quoted for SQL, and for RAISE, to which "%" is a value.
        words = f"moved to {to}".replace("'", "''").replace("%", "%%")
        _run(
            self._db,
            "CREATE OR REPLACE FUNCTION refuse_since_moved() RETURNS trigger LANGUAGE plpgsql AS "
            f"$moved$ BEGIN RAISE EXCEPTION '{words}'; END $moved$",
        )
        for table in TABLES:
            _run(self._db, f"DROP TRIGGER IF EXISTS {table.name}_moved ON {table.name}")
            _run(
                self._db,
                f"CREATE TRIGGER {table.name}_moved BEFORE INSERT OR UPDATE OR DELETE ON {table.name} "
                "FOR EACH STATEMENT EXECUTE FUNCTION refuse_since_moved()",
            )
        _mark(self._db, files.MOVED + to)
        _run(self._db, "COMMIT")

    def close(self) -> None:
        self._db.close()


class _NewSchema:
    """A schema that is filled in one transaction."""

    def __init__(self, server: Server, mark: str) -> None:
        self.mended = 0
        current = server_schema.version(server)
        if current is None:
            server_schema.migrate(server)
        self._db = _connected(server)
        _mark(self._db, mark)
        _run(self._db, "BEGIN")
        for table in TABLES:
            _run(self._db, f"ALTER TABLE {table.name} DISABLE TRIGGER USER")
        if current is not None and current.startswith(files.UNFINISHED):
            _run(self._db, f"TRUNCATE {', '.join(table.name for table in TABLES)}")

    def fitted(self, rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            if odd := sum(isinstance(value, str) and "\0" in value for value in row):
                self.mended += odd
                yield tuple(value.replace("\0", "\ufffd") if isinstance(value, str) else value for value in row)
            else:
                yield row

    def write(self, table: Table, rows: Iterator[Row]) -> None:
        # In more than one COPY: until its end the server remembers which rows' references it has to check.
        for first in rows:
            with self._db.cursor().copy(f"COPY {table.name} ({_columns(table)}) FROM STDIN") as to:
                to.write_row(first)
                for row in islice(rows, _COPIED_AT_ONCE):
                    to.write_row(row)

    def share(self, name: str, data: bytes) -> None:
        _run(self._db, "INSERT INTO picture (name, data) VALUES (%s, %s)", name, data)

    def set_heights(self, heights: Mapping[str, int]) -> None:
        for table in _NUMBERED:
            height, sequence = heights[table.name], _sequence_of(self._db, table)
            if sequence is None:
                _run(self._db, "UPDATE height SET seq = %s WHERE name = %s", height, table.name)
            else:
                _run(self._db, "SELECT setval(%s::regclass, %s, %s)", sequence, max(height, 1), height > 0)

    def rows(self, table: Table) -> Iterator[Row]:
        return _schema_rows(self._db, table)

    def heights(self) -> Mapping[str, int]:
        return _schema_heights(self._db)

    def keep(self) -> None:
        for table in TABLES:
            _run(self._db, f"ALTER TABLE {table.name} ENABLE TRIGGER USER")
        _run(self._db, "COMMIT")

    def finish(self) -> None:
        _mark(self._db, files.HEAD)
        for table in TABLES:
            _run(self._db, f"ANALYZE {table.name}")

    def close(self) -> None:
        self._db.close()


def _connected(server: Server) -> psycopg.Connection[Any]:
    settings = {**reaching.search_path(server), "lock_timeout": f"{int(files.LOCK_WAIT * 1000)}ms"}
    return reaching.connected(server, "tocsin copy", settings)


def _mark(db: psycopg.Connection[Any], mark: str) -> None:
    # Alembic made it for 32 characters.
    _run(db, "ALTER TABLE alembic_version ALTER COLUMN version_num TYPE text")
    _run(db, "UPDATE alembic_version SET version_num = %s", mark)
