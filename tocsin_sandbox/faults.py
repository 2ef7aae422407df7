"""Faults on demand: which fault was asked for, which requests meet it, and how many more will."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from tocsin_sandbox.state import PLATFORMS

Kind = Literal[
    "latency",
    "hang",
    "cut_before",
    "cut_after",
    "half",
    "error_json",
    "error_html",
    "error_after",
    "rate_limit",
    "revoked",
    "code",
    "drip",
    "read_lag",
]

FAULTY = (*PLATFORMS, "open311", "push")
"""The platforms that can be at fault: those with a timeline, and two without."""

TIMED: frozenset[Kind] = frozenset({"latency", "drip", "read_lag"})
"""Kinds whose `seconds` say how slow they are; for the others they say for how long the fault lasts."""


class FaultRequest(BaseModel):
    """The body of `POST /sandbox/faults`.

    `route` is a regular expression searched in "METHOD /path" (Telegram's token reads `<token>` there). `times` is how
    many requests meet the fault (None: all until it is cleared). `seconds` is the delay of `latency`, the whole time
    of `drip` and the age of `read_lag`; for any other kind, how long by the sandbox's clock the fault lasts.
    `status`, `code`, `subcode`, `message` and `retry_after` (seconds) fill the answer; each has the platform's default.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    platform: str
    kind: Kind
    route: str = ""
    times: Annotated[int, Field(ge=1)] | None = None
    seconds: Annotated[float, Field(ge=0)] | None = None
    status: Annotated[int, Field(ge=400, le=599)] | None = None
    code: int | None = None
    subcode: int | None = None
    message: str | None = None
    retry_after: Annotated[float, Field(ge=0)] | None = None

    @property
    def decides(self) -> bool:
        """Whether it decides the answer, rather than slowing it down or showing an old state."""
        return self.kind not in {"latency", "read_lag"}

    @field_validator("platform")
    @classmethod
    def _stands_here(cls, platform: str) -> str:
        if platform not in FAULTY:
            raise ValueError(f"not one of {', '.join(FAULTY)}")
        return platform

    @field_validator("route")
    @classmethod
    def _is_pattern(cls, route: str) -> str:
        try:
            re.compile(route)
        except re.error as error:
            raise ValueError(f"not a regular expression: {error}") from error
        return route


@dataclass(slots=True)
class Fault:
    """One fault that is set: what was asked for, and how many more requests meet it (None: all)."""

    id: str
    asked: FaultRequest
    since: float
    left: int | None

    def meets(self, platform: str, route: str, now: float) -> bool:
        """Whether a request meets it: platform, route, and neither used up nor over. Only reading can lag."""
        asked = self.asked
        if asked.kind == "read_lag" and not route.startswith("GET "):
            return False
        if asked.platform != platform or self.left == 0 or not re.search(asked.route, route):
            return False
        return asked.kind in TIMED or asked.seconds is None or now < self.since + asked.seconds


class Faults:
    """The faults that are set, in the order in which they were."""

    def __init__(self) -> None:
        self._faults: dict[str, Fault] = {}
        self._ids = itertools.count(1)

    def add(self, asked: FaultRequest, now: float) -> Fault:
        """Set one more."""
        fault = Fault(f"fault-{next(self._ids)}", asked, now, asked.times)
        self._faults[fault.id] = fault
        return fault

    def all(self) -> list[Fault]:
        """Every fault that was set and not cleared, used up or not."""
        return list(self._faults.values())

    def remove(self, id_: str) -> bool:
        """Clear one; whether it was there."""
        return self._faults.pop(id_, None) is not None

    def clear(self) -> None:
        """Clear them all."""
        self._faults.clear()

    def take(self, platform: str, route: str, now: float) -> list[FaultRequest]:
        """What a request that arrives now meets: every delay and lag, and the first of what else is set."""
        met: list[FaultRequest] = []
        for fault in self._faults.values():
            crowded = fault.asked.decides and any(other.decides for other in met)
            if crowded or not fault.meets(platform, route, now):
                continue
            if fault.left is not None:
                fault.left -= 1
            met.append(fault.asked)
        return met
