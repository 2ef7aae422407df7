"""The fleet's first page: its towns for citizens, to find one, and to subscribe to several at once.

    GET  /             the running towns, by name; ?words= finds some of them, ?town= are ticked: without scripts too
    GET  /subscribe    for those of ?town= : a form for e-mails, and the places of their bots and their push
    POST /subscribe    an address and choices, for each of them: each town's own e-mail has its own link
    GET  /static/NAME  its style

The list has only a town's name, its address and its ways of subscribing; no database is queried for alerts, so a crowd
at this page costs the towns nothing. The form hands each town's own intake of subscriptions (`LetterPages.invite`) the
address and the choices, and nothing of the other towns; at the pace of the town's own form, and with the same answer
for known and unknown addresses. The fleet itself stores nothing of it.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any

from aiohttp import web

from alerts.app import Daemon
from alerts.fleet.fleet import Fleet
from alerts.fleet.hosts import is_of_machine
from alerts.model.errors import DatabaseRefused
from alerts.model.hazard import fold
from alerts.model.subscriber import MAILBOX, Subscriber
from alerts.model.town import PUSH, Town, host_in
from alerts.web.console.arrival import address_of, host_of
from alerts.web.pages import best_of
from alerts.web.posted import must_be_from_here
from alerts.web.public.answers import HTML, UNKEPT, respond, static_answers
from alerts.web.public.choices import by_choice
from alerts.web.public.email_signup import address_in
from alerts.web.public.page import environment, safety
from alerts.web.public.signup import STATUS_OF, Invited, SignupRequest, chosen_in, read_choices
from alerts.web.public.snapshot import SPOKEN

# Characters of a search that are read.
LONGEST_WORDS = 100
MOST_TOWNS = 10
"""Towns that one form subscribes to: each sends a letter."""
_SAFETY = {**safety(None, posts=True), "Content-Type": HTML}
_HEADERS = {
    **_SAFETY,
    "Cache-Control": "public, max-age=60",
    "X-Content-Type-Options": UNKEPT["X-Content-Type-Options"],
    "Vary": "Accept-Language",
}
_OWN = {**_SAFETY, **UNKEPT}


@dataclass(frozen=True, slots=True)
class Listed:
    """A town in the list: its folder (`key`), and where one subscribes to push and e-mails, if possible.

    `has_any` is true if there is any way to subscribe; `bots` are those of a chosen town.
    """

    key: str
    name: str
    address: str
    push: str
    letters: str
    has_any: bool
    bots: Sequence[str] = ()


class TownPages:
    """The pages and their files, in the reader's language, else the fleet's."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet

    def routes(self) -> list[web.RouteDef]:
        """All addresses."""
        return [
            web.get("/", self._list),
            web.get("/subscribe", self._choose),
            web.post("/subscribe", self._join),
            web.get("/static/{name:.*}", _static),
        ]

    async def _list(self, request: web.Request) -> web.Response:
        # At the name of a town that doesn't run it leads on, and whatever watches that address is told that it is away.
        return self._listing(request, HTTPStatus.OK if self._is_own(request) else HTTPStatus.NOT_FOUND, _HEADERS)

    def _listing(
        self, request: web.Request, status: int, headers: Mapping[str, str], wrong: str | None = None
    ) -> web.Response:
        words, ticked = request.query.get("words", "")[:LONGEST_WORDS], set(request.query.getall("town", []))
        wanted = fold(words.strip())
        # What is ticked stays, whatever is looked for next.
        found = [each for each in listed(self._fleet) if wanted in fold(each.name) or each.key in ticked]
        nothing = not any(wanted in fold(each.name) for each in found)
        values = {"words": words, "towns": found, "ticked": ticked, "nothing": nothing, "wrong": wrong}
        return self._page(request, "towns.html", status, headers, **values)

    async def _choose(self, request: web.Request) -> web.Response:
        """Show the ticked towns, and each of their ways to subscribe."""
        chosen = self._chosen(request.query.getall("town", []))
        if not 0 < len(chosen) <= MOST_TOWNS:
            wrong = "many" if chosen else "none"
            return self._listing(request, HTTPStatus.UNPROCESSABLE_ENTITY, _OWN, wrong)
        return await self._joining(request, chosen)

    async def _join(self, request: web.Request) -> web.Response:
        """Have each town send its letter. Whoever asks learns nothing about the address."""
        must_be_from_here(request)
        sent = await read_choices(request, "town")
        chosen = self._chosen(sent["town"])[:MOST_TOWNS]
        address, choices = address_in(sent), chosen_in(sent)
        writing = [each for each in chosen if each.letters]
        if choices is None or not writing:
            raise web.HTTPUnprocessableEntity
        typed: dict[str, Any] = {"typed": address, "chosen": by_choice(Subscriber(0), choices, "")}
        if not re.fullmatch(MAILBOX, address):
            return await self._joining(request, chosen, HTTPStatus.UNPROCESSABLE_ENTITY, what="no_address", **typed)
        ask, network = SignupRequest(address, choices, self._language(request)), self._network(request)
        is_program = bool(sent.get("website"))
        # Side by side, each town by itself: one whose relay is slow holds up the answer alone, and fails alone.
        came = await asyncio.gather(*(self._invite(each.key, ask, network, is_program=is_program) for each in writing))
        outcomes = list(zip(writing, came, strict=True))
        status = HTTPStatus.OK if "sent" in came else STATUS_OF[came[0]]
        return await self._joining(request, chosen, status, what="sent", outcomes=outcomes)

    async def _invite(self, key: str, ask: SignupRequest, network: str, *, is_program: bool) -> Invited:
        daemon = self._daemon(key)
        if daemon is None or daemon.email_signup is None:
            return "later"
        try:
            return await daemon.email_signup.invite(ask, network, is_program=is_program)
        except DatabaseRefused:
            return "later"

    def _chosen(self, keys: Sequence[str]) -> list[Listed]:
        wanted = set(keys)
        return [each for each in listed(self._fleet) if each.key in wanted and each.has_any]

    async def _joining(
        self, request: web.Request, towns: Sequence[Listed], status: int = HTTPStatus.OK, **more: Any
    ) -> web.Response:
        towns = [await self._with_bots(each) for each in towns]
        values = {"what": "form", "typed": "", "chosen": None, "outcomes": (), "towns": towns, "setting": None, **more}
        return self._page(request, "towns_joined.html", status, _OWN, **values)

    async def _with_bots(self, town: Listed) -> Listed:
        daemon = self._daemon(town.key)
        try:
            bots = (await daemon.publisher.edition()).snapshot.bots if daemon and daemon.publisher else ()
        except DatabaseRefused:
            bots = ()
        return replace(town, bots=bots)

    def _daemon(self, key: str) -> Daemon | None:
        member = self._fleet.members.get(key)
        return member.daemon if member is not None else None

    def _page(
        self, request: web.Request, page: str, status: int, headers: Mapping[str, str], **values: Any
    ) -> web.Response:
        template = environment(self._language(request)).get_template(page)
        body = template.render(name=self._fleet.section.name, most=MOST_TOWNS, **values)
        return web.Response(status=status, body=body.encode(), headers=headers)

    def _language(self, request: web.Request) -> str:
        return best_of(tuple(SPOKEN), request.headers.get("Accept-Language"), self._fleet.section.language)

    def _network(self, request: web.Request) -> str:
        return address_of(request, self._fleet.listen.trusted)

    def _is_own(self, request: web.Request) -> bool:
        host = host_of(request)
        return is_of_machine(host) or host == host_in(self._fleet.section.url or "")


async def _static(request: web.Request) -> web.Response:
    found = static_answers().get(request.path)
    return await respond(found, request) if found is not None else web.Response(status=404)


def listed(fleet: Fleet) -> list[Listed]:
    """The towns that run, in the order of their names."""
    running = [(key, each.daemon.town) for key, each in fleet.members.items() if each.daemon is not None]
    return sorted((_listed(key, town) for key, town in running), key=lambda each: fold(each.name))


def _listed(key: str, town: Town) -> Listed:
    address = f"{town.public_url or town.mount}/"
    push = f"{address}#push-title" if PUSH in town.channels else ""
    letters = f"{address}#letters-title" if town.letters is not None else ""
    return Listed(key, town.name, address, push, letters, has_any=bool(push or letters or town.bots))
