"""A report noted by an officer: somebody's words at the counter, by telephone, or on a channel that is listened to.

    GET  /reports/new            the form; `?said=` is an utterance, whose words, kind and street are filled in
    POST /reports/new            takes it, by the one intake; one that is sent twice is one

An utterance becomes one report, however often it is submitted, and counts as handled from then on.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from http import HTTPStatus
from typing import Any

from aiohttp import web

from alerts.model.errors import Forbidden, Misuse, TocsinError
from alerts.model.incident import new_id
from alerts.model.listening import Utterance
from alerts.model.person import MAY, Act, Actor
from alerts.model.reason import Reason, because
from alerts.model.reports import LONGEST_PLACE, LONGEST_TEXT, Via
from alerts.reports.addresses import kind_in, place_in, places_of
from alerts.reports.intake import ReportIntake
from alerts.reports.taking import ReportDraft
from alerts.web.console.entering import fields_of
from alerts.web.console.error_pages import status_of
from alerts.web.console.frame import BASE, Console, visitor_of
from alerts.web.console.watch import page
from alerts.web.posted import must_exist

_KEY = re.compile(r"[0-9A-Za-z]{10,40}")
_ELSE = "other"


def routes(console: Console) -> list[web.RouteDef]:
    """The form and what it sends."""
    return [web.get("/reports/new", partial(_form, console)), web.post("/reports/new", partial(_take, console))]


def _intake(console: Console) -> ReportIntake:
    if console.reports is None:
        raise web.HTTPNotFound
    return console.reports


def _must_tend(request: web.Request) -> Actor:
    """Return the visitor's actor. Raises Forbidden for those who may not."""
    actor = visitor_of(request).actor
    if not actor.may(Act.TEND):
        why = because("role_too_low", name=actor.name, role=actor.role, act=Act.TEND, needed=MAY[Act.TEND])
        raise Forbidden(why)
    return actor


async def _utterance(console: Console, name: str) -> Utterance | None:
    """Return the utterance of that id, None for an empty one. Raises HTTPNotFound if there is none."""
    if not name:
        return None
    return must_exist(await console.service.ask(lambda unit: unit.listening.utterance(name)))


async def _form(console: Console, request: web.Request) -> web.Response:
    _intake(console)
    _must_tend(request)
    said = await _utterance(console, request.query.get("said", ""))
    return await _page(console, request, said, await _prefilled(console, said))


async def _prefilled(console: Console, said: Utterance | None) -> dict[str, str]:
    """Return the initial values of the form."""
    typed = {"key": new_id(), "kind": "", "text": "", "address": "", "lat": "", "lon": ""}
    if said is None or said.text is None:
        return typed
    town = console.frame.station
    kinds = town.reports.kinds if town.reports is not None else ()
    kind = kind_in(said.text, kinds)
    other = _ELSE if any(each.code == _ELSE for each in kinds) else ""
    spot = place_in(said.text, await places_of(town)) or place_in(said.place or "", await places_of(town))
    words = said.text[:LONGEST_TEXT].strip()
    return {**typed, "kind": kind.code if kind else other, "text": words, "address": spot.words if spot else ""}


async def _page(
    console: Console,
    request: web.Request,
    said: Utterance | None,
    typed: Mapping[str, str],
    *,
    status: int = 200,
    error: Reason | None = None,
) -> web.Response:
    town, language = console.frame.station, console.frame.words(request).language
    kinds = town.reports.kinds if town.reports is not None else ()
    values: dict[str, Any] = {
        "said": said,
        "typed": typed,
        "choices": [(kind.code, kind.name(language)) for kind in kinds if not kind.stop],
        "streets": bool(town.addresses),
        "longest": {"text": LONGEST_TEXT, "place": LONGEST_PLACE},
        "error": error,
    }
    return page(console, request, "report_new.html", status=status, **values)


async def _take(console: Console, request: web.Request) -> web.StreamResponse:
    intake, actor, form = _intake(console), _must_tend(request), await fields_of(request)
    said = await _utterance(console, form.get("said", ""))
    try:
        taken = await intake.take(_draft(console, form, said, actor))
    except TocsinError as error:
        status = status_of(error, HTTPStatus.UNPROCESSABLE_ENTITY)
        typed = {name: form.get(name, "") for name in ("key", "kind", "text", "address", "lat", "lon")}
        return await _page(console, request, said, typed, status=status, error=error.reason)
    raise web.HTTPSeeOther(f"{BASE}/reports/{taken.report.number}?done=new")


def _draft(console: Console, form: Mapping[str, str], said: Utterance | None, actor: Actor) -> ReportDraft:
    town, address = console.frame.station, form.get("address", "").strip()[:LONGEST_PLACE]
    # Whoever said something is one source, however many officers note it; at the counter each is somebody else.
    source = f"utterance {said.id}" if said is not None else f"counter {_key(form)}"
    return ReportDraft(
        kind=form.get("kind", ""),
        via=Via.OFFICER,
        source=f"key {source}",
        lat=_degrees(form.get("lat", "")),
        lon=_degrees(form.get("lon", "")),
        address=address or None,
        text=form.get("text", "").replace("\r\n", "\n").strip(),
        language=(said.language if said is not None else None) or town.language,
        key=source,
        by=actor,
        utterance=said.id if said is not None else None,
    )


def _key(form: Mapping[str, str]) -> str:
    found = _KEY.fullmatch(form.get("key", ""))
    return found[0] if found else new_id()


def _degrees(typed: str) -> float | None:
    """A latitude or longitude, as people type it; None for a blank. Raises Misuse for what is none."""
    plain = typed.strip().replace(",", ".")
    if not plain:
        return None
    try:
        return float(plain)
    except ValueError:
        raise Misuse(because("report_off_globe", lat=typed[:20], lon="")) from None
