"""The operations: each is declared once, and served, documented and tested from its declaration.

`Operation` is the declaration, `ApiCall` an authorised request that was read, `ApiResponse` its handler's result. The
form of an answer, and the test if the client has it already, follow RFC 9110 (sections 12.5.1, 8.8.3 and 13.1): an
object's entity tag begins with its fingerprint, so that `If-Match` and a validation compare the same thing.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import BaseModel

from alerts.desk.out import Out
from alerts.desk.service import DeskService
from alerts.listening.ears import Intake
from alerts.model.alert import Alert
from alerts.model.person import Act, Actor
from alerts.model.reason import Reason
from alerts.model.town import Town
from alerts.reports.intake import ReportIntake
from alerts.web.api.guard import Guard
from alerts.web.api.models import NoQuery

BASE = "/api/v1"
JSON = "application/json"
CAP = "application/cap+xml"
PROBLEM = "application/problem+json"
_TAG = re.compile(r'(W/)?"([^"]*)"')
M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Api:
    """Dependencies of the API handlers: the service, the town, the token guard and the CAP parser.

    `read_cap` raises Unreadable; its second result are the errors it forgave. `under_way` are the requests being
    carried out by token and key, `intake` interprets remarks, if the town listens, `reports` is the intake of citizens'
    reports, if the town takes them.
    """

    service: DeskService
    station: Town
    guard: Guard
    read_cap: Callable[[bytes], tuple[Alert, tuple[Reason, ...]]]
    under_way: set[tuple[str, str]] = field(default_factory=set)
    intake: Intake | None = None
    reports: ReportIntake | None = None


@dataclass(frozen=True, slots=True)
class Conditions:
    """The conditions in a request's headers. `form` is the negotiated media type."""

    form: str = JSON
    key: str | None = None
    if_match: str | None = None
    if_none_match: str | None = None


@dataclass(frozen=True, slots=True)
class ApiCall:
    """One authorised and parsed request: its actor, the hash of their token, the object, and the body.

    `wish` is the body, or None where it is a CAP message (`alert`); `digest` is the hash of all of it.
    """

    actor: Actor
    token: str
    name: str
    query: BaseModel
    wish: BaseModel | None = None
    alert: Alert | None = None
    conditions: Conditions = field(default_factory=Conditions)
    digest: str = ""

    def wishing(self, kind: type[M]) -> M:
        """Return the body, of the type that the operation declares."""
        assert isinstance(self.wish, kind)  # noqa: S101 the operation declares it
        return self.wish

    def asking(self, kind: type[M]) -> M:
        """Return the query, of the type that the operation declares."""
        assert isinstance(self.query, kind)  # noqa: S101 the operation declares it
        return self.query


@dataclass(frozen=True, slots=True)
class ApiResponse:
    """The answer: a status, a body in its form, headers."""

    status: int
    body: bytes
    form: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)


def json_reply(
    status: int,
    content: Out | Mapping[str, Any],
    headers: Mapping[str, str] | None = None,
    *,
    written: str | None = None,
) -> ApiResponse:
    """Return an answer in JSON; an object has its entity tag, and a new one its address.

    `written` is the value's JSON if it exists already: a repeated answer is identical to the letter.
    """
    value = content.as_json() if isinstance(content, Out) else content
    body = (json.dumps(value, ensure_ascii=False) if written is None else written).encode()
    more: dict[str, str] = {}
    # A rehearsal has notes, and no tag: it stores nothing that a condition could refer to.
    if "fingerprint" in value and "notes" not in value:
        more["ETag"] = tag_of(value["fingerprint"], body)
    if status == 201:
        name = next(each for each in ("poll", "report", "alert") if each in value)
        more["Location"] = f"{BASE}/{name}s/{value[name]}"
    return ApiResponse(status, body, JSON, {**more, **(headers or {})})


