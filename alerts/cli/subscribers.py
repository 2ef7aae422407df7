"""Those who subscribed with a bot, brought over from one machine or bot to another: `tocsin subscribers`."""

from __future__ import annotations

import json
import sys
from datetime import time
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, TextIO, TypeVar

import typer

from alerts.model.errors import Misuse

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from alerts.desk.sitting import Sitting
    from alerts.model.subscriber import Quiet, Subscriber

E = TypeVar("E", bound=StrEnum)
subscribers = typer.Typer(help="Those who subscribed with a bot.", no_args_is_help=True)
MOST_TOLD = 20
"""Faulty lines that are told one by one."""
MOST_ROWS, MOST_FAULTS, LONGEST_ROW = 1_000_000, 1000, 20_000
"""Lines of a file that are read, faulty ones among them after which the rest isn't looked at, characters of a line."""
_LONGEST_CODE, _MOST_CODES = 200, 1000

Channel = Annotated[str | None, typer.Option("--channel", metavar="NAME", help="The channel whose bot it is.")]
File = Annotated[typer.FileText, typer.Argument(metavar="FILE", help="JSON lines; - reads standard input.")]


@subscribers.command("export")
def export(context: typer.Context, channel: Channel = None) -> int:
    """Write them as JSON lines: a chat's id and its choices. Keep the file as you would keep the database."""
    from alerts.daemon.bots import bot_settings
    from alerts.daemon.counter import Counter

    config = context.obj.load()
    rows = Counter(config).ask(lambda sitting: list(sitting.subscribers.all()))
    known = dict.fromkeys([*bot_settings(config), *(name for name, _ in rows)])
    if channel is not None and channel not in known:
        raise Misuse(f"--channel {channel!r} has no subscriptions; allowed: {', '.join(known) or 'none is configured'}")
    written = [(name, each) for name, each in rows if channel in (None, name)]
    for name, each in written:
        sys.stdout.write(json.dumps({"channel": name, **as_json(each)}, ensure_ascii=False) + "\n")
    sys.stderr.write(f"{len(written)} subscribers written\n")
    return 0


@subscribers.command("import")
def import_(context: typer.Context, file: File, channel: Channel = None) -> int:
    """Take them in, in place of what is kept of the same chats. One faulty line, and nothing is stored."""
    from alerts.daemon.bots import bot_settings
    from alerts.daemon.counter import Counter

    config = context.obj.load()
    districts = {each.code: each.name for each in config.districts}
    read = list(read_lines(_rows(file), channel, list(bot_settings(config)), districts))

    def store(sitting: Sitting) -> None:
        for name, each in read:
            sitting.subscribers.put(name, each)

    Counter(config).act(store)
    sys.stderr.write(f"{len(read)} subscribers taken in\n")
    strange = {code for _, each in read for code in each.districts} - districts.keys()
    if strange:  # there is no boundary at all
        sys.stderr.write(f"of these districts nobody hears, for [station] boundary has none such: {_listed(strange)}\n")
    return 0


def _listed(codes: set[str]) -> str:
    named = ", ".join(code[:40] for code in sorted(codes)[:MOST_TOLD])
    return f"{named}, …" if len(codes) > MOST_TOLD else named


def as_json(subscriber: Subscriber) -> dict[str, Any]:
    """A subscriber as a line of the file has it; where the conversation stood stays behind."""
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
    faults: list[str] = []
    found: dict[tuple[str, int], Subscriber] = {}
    for number, line in enumerate(_decoded(lines), 1):
        if not line.strip():
            continue
        try:
            name, subscriber = _read(line, channel, known)
            _must_be_here(subscriber.districts, places)
        except (ValueError, TypeError) as error:
            faults.append(f"line {number}: {error}")
            if len(faults) > MOST_FAULTS:
                break  # more of them tell nobody anything
        else:
            found[name, subscriber.chat] = subscriber
    if faults:
        more = f"\n… and {len(faults) - MOST_TOLD} more" if len(faults) > MOST_TOLD else ""
        raise Misuse("nothing was stored:\n" + "\n".join(faults[:MOST_TOLD]) + more)
    for (name, _), subscriber in found.items():
        yield name, subscriber


def _rows(file: TextIO) -> Iterator[str]:
    """The lines of a file, of one without an end no more than is looked at."""
    return iter(lambda: file.readline(LONGEST_ROW + 1), "")


