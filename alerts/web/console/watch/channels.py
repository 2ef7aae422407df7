"""How the sources and the channels are doing: how old what is known is, what the pace still lets through."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from alerts.model.post import PostState
from alerts.web.console.frame import Console
from alerts.web.console.watch.now import with_age
from alerts.web.console.watch.view import page


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
    return {"sources": sources, "channels": await console.office.channels(), "undecided": undecided}
