"""The two ends of a copy (`alerts.store.copying`); each is an SQLite file or a schema of a PostgreSQL server.

A `CopySource` is read as it is at one moment. A `CopyTarget` is filled where nobody sees it. Each uses its database's
own means for many rows: an SQLite file is filled in one transaction without a journal, a schema by COPY, and a schema
is read by a cursor of the server.
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

from alerts.model.reason import because
from alerts.model.town import Server
from alerts.store import files, reaching, server_schema
from alerts.store.schema import metadata

TABLES = metadata.sorted_tables
"""All tables, in an order in which every row is copied after the rows it refers to."""
Row = tuple[Any, ...]
"""A row, in the order of the table's columns; a boolean is 1 or 0."""
# Rows in memory at a time, and further rows in one COPY.
_AT_ONCE, _COPIED_AT_ONCE = 500, 10_000
_NUMBERED = [table for table in TABLES if "seq" in table.c]
_COUNT_TRIGGERS = ("post_is_counted", "post_is_counted_anew", "post_is_counted_no_more")
"""Triggers of a file that write further rows. They are dropped while it is filled, since those rows are copied."""


class CopySource(Protocol):
    """A store as it is at one moment. `mended` counts the texts read in which U+FFFD replaces invalid bytes."""

    mended: int

    def rows(self, table: Table) -> Iterator[Row]:
        """Yield all rows of a table, with some hundred in memory at a time."""
        ...

    def heights(self) -> Mapping[str, int]:
        """Return the highest number that each numbered table has given, even to a row deleted since."""
        ...

    def mark_moved(self, to: str) -> None:
        """Mark it as moved to `to`, which every program refuses, and have triggers refuse writes. Commits."""
        ...

    def close(self) -> None:
        """Close it, and let others write there again. Without `mark_moved`, nothing has changed."""
        ...


class CopyTarget(Protocol):
    """A store that is being filled, which nobody sees. `mended` counts the texts in which U+FFFD replaces NUL."""

    mended: int

    def fitted(self, rows: Iterable[Row]) -> Iterator[Row]:
        """Yield the rows as this store can keep them: PostgreSQL keeps no NUL in a text."""
        ...

    def write(self, table: Table, rows: Iterator[Row]) -> None:
        """Write the rows of a table, without those that a trigger would add."""
        ...

    def share(self, name: str, data: bytes) -> None:
        """Store a picture for all machines that work on a server's store; a file's one machine has it already."""
        ...

    def set_heights(self, heights: Mapping[str, int]) -> None:
        """Set the numbers after which those of new rows continue."""
        ...

    def rows(self, table: Table) -> Iterator[Row]:
        """Yield the written rows, as they are read back."""
        ...

    def heights(self) -> Mapping[str, int]:
        """Return these numbers as they were stored, for the tables whose numbers are stored apart from the rows."""
        ...

    def keep(self) -> None:
        """Commit all of it to the disk, still marked as unfinished."""
        ...

    def finish(self) -> None:
        """Replace the mark by the version, so that programs work on it."""
        ...

    def close(self) -> None:
        """Close it; what `keep` didn't commit is lost."""
        ...


def read_from(place: Path | Server, *, alone: bool) -> CopySource:
    """Return the store at that place as it is now; with `alone` nobody else writes there until it is closed."""
    return _FileSource(place, alone=alone) if isinstance(place, Path) else _SchemaSource(place, alone=alone)


def write_to(place: Path | Server, mark: str) -> CopyTarget:
    """Return an empty store to fill, in the place of none or of an unfinished one; `mark` is its version meanwhile."""
    return _FileTarget(place, mark) if isinstance(place, Path) else _SchemaTarget(place, mark)


def must_be_empty(store: CopySource, called: str) -> None:
    """Raise StoreError where the store of that name has a row."""
    if used := [table.name for table in TABLES if next(store.rows(table), None) is not None]:
        raise files.StoreError(because("copy_into_used", path=called, tables=", ".join(used)))


def _columns(table: Table) -> str:
    return ", ".join(f'"{column.name}"' for column in table.columns)


# --- SQLite


def _file_rows(db: sqlite3.Connection, table: Table) -> Iterator[Row]:
    cursor = db.execute(f"SELECT {_columns(table)} FROM {table.name}")
    while batch := cursor.fetchmany(_AT_ONCE):
        yield from batch


def _file_heights(db: sqlite3.Connection) -> Mapping[str, int]:
    sequences = dict(db.execute("SELECT name, seq FROM sqlite_sequence"))
    newest = {table.name: db.execute(f"SELECT max(seq) FROM {table.name}").fetchone()[0] for table in _NUMBERED}
    return {name: max(int(sequences.get(name) or 0), int(height or 0)) for name, height in newest.items()}


class _FileSource:
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
            self._db.execute("SELECT 1 FROM alembic_version").fetchone()  # the first query fixes the moment

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


