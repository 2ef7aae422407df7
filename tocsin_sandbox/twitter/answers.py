"""What X API v2 says when it doesn't do what was asked: its problem shapes, and those of the faults."""

from __future__ import annotations

import math
from typing import Any

from tocsin_sandbox.exchange import Answer, answer_json
from tocsin_sandbox.faults import FaultRequest

_TITLES = {
    400: "Invalid Request",
    401: "Unauthorized",
    402: "CreditsDepleted",
    403: "Forbidden",
    404: "Not Found",
    429: "Too Many Requests",
    500: "Internal Server Error",
    503: "Service Unavailable",
}

DUPLICATE = "You are not allowed to create a Tweet with duplicate content."
NOT_PERMITTED = "You are not permitted to perform this action."
NOT_MENTIONED = (
    "Reply to this conversation is not allowed because you have not been mentioned or otherwise engaged by the author "
    "of the post you are replying to."
)
PARENT_GONE = "You attempted to reply to a Tweet that is deleted or not visible to you."
NO_CREDITS = "Your enrolled account does not have any credits to fulfill this request."


def problem(status: int, detail: str | None = None) -> Answer:
    """A problem with `about:blank` as its type: 401, 403, 429, 5xx."""
    title = _TITLES.get(status, "Error")
    return answer_json({"title": title, "type": "about:blank", "status": status, "detail": detail or title}, status)


def invalid(parameter: str, value: Any, message: str) -> Answer:
    """A 400 that names the parameter that is wrong."""
    body = {
        "errors": [{"parameters": {parameter: [value]}, "message": message}],
        "title": "Invalid Request",
        "detail": "One or more parameters to your request was invalid.",
        "type": "https://api.x.com/2/problems/invalid-request",
    }
    return answer_json(body, 400)


def depleted() -> Answer:
    """402: no credits are left."""
    body = {
        "title": "CreditsDepleted",
        "detail": NO_CREDITS,
        "type": "https://api.x.com/2/problems/credits",
        "status": 402,
    }
    return answer_json(body, 402)


def missing(parameter: str, value: str) -> dict[str, Any]:
    """One entry of `errors` for a post that isn't there."""
    return {
        "value": value,
        "detail": f"Could not find tweet with {parameter}: [{value}].",
        "title": "Not Found Error",
        "resource_type": "tweet",
        "parameter": parameter,
        "resource_id": value,
        "type": "https://api.x.com/2/problems/resource-not-found",
    }


def no_such_post(id_: str) -> Answer:
    """404: the post to be deleted isn't there."""
    body = {
        "errors": [missing("id", id_)],
        "title": "Not Found Error",
        "detail": f"Could not find tweet with id: [{id_}].",
        "type": "https://api.x.com/2/problems/resource-not-found",
        "status": 404,
    }
    return answer_json(body, 404)


def faulty(fault: FaultRequest, now: float) -> Answer:
    """The answer that a fault wants: error_json, error_after, rate_limit, revoked or code."""
    if fault.kind == "revoked":
        return problem(401)
    if fault.kind == "rate_limit":
        return _limited(fault.retry_after, now)
    status = fault.status or {"code": 403}.get(fault.kind, 503)
    return depleted() if status == 402 else problem(status, fault.message)


def _limited(retry_after: float | None, now: float) -> Answer:
    answer = problem(429)
    if retry_after is None:
        return answer
    reset = str(math.ceil(now + retry_after))
    headers = {"x-rate-limit-limit": "100", "x-rate-limit-remaining": "0", "x-rate-limit-reset": reset}
    return Answer(429, answer.body, headers)
