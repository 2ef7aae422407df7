"""The commands that file an alert: `post`, and `update`, `cancel`, `correct` for one that is out; and `preview`.

Each makes an alert of its options and gives it to `filing`. A bare `post` on a terminal asks a few questions instead,
in the station's language, and checks each answer as it is typed. They are asked on standard error: standard output
holds the result alone.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from alerts.cli import options, screen
from alerts.cli.filing import Manner, file_alert, show_filed
from alerts.cli.screen import tell
from alerts.cli.streams import ORDER
from alerts.desk.territory import territory_of
from alerts.model.alert import Alert, Category, Certainty, Severity, Urgency
from alerts.model.errors import Misuse, Unreadable
from alerts.model.incident import AlertState, new_id
from alerts.model.person import Act
from alerts.model.reason import because
from alerts.model.town import Town

if TYPE_CHECKING:
    from alerts.daemon.desk import Control
    from alerts.desk.draft import Draft
    from alerts.desk.unit import DeskUnit
    from alerts.model.incident import StoredAlert
    from alerts.model.reason import Reason

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)
_Reason = Annotated[str | None, typer.Option("--reason", metavar="TEXT", help="Why, as readers shall read it.")]
_Right = Annotated[str | None, typer.Option("--reason", metavar="TEXT", help="What was wrong, or what is right.")]
_WHOLE = "the whole town"


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
    who: options.As = None,
) -> int:
    """Post an alert now: by options, by a CAP file, or by questions when nothing is given on a terminal."""
    from alerts.daemon.desk import now
    from alerts.desk.draft import Draft, draft_alert

    # The daemon may not read an officer's files: systemd hides /home and /tmp from it (docs/adr/0014).
    if image is not None:
        screen.only_here()
    manner = Manner(tuple(channel or ()), again, dry_run, wait, wait_for, as_json, who)
    control: Control = context.obj.control()
    if cap is not None:
        return file_alert(control, _read_cap(cap, control, given=headline is not None), manner)
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
        draft = _ask(draft, control)
    return file_alert(control, draft_alert(draft, control.desk.station, now(), new_id()), manner)


def update(
    context: typer.Context,
    name: options.Name,
    headline: options.Headline = None,
    description: options.Description = None,
    instruction: options.Instruction = None,
    event: options.Event = None,
    category: options.Kind = None,
    severity: options.Graveness = None,
    urgency: options.Haste = None,
    certainty: options.Sureness = None,
    onset: options.Onset = None,
    expires: options.Expires = None,
    area: options.Areas = None,
    web: options.Web = None,
    image: options.Image = None,
    alt: options.Alt = None,
    lang: options.Language = None,
    again: options.Again = False,
    dry_run: options.DryRun = False,
    wait: options.Wait = False,
    wait_for: options.WaitFor = "60s",
    as_json: options.Json = False,
    who: options.As = None,
) -> int:
    """Update an alert that is out: what isn't given stays as it stands, by whichever of its ids."""
    from alerts.daemon.desk import now
    from alerts.desk.officer import update_of

    changes = {
        "headline": headline,
        "description": description,
        "instruction": instruction,
        "event": event,
        "category": category,
        "severity": severity,
        "urgency": urgency,
        "certainty": certainty,
        "onset": onset,
        "expires": expires,
        "areas": tuple(area or ()),
        "web": web,
        "image": image,
        "alt": alt,
        "language": lang,
    }
    manner = Manner((), again, dry_run, wait, wait_for, as_json, who, Act.UPDATE)
    return _amend(
        context, name, manner, lambda alert, control: update_of(alert, changes, control.desk.station, now(), new_id())
    )


def cancel(
    context: typer.Context,
    name: options.Name,
    reason: _Reason = None,
    over: Annotated[
        bool, typer.Option("--over", help="It is over (all clear), rather than it no longer holds.")
    ] = False,
    dry_run: options.DryRun = False,
    wait: options.Wait = False,
    wait_for: options.WaitFor = "60s",
    as_json: options.Json = False,
    who: options.As = None,
) -> int:
    """Cancel an alert that is out: it no longer holds, and its readers are told so."""
    from alerts.daemon.desk import now
    from alerts.desk.officer import all_clear_of, cancel_of

    # Nothing holds an end back (docs/adr/0011), not even that its words went out just now: hence `again`.
    end = all_clear_of if over else cancel_of
    manner = Manner(
        (), again=True, dry_run=dry_run, wait=wait, wait_for=wait_for, as_json=as_json, who=who, act=Act.CANCEL
    )
    return _amend(
        context, name, manner, lambda alert, control: end(alert, reason, control.desk.station, now(), new_id())
    )