class _FileTarget:
    """A file that is made under another name, and gets its own name once all of it is on the disk."""

    def __init__(self, path: Path, mark: str) -> None:
        self.mended = 0
        self._path = path
        self._part = path.with_name(f"{path.name}.part")
        files.remove(self._part)
        files.migrate(self._part)
        files.lock_of(self._part).unlink(missing_ok=True)
        self._db = sqlite3.connect(self._part, isolation_level=None)
        # In one file, and without a journal: a copy that breaks off is begun anew, never rolled back.
        self._db.execute("PRAGMA journal_mode = DELETE")
        self._db.execute("PRAGMA journal_mode = OFF")
        self._db.execute("PRAGMA synchronous = OFF")
        self._db.execute("BEGIN")
        self._db.execute("UPDATE alembic_version SET version_num = ?", (mark,))
        for name in _COUNT_TRIGGERS:
            self._db.execute(f"DROP TRIGGER {name}")

    def fitted(self, rows: Iterable[Row]) -> Iterator[Row]:
        yield from rows

    def write(self, table: Table, rows: Iterator[Row]) -> None:
        marks = ", ".join("?" * len(table.columns))
        while batch := list(islice(rows, _AT_ONCE)):
            self._db.executemany(f"INSERT INTO {table.name} ({_columns(table)}) VALUES ({marks})", batch)

    def share(self, name: str, data: bytes) -> None:
        pass  # the file's machine has the folder of pictures

    def set_heights(self, heights: Mapping[str, int]) -> None:
        self._db.execute("DELETE FROM sqlite_sequence")
        kept = [(table.name, heights[table.name]) for table in _NUMBERED if _never_reuses(table)]
        self._db.executemany("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", kept)

    def rows(self, table: Table) -> Iterator[Row]:
        return _file_rows(self._db, table)

    def heights(self) -> Mapping[str, int]:
        heights = _file_heights(self._db)
        return {table.name: heights[table.name] for table in _NUMBERED if _never_reuses(table)}

    def keep(self) -> None:
        for name in _COUNT_TRIGGERS:
            self._db.execute(f"CREATE TRIGGER {name} {files.TRIGGERS[name]}")
        self._db.execute("COMMIT")
        self._db.close()
        files.sync(self._part)
        with files.alone(self._path):
            self._retire()
            files.remove(self._path)
            self._part.replace(self._path)
            files.sync(self._path.parent)

    def _retire(self) -> None:
        """Have whoever opened the empty one that was there write nothing to it. Raises StoreError: it isn't empty."""
        current = files.version(self._path)
        if current is None or current.startswith(files.UNFINISHED):
            return
        with contextlib.closing(_FileSource(self._path, alone=True)) as there:
            must_be_empty(there, f"sqlite:///{self._path.resolve()}")
            there.mark_moved(f"sqlite:///{self._path.resolve()}")

    def finish(self) -> None:
        with contextlib.closing(files.connect(self._path)) as db:
            db.execute("UPDATE alembic_version SET version_num = ?", (files.HEAD,))

    def close(self) -> None:
        self._db.close()
        files.remove(self._part)


def _never_reuses(table: Table) -> bool:
    """True if SQLite never gives a number of this table twice, so that it stores the highest one."""
    return bool(table.dialect_options["sqlite"]["autoincrement"])


# --- PostgreSQL


def _run(db: psycopg.Connection[Any], sql: str, *values: object) -> psycopg.Cursor[Any]:
    return db.execute(sql, values or None)


def _schema_rows(db: psycopg.Connection[Any], table: Table) -> Iterator[Row]:
    booleans = [place for place, column in enumerate(table.columns) if isinstance(column.type, Boolean)]
    with db.cursor(name="rows") as cursor:
        cursor.itersize = _AT_ONCE
        cursor.execute(f"SELECT {_columns(table)} FROM {table.name}")
        if not booleans:
            yield from cursor
            return
        for row in cursor:
            values = list(row)
            for place in booleans:
                values[place] = None if values[place] is None else int(values[place])
            yield tuple(values)


def _sequence_of(db: psycopg.Connection[Any], table: Table) -> str | None:
    """Return the sequence that numbers a table's rows. Returns None if the table `height` does, without gaps."""
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


class _SchemaSource:
    """A schema as it is now."""

    def __init__(self, server: Server, *, alone: bool) -> None:
        self.mended = 0
        self._db = _connected(server)
        _run(self._db, "BEGIN ISOLATION LEVEL REPEATABLE READ")
        if alone:
            names = ", ".join(table.name for table in TABLES)
            _run(self._db, f"LOCK TABLE {names} IN SHARE ROW EXCLUSIVE MODE")
        _run(self._db, "SELECT 1")  # the first query fixes the moment

    def rows(self, table: Table) -> Iterator[Row]:
        return _schema_rows(self._db, table)

    def heights(self) -> Mapping[str, int]:
        return _schema_heights(self._db)

    def mark_moved(self, to: str) -> None:
        # Escaped for SQL, and for RAISE, to which "%" is a placeholder.
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


class _SchemaTarget:
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
        # In several COPYs: the server remembers each row whose references it has to check until the COPY ends.
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
    # Alembic made the column for 32 characters; a mark contains the name of a store, and may be longer.
    _run(db, "ALTER TABLE alembic_version ALTER COLUMN version_num TYPE text")
    _run(db, "UPDATE alembic_version SET version_num = %s", mark)
