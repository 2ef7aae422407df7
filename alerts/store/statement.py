"""Running statements: SQL as text, which SQLite and PostgreSQL both read, in the database's thread.

`:name` marks a parameter. The few words in which the two differ are written as `_SHARED` lists them and replaced for
each. Statements run on the driver's own cursor, whose rows are read by name. Times are whole microseconds since 1970 in
UTC: exact, sortable, the same in every database.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from alerts.store.dialect import is_sqlite

if TYPE_CHECKING:
    from alerts.store.dialect import Connection, Cursor, Row

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def stamp(time: datetime | None) -> int | None:
    """A time as the database keeps it."""
    return None if time is None else (time - _EPOCH) // _MICROSECOND


def time_of(stamped: int | None) -> datetime | None:
    """The time that `stamp` wrote, in UTC."""
    return None if stamped is None else _EPOCH + stamped * _MICROSECOND


def moment(stamped: int) -> datetime:
    """The same of a column that is never empty."""
    return _EPOCH + stamped * _MICROSECOND


def fields_of(written: str) -> dict[str, Any]:
    """A form's fields, as they were written down: JSON has lists alone, and several values of one field are a tuple."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in json.loads(written).items()}


def kept_fields(fields: Mapping[str, Any]) -> str:
    """The text that `fields_of` reads."""
    return json.dumps(dict(fields), ensure_ascii=False)


_SHARED = (
    # As text, then for SQLite and for PostgreSQL.
    (re.compile(r"\bleast\("), "min(", "least("),
    (re.compile(r"\bgreatest\("), "max(", "greatest("),
    (re.compile(r"\bstrpos\("), "instr(", "strpos("),
    # Hints for SQLite (sqlite.org/lang_corefunc.html#likely; optoverview.html, 2.1); PostgreSQL has statistics.
    (re.compile(r"\b((?:un)?likely)\("), r"\1(", "("),
    (re.compile(r"\bunindexed\("), "+(", "("),
    # Whether a row of `alert_words` holds what `phrase` made of the words that are looked for.
    (re.compile(r"\bhas_words\((:\w+)\)"), r"alert_words MATCH \1", r"words LIKE \1"),
    # The items of a JSON array of arrays, as a table `pair`; and rows as one JSON text, of names and columns in turn.
    (
        re.compile(r"\bpairs\(([\w.]+)\)"),
        r"json_each(\1) AS pair",
        r"jsonb_array_elements(CAST(\1 AS jsonb)) AS pair(value)",
    ),
    (
        re.compile(r"\brows_as_json\(([^()]*)\)"),
        r"json_group_array(json_object(\1))",
        r"coalesce(json_agg(json_build_object(\1))::text, '[]')",
    ),
    # The items of a JSON array of texts, as a table of `value`.
    (
        re.compile(r"\bitems\(([:\w.]+)\)"),
        r"json_each(\1)",
        r"jsonb_array_elements_text(CAST(\1 AS jsonb)) AS item(value)",
    ),
)
# Not PostgreSQL's `::type`, nor a colon within a word.
_PARAMETER = re.compile(r"(?<![:\w]):(\w+)")


class Statement:
    """A statement with named parameters, run within the transaction that its connection is in."""

    def __init__(self, text: str) -> None:
        self._text = text

    @cached_property
    def for_sqlite(self) -> str:
        """As SQLite's driver takes it."""
        text = self._text
        for shared, sqlite, _ in _SHARED:
            text = shared.sub(sqlite, text)
        return text

    @cached_property
    def for_postgresql(self) -> str:
        """As PostgreSQL's driver takes it."""
        text = self._text
        for shared, _, postgresql in _SHARED:
            text = shared.sub(postgresql, text)
        return _PARAMETER.sub(r"%(\1)s", text.replace("%", "%%"))

    def run(self, db: Connection, **values: Any) -> Cursor:
        """Execute within the transaction that `db` is in."""
        return db.execute(self.for_sqlite if is_sqlite(db) else self.for_postgresql, values)

    def rows(self, db: Connection, **values: Any) -> list[Row]:
        """All rows."""
        rows: list[Row] = self.run(db, **values).fetchall()
        return rows

    def row(self, db: Connection, **values: Any) -> Row | None:
        """The first row, or None."""
        row: Row | None = self.run(db, **values).fetchone()
        return row

    def each(self, db: Connection, **values: Any) -> Iterator[Row]:
        """The rows one after the other, of however many: no more than some hundred are in memory."""
        if isinstance(db, sqlite3.Connection):
            return iter(self.run(db, **values))
        return db.walk(self.for_postgresql, values)


class Insert:
    """An INSERT of the columns that it is given, and what follows their values.

    `keys` are the columns by which a row is known that is there already: it is replaced, or left as it is.
    """

    def __init__(self, table: str, *keys: str, replaces: bool = False, returning: str | None = None) -> None:
        self._table = table
        self._keys = keys
        self._replaces = replaces
        self._returning = returning
        self._made: dict[tuple[str, ...], Statement] = {}

    def run(self, db: Connection, **values: Any) -> Cursor:
        """Execute within the transaction that `db` is in."""
        names = tuple(values)
        if (statement := self._made.get(names)) is None:
            statement = self._made[names] = Statement(self._spelled(names))
        return statement.run(db, **values)

    def row(self, db: Connection, **values: Any) -> Row | None:
        """The row with what it returns; None: a row with these keys was left as it is."""
        row: Row | None = self.run(db, **values).fetchone()
        return row

    def _spelled(self, names: tuple[str, ...]) -> str:
        columns, values = ", ".join(f'"{name}"' for name in names), ", ".join(f":{name}" for name in names)
        text = f"INSERT INTO {self._table} ({columns}) VALUES ({values})"
        if self._keys:
            rest = [name for name in names if name not in self._keys] if self._replaces else []
            sets = ", ".join(f'"{name}" = excluded."{name}"' for name in rest)
            text += f" ON CONFLICT ({', '.join(self._keys)}) DO {f'UPDATE SET {sets}' if sets else 'NOTHING'}"
        return f"{text} RETURNING {self._returning}" if self._returning else text


def insert_into(table: str, *, returning: str | None = None) -> Insert:
    """An INSERT, which may return a column of the row."""
    return Insert(table, returning=returning)


def upsert_into(table: str, *keys: str) -> Insert:
    """An INSERT that replaces the row with the same keys."""
    return Insert(table, *keys, replaces=True)


def insert_new(table: str, *keys: str) -> Insert:
    """An INSERT that leaves a row with the same keys as it is."""
    return Insert(table, *keys)


@dataclass(slots=True)
class Written:
    """The writes of one transaction, published once it is committed; each attempt at it begins a new record.

    `incidents` has the incident of each message that was decided on, None if it isn't known yet. `alert` and `attempt`
    are the highest numbers given to rows, 0: none.
    """

    incidents: dict[str, str | None] = field(default_factory=dict)
    alert: int = 0
    attempt: int = 0


class UnitPart:
    """The part of a unit of work for one subject, over the unit's connection."""

    def __init__(self, db: Connection) -> None:
        self._db = db


def literals(values: Iterable[str]) -> str:
    """Return constants of the program as SQL literals, separated by commas."""
    return ", ".join(f"'{value}'" for value in values)
