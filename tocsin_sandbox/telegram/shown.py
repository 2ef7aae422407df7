"""Messages as the Bot API writes them: who sent them, what they answer, what is in them."""

from __future__ import annotations

import json
from typing import Any

from tocsin_sandbox.state import Post, State
from tocsin_sandbox.telegram.calls import Chat, Chats, bot

_ITSELF = {"id": 777000, "is_bot": False, "first_name": "Telegram"}
_UNNAMED = {"id": 1087968824, "is_bot": True, "first_name": "Group", "username": "GroupAnonymousBot"}
_CHANNEL = {"id": 136817688, "is_bot": True, "first_name": "Channel", "username": "Channel_Bot"}


class Shown:
    """Shows what the chats hold."""

    def __init__(self, state: State, chats: Chats) -> None:
        self._state = state
        self._chats = chats

    def message(self, post: Post, *, whole: bool = True) -> dict[str, Any]:
        """A Message; what it answers only where it is `whole`, for Telegram goes no deeper."""
        chat = self._chats.find(post.channel)
        shown: dict[str, Any] = {"message_id": int(post.id), **self._author(chat, post), "chat": chat.as_json()}
        shown["date"] = int(post.created_at)
        field = "caption" if post.media else "text"
        poll = self.poll_of(post)
        optional = {
            "edit_date": int(post.edited_at) if post.edited_at else None,
            "message_thread_id": int(post.thread) if post.thread else None,
            "reply_to_message": self._parent(post) if whole else None,
            "reply_markup": json.loads(post.buttons) if post.buttons else None,
            "photo": show_photo(self._state, post.media[0]) if post.media else None,
            "poll": show_poll(poll) if poll else None,
            field: None if poll else post.text,
            "entities" if field == "text" else "caption_entities": list(post.entities),
            **self._forwarded(post),
        }
        return shown | {name: value for name, value in optional.items() if value}

    def poll_of(self, post: Post) -> Any:
        """The poll in a message; a forward bears the very poll of the message it was made of."""
        origin = self._state.posts("telegram").get(post.origin) if post.origin else None
        return (origin or post).poll

    def _author(self, chat: Chat, post: Post) -> dict[str, Any]:
        if post.origin:
            return {"from": _ITSELF, "sender_chat": self._chats.find(post.origin.rpartition("/")[0]).as_json()}
        if chat.kind == "channel":
            return {"sender_chat": chat.as_json()}
        if not post.foreign:
            return {"from": bot()}
        if post.speaks == "admin":
            return {"from": _UNNAMED, "sender_chat": chat.as_json()}
        if post.speaks == "channel":
            named = {"id": int(post.author_id), "title": post.author or "Channel", "type": "channel"}
            return {"from": _CHANNEL, "sender_chat": named}
        return {"from": person(post)}

    def _parent(self, post: Post) -> dict[str, Any] | None:
        parent = self._state.find("telegram", post.parent) if post.parent else None
        return self.message(parent, whole=False) if parent else None

    def _forwarded(self, post: Post) -> dict[str, Any]:
        origin = self._state.posts("telegram").get(post.origin) if post.origin else None
        if origin is None:
            return {}
        shown = {"chat": self._chats.find(origin.channel).as_json(), "message_id": int(origin.id)}
        return {
            "is_automatic_forward": True,
            "forward_origin": {"type": "channel", **shown, "date": int(origin.created_at)},
        }


def person(post: Post) -> dict[str, Any]:
    """Who wrote it, as a User."""
    user = {"id": int(post.author_id or 1), "is_bot": False, "first_name": post.author or "User"}
    return user | ({"language_code": post.language} if post.language else {})


def show_photo(state: State, id_: str) -> list[dict[str, Any]]:
    """A message's `photo`: the sizes there are of it, here one."""
    medium = state.medium("telegram", id_)
    width, height, size = (medium.width, medium.height, medium.size) if medium else (0, 0, 0)
    return [{"file_id": id_, "file_unique_id": id_, "width": width, "height": height, "file_size": size}]


def show_poll(poll: Any) -> dict[str, Any]:
    """A Poll: its options with their votes; each person here chose one."""
    options = [
        {"persistent_id": str(place), "text": option["text"], "voter_count": option["votes"]}
        for place, option in enumerate(poll["options"])
    ]
    return {
        "id": poll["id"],
        "question": poll["question"],
        "options": options,
        "total_voter_count": sum(option["voter_count"] for option in options),
        "is_closed": poll["closed"],
        **poll["told"],
    }
