"""A district's ground, for any thread to look at: what points lie on it, how far off they are, what lies across it.

An outline is made ready once, so that a look takes microseconds. What GEOS makes ready is built at the first look at
it, and two threads that build it at a time may bring the process down: a `TownGround` lets one thread look at a time.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from alerts.model.town import District

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry


class TownGround:
    """An outline as (longitude, latitude) in degrees; places are told latitude first."""

    def __init__(self, outline: BaseGeometry) -> None:
        # shapely takes 60 ms to import: only who looks at outlines pays.
        from shapely import prepare  # noqa: PLC0415

        prepare(outline)
        self.outline = outline
        self._looking = threading.Lock()

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east and north."""
        west, south, east, north = self.outline.bounds
        return west, south, east, north

    def holds(self, lat: float, lon: float) -> bool:
        """Whether a point lies on it, its border too."""
        from shapely import Point  # noqa: PLC0415

        place = Point(lon, lat)
        with self._looking:
            return bool(self.outline.covers(place))

    def meets(self, shape: BaseGeometry) -> bool:
        """Whether a shape has a point on it, be it on its border alone."""
        with self._looking:
            return bool(self.outline.intersects(shape))

    def shared(self, shape: BaseGeometry) -> BaseGeometry:
        """What of a shape lies on it."""
        # No use is made here of what was made ready, and it may take long: others may look meanwhile.
        return self.outline.intersection(shape)

    def nearest(self, lat: float, lon: float) -> tuple[float, float]:
        """Its point that is nearest to a place, latitude first."""
        from shapely import Point  # noqa: PLC0415
        from shapely.ops import nearest_points  # noqa: PLC0415

        with self._looking:
            there, _ = nearest_points(self.outline, Point(lon, lat))
        return there.y, there.x


@lru_cache(maxsize=2048)
def ground_of(district: District) -> TownGround:
    """Its ground, made ready once: a hundred detailed ones take a second, for which everything else would wait."""
    return joined([district])


def joined(districts: Iterable[District]) -> TownGround:
    """The ground of all of them together."""
    from shapely import make_valid, union_all  # noqa: PLC0415
    from shapely.geometry import shape  # noqa: PLC0415

    outlines = [make_valid(shape(dict(district.outline))) for district in districts]
    return TownGround(outlines[0] if len(outlines) == 1 else union_all(outlines))


def district_at(districts: Sequence[District], lat: float, lon: float) -> District | None:
    """The first of these districts on whose ground a point lies."""
    return next((each for each in districts if ground_of(each).holds(lat, lon)), None)
