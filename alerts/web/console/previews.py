"""The pictures in previews: cards of unpublished alerts, and the town's own crest.

    GET /looks/cards/DIGEST.png     a card that a page of the desk has just named, drawn on first request
    GET /looks/logo                 the town's crest, as on its pages

Previews are queued (`PreviewQueue`): a fast typist takes the machine from nobody.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import TypeVar

from aiohttp import web

from alerts.desk.audience import SubscriberReach
from alerts.model.delivery import Bulk
from alerts.rendering.card import Card
from alerts.web.console.frame import BASE, Console
from alerts.web.posted import must_exist
from alerts.web.public.answers import respond
from alerts.web.public.site import logo_of

_FOR_LONG = {"Cache-Control": "private, max-age=86400, immutable"}
_FOR_AN_HOUR = {"Cache-Control": "private, max-age=3600"}


def card_address(console: Console, card: Card) -> str:
    """Where the picture of a card will be."""
    return f"{BASE}/looks/cards/{console.cards.name(card)}.png"


def routes(console: Console) -> list[web.RouteDef]:
    """The cards and the crest."""
    return [
        web.get("/looks/cards/{digest:[0-9a-f]{64}}.png", partial(_card, console)),
        web.get("/looks/logo", partial(_logo, console)),
    ]


async def reaches_of(
    console: Console, bulks: Sequence[Bulk], at: datetime | None = None
) -> Mapping[str, SubscriberReach]:
    """How many subscribers of each channel these reach, if they go at that time, or now."""
    local = (at or console.service.now()).astimezone(console.frame.station.zone)
    return {bulk.channel: await console.audiences.reach(console.service, bulk, local) for bulk in bulks}


async def _card(console: Console, request: web.Request) -> web.Response:
    picture = must_exist(await console.cards.picture(request.match_info["digest"]))
    return web.Response(body=picture, content_type="image/png", headers=_FOR_LONG)


async def _logo(console: Console, request: web.Request) -> web.Response:
    found = must_exist(await asyncio.to_thread(logo_of, console.frame.station))
    response = await respond(found, request)
    response.headers.update(_FOR_AN_HOUR)
    return response


T = TypeVar("T")


class PreviewQueue:
    """Queues previews: each visitor has one made at a time, and the newest of a draft replaces those before it."""

    def __init__(self) -> None:
        self._count = itertools.count()
        self._newest: dict[tuple[str, str], int] = {}
        self._rooms: dict[str, tuple[asyncio.Lock, set[int]]] = {}

    async def take(self, visitor: str, draft: str, work: Callable[[], Awaitable[T]]) -> T | None:
        """Do the work once what the visitor asked before is done; None where they asked anew of this draft."""
        ticket = next(self._count)
        self._newest[visitor, draft] = ticket
        lock, inside = self._rooms.setdefault(visitor, (asyncio.Lock(), set()))
        inside.add(ticket)
        try:
            async with lock:
                # Who asked anew while this waited would be shown what is old already.
                return await work() if self._newest.get((visitor, draft)) == ticket else None
        finally:
            inside.discard(ticket)
            # Who leaves, leaves nothing behind: visitors come and go for months.
            if not inside:
                self._rooms.pop(visitor)
            if self._newest.get((visitor, draft)) == ticket:
                self._newest.pop((visitor, draft))
