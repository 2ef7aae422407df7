"""The faults of a section, one reason for each: the key, the fault, the allowed values.

Pydantic gives the place and type of an error; the allowed values are read from the field itself (its annotation, or its
examples). The wrong value is never repeated: it may be a secret in the wrong place.
"""

from __future__ import annotations

import types
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from difflib import get_close_matches
from enum import Enum
from functools import reduce
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from alerts.channels.settings import SecretSource
from alerts.model.reason import Reason, because, in_words, reason_of
from alerts.model.town import RateLimit

_TYPES: dict[Any, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text in quotes",
    timedelta: 'a span of time, such as "10m"',
    RateLimit: 'posts/span, such as "100/15m"',
    SecretSource: '{ env = "NAME" } or { file = "name" }',
}
_BOUNDS = {
    "greater_than_equal": lambda context: because("setting_too_small", least=context["ge"]),
    "less_than_equal": lambda context: because("setting_too_large", most=context["le"]),
    "string_too_long": lambda context: because("setting_too_long", most=context["max_length"]),
}

Allowed = Reason | tuple[str, ...]
"""The allowed values: in words, or as the few accepted spellings."""


def faults_of(key: str, error: ValidationError, model: type[BaseModel]) -> Iterator[tuple[str, Reason]]:
    """The key and the reason of each thing that is wrong with the section `key`, which `model` describes."""
    for detail in error.errors(include_url=False, include_input=False):
        place = key + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in detail["loc"])
        yield place, _what_is_wrong(detail, model)


def nearest(key: str, known: Sequence[str]) -> Reason:
    """The known name that was probably meant, else all of them."""
    near = get_close_matches(key, known, n=1, cutoff=0.5)
    return because("did_you_mean", near=repr(near[0])) if near else because("known_are", known=known)


def nearest_allowed(value: str, allowed: Sequence[str]) -> Reason:
    """The value that was probably meant, else all that are allowed, as they are typed."""
    near = get_close_matches(value, allowed, n=1)
    if near:
        return because("did_you_mean", near=repr(near[0]))
    return because("allowed_are", allowed=[repr(each) for each in allowed])


def _what_is_wrong(detail: ErrorDetails, model: type[BaseModel]) -> Reason:
    kind, loc, context = detail["type"], detail["loc"], detail.get("ctx", {})
    if kind == "extra_forbidden":
        return because("key_unknown", hint=nearest(str(loc[-1]), _known_beside(loc, model)))
    if kind == "value_error":
        error = context.get("error")
        return reason_of(error) if isinstance(error, ValueError) else in_words(detail["msg"])
    if kind in _BOUNDS:
        return _BOUNDS[kind](context)
    field, annotation = _field_at(loc, model)
    if kind == "missing":
        return because("setting_missing", allowed=_such_as(field, annotation))
    if kind == "string_pattern_mismatch":
        return because("setting_misshapen", allowed=_such_as(field, annotation))
    if kind in ("string_too_short", "too_short"):
        return because("setting_empty", allowed=_such_as(field, annotation))
    return because("setting_of_other_type", allowed=_allowed(annotation))


def _known_beside(loc: tuple[int | str, ...], model: type[BaseModel]) -> list[str]:
    inner = _model_in(_field_at(loc[:-1], model)[1]) if len(loc) > 1 else model
    return [field.alias or name for name, field in (inner or model).model_fields.items()]


def _field_at(loc: tuple[int | str, ...], model: type[BaseModel]) -> tuple[FieldInfo | None, Any]:
    """The field at a place within a section, and what its value is annotated as."""
    field: FieldInfo | None = None
    annotation: Any = model
    for part in loc:
        inner = _model_in(annotation)
        if isinstance(part, int):
            annotation = next(iter(get_args(annotation)), str)
        elif inner is not None and (found := _field_named(part, inner)) is not None:
            field, annotation = found, found.annotation
    return field, annotation


def _field_named(key: str, model: type[BaseModel]) -> FieldInfo | None:
    """The field of that key; some keys are words of Python's, and have another name there (`except`)."""
    return next((field for name, field in model.model_fields.items() if (field.alias or name) == key), None)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    candidates = (annotation, *get_args(annotation))
    return next((each for each in candidates if isinstance(each, type) and issubclass(each, BaseModel)), None)


def _such_as(field: FieldInfo | None, annotation: Any) -> Allowed:
    """Return the allowed values, by the field's own examples if it has some."""
    if field is not None and field.examples:
        return because("such_as", example=_either([(repr(example),) for example in field.examples]))
    return _allowed(annotation)


def _allowed(annotation: Any) -> Allowed:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _allowed(arguments[0])
    if origin in (Union, types.UnionType):
        return _either([_allowed(each) for each in arguments if each is not type(None)])
    if origin is Literal:
        return tuple(repr(each) for each in arguments)
    if origin is tuple:
        return because("a_list_of", what=_allowed(arguments[0]))
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return tuple(repr(each.value) for each in annotation)
    return because("of_type", type=_TYPES.get(annotation, "something else"))


def _either(several: Iterable[Allowed]) -> Allowed:
    return reduce(lambda one, other: because("either", one=one, other=other), several)
