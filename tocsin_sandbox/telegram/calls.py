"""A call of the Bot API: its arguments, the chat that it names, its rate limits, and the words of a refusal."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from tocsin_sandbox.exchange import Answer, Asked, Upload, answer_json
from tocsin_sandbox.faults import FaultRequest
from tocsin_sandbox.settings import TELEGRAM_BOT_ID, TELEGRAM_BOT_USERNAME
from tocsin_sandbox.state import State
from tocsin_sandbox.telegram.html import Entity, Parsed, Unparsable, parse_html, trim, units
from tocsin_sandbox.windows import Bucket, RunningWindow

NOT_MODIFIED = (
    "Bad Request: message is not modified: specified new message content and reply markup are exactly the same as a "
    "current content and reply markup of the message"
)
EDIT_NOT_FOUND = "Bad Request: message to edit not found"
EDIT_FORBIDDEN = "Bad Request: message can't be edited"
DELETE_NOT_FOUND = "Bad Request: message to delete not found"
DELETE_FORBIDDEN = "Bad Request: message can't be deleted for everyone"
THREAD_NOT_FOUND = "Bad Request: message thread not found"
REPLY_NOT_FOUND = "Bad Request: message to be replied not found"
CHAT_NOT_FOUND = "Bad Request: chat not found"
CHAT_ID_EMPTY = "Bad Request: chat_id is empty"
UPGRADED = "Bad Request: group chat was upgraded to a supergroup chat"
TEXT_EMPTY = "Bad Request: message text is empty"
TEXT_TOO_LONG = "Bad Request: message is too long"
CAPTION_TOO_LONG = "Bad Request: message caption is too long"
PHOTO_MISSING = "Bad Request: there is no photo in the request"
PHOTO_NOT_TAKEN = "Bad Request: IMAGE_PROCESS_FAILED"
PHOTO_DIMENSIONS = "Bad Request: PHOTO_INVALID_DIMENSIONS"
PHOTO_TOO_BIG = "Bad Request: file is too big"
PHOTO_ADDRESS = "Bad Request: wrong file identifier/HTTP URL specified"
WEBHOOK_ACTIVE = (
    "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
)
OTHER_POLL = "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
BLOCKED = "Forbidden: bot was blocked by the user"
_DESCRIPTIONS = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden: bot is not a member of the channel chat",
    404: "Not Found",
    409: "Conflict",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
}


class Refusal(Exception):
    """A call that is refused, with the answer it gets."""

    def __init__(self, description: str, code: int = 400, **parameters: Any) -> None:
        super().__init__(description)
        self.answer = failed(code, description, parameters)


def ok(result: Any) -> Answer:
    """`ok`: true, and the result."""
    return answer_json({"ok": True, "result": result})


def failed(code: int, description: str | None = None, parameters: dict[str, Any] | None = None) -> Answer:
    """`ok`: false; the HTTP status is the error code."""
    body: dict[str, Any] = {"ok": False, "error_code": code, "description": description or _DESCRIPTIONS.get(code, "")}
    if parameters:
        body["parameters"] = parameters
    return answer_json(body, code)


def limited(wait: float) -> Answer:
    """429, with the whole seconds to wait in the body and in the header."""
    seconds = max(1, math.ceil(wait))
    answer = failed(429, f"Too Many Requests: retry after {seconds}", {"retry_after": seconds})
    return replace(answer, headers={"Retry-After": str(seconds)})


def faulty(fault: FaultRequest) -> Answer:
    """The answer that a fault wants: error_json, error_after, rate_limit, revoked or code."""
    if fault.kind == "rate_limit":
        return limited(7 if fault.retry_after is None else fault.retry_after)
    default = {"revoked": 401, "code": 400}.get(fault.kind, 500)
    return failed(fault.code or fault.status or default, fault.message)


# A Bot API call's arguments, however they came: JSON, form, multipart or query; objects may stand as JSON text.

_EXTRAS: tuple[str, ...] = ("url", "language", "custom_emoji_id")


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a method: its arguments, its files, when it is handled (seconds since the epoch)."""

    method: str
    arguments: Mapping[str, Any]
    files: Mapping[str, Upload]
    at: float

    @classmethod
    def of(cls, method: str, asked: Asked) -> Call:
        """The call that a request makes."""
        return cls(method, asked.arguments(), asked.files, asked.at)

    def text(self, name: str) -> str:
        """An argument as text; "" when it wasn't given."""
        value = self.arguments.get(name)
        return "" if value is None else str(value)

    def number(self, name: str) -> int:
        """An argument as a whole number; 0 when it is none."""
        text = self.text(name)
        return int(text) if text.removeprefix("-").isdecimal() else 0

    def flag(self, name: str, *, default: bool = False) -> bool:
        """An argument that is true or false."""
        text = self.text(name).lower()
        return text in {"true", "1"} if text else default

    def structure(self, name: str) -> Any:
        """An argument that is an object or a list, also as JSON text. Raises Refusal."""
        value = self.arguments.get(name)
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value)
        except ValueError as error:
            raise Refusal("Bad Request: can't parse JSON object") from error

    def words(self, field: str) -> Parsed:
        """The text or caption by its `parse_mode`, or with the entities it brings. Raises Refusal."""
        mode = self.text("parse_mode").lower()
        if mode == "html":
            try:
                return parse_html(self.text(field))
            except Unparsable as error:
                raise Refusal(f"Bad Request: can't parse entities: {error}") from error
        if mode:
            raise Refusal("Bad Request: unsupported parse_mode")
        given = self.structure("entities" if field == "text" else "caption_entities")
        if not isinstance(given, list):
            given = []
        return trim(Parsed(self.text(field), tuple(_read_entity(entity) for entity in given)))

    def source(self, field: str) -> str | None:
        """The markup a text came as; None for a plain one."""
        return self.text(field) if self.text("parse_mode") else None


