"""The pages in no edition: those of incidents long over, and the cards of shared links.

Both are made on request, and the newest of them kept. They are looked up one at a time and drawn one at a time, in a
thread, however many are requested: a crowd must not delay the readers of current alerts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import replace

from alerts.desk.publicity import PublicIncident, public_incident
from alerts.desk.service import DeskService, DeskUnit
from alerts.listening.answering import FaqEntry, faq
from alerts.model.remembered import Newest
from alerts.rendering.card import card_of, draw_card
from alerts.web.public.answers import PNG, KeptAnswer, answer
from alerts.web.public.lasting import CARD, Key, Lasting
from alerts.web.public.site import Edition, Site
from alerts.web.public.told import Told

# Older incidents whose pages are kept in memory.
_OLDER_KEPT = 64
# Cards kept in memory, some 20 kB each.
_CARDS_KEPT = 256
# The folders that hold incidents and messages, and what a name in them may end with beside its id.
_NAMED: Mapping[str, Callable[[str], str]] = {
    "alerts": lambda rest: rest.removesuffix(".geojson").removesuffix(CARD),
    "cap": lambda rest: rest.removesuffix(".xml"),
}


class OlderPages:
    """The pages of incidents long over, looked up in the database.

    One at a time: a crowd with wrong addresses must not delay the lanes in the database's queue.
    """

    def __init__(self, service: DeskService, site: Site) -> None:
        self._service = service
        self._site = site
        self._kept: Newest[str, Lasting] = Newest(_OLDER_KEPT)
        self._named: dict[str, str] = {}
        self._looking = asyncio.Lock()

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
            found, asked = await self._service.ask(lambda unit: _public(unit, name))
        if found is None or found.id in edition.incidents:
            return edition.incidents[found.id] if found else None
        outlook = replace(edition.outlook, asked={found.id: asked}) if asked else edition.outlook
        lasting = self._kept.get(found.id) or self._site.lasting(found, outlook)
        self._keep(name, lasting)
        return lasting

    def forget(self, incidents: Container[str] | None) -> None:
        """Drop the pages of these incidents, which are in the edition again. None: of all."""
        for incident in [each for each in self._kept if incidents is None or each in incidents]:
            del self._kept[incident]

    def _keep(self, name: str, lasting: Lasting) -> None:
        self._kept.keep(lasting.id, lasting)
        self._named[name] = lasting.id
        self._named = {each: of for each, of in self._named.items() if of in self._kept}


def _public(unit: DeskUnit, name: str) -> tuple[PublicIncident | None, Sequence[FaqEntry]]:
    """The incident, and the questions about it that were answered."""
    views = unit.views
    incident = views.incident_of(name)
    if incident is None:
        return None, ()
    asked = tuple(faq(unit, incident)) if unit.desk.station.listens else ()
    return public_incident(views.messages([incident])[incident], views.threads([incident])[incident], unit.now), asked


def _name_in(path: str) -> str | None:
    """The id that a path names, of an incident or of a message."""
    parts = path.strip("/").split("/", 1)
    if len(parts) == 2 and len(parts[0]) == 2:
        parts = parts[1].split("/", 1)
    if len(parts) != 2 or parts[0] not in _NAMED:
        return None
    # Ids are letters and digits: what is anything else isn't looked for, and costs nothing.
    name = _NAMED[parts[0]](parts[1])
    return name if name.isascii() and name.isalnum() and len(name) <= 26 else None


class Cards:
    """Draws one at a time in a thread, however many ask, and each once for the same words."""

    def __init__(self) -> None:
        self._drawn: Newest[str, tuple[Key, KeptAnswer]] = Newest(_CARDS_KEPT)
        self._drawing = asyncio.Lock()

    async def at(self, path: str, lasting: Lasting) -> KeptAnswer | None:
        """The card at this path, of this incident."""
        language = lasting.cards.get(path)
        if language is None:
            return None
        async with self._drawing:
            key, drawn = self._drawn.get(path, (None, None))
            if drawn is None or key != lasting.key:
                drawn = await asyncio.to_thread(_card, lasting, language)
                if drawn is None:
                    return None
            self._drawn.keep(path, (lasting.key, drawn))
        return drawn


def _card(lasting: Lasting, language: str) -> KeptAnswer | None:
    told = lasting.told.get(language)
    return card_answer(told) if told is not None else None


def card_answer(told: Told) -> KeptAnswer:
    """Draw the card."""
    said = told.end.facts if told.end else told.facts
    return answer(draw_card(card_of(said, told.severity)), PNG)
