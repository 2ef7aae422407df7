"""Telegram's polls: how votes reach the bot, and how a poll is stopped or ends by itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tocsin_sandbox.exchange import Answer
from tocsin_sandbox.people import Impossible, Vote, choose, is_closed
from tocsin_sandbox.state import Post, State
from tocsin_sandbox.telegram.calls import Call, Chats, Refusal, ok
from tocsin_sandbox.telegram.inbox import Inbox
from tocsin_sandbox.telegram.messages import Messages
from tocsin_sandbox.telegram.shown import show_poll

STOP_NOT_FOUND = "Bad Request: message with poll to stop not found"
NO_POLL = "Bad Request: message is not a poll"
NOT_STOPPABLE = "Bad Request: poll can't be stopped"
ALREADY_CLOSED = "Bad Request: poll has already been closed"


class Polls:
    """The polls in all chats."""

    def __init__(self, state: State, chats: Chats, messages: Messages, inbox: Inbox) -> None:
        self._state = state
        self._chats = chats
        self._inbox = inbox
        self._messages = messages

    def stop(self, call: Call) -> Answer:
        """`stopPoll`: the poll as it ends. Raises Refusal."""
        chat = self._chats.find(call.text("chat_id"))
        post = self._state.find("telegram", f"{chat.name}/{call.text('message_id')}")
        if post is None:
            raise Refusal(STOP_NOT_FOUND)
        if post.foreign:
            raise Refusal(NOT_STOPPABLE)
        if post.poll is None:
            raise Refusal(NO_POLL)
        if post.poll["closed"]:
            raise Refusal(ALREADY_CLOSED)
        return ok(self._tell(post, {**post.poll, "closed": True}, call.at))

    def vote(self, post: Post, vote: Vote, now: float) -> list[int]:
        """Count votes in; the bot is told of the new counts once. Raises Impossible."""
        if post.origin:  # who votes under the copy in the group votes in the poll itself
            post = self._state.find("telegram", post.origin) or post
        if post.poll is None:
            raise Impossible(f"there is no poll in {post.key}", 404)
        shown = self._tell(post, choose(post, vote, now), now)
        return [option["voter_count"] for option in shown["options"]]

    def close_due(self, now: float) -> None:
        """Close those whose time is over; the bot is told like of a vote."""
        for key in sorted(self._messages.timed):
            post = self._state.find("telegram", key)
            if post is None or post.poll is None or post.poll["closed"]:
                self._messages.timed.discard(key)
            elif is_closed(post.poll, now):
                self._tell(post, {**post.poll, "closed": True}, post.poll["closes_at"])

    def _tell(self, post: Post, poll: dict[str, Any], now: float) -> dict[str, Any]:
        self._state.keep(replace(post, poll=poll))
        shown = show_poll(poll)
        self._inbox.put({"poll": shown}, now)
        return shown
