"""What the Bot API says: `ok`, or an error code with a description that callers tell apart by its words."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from tocsin_sandbox.exchange import Answer, answer_json
from tocsin_sandbox.faults import FaultRequest

NOT_MODIFIED = (
    "Bad Request: message is not modified: specified new message content and reply markup are exactly the same as a "
    "current content and reply markup of the message"
)
EDIT_NOT_FOUND = "Bad Request: message to edit not found"
EDIT_FORBIDDEN = "Bad Request: message can't be edited"
DELETE_NOT_FOUND = "Bad Request: message to delete not found"
DELETE_FORBIDDEN = "Bad Request: message can't be deleted for everyone"
REPLY_NOT_FOUND = "Bad Request: message to be replied not found"
CHAT_NOT_FOUND = "Bad Request: chat not found"
CHAT_ID_EMPTY = "Bad Request: chat_id is empty"
UPGRADED = "Bad Request: group chat was upgraded to a supergroup chat"
TEXT_EMPTY = "Bad Request: message text is empty"
TEXT_TOO_LONG = "Bad Request: message is too long"
CAPTION_TOO_LONG = "Bad Request: message caption is too long"
PHOTO_MISSING = "Bad Request: there is no photo in the request"
PHOTO_NOT_TAKEN = "Bad Request: IMAGE_PROCESS_FAILED"
PHOTO_DIMENSIONS = "Bad Request: PHOTO_INVALID_DIMENSIONS"
PHOTO_TOO_BIG = "Bad Request: file is too big"
PHOTO_ADDRESS = "Bad Request: wrong file identifier/HTTP URL specified"
WEBHOOK_ACTIVE = (
    "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
)
OTHER_POLL = "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
BLOCKED = "Forbidden: bot was blocked by the user"
_DESCRIPTIONS = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden: bot is not a member of the channel chat",
    404: "Not Found",
    409: "Conflict",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
}


class Refusal(Exception):
    """A call that is refused, with the answer it gets."""

    def __init__(self, description: str, code: int = 400, **parameters: Any) -> None:
        super().__init__(description)
        self.answer = failed(code, description, parameters)


def told(result: Any) -> Answer:
    """`ok`: true, and the result."""
    return answer_json({"ok": True, "result": result})


def failed(code: int, description: str | None = None, parameters: dict[str, Any] | None = None) -> Answer:
    """`ok`: false; the HTTP status is the error code."""
    body: dict[str, Any] = {"ok": False, "error_code": code, "description": description or _DESCRIPTIONS.get(code, "")}
    if parameters:
        body["parameters"] = parameters
    return answer_json(body, code)


def limited(wait: float) -> Answer:
    """429, with the whole seconds to wait in the body and in the header."""
    seconds = max(1, math.ceil(wait))
    answer = failed(429, f"Too Many Requests: retry after {seconds}", {"retry_after": seconds})
    return replace(answer, headers={"Retry-After": str(seconds)})


def faulty(fault: FaultRequest) -> Answer:
    """The answer that a fault wants: error_json, error_after, rate_limit, revoked or code."""
    if fault.kind == "rate_limit":
        return limited(7 if fault.retry_after is None else fault.retry_after)
    default = {"revoked": 401, "code": 400}.get(fault.kind, 500)
    return failed(fault.code or fault.status or default, fault.message)
