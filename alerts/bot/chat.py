"""The parts of a conversation: the event in a chat, the known facts, and the bot's messages.

`read_update` reads an update of the Bot API into a `ChatEvent`, without names and usernames; typed and pressed input is
in no `repr`, so in no log. `Kept` is all that is stored of the chat, `TownNow` the town at that moment: its districts,
the current alerts in each language, the freshness of each source. A `BotReply` has the messages to send (`Say`, in
Telegram's HTML) and the data to store or forget.
"""

from __future__ import annotations

import hashlib
import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any

from alerts.desk.territory import district_at
from alerts.model.bounds import bounded, seen, shown, table, tables, utf16_units, visible
from alerts.model.hazard import fold
from alerts.model.listening import Remark, Utterance
from alerts.model.ports import Keyboard
from alerts.model.reports import BegunReport, CitizenReport
from alerts.model.subscriber import Asked, Subscriber
from alerts.model.town import District
from alerts.rendering.i18n import Words, read_words

SPOKEN = {"fr": "Français", "en": "English"}
"""The languages of the bot, each by its own name."""
ASKED = ("now", "question", "mydata", "forget")
"""The commands of a bot that people can't subscribe with."""
IN_FRENCH = {
    "now": "maintenant",
    "settings": "choix",
    "language": "langue",
    "stop": "arret",
    "mydata": "mesdonnees",
    "forget": "effacer",
    "help": "aide",
    "report": "signaler",
    "done": "fin",
    "poll": "consultation",
}
"""The French names of commands; both names are understood in each language, with and without accents."""
_BY_EITHER_NAME = {french: name for name, french in IN_FRENCH.items()}
OWN = frozenset(
    (*IN_FRENCH, "start", "question", "test", "link", "unlink"),
)
"""Every command that the bot knows, by its English name."""
LONGEST_DATA = 64
"""Bytes of a button's data (Bot API, InlineKeyboardButton)."""
LONGEST_TEXT = 4096
"""UTF-16 units of a message, its markup not counted (Bot API, sendMessage)."""
_LOCALE = Path(__file__).parent / "locale"
_LONGEST_WORD = 200
"""Characters of a button's data, an id or a language's tag that are read; none that Telegram sends has as many."""
# No id has more than 52 bits (Bot API, "Chat").
_HIGHEST = 2**53
# The last second that a clock here can tell (year 9999).
_LAST = 253_402_300_799


@dataclass(frozen=True, slots=True)
class Command:
    """`/name argument`."""

    name: str
    argument: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Said:
    """Somebody's text: the number of that message, its words, its time and that of its change, if known."""

    message: int
    text: str = field(repr=False)
    at: datetime | None = None
    changed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Press:
    """A button under our message number `message`; `id` is what the press is answered by.

    `about` is the message of theirs that ours answers, as Telegram shows it with the press (None: it is gone).
    """

    data: str = field(repr=False)
    id: str = field(repr=False)
    message: int
    about: Said | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class SentLocation:
    """A location that was sent."""

    latitude: float = field(repr=False)
    longitude: float = field(repr=False)


@dataclass(frozen=True, slots=True)
class SentPhoto:
    """A photo that was sent in private: the platform's name of its file, its size if known, the words under it.

    `album` groups several photos that were sent together.
    """

    file: str = field(repr=False)
    size: int | None = None
    text: str = field(default="", repr=False)
    album: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class FreeText:
    """Anything else. What it says is nothing to us, but where an officer was asked something, or the town hears."""

    text: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Left:
    """The bot was blocked, or thrown out of the chat."""


@dataclass(frozen=True, slots=True)
class Moved:
    """The group became a supergroup, whose chat is `to`."""

    to: int = field(repr=False)


What = Command | Press | SentLocation | SentPhoto | FreeText | Left | Moved


@dataclass(frozen=True, slots=True)
class ChatEvent:
    """An event in a chat. `language` is that of the person's app.

    `asker` is checked in a group (may they?) and then forgotten; None: an anonymous administrator. `message` is the
    number of their message, if there is one.
    """

    chat: int = field(repr=False)
    private: bool
    what: What
    language: str | None = None
    asker: int | None = field(default=None, repr=False)
    message: int | None = None


