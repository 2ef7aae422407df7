"""A stand-in of the Telegram Bot API: one bot, administrator of every chat, and the people who talk with it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import Base64Bytes, BaseModel, ConfigDict, Field, model_validator

from tocsin_sandbox.exchange import Answer, Asked
from tocsin_sandbox.people import Crowd, Delete, Edit, Impossible, React, Say, Vote, said
from tocsin_sandbox.rules import Rules
from tocsin_sandbox.settings import TELEGRAM_BOT_ID, TELEGRAM_MEMBERS, TELEGRAM_TOKEN, SandboxSettings
from tocsin_sandbox.state import Post, State, look_at
from tocsin_sandbox.telegram.calls import (
    Call,
    Chat,
    Chats,
    Pace,
    Refusal,
    administrator,
    bot,
    failed,
    member,
    ok,
)
from tocsin_sandbox.telegram.groups import Groups
from tocsin_sandbox.telegram.inbox import Inbox
from tocsin_sandbox.telegram.messages import CAPTION_LIMIT, TEXT_LIMIT, Messages, keep_sent
from tocsin_sandbox.telegram.polls import Polls

# Somebody who talks with the bot, as the sandbox's page or a `curl` lets them: what they type, and what they tap.

FILES = "/file/bot"
"""How the addresses of files begin; the token and the file's path follow."""
LARGEST_DOWNLOAD = 20 * 1024 * 1024
FILE_WRONG = "Bad Request: wrong file_id or the file is temporarily unavailable"
FILE_TOO_BIG = "Bad Request: file is too big"
LOOKED_BACK = 50
"""Messages of a chat among which a button is looked for."""


class Place(BaseModel):
    """A location that is sent."""

    model_config = ConfigDict(extra="forbid")

    latitude: float = Field(ge=-90, le=90)
    longitude: float = Field(ge=-180, le=180)


class Talk(BaseModel):
    """The body of `POST /sandbox/telegram/talk`: what somebody does in their private chat with the bot.

    One of `text`, `press` (a button's words, or the data it sends; under `message`, else the newest that has it),
    `location`, and `photo` (a file's bytes in base64, with `caption` under it; no picture is sent as a document).
    `language` is what their app speaks.
    """

    model_config = ConfigDict(extra="forbid")

    chat: int = Field(gt=0, lt=2**52)
    text: str | None = Field(default=None, min_length=1, max_length=TEXT_LIMIT)
    press: str | None = Field(default=None, min_length=1)
    message: int | None = None
    location: Place | None = None
    photo: Base64Bytes | None = Field(default=None, max_length=20_000_000)
    caption: str = Field(default="", max_length=CAPTION_LIMIT)
    language: str = Field(default="fr", pattern="^[a-z]{2,3}(-[A-Za-z]+)?$")

    @model_validator(mode="after")
    def _does_one_thing(self) -> Talk:
        if sum(each is not None for each in (self.text, self.press, self.location, self.photo)) != 1:
            raise ValueError("give one of text, press, location and photo")
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
        if talk.photo is not None:
            content, said = self._photo(talk.photo, talk.caption, now), f"🖼 {talk.caption}".rstrip()
        post = self._messages.put_foreign(str(talk.chat), said, now)
        return {"message": {"message_id": int(post.id), "date": int(now), "from": who, "chat": chat, **content}}

    def _photo(self, photo: bytes, caption: str, now: float) -> dict[str, Any]:
        """As Telegram tells of one: in two sizes, of which the larger is what was sent; else as a document."""
        picture = look_at(photo)
        medium = keep_sent(self._state, photo, picture, now)
        named = {"file_id": medium.id, "file_unique_id": f"u{medium.id}", "file_size": medium.size}
        more = {"caption": caption} if caption else {}
        if picture is None:
            return {"document": {**named, "mime_type": medium.kind, "file_name": "IMG_0001.HEIC"}, **more}
        small = {"file_id": f"{medium.id}s", "file_unique_id": "s", "file_size": 900, "width": 90, "height": 67}
        return {"photo": [small, {**named, "width": medium.width, "height": medium.height}], **more}

    def _pressed(self, talk: Talk, press: str, chat: Mapping[str, Any]) -> dict[str, Any]:
        there = [post for post in self._messages.newest(str(talk.chat), LOOKED_BACK) if not post.deleted]
        there = [post for post in there if talk.message is None or post.id == str(talk.message)]
        for post in there:
            for button in buttons_of(post):
                if press in (button.get("callback_data"), button["text"]):
                    self._presses += 1
                    message: dict[str, Any] = {"message_id": int(post.id), "date": int(post.created_at), "chat": chat}
                    number = f"talk-{talk.chat}-{self._presses}"
                    shown = self._messages.shown.message(post)
                    answered = {key: shown[key] for key in ("reply_to_message",) if key in shown}
                    message = {**message, "text": post.text, **answered}
                    return {"id": number, "data": button["callback_data"], "message": message}
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


