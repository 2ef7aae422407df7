"""An incident's report: a page to read and print, a file to keep, data, and text for a terminal.

GET  /alerts/ID/report      the page; ?as=file gives one file that needs nothing else, ?as=json the data

Whoever may see the desk may see it. The command line makes the same file and text (`report_html`, `report_text`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, tzinfo
from functools import cache, partial
from pathlib import Path
from typing import Any

from aiohttp import web
from babel import Locale
from babel.dates import format_date, format_time
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from alerts.desk.report import Report, report_named, report_to_json
from alerts.model.errors import Misuse
from alerts.model.reason import Reason
from alerts.rendering.i18n import sentence, word
from alerts.web.console.frame import Console, worded
from alerts.web.console.words import Words, money, words_of


def routes(console: Console) -> list[web.RouteDef]:
    """Return the route of the report."""

    async def report(request: web.Request) -> web.Response:
        name = request.match_info["id"]
        try:
            made = await console.service.ask(lambda unit: report_named(unit, name))
        except Misuse as error:
            text = word(error.reason, console.frame.words(request).language)
            raise web.HTTPNotFound(text=text) from None
        station, words = console.frame.station, console.frame.words(request)
        match request.query.get("as"):
            case "json":
                document = report_to_json(made, station.zone, station.language)
                return web.json_response(text=json.dumps(document, ensure_ascii=False, indent=2))
            case "file":
                text = report_html(made, words.language, station.zone)
                # A download, as its style is inline, which the policy of the desk's pages forbids.
                kept = {"Content-Disposition": f'attachment; filename="{made.incident}.html"'}
                return web.Response(text=text, content_type="text/html", headers=kept)
            case _:
                spelling = in_words(words, station.zone)
                return console.frame.page(request, "report.html", report=made, alert=name, **spelling)

    return [web.get("/alerts/{id}/report", report)]


_HERE = Path(__file__).parent
# `en` alone is American to Babel, with the month first: 11/12 would be read as the 11th of December.
_REGION = {"en": "en_GB"}
# A span is given in two units at most.
_UNITS = ((86400, 3600, "", "h"), (3600, 60, "h", "min"), (60, 1, "min", "s"))


def report_html(report: Report, language: str, zone: tzinfo) -> str:
    """The report as one HTML file that needs nothing else: its style is in it, so that it can be mailed and kept."""
    style = Markup((_HERE / "static" / "report.css").read_text(encoding="utf-8"))  # noqa: S704 our own file
    return _rendered("report_file.html", report, words_of(language), zone, style=style)


def report_text(report: Report, language: str, zone: tzinfo) -> str:
    """The report as lines of text."""
    return _rendered("report.txt", report, words_of(language), zone)


def in_words(words: Words, zone: tzinfo) -> dict[str, Any]:
    """Return a report template's functions to spell times and spans."""
    locale = Locale.parse(_REGION.get(words.language, words.language))

    def moment(time: datetime | None) -> str:
        """Date and time, to the second."""
        if time is None:
            return "–"
        there = time.astimezone(zone)
        return f"{format_date(there, 'short', locale=locale)} {format_time(there, 'HH:mm:ss')}"

    def remarked_all(remarks: Sequence[Reason]) -> str:
        """Return a message's notes or a post's warnings, each a sentence."""
        return " ".join(sentence(each, words.language, zone) for each in remarks)

    def signs(reactions: Mapping[str, int]) -> str:
        return ", ".join(f"{sign} {count}" for sign, count in reactions.items())

    return {
        "moment": moment,
        "money": partial(money, language=words.language),
        "signs": signs,
        "remarked_all": remarked_all,
        "spell": partial(spelled_span, day=words.gettext("d")),
    }


def spelled_span(span: timedelta | None, day: str = "d") -> str:
    """A span as people read it: `24 ms`, `12 s`, `3 min 05 s`, `2 h 10 min`, `3 d 4 h`; a dash for none."""
    if span is None:
        return "–"
    seconds = span.total_seconds()
    if seconds < 1:
        return f"{round(seconds * 1000)} ms"
    for size, part, larger, smaller in _UNITS:
        if seconds >= size:
            return f"{int(seconds // size)} {larger or day} {int(seconds % size // part):02} {smaller}"
    return f"{int(seconds)} s"


def _rendered(page: str, report: Report, words: Words, zone: tzinfo, **values: Any) -> str:
    return (
        _environment()
        .get_template(page)
        .render(
            report=report,
            language=words.language,
            station_zone=zone,
            _=words.gettext,
            ngettext=words.ngettext,
            **in_words(words, zone),
            **values,
        )
    )


@cache
def _environment() -> Environment:
    # Not the frame's environment: the command line makes reports without a desk and without a request.
    environment = Environment(
        loader=FileSystemLoader(_HERE / "pages"),
        # The report for a terminal is plain text: escaped, it would show `&amp;`.
        autoescape=select_autoescape(["html"], default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=worded,
    )
    environment.filters["worded"] = worded
    return environment
