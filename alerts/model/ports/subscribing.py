"""Those who subscribed with a bot, as the store keeps them, and what speaks to one of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

Keyboard = Mapping[str, Any]
"""A `reply_markup` of the Bot API: buttons under a message, or in place of the keyboard."""


@dataclass(frozen=True, slots=True)
class Linked:
    """A chat in which an account is told what waits. `chat` stands in no log."""

    channel: str
    chat: int = field(repr=False)
    account: str


@dataclass(frozen=True, slots=True)
class Asked:
    """Why this alert is not to go out, was asked by this message of the chat, then."""

    alert: str
    message: int
    at: datetime


class BotClient(Protocol):
    """The whole way between a bot and Telegram. Every call raises DeliveryError where it fails."""

    async def say(self, chat: int, text: str, keyboard: Keyboard | None = None, edit: int | None = None) -> int:
        """Say `text` (Telegram's HTML), or put it in place of the message `edit`; the message's number.

        Raises ReaderGone where nobody reads in that chat any more, ChatMoved where it has another id.
        """
        ...

    async def show(self, chat: int, picture: str, caption: str) -> int:
        """Show the picture of that file, with plain words under it; the message's number."""
        ...

    async def me(self) -> str:
        """The bot's own username. Raises BadCredential where Telegram doesn't know the token."""
        ...

    async def updates(self, offset: int, seconds: float) -> Sequence[Mapping[str, Any]]:
        """What came from `offset` on, waiting for it as long as `seconds`. Raises Occupied."""
        ...

    async def answer_press(self, press: str, toast: str) -> None:
        """End the waiting of who pressed a button, with a word where there is one."""
        ...

    async def is_admin(self, chat: int, user: int) -> bool:
        """Whether a user may speak for a group."""
        ...

    async def listen_at(self, url: str, secret: str) -> None:
        """Have updates brought to `url`, each with the secret."""
        ...

    async def listen_by_asking(self) -> None:
        """Have updates kept until they are asked for."""
        ...

    async def list_commands(self, commands: Mapping[str, str], language: str | None) -> None:
        """Show these commands, with what they do, to those whose app speaks `language` (None: everybody else)."""
        ...
