"""What is said against public reports (DSA, article 16), and the town's decision with its reasons (article 17).

GET  /reports/notices          those that wait, oldest first, each with its report; then what was decided
POST /reports/notices/ID       decides one; upheld, the report's words and photo are withheld for that reason

Whoever gave notice reads the decision, and so does who reported where something is taken from the public.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from aiohttp import web

from alerts.desk.officer import Officer
from alerts.desk.service import DeskUnit
from alerts.model.errors import TocsinError
from alerts.model.events import ReportsChanged
from alerts.model.reports import CitizenReport, ContentNotice
from alerts.reports.acts import decide_notice
from alerts.web.console.entering import fields_of
from alerts.web.console.frame import BASE, Console, done_of, visitor_of
from alerts.web.console.mishaps import NOT_REFUSED, RefusedForm
from alerts.web.console.reports_deeds import decided_for, decisions
from alerts.web.console.watch import page

MOST = 100
_STATES = ("upheld", "dismissed")


@dataclass(frozen=True, slots=True)
class SeenNotice:
    """A notice with the report that it is about; None where that is gone."""

    notice: ContentNotice
    report: CitizenReport | None


def routes(console: Console) -> list[web.RouteDef]:
    """The list and the decision."""
    return [
        web.get("/reports/notices", partial(_list, console)),
        web.post("/reports/notices/{id:[A-Za-z0-9_-]{1,64}}", partial(_decide, console)),
    ]


def notices_of(unit: DeskUnit, state: str) -> list[SeenNotice]:
    """Those in that state, oldest first."""
    return [SeenNotice(each, unit.reports.by_id(each.report)) for each in unit.reports.notices(MOST, state=state)]


async def _list(
    console: Console,
    request: web.Request,
    refused: RefusedForm = NOT_REFUSED,
) -> web.Response:
    def question(unit: DeskUnit) -> tuple[list[SeenNotice], list[SeenNotice]]:
        over = [each for state in _STATES for each in notices_of(unit, state)]
        return notices_of(unit, "open"), sorted(over, key=lambda each: each.notice.at, reverse=True)

    waiting, decided = await console.service.ask(question)
    section, words = console.frame.station.reports, console.frame.words(request)
    names = {kind.code: kind.name(words.language) for kind in (section.kinds if section is not None else ())}
    values: dict[str, Any] = {
        "waiting_ones": waiting,
        "decided": decided,
        "decisions": decisions(words),
        "kind_name": lambda code: names.get(code, code),
        "done": done_of(request, _STATES),
    }
    return page(console, request, "report_notices.html", **refused.told, **values)


async def _decide(console: Console, request: web.Request) -> web.StreamResponse:
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
        return await _list(console, request, RefusedForm.by(error, {**form, "id": name}))
    report = await console.service.ask(lambda unit: unit.reports.by_id(decided.report))
    console.service.tell(ReportsChanged((report.number,) if report is not None else ()))
    raise web.HTTPSeeOther(f"{BASE}/reports/notices?done={decided.state}")
