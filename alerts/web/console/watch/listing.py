"""The lists of all there ever was, a page at a time: every alert, what was left out and why, Tocsin's own notices."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, TypeVar

from aiohttp import web

from alerts.desk.service import DeskUnit
from alerts.model.incident import OWN_NOTICES, AlertState, Wanted
from alerts.model.post import PostState
from alerts.web.console.frame import Console
from alerts.web.console.watch.cases import Case, case_of
from alerts.web.console.watch.view import page

A_PAGE = 30
LONGEST_WORDS = 100
S = TypeVar("S", bound=StrEnum)


def routes(console: Console) -> list[web.RouteDef]:
    """The three lists."""

    async def alerts(request: web.Request) -> web.Response:
        wanted = wanted_of(request)
        return page(console, request, "alerts.html", wanted=wanted, **await _listed(console, request, wanted))

    async def left_out(request: web.Request) -> web.Response:
        wanted = Wanted(
            state=AlertState.LEFT_OUT, source=_text(request, "source") or None, words=_text(request, "words") or None
        )
        return page(console, request, "left_out.html", wanted=wanted, **await _listed(console, request, wanted))

    async def notices(request: web.Request) -> web.Response:
        wanted = Wanted(source=OWN_NOTICES)
        return page(console, request, "notices.html", **await _listed(console, request, wanted))

    return [web.get("/alerts", alerts), web.get("/left-out", left_out), web.get("/notices", notices)]


def wanted_of(request: web.Request) -> Wanted:
    """The filter of an address; what isn't one of its values asks for nothing."""
    return Wanted(
        state=_one_of(AlertState, _text(request, "state")),
        post_state=_one_of(PostState, _text(request, "posts")),
        source=_text(request, "source") or None,
        words=_text(request, "words") or None,
    )


async def _listed(console: Console, request: web.Request, wanted: Wanted) -> dict[str, Any]:
    before = _text(request, "before") or None
    sources = list(console.frame.station.intakes)

    def question(unit: DeskUnit) -> list[Case]:
        records = unit.views.page(wanted, before=before, most=A_PAGE + 1)
        posts = unit.views.posts_by_alert([record.id for record in records])
        return [case_of(record, posts[record.id], unit.desk.station.language) for record in records]

    cases = await console.service.ask(question)
    rest = {name: value for name, value in request.query.items() if name in _FILTERS and value.strip()}
    return {
        "cases": cases[:A_PAGE],
        "older": {**rest, "before": cases[A_PAGE - 1].record.id} if len(cases) > A_PAGE else None,
        "newest": rest if before else None,
        "sources": sources,
        "states": list(AlertState),
        "post_states": list(PostState),
    }


_FILTERS = ("state", "posts", "source", "words")


def _text(request: web.Request, name: str) -> str:
    return request.query.get(name, "").strip()[:LONGEST_WORDS]


def _one_of(kind: type[S], text: str) -> S | None:
    try:
        return kind(text)
    except ValueError:
        return None
