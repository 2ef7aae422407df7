"""A CAP area's rings, circles and holes as shapes that can be compared, whatever its sender made of them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from alerts.model.alert import Area, Circle, Point

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

EXCLUDED = "EXCLUDE_POLYGON"
"""The geocode in which the German weather service writes the holes of its polygons, as a CAP polygon."""
Bounds = tuple[float, float, float, float]
"""West, south, east and north, in degrees."""
Ring = list[tuple[float, float]]
"""Points as (longitude, latitude), in degrees."""
_MENDED = 24
"""The points up to which a ring that crosses itself is mended exactly, which takes half a millisecond then."""
_CLIPPED = 1000
"""The points up to which one is clipped first; a longer one is taken for its hull, which is quick at any length."""
_KM_PER_DEGREE = 111.32
_STEPS = 48
_POINT = re.compile(r"(-?\d+(?:\.\d+)?),(-?\d+(?:\.\d+)?)")


@dataclass(frozen=True, slots=True)
class Piece:
    """One shape of an area as (longitude, latitude) in degrees, and the size of all of it, in square degrees.

    The outline may be only what of it lies near.
    """

    outline: BaseGeometry
    size: float


def pieces_of(area: Area, window: Bounds) -> Iterator[Piece]:
    """The area's shapes that reach into `window`, one by one; none where it has words or codes alone.

    A ring that crosses itself is mended; a long one that does is taken for the hull of what lies within the window, for
    mending takes time as the square of its crossings. One that crosses the antimeridian counts on both sides of it. A
    circle of radius 0 is an epicentre and no shape.
    """
    holes: BaseGeometry | None = None
    for ring in _rings(area):
        for piece in _pieces(ring, window):
            if holes is None:
                holes = _holes(area, window)
            yield Piece(piece.outline.difference(holes), piece.size)


def has_shapes(area: Area) -> bool:
    """Whether there is anything to compare: a ring or a circle with ground within."""
    from shapely import Polygon  # noqa: PLC0415 shapely takes 60 ms: only what compares outlines pays

    return any(len(ring) >= 4 and Polygon(ring).convex_hull.area > 0 for ring in _rings(area))


def _rings(area: Area) -> Iterator[Ring]:
    yield from (_unwound(ring) for ring in area.polygons)
    yield from (_rim(circle) for circle in area.circles if circle.radius > 0)


def _holes(area: Area, window: Bounds) -> BaseGeometry:
    from shapely import union_all  # noqa: PLC0415

    return union_all([piece.outline for ring in _excluded(area) for piece in _pieces(_unwound(ring), window)])


def _pieces(ring: Ring, window: Bounds) -> Iterator[Piece]:
    """What of the ring reaches into the window, also a turn of the globe away where it leaves the map."""
    if len(ring) < 4:
        return
    longitudes, latitudes = [point[0] for point in ring], [point[1] for point in ring]
    west, east, south, north = min(longitudes), max(longitudes), min(latitudes), max(latitudes)
    for turn, leaves in ((0.0, True), (360.0, west < -180), (-360.0, east > 180)):
        apart = west + turn > window[2] or east + turn < window[0] or south > window[3] or north < window[1]
        if leaves and not apart:
            yield from _whole([(longitude + turn, latitude) for longitude, latitude in ring] if turn else ring, window)


def _whole(ring: Ring, window: Bounds) -> Iterator[Piece]:
    from shapely import Polygon, make_valid  # noqa: PLC0415

    shape: BaseGeometry = Polygon(ring)
    size = shape.area
    if not shape.is_valid:
        near = _near(shape, window) if len(ring) > _MENDED else shape
        shape = make_valid(near, method="structure", keep_collapsed=False)
    if shape.area > 0:
        yield Piece(shape, max(size, shape.area))


def _near(crossing: BaseGeometry, window: Bounds) -> BaseGeometry:
    """What of a ring that crosses itself lies within the window, roughly where that is long.

    Clipping may take such a ring's outside for its inside; beyond its hull it is never.
    """
    from shapely import clip_by_rect, get_num_coordinates, make_valid  # noqa: PLC0415

    if get_num_coordinates(crossing) > _CLIPPED:
        return crossing.convex_hull
    near = clip_by_rect(crossing, *window)
    is_short = get_num_coordinates(near) <= _MENDED
    mended = make_valid(near, method="structure", keep_collapsed=False) if is_short else near.convex_hull
    return mended.intersection(crossing.convex_hull)


def _unwound(ring: Sequence[Point]) -> Ring:
    """The ring as (longitude, latitude) without jumps: from 179 on to 181, not back to -179."""
    unwound: list[tuple[float, float]] = []
    for latitude, longitude in ring:
        if unwound:
            longitude += 360.0 * round((unwound[-1][0] - longitude) / 360.0)  # noqa: PLW2901 the same point, unwound
        unwound.append((longitude, latitude))
    return unwound


def _rim(circle: Circle) -> Ring:
    """A circle of kilometres as a ring of (longitude, latitude), good for the sizes of towns and counties."""
    latitude, longitude = circle.centre
    north = circle.radius / _KM_PER_DEGREE
    east = north / max(math.cos(math.radians(latitude)), 0.01)
    turns = [2 * math.pi * step / _STEPS for step in range(_STEPS)]
    return [(longitude + east * math.cos(turn), latitude + north * math.sin(turn)) for turn in turns]


def _excluded(area: Area) -> list[list[Point]]:
    written = [code.value for code in area.geocodes if code.name == EXCLUDED]
    return [list(filter(_is_on_earth, _points(text))) for text in written]


def _points(text: str) -> Iterator[Point]:
    return ((float(latitude), float(longitude)) for latitude, longitude in _POINT.findall(text))


def _is_on_earth(point: Point) -> bool:
    return abs(point[0]) <= 90 and abs(point[1]) <= 360
