"""Setting up: station, channels, sources, accounts; nothing is written, the lines for channels.toml are shown."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from alerts.desk.officer import Officer
from alerts.desk.service import DeskUnit, Workshop
from alerts.model.person import Act
from alerts.web.console.frame import Console, visitor_of
from alerts.web.console.people import must_administer
from alerts.web.console.setup.pages import Setup
from alerts.web.console.setup.ready import Person, people_of

__all__ = ["routes"]


def routes(console: Console) -> list[web.RouteDef]:
    """The steps, for administrators; each trial is written into the audit log."""
    service = console.service

    def workshop() -> Workshop:
        return service.workshop()

    async def people() -> Sequence[Person]:
        return await service.ask(people_of)

    async def record(request: web.Request, what: str, name: str, address: str) -> None:
        def write(unit: DeskUnit) -> None:
            officer = Officer(unit, visitor_of(request).actor)
            officer.must(Act.ADMINISTER)
            officer.write(what, name, address)

        await service.act(write)

    def may(request: web.Request) -> None:
        must_administer(request, console)

    return Setup(console.frame, workshop, may, record, people).routes()
