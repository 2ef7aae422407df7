"""What a receiver says when it doesn't take a post."""

from __future__ import annotations

import math

from tocsin_sandbox.exchange import Answer, answer_json
from tocsin_sandbox.faults import FaultRequest


def refused(status: int, words: str) -> Answer:
    """A refusal with its reason."""
    return answer_json({"error": words}, status)


def faulty(fault: FaultRequest) -> Answer:
    """What it says under a fault."""
    if fault.kind == "rate_limit":
        after = math.ceil(60 if fault.retry_after is None else fault.retry_after)
        words = fault.message or "too many posts"
        return answer_json({"error": words}, fault.status or 429, {"Retry-After": str(after)})
    if fault.kind == "revoked":
        return refused(fault.status or 401, fault.message or "the secret was changed")
    headers = {} if fault.retry_after is None else {"Retry-After": str(math.ceil(fault.retry_after))}
    return answer_json({"error": fault.message or "the receiver stumbled"}, fault.status or 500, headers)