def read_update(update: Mapping[str, Any], username: str) -> ChatEvent | None:
    """Read an update. Returns None if it is irrelevant. `username` is the bot's own, by which groups call it."""
    if press := part_of(update, "callback_query"):
        return _pressed(press)
    if change := part_of(update, "my_chat_member"):
        # Other changes are of rights, and what the bot may do shows when it does it.
        status = part_of(change, "new_chat_member").get("status")
        return _event(change, Left()) if status in ("kicked", "left") else None
    message = part_of(update, "message")
    return _said(message, username) if message else None


def _pressed(press: Mapping[str, Any]) -> ChatEvent | None:
    message, data, identity = part_of(press, "message"), press.get("data"), press.get("id")
    number = number_in(message.get("message_id"))
    if not (isinstance(data, str) and isinstance(identity, str) and number is not None):
        return None
    pressed = Press(
        data[:_LONGEST_WORD], identity[:_LONGEST_WORD], number, said_in(part_of(message, "reply_to_message"))
    )
    return _event({**message, "from": press.get("from")}, pressed)


def said_in(message: Mapping[str, Any]) -> Said | None:
    """Return the words of a message, or of a picture's caption. Returns None if there are none."""
    number, text = number_in(message.get("message_id")), message.get("text", message.get("caption"))
    # Half a character, which JSON can name, is one that no database takes.
    said = seen(bounded(text, LONGEST_TEXT)).strip() if isinstance(text, str) else ""
    if number is None or not said:
        return None
    return Said(number, said, *(moment_in(message.get(each)) for each in ("date", "edit_date")))


def moment_in(value: object) -> datetime | None:
    """A time of the Bot API, which is in seconds; None for what can't be one."""
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= _LAST:
        return None
    return datetime.fromtimestamp(value, UTC)


def _said(message: Mapping[str, Any], username: str) -> ChatEvent | None:
    # Told once, by a service message in the old chat: afterwards every call there is refused.
    if (to := number_in(message.get("migrate_to_chat_id"))) is not None:
        return _event(message, Moved(to))
    if place := part_of(message, "location"):
        return _event(message, _place(place))
    said = message.get("text")
    text = bounded(said, LONGEST_TEXT) if isinstance(said, str) else ""
    if text.startswith("/"):
        return _commanded(message, text, username)
    # That somebody joined or left comes in the form of a message, and is to be answered by nobody.
    is_service = "from" not in message or any(key.startswith(("new_chat", "left_chat", "group_")) for key in message)
    is_private = part_of(message, "chat").get("type") == "private"
    if is_private and (photo := _photo(message)) is not None:
        return _event(message, photo)
    return None if is_service else _event(message, FreeText(text if is_private else ""))


def _photo(message: Mapping[str, Any]) -> SentPhoto | None:
    """The largest size of a photo, or a picture that was sent as a file; None where the message has neither."""
    sizes = tables(message.get("photo"))
    document = part_of(message, "document")
    if str(document.get("mime_type")).startswith("image/"):
        sizes.append(document)
    named = [each for each in sizes if isinstance(each.get("file_id"), str)]
    if not named:
        return None
    # Telegram lists a photo in several sizes.
    largest = max(named, key=lambda each: number_in(each.get("file_size")) or 0)
    said, album = message.get("caption"), message.get("media_group_id")
    return SentPhoto(
        file=largest["file_id"][:_LONGEST_WORD],
        size=number_in(largest.get("file_size")),
        text=seen(bounded(said, LONGEST_TEXT)).strip() if isinstance(said, str) else "",
        album=album[:_LONGEST_WORD] if isinstance(album, str) else None,
    )


def _place(place: Mapping[str, Any]) -> What:
    latitude, longitude = place.get("latitude"), place.get("longitude")
    if not isinstance(latitude, int | float) or not isinstance(longitude, int | float):
        return FreeText()
    try:
        return SentLocation(float(latitude), float(longitude))
    except OverflowError:  # digits without end
        return FreeText()


