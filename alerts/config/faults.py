"""What is wrong with a section, in one line each: the key, what is wrong, what is allowed. Never what stood there."""

from __future__ import annotations

import types
from collections.abc import Iterable, Sequence
from datetime import timedelta
from difflib import get_close_matches
from enum import Enum
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from alerts.channels.settings import SecretSource
from alerts.model.span import Window

_PHRASES: dict[Any, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text in quotes",
    timedelta: 'a span of time, such as "10m"',
    Window: 'posts/span, such as "100/15m"',
    SecretSource: '{ env = "NAME" } or { file = "name" }',
}


def lines_of(key: str, error: ValidationError, model: type[BaseModel]) -> Iterable[str]:
    """One line for each thing that is wrong with the section `key`, which `model` describes."""
    for detail in error.errors(include_url=False, include_input=False):
        place = key + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in detail["loc"])
        yield f"{place}: {_what_is_wrong(detail, model)}"


def nearest(key: str, known: Sequence[str]) -> str:
    """The known name that was probably meant, else all of them."""
    near = get_close_matches(key, known, n=1, cutoff=0.5)
    return f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"


def _what_is_wrong(detail: ErrorDetails, model: type[BaseModel]) -> str:
    kind, loc, context = detail["type"], detail["loc"], detail.get("ctx", {})
    if kind == "extra_forbidden":
        return f"unknown key; {nearest(str(loc[-1]), _known_beside(loc, model))}"
    field, annotation = _field_at(loc, model)
    if kind == "missing":
        return f"is missing; allowed: {_such_as(field, annotation)}"
    if kind == "value_error":
        return str(context.get("error", detail["msg"]))
    if kind in ("greater_than_equal", "less_than_equal"):
        return f"is too {'small' if 'ge' in context else 'large'}; allowed: {context.get('ge', context.get('le'))}" + (
            " and more" if "ge" in context else " and less"
        )
    if kind == "string_pattern_mismatch":
        return f"is not what it has to look like; allowed: {_such_as(field, annotation)}"
    if kind in ("string_too_short", "too_short"):
        return f"is empty; allowed: {_such_as(field, annotation)}"
    return f"is something else; allowed: {_allowed(annotation)}"


def _known_beside(loc: tuple[int | str, ...], model: type[BaseModel]) -> list[str]:
    inner = _model_in(_field_at(loc[:-1], model)[1]) if len(loc) > 1 else model
    return list((inner or model).model_fields)


def _field_at(loc: tuple[int | str, ...], model: type[BaseModel]) -> tuple[FieldInfo | None, Any]:
    """The field at a place within a section, and what its value is annotated as."""
    field: FieldInfo | None = None
    annotation: Any = model
    for part in loc:
        inner = _model_in(annotation)
        if isinstance(part, int):
            annotation = next(iter(get_args(annotation)), str)
        elif inner is not None and part in inner.model_fields:
            field = inner.model_fields[part]
            annotation = field.annotation
    return field, annotation


def _model_in(annotation: Any) -> type[BaseModel] | None:
    candidates = (annotation, *get_args(annotation))
    return next((each for each in candidates if isinstance(each, type) and issubclass(each, BaseModel)), None)


def _such_as(field: FieldInfo | None, annotation: Any) -> str:
    """What is allowed, with the field's own example where it tells one."""
    if field is not None and field.examples:
        return f"such as {' or '.join(repr(example) for example in field.examples)}"
    return _allowed(annotation)


def _allowed(annotation: Any) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _allowed(arguments[0])
    if origin in (Union, types.UnionType):
        return " or ".join(_allowed(each) for each in arguments if each is not type(None))
    if origin is Literal:
        return ", ".join(repr(each) for each in arguments)
    if origin is tuple:
        return f"a list of {_allowed(arguments[0])}"
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return ", ".join(repr(each.value) for each in annotation)
    return _PHRASES.get(annotation, "something else")
