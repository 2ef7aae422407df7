"""Problems as in RFC 9457: one type for each kind, with every fault of the request at once.

`Problem` ends a request. It holds reasons and English sentences, and is worded only when it is answered, in the
client's language. The desk's errors become problems in `problem_of`; pydantic's findings in a body or a query become
`Fault`s (place, fault, allowed values) in `faults_of`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import Enum
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from alerts.model.errors import Conflict, DatabaseRefused, Forbidden, Misuse, Refused, Unreadable
from alerts.model.reason import Reason, because
from alerts.rendering.i18n import word, words_in

TYPE = "urn:problem-type:tocsin:"
"""The prefix of every problem's `type`; the name of its kind follows."""
# What the command line calls by another name than the request does.
_KEYS = {"area": "areas", "channel": "channels", "image": "picture", "alt": "picture.alt"}
_OPTION = re.compile(r"(?<![\w-])--([a-z]+)\b")
# Where a sentence goes on to what is allowed, in both languages.
_ALLOWED = re.compile(
    r"; (?:allowed:? |(?=known: |did you mean ))"
    r"|\u202f; (?:(?:attendu|possible)\u00a0: |(?=(?:\w+ )?connue?s?\u00a0: |vouliez-vous ))"
)


# Characters of a stranger's key that are told back.
_LONGEST_ECHO = 60
# What pydantic calls a fault, as what it is and what is allowed.
_WHAT: Mapping[str, tuple[str, str]] = {
    "string_type": ("is no text", "text in quotes"),
    "bool_type": ("is neither true nor false", "true or false"),
    "bool_parsing": ("is neither true nor false", "true or false"),
    "int_type": ("is no whole number", "a whole number"),
    "int_parsing": ("is no whole number", "a whole number"),
    "float_type": ("is no number", "a number"),
    "float_parsing": ("is no number", "a number"),
    "finite_number": ("is no number", "a number"),
    "tuple_type": ("is no list", 'a list, such as ["Centre-Bourg"]'),
    "list_type": ("is no list", 'a list, such as ["Centre-Bourg"]'),
    "model_type": ("is no object", "a JSON object"),
    "string_unicode": ("is no Unicode text", "text"),
}


class ProblemType(Enum):
    """The kinds of trouble: status and title. The name, in small letters, ends the problem's `type`."""

    MALFORMED = (400, "The request can't be read")
    NO_TOKEN = (401, "A token is needed")
    FORBIDDEN = (403, "That is not yours to do")
    UNKNOWN = (404, "There is no such thing")
    METHOD = (405, "That can't be done to it")
    NOT_ACCEPTABLE = (406, "It can't be answered in that form")
    CONFLICT = (409, "It has changed, or somebody was faster")
    REFUSED = (409, "It can't be done")
    UNDER_WAY = (409, "The same request is being carried out")
    CHANGED = (412, "It is not what was seen")
    TOO_LARGE = (413, "The request is too large")
    MEDIA_TYPE = (415, "The request is in a form that isn't taken")
    INVALID = (422, "The request says something that isn't allowed")
    KEY_REUSED = (422, "The key belongs to another request")
    TOO_MANY = (429, "Too many requests")
    INTERNAL = (500, "A fault of the program")
    UNAVAILABLE = (503, "The database refuses")

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.value[0]

    @property
    def title(self) -> str:
        """The kind of problem, independent of the request."""
        return self.value[1]

    @property
    def type(self) -> str:
        """The problem's `type`."""
        return TYPE + self.name.lower().replace("_", "-")


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: the key or parameter (empty: the whole), the fault, and the allowed values.

    A text is a sentence of ours, translated for the answer.
    """

    where: str
    what: Reason | str
    allowed: Reason | str | None = None

    def as_json(self, language: str) -> dict[str, str | None]:
        """As the answer's JSON has it."""
        allowed = None if self.allowed is None else _said(self.allowed, language)
        return {"where": self.where, "what": _said(self.what, language), "allowed": allowed}


