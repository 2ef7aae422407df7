"""Where an alert is, as GeoJSON (RFC 7946) for the map: longitudes first, rings as the message has them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from alerts.model.alert import Alert, Circle, Point

_KM_PER_DEGREE = 111.32
_STEPS = 48
MOST_POINTS = 5000
"""What a page carries of outlines; a feed may send a coast line of a hundred thousand points."""


def outline_of(alert: Alert | None) -> dict[str, Any] | None:
    """The alert's rings and circles as a FeatureCollection; None where it has words or codes alone."""
    features = [] if alert is None else list(_features(alert))
    return {"type": "FeatureCollection", "features": features} if features else None


def _features(alert: Alert) -> Iterator[dict[str, Any]]:
    room = MOST_POINTS
    for area in alert.areas:
        rings = [list(ring) for ring in area.polygons if len(ring) >= 4]
        rings += [_rim(circle) for circle in area.circles if circle.radius > 0]
        for ring in rings:
            step = max(1, math.ceil(len(ring) / max(room, 4)))
            kept = _thinned(ring, step)
            room -= len(kept)
            yield {
                "type": "Feature",
                "properties": {"name": area.description},
                "geometry": {"type": "Polygon", "coordinates": [[[lon, lat] for lat, lon in kept]]},
            }
            if room < 4:
                return


def _thinned(ring: list[Point], step: int) -> list[Point]:
    """Each `step`th point, closed."""
    kept = ring[::step] if step > 1 else ring
    return kept if kept[-1] == ring[0] else [*kept, ring[0]]


def _rim(circle: Circle) -> list[Point]:
    """A circle of kilometres as a ring, good for the sizes of towns and counties."""
    latitude, longitude = circle.centre
    north = circle.radius / _KM_PER_DEGREE
    east = north / max(math.cos(math.radians(latitude)), 0.01)
    turns = [2 * math.pi * step / _STEPS for step in range(_STEPS)]
    ring = [(latitude + north * math.sin(turn), longitude + east * math.cos(turn)) for turn in turns]
    return [*ring, ring[0]]
