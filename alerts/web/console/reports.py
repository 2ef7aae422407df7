"""Citizens' reports at the desk: a complete list, a map, and each report with the possible acts.

    GET  /reports                   the open ones, filtered, a page at a time; with the map
    GET  /fragments/reports         the part of that page that changes by itself
    GET  /reports/NUMBER            one report: its words, place, photo, steps, and every act in one tap
    POST /reports/NUMBER/VERB       an act (`alerts.reports.report_acts`)
    /reports/map.geojson, /reports/export.…: `reports_map`; /reports/NUMBER/photo: `reports_photo`; /reports/new:
    `reports_new`
    GET  /reports/notices           objections to public reports (DSA, article 16): waiting ones, then decided ones
    POST /reports/notices/ID        decides one, with the town's reasons (article 17)

If the town takes no reports there is none of these. A new or changed report wakes the open pages by the stream of
events. A form carries the state in which the report was shown: if somebody was faster, nothing is done.

The objector reads the decision, and so does the reporter if something is withdrawn from the public: an upheld objection
withholds the report's words and photo for that reason.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any

from aiohttp import web

from alerts.desk.act import every_act
from alerts.desk.officer import Officer
from alerts.desk.unit import DeskUnit
from alerts.model.errors import TocsinError
from alerts.model.events import ReportsChanged
from alerts.model.reports import CitizenReport, Closing, ContentNotice, ReportState
from alerts.reports.report_acts import ReportAct
from alerts.reports.steps import BY_HAND, decide_notice, find_report, may_second, may_vouch
from alerts.web.console import reports_map, reports_new, reports_photo
from alerts.web.console.acts import form_of
from alerts.web.console.entering import fields_of
from alerts.web.console.error_pages import NOT_REFUSED, RefusedForm
from alerts.web.console.frame import BASE, Console, done_of, visitor_of
from alerts.web.console.prepared_answers import as_prepared, decided_for, decisions, language_of, prepared
from alerts.web.console.reports_photo import digest_of
from alerts.web.console.reports_view import (
    MOST_COUNTED,
    SPANS,
    STATES,
    ReportDetail,
    board_of,
    filter_from,
    filter_of,
    place_of,
    report_detail,
)
from alerts.web.console.versions import WaitingWords, words_waiting
from alerts.web.console.watch import page
from alerts.web.posted import must_exist

ONE = "/reports/{number:[A-Za-z0-9]+-[0-9]{2}-[0-9]+}"
_TYPED = MappingProxyType({"said": "text", "answer": "text", "whom": "to", "other": "of", "why": "reason"})
"""The keys of an act's fields that the page calls otherwise: it has several forms, and each field its own id."""
_STAYS = frozenset(("tell", "withhold", "show-again", "erase", "forward-again"))
"""After these acts the report is shown again; after the others the list, where the next one waits."""
_NUMBER = re.compile(r"[A-Z0-9]{1,8}-[0-9]{2}-[0-9]{1,9}")


def routes(console: Console) -> list[web.RouteDef]:
    """The pages and the deeds; none where the town takes no reports."""
    if console.frame.station.reports is None:
        return []
    return [
        web.get("/reports", partial(_board, console, "reports.html")),
        web.get("/fragments/reports", partial(_board, console, "reports_board.html")),
        web.get(ONE, partial(_one, console)),
        *reports_map.routes(console),
        *reports_new.routes(console),
        *[
            web.get("/reports/notices", partial(_notices, console)),
            web.post("/reports/notices/{id:[A-Za-z0-9_-]{1,64}}", partial(_decide_notice, console)),
        ],
        *reports_photo.routes(console, ONE),
        *(web.post(f"{ONE}/{act.verb}", partial(_carry_out, console, act)) for act in _acts()),
    ]


async def _board(console: Console, name: str, request: web.Request) -> web.Response:
    town, query = console.frame.station, request.query
    asked, after = filter_of(query, town), query.get("after", "")
    board = await console.service.ask(lambda unit: board_of(unit, asked, place_of(after)))
    values: dict[str, Any] = {
        "board": board,
        "headlines": board.headlines,
        "asked": asked,
        "after": after if place_of(after)[0] >= 0 else "",
        "done": done_of(request, [act.verb for act in _acts()]),
        "number": number[0] if (number := _NUMBER.fullmatch(query.get("report", ""))) else "",
        "states": list(STATES),
        "spans": list(SPANS),
        "most": MOST_COUNTED,
        **kinds_of(console, request),
    }
    return page(console, request, name, **values)


def kinds_of(console: Console, request: web.Request) -> dict[str, Any]:
    """The names of the town's kinds in the reader's language, and how a kind is called that it has no more."""
    section, language = console.frame.station.reports, console.frame.words(request).language
    names = {kind.code: kind.name(language) for kind in (section.kinds if section is not None else ())}
    districts = {each.code: each.name for each in console.frame.station.districts}
    return {
        "kinds": names,
        "kind_name": lambda code: names.get(code, code),
        "districts": districts,
        "district_name": lambda code: districts.get(code, code),
    }


