"""`post` and `preview`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from alerts.cli import options, screen
from alerts.cli.acting import As
from alerts.cli.filing import Manner, file_alert, show_filed
from alerts.cli.handing import ORDER
from alerts.cli.screen import tell
from alerts.model.alert import Alert, Category, Certainty, Severity, Urgency
from alerts.model.errors import Misuse, Unreadable
from alerts.model.incident import new_id
from alerts.model.reason import because

if TYPE_CHECKING:
    from alerts.daemon.desk import Counter
    from alerts.desk.draft import Draft


def post(
    context: typer.Context,
    headline: options.Headline = None,
    description: options.Description = None,
    instruction: options.Instruction = None,
    event: options.Event = None,
    category: options.Kind = Category.SAFETY,
    severity: options.Graveness = Severity.MODERATE,
    urgency: options.Haste = Urgency.EXPECTED,
    certainty: options.Sureness = Certainty.LIKELY,
    onset: options.Onset = None,
    expires: options.Expires = None,
    area: options.Areas = None,
    channel: options.Channels = None,
    web: options.Web = None,
    image: options.Image = None,
    alt: options.Alt = None,
    lang: options.Language = None,
    cap: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="A CAP message instead of options; - reads it from standard input."),
    ] = None,
    exercise: Annotated[bool, typer.Option("--exercise", help="An exercise: for exercise channels alone.")] = False,
    again: options.Again = False,
    dry_run: options.DryRun = False,
    wait: options.Wait = False,
    wait_for: options.WaitFor = "60s",
    as_json: options.Json = False,
    who: As = None,
) -> int:
    """Post an alert now: by options, by a CAP file, or by questions when nothing is given on a terminal."""
    from alerts.daemon.desk import now
    from alerts.desk.draft import Draft, draft_alert

    if image is not None:
        screen.only_here()
    manner = Manner(tuple(channel or ()), again, dry_run, wait, wait_for, as_json, who)
    counter: Counter = context.obj.counter()
    if cap is not None:
        return file_alert(counter, _read_cap(cap, counter, given=headline is not None), manner)
    draft = Draft(
        headline=headline or "",
        description=description,
        instruction=instruction,
        event=event,
        category=category or Category.SAFETY,
        severity=severity or Severity.MODERATE,
        urgency=urgency or Urgency.EXPECTED,
        certainty=certainty or Certainty.LIKELY,
        onset=onset,
        expires=expires,
        areas=tuple(area or ()),
        web=web,
        image=image,
        alt=alt,
        language=lang,
        exercise=exercise,
    )
    if headline is None:
        draft = _ask(draft, counter)
    return file_alert(counter, draft_alert(draft, counter.desk.station, now(), new_id()), manner)


def preview(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A CAP message, an index of them, or a calendar.")],
    at: options.At = None,
    as_json: options.Json = False,
) -> int:
    """Show what a file would become: through desk, routing and templates, nothing stored, nothing sent."""
    from alerts.daemon.desk import now
    from alerts.daemon.preview import preview as look_at
    from alerts.desk.draft import read_time

    config = context.obj.load()
    counter, found = look_at(config, file, read_time("--at", at, now(), config.zone) if at else None)
    for filed in found:
        show_filed(counter, filed, as_json=as_json)
    if not found:
        screen.say(tell("%(file)s: nothing is on in it", file=file))
    return 0


def _read_cap(file: str, counter: Counter, *, given: bool) -> Alert:
    """A CAP message from a file or standard input, which must be one without fault."""
    from alerts.model.cap import LARGEST_MESSAGE, violations
    from alerts.sources.cap.message import read_message

    if given:
        raise Misuse(because("cap_and_headline"))
    order = ORDER.get()
    try:
        if order is not None and order.body is not None:
            body = order.body
        elif file == "-":
            screen.only_here()
            body = sys.stdin.buffer.read(LARGEST_MESSAGE + 1)
        else:
            screen.only_here()
            with Path(file).open("rb") as stream:
                body = stream.read(LARGEST_MESSAGE + 1)
    except OSError as error:
        raise Misuse(because("cap_unread", file=repr(file), said=error.strerror)) from None
    if len(body) > LARGEST_MESSAGE:
        raise Misuse(because("cap_too_large", file=repr(file), most=LARGEST_MESSAGE >> 20))
    try:
        alert, notes = read_message(body, zone=counter.desk.station.timezone)
    except Unreadable as error:
        raise Misuse(because("at_address", address=file, why=error.reason)) from None
    for note in notes:
        screen.say(f"{file}{tell(': ')}{tell('forgiven: %(what)s', what=screen.why(note))}")
    if faults := violations(alert):
        raise Misuse(because("lines", each=[because("at_address", address=file, why=fault) for fault in faults]))
    return alert


def _ask(draft: Draft, counter: Counter) -> Draft:
    """The questions of a bare `post` on a terminal."""
    screen.only_here()
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise Misuse(because("headline_or_cap_missing"))
    from alerts.cli.questions import ask_for_draft
    from alerts.daemon.desk import now

    return ask_for_draft(draft, counter.desk.station, now())
