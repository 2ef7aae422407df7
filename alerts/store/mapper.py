"""Rows made of frozen dataclasses and back: a column for each field, by the field's name and type.

A time is stored as whole microseconds, an enum as its value, a secret and a reason as their text, a tuple, a frozen set
and a mapping as JSON. NULL means None; in a column that an earlier version didn't know, the field's default.
"""

from __future__ import annotations

import json
import typing
from collections.abc import Callable, Collection, Mapping
from dataclasses import fields
from datetime import datetime
from enum import Enum
from functools import cached_property
from types import NoneType
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from alerts.model.reason import Reason, kept_reason, read_reason
from alerts.model.town import Secret
from alerts.store.statement import moment, stamp

if TYPE_CHECKING:
    from alerts.store.dialect import Row

T = TypeVar("T")
Convert = Callable[[Any], Any]


class Mapper(Generic[T]):
    """Reads `kind` from a row, and returns the columns to write for a value.

    `columns` names the column of a field that has another name, `without` lists fields that no statement writes, and
    `unstored` those that have no column. `reads` and `writes` convert the fields whose type isn't enough; neither
    gets a None. `parts` map a field's own fields to columns of the same row; one that may be None is None where its
    first column is NULL. `also` are further columns, each computed from the whole value.
    """

    def __init__(
        self,
        kind: type[T],
        *,
        columns: Mapping[str, str] | None = None,
        without: Collection[str] = (),
        unstored: Collection[str] = (),
        reads: Mapping[str, Convert] | None = None,
        writes: Mapping[str, Convert] | None = None,
        parts: Mapping[str, Mapper[Any]] | None = None,
        **also: Callable[[T], Any],
    ) -> None:
        self._kind = kind
        self._columns = columns or {}
        self._without = without
        self._reads = reads or {}
        self._writes = writes or {}
        self._parts = parts or {}
        self._unstored = {*unstored, *self._parts}
        self._also = also

    @property
    def columns(self) -> list[str]:
        """The columns of `values`, in the order of the fields."""
        own = [column for _, column, _ in self._written]
        return [*own, *(column for part in self._parts.values() for column in part.columns)]

    @cached_property
    def _fields(self) -> list[tuple[str, str, Convert | None, Convert | None, bool]]:
        """The name, column, reader and writer of each field (None: as it is), and whether it may be None."""
        hints = typing.get_type_hints(self._kind)
        found = []
        for each in fields(self._kind):  # type: ignore[arg-type]  # `kind` is a dataclass
            if each.name in self._unstored:
                continue
            hint, column = hints[each.name], self._columns.get(each.name, each.name)
            read, write = _converters(hint)
            read, write = self._reads.get(each.name, read), self._writes.get(each.name, write)
            found.append((each.name, column, read, write, _is_optional(hint)))
        return found

    @cached_property
    def _written(self) -> list[tuple[str, str, Convert | None]]:
        return [(name, column, write) for name, column, _, write, _ in self._fields if name not in self._without]

    @cached_property
    def _read_parts(self) -> list[tuple[str, Mapper[Any], str | None]]:
        """The name and the mapper of each part, and the column that is NULL where there is none."""
        hints = typing.get_type_hints(self._kind)
        return [
            (name, part, part.columns[0] if _is_optional(hints[name]) else None) for name, part in self._parts.items()
        ]

    def read(self, row: Row) -> T:
        """The value of a row that has a column for each field."""
        values: dict[str, Any] = {}
        for name, column, read, _, may_be_none in self._fields:
            if (value := row[column]) is not None:
                values[name] = value if read is None else read(value)
            elif may_be_none:
                values[name] = None
        for name, part, first in self._read_parts:
            values[name] = None if first is not None and row[first] is None else part.read(row)
        return self._kind(**values)

    def found(self, row: Row | None) -> T | None:
        """The same of a row that there may be."""
        return None if row is None else self.read(row)

    def values(self, of: T) -> dict[str, Any]:
        """The columns of a value by their names, as a statement's parameters."""
        found: dict[str, Any] = {}
        for name, column, write in self._written:
            value = getattr(of, name)
            found[column] = value if write is None or value is None else write(value)
        for name, part in self._parts.items():
            value = getattr(of, name)
            found |= dict.fromkeys(part.columns) if value is None else part.values(value)
        for column, made in self._also.items():
            found[column] = made(of)
        return found


def _converters(hint: Any) -> tuple[Convert | None, Convert | None]:
    kind = next((each for each in typing.get_args(hint) if each is not NoneType), hint) if _is_optional(hint) else hint
    kind = typing.get_origin(kind) or kind
    if kind is datetime:
        return moment, stamp
    if kind is bool:
        return bool, None
    if kind is Reason:
        return read_reason, kept_reason
    if kind is Secret:
        return Secret, Secret.reveal
    if kind in (tuple, frozenset):
        return lambda text: kind(json.loads(text)), lambda items: json.dumps(list(items), ensure_ascii=False)
    if kind is Mapping:
        return json.loads, lambda items: json.dumps(dict(items), ensure_ascii=False)
    return kind if isinstance(kind, type) and issubclass(kind, Enum) else None, None


def _is_optional(hint: Any) -> bool:
    return NoneType in typing.get_args(hint)
