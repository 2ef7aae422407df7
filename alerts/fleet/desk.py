"""The operators' desk of a fleet: sign-in, and the pages with the state of every town.

    GET /desk/                the towns, the worst first: ?state=, ?words=, ?page=
    GET /desk/fragments/towns the part of it that changes
    GET /fleet                redirects there; /fleet.json is the same for programs

It is the console of a town that has no channels (`alerts.config.fleet_desk`), with accounts of its own in `fleet.db`:
the same sign-in, second factor, sessions, throttle and audit log. Its users are operators, without an account in any
town's own desk; a town's officer has none here (docs/adr/0025-operators.md).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from aiohttp import web

from alerts.access.gate import Gate
from alerts.access.passwords import Passwords
from alerts.desk.service import DeskService
from alerts.fleet.dispatch_pages import DispatchPages
from alerts.fleet.dispatching import Dispatcher
from alerts.fleet.fleet import Fleet
from alerts.fleet.health import Condition, FleetHealth, TownHealth
from alerts.health.monitor import Trouble
from alerts.health.words import what_is_wrong
from alerts.model.events import Events, IncidentChanged, Stopping
from alerts.model.person import Act, Stage
from alerts.model.town import Town
from alerts.rendering.i18n import word
from alerts.store.database import Database
from alerts.web.console import home_screen, own_account, sign_in, stream
from alerts.web.console.app import Part, console_app
from alerts.web.console.arrival import arrival_of
from alerts.web.console.compose import routes_of
from alerts.web.console.frame import BASE, Console, Frame

A_PAGE = 50
"""Towns on one page: those in trouble come first, so a thousand are read from the top."""
MOST_AILMENTS = 8
"""Troubles listed in one town's line; the town's own desk has them all."""
LONGEST_WORDS = 100
STATES = ("troubled", "waiting", "on", "well")
"""The filters of the list."""


class FleetDesk:
    """The desk, from the opening of its database to its closing; `passwords` is what hashes."""

    def __init__(self, fleet: Fleet, town: Town, database: Database, passwords: Passwords | None = None) -> None:
        outside = fleet.outside
        self.fleet = fleet
        self.town = town
        self.events = Events()
        self.health = FleetHealth(fleet, lambda: self.events.publish(IncidentChanged()))
        self._database = database
        self.service = DeskService(
            town=town,
            database=database,
            desk=outside.build_desk(town, outside.clock.now, outside.new_id),
            clock=outside.clock,
            new_id=outside.new_id,
            events=self.events,
        )
        self.gate = Gate(self.service, town, passwords=passwords)
        self.console = Console(self.service, Frame(town, self.service.now), self.gate)
        self.dispatcher = Dispatcher(fleet, town, self.service, lambda: self.events.publish(IncidentChanged()))

    def start(self) -> None:
        """Begin to observe the towns and to send dispatches."""
        self.fleet.workers.begin(self.health.work)
        self.fleet.workers.begin(self.dispatcher.work)

    async def close(self) -> None:
        """Stop observing, and release open pages."""
        # First: pages that wait for the next change would keep the door open.
        self.events.publish(Stopping())
        await asyncio.gather(self.fleet.workers.close(), self.dispatcher.close(), return_exceptions=True)
        await self._database.close()

    def add_to(self, app: web.Application) -> None:
        """Answer below the desk's address, and under `/fleet`."""
        pages = DispatchPages(self.console, self.fleet, self.health, self.dispatcher)
        parts: Sequence[Part] = (
            *(sign_in.routes, own_account.routes, stream.routes, home_screen.routes),
            *(self._routes, lambda _: routes_of(pages.composer), lambda _: pages.routes()),
        )
        app.add_routes([web.get("/fleet", _to_the_desk), web.get("/fleet.json", self._in_json)])
        app.add_subapp(BASE, console_app(self.console, parts))

    def _routes(self, _: Console) -> list[web.RouteDef]:
        return [
            web.get("/", partial(self._show, "fleet.html")),
            web.get("/fragments/towns", partial(self._show, "fleet_board.html")),
        ]

    async def _show(self, page: str, request: web.Request) -> web.Response:
        towns = self.health.towns()
        wanted = TownFilter.of(request.query)
        return self.console.frame.page(request, page, **_listed(towns, wanted), **self._worded(request))

    def _worded(self, request: web.Request) -> Mapping[str, Any]:
        language = self.console.frame.words(request).language

        def worded(trouble: Trouble) -> str:
            words = what_is_wrong(trouble, language, self.town.zone)
            return f"{words[:1].upper()}{words[1:]}"

        return {
            "told": worded,
            "reached_at": partial(_address_of, self.town),
            "most_ailments": MOST_AILMENTS,
        }

    async def _in_json(self, request: web.Request) -> web.Response:
        """The same for programs: with an operator's token, or the cookie of who is signed in."""
        # As a program expects it: a page to sign in at would only puzzle it.
        if not await self._may_see(request):
            return web.json_response({"error": "sign in"}, status=401, headers={"WWW-Authenticate": "Bearer"})
        towns = [self._described(each) for each in self.health.towns()]
        return web.json_response({"towns": towns}, headers={"Cache-Control": "no-store"})

    async def _may_see(self, request: web.Request) -> bool:
        arrival = arrival_of(request, self.town)
        if arrival.astray is not None:
            return False
        kind, _, bearer = request.headers.get("Authorization", "").partition(" ")
        if kind.lower() == "bearer":
            actor = await self.gate.program(bearer.strip(), arrival.visit(request))
            return actor is not None and actor.may(Act.OPERATE)
        cookie = arrival.cookie_of(request)
        # Nobody did this by hand: a program that looks each minute keeps no session alive.
        visitor = await self.gate.visitor(cookie, arrival.visit(request), by_hand=False) if cookie else None
        return visitor is not None and visitor.session.stage is Stage.FULL and visitor.actor.may(Act.OPERATE)

    def _described(self, town: TownHealth) -> dict[str, Any]:
        def spelled(at: datetime | None) -> str | None:
            return at.astimezone(self.town.zone).isoformat(timespec="seconds") if at else None

        oldest = {"source": town.oldest[0], "read_at": spelled(town.oldest[1])} if town.oldest else None
        return {
            "town": town.name,
            "station": town.station,
            "state": town.condition,
            "since": spelled(town.since),
            "troubles": [
                {
                    "what": each.what,
                    "name": each.name,
                    "since": spelled(each.since),
                    "reason": word(each.reason, self.town.language, self.town.zone) if each.reason else None,
                    "reason_code": each.reason.code if each.reason else None,
                }
                for each in town.ailments
            ],
            "channels": list(town.channels),
            "on": [
                {"alert": each.id, "headline": each.headline, "severity": each.severity, "ends": spelled(each.ends)}
                for each in town.on
            ],
            "waiting": town.waiting,
            "oldest_source": oldest,
            "url": town.url,
        }


