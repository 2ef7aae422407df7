"""What people do in their chats with the bot: kept until the bot asks for it, or brought to its webhook."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from tocsin_sandbox.exchange import Answer
from tocsin_sandbox.telegram.answers import OTHER_POLL, WEBHOOK_ACTIVE, failed, told
from tocsin_sandbox.telegram.calls import Call

LONGEST_POLL = 50.0
MOST = 100


class Inbox:
    """The updates of one bot. `left` are the chats that blocked it, `admins` those who may speak for a group."""

    def __init__(self) -> None:
        self.webhook = ""
        self.secret = ""
        self.left: set[str] = set()
        self.admins: set[tuple[str, str]] = set()
        self.toasts: list[Mapping[str, Any]] = []
        self._pending: list[dict[str, Any]] = []
        self._last = 0
        self._polls = 0

    def put(self, update: Mapping[str, Any]) -> dict[str, Any]:
        """Number an update; without a webhook it waits here to be asked for."""
        self._last += 1
        numbered = {"update_id": self._last, **update}
        if not self.webhook:
            self._pending.append(numbered)
        return numbered

    def poll(self, call: Call) -> Answer:
        """`getUpdates`: what waits, at once or as soon as it comes; a second poll ends the first."""
        if self.webhook:
            return failed(409, WEBHOOK_ACTIVE)
        offset, limit, timeout = (_number(call, name) for name in ("offset", "limit", "timeout"))
        self._polls += 1
        self._pending = [each for each in self._pending if each["update_id"] >= offset]
        look = self._looking(self._polls, min(limit or MOST, MOST))
        return look() or replace(told([]), wait=min(LONGEST_POLL, float(timeout)), sooner=look)

    def set_webhook(self, call: Call) -> Answer:
        """`setWebhook`, and `deleteWebhook`, which brings no `url`."""
        self.webhook, self.secret = call.text("url"), call.text("secret_token")
        return told(True)

    def answer_press(self, call: Call) -> Answer:
        """`answerCallbackQuery`."""
        self.toasts.append({"id": call.text("callback_query_id"), "text": call.text("text")})
        return told(True)

    def _looking(self, poll: int, limit: int) -> Callable[[], Answer | None]:
        def look() -> Answer | None:
            if poll != self._polls:
                return failed(409, OTHER_POLL)
            return told(self._pending[:limit]) if self._pending else None

        return look


def _number(call: Call, name: str) -> int:
    text = call.text(name)
    return int(text) if text.lstrip("-").isdecimal() else 0
