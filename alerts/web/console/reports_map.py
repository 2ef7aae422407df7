"""Citizens' reports for the list's map, and as files: GeoJSON (RFC 7946) and CSV (RFC 4180), with the same filter.

    GET  /reports/map.geojson        pins, growing clusters, the areas of current alerts and of waiting drafts
    GET  /reports/export.csv         all matches of the filter, a row each
    GET  /reports/export.geojson     the same, a feature each

A download leaves a line in the audit log, since it contains exact places and people's own words. The search terms
aren't in that line, for words are forgotten and the log isn't.

A file is written as it is read, some rows at a time, so that a year of reports takes no more memory than a page. A
stranger's text never begins a cell in a way that a spreadsheet would compute.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import AsyncIterator, Iterator, Sequence
from functools import partial
from typing import Any

from aiohttp import web

from alerts.access.audit import AuditEvent
from alerts.desk.officer import Officer
from alerts.desk.unit import DeskUnit
from alerts.model.reports import CitizenReport, WantedReports
from alerts.rendering.i18n import Words
from alerts.reports.clusters import GrowingCluster, growing_now
from alerts.reports.out import ReportOut
from alerts.store.report_lists import rank_of
from alerts.store.reports import BEYOND
from alerts.web.console.frame import BASE, Console, visitor_of
from alerts.web.console.maps import outline_of
from alerts.web.console.reports_view import ReportFilter, drafts_waiting, filter_of

MOST_PINS = 1000
MOST_AREAS = 50
AT_ONCE = 200
"""Rows that are read in one question, for a file."""
MOST_ROWS = 100_000
COLUMNS = (
    *("report", "kind", "state", "closing", "at", "received_at", "place", "district", "lat", "lon", "text", "answer"),
    *("assigned_to", "via", "incident", "draft"),
)
_COMPUTES = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_PINS = ("waiting", "taken", "over")
Feature = dict[str, Any]


def routes(console: Console) -> list[web.RouteDef]:
    """Return the routes of the map's data and the two files."""
    return [
        web.get("/reports/map.geojson", partial(_map, console)),
        web.get("/reports/export.csv", partial(_csv, console)),
        web.get("/reports/export.geojson", partial(_geojson, console)),
    ]


async def _map(console: Console, request: web.Request) -> web.Response:
    town, words = console.frame.station, console.frame.words(request)
    asked = filter_of(request.query, town)
    at = f"{town.mount}{BASE}"

    def question(unit: DeskUnit) -> list[Feature]:
        found = unit.report_lists.found(asked.wanted(unit.now), MOST_PINS)
        kinds = town.reports.kinds if town.reports is not None else ()
        names = {kind.code: kind.name(words.language) for kind in kinds}
        pins = [_pin(each.report, names, asked, at) for each in found if each.report.lat is not None]
        growing = [_circle(each, names, words) for each in growing_now(unit, kinds, unit.now)]
        # What lies beneath is drawn first.
        return [*_areas(unit, at), *growing, *reversed(pins)]

    features = await console.service.ask(question)
    return web.json_response({"type": "FeatureCollection", "features": features}, content_type="application/geo+json")


def _pin(report: CitizenReport, names: dict[str, str], asked: ReportFilter, at: str) -> Feature:
    name, where = names.get(report.kind, report.kind), report.place or ""
    return {
        "type": "Feature",
        "id": report.number,
        "geometry": {"type": "Point", "coordinates": [report.lon, report.lat]},
        "properties": {
            "what": "pin",
            "name": f"{name} – {where}" if where else name,
            "state": _PINS[rank_of(report.state)],
            "url": asked.address(f"{at}/reports/{report.number}"),
        },
    }


def _circle(cluster: GrowingCluster, names: dict[str, str], words: Words) -> Feature:
    of = words.gettext("%(sources)s of %(count)s", sources=cluster.sources, count=cluster.count)
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [cluster.centre[1], cluster.centre[0]]},
        "properties": {
            "what": "growing",
            "name": f"{names.get(cluster.kind, cluster.kind)} – {of}",
            "radius": cluster.radius,
        },
    }


def _areas(unit: DeskUnit, at: str) -> Iterator[Feature]:
    """Where the alerts are that are on, and the drafts of reports that wait."""
    language = unit.desk.station.language
    drafts = unit.views.stored_alerts([each.id for each in drafts_waiting(unit)])
    on = [("area", each) for each in unit.views.on(unit.now, most=MOST_AREAS)]
    for what, stored in [*on, *(("draft", each) for each in drafts.values())]:
        outline = outline_of(stored.alert)
        info = stored.alert.info_for(language) if stored.alert is not None else None
        page = "waiting" if what == "draft" else "alerts"
        for feature in outline["features"] if outline is not None else ():
            name = (info.headline or info.event) if info is not None else stored.id
            said = {"what": what, "name": name, "url": f"{at}/{page}/{stored.id}", "severity": stored.severity.lower()}
            yield {**feature, "properties": said}


