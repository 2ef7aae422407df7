"""A bot's messages: sent, edited and deleted, at the pace and within the sizes that Telegram allows."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import replace
from itertools import chain, islice
from typing import Any

from tocsin_sandbox.exchange import Answer
from tocsin_sandbox.state import Medium, Post, State, look_at
from tocsin_sandbox.telegram.calls import (
    BLOCKED,
    CAPTION_TOO_LONG,
    DELETE_FORBIDDEN,
    DELETE_NOT_FOUND,
    EDIT_FORBIDDEN,
    EDIT_NOT_FOUND,
    NOT_MODIFIED,
    PHOTO_ADDRESS,
    PHOTO_DIMENSIONS,
    PHOTO_MISSING,
    PHOTO_NOT_TAKEN,
    PHOTO_TOO_BIG,
    REPLY_NOT_FOUND,
    TEXT_EMPTY,
    TEXT_TOO_LONG,
    Call,
    Chat,
    Chats,
    Pace,
    Refusal,
    bot,
    is_private,
    limited,
    told,
)
from tocsin_sandbox.telegram.html import Parsed, units

TEXT_LIMIT = 4096
CAPTION_LIMIT = 1024
DELETE_SPAN = 48 * 3600.0


class Messages:
    """Every message the bot sent, at its `pace` (None: as fast as it likes); `left` are the chats that blocked it."""

    def __init__(self, state: State, chats: Chats, pace: Pace | None, left: Collection[str] = ()) -> None:
        self._state = state
        self._chats = chats
        self._pace = pace
        self._left = left
        self._last: dict[str, int] = {}
        self._spoke: dict[str, None] = {}
        for post in state.posts("telegram").values():
            self._count(post.channel, int(post.id), foreign=post.foreign)

    def send_text(self, call: Call) -> Answer:
        """`sendMessage`."""
        chat, parsed = self._chats.find(call.text("chat_id")), call.words("text")
        if str(chat.id) in self._left:
            raise Refusal(BLOCKED, 403)
        _check("text", parsed)
        more = {"html": call.source("text"), "reply_to": self._parent(chat, call), "buttons": _buttons(call)}
        return self._paced(chat, call) or self._send(chat, call, parsed, **more)

    def send_photo(self, call: Call) -> Answer:
        """`sendPhoto`."""
        chat, parsed = self._chats.find(call.text("chat_id")), call.words("caption")
        _check("caption", parsed)
        parent = self._parent(chat, call)
        refusal = self._paced(chat, call)
        if refusal:
            return refusal
        media = (take_photo(self._state, call),)
        return self._send(chat, call, parsed, html=call.source("caption"), reply_to=parent, media=media)

    def put_foreign(self, chat_id: str, text: str, now: float) -> Post:
        """Let somebody else write into a chat: its ids run on, and the bot can't change it. Raises Refusal."""
        return self._keep(self._chats.find(chat_id), Parsed(text), now, foreign=True)

    def conversations(self, most: int) -> tuple[list[str], int]:
        """Private chats, first those in which a person spoke, each the latest first; and how many there are in all."""
        latest = (name for name in chain(reversed(self._spoke), reversed(self._last)) if is_private(name))
        return list(dict.fromkeys(islice(latest, 2 * most)))[:most], sum(map(is_private, self._last))

    def newest(self, name: str, most: int) -> list[Post]:
        """The newest messages of a chat, the latest first."""
        last, there = self.count(name), self._state.posts("telegram")
        posts = (there.get(f"{name}/{number}") for number in range(last, max(0, last - most), -1))
        return [post for post in posts if post is not None]

    def count(self, name: str) -> int:
        """How many messages a chat has."""
        return self._last.get(name, 0)

    def edit_text(self, call: Call) -> Answer:
        """`editMessageText`."""
        return self._edit(call, "text")

    def edit_caption(self, call: Call) -> Answer:
        """`editMessageCaption`."""
        return self._edit(call, "caption")

    def edit_markup(self, call: Call) -> Answer:
        """`editMessageReplyMarkup`: refused where nothing changes, which tells that a message is there and ours."""
        chat = self._chats.find(call.text("chat_id"))
        post, buttons = self._editable(chat, call), _buttons(call)
        if buttons == post.buttons:
            raise Refusal(NOT_MODIFIED)
        changed = replace(post, buttons=buttons)
        self._state.keep(changed)
        return told(self._show(chat, changed))

    def delete(self, call: Call) -> Answer:
        """`deleteMessage`: within 48 h."""
        post = self._find(self._chats.find(call.text("chat_id")), call.text("message_id"))
        if post is None:
            raise Refusal(DELETE_NOT_FOUND)
        if call.at - post.created_at >= DELETE_SPAN:
            raise Refusal(DELETE_FORBIDDEN)
        self._state.keep(replace(post, deleted=True))
        return told(True)

    def _send(self, chat: Chat, call: Call, parsed: Parsed, **more: Any) -> Answer:
        return told(self._show(chat, self._keep(chat, parsed, call.at, **more)))

    def _keep(self, chat: Chat, parsed: Parsed, now: float, **more: Any) -> Post:
        id_ = self._count(chat.name, self._last.get(chat.name, 0) + 1, foreign="foreign" in more)
        entities = tuple(entity.as_json() for entity in parsed.entities)
        post = Post("telegram", str(id_), chat.name, parsed.text, now, chat.address(id_), entities=entities, **more)
        self._state.keep(post)
        return post

    def _count(self, name: str, number: int, *, foreign: bool) -> int:
        """The chat has so many messages, and is the latest one."""
        self._last[name] = max(self._last.pop(name, 0), number)
        if foreign:
            self._spoke.pop(name, None)
            self._spoke[name] = None
        return number

    def _edit(self, call: Call, field: str) -> Answer:
        chat, parsed = self._chats.find(call.text("chat_id")), call.words(field)
        post = self._editable(chat, call)
        if bool(post.media) == (field == "text"):
            raise Refusal(f"Bad Request: there is no {field} in the message to edit")
        _check(field, parsed)
        entities = tuple(entity.as_json() for entity in parsed.entities)
        buttons = _buttons(call)
        if parsed.text == post.text and list(entities) == list(post.entities) and buttons == post.buttons:
            raise Refusal(NOT_MODIFIED)
        refusal = self._paced(chat, call)
        if refusal:
            return refusal
        edited = replace(
            post,
            text=parsed.text,
            entities=entities,
            html=call.source(field),
            buttons=buttons,
            edits=(*post.edits, post.text),
            edited_at=call.at,
        )
        self._state.keep(edited)
        return told(self._show(chat, edited))

    def _editable(self, chat: Chat, call: Call) -> Post:
        post = self._find(chat, call.text("message_id"))
        if post is None:
            raise Refusal(EDIT_NOT_FOUND)
        if post.foreign:
            raise Refusal(EDIT_FORBIDDEN)
        return post

    def _parent(self, chat: Chat, call: Call) -> str | None:
        """The message that is answered; one that isn't there only stops a call that doesn't allow for it."""
        given = call.structure("reply_parameters")
        if not isinstance(given, dict):
            given = {}
        parent = given.get("message_id", call.arguments.get("reply_to_message_id"))
        lenient = given.get("allow_sending_without_reply", call.arguments.get("allow_sending_without_reply"))
        if parent is None or self._find(chat, str(parent)):
            return None if parent is None else str(parent)
        if str(lenient).lower() != "true":
            raise Refusal(REPLY_NOT_FOUND)
        return None

    def _find(self, chat: Chat, id_: str) -> Post | None:
        return self._state.find("telegram", f"{chat.name}/{id_}")

    def _paced(self, chat: Chat, call: Call) -> Answer | None:
        wait = self._pace.take(chat, call.at) if self._pace else 0.0
        return limited(wait) if wait else None

    def _show(self, chat: Chat, post: Post) -> dict[str, Any]:
        """The Message that the Bot API answers."""
        author = {"sender_chat": chat.as_json()} if chat.kind == "channel" else {"from": bot()}
        shown: dict[str, Any] = {"message_id": int(post.id), **author, "chat": chat.as_json()}
        shown["date"] = int(post.created_at)
        field = "caption" if post.media else "text"
        optional = {
            "edit_date": int(post.edited_at) if post.edited_at else None,
            "reply_to_message": self._show_parent(chat, post),
            "reply_markup": json.loads(post.buttons) if post.buttons else None,
            "photo": show_photo(self._state, post.media[0]) if post.media else None,
            field: post.text,
            "entities" if field == "text" else "caption_entities": list(post.entities),
        }
        return shown | {name: value for name, value in optional.items() if value}

    def _show_parent(self, chat: Chat, post: Post) -> dict[str, Any] | None:
        parent = self._find(chat, post.reply_to) if post.reply_to else None
        if parent is None:
            return None
        return {"message_id": int(parent.id), "date": int(parent.created_at), "chat": chat.as_json()}


