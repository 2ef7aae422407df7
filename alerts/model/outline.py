"""Outlines kept small: a coast line of 300,000 points says no more to anybody than one of a few hundred.

`simplified` walks a ring once and keeps a corner only where the line would otherwise leave a sleeve of `tolerance`
metres (the cone intersection of Sklansky and Gonzalez, 1980): in time as the number of points, whatever their shape,
where Douglas and Peucker's way takes the square of it from who wants to do harm. Where that leaves too many corners,
the sleeve is widened.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from alerts.model.alert import Point

Ring = tuple[Point, ...]
"""A closed ring: the first point is also the last."""

TOLERANCE = 10.0
"""Metres by which a kept outline may differ from what was sent: less than the width of a street and its houses."""
MOST_CORNERS = 2000
"""Points of one ring that are kept."""
MOST_SHOWN = 500
"""Points of all that the public gets of one alert: a map of a telephone can't show more."""
# How much wider the sleeve gets while too many corners are left.
_WIDER = 3.0
# Points of a ring that is left as it was sent.
_SHORT = 100
# A triangle, closed.
_FEWEST = 4
# Of a degree of latitude.
_METRES = 111_320.0


def simplified(ring: Sequence[Point], most: int = MOST_CORNERS, tolerance: float = TOLERANCE) -> Ring:
    """The ring about `tolerance` metres from what it was, or as much more as `most` points take.

    A short one is left as it is. What is kept stays the same when it is simplified again, so that a message that we
    wrote reads as it did. What has no room left is its box: rather too much ground than none.
    """
    if len(ring) <= min(_SHORT, most):
        return tuple(ring)
    kept, wide = _walked(ring, tolerance), tolerance
    while len(kept) > most:
        wide *= _WIDER
        kept = _walked(kept, wide)
    while len(again := _walked(kept, tolerance)) < len(kept):
        kept = again
    if len(kept) >= _FEWEST:
        return tuple(kept)
    return tuple(ring) if len(ring) <= min(most, MOST_SHOWN) else box(ring)


def together(rings: Sequence[Sequence[Point]], most: int = MOST_SHOWN) -> list[Ring]:
    """Rings that have no more than `most` points in all, each in its place; empty where there is no room for it.

    All are made as coarse as that takes, and where there are too many of them the largest stand for all.
    """
    room = most // (_FEWEST + 1)
    largest = sorted(range(len(rings)), key=lambda place: _extent(rings[place]), reverse=True)[:room]
    kept = {place: simplified(rings[place]) for place in largest}
    tolerance = TOLERANCE
    while sum(map(len, kept.values())) > most:
        tolerance *= _WIDER
        kept = {place: _coarser(ring, tolerance) for place, ring in kept.items()}
    return [kept.get(place, ()) for place in range(len(rings))]


def box(ring: Sequence[Point]) -> Ring:
    """The rectangle around a ring."""
    south, west = (min(point[axis] for point in ring) for axis in (0, 1))
    north, east = (max(point[axis] for point in ring) for axis in (0, 1))
    return (south, west), (south, east), (north, east), (north, west), (south, west)


def _coarser(ring: Ring, tolerance: float) -> Ring:
    """The ring with that much leeway, be it short; one that has no more ground than that is its box."""
    kept = _walked(ring, tolerance) if len(ring) > _FEWEST + 1 else ring
    return tuple(kept) if len(kept) >= _FEWEST else box(ring)


def _extent(ring: Sequence[Point]) -> float:
    latitudes, longitudes = [point[0] for point in ring], [point[1] for point in ring]
    return max(latitudes) - min(latitudes) + max(longitudes) - min(longitudes) if ring else 0.0


def _walked(ring: Sequence[Point], tolerance: float) -> list[Point]:
    """The corners that a sleeve of that width needs, from the first point around to it again."""
    squeeze = max(math.cos(math.radians(ring[0][0])), 0.01)
    across, up = squeeze * _METRES / tolerance, _METRES / tolerance
    kept, last = [ring[0]], ring[0]
    anchor_lat, anchor_lon = ring[0]
    aim, spread, furthest = 0.0, math.pi, 0.0
    for point in ring[1:]:
        x, y = (point[1] - anchor_lon) * across, (point[0] - anchor_lat) * up
        distance = math.hypot(x, y)
        if distance > 1.0:
            ahead, half = math.atan2(y, x), math.asin(1.0 / distance)
            off = math.remainder(ahead - aim, math.tau)
            if furthest and (abs(off) > spread or distance < furthest - 1.0):
                # It leaves the sleeve, or turns back in it: the point before is a corner, and a new sleeve begins.
                kept.append(last)
                anchor_lat, anchor_lon = last
                x, y = (point[1] - anchor_lon) * across, (point[0] - anchor_lat) * up
                distance = math.hypot(x, y)
                furthest = 0.0
                if distance > 1.0:
                    aim, spread, furthest = math.atan2(y, x), math.asin(1.0 / distance), distance
            elif not furthest:
                aim, spread, furthest = ahead, half, distance
            else:
                low, high = max(-spread, off - half), min(spread, off + half)
                aim, spread, furthest = aim + (low + high) / 2, (high - low) / 2, max(furthest, distance)
        elif furthest > 1.0 + 1.0:
            kept.append(last)
            anchor_lat, anchor_lon = last
            furthest = 0.0
        last = point
    if kept[-1] != ring[-1] or len(kept) == 1:
        kept.append(ring[-1])
    return kept