def _decoded(lines: Iterable[str]) -> Iterator[str]:
    """The lines, without the mark that some editors put before the first.

    Raises Misuse where they are no UTF-8, or there is more of them than any town's file has.
    """
    try:
        for number, line in enumerate(lines):
            if number >= MOST_ROWS:
                raise Misuse(f"nothing was stored: it has more than {MOST_ROWS:,} lines; allowed: several files")
            if len(line) > LONGEST_ROW:
                raise Misuse(f"nothing was stored: line {number + 1} has more than {LONGEST_ROW:,} characters")
            yield line if number else line.removeprefix("\ufeff")
    except UnicodeDecodeError:
        raise Misuse("nothing was stored: the file is no UTF-8; allowed: JSON lines as `export` writes them") from None


def _read(line: str, channel: str | None, known: list[str]) -> tuple[str, Subscriber]:
    from alerts.model.alert import Severity
    from alerts.model.subscriber import Subscriber, Topic

    try:
        told = json.loads(line)
    except (ValueError, RecursionError):
        raise ValueError("is no JSON; allowed: one object a line, as `export` writes them") from None
    if not isinstance(told, dict):
        raise TypeError("is no object; allowed: one a line, as `export` writes them")
    name = channel or told.get("channel") or (known[0] if len(known) == 1 else None)
    if name not in known:
        raise ValueError(
            f"channel {str(name)[:_LONGEST_CODE]!r} has no subscriptions; "
            f"allowed: {', '.join(known) or 'none is configured'}"
        )
    if strange := told.keys() - {"channel", "chat", "language", "districts", "topics", "severity", "quiet", "on"}:
        raise ValueError(f"unknown key {min(strange)[:_LONGEST_CODE]!r}")
    return name, Subscriber(
        chat=_chat(told),
        language=_language(told),
        districts=frozenset(_texts(told, "districts")),
        topics=frozenset(_one_of(Topic, each, "topics") for each in _texts(told, "topics")),
        severity=_one_of(Severity, told.get("severity", "Minor"), "severity"),
        quiet=_quiet(told.get("quiet")),
        on=_flag(told),
    )


def _must_be_here(districts: Iterable[str], places: Mapping[str, str]) -> None:
    """Raise ValueError for a district that there is none of: its subscriber would never hear of anything there."""
    for code in sorted(districts) if places else ():
        if code not in places:
            shown = [f"{known} ({name})" for known, name in places.items()]
            more = ", …" if len(shown) > MOST_TOLD else ""
            raise ValueError(f"district {code[:40]!r}; allowed, by their codes: {', '.join(shown[:MOST_TOLD])}{more}")


def _chat(told: Mapping[str, Any]) -> int:
    chat = told.get("chat")
    if not isinstance(chat, int) or isinstance(chat, bool) or chat == 0 or abs(chat) >= 2**52:
        raise ValueError("chat is missing or no chat's id; allowed: a whole number, such as 4711")
    return chat


def _language(told: Mapping[str, Any]) -> str:
    from alerts.bot.reply import SPOKEN

    language = told.get("language", "fr")
    if not isinstance(language, str) or language not in SPOKEN:
        raise ValueError(f"language {str(language)[:_LONGEST_CODE]!r}; allowed: {', '.join(SPOKEN)}")
    return language


def _flag(told: Mapping[str, Any]) -> bool:
    on = told.get("on", True)
    if not isinstance(on, bool):
        raise TypeError("on: allowed: true or false")
    return on


def _texts(told: Mapping[str, Any], key: str) -> list[str]:
    values = told.get(key, [])
    if not isinstance(values, list) or len(values) > _MOST_CODES or not all(map(_can_be_kept, values)):
        raise ValueError(f"{key}: allowed: a list of texts")
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
        raise ValueError(f"{key} {str(value)[:_LONGEST_CODE]!r}; allowed: {', '.join(kind)}") from None


def _quiet(value: object) -> Quiet | None:
    from alerts.model.subscriber import Quiet

    if value is None:
        return None
    if not isinstance(value, list) or len(value) != 2:
        raise ValueError('quiet: allowed: null, or two times such as ["22:00", "07:00"]')
    try:
        start, end = (time.fromisoformat(str(each)) for each in value)
    except ValueError:
        raise ValueError('quiet: allowed: null, or two times such as ["22:00", "07:00"]') from None
    return Quiet(start, end)
