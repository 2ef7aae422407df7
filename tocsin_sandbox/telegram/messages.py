"""A bot's messages: sent, edited and deleted, at the pace and within the sizes that Telegram allows."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import chain, islice
from typing import Any

from tocsin_sandbox.exchange import Answer
from tocsin_sandbox.rules import Rules
from tocsin_sandbox.state import Medium, Picture, Post, State, look_at
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
    THREAD_NOT_FOUND,
    Call,
    Chat,
    Chats,
    Pace,
    Refusal,
    is_private,
    limited,
    ok,
    read_poll,
)
from tocsin_sandbox.telegram.html import Parsed, units
from tocsin_sandbox.telegram.inbox import Inbox
from tocsin_sandbox.telegram.shown import Shown

TEXT_LIMIT = 4096
CAPTION_LIMIT = 1024
DELETE_SPAN = 48 * 3600.0


class Messages:
    """Every message the bot sent, at its `pace` (None: as fast as it likes), and what others wrote into its chats.

    What is posted in a channel that has a group is forwarded into it, which is an update. `timed` are the keys of the
    polls that end by themselves.
    """

    def __init__(self, state: State, chats: Chats, pace: Pace | None, inbox: Inbox, rules: Rules) -> None:
        self._state = state
        self._chats = chats
        self._pace = pace
        self._inbox = inbox
        self._rules = rules
        self._forwards: dict[str, str] = {}
        self.timed: set[str] = set()
        self.shown = Shown(state, chats)
        self._last: dict[str, int] = {}
        self._spoke: dict[str, None] = {}
        for post in state.posts("telegram").values():
            self._count(post.channel, int(post.id), foreign=post.foreign)
            self._note(post)

    def send_text(self, call: Call) -> Answer:
        """`sendMessage`."""
        chat, parsed = self._chats.find(call.text("chat_id")), call.words("text")
        if str(chat.id) in self._inbox.left:
            raise Refusal(BLOCKED, 403)
        _check("text", parsed)
        more = {"html": call.source("text"), **self._place(chat, call), "buttons": _buttons(call)}
        return self.send(chat, call, parsed, **more)

    def send_photo(self, call: Call) -> Answer:
        """`sendPhoto`."""
        chat, parsed = self._chats.find(call.text("chat_id")), call.words("caption")
        _check("caption", parsed)
        place = self._place(chat, call)
        refusal = self._paced(chat, call)
        if refusal:
            return refusal
        media = (take_photo(self._state, call),)
        post = self._keep(chat, parsed, call.at, html=call.source("caption"), media=media, **place)
        return ok(self.shown.message(post))

    def send_poll(self, call: Call) -> Answer:
        """`sendPoll`."""
        chat = self._chats.find(call.text("chat_id"))
        poll = {"id": f"51{len(self._state.posts('telegram')) + 1:016d}", **read_poll(call)}
        return self.send(chat, call, Parsed(poll["question"]), poll=poll, **self._place(chat, call))

    def send(self, chat: Chat, call: Call, parsed: Parsed, **more: Any) -> Answer:
        """Keep what the bot says in this chat, if it may say something now."""
        return self._paced(chat, call) or ok(self.shown.message(self._keep(chat, parsed, call.at, **more)))

    def put_foreign(self, chat_id: str, text: str, now: float, **more: Any) -> Post:
        """Let somebody else write into a chat: its ids run on, and the bot can't change it. Raises Refusal."""
        return self._keep(self._chats.find(chat_id), Parsed(text), now, foreign=True, **more)

    def forward_of(self, key: str) -> Post | None:
        """The copy of a channel's post in the group where it is talked about."""
        return self._state.find("telegram", self._forwards.get(key, ""))

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
        return ok(self.shown.message(changed))

    def delete(self, call: Call) -> Answer:
        """`deleteMessage`: within 48 h; what others wrote, where the bot is an administrator."""
        chat = self._chats.find(call.text("chat_id"))
        post = self._find(chat, call.text("message_id"))
        if post is None:
            raise Refusal(DELETE_NOT_FOUND)
        powerless = post.foreign and chat.linked and not self._rules.telegram_administrator
        if powerless or call.at - post.created_at >= DELETE_SPAN:
            raise Refusal(DELETE_FORBIDDEN)
        self._state.keep(replace(post, deleted=True))
        return ok(True)

    def _keep(self, chat: Chat, parsed: Parsed, now: float, **more: Any) -> Post:
        id_ = self._count(chat.name, self._last.get(chat.name, 0) + 1, foreign="foreign" in more)
        entities = tuple(entity.as_json() for entity in parsed.entities)
        post = Post("telegram", str(id_), chat.name, parsed.text, now, chat.address(id_), entities=entities, **more)
        self._state.keep(post)
        self._note(post)
        self.forward(post, now)
        return post

    def _note(self, post: Post) -> None:
        if post.origin:
            self._forwards[post.origin] = post.key
        if post.poll and post.poll["closes_at"]:
            self.timed.add(post.key)

    def forward(self, post: Post, now: float) -> None:
        """Copy a channel's post into its group, as Telegram does by itself."""
        group = self._chats.group_of(self._chats.find(post.channel))
        if group is None:
            return
        id_ = self._count(group.name, self._last.get(group.name, 0) + 1, foreign=True)
        copied: dict[str, Any] = {"entities": post.entities, "media": post.media, "kind": "forward", "origin": post.key}
        forward = Post("telegram", str(id_), group.name, post.text, now, group.address(id_), foreign=True, **copied)
        self._state.keep(forward)
        self._note(forward)
        if self._rules.telegram_administrator:
            self._inbox.put({"message": self.shown.message(forward)}, now)

    def follow(self, post: Post) -> None:
        """Let the copy of a channel's post say what the post says now; that is an update like any edit."""
        forward = self.forward_of(post.key)
        if forward is None or post.edited_at is None:
            return
        edited = replace(forward, text=post.text, entities=post.entities, edited_at=post.edited_at)
        self._state.keep(edited)
        if self._rules.telegram_administrator:
            self._inbox.put({"edited_message": self.shown.message(edited)}, post.edited_at)

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
        if post.poll or bool(post.media) == (field == "text"):
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
        self.follow(edited)
        return ok(self.shown.message(edited))

    def _editable(self, chat: Chat, call: Call) -> Post:
        post = self._find(chat, call.text("message_id"))
        if post is None:
            raise Refusal(EDIT_NOT_FOUND)
        if post.foreign:
            raise Refusal(EDIT_FORBIDDEN)
        return post

    def _place(self, chat: Chat, call: Call) -> dict[str, str | None]:
        """What is answered, and in which thread: that of the message which is answered, else the one that is named."""
        parent = self._parent(chat, call)
        if not chat.linked:
            return {"reply_to": parent.id if parent else None}
        named = call.text("message_thread_id")
        head = self._find(chat, named) if named else None
        if named and (head is None or head.kind != "forward"):
            raise Refusal(THREAD_NOT_FOUND)
        answered = parent or head
        return {"reply_to": answered.id, "thread": thread_of(answered)} if answered else {}

    def _parent(self, chat: Chat, call: Call) -> Post | None:
        """The message that is answered; one that isn't there only stops a call that doesn't allow for it."""
        given = call.structure("reply_parameters")
        if not isinstance(given, dict):
            given = {}
        parent = given.get("message_id", call.arguments.get("reply_to_message_id"))
        lenient = given.get("allow_sending_without_reply", call.arguments.get("allow_sending_without_reply"))
        found = None if parent is None else self._find(chat, str(parent))
        if parent is not None and found is None and str(lenient).lower() != "true":
            raise Refusal(REPLY_NOT_FOUND)
        return found

    def _find(self, chat: Chat, id_: str) -> Post | None:
        return self._state.find("telegram", f"{chat.name}/{id_}")

    def _paced(self, chat: Chat, call: Call) -> Answer | None:
        wait = self._pace.take(chat, call.at) if self._pace else 0.0
        return limited(wait) if wait else None


