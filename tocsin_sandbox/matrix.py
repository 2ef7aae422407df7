"""A stand-in of a Matrix server with one room: events by transaction, threads, replacements and redactions."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

from tocsin_sandbox.exchange import Answer, Asked, answer_json
from tocsin_sandbox.faults import FaultRequest
from tocsin_sandbox.settings import MATRIX_ROOM, MATRIX_TOKEN, MATRIX_USER
from tocsin_sandbox.state import Post, State

LARGEST_EVENT = 65_536
_API = r"/_matrix/client/v3"
_SEND = re.compile(_API + r"/rooms/([^/]+)/send/m\.room\.message/([^/]+)")
_MESSAGES = re.compile(_API + r"/rooms/([^/]+)/messages")
_REDACT = re.compile(_API + r"/rooms/([^/]+)/redact/([^/]+)/([^/]+)")


class Matrix:
    """One room and who writes there."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._transactions: dict[str, str] = {}

    def answer(self, asked: Asked) -> Answer:
        """What the server says to this request."""
        if asked.headers.get("Authorization") != f"Bearer {MATRIX_TOKEN}":
            return revoked()
        if asked.method == "GET" and asked.path == f"{_API}/account/whoami":
            return answer_json({"user_id": MATRIX_USER})
        if asked.method == "GET" and (match := _MESSAGES.fullmatch(asked.path)) and unquote(match[1]) == MATRIX_ROOM:
            return self._messages(asked)
        sent, redacted = _SEND.fullmatch(asked.path), _REDACT.fullmatch(asked.path)
        match = sent or redacted
        if asked.method != "PUT" or match is None:
            return refused(404, "M_UNRECOGNIZED", "Unrecognized request")
        if unquote(match[1]) != MATRIX_ROOM:
            return refused(403, "M_FORBIDDEN", "User not in room")
        return self._send(asked, match[2]) if sent else self._redact(unquote(match[2]))

    def _send(self, asked: Asked, transaction: str) -> Answer:
        if (known := self._transactions.get(transaction)) is not None:
            return answer_json({"event_id": known})
        told: Any = asked.json
        if not isinstance(told, dict) or told.get("msgtype") != "m.text" or not isinstance(told.get("body"), str):
            return refused(400, "M_BAD_JSON", "The event has no msgtype or body")
        if len(asked.body) > LARGEST_EVENT:
            return refused(413, "M_TOO_LARGE", "event too large")
        event = f"$event{len(self._transactions) + 1}"
        related = told.get("m.relates_to") or {}
        self._transactions[transaction] = event
        if related.get("rel_type") == "m.replace":
            post = self._state.find("matrix", str(related.get("event_id")))
            text = str((told.get("m.new_content") or {}).get("body"))
            if post is not None and text != post.text:
                self._state.keep(replace(post, text=text, edits=(*post.edits, post.text), edited_at=asked.at))
            return answer_json({"event_id": event})
        above = (related.get("m.in_reply_to") or {}).get("event_id")
        url = f"https://matrix.to/#/{MATRIX_ROOM}/{event}"
        self._state.keep(Post("matrix", event, MATRIX_ROOM, told["body"], asked.at, url, reply_to=above))
        return answer_json({"event_id": event})

    def _messages(self, asked: Asked) -> Answer:
        """The events, newest first; words as they were at first, as a server keeps them."""
        told = dict(asked.query)
        start = int(told.get("from", "0"))
        there = [each for each in self._state.newest_first("matrix") if not each.deleted]
        seen = [each for each in there if each.created_at <= asked.at - asked.lag]
        page = seen[start : start + int(told.get("limit", "10"))]
        end = {"end": str(start + len(page))} if start + len(page) < len(seen) else {}
        return answer_json({"chunk": [_event(each) for each in page], **end})

    def _redact(self, event: str) -> Answer:
        post = self._state.find("matrix", event)
        if post is not None:
            self._state.keep(replace(post, deleted=True))
        return answer_json({"event_id": f"{event}-redaction"})


def _event(post: Post) -> dict[str, Any]:
    content: dict[str, Any] = {"msgtype": "m.text", "body": post.edits[0] if post.edits else post.text}
    if post.reply_to:
        content["m.relates_to"] = {"rel_type": "m.thread", "event_id": post.reply_to}
    at = int(post.created_at * 1000)
    return {"event_id": post.id, "sender": MATRIX_USER, "origin_server_ts": at, "content": content}


def refused(status: int, code: str, words: str) -> Answer:
    """A refusal by its code, with its reason."""
    return answer_json({"errcode": code, "error": words}, status)


def revoked() -> Answer:
    """What is said to a token that isn't known."""
    return refused(401, "M_UNKNOWN_TOKEN", "Invalid access token passed.")


def faulty(fault: FaultRequest) -> Answer:
    """What it says under a fault."""
    if fault.kind == "rate_limit":
        seconds = 60 if fault.retry_after is None else fault.retry_after
        told = {"errcode": "M_LIMIT_EXCEEDED", "error": "Too Many Requests", "retry_after_ms": int(1000 * seconds)}
        return answer_json(told, 429)
    if fault.kind == "revoked":
        return revoked()
    return refused(fault.status or 500, "M_UNKNOWN", fault.message or "Internal server error")
