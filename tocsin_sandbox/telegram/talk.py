"""Somebody who talks with the bot, as the sandbox's page or a `curl` lets them: what they type, and what they tap."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from tocsin_sandbox.state import Post, State
from tocsin_sandbox.telegram.chats import Chat
from tocsin_sandbox.telegram.messages import TEXT_LIMIT, Messages

LOOKED_BACK = 50
"""Messages of a chat among which a button is looked for."""


class Place(BaseModel):
    """A location that is sent."""

    model_config = ConfigDict(extra="forbid")

    latitude: float = Field(ge=-90, le=90)
    longitude: float = Field(ge=-180, le=180)


class Talk(BaseModel):
    """The body of `POST /sandbox/telegram/talk`: what somebody does in their private chat with the bot.

    One of `text`, `press` (a button's words, or the data it sends; under `message`, else the newest that has it) and
    `location`. `language` is what their app speaks.
    """

    model_config = ConfigDict(extra="forbid")

    chat: int = Field(gt=0, lt=2**52)
    text: str | None = Field(default=None, min_length=1, max_length=TEXT_LIMIT)
    press: str | None = Field(default=None, min_length=1)
    message: int | None = None
    location: Place | None = None
    language: str = Field(default="fr", pattern="^[a-z]{2,3}(-[A-Za-z]+)?$")

    @model_validator(mode="after")
    def _does_one_thing(self) -> Talk:
        if sum(each is not None for each in (self.text, self.press, self.location)) != 1:
            raise ValueError("give one of text, press and location")
        return self


class NoButton(Exception):
    """There is no such button, and the message says which there are."""


class Talking:
    """Makes the updates of what people do. What they say stands in their chat like the bot's own words."""

    def __init__(self, state: State, messages: Messages) -> None:
        self._state = state
        self._messages = messages
        self._presses = 0

    def update(self, talk: Talk, now: float) -> dict[str, Any]:
        """The update, without its number. Raises NoButton."""
        who = {"id": talk.chat, "is_bot": False, "first_name": f"Reader {talk.chat}", "language_code": talk.language}
        chat = Chat(str(talk.chat), talk.chat).as_json()
        if talk.press is not None:
            return {"callback_query": {"from": who, "chat_instance": "1", **self._pressed(talk, talk.press, chat)}}
        said = talk.text or ""
        content: dict[str, Any] = {"text": said}
        if talk.location is not None:
            said = f"📍 {talk.location.latitude}, {talk.location.longitude}"
            content = {"location": talk.location.model_dump()}
        post = self._messages.put_foreign(str(talk.chat), said, now)
        return {"message": {"message_id": int(post.id), "date": int(now), "from": who, "chat": chat, **content}}

    def _pressed(self, talk: Talk, press: str, chat: Mapping[str, Any]) -> dict[str, Any]:
        there = [post for post in self._messages.newest(str(talk.chat), LOOKED_BACK) if not post.deleted]
        there = [post for post in there if talk.message is None or post.id == str(talk.message)]
        for post in there:
            for button in buttons_of(post):
                if press in (button.get("callback_data"), button["text"]):
                    self._presses += 1
                    message = {"message_id": int(post.id), "date": int(post.created_at), "chat": chat}
                    number = f"talk-{talk.chat}-{self._presses}"
                    return {"id": number, "data": button["callback_data"], "message": {**message, "text": post.text}}
        known = [button["text"] for button in (buttons_of(there[0]) if there else [])]
        raise NoButton(f"no such button; under the newest message stand: {', '.join(known) or 'none'}")


def buttons_of(post: Post) -> list[dict[str, Any]]:
    """The buttons under a message that send something, in their order."""
    return [button for row in rows_of(post) for button in row]


def rows_of(post: Post) -> list[list[dict[str, Any]]]:
    """The same, row by row. A bot may send anything as buttons: what isn't one is passed over."""
    rows = json.loads(post.buttons)["inline_keyboard"] if post.buttons and not post.deleted else []
    good = [[each for each in row if _sends(each)] for row in rows if isinstance(row, list)]
    return [row for row in good if row]


def _sends(button: object) -> bool:
    return isinstance(button, dict) and all(isinstance(button.get(key), str) for key in ("text", "callback_data"))
