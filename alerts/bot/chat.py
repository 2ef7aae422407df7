"""What a conversation is made of: what somebody did in a chat, what is known beside it, and what the bot says.

`read_update` reads an update of the Bot API into a `ChatEvent`; names and usernames are not taken along, and what is
typed or pressed stands in no `repr`, so in no log. `Kept` is all that is kept of the chat, `TownNow` the town at that
moment: its districts, what is on in each language, how fresh each source is. A `BotReply` is what to say (`Say`, in
Telegram's HTML) and what to keep or forget by it.
"""

from __future__ import annotations

import hashlib
import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alerts.model.bounds import bounded, seen, shown, utf16_units, visible
from alerts.model.ports import Keyboard
from alerts.model.subscriber import Asked, Subscriber
from alerts.model.town import District
from alerts.rendering.i18n import Words, read_words

SPOKEN = {"fr": "Français", "en": "English"}
"""The languages of the bot, each by its own name."""
LONGEST_DATA = 64
"""Bytes of a button's data (Bot API, InlineKeyboardButton)."""
LONGEST_TEXT = 4096
"""UTF-16 units of a message, its markup not counted (Bot API, sendMessage)."""
_LOCALE = Path(__file__).parent / "locale"
_LONGEST_WORD = 200
"""Characters of a button's data, an id or a language's tag that are read; none that Telegram sends has as many."""
# No id has more than 52 bits (Bot API, "Chat").
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
    text = bounded(said, LONGEST_TEXT) if isinstance(said, str) else ""
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


# --- what is known and said -----------------------------------------------------------------------------------------


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


if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry


@dataclass(frozen=True, slots=True)
class On:
    """What is on, in one language: its title, what to know in two lines, and its page (None: there is none)."""

    title: str
    summary: str
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Fresh:
    """A source, when it was last read well, and whether that is too long ago."""

    title: str
    last_ok: datetime | None
    stale: bool = False


@dataclass(frozen=True)
class TownNow:
    """All that the conversation knows: the station, its districts, what is on, and how fresh that knowledge is.

    `language` is the station's tag; `on` has a list for each language. `page` is the town's own page.
    """

    name: str
    language: str = "fr-FR"
    zone: tzinfo = UTC
    districts: tuple[District, ...] = ()
    on: Mapping[str, Sequence[On]] = field(default_factory=dict)
    sources: Sequence[Fresh] = ()
    page: str | None = None

    def district(self, key: str) -> District | None:
        """The district of that `key_of`; None where the boundary file has none any more."""
        return next((each for each in self.districts if key_of(each.code) == key), None)

    def around(self, latitude: float, longitude: float) -> District | None:
        """The district on whose ground a place lies."""
        # shapely takes 60 ms to import: only who sends a place pays.
        from shapely.geometry import Point  # noqa: PLC0415

        place = Point(longitude, latitude)
        return next((each for each in self.districts if _ground(each).covers(place)), None)

    def names(self, codes: frozenset[str]) -> list[str]:
        """The names of districts in the order of the boundary file; of one that is gone, its code."""
        known = {each.code: each.name for each in self.districts}
        there = [name for code, name in known.items() if code in codes]
        return there + sorted(codes - known.keys())


@lru_cache(maxsize=2048)
def _ground(district: District) -> BaseGeometry:
    """Its outline, made ready once: a hundred detailed ones take a second, for which everything else would wait."""
    from shapely import make_valid, prepare  # noqa: PLC0415
    from shapely.geometry import shape  # noqa: PLC0415

    ground = make_valid(shape(dict(district.outline)))
    prepare(ground)
    return ground


def key_of(code: str) -> str:
    """A district's code as short as a button's data must be, whatever its length."""
    return hashlib.sha256(code.encode()).hexdigest()[:10]
