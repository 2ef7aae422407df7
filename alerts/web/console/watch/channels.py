"""How the sources and the channels are doing: how old what is known is, what the pace still lets through."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from aiohttp import web

from alerts.desk.sitting import Sitting
from alerts.model.incident import Record
from alerts.model.post import PostState
from alerts.web.console.frame import Console
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

    return [web.get("/channels", show), web.get("/fragments/channels", fragment)]


async def _values(console: Console) -> dict[str, Any]:
    sources = [with_age(source) for source in await console.office.sources()]
    stuck = await console.office.ask(
        lambda sitting: {
            state: sitting.views.posts_in(state, most=200) for state in (PostState.FAILED, PostState.IN_DOUBT)
        }
    )
    undecided: dict[str, int] = {}
    for posts in stuck.values():
        for post in posts:
            undecided[post.channel] = undecided.get(post.channel, 0) + 1
    return {
        "sources": sources,
        "channels": await console.office.channels(),
        "undecided": undecided,
        "bulks": await console.office.ask(_bulks),
    }


def _bulks(sitting: Sitting) -> list[dict[str, Any]]:
    """What is told to subscribers, newest first: how far it is, and when it will be through."""
    progress = sitting.views.bulks(sitting.now - SHOWN)
    records = {
        each.bulk.alert_id: record for each in progress for record in sitting.books.by_id(each.bulk.alert_id)[:1]
    }
    return [
        {
            "bulk": each.bulk,
            "state": each.state,
            "held": each.held,
            "looked": each.looked,
            "held_until": each.held_until,
            "ends_at": each.ends_at(sitting.now),
            "headline": headline_of(records.get(each.bulk.alert_id), sitting.desk.station.language),
        }
        for each in reversed(progress)
    ]


def headline_of(record: Record | None, language: str) -> str:
    """What an alert is called; nothing for one that is not there."""
    info = record.alert.info_for(language) if record and record.alert else None
    return (info.headline or info.event) if info else ""
