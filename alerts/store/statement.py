"""How statements are run: SQLAlchemy Core's, compiled once, run many times in the database's thread.

Core builds them from the tables of `alerts.store.schema`, for SQLite or for PostgreSQL (`alerts.store.dialect`); what
runs is the driver's own cursor, whose rows are read by name. Times are whole microseconds since 1970 in UTC: exact,
sortable, the same in every database.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sqlalchemy import Column, ColumnElement, Table, bindparam, or_, select
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.expression import ClauseElement

from alerts.store.dialect import POSTGRESQL, SQLITE, is_sqlite, json_items

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
_PARAMETER = re.compile(r"(?<![:\w]):(\w+)")


def _spelled(text: str, dialect: Dialect) -> str:
    for pattern, for_sqlite, for_postgresql in _SHARED:
        text = pattern.sub(for_sqlite if dialect is SQLITE else for_postgresql, text)
    return text if dialect is SQLITE else _PARAMETER.sub(r"%(\1)s", text.replace("%", "%%"))


def kept_fields(fields: Mapping[str, Any]) -> str:
    """The text that `fields_of` reads."""
    return json.dumps(dict(fields), ensure_ascii=False)


class Statement:
    """A statement with named parameters, run within the transaction that its connection is in.

    As text it is SQL that both databases read, with `:name` for a parameter and what `_SHARED` lists. Core's are
    compiled for each of the two at their first use: that costs a hundred times what running does.
    """

    def __init__(self, clause: ClauseElement | str) -> None:
        self._clause = clause

    @cached_property
    def _for_sqlite(self) -> tuple[str, dict[str, Any]]:
        return self._compiled(SQLITE)

    @cached_property
    def _for_postgresql(self) -> tuple[str, dict[str, Any]]:
        return self._compiled(POSTGRESQL)

    def _compiled(self, dialect: Dialect) -> tuple[str, dict[str, Any]]:
        """The SQL with named parameters, and the values of those that are the statement's own constants."""
        if isinstance(self._clause, str):
            return _spelled(self._clause, dialect), {}
        compiled = self._clause.compile(dialect=dialect)
        constants = {name: value for name, value in compiled.params.items() if value is not None}
        return str(compiled), constants

    def warm(self, *, is_file: bool = True) -> None:
        """Compile it now, for a file or for a server."""
        _ = self._for_sqlite if is_file else self._for_postgresql

    def run(self, db: Connection, **values: Any) -> Cursor:
        """Execute within the transaction that `db` is in."""
        sql, constants = self._for_sqlite if is_sqlite(db) else self._for_postgresql
        return db.execute(sql, {**constants, **values})

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
        sql, constants = self._for_postgresql
        return db.walk(sql, {**constants, **values})


@dataclass(slots=True)
class Written:
    """What one transaction wrote, to be told once it is committed; each attempt to carry it out begins a new one.

    `incidents` has the incident of each message that was decided on, None where it isn't known yet. `alert` and
    `attempt` are the highest numbers that rows were given, 0: none.
    """

    incidents: dict[str, str | None] = field(default_factory=dict)
    alert: int = 0
    attempt: int = 0


class UnitPart:
    """What a unit of work reads and writes about one subject, over the connection that the whole of it has."""

    def __init__(self, db: Connection) -> None:
        self._db = db


def insert_into(table: Table, *, returning: str | None = None) -> Statement:
    """An INSERT with one parameter for each column but an automatic key, which it may return."""
    names = [column.name for column in table.columns if column.autoincrement is not True]
    return Statement(_insert(table, names) + (f" RETURNING {returning}" if returning else ""))


def upsert_into(table: Table) -> Statement:
    """An INSERT that replaces the row of the same primary key."""
    names = [column.name for column in table.columns]
    rest = ", ".join(f'"{name}" = excluded."{name}"' for name in names if not table.c[name].primary_key)
    keys = ", ".join(f'"{column.name}"' for column in table.primary_key.columns)
    return Statement(f"{_insert(table, names)} ON CONFLICT ({keys}) DO UPDATE SET {rest}")


def insert_new(table: Table, *keys: str) -> Statement:
    """An INSERT with one parameter for each column, which leaves a row with these keys as it is."""
    names = [column.name for column in table.columns]
    return Statement(f"{_insert(table, names)} ON CONFLICT ({', '.join(keys)}) DO NOTHING")


def _insert(table: Table, names: Sequence[str]) -> str:
    columns, values = ", ".join(f'"{name}"' for name in names), ", ".join(f":{name}" for name in names)
    return f"INSERT INTO {table.name} ({columns}) VALUES ({values})"


def literals(values: Iterable[str]) -> str:
    """Constants of the program as they stand in a statement, between commas."""
    return ", ".join(f"'{value}'" for value in values)


def one_of(column: Column[Any], parameter: str) -> ColumnElement[bool]:
    """`column` is in the JSON array bound to `parameter`: a list of any length with one compiled statement."""
    # Core would write as many marks as there are values, and compile the statement anew for each number of them.
    return column.in_(select(json_items(bindparam(parameter)).c.value))


def any_of(column: Column[Any], values: Sequence[str]) -> ColumnElement[bool]:
    """`column` is one of these constants. Core's own `in_` is expanded anew for each execution."""
    return or_(*(column == value for value in values))
