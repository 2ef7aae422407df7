"""The fleet's first page: its towns for citizens, to find one and to subscribe to several, each at its own pages.

GET /              the towns that run, by name; ?words= finds some of them, without scripts too
GET /static/NAME   the style and the script of it

It knows no more of a town than its name, its address and which ways it has to be told; nothing of what is on there is
asked of any database, so a crowd at this page costs the towns nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from aiohttp import web

from alerts.fleet.fleet import Fleet
from alerts.fleet.hosts import is_of_machine
from alerts.model.hazard import fold
from alerts.model.town import PUSH, Town
from alerts.web.console.arrival import host_of
from alerts.web.pages import best_of
from alerts.web.public.answers import HTML, UNKEPT, given, static_answers
from alerts.web.public.page import environment, safety
from alerts.web.public.told import SPOKEN

LONGEST_WORDS = 100
_HEADERS = {
    **safety(None, posts=True),
    "Content-Type": HTML,
    "Cache-Control": "public, max-age=60",
    "X-Content-Type-Options": UNKEPT["X-Content-Type-Options"],
    "Vary": "Accept-Language",
}


@dataclass(frozen=True, slots=True)
class Listed:
    """A town as its line tells it: `ways` are where one subscribes there, by what they are."""

    name: str
    address: str
    ways: Sequence[tuple[str, str]]


def town_list_routes(fleet: Fleet) -> list[web.RouteDef]:
    """The page and its files, in the reader's language, else the fleet's."""

    async def towns(request: web.Request) -> web.Response:
        words = request.query.get("words", "")[:LONGEST_WORDS]
        language = best_of(tuple(SPOKEN), request.headers.get("Accept-Language"), fleet.section.language)
        found = [each for each in listed(fleet) if fold(words.strip()) in fold(each.name)]
        page = environment(language).get_template("towns.html")
        body = page.render(name=fleet.section.name, words=words, towns=found)
        # At the name of a town that doesn't run it leads on, and whatever watches that address is told that it is away.
        return web.Response(status=200 if _own(request, fleet) else 404, body=body.encode(), headers=_HEADERS)

    async def static(request: web.Request) -> web.Response:
        found = static_answers().get(request.path)
        return await given(found, request) if found is not None else web.Response(status=404)

    return [web.get("/", towns), web.get("/static/{name:.*}", static)]


def _own(request: web.Request, fleet: Fleet) -> bool:
    host = host_of(request)
    return is_of_machine(host) or host == urlsplit(fleet.section.url or "").hostname


def listed(fleet: Fleet) -> list[Listed]:
    """The towns that run, in the order of their names."""
    running = [each.daemon.town for each in fleet.members.values() if each.daemon is not None]
    return sorted((_listed(each) for each in running), key=lambda each: fold(each.name))


def _listed(town: Town) -> Listed:
    address = f"{town.public_url or town.mount}/"
    ways = [("push", f"{address}#push-title")] if PUSH in town.channels else []
    ways += [("letters", f"{address}#letters-title")] if town.letters is not None else []
    return Listed(town.name, address, ways or [("page", address)])
