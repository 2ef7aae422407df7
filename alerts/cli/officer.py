"""An officer's questions and decisions.

Questions: `status`, `explain`, `report`. Decisions: `approve`, `reject`, `gone`; `retry` and `drop` are acts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
    from alerts.desk.out import AlertOut, HistoryEvent


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
        jobs,
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
    found = bulks(control)
    shown, left_out = newest(found)
    parts: tuple[tuple[Sequence[Any], Callable[[Any], None]], ...] = (
        (store(control), screen.show_store),
        (database(control), screen.show_database),
        (sources(control), screen.show_source),
        (ears(control), screen.show_ear),
        (heard(control), screen.show_heard),
        (channels(control), screen.show_channel),
        (jobs(control), screen.show_jobs),
        (found if as_json else shown, screen.show_bulk),
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
    acts.decide(context.obj.control(), "approve", name, who, {"again": again})
    return 0


def reject(
    context: typer.Context,
    name: options.Name,
    who: options.As = None,
    reason: Annotated[str | None, typer.Option(help="Why.")] = None,
) -> int:
    """Keep a waiting alert from going out, or a poll from opening."""
    acts.decide(context.obj.control(), "reject", name, who, {"reason": reason})
    return 0


def _show_whole(alert: AlertOut) -> None:
    """All that a validation of it lets out: off a terminal too, where nobody is asked (docs/validation.md)."""
    screen.show_alert(alert)
    screen.show_texts(alert)
    screen.show_let_out(alert)
    screen.show_in_full(alert.lets_out.words if alert.lets_out is not None else ())


channel = typer.Typer(help="What may be done to a channel.", no_args_is_help=True, cls=acts.ActGroup)
acts.SHOWN["AlertOut"] = lambda out, _: _show_whole(out)


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
