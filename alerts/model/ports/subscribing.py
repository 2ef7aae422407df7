"""Those who subscribed with a bot, as the store keeps them, and what speaks to one of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from alerts.model.subscriber import Subscriber

Keyboard = Mapping[str, Any]
"""A `reply_markup` of the Bot API: buttons under a message, or in place of the keyboard."""


class Subscribers(Protocol):
    """The subscribers of every channel, within one transaction. A chat is never named in a log."""

    def get(self, channel: str, chat: int) -> Subscriber | None:
        """What that chat chose; None for a stranger."""
        ...

    def put(self, channel: str, subscriber: Subscriber) -> None:
        """Keep what a chat chose, in place of what it had chosen."""
        ...

    def forget(self, channel: str, chat: int) -> None:
        """Remove every row of that chat, wherever it stands."""
        ...

    def moved(self, channel: str, old: int, new: int) -> None:
        """A group became a supergroup: all that was kept of `old` is `new`'s."""
        ...

    def slice(self, channel: str, after: int | None, most: int) -> Sequence[Subscriber]:
        """The next subscribers that are on, in the order of their chats, from behind the chat `after`."""
        ...

    def count(self, channel: str) -> int:
        """How many are on."""
        ...

    def all(self) -> Iterator[tuple[str, Subscriber]]:
        """Everybody, with their channel: also those who paused or never came to an end of choosing."""
        ...

    def received(self, channel: str, chat: int) -> Sequence[tuple[str, int, datetime]]:
        """The incidents that a chat was told of, the number of the message, and when."""
        ...

    def held(self, channel: str, chat: int) -> Sequence[tuple[str, datetime]]:
        """The posts that wait for a chat's morning, or for what else comes, and until when."""
        ...

    def offset(self, channel: str) -> int:
        """The first update that wasn't handled yet; 0 where there was none."""
        ...

    def handled(self, channel: str, offset: int) -> None:
        """Every update before `offset` was handled."""
        ...


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


class OfficerChats(Protocol):
    """Which private chats belong to accounts, within one transaction."""

    def offer(self, digest: str, account: str, until: datetime) -> None:
        """Let the code of this digest link a chat to the account, once; an earlier code of it is void."""
        ...

    def redeem(self, digest: str, now: datetime) -> str | None:
        """The account of the code, which is used up by this; None where there is none, or it is too late."""
        ...

    def link(self, linked: Linked) -> None:
        """Bind a chat to an account, in place of any other account."""
        ...

    def unlink(self, channel: str, chat: int) -> None:
        """Bind that chat to nobody; what it was told, and asked, is forgotten."""
        ...

    def release(self, account: str) -> int:
        """Bind no chat to that account any more, and let no code do so; how many chats there were."""
        ...

    def linked(self, channel: str, chat: int) -> str | None:
        """The account of that chat."""
        ...

    def of(self, account: str) -> Sequence[Linked]:
        """The chats of an account."""
        ...

    def all(self, channel: str) -> Sequence[Linked]:
        """Every linked chat of a channel's bot."""
        ...

    def told(self, channel: str, chat: int) -> Mapping[str, datetime]:
        """The alerts that a chat was told wait, and when it was told last."""
        ...

    def tell(self, channel: str, chat: int, alert: str, now: datetime) -> None:
        """The chat was told that this alert waits."""
        ...

    def settle(self, channel: str, chat: int, alert: str) -> None:
        """The chat was told how it ended, and nobody is asked about it any more."""
        ...

    def ask(self, channel: str, chat: int, asked: Asked) -> None:
        """The chat was asked why, in place of what it was asked before."""
        ...

    def asked(self, channel: str, chat: int) -> Asked | None:
        """What the chat was asked last and hasn't answered; None: nothing."""
        ...

    def unask(self, channel: str, chat: int) -> None:
        """The chat is asked nothing any more."""
        ...


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
