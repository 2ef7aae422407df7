"""The subscribers of a bot as JSON lines, to move them to another machine: `tocsin subscribers`.

`tocsin push`, `mail` and `sms` are those who get alerts in a browser, by e-mail, by SMS: who is forgotten. The key that
a town signs its push messages with is made there too.
"""

from __future__ import annotations

import json
import sys
from datetime import time
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, TextIO, TypeVar

import typer

from alerts.cli import options, screen
from alerts.cli.options import officer
from alerts.cli.screen import tell
from alerts.model.errors import Misuse
from alerts.model.person import Act
from alerts.model.reason import Reason, because, reason_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from alerts.desk.unit import DeskUnit
    from alerts.model.subscriber import Quiet, Subscriber
    from alerts.model.town import Town

E = TypeVar("E", bound=StrEnum)
subscribers = typer.Typer(help="Those who subscribed with a bot.", no_args_is_help=True)
push = typer.Typer(help="Alerts to browsers: the town's key, and who is forgotten.", no_args_is_help=True)
mail = typer.Typer(help="Alerts by e-mail: who is forgotten.", no_args_is_help=True)
sms = typer.Typer(help="Alerts by SMS: who is forgotten.", no_args_is_help=True)
MOST_SHOWN = 20
"""Faulty lines that are reported individually."""
MOST_ROWS, MOST_FAULTS, LONGEST_ROW = 1_000_000, 1000, 20_000
"""Limits of a file: its lines, the faulty ones among them before the rest is skipped, a line's characters."""
# Bounds of one line of the file: its codes may be anything.
_LONGEST_CODE, _MOST_CODES = 200, 1000
_NONE = "none is configured"

Channel = Annotated[str | None, typer.Option("--channel", metavar="NAME", help="The channel whose bot it is.")]
File = Annotated[typer.FileText, typer.Argument(metavar="FILE", help="JSON lines; - reads standard input.")]


@subscribers.command("export")
def export(context: typer.Context, channel: Channel = None) -> int:
    """Write them as JSON lines: a chat's id and its choices. Keep the file as you would keep the database."""
    from alerts.access.audit import AuditEvent
    from alerts.daemon.bots import bot_settings
    from alerts.daemon.desk import Control

    town = context.obj.load()
    # A browser's keys are of no use without the town's own: those move with the whole database.
    rows = [each for each in Control(town).ask(lambda unit: list(unit.subscribers.all())) if each[1].endpoint is None]
    known = dict.fromkeys([*bot_settings(town), *(name for name, _ in rows)])
    if channel is not None and channel not in known:
        raise Misuse(because("channel_not_subscribed", name=repr(channel), known=list(known) or _NONE))
    written = [(name, each) for name, each in rows if channel in (None, name)]
    # Before anything leaves: who takes the addresses of people out is written down also where the pipe breaks.
    options.write_down(town.database, AuditEvent.SUBSCRIBERS_EXPORTED, channel or "all", f"{len(written)}")
    for name, each in written:
        sys.stdout.write(json.dumps({"channel": name, **as_json(each)}, ensure_ascii=False) + "\n")
    screen.say(screen.counted("%(n)s subscriber written", "%(n)s subscribers written", len(written)))
    return 0


@subscribers.command("import")
def import_(context: typer.Context, file: File, channel: Channel = None) -> int:
    """Take them in, in place of what is kept of the same chats. One faulty line, and nothing is stored."""
    from alerts.access.audit import AuditEvent
    from alerts.daemon.bots import bot_settings
    from alerts.daemon.desk import Control

    town = context.obj.load()
    districts = {each.code: each.name for each in town.districts}
    read = list(read_lines(_rows(file), channel, list(bot_settings(town)), districts))

    def store(unit: DeskUnit) -> None:
        for name, each in read:
            unit.subscribers.put(name, each)
        off = sum(not each.on for _, each in read)
        by = officer(unit, None, Act.ADMINISTER)
        by.write(AuditEvent.SUBSCRIBERS_IMPORTED, channel or "all", f"{len(read)}, {off} of them off")

    Control(town).act(store)
    screen.say(screen.counted("%(n)s subscriber taken in", "%(n)s subscribers taken in", len(read)))
    strange = {code for _, each in read for code in each.districts} - districts.keys()
    if strange:  # there is no boundary at all
        unheard = "no alert will ever be about these districts, for [station] boundary doesn't have them: %(names)s"
        screen.say(tell(unheard, names=_listed(strange)))
    return 0


@push.command("keys")
def keys() -> int:
    """Print a new private key as PEM, and nothing else. A changed key loses every subscription."""
    from alerts.channels.push.encryption import new_key

    sys.stdout.write(new_key())
    return 0


