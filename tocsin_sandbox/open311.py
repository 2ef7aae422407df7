"""A town's other server of reports, by Open311 GeoReport v2 in JSON: it takes reports, gives ids or tokens, closes.

As the standard has it, nothing tells two sendings of one report apart: what is sent twice is there twice. It forgets
everything when it is stopped.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from tocsin_sandbox.exchange import Answer, Asked, answer_json
from tocsin_sandbox.faults import FaultRequest
from tocsin_sandbox.people import Impossible
from tocsin_sandbox.rules import Rules
from tocsin_sandbox.settings import OPEN311_KEY

BASE = "/open311/v2/"
SERVICES: Mapping[str, str] = {"FLOOD": "Flooding", "LIGHT": "Street lighting", "ROAD": "Pothole", "WASTE": "Dumping"}
LONGEST = 4000
"""Characters of a description, as the standard has it."""
_JSON = "application/json; charset=utf-8"


class RemoteClosing(BaseModel):
    """The body of `POST /sandbox/open311/close`: the server has done with a request, and says `notes` about it."""

    model_config = ConfigDict(extra="forbid", coerce_numbers_to_str=True)

    request: str
    notes: str = Field(default="", max_length=LONGEST)


@dataclass(frozen=True, slots=True)
class ServiceRequest:
    """One report as the server has it. `fields` are the other fields that it came with."""

    id: str
    token: str
    service: str
    description: str
    lat: float
    long: float
    at: float
    fields: Mapping[str, str]
    closed_at: float | None = None
    notes: str = ""


class Open311:
    """The server of one sandbox."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._requests: dict[str, ServiceRequest] = {}
        self._ids = itertools.count(1001)

    def answer(self, asked: Asked) -> Answer:
        """What it says to this request."""
        path = asked.path.removeprefix(BASE)
        if not path.endswith(".json"):
            return refused(404, "this server speaks JSON")
        name, _, identity = path.removesuffix(".json").partition("/")
        if asked.method == "POST":
            return self._take(asked) if (name, identity) == ("requests", "") else refused(400, "POST makes requests")
        if name == "services" and not identity:
            return _answered([_service(code) for code in SERVICES])
        if name == "requests":
            return self._show(asked, identity)
        if name == "tokens" and identity:
            return self._show_token(asked, identity)
        return refused(404, "there is no such address")

    def close(self, closing: RemoteClosing, now: float) -> ServiceRequest:
        """Have done with one. Raises Impossible where there is none."""
        known = self._requests.get(closing.request)
        if known is None:
            raise Impossible(f"there is no request {closing.request}", 404)
        self._requests[known.id] = replace(known, closed_at=now, notes=closing.notes)
        return self._requests[known.id]

    def requests(self) -> list[dict[str, Any]]:
        """All that it was given, as it came."""
        return [{**_as_json(each), "fields": dict(each.fields)} for each in self._requests.values()]

    def _take(self, asked: Asked) -> Answer:
        fields = asked.form
        if fields.get("api_key") != OPEN311_KEY:
            return refused(403, "Missing or invalid api_key")
        if fields.get("service_code") not in SERVICES:
            return refused(404, "service_code was not found")
        place = _place(fields)
        if place is None:
            return refused(400, "lat and long are needed")
        if len(fields.get("description", "")) > LONGEST:
            return refused(400, f"a description has {LONGEST} characters at the most")
        number = str(next(self._ids))
        kept = ServiceRequest(
            number, f"t{number}", fields["service_code"], fields.get("description", ""), *place, asked.at, dict(fields)
        )
        self._requests[kept.id] = kept
        named = {"token": kept.token} if self._rules.open311_tokens else {"service_request_id": kept.id}
        return self._wrapped([{**named, "service_notice": None, "account_id": None}], 201)

    def _show(self, asked: Asked, identity: str) -> Answer:
        query = dict(asked.query)
        named = identity or query.get("service_request_id", "")
        shown = [each for each in self._requests.values() if each.at + self._rules.open311_lag + asked.lag <= asked.at]
        if named:
            found = [each for each in shown if each.id in named.split(",")]
            if identity and not found:
                return refused(404, "service_request_id was not found")
            return self._wrapped([_as_json(each) for each in found])
        found = [each for each in reversed(shown) if _is_wanted(each, query)]
        return self._wrapped([_as_json(each) for each in found[:1000]])

    def _show_token(self, asked: Asked, token: str) -> Answer:
        known = next((each for each in self._requests.values() if each.token == token), None)
        if known is None:
            return refused(404, "the token was not found")
        if known.at + self._rules.open311_lag > asked.at:
            return self._wrapped([{"token": token}])
        return self._wrapped([{"service_request_id": known.id, "token": token}])

    def _wrapped(self, items: list[dict[str, Any]], status: int = 200) -> Answer:
        """The list that the standard has, or FixMyStreet's object around it."""
        return _answered({"service_requests": items} if self._rules.open311_wrapped else items, status)


def _service(code: str) -> dict[str, Any]:
    service = {"service_code": code, "service_name": SERVICES[code], "description": None, "metadata": False}
    return {**service, "type": "realtime", "keywords": None, "group": None}


def _as_json(each: ServiceRequest) -> dict[str, Any]:
    return {
        "service_request_id": each.id,
        "status": "open" if each.closed_at is None else "closed",
        "status_notes": each.notes or None,
        "service_name": SERVICES[each.service],
        "service_code": each.service,
        "description": each.description or None,
        "requested_datetime": _moment(each.at),
        "updated_datetime": _moment(each.at if each.closed_at is None else each.closed_at),
        "address": each.fields.get("address_string"),
        "lat": each.lat,
        "long": each.long,
    }


def _is_wanted(each: ServiceRequest, query: Mapping[str, str]) -> bool:
    if query.get("service_code") and each.service not in query["service_code"].split(","):
        return False
    status = "open" if each.closed_at is None else "closed"
    if query.get("status") and status not in query["status"].split(","):
        return False
    return _time(query.get("start_date"), -math.inf) <= each.at <= _time(query.get("end_date"), math.inf)


def _time(text: str | None, otherwise: float) -> float:
    try:
        return datetime.fromisoformat(text).timestamp() if text else otherwise
    except ValueError:
        return otherwise


def _place(fields: Mapping[str, str]) -> tuple[float, float] | None:
    try:
        lat, long = float(fields["lat"]), float(fields["long"])
    except (KeyError, ValueError):
        return None
    return (lat, long) if abs(lat) <= 90 and abs(long) <= 180 else None


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _answered(value: Any, status: int = 200) -> Answer:
    return answer_json(value, status, content_type=_JSON)


def refused(status: int, words: str) -> Answer:
    """An error as the standard tells it."""
    return answer_json([{"code": status, "description": words}], status)


def faulty(fault: FaultRequest) -> Answer:
    """What it says under a fault."""
    if fault.kind == "rate_limit":
        after = math.ceil(60 if fault.retry_after is None else fault.retry_after)
        words = fault.message or "too many requests"
        return answer_json([{"code": 429, "description": words}], fault.status or 429, {"Retry-After": str(after)})
    if fault.kind == "revoked":
        return refused(fault.status or 403, fault.message or "Missing or invalid api_key")
    return refused(fault.status or 500, fault.message or "General service error")