def correct(
    context: typer.Context,
    name: options.Name,
    reason: _Right = None,
    dry_run: options.DryRun = False,
    wait: options.Wait = False,
    wait_for: options.WaitFor = "60s",
    as_json: options.Json = False,
    who: options.As = None,
) -> int:
    """Correct an alert that was wrong: on every channel where it is, ahead of everything else."""
    from alerts.daemon.desk import now
    from alerts.desk.officer import correction_of
    from alerts.desk.routing import left_wrong

    manner = Manner(
        (), again=True, dry_run=dry_run, wait=wait, wait_for=wait_for, as_json=as_json, who=who, act=Act.CORRECT
    )
    # What readers can still see of the wrong words. Looked up before the correction is filed, whose own words are
    # right.
    seen: list[Reason] = []

    def correction(alert: StoredAlert, control: Control) -> Alert:
        thread = control.ask(lambda unit: unit.alerts.thread(alert.incident_id))
        seen.extend(left_wrong(thread, control.desk.station))
        return correction_of(alert, reason, control.desk.station, now(), new_id())

    status = _amend(context, name, manner, correction)
    for each in seen:
        screen.say(screen.why(each))
    return status


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

    town = context.obj.load()
    control, found = look_at(town, file, read_time("--at", at, now(), town.zone) if at else None)
    for filed in found:
        show_filed(control, filed, as_json=as_json)
    if not found:
        screen.say(tell("%(file)s: it holds nothing that would be announced now", file=file))
    return 0


def _amend(context: typer.Context, name: str, manner: Manner, follow: Callable[[StoredAlert, Control], Alert]) -> int:
    from alerts.daemon.desk import Control
    from alerts.desk.approve import find_alert
    from alerts.desk.officer import current_version

    control = Control(context.obj.load())

    def question(unit: DeskUnit) -> tuple[StoredAlert, StoredAlert]:
        named = find_alert(unit.alerts, name)
        return named, current_version(unit.alerts, named, ends=manner.act is not Act.UPDATE)

    named, stands = control.ask(question)
    alert = follow(stands, control)
    if stands.id != named.id:
        waits = "continues from %(stands)s, the newest version of this alert, which waits; not from %(named)s"
        let_out = "continues from %(stands)s, the newest accepted version of this alert; not from %(named)s"
        sentence = waits if stands.state is AlertState.WAITING else let_out
        screen.say(screen.tell(sentence, stands=stands.id, named=named.id))
    return file_alert(control, alert, manner)


def _read_cap(file: str, control: Control, *, given: bool) -> Alert:
    """A CAP message from a file or standard input, which must be one without fault."""
    from alerts.model.cap import LARGEST_MESSAGE, violations
    from alerts.sources.cap.message import read_message

    if given:
        raise Misuse(because("cap_and_headline"))
    order = ORDER.get()
    try:
        # Whoever handed the line over has read it: standard input gives it once, and a daemon can't reach an officer's
        # files.
        if order is not None and order.body is not None:
            body = order.body
        elif file == "-":
            screen.only_here()
            body = sys.stdin.buffer.read(LARGEST_MESSAGE + 1)
        else:
            screen.only_here()
            # One byte more than is allowed shows that the file is too large, however large it is.
            with Path(file).open("rb") as stream:
                body = stream.read(LARGEST_MESSAGE + 1)
    except OSError as error:
        raise Misuse(because("cap_unread", file=repr(file), said=error.strerror)) from None
    if len(body) > LARGEST_MESSAGE:
        raise Misuse(because("cap_too_large", file=repr(file), most=LARGEST_MESSAGE >> 20))
    try:
        alert, notes = read_message(body, zone=control.desk.station.zone)
    except Unreadable as error:
        raise Misuse(because("at_address", address=file, why=error.reason)) from None
    for note in notes:
        screen.say(f"{file}{tell(': ')}{tell('forgiven: %(what)s', what=screen.why(note))}")
    if faults := violations(alert):
        raise Misuse(because("lines", each=[because("at_address", address=file, why=fault) for fault in faults]))
    return alert


