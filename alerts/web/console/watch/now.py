"""The first page: what needs somebody, what is on, and how old that knowledge is, source by source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from aiohttp import web

from alerts.web.console.frame import Console
from alerts.web.console.watch.cases import board_of
from alerts.web.console.watch.view import page


def routes(console: Console) -> list[web.RouteDef]:
    """The page, and what of it changes by itself."""

    async def now(request: web.Request) -> web.Response:
        return page(console, request, "now.html", **await _values(console))

    async def fragment(request: web.Request) -> web.Response:
        return page(console, request, "now_board.html", **await _values(console))

    return [web.get("/", now), web.get("/fragments/now", fragment)]


async def _values(console: Console) -> dict[str, Any]:
    sources, channels = await console.service.sources(), await console.service.channels()
    return {
        "board": await console.service.ask(board_of),
        "sources": [with_age(source) for source in sources],
        "troubled": {
            "sources": [with_age(source) for source in sources if source["state"] != "ok"],
            "channels": [channel for channel in channels if channel["state"] != "ok"],
        },
    }


def with_age(source: Mapping[str, Any]) -> dict[str, Any]:
    """A source's standing with the time it was last read, as a time."""
    last_ok = source["last_ok"]
    return {**source, "read_at": datetime.fromisoformat(last_ok) if last_ok else None}


def oldest(sources: Sequence[Mapping[str, Any]]) -> datetime | None:
    """Since when nothing is known of the source that was read longest ago; None where one never was."""
    times = [source["read_at"] for source in sources]
    return None if None in times else min(times, default=None)
