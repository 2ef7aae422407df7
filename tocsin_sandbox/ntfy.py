"""A stand-in of an ntfy server: topics whose names begin with `ntfy-`, for one token."""

from __future__ import annotations

import math

from tocsin_sandbox.exchange import Answer, Asked, answer_json
from tocsin_sandbox.faults import FaultRequest
from tocsin_sandbox.settings import NTFY_TOKEN
from tocsin_sandbox.state import Post, State

MOST_BYTES = 4096


class Ntfy:
    """What was sent to each topic."""

    def __init__(self, state: State) -> None:
        self._state = state

    def answer(self, asked: Asked) -> Answer:
        """What the server says to this request."""
        if asked.headers.get("Authorization") != f"Bearer {NTFY_TOKEN}":
            return revoked()
        topic, _, rest = asked.path.removeprefix("/").partition("/")
        if asked.method == "GET" and rest == "auth":
            return answer_json({"success": True})
        if asked.method != "POST" or rest:
            return refused(404, "page not found")
        if not 0 < len(asked.body) <= MOST_BYTES:
            return refused(413, "attachment too large, or bandwidth limit reached")
        told = dict(asked.query)
        id_ = f"nt{len(self._state.posts('ntfy')) + 1:010d}"
        text = asked.body.decode("utf-8", "replace")
        url = f"https://ntfy.sandbox.example/{topic}"
        self._state.keep(
            Post("ntfy", id_, topic, text, asked.at, url, kind=told.get("priority", "3"), link=told.get("click"))
        )
        return answer_json({"id": id_, "time": int(asked.at), "event": "message", "topic": topic, "message": text})


def refused(status: int, words: str) -> Answer:
    """A refusal with its reason."""
    return answer_json({"code": status * 100, "http": status, "error": words}, status)


def revoked() -> Answer:
    """What is said to a token that isn't known."""
    return refused(401, "unauthorized")


def faulty(fault: FaultRequest) -> Answer:
    """What it says under a fault."""
    if fault.kind == "rate_limit":
        after = math.ceil(60 if fault.retry_after is None else fault.retry_after)
        return answer_json({"code": 42901, "http": 429, "error": "limit reached"}, 429, {"Retry-After": str(after)})
    if fault.kind == "revoked":
        return revoked()
    return refused(fault.status or 500, fault.message or "internal server error")
