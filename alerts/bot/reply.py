"""What the bot answers, in the reader's language, and what it keeps or forgets by it."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from alerts.model.characters import seen, shown, utf16_units, visible
from alerts.model.ports import Keyboard
from alerts.model.subscriber import Asked, Subscriber
from alerts.rendering.i18n import Words, read_words

SPOKEN = {"fr": "Français", "en": "English"}
"""The languages of the bot, each by its own name."""
LONGEST_DATA = 64
"""Bytes of a button's data (Bot API, InlineKeyboardButton)."""
LONGEST_TEXT = 4096
"""UTF-16 units of a message, its markup not counted (Bot API, sendMessage)."""
_LOCALE = Path(__file__).parent / "locale"


def words_of(language: str) -> Words:
    """The sentences of a language."""
    return read_words(_LOCALE, language)


def language_for(told: str | None, station: str) -> str:
    """What to speak with somebody whose app says `told`: that if the bot knows it, else the station's, else English."""
    asked = [tag.split("-", 1)[0].lower() for tag in (told or "", station)]
    return next((each for each in asked if each in SPOKEN), "en")


def commands(language: str) -> Mapping[str, str]:
    """What the bot's commands do, by their names, in a language."""
    _ = words_of(language).gettext
    return {
        "start": _("Subscribe"),
        "now": _("What is on"),
        "settings": _("Your choices"),
        "language": _("The language"),
        "test": _("A test message"),
        "stop": _("No more alerts"),
        "mydata": _("What is kept"),
        "forget": _("Remove everything"),
    }


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
class BotReply:
    """What to say, in order; what to keep of the chat from now on, or that all of it is to be forgotten.

    `toast` is what somebody who pressed a button sees for a moment.
    """

    says: tuple[Say, ...] = ()
    keeps: Subscriber | None = None
    forgets: bool = False
    toast: str = ""


@dataclass(frozen=True, slots=True)
class Kept:
    """All that is kept of a chat: its choices, what it was told, the account that it belongs to.

    `received` are incidents, each with the number of the message that tells of it, and when that was; `held` what waits
    for it, and until when; `told` the alerts that it was told wait for a validation, and when; `asked` of what it was
    asked the reason.
    """

    subscriber: Subscriber | None = None
    received: Sequence[tuple[str, int, datetime]] = ()
    account: str | None = None
    held: Sequence[tuple[str, datetime]] = ()
    told: Mapping[str, datetime] = field(default_factory=dict)
    asked: Asked | None = None

    @property
    def nothing(self) -> bool:
        """Whether there is nothing to show or forget."""
        return self.subscriber is None and not self.received and self.account is None


def buttons(*rows: Sequence[tuple[str, str]]) -> Keyboard:
    """Rows of buttons, each with what it says and the data it sends."""
    return {
        "inline_keyboard": [[{"text": seen(text), "callback_data": data} for text, data in row] for row in rows if row]
    }


def safe(text: str) -> str:
    """A text in Telegram's HTML; what can't be seen in it is written out, and turns nothing around."""
    return html.escape(shown(text), quote=False)


def length_of(text: str) -> int:
    """How long Telegram takes a text in its HTML to be."""
    return utf16_units(visible(text))


def pieces(text: str, most: int) -> list[str]:
    """A plain text in pieces of at most so many units, whatever its characters are."""
    found, piece, size = [], "", 0
    # Character by character: one beyond the basic plane is two units, and must not be cut in half.
    for character in shown(text):
        if size + utf16_units(character) > most:
            found.append(piece)
            piece, size = "", 0
        piece += character
        size += utf16_units(character)
    return [*found, piece]


def link(text: str, url: str) -> str:
    """A link in Telegram's HTML."""
    return f'<a href="{html.escape(url)}">{safe(text)}</a>'
