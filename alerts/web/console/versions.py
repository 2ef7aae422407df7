"""Officers' own words waiting for validation outside alerts: answers to questions and reports, outcomes of polls.

    POST /words/ID/approve, /words/ID/reject

Each is shown on the page of its question, report or poll, with everything that a validation publishes by it. The form
carries the digest of that, sealed to the session, so nobody validates an unseen version.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aiohttp import web

from alerts.desk.handing_in import is_by
from alerts.desk.officer import Officer
from alerts.desk.unit import DeskUnit
from alerts.desk.versions import digest_of, waiting
from alerts.model.errors import Refused
from alerts.model.listening import AnswerTo, GivenAnswer
from alerts.model.person import Actor
from alerts.web.console.acts import act_routes
from alerts.web.console.error_pages import RefusedForm, error_page
from alerts.web.console.frame import BASE, Console
from alerts.web.console.heard_view import headlines_of
from alerts.web.console.review import sealed


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
    asked, address = _subject(unit, version)
    return WaitingWords(
        version,
        asked,
        f"{BASE}/{address}",
        headlines.get(version.incident or "", ""),
        is_by(Officer(unit, actor), version),
        sealed(digest_of(version), csrf),
    )


def _subject(unit: DeskUnit, version: GivenAnswer) -> tuple[str, str]:
    """Return the subject of a version for its validator, and its page.

    It is the question as readers get it, the poll's, or the report.
    """
    name = version.subject
    match version.to:
        case AnswerTo.POLL:
            poll = unit.polls.poll(name)
            return poll.question if poll is not None else name, f"polls/{name}"
        case AnswerTo.REPORT:
            if (report := unit.reports.by_id(name)) is None:
                return name, f"reports/{name}"
            return " – ".join(filter(None, (report.number, report.text))), f"reports/{report.number}"
        case _:
            question = unit.listening.question(name)
            return version.asked or (question.words if question is not None else name), f"heard/questions/{name}"


def routes(console: Console) -> list[web.RouteDef]:
    """Return the routes of decisions about them; a refusal is shown on a page of its own."""

    async def refusal(console: Console, request: web.Request, refused: RefusedForm) -> web.StreamResponse:
        return error_page(console.frame, request, Refused(refused.error or ""), status=refused.status)

    return act_routes(console, "/words", refusal)
