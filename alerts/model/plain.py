"""Converts our own values to JSON and back, by their annotated types: stored values, and answers of another process.

`plain` converts a value by its own type, and omits each field of a dataclass that has its default value (one of a
`default_factory` is always written). `shaped` reads it back as exactly the expected type: a text instead of a number, a
field that the type doesn't have or a word that isn't allowed raises an error. So the writer decides on values only,
never on types.

Times are ISO 8601. `zoned` adds a zone's name in brackets (RFC 9557), for readers that calculate in that zone.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import MISSING, fields, is_dataclass
from datetime import date, datetime, time, timedelta
from enum import Enum
from functools import cache
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints
from zoneinfo import ZoneInfo

from alerts.model.reason import Reason, read_reason

T = TypeVar("T")


def plain(value: Any, *, zoned: bool = False) -> Any:
    """Return the value in the types of JSON; bytes stay bytes, which JSON doesn't have."""
    # Every alert that is stored passes here: so the commonest types come first, and a type's fields are looked up once.
    kind: Any = type(value)
    if kind is str:
        return value
    if kind is tuple or kind is frozenset:
        return [plain(item, zoned=zoned) for item in value]
    if kind is datetime:
        named = zoned and isinstance(value.tzinfo, ZoneInfo)
        return f"{value.isoformat()}[{value.tzinfo}]" if named else value.isoformat()
    defaults = _defaults(kind)
    if defaults is not None:
        return {
            name: plain(item, zoned=zoned)
            for name, default in defaults
            if (item := getattr(value, name)) != default or default is MISSING
        }
    return _plain_of_rare_type(value, zoned)


def _plain_of_rare_type(value: Any, zoned: bool) -> Any:
    match value:
        case Reason():
            return value.kept()
        case Enum():
            return value.value
        case date() | time():
            return value.isoformat()
        case timedelta():
            return [value.days, value.seconds, value.microseconds]
        case ZoneInfo():
            return value.key
        case Mapping():
            return {name: plain(item, zoned=zoned) for name, item in value.items()}
        case list() | set():
            return [plain(item, zoned=zoned) for item in value]
    return value


@cache
def _defaults(kind: type[Any]) -> Sequence[tuple[str, Any]] | None:
    """Return a dataclass's fields, each with its default or MISSING. Returns None for other types, and for Reason."""
    if kind is Reason or not is_dataclass(kind):
        return None
    return [(field.name, field.default) for field in fields(kind)]


@cache
def shaped(kind: Any) -> Callable[[Any], Any]:
    """Return the reader of values of the annotation `kind`; it raises ValueError or TypeError for any other value."""
    if kind in _SIMPLE:
        return _SIMPLE[kind]
    if is_dataclass(kind) and isinstance(kind, type):
        return _dataclass(kind)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is tuple:
        return _tuple(arguments)
    if origin is Literal:
        return _literal(arguments)
    if origin in (Union, types.UnionType):
        return _optional(arguments)
    if isinstance(origin, type) and issubclass(origin, AbstractSet):
        inner = shaped(arguments[0])
        return lambda value: frozenset(inner(item) for item in _as_list(value))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        inner = shaped(arguments[1])
        return lambda value: {str(name): inner(item) for name, item in value.items()}
    raise TypeError(f"nothing says how {kind} is read back")


def _dataclass(kind: type[T]) -> Callable[[Any], T]:
    readers = {name: shaped(hint) for name, hint in get_type_hints(kind).items()}
    return lambda value: kind(**{name: readers[name](item) for name, item in value.items()})


def _tuple(arguments: tuple[Any, ...]) -> Callable[[Any], tuple[Any, ...]]:
    if arguments[-1] is Ellipsis:
        inner = shaped(arguments[0])
        return lambda value: tuple(inner(item) for item in _as_list(value))
    places = [shaped(each) for each in arguments]
    return lambda value: tuple(read(item) for read, item in zip(places, _as_list(value), strict=True))


def _literal(words: tuple[Any, ...]) -> Callable[[Any], Any]:
    return lambda value: words[words.index(value)]


def _optional(arguments: tuple[Any, ...]) -> Callable[[Any], Any]:
    """Return the reader of an optional type. A union of several types raises ValueError: JSON can't tell them apart."""
    (something,) = (each for each in arguments if each is not type(None))
    inner = shaped(something)
    return lambda value: None if value is None else inner(value)


def _as_list(value: Any) -> Any:
    if not isinstance(value, list | tuple):
        raise TypeError(f"a {type(value).__name__} stands where a list should")
    return value


def _exactly(kind: type[Any], *also: type[Any]) -> Callable[[Any], Any]:
    allowed = (kind, *also)

    def read(value: Any) -> Any:
        if type(value) not in allowed:
            raise TypeError(f"a {type(value).__name__} stands where a {kind.__name__} should")
        return value

    return read


def _moment(value: str) -> datetime:
    if not value.endswith("]"):
        return datetime.fromisoformat(value)
    local, _, zone = value[:-1].partition("[")
    return datetime.fromisoformat(local).astimezone(ZoneInfo(zone))


def _reason(value: str) -> Reason:
    reason = read_reason(_exactly(str)(value))
    assert reason is not None  # noqa: S101 only None is read as None
    return reason


_SIMPLE: Mapping[Any, Callable[[Any], Any]] = {
    str: _exactly(str),
    bytes: _exactly(bytes),
    bool: _exactly(bool),
    int: _exactly(int),
    float: _exactly(float, int),
    Any: lambda value: value,
    datetime: _moment,
    date: date.fromisoformat,
    time: time.fromisoformat,
    timedelta: lambda value: timedelta(*value),
    ZoneInfo: ZoneInfo,
    Reason: _reason,
}