class Problem(Exception):
    """Ends a request with a problem as its answer.

    `detail` is a reason or a sentence of ours; None: that of the first fault. A fault that is a reason comes from the
    desk, which names an option of the command line, or CAP's rules: it is reworded for the key.
    """

    def __init__(
        self,
        kind: ProblemType,
        detail: Reason | str | None,
        faults: Sequence[Fault | Reason] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.kind = kind
        self.detail = detail
        self.faults = tuple(faults)
        self.headers = dict(headers or {})
        # In English, for the log; who asks is told in their own language.
        super().__init__(str(self.document("en")["detail"]))

    def document(self, language: str) -> dict[str, object]:
        """The answer's JSON, in that language."""
        found = [
            each.as_json(language) if isinstance(each, Fault) else of_key(word(each, language)) for each in self.faults
        ]
        detail = _summary(found, language) if self.detail is None else _said(self.detail, language)
        title = _said(self.kind.title, language)
        document: dict[str, object] = {"type": self.kind.type, "title": title, "status": self.kind.status}
        return {**document, "detail": detail, **({"errors": found} if found else {})}


def _said(text: Reason | str, language: str) -> str:
    return word(text, language) if isinstance(text, Reason) else words_in(language).gettext(text)


def _summary(found: Sequence[Mapping[str, str | None]], language: str) -> str:
    """The first fault in words, and how many more there are."""
    first = found[0]
    allowed = word(because("allowed_are", allowed=first["allowed"]), language) if first["allowed"] else None
    said = words_in(language).gettext("; ").join(filter(None, (f"{first['where']} {first['what']}".strip(), allowed)))
    if len(found) == 1:
        return said
    return word(because("request_more", detail=said, count=len(found) - 1), language)


def problem_of(error: Exception) -> Problem | None:
    """The problem that an error of the desk or of the database is; None for what nobody expected."""
    # Forbidden and Conflict are Refused too, so they stand before it.
    match error:
        case Problem():
            return error
        case Misuse():
            return invalid([error.reason])
        case Forbidden():
            return Problem(ProblemType.FORBIDDEN, error.reason)
        case Conflict():
            return Problem(ProblemType.CONFLICT, error.reason)
        case Unreadable():
            return Problem(ProblemType.MALFORMED, error.reason)
        case Refused():
            return Problem(ProblemType.REFUSED, error.reason)
        case DatabaseRefused():
            return Problem(ProblemType.UNAVAILABLE, because("unwritten", said=error), (), {"Retry-After": "5"})
    return None


def invalid(faults: Sequence[Fault | Reason]) -> Problem:
    """Return the problem for faults of the request: all of them, and the first in words."""
    return Problem(ProblemType.INVALID, None, faults)


def of_key(said: str) -> dict[str, str | None]:
    """Reword the desk's sentence on a command line's option, or a place in a message, for the key."""
    # In French a blank that doesn't break stands before a colon.
    first = re.match(r"--([a-z]+)\u00a0?:? ?", said) or re.match(r"([a-z]\w*[\w.\[\]]*)\u00a0?: ", said)
    where = _KEYS.get(first[1], first[1]) if first else ""
    text = _OPTION.sub(lambda option: _KEYS.get(option[1], option[1]), said[first.end() :] if first else said)
    what, *allowed = _ALLOWED.split(text, maxsplit=1)
    return {"where": where, "what": what, "allowed": allowed[0] if allowed else None}


def faults_of(error: ValidationError, model: type[BaseModel]) -> list[Fault]:
    """Each thing that is wrong, once."""
    # Without the input: it may be a picture of megabytes, or what somebody typed into the wrong key.
    details = error.errors(include_url=False, include_input=False)
    return list(dict.fromkeys(_fault(detail, model) for detail in details))


def _fault(detail: ErrorDetails, model: type[BaseModel]) -> Fault:
    kind, context = detail["type"], detail.get("ctx", {})
    where = _place(detail["loc"])
    field = model.model_fields.get(where)
    described = field.description if field else None
    match kind:
        case "extra_forbidden":
            said = str(detail["loc"][-1])[:_LONGEST_ECHO]
            return Fault(where, "is unknown", _nearest(said, _known_beside(detail["loc"], model)))
        case "missing":
            return Fault(where, "is missing", described)
        case "enum" | "literal_error":
            return Fault(where, "is none of CAP's words", context.get("expected", "").replace(" or ", ", "))
        case "string_too_long" | "too_long":
            return Fault(where, "is too long", because("request_up_to", most=context["max_length"]))
        case "string_too_short":
            return Fault(where, "is empty", described)
        case "greater_than_equal" | "less_than_equal":
            return Fault(where, "is out of range", _bounds(where, model))
        case "string_pattern_mismatch":
            return Fault(
                where,
                "has a form or a character that it can't have",
                because("request_matches", pattern=context["pattern"]),
            )
    what, allowed = _WHAT.get(kind, ("", None))
    return Fault(where, what or because("request_unread", said=detail["msg"]), allowed)


def _nearest(key: str, known: Sequence[str]) -> Reason:
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


def _bounds(where: str, model: type[BaseModel]) -> Reason | None:
    field: Any = model.model_json_schema()["properties"].get(where, {})
    if "minimum" not in field:
        return None
    return because("request_range", least=field["minimum"], most=field["maximum"])
