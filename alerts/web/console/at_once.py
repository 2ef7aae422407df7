"""Urgent hazards on the desk's first page, so that their alert is a tap nearer.

They are always the same and in the same order, so that a hand finds them at night: the first that the town names in
`[station] hazards`, else those in which people must move at once. The town's usual hazards change, and are on the page
behind *New alert* (`alerts.web.console.usual`).
"""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from alerts.model.hazard import Hazard
from alerts.model.town import Town
from alerts.web.console.compose_view import Tile, tiles_of, voice_of
from alerts.web.console.frame import Console

# Few enough to be found without reading.
MOST = 4
# Hazards in which people must move at once.
_MOVE = (Hazard.FLOOD, Hazard.EVACUATION, Hazard.SHELTER, Hazard.GAS)


def at_once(station: Town) -> Sequence[Hazard]:
    """Which they are here."""
    offered = [hazard for hazard in station.offered if hazard is not Hazard.GENERAL]
    return offered[:MOST] if station.hazards else [hazard for hazard in _MOVE if hazard in offered]


class AtOnce:
    """Their names for one desk, in the reader's language; the files that hold them are read once for each language."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._known: dict[str, Sequence[Tile]] = {}

    async def tiles(self, request: web.Request) -> Sequence[Tile]:
        """Return the page's buttons."""
        voice = voice_of(self._console, request)
        language = voice.words.language
        if language not in self._known:
            prepared = await self._console.service.preview(lambda unit: unit.desk.every_prepared(language))
            self._known[language] = tiles_of(prepared, at_once(self._console.frame.station), voice)
        return self._known[language]