def _buttons(call: Call) -> str | None:
    """The inline keyboard that a call brings, as JSON; None for none, or an empty one."""
    markup = call.structure("reply_markup")
    rows = markup.get("inline_keyboard") if isinstance(markup, dict) else None
    return json.dumps({"inline_keyboard": rows}) if rows else None


def _check(field: str, parsed: Parsed) -> None:
    if field == "text" and not parsed.text:
        raise Refusal(TEXT_EMPTY)
    limit, too_long = (TEXT_LIMIT, TEXT_TOO_LONG) if field == "text" else (CAPTION_LIMIT, CAPTION_TOO_LONG)
    if units(parsed.text) > limit:
        raise Refusal(too_long)


# The photo of a Bot API call: a file of its body, one that is known already, or an address.

LARGEST = 10 * 1024 * 1024
WIDTH_AND_HEIGHT = 10_000
RATIO = 20


def take_photo(state: State, call: Call) -> str:
    """Keep the photo that a call brings and return its file id. Raises Refusal."""
    named = call.text("photo")
    upload = call.files.get(named.removeprefix("attach://") if named.startswith("attach://") else "photo")
    if upload is not None:
        return _keep(state, upload.content, call.at)
    if not named:
        raise Refusal(PHOTO_MISSING)
    if state.medium("telegram", named) is None and not named.startswith(("http://", "https://")):
        raise Refusal(PHOTO_ADDRESS)
    return named


def show_photo(state: State, id_: str) -> list[dict[str, Any]]:
    """A message's `photo`: the sizes there are of it, here one."""
    medium = state.medium("telegram", id_)
    width, height, size = (medium.width, medium.height, medium.size) if medium else (0, 0, 0)
    return [{"file_id": id_, "file_unique_id": id_, "width": width, "height": height, "file_size": size}]


def _keep(state: State, content: bytes, now: float) -> str:
    if len(content) > LARGEST:
        raise Refusal(PHOTO_TOO_BIG)
    picture = look_at(content)
    if picture is None:
        raise Refusal(PHOTO_NOT_TAKEN)
    short, long = sorted((picture.width, picture.height))
    if short + long > WIDTH_AND_HEIGHT or long > RATIO * max(1, short):
        raise Refusal(PHOTO_DIMENSIONS)
    id_ = f"AgACsandbox{len(state.media()) + 1:08d}"
    state.keep_medium(Medium("telegram", id_, picture.kind, len(content), picture.width, picture.height, now), content)
    return id_
