"""A CAP area's rings, circles and holes as shapes that can be compared, whatever its sender made of them."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from alerts.model.alert import Area, Circle, Point

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

EXCLUDED = "EXCLUDE_POLYGON"
"""The geocode in which the German weather service writes the holes of its polygons, as a CAP polygon."""
_KM_PER_DEGREE = 111.32
_STEPS = 48
_POINT = re.compile(r"(-?\d+(?:\.\d+)?),(-?\d+(?:\.\d+)?)")


def shapes_of(area: Area) -> list[BaseGeometry]:
    """The area's shapes, as (longitude, latitude) in degrees; nothing where it has words or codes alone.

    A ring that crosses itself is mended, one that crosses the antimeridian counts on both sides of it. A circle of
    radius 0 is an epicentre and no shape.
    """
    from shapely import difference, union_all  # noqa: PLC0415 shapely takes 60 ms: only what compares outlines pays

    rings = [_unwound(ring) for ring in area.polygons]
    rims = [_rim(circle) for circle in area.circles if circle.radius > 0]
    shapes = [shape for ring in (*rings, *rims) for shape in _whole(ring)]
    holes = [shape for ring in _excluded(area) for shape in _whole(_unwound(ring))]
    if holes:
        shapes = [difference(shape, union_all(holes)) for shape in shapes]
    return [shape for shape in shapes if shape.area > 0]


def _whole(ring: Sequence[tuple[float, float]]) -> list[BaseGeometry]:
    """The ring's shape, and once more a turn of the globe away where it leaves the map."""
    from shapely import Polygon, make_valid  # noqa: PLC0415
    from shapely.affinity import translate  # noqa: PLC0415

    if len(ring) < 4:
        return []
    shape = make_valid(Polygon(ring))
    west, _, east, _ = shape.bounds
    turned = [translate(shape, turn) for turn, leaves in ((360.0, west < -180), (-360.0, east > 180)) if leaves]
    return [shape, *turned]


def _unwound(ring: Sequence[Point]) -> list[tuple[float, float]]:
    """The ring as (longitude, latitude) without jumps: from 179 on to 181, not back to -179."""
    unwound: list[tuple[float, float]] = []
    for latitude, longitude in ring:
        if unwound:
            longitude += 360.0 * round((unwound[-1][0] - longitude) / 360.0)  # noqa: PLW2901 the same point, unwound
        unwound.append((longitude, latitude))
    return unwound


def _rim(circle: Circle) -> list[tuple[float, float]]:
    """A circle of kilometres as a ring of (longitude, latitude), good for the sizes of towns and counties."""
    latitude, longitude = circle.centre
    north = circle.radius / _KM_PER_DEGREE
    east = north / max(math.cos(math.radians(latitude)), 0.01)
    turns = [2 * math.pi * step / _STEPS for step in range(_STEPS)]
    return [(longitude + east * math.cos(turn), latitude + north * math.sin(turn)) for turn in turns]


def _excluded(area: Area) -> list[list[Point]]:
    written = [code.value for code in area.geocodes if code.name == EXCLUDED]
    return [[(float(latitude), float(longitude)) for latitude, longitude in _POINT.findall(text)] for text in written]
