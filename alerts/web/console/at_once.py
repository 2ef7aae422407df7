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


async def tiles_at_once(console: Console, request: web.Request) -> Sequence[Tile]:
    """Return the page's buttons, in the reader's language."""
    voice = voice_of(console, request)
    prepared = await console.prepared(voice.words.language)
    return tiles_of(prepared, at_once(console.frame.station), voice)
