"""The updates of one bot: which kinds it asked for, how long they wait, and who may fetch them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from tocsin_sandbox.exchange import Answer, Callback
from tocsin_sandbox.telegram.calls import OTHER_POLL, WEBHOOK_ACTIVE, Call, failed, ok

LONGEST_POLL = 50.0
MOST = 100
LIFETIME = 86_400.0
"""Seconds after which Telegram has forgotten an update that nobody fetched."""
UNASKED = frozenset({"chat_member", "message_reaction", "message_reaction_count"})
"""Kinds of update that come only to a bot that names them in `allowed_updates`."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    update: dict[str, Any]
    since: float


class Inbox:
    """What waits for the bot. `left` are the chats that blocked it, `admins` those who may speak for a group.

    `allowed` are the kinds that the bot named last (empty: Telegram's own choice); what is of another kind as it arises
    is never told. With a webhook, `outgoing` waits to be brought there.
    """

    def __init__(self) -> None:
        self.webhook = ""
        self.secret = ""
        self.left: set[str] = set()
        self.admins: set[tuple[str, str]] = set()
        self.toasts: list[Mapping[str, Any]] = []
        self.allowed: tuple[str, ...] = ()
        self.outgoing: list[dict[str, Any]] = []
        self._pending: list[_Waiting] = []
        self._last = 0
        self._polls = 0

    def put(self, update: Mapping[str, Any], now: float) -> int | None:
        """Number an update and have it wait; None for one of a kind that the bot didn't ask for."""
        if any(kind not in self.allowed if self.allowed else kind in UNASKED for kind in update):
            return None
        self._last += 1
        numbered = {"update_id": self._last, **update}
        if self.webhook:
            self.outgoing.append(numbered)
        else:
            self._pending.append(_Waiting(numbered, now))
        return self._last

    def callback(self, update: Mapping[str, Any]) -> Callback:
        """An update as it is brought to the webhook."""
        headers = {"X-Telegram-Bot-Api-Secret-Token": self.secret} if self.secret else {}
        return Callback(self.webhook, json.dumps(update).encode(), headers)

    def count(self, now: float) -> int:
        """How many wait."""
        return len(self._fresh(now)) + len(self.outgoing)

    def poll(self, call: Call) -> Answer:
        """`getUpdates`: what waits, at once or as soon as it comes; a second poll ends the first."""
        if self.webhook:
            return failed(409, WEBHOOK_ACTIVE)
        self._choose(call)
        offset, limit, timeout = (call.number(name) for name in ("offset", "limit", "timeout"))
        # Two that ask at once would each get half of what comes: Telegram ends the earlier one.
        self._polls += 1
        self._pending = [each for each in self._fresh(call.at) if each.update["update_id"] >= offset]
        look = self._looking(self._polls, min(limit or MOST, MOST))
        return look() or replace(ok([]), wait=min(LONGEST_POLL, float(timeout)), sooner=look)

    def set_webhook(self, call: Call) -> Answer:
        """`setWebhook`, and `deleteWebhook`, which brings no `url`."""
        self._choose(call)
        self.webhook, self.secret = call.text("url"), call.text("secret_token")
        return ok(True)

    def show_webhook(self, call: Call) -> Answer:
        """`getWebhookInfo`."""
        allowed = {"allowed_updates": list(self.allowed)} if self.allowed else {}
        return ok({"url": self.webhook, "pending_update_count": self.count(call.at), **allowed})

    def answer_press(self, call: Call) -> Answer:
        """`answerCallbackQuery`."""
        self.toasts.append({"id": call.text("callback_query_id"), "text": call.text("text")})
        return ok(True)

    def _choose(self, call: Call) -> None:
        kinds = call.structure("allowed_updates")
        if isinstance(kinds, list):
            self.allowed = tuple(map(str, kinds))

    def _fresh(self, now: float) -> list[_Waiting]:
        return [each for each in self._pending if now - each.since < LIFETIME]

    def _looking(self, poll: int, limit: int) -> Callable[[], Answer | None]:
        def look() -> Answer | None:
            if poll != self._polls:
                return failed(409, OTHER_POLL)
            return ok([each.update for each in self._pending[:limit]]) if self._pending else None

        return look
