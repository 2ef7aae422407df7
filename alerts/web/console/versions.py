"""Officers' own words waiting for validation outside alerts: answers to questions and reports, outcomes of polls.

    POST /words/ID/approve, /words/ID/reject

Each is shown on the page of its question, report or poll, with everything that a validation publishes by it. The form
carries the digest of that, sealed to the session, so nobody validates an unseen version.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from aiohttp import web

from alerts.desk.handing_in import find_answer, is_by, refuse
from alerts.desk.officer import Officer
from alerts.desk.service import DeskUnit
from alerts.desk.versions import digest_of, waiting
from alerts.model.errors import Conflict, TocsinError
from alerts.model.events import RemarkHeard, ReportsChanged
from alerts.model.listening import AnswerTo, GivenAnswer
from alerts.model.person import Actor
from alerts.model.reason import because
from alerts.reports.validating import approve_version, asked_of
from alerts.web.console.entering import fields_of
from alerts.web.console.frame import BASE, Console, visitor_of
from alerts.web.console.heard_view import headlines_of
from alerts.web.console.mishaps import mishap
from alerts.web.console.sheet import sealed, unseal

LONGEST_REASON = 1000


@dataclass(frozen=True, slots=True)
class WaitingWords:
    """A version that waits, as its page shows it: what it answers, the incident's headline, whether it is one's own.

    `address` is the page that it belongs to, `seen` what the form to validate it carries.
    """

    version: GivenAnswer
    asked: str
    address: str
    headline: str
    is_own: bool
    seen: str


def words_waiting(unit: DeskUnit, actor: Actor, csrf: str, subject: str | None = None) -> Sequence[WaitingWords]:
    """All of them, or what waits as the answer to one question, report or poll."""
    found = waiting(unit, subject) if subject is not None else None
    versions = unit.listening.waiting_answers() if subject is None else [found] if found is not None else []
    headlines = headlines_of(unit, [each.incident for each in versions])
    return [_shown(unit, actor, csrf, each, headlines) for each in versions]


def _shown(unit: DeskUnit, actor: Actor, csrf: str, version: GivenAnswer, headlines: Mapping[str, str]) -> WaitingWords:
    return WaitingWords(
        version,
        asked_of(unit, version),
        _address(unit, version),
        headlines.get(version.incident or "", ""),
        is_by(Officer(unit, actor), version),
        sealed(digest_of(version), csrf),
    )


def _address(unit: DeskUnit, version: GivenAnswer) -> str:
    match version.to:
        case AnswerTo.POLL:
            return f"{BASE}/polls/{version.subject}"
        case AnswerTo.REPORT:
            report = unit.reports.by_id(version.subject)
            return f"{BASE}/reports/{report.number if report is not None else version.subject}"
        case _:
            return f"{BASE}/heard/questions/{version.subject}"


def routes(console: Console) -> list[web.RouteDef]:
    """Return the routes of their decisions."""
    return [
        web.post("/words/{id:[A-Za-z0-9]+}/approve", partial(_approve, console)),
        web.post("/words/{id:[A-Za-z0-9]+}/reject", partial(_reject, console)),
    ]


async def _approve(console: Console, request: web.Request) -> web.StreamResponse:
    name, visitor, form = request.match_info["id"], visitor_of(request), await fields_of(request)
    seen = unseal(form.get("seen", ""), visitor.session.csrf)

    def action(unit: DeskUnit) -> str:
        if seen is None:
            raise Conflict(because("changed_since_shown", alert=name))
        return _address(unit, approve_version(Officer(unit, visitor.actor), name, seen)[0])

    return await _done(console, request, action, "approve")


async def _reject(console: Console, request: web.Request) -> web.StreamResponse:
    name, actor, form = request.match_info["id"], visitor_of(request).actor, await fields_of(request)
    reason = form.get("reason", "").strip()[:LONGEST_REASON] or None

    def action(unit: DeskUnit) -> str:
        return _address(unit, refuse(Officer(unit, actor), find_answer(unit, name).id, reason))

    return await _done(console, request, action, "reject")


async def _done(
    console: Console, request: web.Request, action: Callable[[DeskUnit], str], deed: str
) -> web.StreamResponse:
    """Carry it out, and redirect to the page that it belongs to; a refusal gets a page of its own."""
    try:
        address = await console.service.act(action)
    except TocsinError as error:
        return mishap(console.frame, request, error)
    # Of what stored no post and belongs to no incident nobody would hear else.
    number = address.rpartition("/")[2]
    console.service.tell(ReportsChanged((number,)) if "/reports/" in address else RemarkHeard())
    raise web.HTTPSeeOther(f"{address}?done=answers-{deed}" if "/heard/" in address else address)
