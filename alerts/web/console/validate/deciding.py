"""The three decisions: let it go out as it was shown, keep it back, send it back. Who comes second is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from aiohttp import web

from alerts.desk.officer import Officer
from alerts.desk.service import DeskUnit
from alerts.model.errors import Conflict, TocsinError
from alerts.model.reason import Reason
from alerts.web.console.entering import fields_of
from alerts.web.console.frame import BASE, Console, visitor_of
from alerts.web.console.mishaps import status_beside
from alerts.web.console.validate.looking import ONE, asked, show_sheet
from alerts.web.console.validate.returning import fields_for
from alerts.web.console.validate.sheet import unseal

LONGEST = 4000
"""Characters of what is typed in one field."""
Deed = Callable[[Officer, str, Mapping[str, str]], object]


def routes(console: Console) -> list[web.RouteDef]:
    """One address for each decision; each is a POST that the guard has checked."""
    deeds: dict[str, Deed] = {"approve": _approve, "reject": _reject, "send-back": _send_back}
    return [web.post(f"{ONE}/{name}", partial(_decide, console, name, deed)) for name, deed in deeds.items()]


async def _decide(console: Console, name: str, deed: Deed, request: web.Request) -> web.StreamResponse:
    alert, actor = request.match_info["id"], visitor_of(request).actor
    form = {key: value.strip()[:LONGEST] for key, value in (await fields_of(request)).items()}
    form["seen"] = unseal(form.get("seen", ""), visitor_of(request).session.csrf) or ""
    words = console.frame.words(request)
    if errors := _missing(name, form, words.gettext):
        sheet = await asked(console, request)
        return await show_sheet(console, request, sheet, status=400, errors=errors, typed=form)

    def acting(unit: DeskUnit) -> None:
        deed(Officer(unit, actor), _exactly(unit, alert), form)

    try:
        await console.service.act(acting)
    except TocsinError as error:
        sheet = await asked(console, request)
        conflict = isinstance(error, Conflict)
        told: dict[str, str | Reason] = {} if conflict else {"": error.reason}
        return await show_sheet(
            console, request, sheet, status=status_beside(error), conflict=conflict, errors=told, typed=form
        )
    where = f"/alerts/{alert}" if name == "approve" else "/waiting"
    raise web.HTTPSeeOther(f"{BASE}{where}?done={name}")


def _missing(name: str, form: Mapping[str, str], _: Callable[[str], str]) -> dict[str, str]:
    """What a form must carry. What was shown is no field that anybody fills in: without it nothing is validated."""
    if name == "approve" and not form.get("seen"):
        return {"": _("The form did not say what you saw. Look at the posts below, then validate.")}
    if name == "reject" and not form.get("reason") and not form.get("stop"):
        return {"reason": _("Say why it does not go out: its author reads it.")}
    if name == "send-back" and not form.get("note"):
        return {"note": _("Say what has to change: its author reads it.")}
    return {}


def _exactly(unit: DeskUnit, alert: str) -> str:
    """The id, if it is one: an address that names something by its beginning decides nothing."""
    if not any(record.id == alert for record in unit.alerts.by_id(alert)):
        raise web.HTTPNotFound
    return alert


def _approve(officer: Officer, alert: str, form: Mapping[str, str]) -> object:
    return officer.approve(alert, seen=form["seen"], again=bool(form.get("again")))


def _reject(officer: Officer, alert: str, form: Mapping[str, str]) -> object:
    return officer.reject(alert, form.get("reason") or None)


def _send_back(officer: Officer, alert: str, form: Mapping[str, str]) -> object:
    [record] = [each for each in officer.unit.alerts.by_id(alert) if each.id == alert]
    posts = officer.unit.alerts.posts_of(alert)
    fields = fields_for(record, posts, form, officer.unit.desk.station)
    return officer.send_back(alert, form["note"], fields)
