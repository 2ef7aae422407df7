"""How statements are run: SQLAlchemy Core's, compiled once, run many times in the database's thread.

Core builds them from the tables of `alerts.store.schema`; what runs is the driver's own cursor, whose rows are read by
name. Times are whole microseconds since 1970 in UTC: exact, sortable, the same in every database.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from sqlalchemy import Column, ColumnElement, Table, bindparam, func, or_, select
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.sql.expression import ClauseElement

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


# Named, so that a statement's parameters can be given in any order and by the same name twice.
_DIALECT = sqlite.dialect(paramstyle="named")


class Statement:
    """Core's statement as SQLite's SQL; parameters are named as its bindparams are.

    Compiling costs a hundred times what running does, so it happens at first use and never again.
    """

    def __init__(self, clause: ClauseElement) -> None:
        self._clause = clause

    @cached_property
    def _compiled(self) -> tuple[str, dict[str, Any]]:
        """The SQL with `:name` parameters, and the values of those that are the statement's own constants."""
        compiled = self._clause.compile(dialect=_DIALECT)
        constants = {name: value for name, value in compiled.params.items() if value is not None}
        return str(compiled), constants

    def warm(self) -> None:
        """Compile it now."""
        _ = self._compiled

    def run(self, db: sqlite3.Connection, **values: Any) -> sqlite3.Cursor:
        """Execute within the transaction that `db` is in."""
        sql, constants = self._compiled
        return db.execute(sql, {**constants, **values})

    def rows(self, db: sqlite3.Connection, **values: Any) -> list[sqlite3.Row]:
        """All rows."""
        return self.run(db, **values).fetchall()

    def row(self, db: sqlite3.Connection, **values: Any) -> sqlite3.Row | None:
        """The first row, or None."""
        row: sqlite3.Row | None = self.run(db, **values).fetchone()
        return row


class UnitPart:
    """What a unit of work reads and writes about one subject, over the connection that the whole of it has."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db


def insert_into(table: Table) -> Statement:
    """An INSERT with one parameter for each column but an automatic key."""
    columns = [column for column in table.columns if column.autoincrement is not True]
    return Statement(insert(table).values({column.name: bindparam(column.name) for column in columns}))


def upsert_into(table: Table) -> Statement:
    """An INSERT that replaces the row of the same primary key."""
    statement = insert(table).values({column.name: bindparam(column.name) for column in table.columns})
    rest = {column.name: statement.excluded[column.name] for column in table.columns if not column.primary_key}
    return Statement(statement.on_conflict_do_update(index_elements=list(table.primary_key.columns), set_=rest))


def one_of(column: Column[Any], parameter: str) -> ColumnElement[bool]:
    """`column` is in the JSON array bound to `parameter`: a list of any length with one compiled statement."""
    # Core would write as many marks as there are values, and compile the statement anew for each number of them.
    each = func.json_each(bindparam(parameter)).table_valued("value")
    return column.in_(select(each.c.value))


def any_of(column: Column[Any], values: Sequence[str]) -> ColumnElement[bool]:
    """`column` is one of these constants. Core's own `in_` is expanded anew for each execution."""
    return or_(*(column == value for value in values))
