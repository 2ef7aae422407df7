"""What there is to ask: each operation is declared once, and served, documented and tested from its declaration."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from pydantic import BaseModel

from alerts.access.answers import Visit
from alerts.desk.service import DeskService
from alerts.desk.station import Station
from alerts.model.alert import Alert
from alerts.model.person import Act, Actor
from alerts.model.reason import Reason
from alerts.web.api.negotiation import CAP, JSON, tag_of
from alerts.web.api.pace import Turnstile
from alerts.web.api.wishes import NoQuery
from alerts.web.console.arrival import Network

BASE = "/api/v1"
M = TypeVar("M", bound=BaseModel)


class Programs(Protocol):
    """Who lets programs in."""

    async def program(self, bearer: str, visit: Visit | None = None) -> Actor | None:
        """Whose token it is; None for one that is unknown or was withdrawn."""
        ...


@dataclass(frozen=True, slots=True)
class Api:
    """What every operation is given: the service, the station, who lets in, who reads CAP, and who paces.

    `read_cap` raises Unreadable; its second answer is what it forgave. `under_way` are the requests that are being
    carried out by token and key, `proxies` those whose word for an address is taken.
    """

    service: DeskService
    station: Station
    programs: Programs
    read_cap: Callable[[bytes], tuple[Alert, tuple[Reason, ...]]]
    programs_pace: Turnstile
    strangers_pace: Turnstile
    proxies: Sequence[Network] = ()
    under_way: set[tuple[str, str]] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Conditions:
    """What a request's headers ask for beside its body. `form` is the media type that was agreed on."""

    form: str = JSON
    key: str | None = None
    if_match: str | None = None
    if_none_match: str | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """One request that was let in and read: who (and with which token, as its hash), about what, and what they wish.

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
        """The body, of the type that the operation declares."""
        assert isinstance(self.wish, kind)  # noqa: S101 the operation declares it
        return self.wish

    def asking(self, kind: type[M]) -> M:
        """The query, of the type that the operation declares."""
        assert isinstance(self.query, kind)  # noqa: S101 the operation declares it
        return self.query


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered: a status, a body in its form, headers."""

    status: int
    body: bytes
    form: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)


def json_answer(status: int, value: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Answer:
    """An answer in JSON; one that is an alert carries its entity tag, and its address where it is new."""
    return told(status, json.dumps(value, ensure_ascii=False), value, headers or {})


def told(status: int, text: str, value: Mapping[str, Any], headers: Mapping[str, str]) -> Answer:
    """As `json_answer`, of a value that is written already."""
    body = text.encode()
    more: dict[str, str] = {}
    if "fingerprint" in value and "notes" not in value:
        more["ETag"] = tag_of(value["fingerprint"], body)
    if status == 201:
        more["Location"] = f"{BASE}/alerts/{value['alert']}"
    return Answer(status, body, JSON, {**more, **headers})


Handler = Callable[[Api, Call], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: where it is, what it takes and answers, from which role on. `act` None: no token is needed.

    `answers` has the models of each good answer; `troubles` are the statuses that only some operations answer.
    """

    name: str
    method: str
    path: str
    summary: str
    handler: Handler
    act: Act | None
    answers: Mapping[int, tuple[type[BaseModel], ...]]
    wish: type[BaseModel] | None = None
    query: type[BaseModel] = NoQuery
    troubles: tuple[int, ...] = ()
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
        """Whether its address names an alert or a post."""
        return "{id}" in self.path

    @property
    def statuses(self) -> tuple[int, ...]:
        """Every status of trouble that it may answer."""
        found = {405, 406, 422, 429, 500, 503, *self.troubles}
        found |= {401} if self.act is not None else set()
        found |= {403} if self.act not in (None, Act.VIEW) else set()
        found |= {404} if self.is_about_one else set()
        found |= {400, 409, 413, 415} if self.method == "POST" else set()
        return tuple(sorted(found))
