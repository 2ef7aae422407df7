"""`post` and `preview`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from alerts.cli import screen
from alerts.model.alert import Alert, Category, Certainty, Severity, Urgency
from alerts.model.errors import Misuse, Unreadable
from alerts.model.ids import new_id

if TYPE_CHECKING:
    from alerts.daemon.counter import Counter
    from alerts.desk.actions import Filed
    from alerts.desk.draft import Draft

E = TypeVar("E", bound=StrEnum)


def _one_of(kind: type[E], option: str) -> Callable[[str], E]:
    """Reads CAP's own words, whatever their case."""

    def read(text: str) -> E:
        for value in kind:
            if value.casefold() == text.strip().casefold():
                return value
        near = get_close_matches(text, list(kind), n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise Misuse(f"{option} {text!r}: {hint}allowed: {', '.join(kind)}")

    return read


_Severity = Annotated[Severity, typer.Option("--severity", parser=_one_of(Severity, "--severity"))]
_Category = Annotated[Category, typer.Option("--category", parser=_one_of(Category, "--category"))]
_Urgency = Annotated[Urgency, typer.Option("--urgency", parser=_one_of(Urgency, "--urgency"))]
_Certainty = Annotated[Certainty, typer.Option("--certainty", parser=_one_of(Certainty, "--certainty"))]


def post(
    context: typer.Context,
    headline: Annotated[str | None, typer.Option(metavar="TEXT", help="What happens, in one line.")] = None,
    description: Annotated[str | None, typer.Option(metavar="TEXT", help="More of it.")] = None,
    instruction: Annotated[str | None, typer.Option(metavar="TEXT", help="What to do: it is never cut.")] = None,
    event: Annotated[str | None, typer.Option(metavar="TEXT", help="The kind of event, in a word or two.")] = None,
    category: _Category = Category.SAFETY,
    severity: _Severity = Severity.MODERATE,
    urgency: _Urgency = Urgency.EXPECTED,
    certainty: _Certainty = Certainty.LIKELY,
    onset: Annotated[
        str | None, typer.Option(metavar="TIME", help="When it starts: a time, or a span such as 2h.")
    ] = None,
    expires: Annotated[str | None, typer.Option(metavar="TIME", help="When it is over (12h unless told).")] = None,
    area: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="A district's name or code; repeatable.")
    ] = None,
    channel: Annotated[list[str] | None, typer.Option(metavar="NAME", help="Only this channel; repeatable.")] = None,
    web: Annotated[str | None, typer.Option(metavar="URL", help="The town's page about it.")] = None,
    image: Annotated[Path | None, typer.Option(metavar="FILE", help="A picture (.jpg or .png).")] = None,
    alt: Annotated[str | None, typer.Option(metavar="TEXT", help="What the picture shows, in words.")] = None,
    lang: Annotated[str | None, typer.Option(metavar="TAG", help="The text's language, if not the station's.")] = None,
    cap: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="A CAP message instead of options; - reads it from standard input."),
    ] = None,
    exercise: Annotated[bool, typer.Option("--exercise", help="An exercise: for exercise channels alone.")] = False,
    again: Annotated[bool, typer.Option("--again", help="Post it though the same words went out just now.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show each channel's text; store nothing.")] = False,
    wait: Annotated[
        bool, typer.Option("--wait", help="Show each delivery until all have ended; --wait=30s: at most so long.")
    ] = False,
    wait_for: Annotated[str, typer.Option(metavar="SPAN", hidden=True, help="What --wait=SPAN means.")] = "60s",
    as_json: Annotated[bool, typer.Option("--json", help="Print the alert as a JSON object.")] = False,
) -> int:
    """Post an alert now: by options, by a CAP file, or by questions when nothing is given on a terminal."""
    from alerts.cli.waiting import wait_until_ended
    from alerts.daemon.counter import Counter, now
    from alerts.desk.draft import Draft, draft_alert
    from alerts.model.span import parse_span

    try:
        patience = parse_span(wait_for)
    except ValueError as error:
        raise Misuse(f"--wait {error}") from None
    draft = Draft(
        headline or "", description, instruction, event, category, severity, urgency, certainty, onset, expires,
        tuple(area or ()), web, image, alt, lang, exercise,
    )  # fmt: skip
    counter = Counter(context.obj.load())
    if cap is not None:
        alert = _read_cap(cap, counter, given=headline is not None)
    else:
        if headline is None:
            draft = _ask(draft, counter)
        alert = draft_alert(draft, counter.desk.station, now(), new_id())
    channels = tuple(channel or ())
    if dry_run:
        return _rehearse(counter, alert, channels, as_json=as_json)
    counter.warm(alert)
    filed, daemons = counter.act(lambda books, desk: desk.post(books, alert, channels, again=again))
    _say_who_sends(filed, daemons)
    if wait:
        return wait_until_ended(counter, filed.record.id, patience, as_json=as_json)
    account = _account(counter, filed)
    screen.show_json(account) if as_json else screen.show_account(account)
    return 0


