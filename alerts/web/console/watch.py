"""The pages that show how things are: what is on now, every alert there ever was, the sources and the channels.

GET  /                      what needs somebody, what is on, and how old that knowledge is, source by source
GET  /alerts, /left-out, /notices    all there ever was, a page at a time, with a filter
GET  /channels              how sources and channels are doing, what the pace still lets through
POST /sources/NAME/gone     calls off what is gone from a calendar all at once
GET  /fragments/...         of the live pages what changes by itself

A page asks its question in one unit of work and shows the answer. `live.js` hears of changes by the stream of events
and fetches the fragment anew.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import Any, TypeVar

from aiohttp import web
from aiohttp.typedefs import Handler

from alerts.desk.officer import Officer
from alerts.desk.service import DeskUnit
from alerts.model.errors import Refused
from alerts.model.incident import OWN_NOTICES, AlertState, Wanted
from alerts.model.post import PostState
from alerts.web.console.cases import Case, board_of, case_of, page
from alerts.web.console.frame import BASE, Console, visitor_of

A_PAGE = 30
LONGEST_WORDS = 100
SHOWN = timedelta(hours=24)
"""For how long what was told to subscribers stays in sight."""
S = TypeVar("S", bound=StrEnum)
_FILTERS = ("state", "posts", "source", "words")


def routes(console: Console) -> list[web.RouteDef]:
    """The pages, and the fragments of those that change by themselves."""

    def live(name: str, values: Callable[[Console], Awaitable[dict[str, Any]]]) -> Handler:
        async def show(request: web.Request) -> web.Response:
            return page(console, request, name, **await values(console))

        return show

    def listed(name: str, wanted_of: Callable[[web.Request], Wanted]) -> Handler:
        async def show(request: web.Request) -> web.Response:
            wanted = wanted_of(request)
            return page(console, request, name, wanted=wanted, **await _listed(console, request, wanted))

        return show

    return [
        web.get("/", live("now.html", _now)),
        web.get("/fragments/now", live("now_board.html", _now)),
        web.get("/alerts", listed("alerts.html", wanted_of)),
        web.get("/left-out", listed("left_out.html", _left_out)),
        web.get("/notices", listed("notices.html", lambda _: Wanted(source=OWN_NOTICES))),
        web.get("/channels", live("channels.html", _channels)),
        web.get("/fragments/channels", live("channels_board.html", _channels)),
        web.post("/sources/{name}/gone", partial(_call_off, console)),
    ]


async def _now(console: Console) -> dict[str, Any]:
    sources = [with_age(source) for source in await console.service.sources()]
    channels = await console.service.channels()
    return {
        "board": await console.service.ask(board_of),
        "sources": sources,
        "troubled": {
            "sources": [source for source in sources if source["state"] != "ok"],
            "channels": [channel for channel in channels if channel["state"] != "ok"],
        },
    }


def with_age(source: Mapping[str, Any]) -> dict[str, Any]:
    """A source's standing with the time it was last read, as a time."""
    last_ok = source["last_ok"]
    return {**source, "read_at": datetime.fromisoformat(last_ok) if last_ok else None}


def wanted_of(request: web.Request) -> Wanted:
    """The filter of an address; what isn't one of its values asks for nothing."""
    return Wanted(
        state=_one_of(AlertState, _text(request, "state")),
        post_state=_one_of(PostState, _text(request, "posts")),
        source=_text(request, "source") or None,
        words=_text(request, "words") or None,
    )


def _left_out(request: web.Request) -> Wanted:
    asked = wanted_of(request)
    return Wanted(state=AlertState.LEFT_OUT, source=asked.source, words=asked.words)


async def _listed(console: Console, request: web.Request, wanted: Wanted) -> dict[str, Any]:
    before = _text(request, "before") or None

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
        "sources": list(console.frame.station.sources),
        "states": list(AlertState),
        "post_states": list(PostState),
    }


def _text(request: web.Request, name: str) -> str:
    return request.query.get(name, "").strip()[:LONGEST_WORDS]


def _one_of(kind: type[S], text: str) -> S | None:
    try:
        return kind(text)
    except ValueError:
        return None


async def _call_off(console: Console, request: web.Request) -> web.StreamResponse:
    """Call off what is gone from a calendar all at once. Where nothing waits for that any more, somebody was faster."""
    name, visitor = request.match_info["name"], visitor_of(request)
    with contextlib.suppress(Refused):
        await console.service.act(lambda unit: Officer(unit, visitor.actor).call_off_gone(name))
    raise web.HTTPSeeOther(f"{BASE}/channels#source-{name}")


async def _channels(console: Console) -> dict[str, Any]:
    sources = [with_age(source) for source in await console.service.sources()]
    stuck = await console.service.ask(
        lambda unit: {state: unit.views.posts_in(state, most=200) for state in (PostState.FAILED, PostState.IN_DOUBT)}
    )
    undecided: dict[str, int] = {}
    for posts in stuck.values():
        for post in posts:
            undecided[post.channel] = undecided.get(post.channel, 0) + 1
    return {
        "sources": sources,
        "channels": await console.service.channels(),
        "undecided": undecided,
        "bulks": await console.service.ask(_bulks),
    }


def _bulks(unit: DeskUnit) -> list[dict[str, Any]]:
    """What is told to subscribers, newest first: how far it is, and when it will be through."""
    progress = unit.views.bulks(unit.now - SHOWN)
    records = [record for each in progress for record in unit.alerts.by_id(each.bulk.alert_id)[:1]]
    headlines = {record.id: case_of(record, (), unit.desk.station.language).headline for record in records}
    return [
        {
            "bulk": each.bulk,
            "state": each.state,
            "held": each.held,
            "looked": each.looked,
            "held_until": each.held_until,
            "ends_at": each.ends_at(unit.now),
            "headline": headlines.get(each.bulk.alert_id, ""),
        }
        for each in reversed(progress)
    ]