def _commanded(message: Mapping[str, Any], text: str, username: str) -> ChatEvent | None:
    """In a group, a command is ours only when it names us: others' bots may sit there too.

    But for a code that links a chat, whoever it was meant for: others have read it.
    """
    first, _, argument = text[1:].partition(" ")
    name, _, whom = first.partition("@")
    is_private = part_of(message, "chat").get("type") == "private"
    # "/stop@other_bot" reaches every bot of a group that may read there.
    if whom.lower() != username.lower() and (whom or not (is_private or name.lower() == "link")):
        return None
    plain = fold(name)
    return _event(message, Command(_BY_EITHER_NAME.get(plain, plain), argument.strip()))


def _event(message: Mapping[str, Any], what: What) -> ChatEvent | None:
    chat, sender = part_of(message, "chat"), part_of(message, "from")
    identity, kind, language = number_in(chat.get("id")), chat.get("type"), sender.get("language_code")
    if identity is None or kind not in ("private", "group", "supergroup"):
        return None
    # An administrator who stays unnamed speaks as the group itself (Bot API, "Message", sender_chat).
    unnamed = part_of(message, "sender_chat").get("id") == identity
    asker = number_in(sender.get("id"))
    if asker is None and not unnamed and not isinstance(what, Moved):
        return None
    return ChatEvent(
        chat=identity,
        private=kind == "private",
        what=what,
        language=language[:_LONGEST_WORD] if isinstance(language, str) else None,
        asker=asker if not unnamed else None,
        message=number_in(message.get("message_id")),
    )


