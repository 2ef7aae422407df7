"""What is done about an incident from its page: each button one POST, done and written down at once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from alerts.desk.officer import Officer
from alerts.desk.service import DeskUnit
from alerts.model.errors import Misuse, TocsinError
from alerts.model.reason import Reason, because
from alerts.web.console.entering import fields_of
from alerts.web.console.frame import BASE, Console, visitor_of
from alerts.web.console.mishaps import status_beside
from alerts.web.console.watch.incident import DEEDS, show_story, tell

LONGEST_REASON = 1000
Deed = Callable[[Officer, str, dict[str, str]], str]
"""Does it to the alert of that exact id, with what the form said; returns the id of the alert to show then."""


def routes(console: Console) -> list[web.RouteDef]:
    """One address for each action."""

    def handler(name: str, deed: Deed) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            return await _carry_out(console, request, name, deed)

        return handle

    return [web.post(f"/alerts/{{id:[A-Za-z0-9]+}}/{name}", handler(name, deed)) for name, deed in _DEEDS.items()]


async def _carry_out(console: Console, request: web.Request, name: str, deed: Deed) -> web.StreamResponse:
    alert, visitor = request.match_info["id"], visitor_of(request)
    form = await fields_of(request)
    form["reason"] = form.get("reason", "").strip()[:LONGEST_REASON]
    await tell(console, alert, visitor.account.name)

    def action(unit: DeskUnit) -> str:
        shown = deed(Officer(unit, visitor.actor), alert, form)
        incident = unit.alerts.by_id(shown)[0].incident_id
        newest = unit.alerts.incident(incident)[-1].id
        unit.views.looked(visitor.account.name, incident, newest, unit.now)
        return shown

    try:
        shown = await console.service.act(action)
    except TocsinError as error:
        story = await tell(console, alert, visitor.account.name)
        told: dict[str, str | Reason] = {"text": error.reason, "act": name, "reason": form["reason"]}
        return show_story(console, request, story, status=status_beside(error), error=told)
    raise web.HTTPSeeOther(f"{BASE}/alerts/{shown}?done={name}")


def _retry(officer: Officer, alert: str, form: dict[str, str]) -> str:
    officer.retry(_own(officer, alert, form))
    return alert


def _drop(officer: Officer, alert: str, form: dict[str, str]) -> str:
    officer.drop(_own(officer, alert, form))
    return alert


def _own(officer: Officer, alert: str, form: dict[str, str]) -> str:
    """The post that is meant, if it belongs to the alert's incident; without one, the alert. Raises Misuse."""
    name = form.get("post")
    if not name:
        return alert
    [record] = officer.unit.alerts.by_id(alert)
    if any(post.id == name for post in officer.unit.alerts.thread(record.incident_id)):
        return name
    raise Misuse(because("no_such_post", name=name, alert=alert))


def _end(officer: Officer, alert: str, form: dict[str, str]) -> str:
    how = form.get("how")
    if how not in ("cancel", "all_clear"):
        raise Misuse(because("end_unsaid"))
    return officer.cancel(alert, form["reason"] or None, over=how == "all_clear").record.id


def _correct(officer: Officer, alert: str, form: dict[str, str]) -> str:
    return officer.correct(alert, form["reason"] or None).record.id


_DEEDS: dict[str, Deed] = dict(zip(DEEDS, (_retry, _drop, _end, _correct), strict=True))