async def _one(
    console: Console,
    request: web.Request,
    refused: RefusedForm = NOT_REFUSED,
) -> web.Response:
    town, number = console.frame.station, request.match_info["number"]
    visitor = visitor_of(request)

    def question(unit: DeskUnit) -> tuple[ReportDetail, Sequence[WaitingWords], bool, bool] | None:
        found = report_detail(unit, number)
        if found is None:
            return None
        waits = words_waiting(unit, visitor.actor, visitor.session.csrf, found.report.id)
        officer = Officer(unit, visitor.actor)
        return found, waits, may_vouch(officer, found.report), may_second(officer, found.report)

    known = must_exist(await console.service.ask(question))
    shown, waits, vouches, seconds = known
    words, language = console.frame.words(request), language_of(shown.report, town)
    back = filter_from(refused.typed.get("back", ""), town) if refused.typed else filter_of(request.query, town)
    values: dict[str, Any] = {
        "sheet": shown,
        "headlines": shown.headlines,
        "report": shown.report,
        "words_waiting": waits,
        "vouches": vouches,
        "seconds": seconds,
        "seen_photo": digest_of(shown.photo) if shown.photo is not None else "",
        "back": back,
        "done": done_of(request, [*(act.verb for act in _acts()), "new"]),
        "prepared": prepared(words),
        "told_in": language,
        "closings": [closing for closing in Closing if closing in BY_HAND],
        **kinds_of(console, request),
    }
    return page(console, request, "citizen_report.html", **refused.values, **values)


def _acts() -> list[type[ReportAct]]:
    return [act for act in every_act() if issubclass(act, ReportAct)]


async def _carry_out(console: Console, act: type[ReportAct], request: web.Request) -> web.StreamResponse:
    """Carry out an act as a form says it, or with the prepared words that its button carries."""
    actor, form, town = visitor_of(request).actor, await fields_of(request), console.frame.station
    code, back = form.get("prepared", ""), filter_from(form.get("back", ""), town)
    try:
        typed = await form_of(act, request, _TYPED) if not code else None
        was = ReportState(form["was"]) if form.get("was") in set(ReportState) else None

        def action(unit: DeskUnit) -> CitizenReport:
            made = typed or as_prepared(act, find_report(unit, request.match_info["number"]), code, was, town)
            changed: CitizenReport = made.done_by(Officer(unit, actor))
            return changed

        done = await console.service.act(action, posts=False)
    except TocsinError as error:
        return await _one(console, request, RefusedForm.by(error, form))
    if act.verb in _STAYS:
        raise web.HTTPSeeOther(back.address(f"{BASE}/reports/{done.number}", done=act.verb))
    raise web.HTTPSeeOther(back.address(f"{BASE}/reports", done=act.verb, report=done.number))


MOST_NOTICES = 100
_DECIDED = ("upheld", "dismissed")


@dataclass(frozen=True, slots=True)
class SeenNotice:
    """A notice with the report that it is about; None where that is gone."""

    notice: ContentNotice
    report: CitizenReport | None


def notices_of(unit: DeskUnit, state: str) -> list[SeenNotice]:
    """Those in that state, oldest first."""
    return [
        SeenNotice(each, unit.reports.by_id(each.report)) for each in unit.reports.notices(MOST_NOTICES, state=state)
    ]


async def _notices(
    console: Console,
    request: web.Request,
    refused: RefusedForm = NOT_REFUSED,
) -> web.Response:
    def question(unit: DeskUnit) -> tuple[list[SeenNotice], list[SeenNotice]]:
        over = [each for state in _DECIDED for each in notices_of(unit, state)]
        return notices_of(unit, "open"), sorted(over, key=lambda each: each.notice.at, reverse=True)

    waiting, decided = await console.service.ask(question)
    values: dict[str, Any] = {
        "waiting_ones": waiting,
        "decided": decided,
        "decisions": decisions(console.frame.words(request)),
        "done": done_of(request, _DECIDED),
        **kinds_of(console, request),
    }
    return page(console, request, "report_notices.html", **refused.values, **values)


async def _decide_notice(console: Console, request: web.Request) -> web.StreamResponse:
    name, actor, form = request.match_info["id"], visitor_of(request).actor, await fields_of(request)
    upheld, town = form.get("do") == "uphold", console.frame.station

    def act(unit: DeskUnit) -> ContentNotice:
        # A prepared decision says all of it; else the button and the typed words do.
        code = form.get("prepared", "")
        tapped = decided_for(code, town) if code else None
        answer = tapped.text if tapped is not None else form.get("answer", "")
        upholds = tapped.upheld if tapped is not None else upheld
        return decide_notice(Officer(unit, actor), name, upheld=upholds, answer=answer)

    try:
        decided = await console.service.act(act, posts=False)
    except TocsinError as error:
        return await _notices(console, request, RefusedForm.by(error, {**form, "id": name}))
    report = await console.service.ask(lambda unit: unit.reports.by_id(decided.report))
    console.service.tell(ReportsChanged((report.number,) if report is not None else ()))
    raise web.HTTPSeeOther(f"{BASE}/reports/notices?done={decided.state}")
