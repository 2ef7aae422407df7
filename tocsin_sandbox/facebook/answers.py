"""What the Graph API says: its JSON under a script's content type, its errors by code under HTTP 400."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from tocsin_sandbox.exchange import Answer, answer_json
from tocsin_sandbox.faults import FaultRequest

SCRIPT_TYPE = "text/javascript; charset=UTF-8"

_MESSAGES = {
    1: "An unknown error occurred",
    2: "An unexpected error has occurred. Please retry your request later.",
    4: "(#4) Application request limit reached",
    10: "(#10) This endpoint requires the 'pages_read_engagement' permission",
    32: "(#32) Page request limit reached",
    190: "Error validating access token: The session has been invalidated.",
    200: "(#200) The user hasn't authorized the application to perform this action",
    368: "The action attempted has been deemed abusive or is otherwise disallowed",
    506: "(#506) Duplicate status message",
}
_TRANSIENT = frozenset({1, 2, 4, 17, 32, 341, 613})


def told(value: Any, headers: Mapping[str, str] | None = None) -> Answer:
    """A 200."""
    return answer_json(value, 200, headers, SCRIPT_TYPE)


def failed(code: int, message: str | None = None, subcode: int | None = None, status: int = 400) -> Answer:
    """An error; whoever asks decides by its code."""
    error: dict[str, Any] = {
        "message": message or _MESSAGES.get(code, f"(#{code}) An error occurred"),
        "type": "OAuthException",
        "code": code,
        "is_transient": code in _TRANSIENT,
        "fbtrace_id": "AsandboxTrace0000000000",
    }
    if subcode is not None:
        error["error_subcode"] = subcode
    return answer_json({"error": error}, status, content_type=SCRIPT_TYPE)


def no_such_object(id_: str) -> Answer:
    """Code 100, subcode 33: it isn't there, or it isn't for this token."""
    message = (
        f"Unsupported post request. Object with ID '{id_}' does not exist, cannot be loaded due to missing "
        "permissions, or does not support this operation."
    )
    return failed(100, message, 33)


def usage_header(page: str, percent: int, minutes: int = 0) -> dict[str, str]:
    """The header by which a page's use is told, in percent and minutes."""
    use = {
        "type": "pages",
        "call_count": percent,
        "total_cputime": percent // 4,
        "total_time": percent // 4,
        "estimated_time_to_regain_access": minutes,
    }
    return {"X-Business-Use-Case-Usage": json.dumps({page: [use]}, separators=(",", ":"))}


def faulty(fault: FaultRequest, page: str) -> Answer:
    """The answer that a fault wants: error_json, error_after, rate_limit, revoked or code."""
    if fault.kind == "rate_limit":
        return _limited(fault, page)
    if fault.kind == "revoked":
        return failed(fault.code or 190, fault.message, fault.subcode, fault.status or 400)
    if fault.kind == "code":
        return failed(fault.code or 1, fault.message, fault.subcode, fault.status or 400)
    return failed(fault.code or 2, fault.message, fault.subcode, fault.status or 500)


def _limited(fault: FaultRequest, page: str) -> Answer:
    answer = failed(fault.code or 4, fault.message, fault.subcode, fault.status or 400)
    if fault.retry_after is None:
        return answer
    headers = usage_header(page, 100, math.ceil(fault.retry_after / 60))
    return Answer(answer.status, answer.body, headers, answer.content_type)