async def open_desk(fleet: Fleet, town: Town, passwords: Passwords | None = None) -> FleetDesk:
    """The desk on its own database, made where there is none. Raises TocsinError."""
    return FleetDesk(fleet, town, await fleet.outside.open_database(town.database), passwords)


async def _to_the_desk(_: web.Request) -> web.StreamResponse:
    raise web.HTTPSeeOther(f"{BASE}/")


@dataclass(frozen=True, slots=True)
class TownFilter:
    """Which towns are listed: of a state, with these words in their names; and which page of them."""

    state: str = ""
    words: str = ""
    page: int = 1

    @classmethod
    def of(cls, query: Mapping[str, str]) -> TownFilter:
        """As an address says it; what it can't mean is nothing."""
        state, number = query.get("state", ""), query.get("page", "")
        # Five digits are more pages than there can be, and no number that takes long to read.
        page = int(number) if number.isascii() and number.isdigit() and len(number) < 6 else 1
        return cls(state if state in STATES else "", query.get("words", "").strip()[:LONGEST_WORDS], max(page, 1))

    def takes(self, town: TownHealth) -> bool:
        """True if the town is listed."""
        named = f"{town.name} {town.station}".casefold()
        return self._is(town) and all(each in named for each in self.words.casefold().split())

    def _is(self, town: TownHealth) -> bool:
        if self.state == "waiting":
            return town.waiting > 0
        if self.state == "on":
            return bool(town.on)
        if self.state == "well":
            return town.condition is Condition.WELL
        return not self.state or town.condition not in (Condition.WELL, Condition.STARTING)

    def query(self, **changes: object) -> dict[str, str]:
        """Return the query of its address, with changes; defaults are omitted."""
        asked = {"state": self.state, "words": self.words, "page": self.page, **changes}
        return {name: str(value) for name, value in asked.items() if value and (name, value) != ("page", 1)}


def _listed(towns: Sequence[TownHealth], wanted: TownFilter) -> dict[str, Any]:
    # Of all towns, whichever are listed: each heading tells how many are behind it.
    counts = {state: sum(TownFilter(state).takes(each) for each in towns) for state in STATES}
    found = [each for each in towns if wanted.takes(each)]
    pages = max(1, -(-len(found) // A_PAGE))
    # A page that is no more, since towns got well, is the last one.
    page = min(wanted.page, pages)
    return {
        "towns": found[(page - 1) * A_PAGE : page * A_PAGE],
        "found": len(found),
        "total": len(towns),
        "counts": counts,
        "wanted": wanted,
        "number": page,
        "pages": pages,
    }


def _address_of(fleet: Town, town: TownHealth) -> str:
    """Where a town's own pages are: by its name, else below the fleet's own address."""
    return town.url or f"{fleet.public_url or ''}/t/{town.name}"
