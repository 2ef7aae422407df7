"""The desk's forms of acts: each is made from the act's declaration (`alerts.desk.act`).

`POST {place}/{id}/{verb}` reads the act's fields from the form, carries it out and redirects to the act's page. A
refusal is shown on the form's page, together with the input. `seen` is sealed to the session (`sheet.sealed`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Protocol, TypeVar

from aiohttp import web

from alerts.desk.act import OfficerAct, every_act, fields_of
from alerts.desk.officer import Officer
from alerts.desk.unit import DeskUnit
from alerts.model.errors import TocsinError
from alerts.web.console.entering import fields_of as typed_in
from alerts.web.console.error_pages import RefusedForm
from alerts.web.console.frame import BASE, Console, visitor_of
from alerts.web.console.review import unseal
from alerts.web.posted import read_posted

A = TypeVar("A", bound=OfficerAct)
_SAME: Mapping[str, str] = MappingProxyType({})
_OURS = frozenset(("csrf", "back", "stop"))
"""Fields of forms that are the page's and no act's: its token, where it was opened from, that one tap is enough."""


class ShowsRefusal(Protocol):
    """The page that an act's form is on."""

    def __call__(self, console: Console, request: web.Request, refused: RefusedForm) -> Awaitable[web.StreamResponse]:
        """Show it again, with the refusal and what was typed."""
        ...


def act_routes(console: Console, place: str, page: ShowsRefusal) -> list[web.RouteDef]:
    """The forms of all acts below that address, which are on that page."""
    return [
        web.post(f"{act.place}/{{id:[0-9A-Za-z_-]{{1,63}}}}/{act.verb}", partial(_post, console, act, page))
        for act in every_act()
        if act.place == place
    ]


async def _post(
    console: Console, act: type[OfficerAct], page: ShowsRefusal, request: web.Request
) -> web.StreamResponse:
    typed, visitor = await typed_in(request), visitor_of(request)
    try:
        made = await form_of(act, request)

        def action(unit: DeskUnit) -> str:
            if made.missing(unit) is not None:
                raise web.HTTPNotFound
            return made.page(unit, made.done_by(Officer(unit, visitor.actor)))

        where = await console.service.act(action)
    except TocsinError as error:
        return await page(console, request, RefusedForm.by(error, typed))
    raise web.HTTPSeeOther(f"{BASE}{where}")


async def form_of(act: type[A], request: web.Request, named: Mapping[str, str] = _SAME) -> A:
    """The act as its form says it, by its fields' names; `named` has the key of each that the page calls otherwise.

    Raises Misuse as `made` does.
    """
    posted, fields = await read_posted(request), fields_of(act)
    keys = {each.name: each.key for each in fields} | dict(named)
    typed = {keys.get(name, name): value for name, value in (await typed_in(request)).items() if name not in _OURS}
    given: dict[str, object] = {**typed}
    for each in fields:
        if each.kind is bool:
            given[each.key] = each.key in typed
        elif each.kind is tuple:
            given[each.key] = [value for value in posted.getall(each.name, []) if isinstance(value, str)]
        elif each.key == "seen":
            # A seal that doesn't fit is of another session or another thing: nothing was seen.
            given["seen"] = unseal(typed.get("seen", ""), visitor_of(request).session.csrf) or ""
        elif not each.is_required and not typed.get(each.key, "").strip():
            given.pop(each.key, None)
    [identity] = request.match_info.values()
    return act.made(identity, given)
