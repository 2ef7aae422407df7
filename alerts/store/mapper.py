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

    `columns` names the column of a field that has another name, `without` lists fields that no statement writes.
    `reads` and `writes` convert the fields whose type isn't enough; the readers get no NULL. `also` are further
    columns, each computed from the whole value.
    """

    def __init__(
        self,
        kind: type[T],
        *,
        columns: Mapping[str, str] | None = None,
        without: Collection[str] = (),
        reads: Mapping[str, Convert] | None = None,
        writes: Mapping[str, Convert] | None = None,
        **also: Callable[[T], Any],
    ) -> None:
        self._kind = kind
        self._columns = columns or {}
        self._without = without
        self._reads = reads or {}
        self._writes = writes or {}
        self._also = also

    @property
    def columns(self) -> list[str]:
        """The columns of `values`, in the order of the fields."""
        written = [each.name for each in fields(self._kind) if each.name not in self._without]  # type: ignore[arg-type]
        return [self._columns.get(name, name) for name in written]

    @cached_property
    def _fields(self) -> list[tuple[str, str, Convert, Convert, bool]]:
        """The name, the column, the reader and the writer of each field, and whether it may be None."""
        hints = typing.get_type_hints(self._kind)
        found = []
        for each in fields(self._kind):  # type: ignore[arg-type]  # `kind` is a dataclass
            hint, column = hints[each.name], self._columns.get(each.name, each.name)
            read, write = _converters(hint)
            read, write = self._reads.get(each.name, read), self._writes.get(each.name, write)
            found.append((each.name, column, read, write, _is_optional(hint)))
        return found

    def read(self, row: Row) -> T:
        """The value of a row that has a column for each field."""
        values = {}
        for name, column, read, _, may_be_none in self._fields:
            if (value := row[column]) is not None:
                values[name] = read(value)
            elif may_be_none:
                values[name] = None
        return self._kind(**values)

    def values(self, of: T) -> dict[str, Any]:
        """The columns of a value by their names, as a statement's parameters."""
        found = {
            column: write(getattr(of, name)) for name, column, _, write, _ in self._fields if name not in self._without
        }
        return {**found, **{column: made(of) for column, made in self._also.items()}}


def _converters(hint: Any) -> tuple[Convert, Convert]:
    kind = next((each for each in typing.get_args(hint) if each is not NoneType), hint) if _is_optional(hint) else hint
    kind = typing.get_origin(kind) or kind
    if kind is datetime:
        return moment, stamp
    if kind is bool:
        return bool, _as_it_is
    if kind is Reason:
        return read_reason, kept_reason
    if kind is Secret:
        return Secret, lambda secret: secret.reveal() if secret is not None else None
    if kind in (tuple, frozenset):
        return lambda text: kind(json.loads(text)), lambda items: json.dumps(list(items), ensure_ascii=False)
    if kind is Mapping:
        return json.loads, lambda items: json.dumps(dict(items), ensure_ascii=False)
    return (kind, _as_it_is) if isinstance(kind, type) and issubclass(kind, Enum) else (_as_it_is, _as_it_is)


def _is_optional(hint: Any) -> bool:
    return NoneType in typing.get_args(hint)


def _as_it_is(value: Any) -> Any:
    return value