# --- files


async def _csv(console: Console, request: web.Request) -> web.StreamResponse:
    """With a mark by which Excel knows it for UTF-8, and the separator that Excel expects in the reader's language."""
    separator = ";" if console.frame.words(request).language == "fr" else ","
    response, count = await _begun(console, request, "text/csv", "csv"), 0
    await response.write(("\ufeff" + _row(COLUMNS, separator)).encode())
    async for reports in _found(console, request):
        count += len(reports)
        rows = (_row([account[name] for name in COLUMNS], separator) for account in reports)
        await response.write("".join(rows).encode("utf-8", "replace"))
    if count >= MOST_ROWS:
        await response.write(_row([_that_there_is_more(console, request)], separator).encode())
    await response.write_eof()
    return response


async def _geojson(console: Console, request: web.Request) -> web.StreamResponse:
    response, count = await _begun(console, request, "application/geo+json", "geojson"), 0
    await response.write(b'{"type": "FeatureCollection", "features": [\n')
    async for reports in _found(console, request):
        spelled = ",\n".join(json.dumps(_feature(each), ensure_ascii=False) for each in reports)
        await response.write((",\n" if count else "").encode() + spelled.encode("utf-8", "replace"))
        count += len(reports)
    more = f', "note": {json.dumps(_that_there_is_more(console, request))}' if count >= MOST_ROWS else ""
    await response.write(f"\n]{more}}}\n".encode())
    await response.write_eof()
    return response


def _that_there_is_more(console: Console, request: web.Request) -> str:
    """Said at the end of a file that is as long as files may be: nobody is to take it for all there is."""
    words = console.frame.words(request)
    return words.gettext(
        "Only the newest %(most)s reports are in this file. Choose a shorter time or a kind to have others.",
        most=f"{MOST_ROWS}",
    )


async def _begun(console: Console, request: web.Request, kind: str, ending: str) -> web.StreamResponse:
    actor = visitor_of(request).actor
    await console.service.act(lambda unit: Officer(unit, actor).write(AuditEvent.REPORTS_EXPORTED, ending), posts=False)
    day = console.service.now().astimezone(console.frame.station.zone).date()
    named = f'attachment; filename="reports-{day}.{ending}"'
    response = web.StreamResponse(headers={"Content-Type": f"{kind}; charset=utf-8", "Content-Disposition": named})
    await response.prepare(request)
    return response


async def _found(console: Console, request: web.Request) -> AsyncIterator[Sequence[dict[str, Any]]]:
    """All that the filter of the address finds as rows, newest first, some at a time."""
    wanted = filter_of(request.query, console.frame.station).wanted(console.service.now())
    before = BEYOND
    for _ in range(MOST_ROWS // AT_ONCE):
        found = await console.service.ask(partial(_some, wanted, before))
        if found:
            yield [_flat(*each) for each in found]
        if len(found) < AT_ONCE:
            return
        before = found[-1][0].seq


def _some(wanted: WantedReports, before: int, unit: DeskUnit) -> Sequence[tuple[CitizenReport, ReportOut]]:
    reports = unit.report_lists.in_order(wanted, AT_ONCE, before)
    return list(zip(reports, ReportOut.each(unit, reports), strict=True))


def _flat(report: CitizenReport, shown: ReportOut) -> dict[str, Any]:
    place = {"place": shown.place.words, "lat": shown.place.lat, "lon": shown.place.lon}
    return {**vars(shown), **place, "district": report.district, "assigned_to": report.assigned_to}


def _feature(account: dict[str, Any]) -> Feature:
    properties = {name: account[name] for name in COLUMNS if name not in ("lat", "lon")}
    lat, lon = account["lat"], account["lon"]
    place = {"type": "Point", "coordinates": [lon, lat]} if lat is not None and lon is not None else None
    return {"type": "Feature", "id": account["report"], "geometry": place, "properties": properties}


def _row(cells: Sequence[Any], separator: str) -> str:
    written = io.StringIO()
    csv.writer(written, delimiter=separator, lineterminator="\r\n").writerow([_cell(each) for each in cells])
    return written.getvalue()


def _cell(value: Any) -> Any:
    """Return a cell's value as text: a spreadsheet computes one that begins like a formula, which may leak data."""
    if not isinstance(value, str):
        return value
    return f"'{value}" if value.lstrip(" ").startswith(_COMPUTES) else value