def _ask(draft: Draft, control: Control) -> Draft:
    """Ask for what was not given as an option. Raises typer.Abort on Ctrl-C or a no."""
    screen.only_here()
    # Off a terminal nobody answers, and a script would wait for ever.
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise Misuse(because("headline_or_cap_missing"))
    from alerts.daemon.desk import now

    station = control.desk.station
    headline = _until_right(tell("What happens (one line)"), "", _some)
    instruction = _until_right(tell("What people should do (Enter: nothing)"), "", str.strip)
    severity = _until_right(_listed("How severe", list(Severity)[:4]), Severity.MODERATE, _choice(Severity))
    urgency = _until_right(_listed("How soon to act", list(Urgency)[:3]), Urgency.EXPECTED, _choice(Urgency))
    places = ", ".join([*(district.name for district in station.districts), tell(_WHOLE)])
    where = tell("Where (%(places)s; several with commas; Enter: no place)", places=places)
    areas = _until_right(where, "", lambda text: _areas(text, tell(_WHOLE), station))
    until = tell("Until when (6h = in six hours, 18:30, 2026-11-25T18:00)")
    expires = _until_right(until, "12h", lambda text: _later(text, now(), station))
    filled = replace(
        draft,
        headline=headline,
        instruction=instruction or None,
        severity=severity,
        urgency=urgency,
        areas=areas,
        # The very time that the summary shows, not the same span from the moment of the last answer.
        expires=expires.isoformat(),
    )
    _confirm(filled, station, expires)
    return filled


def _confirm(draft: Draft, station: Town, expires: datetime) -> None:
    channels = [
        channel.name for channel in station.channels.values() if channel.public and channel.exercise is draft.exercise
    ]
    summary = tell(
        "Where: %(where)s · until: %(until)s · %(severity)s, %(urgency)s",
        where=", ".join(draft.areas) or "—",
        until=expires.astimezone(station.zone).strftime("%Y-%m-%d %H:%M"),
        severity=tell(draft.severity),
        urgency=tell(draft.urgency),
    )
    on = tell("On: %(channels)s", channels=", ".join(channels))
    typer.echo(f"\n  {draft.headline}\n  {draft.instruction or '—'}\n  {summary}\n  {on}\n", err=True)
    screen.agreed("Publish now (yes/no)")


def _until_right(question: str, default: str, read: Callable[[str], T]) -> T:
    """Ask until the answer can be read; a wrong one is reported, and earlier answers are kept."""
    while True:
        answer = typer.prompt(question, str(default), show_default=bool(default), prompt_suffix=tell(": "), err=True)
        try:
            return read(answer)
        except Misuse as error:
            typer.echo(f"  {screen.why(error.reason)}", err=True)


def _some(text: str) -> str:
    if not text.strip():
        raise Misuse(because("words_needed"))
    return text.strip()


def _listed(question: str, values: Sequence[str]) -> str:
    return f"{tell(question)} [{'/'.join(values)}]"


def _choice(kind: type[E]) -> Callable[[str], E]:
    def read(text: str) -> E:
        for value in kind:
            if text.strip() and value.casefold().startswith(text.strip().casefold()):
                return value
        raise Misuse(because("allowed_are", allowed=list(kind)))

    return read


def _areas(text: str, whole: str, station: Town) -> tuple[str, ...]:
    named = tuple(part.strip() for part in text.split(",") if part.strip())
    if text.strip().casefold() in (whole.casefold(), station.name.casefold()):
        return (whole,)
    if station.districts:
        for name in named:
            territory_of(station).district(name)
    return named


def _later(text: str, now: datetime, station: Town) -> datetime:
    from alerts.desk.draft import read_time

    time = read_time("", text, now, station.zone)
    if time <= now:
        raise Misuse(because("time_is_past", text=repr(text)))
    return time
