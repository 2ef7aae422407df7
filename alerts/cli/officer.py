"""An officer's questions and decisions.

Questions: `status`, `explain`, `report`. Decisions: `approve`, `reject`, `retry`, `drop`, `gone`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alerts.cli import acts, options, screen
from alerts.cli.options import officer
from alerts.cli.screen import tell
from alerts.model.errors import Misuse, TocsinError
from alerts.model.person import Act
from alerts.model.reason import because

if TYPE_CHECKING:
    from alerts.daemon.desk import Control
    from alerts.desk.out import HistoryEvent
    from alerts.desk.service import DeskUnit
    from alerts.model.incident import StoredAlert
    from alerts.model.post import Post


def status(
    context: typer.Context,
    name: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="One alert: its id, identifier or incident.")
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Also what is over and what was left out, with the reason.")
    ] = False,
    cap: Annotated[bool, typer.Option("--cap", help="The alert as a CAP 1.2 message.")] = False,
    stations: Annotated[Path | None, typer.Option(metavar="DIR", help="The towns of a folder, one line each.")] = None,
    as_json: options.Json = False,
) -> int:
    """Show what is out, waiting, failed or in doubt, and where; then each source, each channel and each daemon."""
    from alerts.daemon.status import (
        alerts,
        bulks,
        cap_message,
        channels,
        daemons,
        database,
        ears,
        heard,
        newest,
        one_alert,
        sources,
        store,
    )

    if stations is not None:
        return _show_fleet(stations, as_json=as_json)
    control: Control = context.obj.control()
    if name is not None and cap:
        screen.show(cap_message(control, name))
        return 0
    if name is not None:
        alert, words = one_alert(control, name)
        if as_json:
            screen.show_json(alert)
        else:
            screen.show_alert(alert)
            screen.show_then(alert)
            screen.show_texts(alert)
            screen.show_let_out(alert)
            screen.show_in_full(words)
        return 0
    for alert in alerts(control, everything=everything):
        screen.show_json(alert) if as_json else screen.show_alert(alert)
    told = bulks(control)
    shown, left_out = newest(told)
    parts: tuple[tuple[Sequence[Any], Callable[[Any], None]], ...] = (
        (store(control), screen.show_store),
        (database(control), screen.show_database),
        (sources(control), screen.show_source),
        (ears(control), screen.show_ear),
        (heard(control), screen.show_heard),
        (channels(control), screen.show_channel),
        (told if as_json else shown, screen.show_bulk),
        ([{"more": left_out}] if left_out and not as_json else [], screen.show_bulks_left_out),
        (daemons(control), screen.show_daemon),
    )
    for rows, show in parts:
        for row in rows:
            (screen.show_json if as_json else show)(row)
    if not control.daemons():
        screen.say(tell("no daemon runs, so no source is read and nothing is sent (`tocsin run`)"))
    return 0


def _show_fleet(folder: Path, *, as_json: bool) -> int:
    from alerts.fleet.towns import towns

    screen.address(folder / screen.FLEET_FILE)
    for row in towns(folder):
        (screen.show_json if as_json else screen.show_town)(row)
    return 0


def approve(
    context: typer.Context,
    name: options.Name,
    who: options.As = None,
    again: Annotated[bool, typer.Option("--again", help="Publish it though the same event is out already.")] = False,
) -> int:
    """Show all that a waiting alert lets out, and let it go out exactly as it is shown; or let a poll open."""
    control = context.obj.control()
    if acts.decide(control, "approve", name, who, {}):
        return 0
    # What was shown before the question is what is validated: a version that came meanwhile has another fingerprint.
    seen = _look_first(control, name)

    def act(unit: DeskUnit) -> tuple[StoredAlert, list[Post]]:
        return officer(unit, who, Act.APPROVE).approve(name, seen=seen, again=again)

    (alert, posts), _ = control.act(act)
    screen.say(tell("%(alert)s goes out on %(channels)s", alert=alert.id, channels=_channels(posts)))
    return 0


def _look_first(control: Control, name: str) -> str:
    """Show what is to be validated, and on a terminal ask; the fingerprint of what was shown."""
    from alerts.daemon.status import one_alert

    alert, words = one_alert(control, name)
    screen.show_alert(alert)
    screen.show_texts(alert)
    screen.show_let_out(alert)
    screen.show_in_full(words)
    # All of it is shown off a terminal too (docs/validation.md); only there is nobody to be asked.
    if sys.stdin.isatty() and sys.stderr.isatty():
        screen.agreed("Validate this? (yes/no)")
    return alert.fingerprint


def reject(
    context: typer.Context,
    name: options.Name,
    who: options.As = None,
    reason: Annotated[str | None, typer.Option(help="Why.")] = None,
) -> int:
    """Keep a waiting alert from going out, or a poll from opening."""
    control = context.obj.control()
    given = {"reason": reason} if reason is not None else {}
    if acts.decide(control, "reject", name, who, given):
        return 0
    (alert, _), _ = control.act(lambda unit: officer(unit, who, Act.REJECT).reject(name, reason))
    screen.say(tell("%(alert)s doesn't go out", alert=alert.id))
    return 0


def gone(
    context: typer.Context,
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="The calendar's name in channels.toml.")],
    who: options.As = None,
) -> int:
    """Call off what is gone from a calendar all at once: nothing of it is, until somebody says so."""
    control = context.obj.control()
    if source not in control.town.sources:
        raise Misuse(because("no_such_source", name=repr(source), known=list(control.town.sources)))
    entries, _ = control.act(lambda unit: officer(unit, who, Act.CANCEL).call_off_gone(source))
    said = "%(n)s called off: announced when %(source)s is read next"
    screen.say(screen.counted(said, said, entries, source=source))
    return 0


def retry(
    context: typer.Context,
    name: options.Name,
    over_limit: Annotated[
        bool,
        typer.Option(
            "--over-limit",
            help="Send now what is severe or extreme and waits for the town's own limit; takes an approver.",
        ),
    ] = False,
    who: options.As = None,
) -> int:
    """Send again what failed or is in doubt."""
    posts, _ = context.obj.control().act(lambda unit: officer(unit, who, Act.RETRY).retry(name, over_limit=over_limit))
    screen.say(tell("queued again: %(channels)s", channels=_channels(posts)))
    return 0


def drop(context: typer.Context, name: options.Name, who: options.As = None) -> int:
    """Give up what failed or is in doubt."""
    posts, _ = context.obj.control().act(lambda unit: officer(unit, who, Act.DROP).drop(name))
    screen.say(tell("dropped: %(channels)s", channels=_channels(posts)))
    return 0


def explain(context: typer.Context, name: options.Name, as_json: options.Json = False) -> int:
    """Say why it did or didn't go out: every decision with its reason, every attempt, in order."""
    from alerts.daemon.status import history

    for event in history(context.obj.control(), name):
        screen.show_json(event) if as_json else screen.show(_line(event))
    return 0


