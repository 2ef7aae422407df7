"""An alert as JSON and back, for the store and for exports. What stands at its default is left out."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import MISSING, fields, is_dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from alerts.model.alert import Alert

T = TypeVar("T")


def alert_to_json(alert: Alert) -> str:
    """The alert as one line of JSON, its keys those of the dataclasses."""
    return json.dumps(_encode(alert), ensure_ascii=False, separators=(",", ":"))


def alert_from_json(text: str) -> Alert:
    """The alert that `alert_to_json` wrote; equal to it."""
    alert: Alert = _decoder(Alert)(json.loads(text))
    return alert


def _encode(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: _encode(getattr(value, field.name))
            for field in fields(value)
            if field.default is MISSING or getattr(value, field.name) != field.default
        }
    if isinstance(value, tuple):
        return [_encode(item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat()
    return value


@cache
def _decoder(kind: Any) -> Callable[[Any], Any]:
    """How a value of the annotation `kind` is read back."""
    if is_dataclass(kind) and isinstance(kind, type):
        return _dataclass_decoder(kind)
    if kind is datetime:
        return datetime.fromisoformat
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return kind
    arguments = get_args(kind)
    if get_origin(kind) is tuple:
        return _tuple_decoder(arguments)
    if type(None) in arguments:
        inner = _decoder(next(argument for argument in arguments if argument is not type(None)))
        return lambda value: None if value is None else inner(value)
    return lambda value: value


def _dataclass_decoder(kind: type[T]) -> Callable[[Any], T]:
    readers = {name: _decoder(hint) for name, hint in get_type_hints(kind).items()}
    return lambda value: kind(**{name: readers[name](item) for name, item in value.items()})


def _tuple_decoder(arguments: tuple[Any, ...]) -> Callable[[Any], tuple[Any, ...]]:
    if arguments[-1] is Ellipsis:
        inner = _decoder(arguments[0])
        return lambda value: tuple(inner(item) for item in value)
    return tuple