@push.command("forget")
def forget_browser(
    context: typer.Context,
    endpoint: Annotated[str, typer.Argument(metavar="URL", help="The address that its push service gave the browser.")],
    who: options.As = None,
) -> int:
    """Forget the browser at that endpoint: its choices, its keys, and which alerts it got."""
    from alerts.model.subscriber import PushEndpoint
    from alerts.model.town import PUSH

    _forget(context.obj.load(), who, PUSH, [PUSH], PushEndpoint(endpoint, "", "").number)
    return 0


@mail.callback()
def of_mail() -> None:
    """Alerts by e-mail: who is forgotten."""


@mail.command("forget")
def forget_mailbox(
    context: typer.Context,
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="The e-mail address.")],
    who: options.As = None,
) -> int:
    """Forget that address: its choices, and which alerts it got."""
    from alerts.model.subscriber import Mailbox
    from alerts.model.town import MAIL

    town = context.obj.load()
    _forget(town, who, MAIL, list(town.reaching), Mailbox(address.strip(), "").number)
    return 0


@sms.callback()
def of_sms() -> None:
    """Alerts by SMS: who is forgotten."""


@sms.command("forget")
def forget_telephone(
    context: typer.Context,
    number: Annotated[str, typer.Argument(metavar="NUMBER", help="The telephone's number: +33612345678.")],
    who: options.As = None,
) -> int:
    """Forget that number: its choices, and which alerts it got."""
    from alerts.model.subscriber import Telephone
    from alerts.model.telephone import mobile_number
    from alerts.model.town import SMS

    town = context.obj.load()
    digits = mobile_number(number) or "".join(number.split())
    _forget(town, who, SMS, list(town.reaching), Telephone(digits, "").number)
    return 0


def _forget(town: Town, who: str | None, subject: str, channels: Sequence[str], number: int) -> None:
    from alerts.daemon.desk import Control
    from alerts.store.connection import scrub

    def carry_out(unit: DeskUnit) -> int:
        somebody = officer(unit, who, Act.FORGET)
        somebody.must(Act.FORGET)
        known = [name for name in channels if unit.subscribers.get(name, number) is not None]
        for name in channels:
            unit.subscribers.forget(name, number)
        somebody.write(Act.FORGET, subject, "as was asked for")  # no address: the log is never forgotten
        return len(known)

    count, _ = Control(town).act(carry_out)
    screen.say(screen.counted("%(n)s subscription forgotten", "%(n)s subscriptions forgotten", count))
    scrub(town.database)


def _listed(codes: set[str]) -> str:
    named = ", ".join(code[:40] for code in sorted(codes)[:MOST_SHOWN])
    return f"{named}, …" if len(codes) > MOST_SHOWN else named


def as_json(subscriber: Subscriber) -> dict[str, Any]:
    """Return a subscriber as a line of the file, without the state of the conversation."""
    quiet = subscriber.quiet
    return {
        "chat": subscriber.chat,
        "language": subscriber.language,
        "districts": sorted(subscriber.districts),
        "topics": sorted(subscriber.topics),
        "severity": str(subscriber.severity),
        "quiet": [f"{quiet.start:%H:%M}", f"{quiet.end:%H:%M}"] if quiet else None,
        "on": subscriber.on,
    }


def read_lines(
    lines: Iterable[str], channel: str | None, known: list[str], places: Mapping[str, str]
) -> Iterator[tuple[str, Subscriber]]:
    """The subscribers of a file, each with its channel. Raises Misuse that names every faulty line, up to twenty.

    `places` are the names of the station's districts by their codes; where there are none, any code is taken.
    """
    faults: list[Reason] = []
    found: dict[tuple[str, int], Subscriber] = {}
    for number, line in enumerate(_decoded(lines), 1):
        if not line.strip():
            continue
        try:
            name, subscriber = _read(line, channel, known)
            _must_be_here(subscriber.districts, places)
        except ValueError as error:
            faults.append(because("line_wrong", number=number, why=reason_of(error)))
            if len(faults) > MOST_FAULTS:
                break  # more of them tell nobody anything
        else:
            found[name, subscriber.chat] = subscriber
    if faults:
        more = [because("and_more", count=len(faults) - MOST_SHOWN)] if len(faults) > MOST_SHOWN else []
        raise Misuse(because("lines", each=[because("nothing_stored"), *faults[:MOST_SHOWN], *more]))
    for (name, _), subscriber in found.items():
        yield name, subscriber


def _rows(file: TextIO) -> Iterator[str]:
    """Yield the lines of a file; of an endless one no more than are read."""
    return iter(lambda: file.readline(LONGEST_ROW + 1), "")


