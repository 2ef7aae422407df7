"""A sitting of the desk: all that belongs to it within one transaction. What is read there is what is decided on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, TypeVar

from alerts.desk.actions import Desk
from alerts.desk.workshop import Workshop
from alerts.model.ports import Accounts, Books, Drafts, Ledger, OfficerChats, Replies, Subscribers, Views

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Sitting:
    """The books, the people, what they typed, the record of what they do, and the desk that decides, at `now`.

    `replies` are what programs were answered, `subscribers` those who subscribed with a bot, `officer_chats` the chats
    of accounts.
    """

    books: Books
    views: Views
    accounts: Accounts
    drafts: Drafts
    ledger: Ledger
    desk: Desk
    now: datetime
    new_id: Callable[[], str]
    replies: Replies
    subscribers: Subscribers
    officer_chats: OfficerChats


class Office(Protocol):
    """What console, API and bot act through: the house gives it to them.

    An action that raises has stored nothing.
    """

    def now(self) -> datetime:
        """The time, aware, in UTC."""
        ...

    async def act(self, action: Callable[[Sitting], T]) -> T:
        """Carry out in one durable transaction; then wake the lanes and tell those who watch."""
        ...

    async def ask(self, question: Callable[[Sitting], T]) -> T:
        """Answer a question; nothing can be written."""
        ...

    async def sketch(self, action: Callable[[Sitting], T], incident: str | None = None) -> T:
        """What an action would come to, without touching the database: knowing one incident of it, or nothing."""
        ...

    async def sources(self) -> Sequence[Mapping[str, Any]]:
        """How each source is doing, as `status --json` has it."""
        ...

    async def channels(self) -> Sequence[Mapping[str, Any]]:
        """How each channel is doing, as `status --json` has it, with `followers` where its platform told."""
        ...

    def workshop(self) -> Workshop:
        """Where lines of channels.toml are checked and tried."""
        ...

    async def keep_picture(self, data: bytes, kind: str) -> str:
        """Keep a picture of that MIME type for good, beside the database; the name it has from its content."""
        ...

    def picture(self, name: str) -> Path | None:
        """The file of a picture that was kept under that name."""
        ...

    def watch(self) -> AbstractContextManager[AsyncIterator[str]]:
        """The ids of incidents as something about them changes; an empty id: look at everything again."""
        ...
