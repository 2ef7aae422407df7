"""Telegram's chats: how they are named, what kind they are, how fast one may write to them, and where they moved."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Any

from tocsin_sandbox.settings import TELEGRAM_BOT_ID, TELEGRAM_BOT_USERNAME
from tocsin_sandbox.state import State
from tocsin_sandbox.telegram.answers import CHAT_ID_EMPTY, CHAT_NOT_FOUND, UPGRADED, Refusal
from tocsin_sandbox.windows import Bucket, RunningWindow

_USERNAME = re.compile(r"@[A-Za-z]\w{3,31}")


@dataclass(frozen=True, slots=True)
class Chat:
    """A chat: `name` is how the sandbox files it, "@username" where it has one, else its id."""

    name: str
    id: int

    @property
    def kind(self) -> str:
        """What the Bot API calls it: "channel", "group" or "private"."""
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
        if text in self._state.moved:
            raise Refusal(UPGRADED, migrate_to_chat_id=int(self._state.moved[text]))
        if _USERNAME.fullmatch(text):
            id_ = _id_for(text.lower())
            return Chat(self._names.setdefault(id_, text), id_)
        if re.fullmatch(r"-?[1-9]\d{0,18}", text):
            return Chat(self._names.get(int(text), text), int(text))
        raise Refusal(CHAT_NOT_FOUND)


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


def administrator() -> dict[str, Any]:
    """The bot as a ChatMember: an administrator with every right."""
    rights = (
        "can_manage_chat can_change_info can_post_messages can_edit_messages can_delete_messages can_invite_users "
        "can_restrict_members can_promote_members can_manage_video_chats can_post_stories can_edit_stories "
        "can_delete_stories can_pin_messages"
    )
    allowed = dict.fromkeys(rights.split(), True)
    return {"status": "administrator", "user": bot(), "can_be_edited": False, "is_anonymous": False, **allowed}


def _id_for(username: str) -> int:
    return -int(f"100{int(hashlib.sha256(username.encode()).hexdigest()[:12], 16) % 9_000_000_000 + 1_000_000_000}")
