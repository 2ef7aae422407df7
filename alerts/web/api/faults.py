"""What is wrong with a request, all of it at once: where, what, and what is allowed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from alerts.model.reason import Reason, because
from alerts.web.api.problems import Fault

_LONGEST_ECHO = 60
_WHAT: Mapping[str, tuple[str, str]] = {
    "string_type": ("is no text", "text in quotes"),
    "bool_type": ("is neither true nor false", "true or false"),
    "bool_parsing": ("is neither true nor false", "true or false"),
    "int_type": ("is no whole number", "a whole number"),
    "int_parsing": ("is no whole number", "a whole number"),
    "tuple_type": ("is no list", 'a list, such as ["Centre-Bourg"]'),
    "list_type": ("is no list", 'a list, such as ["Centre-Bourg"]'),
    "model_type": ("is no object", "a JSON object"),
    "string_unicode": ("is no Unicode text", "text"),
}
_CONTROLS = "has a form or a character that it can't have"


def faults_of(error: ValidationError, model: type[BaseModel]) -> list[Fault]:
    """Each thing that is wrong, once."""
    details = error.errors(include_url=False, include_input=False)
    return list(dict.fromkeys(_fault(detail, model) for detail in details))


def _fault(detail: ErrorDetails, model: type[BaseModel]) -> Fault:
    kind, context = detail["type"], detail.get("ctx", {})
    where = _place(detail["loc"])
    match kind:
        case "extra_forbidden":
            said = str(detail["loc"][-1])[:_LONGEST_ECHO]
            return Fault(where, "is unknown", nearest(said, _known_beside(detail["loc"], model)))
        case "missing":
            return Fault(where, "is missing", _described(where, model))
        case "enum" | "literal_error":
            return Fault(where, "is none of CAP's words", context.get("expected", "").replace(" or ", ", "))
        case "string_too_long" | "too_long":
            return Fault(where, "is too long", because("request_up_to", most=context["max_length"]))
        case "string_too_short":
            return Fault(where, "is empty", _described(where, model))
        case "greater_than_equal" | "less_than_equal":
            return Fault(where, "is out of range", _bounds(where, model))
        case "string_pattern_mismatch":
            return Fault(where, _CONTROLS, because("request_matches", pattern=context["pattern"]))
    what, allowed = _WHAT.get(kind, ("", None))
    return Fault(where, what or because("request_unread", said=detail["msg"]), allowed)


def nearest(key: str, known: Sequence[str]) -> Reason:
    """The known name that was probably meant, before all of them."""
    near = get_close_matches(key, known, n=1, cutoff=0.5)
    if near:
        return because("request_nearest", near=near[0], known=known)
    return because("known_are", known=known or ["–"])


def _known_beside(loc: tuple[int | str, ...], model: type[BaseModel]) -> list[str]:
    inner = model.model_fields[str(loc[0])].annotation if len(loc) > 1 else model
    members = [inner, *get_args(inner)]
    return next((list(one.model_fields) for one in members if isinstance(one, type) and issubclass(one, BaseModel)), [])


def _place(loc: tuple[int | str, ...]) -> str:
    text = ""
    for part in loc:
        shown = str(part)[:_LONGEST_ECHO]
        text += f"[{part}]" if isinstance(part, int) else f".{shown}" if text else shown
    return text


def _described(where: str, model: type[BaseModel]) -> str | None:
    field = model.model_fields.get(where)
    return field.description if field else None


def _bounds(where: str, model: type[BaseModel]) -> Reason | None:
    field: Any = model.model_json_schema()["properties"].get(where, {})
    if "minimum" not in field:
        return None
    return because("request_range", least=field["minimum"], most=field["maximum"])
