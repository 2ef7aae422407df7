"""Where an alert is, as GeoJSON (RFC 7946) for the map: longitudes first, rings as the message has them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from alerts.model.alert import Alert, Area, Circle, Point
from alerts.model.characters import shown
from alerts.model.outline import together

_KM_PER_DEGREE = 111.32
_STEPS = 48


def outline_of(alert: Alert | None) -> dict[str, Any] | None:
    """The alert's rings and circles as a FeatureCollection; None where it has words or codes alone."""
    features = [] if alert is None else list(_features(alert))
    return {"type": "FeatureCollection", "features": features} if features else None


def _features(alert: Alert) -> Iterator[dict[str, Any]]:
    named = [(area.description, ring) for area in alert.areas for ring in _rings(area)]
    kept = together([ring for _, ring in named])
    for (name, _), ring in zip(named, kept, strict=True):
        if ring:
            yield {
                "type": "Feature",
                "properties": {"name": shown(name)},
                "geometry": {"type": "Polygon", "coordinates": [[[lon, lat] for lat, lon in ring]]},
            }


def _rings(area: Area) -> Iterator[Sequence[Point]]:
    yield from (ring for ring in area.polygons if len(ring) >= 4)
    yield from (_rim(circle) for circle in area.circles if circle.radius > 0)


def _rim(circle: Circle) -> list[Point]:
    """A circle of kilometres as a ring, good for the sizes of towns and counties."""
    latitude, longitude = circle.centre
    north = circle.radius / _KM_PER_DEGREE
    east = north / max(math.cos(math.radians(latitude)), 0.01)
    turns = [2 * math.pi * step / _STEPS for step in range(_STEPS)]
    ring = [(latitude + north * math.sin(turn), longitude + east * math.cos(turn)) for turn in turns]
    return [*ring, ring[0]]
