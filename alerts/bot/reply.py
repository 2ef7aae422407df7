"""What the bot answers, and what it keeps or forgets by it."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from alerts.model.ports import Keyboard
from alerts.model.subscriber import Subscriber

LONGEST_DATA = 64
"""Bytes of a button's data (Bot API, InlineKeyboardButton)."""


@dataclass(frozen=True, slots=True)
class Say:
    """One message, as Telegram's HTML. `edit`: it takes the place of that message of ours.

    `picture` is the file of a picture that is shown, with `text` in plain words under it.
    """

    text: str
    keyboard: Keyboard | None = None
    edit: int | None = None
    picture: str | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """What to say, in order; what to keep of the chat from now on, or that all of it is to be forgotten.

    `toast` is what somebody who pressed a button sees for a moment.
    """

    says: tuple[Say, ...] = ()
    keeps: Subscriber | None = None
    forgets: bool = False
    toast: str = ""


@dataclass(frozen=True, slots=True)
class Kept:
    """All that is kept of a chat: its choices, what it was told, the account that it belongs to."""

    subscriber: Subscriber | None = None
    received: Sequence[tuple[str, datetime]] = field(default_factory=tuple)
    account: str | None = None

    @property
    def nothing(self) -> bool:
        """Whether there is nothing to show or forget."""
        return self.subscriber is None and not self.received and self.account is None


def buttons(*rows: Sequence[tuple[str, str]]) -> Keyboard:
    """Rows of buttons, each with what it says and the data it sends."""
    return {"inline_keyboard": [[{"text": text, "callback_data": data} for text, data in row] for row in rows if row]}


def safe(text: str) -> str:
    """A text in Telegram's HTML."""
    return html.escape(text, quote=False)


def link(text: str, url: str) -> str:
    """A link in Telegram's HTML."""
    return f'<a href="{html.escape(url)}">{safe(text)}</a>'