def report(
    context: typer.Context,
    name: options.Name,
    html: Annotated[
        Path | None,
        typer.Option("--html", metavar="FILE", help="Write one HTML file, ready to be printed (-: output)."),
    ] = None,
    language: Annotated[
        str | None, typer.Option("--lang", metavar="TAG", help="en or fr, if not the station's.")
    ] = None,
    as_json: options.Json = False,
) -> int:
    """Tell all of an incident: who did what when, what each channel said, how long it took, what was left out."""
    from alerts.desk.report import report_named, report_to_json
    from alerts.web.console.report import report_html, report_text
    from alerts.web.console.words import best_language, languages

    control = context.obj.control()
    station = control.desk.station
    if language is not None and language not in languages():
        raise Misuse(because("report_language", text=repr(language), allowed=languages()))
    spoken, zone = language or best_language(None, station.language), station.zone
    made = control.ask(lambda unit: report_named(unit, name))
    if html is not None:
        _write(html, report_html(made, spoken, zone))
    if as_json:
        screen.show_json(report_to_json(made, zone, station.language))
    elif html is None:
        screen.show(screen.plain(report_text(made, spoken, zone)).rstrip())
    return 0


def _channels(posts: Iterable[Post]) -> str:
    return ", ".join(post.channel for post in posts)


def _line(event: HistoryEvent) -> str:
    words = [
        event.at[:23].replace("T", " "),
        event.alert,
        event.channel or "-",
        screen.term(event.what),
        screen.plain(event.reason),
    ]
    return "  ".join(words).rstrip()


def _write(file: Path, text: str) -> None:
    if str(file) == "-":
        screen.show(text)
        return
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise TocsinError(because("report_unwritten", file=file, said=error.strerror or error)) from None
    screen.say(tell("%(file)s is written", file=file))
