"""An incident's report: a page to read and print, a file to keep, and data."""

from __future__ import annotations

import json

from aiohttp import web

from alerts.desk.report import Report, report_named, report_to_json
from alerts.model.errors import Misuse
from alerts.rendering.i18n import word
from alerts.web.console.frame import Console
from alerts.web.console.report_words import in_words, report_html

ADDRESS = "/alerts/{id}/report"
"""Whoever may see the desk may see it; `?as=file` and `?as=json` give its other faces."""


def routes(console: Console) -> list[web.RouteDef]:
    """The one address."""

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
                return web.Response(text=text, content_type="text/html", headers=_kept(made))
            case _:
                spelling = in_words(words, station.zone)
                return console.frame.page(request, "report.html", report=made, alert=name, **spelling)

    return [web.get(ADDRESS, report)]


def _kept(report: Report) -> dict[str, str]:
    """It is kept, not shown: its style stands in it, which the desk's pages don't allow."""
    return {"Content-Disposition": f'attachment; filename="{report.incident}.html"'}