class Telegram(Crowd):
    """The bot, its chats and the people in them. `answer` is the whole API, a function of the request and the state."""

    platform = "telegram"

    def __init__(self, settings: SandboxSettings, state: State, rules: Rules) -> None:
        super().__init__(state)
        self._chats = Chats(state)
        self._rules = rules
        self.inbox = Inbox()
        self.messages = Messages(state, self._chats, Pace() if settings.limits else None, self.inbox, rules)
        self.talking = Talking(state, self.messages)
        self.groups = Groups(state, self._chats, self.messages, self.inbox, rules)
        self.polls = Polls(state, self._chats, self.messages, self.inbox)
        self._methods: dict[str, Callable[[Call], Answer]] = {
            "getme": lambda _: ok(bot()),
            "getchat": lambda call: ok(self._chats.show(call.text("chat_id"))),
            "getchatmember": self._show_member,
            "getchatmembercount": self._count_members,
            "getchatadministrators": lambda _: ok([administrator()]),
            "sendmessage": self.messages.send_text,
            "sendphoto": self.messages.send_photo,
            "editmessagetext": self.messages.edit_text,
            "editmessagecaption": self.messages.edit_caption,
            "editmessagereplymarkup": self.messages.edit_markup,
            "deletemessage": self.messages.delete,
            "pinchatmessage": lambda _: ok(True),
            "getfile": self._show_file,
            "getupdates": self.inbox.poll,
            "setwebhook": self.inbox.set_webhook,
            "deletewebhook": self.inbox.set_webhook,
            "getwebhookinfo": self.inbox.show_webhook,
            "answercallbackquery": self.inbox.answer_press,
            "setmycommands": lambda _: ok(True),
            "setmessagereaction": lambda _: ok(True),
            "sendpoll": self.messages.send_poll,
            "stoppoll": self.polls.stop,
            "banchatmember": self.groups.ban,
            "banchatsenderchat": self.groups.ban,
            "unbanchatmember": self.groups.unban,
            "unbanchatsenderchat": self.groups.unban,
            "restrictchatmember": self.groups.restrict,
        }

    def answer(self, asked: Asked) -> Answer:
        """What the Bot API says to this request."""
        if asked.path.startswith(FILES):
            return self._file(asked)
        token, _, method = asked.path.removeprefix("/bot").partition("/")
        if token != TELEGRAM_TOKEN:
            # What isn't shaped like a token is a path that there isn't.
            return failed(401) if token.partition(":")[0].isdecimal() else failed(404)
        act = self._methods.get(method.lower())
        if act is None or asked.method not in {"GET", "POST"}:
            return failed(404)
        if asked.broken:
            return failed(400, "Bad Request: can't parse JSON object")
        self.polls.close_due(asked.at)
        try:
            return act(Call.of(method, asked))
        except Refusal as refusal:
            return refusal.answer

    def _show_file(self, call: Call) -> Answer:
        """`getFile`: where a file can be had, of those that are not larger than 20 MB."""
        medium = self._state.medium("telegram", call.text("file_id"))
        if medium is None:
            raise Refusal(FILE_WRONG)
        if medium.size > LARGEST_DOWNLOAD:
            raise Refusal(FILE_TOO_BIG)
        named = {"file_id": medium.id, "file_unique_id": f"u{medium.id}", "file_size": medium.size}
        return ok({**named, "file_path": f"photos/{medium.id}"})

    def _file(self, asked: Asked) -> Answer:
        """A file that somebody sent, from the address that `getFile` leads to."""
        token, _, path = asked.path.removeprefix(FILES).partition("/")
        id_ = path.removeprefix("photos/")
        medium, content = self._state.medium("telegram", id_), self._state.content_of(id_)
        if token != TELEGRAM_TOKEN or medium is None or content is None or asked.method != "GET":
            return failed(404)
        return Answer(200, content, content_type="application/octet-stream")

    def put_foreign(self, chat_id: str, text: str, now: float) -> Post:
        """Let somebody else write into a chat. Raises Refusal."""
        return self.messages.put_foreign(chat_id, text, now)

    def say(self, say: Say, now: float) -> dict[str, Any]:
        """People write. Raises Impossible."""
        try:
            chat, posts = self.groups.say(say, now)
        except Refusal as refusal:
            raise Impossible(str(refusal)) from refusal
        return said(posts) | {"chat": chat.id}

    def edit(self, edit: Edit, now: float) -> dict[str, Any]:
        """One edits. Raises Impossible."""
        return {"id": self.groups.edit(edit, now).id}

    def delete(self, delete: Delete, now: float) -> dict[str, Any]:  # noqa: ARG002 - Telegram tells nobody, at no time
        """They delete. Raises Impossible."""
        return {"deleted": self.groups.delete(delete)}

    def react(self, react: React, now: float) -> dict[str, Any]:
        """They react. Raises Impossible."""
        self.groups.react(react, now)
        return {}

    def vote(self, vote: Vote, now: float) -> dict[str, Any]:
        """They vote. Raises Impossible."""
        self.polls.close_due(now)
        return {"votes": self.polls.vote(self.groups.there(vote.on(vote.post), vote.post), vote, now)}

    def state(self, now: float) -> dict[str, Any]:
        """What is linked, waits and was banned."""
        return {
            "links": {channel: int(group) for channel, group in self._state.linked.items()},
            "allowed_updates": list(self.inbox.allowed),
            "pending": self.inbox.count(now),
            "banned": {chat: sorted(accounts) for chat, accounts in self.groups.banned.items() if accounts},
        }

    def _show_member(self, call: Call) -> Answer:
        chat, user = self._chats.find(call.text("chat_id")), call.text("user_id")
        if user == str(TELEGRAM_BOT_ID):
            powerless = chat.linked and not self._rules.telegram_administrator
            return ok(member() if powerless else administrator())
        if chat.kind == "channel" and not self.inbox.admins:
            raise Refusal("Bad Request: user not found")
        status = "administrator" if (str(chat.id), user) in self.inbox.admins else "member"
        return ok({"status": status, "user": {"id": int(user), "is_bot": False, "first_name": "Sandbox"}})

    def _count_members(self, call: Call) -> Answer:
        self._chats.find(call.text("chat_id"))
        return ok(TELEGRAM_MEMBERS)
