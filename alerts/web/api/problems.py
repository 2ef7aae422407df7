"""What went wrong, as RFC 9457 has it: one type for each kind of trouble, and the errors that come to it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from alerts.model.errors import Conflict, DatabaseRefused, Forbidden, Misuse, Refused, Unreadable

TYPE = "urn:problem-type:tocsin:"
"""What every problem's `type` begins with; the name of its kind follows."""
_KEYS = {"area": "areas", "channel": "channels", "image": "picture", "alt": "picture.alt"}
_OPTION = re.compile(r"(?<![\w-])--([a-z]+)\b")
_ALLOWED = re.compile(r"; (?:allowed: |(?=known: |did you mean ))")


class Kind(Enum):
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
        """What it is, whichever request it was."""
        return self.value[1]

    @property
    def type(self) -> str:
        """The problem's `type`."""
        return TYPE + self.name.lower().replace("_", "-")


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong: the key or parameter (empty: the whole), what is wrong with it, what is allowed."""

    where: str
    what: str
    allowed: str | None = None


class Problem(Exception):
    """Ends a request with a problem as its answer."""

    def __init__(
        self, kind: Kind, detail: str, faults: Sequence[Fault] = (), headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.faults = tuple(faults)
        self.headers = dict(headers or {})

    def document(self) -> dict[str, object]:
        """The answer's JSON."""
        found = [{"where": each.where, "what": each.what, "allowed": each.allowed} for each in self.faults]
        told: dict[str, object] = {"type": self.kind.type, "title": self.kind.title, "status": self.kind.status}
        return {**told, "detail": self.detail, **({"errors": found} if found else {})}


def problem_of(error: Exception) -> Problem | None:
    """The problem that an error of the desk or of the database is; None for what nobody expected."""
    match error:
        case Problem():
            return error
        case Misuse():
            return invalid([fault_of(str(error))])
        case Forbidden():
            return Problem(Kind.FORBIDDEN, str(error))
        case Conflict():
            return Problem(Kind.CONFLICT, str(error))
        case Unreadable():
            return Problem(Kind.MALFORMED, str(error))
        case Refused():
            return Problem(Kind.REFUSED, str(error))
        case DatabaseRefused():
            detail = f"the database refused ({error}), and nothing was stored; ask again"
            return Problem(Kind.UNAVAILABLE, detail, (), _AGAIN)
    return None


_AGAIN = {"Retry-After": "5"}


def invalid(faults: Sequence[Fault]) -> Problem:
    """What is told for faults of the request: all of them, and the first in words."""
    first = faults[0]
    allowed = f"; allowed: {first.allowed}" if first.allowed else ""
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    return Problem(Kind.INVALID, f"{first.where} {first.what}{allowed}{more}".strip(), faults)


def fault_of(misuse: str) -> Fault:
    """What the desk says of an option of the command line, said of the key."""
    first = re.match(r"--([a-z]+):? ?", misuse)
    where = _key(first[1]) if first else ""
    text = _OPTION.sub(lambda option: _key(option[1]), misuse[first.end() :] if first else misuse)
    what, *allowed = _ALLOWED.split(text, maxsplit=1)
    return Fault(where, what, allowed[0] if allowed else None)


def _key(option: str) -> str:
    return _KEYS.get(option, option)
