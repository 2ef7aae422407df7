"""What somebody did in a chat, read from an update of the Bot API. Names, numbers and usernames are not taken along."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from alerts.model.characters import bounded

_LONGEST_TEXT, _LONGEST_WORD = 4096, 200
"""Characters of a message (Bot API, sendMessage), and of a button's data, an id or a language's tag."""
_HIGHEST = 2**53


@dataclass(frozen=True, slots=True)
class Command:
    """`/name argument`."""

    name: str
    argument: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Press:
    """A button under our message number `message`; `id` is what the press is answered by."""

    data: str = field(repr=False)
    id: str = field(repr=False)
    message: int


@dataclass(frozen=True, slots=True)
class Place:
    """A location that was sent."""

    latitude: float = field(repr=False)
    longitude: float = field(repr=False)


@dataclass(frozen=True, slots=True)
class FreeText:
    """Anything else. What it says is nothing to us, except where an officer was asked something."""

    text: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Left:
    """The bot was blocked, or thrown out of the chat."""


@dataclass(frozen=True, slots=True)
class Moved:
    """The group became a supergroup, whose chat is `to`."""

    to: int = field(repr=False)


What = Command | Press | Place | FreeText | Left | Moved


@dataclass(frozen=True, slots=True)
class ChatEvent:
    """What happened in which chat. `language` is what the app of whoever did it speaks.

    `asker` is asked about in a group (may they?) and then forgotten; None: an administrator who stays unnamed.
    """

    chat: int = field(repr=False)
    private: bool
    what: What
    language: str | None = None
    asker: int | None = field(default=None, repr=False)


def read_update(update: Mapping[str, Any], username: str) -> ChatEvent | None:
    """What an update tells; None where it is nothing to us. `username` is the bot's own, by which groups call it."""
    if press := _part(update, "callback_query"):
        return _pressed(press)
    if change := _part(update, "my_chat_member"):
        # Other changes are of rights, and what the bot may do shows when it does it.
        status = _part(change, "new_chat_member").get("status")
        return _event(change, Left()) if status in ("kicked", "left") else None
    message = _part(update, "message")
    return _said(message, username) if message else None


def _pressed(press: Mapping[str, Any]) -> ChatEvent | None:
    message, data, identity = _part(press, "message"), press.get("data"), press.get("id")
    number = _number(message.get("message_id"))
    if not (isinstance(data, str) and isinstance(identity, str) and number is not None):
        return None
    return _event({**message, "from": press.get("from")}, Press(data[:_LONGEST_WORD], identity[:_LONGEST_WORD], number))


def _said(message: Mapping[str, Any], username: str) -> ChatEvent | None:
    # Told once, by a service message in the old chat: afterwards every call there is refused.
    if (to := _number(message.get("migrate_to_chat_id"))) is not None:
        return _event(message, Moved(to))
    if place := _part(message, "location"):
        return _event(message, _place(place))
    said = message.get("text")
    text = bounded(said, _LONGEST_TEXT) if isinstance(said, str) else ""
    if text.startswith("/"):
        return _commanded(message, text, username)
    # That somebody joined or left comes in the form of a message, and is to be answered by nobody.
    is_service = "from" not in message or any(key.startswith(("new_chat", "left_chat", "group_")) for key in message)
    is_private = _part(message, "chat").get("type") == "private"
    return None if is_service else _event(message, FreeText(text if is_private else ""))


def _place(place: Mapping[str, Any]) -> What:
    latitude, longitude = place.get("latitude"), place.get("longitude")
    if not isinstance(latitude, int | float) or not isinstance(longitude, int | float):
        return FreeText()
    try:
        return Place(float(latitude), float(longitude))
    except OverflowError:  # digits without end
        return FreeText()


def _commanded(message: Mapping[str, Any], text: str, username: str) -> ChatEvent | None:
    """In a group, a command is ours only when it names us: others' bots may sit there too.

    But for a code that links a chat, whoever it was meant for: others have read it.
    """
    first, _, argument = text[1:].partition(" ")
    name, _, whom = first.partition("@")
    is_private = _part(message, "chat").get("type") == "private"
    # "/stop@other_bot" reaches every bot of a group that may read there.
    if whom.lower() != username.lower() and (whom or not (is_private or name.lower() == "link")):
        return None
    return _event(message, Command(name.lower(), argument.strip()))


def _event(message: Mapping[str, Any], what: What) -> ChatEvent | None:
    chat, sender = _part(message, "chat"), _part(message, "from")
    identity, kind, language = _number(chat.get("id")), chat.get("type"), sender.get("language_code")
    if identity is None or kind not in ("private", "group", "supergroup"):
        return None
    # An administrator who stays unnamed speaks as the group itself (Bot API, "Message", sender_chat).
    unnamed = _part(message, "sender_chat").get("id") == identity
    asker = _number(sender.get("id"))
    if asker is None and not unnamed and not isinstance(what, Moved):
        return None
    return ChatEvent(
        chat=identity,
        private=kind == "private",
        what=what,
        language=language[:_LONGEST_WORD] if isinstance(language, str) else None,
        asker=asker if not unnamed else None,
    )


def _part(of: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = of.get(name)
    return part if isinstance(part, dict) else {}


def _number(told: object) -> int | None:
    """An id or a number as Telegram has them, of 52 bits at most; None for anything else."""
    return told if isinstance(told, int) and not isinstance(told, bool) and abs(told) < _HIGHEST else None