def _decoded(lines: Iterable[str]) -> Iterator[str]:
    """The lines, without the mark that some editors put before the first.

    Raises Misuse where they are no UTF-8, or there is more of them than any town's file has.
    """
    try:
        for number, line in enumerate(lines):
            if number >= MOST_ROWS:
                raise Misuse(because("import_too_long", most=MOST_ROWS))
            if len(line) > LONGEST_ROW:
                raise Misuse(because("import_line_too_long", number=number + 1, most=LONGEST_ROW))
            yield line if number else line.removeprefix("\ufeff")
    except UnicodeDecodeError:
        raise Misuse(because("import_no_utf8")) from None


def _read(line: str, channel: str | None, known: list[str]) -> tuple[str, Subscriber]:
    from alerts.model.alert import Severity
    from alerts.model.subscriber import Subscriber, Topic

    try:
        values = json.loads(line)
    # Brackets nested a thousand deep end Python's reader of JSON with a RecursionError.
    except (ValueError, RecursionError):
        raise ValueError(because("line_no_json")) from None
    if not isinstance(values, dict):
        raise ValueError(because("line_no_object"))  # noqa: TRY004 the same as any other fault of a line
    name = channel or values.get("channel") or (known[0] if len(known) == 1 else None)
    if name not in known:
        raise ValueError(because("line_channel", name=repr(str(name)[:_LONGEST_CODE]), known=known or _NONE))
    if strange := values.keys() - {"channel", "chat", "language", "districts", "topics", "severity", "quiet", "on"}:
        raise ValueError(because("line_key_unknown", name=repr(min(strange)[:_LONGEST_CODE])))
    return name, Subscriber(
        chat=_chat(values),
        language=_language(values),
        districts=frozenset(_texts(values, "districts")),
        topics=frozenset(_one_of(Topic, each, "topics") for each in _texts(values, "topics")),
        severity=_one_of(Severity, values.get("severity", "Minor"), "severity"),
        quiet=_quiet(values.get("quiet")),
        on=_flag(values),
    )


def _must_be_here(districts: Iterable[str], places: Mapping[str, str]) -> None:
    """Raise ValueError for a district that there is none of: its subscriber would never hear of anything there."""
    for code in sorted(districts) if places else ():
        if code not in places:
            shown = [f"{each} ({name})" for each, name in places.items()]
            known = shown[:MOST_SHOWN] + (["…"] if len(shown) > MOST_SHOWN else [])
            raise ValueError(because("line_district", code=repr(code[:40]), known=known))


def _chat(values: Mapping[str, Any]) -> int:
    # A chat's id has at most 52 significant bits (Telegram's Bot API, `Chat.id`), and a group's is negative.
    # To Python, JSON's `true` is a whole number too.
    chat = values.get("chat")
    if not isinstance(chat, int) or isinstance(chat, bool) or chat == 0 or abs(chat) >= 2**52:
        raise ValueError(because("line_chat"))
    return chat


def _language(values: Mapping[str, Any]) -> str:
    from alerts.bot.chat import SPOKEN

    language = values.get("language", "fr")
    if not isinstance(language, str) or language not in SPOKEN:
        raise ValueError(_not_among("language", language, SPOKEN))
    return language


def _flag(values: Mapping[str, Any]) -> bool:
    on = values.get("on", True)
    if not isinstance(on, bool):
        raise ValueError(because("line_on"))  # noqa: TRY004 the same as any other fault of a line
    return on


def _texts(entry: Mapping[str, Any], key: str) -> list[str]:
    values = entry.get(key, [])
    if not isinstance(values, list) or len(values) > _MOST_CODES or not all(map(_can_be_kept, values)):
        raise ValueError(because("line_texts", key=key))
    return values


def _can_be_kept(text: object) -> bool:
    """JSON can spell halves of characters, which no file can hold."""
    if not isinstance(text, str) or not 0 < len(text) <= _LONGEST_CODE:
        return False
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _one_of(kind: type[E], value: object, key: str) -> E:
    try:
        return kind(str(value))
    except ValueError:
        raise ValueError(_not_among(key, value, kind)) from None


def _not_among(key: str, value: object, allowed: Iterable[str]) -> Reason:
    return because("line_value", key=key, text=repr(str(value)[:_LONGEST_CODE]), allowed=list(allowed))


def _quiet(value: object) -> Quiet | None:
    from alerts.model.subscriber import Quiet

    if value is None:
        return None
    if not isinstance(value, list) or len(value) != 2:
        raise ValueError(because("line_quiet"))
    try:
        start, end = (time.fromisoformat(str(each)) for each in value)
    except ValueError:
        raise ValueError(because("line_quiet")) from None
    return Quiet(start, end)
