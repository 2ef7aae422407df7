"""What differs between SQLite and PostgreSQL in what is asked of them: a few constructs.

Statements are written once, in SQLAlchemy Core. Where the two databases have no word in common there is a construct
here, which is compiled to the one or the other: pairs and items of a JSON array, the greatest of several values, rows
as one JSON text, a search for words, the hint that an index is not to be used. `for_postgresql` makes PostgreSQL's
tables of those in `alerts.store.schema`: texts are as long as they need be and are compared by their bytes, as SQLite
compares them, so that a range of ids is the same range everywhere.

How each is connected to, and what it does when the connection is lost, stands in `alerts.store.files` and
`alerts.store.postgresql`.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, ColumnElement, Integer, Text, literal_column
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import Dialect, make_url
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction
from sqlalchemy.sql.selectable import TableValuedAlias

if TYPE_CHECKING:
    from alerts.store.postgresql import ServerResult, ServerRow, ServerSession

    Connection = sqlite3.Connection | ServerSession
    """A connection that a unit of work has: each runs a statement by `execute`."""
    Cursor = sqlite3.Cursor | ServerResult
    """What a statement came to."""
    Row = sqlite3.Row | ServerRow
    """A row: by the names of its columns, or by their numbers."""

# Named, so that a statement's parameters can be given in any order and by the same name twice.
SQLITE: Dialect = sqlite.dialect(paramstyle="named")
POSTGRESQL: Dialect = make_url("postgresql+psycopg://").get_dialect()()


def is_sqlite(db: Connection) -> bool:
    """Whether this is a connection to a file; else it is one to a server."""
    return isinstance(db, sqlite3.Connection)


# --- constructs; a condition has no type, for Core would compare one that is Boolean with 1 for SQLite


class likely(GenericFunction[Any]):  # noqa: N801 named as SQLite's function is
    """A condition that nearly every row meets (sqlite.org/lang_corefunc.html#likely); PostgreSQL has statistics."""

    inherit_cache = True


class unlikely(GenericFunction[Any]):  # noqa: N801 named as SQLite's function is
    """A condition that few rows meet."""

    inherit_cache = True


class least(GenericFunction[Any]):  # noqa: N801 named as the standard's function is
    """The least of several values of one row; NULL where one is NULL, in SQLite."""

    inherit_cache = True


class greatest(GenericFunction[Any]):  # noqa: N801 named as the standard's function is
    """The greatest of several values of one row."""

    inherit_cache = True


class unindexed(GenericFunction[Any]):  # noqa: N801 it reads like a function
    """A column by whose index SQLite is not to search (sqlite.org/optoverview.html, section 2.1)."""

    inherit_cache = True


class position(GenericFunction[int]):  # noqa: N801 named as the standard's function is
    """Where a text begins in another, from 1 on; 0: it isn't there."""

    type = Integer()
    inherit_cache = True


class rows_as_json(GenericFunction[str]):  # noqa: N801 it reads like a function
    """All rows as one JSON text, an object each; its arguments are names and columns in turn."""

    type = Text()
    inherit_cache = True


class has_words(GenericFunction[Any]):  # noqa: N801 it reads like a function
    """Whether a row of `alert_words` holds what `phrase` made of the words that are looked for."""

    inherit_cache = True


def _call(name: str, element: GenericFunction[Any], compiler: SQLCompiler, **options: Any) -> str:
    return f"{name}{compiler.process(element.clause_expr, **options)}"


@compiles(likely, "postgresql")
@compiles(unlikely, "postgresql")
@compiles(unindexed, "postgresql")
def _as_it_is(element: GenericFunction[Any], compiler: SQLCompiler, **options: Any) -> str:
    return compiler.process(element.clause_expr, **options)


@compiles(unindexed, "sqlite")
def _plus(element: GenericFunction[Any], compiler: SQLCompiler, **options: Any) -> str:
    return f"+{compiler.process(next(iter(element.clauses)), **options)}"


@compiles(least, "sqlite")
def _min(element: GenericFunction[Any], compiler: SQLCompiler, **options: Any) -> str:
    return _call("min", element, compiler, **options)


@compiles(greatest, "sqlite")
def _max(element: GenericFunction[Any], compiler: SQLCompiler, **options: Any) -> str:
    return _call("max", element, compiler, **options)


@compiles(position, "sqlite")
def _instr(element: GenericFunction[Any], compiler: SQLCompiler, **options: Any) -> str:
    return _call("instr", element, compiler, **options)


@compiles(position, "postgresql")
def _strpos(element: GenericFunction[Any], compiler: SQLCompiler, **options: Any) -> str:
    return _call("strpos", element, compiler, **options)


@compiles(rows_as_json, "sqlite")
def _group_array(element: GenericFunction[Any], compiler: SQLCompiler, **options: Any) -> str:
    return f"json_group_array({_call('json_object', element, compiler, **options)})"


@compiles(rows_as_json, "postgresql")
def _json_agg(element: GenericFunction[Any], compiler: SQLCompiler, **options: Any) -> str:
    return f"coalesce(json_agg({_call('json_build_object', element, compiler, **options)})::text, '[]')"


@compiles(has_words, "sqlite")
def _match(element: GenericFunction[Any], compiler: SQLCompiler, **options: Any) -> str:
    words, wanted = (compiler.process(each, **options) for each in element.clauses)
    return f"{words.rsplit('.', 1)[0]} MATCH {wanted}"


@compiles(has_words, "postgresql")
def _like(element: GenericFunction[Any], compiler: SQLCompiler, **options: Any) -> str:
    words, wanted = (compiler.process(each, **options) for each in element.clauses)
    return f"{words} LIKE {wanted}"


def phrase(db: Connection, folded: str) -> str:
    """What `has_words` is given to find a text that was folded as the index of words is."""
    if is_sqlite(db):
        return '"' + folded.replace('"', '""') + '"'
    plain = folded.lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{plain}%"


class _Items(GenericFunction[Any]):
    name = "json_items"
    inherit_cache = True


class _Pairs(GenericFunction[Any]):
    name = "json_pairs"
    inherit_cache = True


class _Part(GenericFunction[int]):
    """The part of a pair that has this number."""

    name = "json_part"
    type = BigInteger()
    inherit_cache = True


@compiles(_Items, "sqlite")
@compiles(_Pairs, "sqlite")
def _each(element: GenericFunction[Any], compiler: SQLCompiler, **options: Any) -> str:
    return _call("json_each", element, compiler, **options)


@compiles(_Items, "postgresql")
def _elements_text(element: GenericFunction[Any], compiler: SQLCompiler, **options: Any) -> str:
    return f"jsonb_array_elements_text(CAST({_call('', element, compiler, **options)} AS jsonb))"


@compiles(_Pairs, "postgresql")
def _elements(element: GenericFunction[Any], compiler: SQLCompiler, **options: Any) -> str:
    return f"jsonb_array_elements(CAST({_call('', element, compiler, **options)} AS jsonb))"


@compiles(_Part, "sqlite")
def _arrow(element: GenericFunction[Any], compiler: SQLCompiler, **options: Any) -> str:
    value, number = (compiler.process(each, **options) for each in element.clauses)
    return f"({value} ->> {number})"


@compiles(_Part, "postgresql")
def _arrow_number(element: GenericFunction[Any], compiler: SQLCompiler, **options: Any) -> str:
    value, number = (compiler.process(each, **options) for each in element.clauses)
    return f"CAST({value} ->> {number} AS bigint)"


def json_items(array: ColumnElement[Any]) -> TableValuedAlias:
    """The items of a JSON array of texts, as a table of `value`."""
    return _Items(array).table_valued("value")


def json_pairs(array: ColumnElement[Any]) -> tuple[TableValuedAlias, ColumnElement[int], ColumnElement[int]]:
    """The pairs of numbers of a JSON array: a table, with the first and the second number of its row."""
    each = _Pairs(array).table_valued("value")
    first, second = (_Part(each.c.value, literal_column(number)) for number in ("0", "1"))
    return each, first, second
