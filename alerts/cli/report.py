"""`tocsin report`: everything about one incident, to be read, printed or filed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from alerts.cli import options, screen
from alerts.model.errors import Misuse, TocsinError
from alerts.model.reason import because


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
    from alerts.daemon.desk import Counter
    from alerts.desk.report import report_named, report_to_json
    from alerts.web.console.report_words import report_html, report_text

    counter = Counter(context.obj.load())
    station = counter.desk.station
    spoken, zone = _language(language, station.language), station.timezone
    made = counter.ask(lambda unit: report_named(unit, name))
    if html is not None:
        _write(html, report_html(made, spoken, zone))
    if as_json:
        screen.show_json(report_to_json(made, zone, station.language))
    elif html is None:
        screen.show(screen.plain(report_text(made, spoken, zone)).rstrip())
    return 0


def _language(asked: str | None, station: str) -> str:
    from alerts.web.console.words import best_language, languages

    if asked is not None and asked not in languages():
        raise Misuse(because("report_language", text=repr(asked), allowed=languages()))
    return asked or best_language(None, station)


def _write(file: Path, text: str) -> None:
    if str(file) == "-":
        screen.show(text)
        return
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise TocsinError(because("report_unwritten", file=file, said=error.strerror or error)) from None
    screen.say(screen.tell("%(file)s is written", file=file))
