"""The pictures of posts, for a platform that fetches them instead of taking them (Instagram).

    GET /pictures/NAME.jpg      a picture that is kept, by the SHA-256 of its content

Only who was given the address knows it, and what is there never changes: what is fetched is what was validated.
"""

from __future__ import annotations

import asyncio
from functools import partial

from aiohttp import web

from alerts.desk.service import DeskService
from alerts.web.public.answers import JPEG, answer, respond
from alerts.web.public.publisher import Publisher, nothing_there

_FOR_A_DAY = 24 * 3600
_UNLISTED = {"X-Robots-Tag": "noindex"}


def routes(publisher: Publisher, service: DeskService) -> list[web.RouteDef]:
    """The one address."""
    return [web.get("/pictures/{name:[0-9a-f]{64}\\.jpg}", partial(_picture, publisher, service))]


async def _picture(publisher: Publisher, service: DeskService, request: web.Request) -> web.Response:
    name = request.match_info["name"]
    # On a server the card may have been drawn by another machine.
    await service.bring_picture(name)
    file = service.picture(name)
    if file is None:
        return await nothing_there(publisher, request)
    picture = answer(await asyncio.to_thread(file.read_bytes), JPEG, extra=_UNLISTED, fresh_for=_FOR_A_DAY)
    return await respond(picture, request)