def _read_entity(given: Any) -> Entity:
    if not isinstance(given, dict):
        raise Refusal("Bad Request: can't parse MessageEntity: expected an Object")
    offset, length = given.get("offset"), given.get("length")
    if not isinstance(offset, int) or not isinstance(length, int):
        raise Refusal("Bad Request: can't parse MessageEntity: offset and length must be Integers")
    extra = {name: str(given[name]) for name in _EXTRAS if name in given}
    return Entity(str(given.get("type")), offset, length, extra)


# Telegram's chats: how they are named, what kind they are, how fast one may write to them, and where they moved.

_USERNAME = re.compile(r"@[A-Za-z]\w{3,31}")


@dataclass(frozen=True, slots=True)
class Chat:
    """A chat: `name` is how the sandbox files it, "@username" where it has one, else its id.

    `linked` is the group in which a channel's posts are talked about.
    """

    name: str
    id: int
    linked: bool = False

    @property
    def kind(self) -> str:
        """What the Bot API calls it: "channel", "supergroup", "group" or "private"."""
        if self.linked:
            return "supergroup"
        if self.id > 0:
            return "private"
        return "channel" if str(self.id).startswith("-100") else "group"

    def as_json(self) -> dict[str, Any]:
        """The chat as it stands in a message."""
        shown: dict[str, Any] = {"id": self.id, "type": self.kind}
        if self.kind == "private":
            return shown | {"first_name": f"Sandbox reader {self.id}"}
        shown["title"] = f"Sandbox {self.kind} {self.name}"
        return shown | ({"username": self.name[1:]} if self.name.startswith("@") else {})

    def address(self, message: int) -> str:
        """Where a message is seen: by username, or for members alone."""
        if self.name.startswith("@"):
            return f"https://t.me/{self.name[1:]}/{message}"
        return f"https://t.me/c/{str(self.id).removeprefix('-100')}/{message}"


def is_private(name: str) -> bool:
    """Whether a chat that is filed so is somebody's own with the bot."""
    return name.isdecimal()


class Chats:
    """Every chat there could be: any `-100…`, any other id, any well-formed `@name`."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._names = {
            _id_for(post.channel.lower()): post.channel
            for post in state.posts("telegram").values()
            if post.channel.startswith("@")
        }

    def find(self, chat_id: str) -> Chat:
        """The chat that a call names. Raises Refusal where there is none, or where it moved to another id."""
        text = chat_id.strip()
        if not text:
            raise Refusal(CHAT_ID_EMPTY)
        # Telegram doesn't follow a chat that moved: it tells the new id, and the caller has to use it.
        if text in self._state.moved:
            raise Refusal(UPGRADED, migrate_to_chat_id=int(self._state.moved[text]))
        if _USERNAME.fullmatch(text):
            id_ = _id_for(text.lower())
            return Chat(self._names.setdefault(id_, text), id_)
        if re.fullmatch(r"-?[1-9]\d{0,18}", text):
            return Chat(self._names.get(int(text), text), int(text), text in self._state.linked.values())
        raise Refusal(CHAT_NOT_FOUND)

    def group_of(self, channel: Chat) -> Chat | None:
        """Where the posts of a channel are talked about; None when nowhere."""
        group = self._state.linked.get(channel.name)
        return self.find(group) if group else None

    def show(self, chat_id: str) -> dict[str, Any]:
        """A ChatFullInfo: the chat, and the one that it is linked with. Raises Refusal."""
        chat = self.find(chat_id)
        channels = {group: name for name, group in self._state.linked.items()}
        other = channels.get(str(chat.id)) if chat.linked else self._state.linked.get(chat.name)
        return chat.as_json() | ({"linked_chat_id": self.find(other).id} if other else {})


class Pace:
    """How fast one may write: 1/s a chat with a short burst, 20 a minute to what isn't a person, 30/s in all."""

    BURST = 4

    def __init__(self) -> None:
        self._all = RunningWindow(30, 1.0)
        self._buckets: dict[int, Bucket] = {}
        self._minutes: dict[int, RunningWindow] = {}

    def take(self, chat: Chat, now: float) -> float:
        """Count one message to this chat and return 0, or the seconds to wait."""
        windows: list[RunningWindow | Bucket] = [self._all, self._buckets.setdefault(chat.id, Bucket(1.0, self.BURST))]
        if chat.kind != "private":
            windows.append(self._minutes.setdefault(chat.id, RunningWindow(20, 60.0)))
        wait = max(window.wait(now) for window in windows)
        if wait == 0:
            for window in windows:
                window.count(now)
        return wait


