"""The pages of incidents that were over long ago: made when somebody asks, the newest kept."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping

from alerts.desk.publicity import PublicIncident, public_incident
from alerts.desk.service import DeskService, DeskUnit
from alerts.web.public.site import Edition, Lasting, Site

KEPT = 64
"""Older incidents whose pages are kept in memory."""


class Older:
    """Looks incidents up in the archive; looks for one at a time and draws one at a time, however many ask.

    The lanes read by the same thread: a crowd with addresses that lead nowhere must not stand before them in the line.
    """

    def __init__(self, service: DeskService, site: Site) -> None:
        self._service = service
        self._site = site
        self._kept: OrderedDict[str, Lasting] = OrderedDict()
        self._named: dict[str, str] = {}
        self._looking = asyncio.Lock()
        self._drawing = asyncio.Lock()

    async def of_path(self, path: str, edition: Edition) -> Lasting | None:
        """The answers about the incident that a path names, itself or by a message of it; None where it names none."""
        name = _name_in(path)
        if name is None:
            return None
        return edition.incidents.get(name) or await self.of(name, edition)

    async def of(self, name: str, edition: Edition) -> Lasting | None:
        """The answers about the incident of that id, or of the message of that id."""
        if kept := self._kept.get(self._named.get(name, name)):
            return kept
        async with self._looking:
            found = await self._service.ask(lambda unit: _public(unit, name))
        if found is None or found.id in edition.incidents:
            return edition.incidents[found.id] if found else None
        async with self._drawing:
            lasting = self._kept.get(found.id)
            if lasting is None:
                lasting = await asyncio.to_thread(self._site.lasting, found, edition.outlook)
        self._keep(name, lasting)
        return lasting

    def forget(self, incidents: Iterable[str] | None) -> None:
        """What is kept of these may not be what holds: they are in the edition again. None: of all."""
        for incident in list(self._kept) if incidents is None else incidents:
            self._kept.pop(incident, None)

    def _keep(self, name: str, lasting: Lasting) -> None:
        incident = lasting.key[0]
        self._kept[incident] = lasting
        self._named[name] = incident
        while len(self._kept) > KEPT:
            gone, _ = self._kept.popitem(last=False)
            self._named = {each: of for each, of in self._named.items() if of != gone}


def _public(unit: DeskUnit, name: str) -> PublicIncident | None:
    views = unit.views
    incident = views.incident_of(name)
    if incident is None:
        return None
    return public_incident(views.messages([incident])[incident], views.threads([incident])[incident], unit.now)


_NAMED: Mapping[str, Callable[[str], str]] = {
    "alerts": lambda rest: rest.removesuffix(".geojson").removesuffix("/card.png"),
    "cap": lambda rest: rest.removesuffix(".xml"),
}


def _name_in(path: str) -> str | None:
    """The id that a path names, of an incident or of a message."""
    parts = path.strip("/").split("/", 1)
    if len(parts) == 2 and len(parts[0]) == 2:
        parts = parts[1].split("/", 1)
    if len(parts) != 2 or parts[0] not in _NAMED:
        return None
    name = _NAMED[parts[0]](parts[1])
    return name if name.isascii() and name.isalnum() and len(name) <= 26 else None