Handler = Callable[[Api, ApiCall], Awaitable[ApiResponse]]


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: its address, its input and answers, and its permission. `act` None: no token is needed.

    `answers` has the models of each good answer; `troubles` are the statuses that only some operations answer.
    `compares`: its handler compares `If-Match` with what it changes, in its transaction; a request to another one,
    which makes something new, is refused with any tag.
    """

    name: str
    method: str
    path: str
    summary: str
    handler: Handler
    act: Act | None
    answers: Mapping[int, tuple[type[BaseModel | Out], ...]]
    wish: type[BaseModel] | None = None
    query: type[BaseModel] = NoQuery
    troubles: tuple[int, ...] = ()
    compares: bool = False
    takes_cap: bool = False
    gives_cap: bool = False
    details: str = ""

    @property
    def forms(self) -> tuple[str, ...]:
        """The media types that it answers in."""
        return (JSON, CAP) if self.gives_cap else (JSON,)

    @property
    def takes(self) -> tuple[str, ...]:
        """The media types that it takes."""
        return (JSON, CAP) if self.takes_cap else (JSON,)

    @property
    def is_about_one(self) -> bool:
        """True if its address names an alert or a post."""
        return "{id}" in self.path

    @property
    def statuses(self) -> tuple[int, ...]:
        """Every error status that it may answer."""
        found = {405, 406, 412, 422, 429, 500, 503, *self.troubles}
        found |= {401} if self.act is not None else set()
        found |= {403} if self.act is not None else set()
        found |= {404} if self.is_about_one else set()
        found |= {400, 409, 413, 415} if self.method == "POST" else set()
        return tuple(sorted(found))


def best_form(accept: str | None, offers: tuple[str, ...]) -> str | None:
    """Return the offered media type that `Accept` prefers, the first of equals. Returns None if it takes none."""
    if accept is None or not accept.strip():
        return offers[0]
    ranges = [_range(part) for part in accept.split(",")]
    # Of equals the first offer wins: `*/*`, which most programs send, gets JSON.
    liked = [(_liking(offer, ranges), -place, offer) for place, offer in enumerate(offers)]
    quality, _, offer = max(liked)
    return offer if quality > 0 else None


def _range(part: str) -> tuple[str, float]:
    name, *parameters = [piece.strip().lower() for piece in part.split(";")]
    weight = next((each[2:] for each in parameters if each.startswith("q=")), "1")
    # An invalid weight (RFC 9110, 12.4.2: at most three decimals) counts as 0: the client doesn't want that form.
    return name, float(weight) if re.fullmatch(r"(0(\.\d{0,3})?|1(\.0{0,3})?)", weight) else 0.0


def _liking(offer: str, ranges: list[tuple[str, float]]) -> float:
    """Return the weight of the most specific range that names the offer."""
    # The most specific range decides, wherever it is in the header.
    for name in (offer, f"{offer.split('/', maxsplit=1)[0]}/*", "*/*"):
        for given, weight in ranges:
            if given == name:
                return weight
    return 0.0


def tag_of(fingerprint: str, body: bytes) -> str:
    """Return the entity tag of an object: the fingerprint that validations are bound to, then a hash of this answer.

    The state of a post isn't part of the fingerprint, but a reason to fetch the alert again.
    """
    return f'"{fingerprint}-{hashlib.sha256(body).hexdigest()[:16]}"'


def seen_in(if_match: str) -> set[str] | None:
    """Return the fingerprints that `If-Match` names, in any state of the posts. Returns None for `*`, which is any.

    A weak tag matches nothing (RFC 9110, 13.1.1).
    """
    if if_match.strip() == "*":
        return None
    return {found[2].partition("-")[0] for found in _TAG.finditer(if_match) if not found[1]}


def has_it(if_none_match: str | None, tag: str) -> bool:
    """True if the client has this answer already; tags are compared weakly (RFC 9110, 13.1.2)."""
    if if_none_match is None:
        return False
    return if_none_match.strip() == "*" or any(f'"{found[2]}"' == tag for found in _TAG.finditer(if_none_match))