def part_of(of: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A part of an update; empty where it has none."""
    return table(of.get(name))


def number_in(value: object) -> int | None:
    """An id or a number as Telegram has them, of 52 bits at most; None for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < _HIGHEST else None


# --- what is known and said -----------------------------------------------------------------------------------------


def words_of(language: str) -> Words:
    """The sentences of a language."""
    return read_words(_LOCALE, language)


def language_for(wanted: str | None, station: str) -> str:
    """Return the language for an app's tag `wanted`: the same if the bot speaks it, else the town's, else English."""
    asked = [tag.split("-", 1)[0].lower() for tag in (wanted or "", station)]
    return next((each for each in asked if each in SPOKEN), "en")


def commands(
    language: str, *, subscribes: bool = True, hears: bool = False, reports: bool = False
) -> Mapping[str, str]:
    """Return the bot's commands with their descriptions in a language: for subscribing, asking, reporting."""
    _ = words_of(language).gettext
    offered = {
        "start": _("Subscribe"),
        "now": _("Current alerts"),
        "question": _("A question to the town"),
        "report": _("Report something"),
        "settings": _("Your choices"),
        "language": _("The language"),
        "test": _("A test message"),
        "stop": _("No more alerts"),
        "mydata": _("What is kept"),
        "forget": _("Remove everything"),
    }
    if not hears:
        del offered["question"]
    if not reports:
        del offered["report"]
    kept = offered if subscribes else (*ASKED, "report")
    return {command_in(language, name): said for name, said in offered.items() if name in kept}


def command_in(language: str, name: str) -> str:
    """A command as it is offered in a language; its names in both are understood in each."""
    return IN_FRENCH.get(name, name) if language == "fr" else name


@dataclass(frozen=True, slots=True)
class Say:
    """One message, as Telegram's HTML. `edit`: it takes the place of that message of ours.

    `picture` is the file of a picture that is shown, with `text` in plain words under it. `reply` is the number of the
    message that it answers.
    """

    text: str
    keyboard: Keyboard | None = None
    edit: int | None = None
    picture: str | None = None
    reply: int | None = None


@dataclass(frozen=True, slots=True)
class BotReply:
    """The messages to send, in order; the chat's data to store, or that all of it is to be forgotten.

    `toast` is shown for a moment to somebody who pressed a button, `remark` is their message to the town.
    """

    says: tuple[Say, ...] = ()
    keeps: Subscriber | None = None
    forgets: bool = False
    toast: str = ""
    remark: Remark | None = None


def is_written_freely(event: ChatEvent) -> bool:
    """True if somebody wrote freely in private: anything but a button or a bare command of ours.

    `/start` and `/link` carry a code.
    """
    match event.what:
        case Press() | Left() | Moved():
            return False
        case Command(name=name, argument=said):
            return event.private and (name not in OWN or (bool(said) and name not in ("start", "link")))
        case _:
            return event.private


def help_first(answer: BotReply, town: TownNow, language: str) -> BotReply:
    """The answer with whom to call before all else it says: whoever is in danger writes where they write anyway.

    An answer that begins with it stays as it is.
    """
    _ = words_of(language).gettext
    if town.hears or town.reports:
        line = _("<b>In danger? Call 112</b>, or text 114.")
    else:
        line = _("<b>In danger? Call 112</b>, or text 114: nobody reads this chat.")
    first, *others = answer.says or (Say(""),)
    if first.text.startswith(line):
        return answer
    return replace(answer, says=(replace(first, text=f"{line}\n\n{first.text}".rstrip()), *others))


@dataclass(frozen=True, slots=True)
class Kept:
    """All that is stored of a chat: its choices, its messages, and its account.

    `received` are incidents, each with the number of its message and the time; `deferred` the deferred ones with their
    time; `notified` the waiting alerts it was notified of, and when; `asked` the alert whose rejection it was asked to
    explain; `asked_town` its questions to the town, `reports` its reports, `begun` its unfinished report.
    """

    subscriber: Subscriber | None = None
    received: Sequence[tuple[str, int, datetime]] = ()
    account: str | None = None
    deferred: Sequence[tuple[str, datetime]] = ()
    notified: Mapping[str, datetime] = field(default_factory=dict)
    asked: Asked | None = None
    asked_town: Sequence[Utterance] = ()
    reports: Sequence[CitizenReport] = ()
    begun: BegunReport | None = None

    @property
    def nothing(self) -> bool:
        """True if there is nothing to show or forget."""
        said = self.asked_town or self.reports or self.begun
        return self.subscriber is None and not self.received and self.account is None and not said


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


@dataclass(frozen=True, slots=True)
class On:
    """A current alert in one language: its title, two lines of summary, its page (None: it has none), its id."""

    title: str
    summary: str
    url: str | None = None
    incident: str = ""


@dataclass(frozen=True, slots=True)
class Fresh:
    """A source, when it was last read well, and whether that is too long ago."""

    title: str
    last_ok: datetime | None
    stale: bool = False


@dataclass(frozen=True)
class TownNow:
    """All facts of the conversation: the town, its districts, the current alerts, and their freshness.

    `language` is the town's tag; `on` has a list for each language. `page` is the town's own page. `subscribes`: people
    can subscribe with this bot; `hears`: their questions are passed on, and read in these `hours`, if given; `reports`:
    they can report something to it.
    """

    name: str
    language: str = "fr-FR"
    zone: tzinfo = UTC
    districts: tuple[District, ...] = ()
    on: Mapping[str, Sequence[On]] = field(default_factory=dict)
    sources: Sequence[Fresh] = ()
    page: str | None = None
    subscribes: bool = True
    hears: bool = False
    hours: str | None = None
    reports: bool = False

    def district(self, key: str) -> District | None:
        """The district of that `key_of`; None where the boundary file has none any more."""
        return next((each for each in self.districts if key_of(each.code) == key), None)

    def around(self, latitude: float, longitude: float) -> District | None:
        """The district on whose ground a place lies."""
        return district_at(self.districts, latitude, longitude)

    def names(self, codes: frozenset[str]) -> list[str]:
        """The names of districts in the order of the boundary file; of one that is gone, its code."""
        known = {each.code: each.name for each in self.districts}
        there = [name for code, name in known.items() if code in codes]
        return there + sorted(codes - known.keys())


def key_of(code: str) -> str:
    """A district's code as short as a button's data must be, whatever its length."""
    return hashlib.sha256(code.encode()).hexdigest()[:10]