def bot() -> dict[str, Any]:
    """The bot itself, as a User."""
    return {"id": TELEGRAM_BOT_ID, "is_bot": True, "first_name": "Tocsin sandbox", "username": TELEGRAM_BOT_USERNAME}


def member() -> dict[str, Any]:
    """The bot as a ChatMember without any right."""
    return {"status": "member", "user": bot()}


def administrator() -> dict[str, Any]:
    """The bot as a ChatMember: an administrator with every right."""
    rights = (
        "can_manage_chat can_change_info can_post_messages can_edit_messages can_delete_messages can_invite_users "
        "can_restrict_members can_promote_members can_manage_video_chats can_post_stories can_edit_stories "
        "can_delete_stories can_pin_messages"
    )
    allowed = dict.fromkeys(rights.split(), True)
    return {"status": "administrator", "user": bot(), "can_be_edited": False, "is_anonymous": False, **allowed}


def group_for(channel: Chat) -> int:
    """The id that a channel's group gets when nobody chose one."""
    return _id_for(f"{channel.id}/discussion")


def _id_for(username: str) -> int:
    return -int(f"100{int(hashlib.sha256(username.encode()).hexdigest()[:12], 16) % 9_000_000_000 + 1_000_000_000}")


# What the Bot API takes for a poll.

QUESTION_LIMIT = 300
OPTION_LIMIT = 100
MOST_OPTIONS = 12
LONGEST_OPEN = 2_628_000
SHORTEST_OPEN = 5


def read_poll(call: Call) -> dict[str, Any]:
    """The poll that a call asks for, without its id. Raises Refusal."""
    question, options = call.text("question").strip(), _options(call)
    if not question or units(question) > QUESTION_LIMIT:
        raise Refusal(f"Bad Request: poll question must have from 1 to {QUESTION_LIMIT} characters")
    seconds = _open_for(call)
    anonymous = call.flag("is_anonymous", default=True)
    if not anonymous and str(call.text("chat_id")).startswith("@"):
        raise Refusal("Bad Request: non-anonymous polls can't be sent to channel chats")
    shown: dict[str, Any] = {
        "is_anonymous": anonymous,
        "type": call.text("type") or "regular",
        "allows_multiple_answers": call.flag("allows_multiple_answers"),
        "allows_revoting": call.flag("allows_revoting", default=True),
        "members_only": call.flag("members_only"),
    }
    if seconds is not None:
        shown["close_date"] = int(call.at + seconds)
    return {
        "question": question,
        "options": [{"text": option, "votes": 0} for option in options],
        "closes_at": None if seconds is None else call.at + seconds,
        "closed": False,
        "told": shown,
    }


def _options(call: Call) -> list[str]:
    given = call.structure("options")
    options = [str(each.get("text", "") if isinstance(each, dict) else each) for each in given or ()]
    if not options:
        raise Refusal("Bad Request: poll must have at least 1 option")
    if len(options) > MOST_OPTIONS:
        raise Refusal(f"Bad Request: poll can't have more than {MOST_OPTIONS} options")
    if any(not 0 < units(option.strip()) <= OPTION_LIMIT for option in options):
        raise Refusal(f"Bad Request: poll options length must not exceed {OPTION_LIMIT}")
    return options


def _open_for(call: Call) -> float | None:
    """Seconds for which it takes votes; None: until it is stopped."""
    if not call.text("open_period") and not call.text("close_date"):
        return None
    seconds = float(call.number("open_period")) or call.number("close_date") - call.at
    if not SHORTEST_OPEN <= seconds <= LONGEST_OPEN:
        raise Refusal("Bad Request: invalid poll close date or open period")
    return seconds
