"""Where an alert is: as GeoJSON for the map, and as a small drawing that needs no script.

`outline_of` gives the alert's rings and circles (RFC 7946: longitudes first, rings as the message has them).
`sketch_of` draws the same rings over the station's districts, as paths of an SVG that is true to shape at their
latitude.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from alerts.model.alert import Alert, Area, Circle, Point
from alerts.model.bounds import shown, together
from alerts.model.town import Town

_KM_PER_DEGREE = 111.32
# Corners of a drawn circle.
_STEPS = 48


def outline_of(alert: Alert | None) -> dict[str, Any] | None:
    """The alert's rings and circles as a FeatureCollection; None where it has words or codes alone."""
    features = [] if alert is None else list(_features(alert))
    return {"type": "FeatureCollection", "features": features} if features else None


def _features(alert: Alert) -> Iterator[dict[str, Any]]:
    named = [(area.description, ring) for area in alert.areas for ring in _rings(area)]
    # A feed may draw a coast line of a hundred thousand points, which no page is to carry.
    kept = together([ring for _, ring in named])
    for (name, _), ring in zip(named, kept, strict=True):
        if ring:
            yield {
                "type": "Feature",
                "properties": {"name": shown(name)},
                "geometry": {"type": "Polygon", "coordinates": [[[lon, lat] for lat, lon in ring]]},
            }


def _rings(area: Area) -> Iterator[Sequence[Point]]:
    # GeoJSON's rings have four points or more, of which the last is the first again (RFC 7946, 3.1.6).
    yield from (ring for ring in area.polygons if len(ring) >= 4)
    yield from (_rim(circle) for circle in area.circles if circle.radius > 0)


def _rim(circle: Circle) -> list[Point]:
    """A circle of kilometres as a ring, good for the sizes of towns and counties."""
    latitude, longitude = circle.centre
    north = circle.radius / _KM_PER_DEGREE
    # At a pole the cosine is nothing, and the circle would be endlessly wide.
    east = north / max(math.cos(math.radians(latitude)), 0.01)
    turns = [2 * math.pi * step / _STEPS for step in range(_STEPS)]
    ring = [(latitude + north * math.sin(turn), longitude + east * math.cos(turn)) for turn in turns]
    return [*ring, ring[0]]


# Units of the drawing; a tall town is limited in height instead.
WIDTH = 640
_MARGIN = 16
_HIGHEST = 480
# How much larger than the town an alert's area is drawn at most: beyond it, the town would be a dot.
_FAR = 3.0
Ring = Sequence[Sequence[float]]


@dataclass(frozen=True, slots=True)
class Sketch:
    """Paths of an SVG of that size: the districts, and where the alert is."""

    height: int
    districts: tuple[tuple[str, str], ...]
    areas: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class _Frame:
    """Longitudes and latitudes onto paper, true to shape at this latitude."""

    west: float
    north: float
    scale: float
    squeeze: float

    def path(self, ring: Ring) -> str:
        across, down = self.squeeze * self.scale, self.scale
        points = (
            f"{_MARGIN + (lon - self.west) * across:.1f} {_MARGIN + (self.north - lat) * down:.1f}"
            for lon, lat, *_ in ring
        )
        return f"M{'L'.join(points)}Z"


def sketch_of(alert: Alert | None, station: Town) -> Sketch | None:
    """The drawing; None where the alert has no outline."""
    outline = outline_of(alert)
    if outline is None:
        return None
    areas = [
        (each["properties"]["name"], ring) for each in outline["features"] for ring in each["geometry"]["coordinates"]
    ]
    districts = [(each.name, ring) for each in station.districts for ring in _outer_rings(each.outline)]
    frame, height = _frame([ring for _, ring in areas], [ring for _, ring in districts])
    return Sketch(
        height,
        tuple((name, frame.path(ring)) for name, ring in districts),
        tuple((name, frame.path(ring)) for name, ring in areas),
    )


def _outer_rings(outline: Any) -> Iterator[Ring]:
    polygons = [outline["coordinates"]] if outline["type"] == "Polygon" else outline["coordinates"]
    for polygon in polygons:
        yield polygon[0]


def _frame(areas: Sequence[Ring], districts: Sequence[Ring]) -> tuple[_Frame, int]:
    west, south, east, north = _box([*areas, *districts])
    if districts:
        own = _box(districts)
        if east - west > _FAR * (own[2] - own[0]) or north - south > _FAR * (own[3] - own[1]):
            west, south, east, north = _widened(own)
    squeeze = max(math.cos(math.radians((south + north) / 2)), 0.01)
    # A single point has no width to divide by.
    wide, tall = max((east - west) * squeeze, 1e-6), max(north - south, 1e-6)
    scale = min((WIDTH - 2 * _MARGIN) / wide, (_HIGHEST - 2 * _MARGIN) / tall)
    return _Frame(west, north, scale, squeeze), round(tall * scale) + 2 * _MARGIN


def _box(rings: Sequence[Ring]) -> tuple[float, float, float, float]:
    points = [point for ring in rings for point in ring]
    longitudes, latitudes = [point[0] for point in points], [point[1] for point in points]
    return min(longitudes), min(latitudes), max(longitudes), max(latitudes)


def _widened(box: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    wide, tall = (box[2] - box[0]) / 2, (box[3] - box[1]) / 2
    return box[0] - wide, box[1] - tall, box[2] + wide, box[3] + tall