def thread_of(post: Post) -> str | None:
    """The thread that an answer to this message stands in: a forward begins one."""
    return post.id if post.kind == "forward" else post.thread


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


def keep_sent(state: State, content: bytes, picture: Picture | None, now: float) -> Medium:
    """Keep what somebody sent to the bot, whatever it is: nobody there looks at it."""
    kind, width, height = (picture.kind, picture.width, picture.height) if picture else ("image/heic", 0, 0)
    medium = Medium("telegram", _next_id(state), kind, len(content), width, height, now)
    state.keep_medium(medium, content)
    return medium


def _next_id(state: State) -> str:
    return f"AgACsandbox{len(state.media()) + 1:08d}"


def _keep(state: State, content: bytes, now: float) -> str:
    if len(content) > LARGEST:
        raise Refusal(PHOTO_TOO_BIG)
    picture = look_at(content)
    if picture is None:
        raise Refusal(PHOTO_NOT_TAKEN)
    short, long = sorted((picture.width, picture.height))
    if short + long > WIDTH_AND_HEIGHT or long > RATIO * max(1, short):
        raise Refusal(PHOTO_DIMENSIONS)
    id_ = _next_id(state)
    state.keep_medium(Medium("telegram", id_, picture.kind, len(content), picture.width, picture.height, now), content)
    return id_
