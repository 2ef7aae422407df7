"""How the sources and the channels are doing: how old what is known is, what the pace still lets through."""

from __future__ import annotations

import contextlib
from datetime import timedelta
from typing import Any

from aiohttp import web

from alerts.desk.officer import Officer
from alerts.desk.service import DeskUnit
from alerts.model.errors import Refused
from alerts.model.incident import StoredAlert
from alerts.model.post import PostState
from alerts.web.console.frame import BASE, Console, visitor_of
from alerts.web.console.watch.now import with_age
from alerts.web.console.watch.view import page

SHOWN = timedelta(hours=24)
"""For how long what was told to subscribers stays in sight."""


def routes(console: Console) -> list[web.RouteDef]:
    """The page, and what of it changes by itself."""

    async def show(request: web.Request) -> web.Response:
        return page(console, request, "channels.html", **await _values(console))

    async def fragment(request: web.Request) -> web.Response:
        return page(console, request, "channels_board.html", **await _values(console))

    async def gone(request: web.Request) -> web.StreamResponse:
        return await _call_off(console, request)

    return [
        web.get("/channels", show),
        web.get("/fragments/channels", fragment),
        web.post("/sources/{name}/gone", gone),
    ]


async def _call_off(console: Console, request: web.Request) -> web.StreamResponse:
    """Call off what is gone from a calendar all at once. Where nothing waits for that any more, somebody was faster."""
    name, visitor = request.match_info["name"], visitor_of(request)
    with contextlib.suppress(Refused):
        await console.service.act(lambda unit: Officer(unit, visitor.actor).call_off_gone(name))
    raise web.HTTPSeeOther(f"{BASE}/channels#source-{name}")


async def _values(console: Console) -> dict[str, Any]:
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
    records = {each.bulk.alert_id: record for each in progress for record in unit.alerts.by_id(each.bulk.alert_id)[:1]}
    return [
        {
            "bulk": each.bulk,
            "state": each.state,
            "held": each.held,
            "looked": each.looked,
            "held_until": each.held_until,
            "ends_at": each.ends_at(unit.now),
            "headline": headline_of(records.get(each.bulk.alert_id), unit.desk.station.language),
        }
        for each in reversed(progress)
    ]


def headline_of(record: StoredAlert | None, language: str) -> str:
    """What an alert is called; nothing for one that is not there."""
    info = record.alert.info_for(language) if record and record.alert else None
    return (info.headline or info.event) if info else ""
