"""A receiver of signed posts, as strict as Standard Webhooks asks: signature, age, and each id taken once."""

from __future__ import annotations

import base64
import hashlib
import hmac
import math
from typing import Any

from tocsin_sandbox.exchange import Answer, Asked, answer_json
from tocsin_sandbox.faults import FaultRequest
from tocsin_sandbox.settings import WEBHOOK_SECRET
from tocsin_sandbox.state import Medium, Post, State, look_at

OLDEST = 300.0
"""Seconds that a timestamp may be off, either way."""
TEXT_LIMIT = 20_000
_KINDS = frozenset({"post.publish", "post.update", "post.end"})


class Webhook:
    """Takes posts at any address below `/webhook`, and shows what it took."""

    def __init__(self, state: State) -> None:
        self._state = state

    def answer(self, asked: Asked) -> Answer:
        """What the receiver says to this request."""
        if asked.method != "POST":
            return refused(405, "posts are sent by POST")
        problem = _distrust(asked)
        if problem:
            return refused(401, problem)
        payload = asked.json if isinstance(asked.json, dict) else {}
        if payload.get("type") == "ping":
            return answer_json({"name": "Tocsin sandbox"})
        data = payload.get("data")
        if payload.get("type") not in _KINDS or not isinstance(data, dict):
            return refused(422, "this is no letter of a kind that is known here")
        return self._take(asked, data)

    def _take(self, asked: Asked, data: dict[str, Any]) -> Answer:
        """Keep a post once; its repeat gets the same answer as the first one did."""
        identity, text = asked.headers["webhook-id"], str(data.get("text", ""))
        if not text or len(text) > TEXT_LIMIT:
            return refused(422, f"a text has from 1 to {TEXT_LIMIT} characters")
        post = self._state.posts("webhook").get(identity)
        if post is None:
            post = self._post(asked, identity, text, data)
            self._state.keep(post)
        return answer_json({"id": post.id, "url": post.url})

    def _post(self, asked: Asked, identity: str, text: str, data: dict[str, Any]) -> Post:
        url = f"https://webhook.sandbox.example/posts/{identity}"
        return Post(
            "webhook",
            identity,
            asked.path,
            text,
            asked.at,
            url,
            kind=str(data.get("kind")),
            link=_text(data, "link"),
            reply_to=_text(data, "reply_to"),
            media=self._keep_picture(asked, identity, data.get("image")),
        )

    def _keep_picture(self, asked: Asked, identity: str, image: Any) -> tuple[str, ...]:
        if not isinstance(image, dict):
            return ()
        try:
            content = base64.b64decode(str(image.get("data", "")))
        except ValueError:
            return ()
        picture = look_at(content)
        if picture is None:
            return ()
        id_ = hashlib.sha256(identity.encode()).hexdigest()[:16]
        sizes = (len(content), picture.width, picture.height)
        self._state.keep_medium(
            Medium("webhook", id_, picture.kind, *sizes, asked.at, str(image.get("alt", ""))), content
        )
        return (id_,)


def _text(data: dict[str, Any], name: str) -> str | None:
    value = data.get(name)
    return value if isinstance(value, str) else None


def _distrust(asked: Asked) -> str | None:
    """Why a request isn't believed; None when it is."""
    identity = asked.headers.get("webhook-id", "")
    timestamp = asked.headers.get("webhook-timestamp", "")
    if not identity or not timestamp.isdecimal():
        return "webhook-id or webhook-timestamp is missing"
    if abs(asked.at - int(timestamp[:12])) > OLDEST:
        return "webhook-timestamp is more than five minutes off"
    # A receiver may have more than one secret while it changes them, so several signatures may stand there.
    expected = _sign(identity, timestamp, asked.body)
    signatures = asked.headers.get("webhook-signature", "").split()
    if not any(hmac.compare_digest(one.encode(), expected.encode()) for one in signatures):
        return "webhook-signature is none of ours"
    return None


def _sign(identity: str, timestamp: str, body: bytes) -> str:
    key = base64.b64decode(WEBHOOK_SECRET.removeprefix("whsec_"))
    signed = hmac.new(key, f"{identity}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return "v1," + base64.b64encode(signed).decode()


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
