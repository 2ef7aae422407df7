"""The pictures of posts, for a platform that fetches them instead of taking them (Instagram).

    GET /pictures/NAME.jpg      the picture of a post, by the SHA-256 of its content

What is there never changes: what is fetched is what was validated. It is there from the first attempt to send its post,
which validation comes before, and for a day after the last, as long as a container lives. So nobody who guesses the
words of a draft, and draws its card, learns by asking that there is such a draft; and no other picture that the town
keeps can be asked for.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from functools import partial

from aiohttp import web

from alerts.desk.service import DeskService
from alerts.model.remembered import Lately
from alerts.model.town import Town
from alerts.store.pictures import tried_with
from alerts.web.public.answers import JPEG, CachedResponse, answer, respond
from alerts.web.public.publisher import Publisher, nothing_there

OFFERED_FOR = timedelta(days=1)
"""How long a picture is there after the last attempt: Instagram's containers expire after a day."""
# One that is there stays in memory for so long: a crowd that asks for it costs its bytes.
_KEPT_FOR, _MOST_KEPT = timedelta(minutes=1), 8
_FOR_A_DAY = 24 * 3600
_UNLISTED = {"X-Robots-Tag": "noindex"}


def post_picture_routes(town: Town, publisher: Publisher, service: DeskService) -> list[web.RouteDef]:
    """The one address, if a channel of the town needs it; `service` asks on the public pages' connections."""
    channels = [each.name for each in town.channels.values() if each.card_alone]
    if not channels:
        return []
    pictures = Lately(partial(_read, service, channels), service.now, _KEPT_FOR, _MOST_KEPT)
    return [web.get("/pictures/{name:[0-9a-f]{64}\\.jpg}", partial(_picture, publisher, pictures))]


async def _picture(
    publisher: Publisher, pictures: Lately[str, CachedResponse], request: web.Request
) -> web.StreamResponse:
    try:
        found = await pictures.get(request.match_info["name"])
    except FileNotFoundError:
        return await nothing_there(publisher, request)
    return await respond(found, request)


async def _read(service: DeskService, channels: list[str], name: str) -> CachedResponse:
    """Raises FileNotFoundError where no post went out with it lately."""
    if not await service.ask(lambda unit: tried_with(unit.db, name, channels, unit.now - OFFERED_FOR)):
        raise FileNotFoundError(name)
    # On a server the card may have been drawn by another machine.
    await service.bring_picture(name)
    file = service.picture(name)
    if file is None:
        raise FileNotFoundError(name)
    return answer(await asyncio.to_thread(file.read_bytes), JPEG, extra=_UNLISTED, fresh_for=_FOR_A_DAY)