def preview(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A CAP message, an index of them, or a calendar.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
) -> int:
    """Show what a file would become: through desk, routing and templates, nothing stored, nothing sent."""
    from alerts.daemon.counter import Counter
    from alerts.daemon.preview import read_file

    counter = Counter(context.obj.load())
    heard = read_file(counter.config, file)
    for filed in counter.sketch(lambda books, desk: [desk.hear(books, entry, "preview") for entry in heard]):
        _show_filed(counter, filed, as_json=as_json)
    if not heard:
        screen.say(f"{file}: nothing is on in it")
    return 0


def _read_cap(file: str, counter: Counter, *, given: bool) -> Alert:
    """A CAP message from a file or standard input, which must be one without fault."""
    from alerts.model.cap_rules import violations
    from alerts.sources.cap.message import read_message

    if given:
        raise Misuse("--cap and --headline exclude each other: the message says it all")
    try:
        body = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise Misuse(f"--cap {file!r} can't be read: {error.strerror}") from None
    try:
        alert, notes = read_message(body, zone=counter.desk.station.timezone)
    except Unreadable as error:
        raise Misuse(f"{file}: {error}") from None
    for note in notes:
        screen.say(f"{file}: forgiven: {note}")
    if faults := violations(alert):
        raise Misuse("\n".join(f"{file}: {fault}" for fault in faults))
    return alert


def _ask(draft: Draft, counter: Counter) -> Draft:
    """The questions of a bare `post` on a terminal."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise Misuse("--headline is missing; allowed: one line that says what happens (or --cap FILE)")
    from alerts.cli.questions import ask_for_draft

    return ask_for_draft(draft, counter.desk.station)


def _rehearse(counter: Counter, alert: Alert, channels: tuple[str, ...], *, as_json: bool) -> int:
    filed = counter.rehearse(lambda books, desk: desk.post(books, alert, channels, again=True))
    _show_filed(counter, filed, as_json=as_json)
    return 0


def _show_filed(counter: Counter, filed: Filed, *, as_json: bool) -> None:
    from alerts.desk.account import rehearsal_of

    station = counter.desk.station
    account = rehearsal_of(filed.record, filed.penned, station.timezone, station.language)
    screen.show_json(account) if as_json else screen.show_rehearsal(account)


def _say_who_sends(filed: Filed, daemons: int) -> None:
    if not filed.fresh:
        screen.say(f"the same words went out just now as {filed.record.id}: a double tap? --again posts them once more")
    elif not daemons:
        screen.say(f"{filed.record.id} is stored; it goes out when the daemon runs (`tocsin run`)")


def _account(counter: Counter, filed: Filed) -> dict[str, Any]:
    from alerts.desk.account import account_of
    from alerts.store.books import StoredBooks

    station = counter.desk.station
    posts = counter.query(lambda db: StoredBooks(db).posts_of(filed.record.id))
    return account_of(filed.record, posts, station.timezone, station.language)
