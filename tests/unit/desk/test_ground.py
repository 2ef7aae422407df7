"""A district's ground: what lies on it, and one thread at a time looks."""

from __future__ import annotations

import pytest
from shapely import Polygon

from alerts.desk.territory import TownGround, district_at, ground_of, joined
from tests.unit.desk.conftest import CENTRE, MILL


class Watched:
    """An outline that notes whether others are kept from it while somebody looks."""

    def __init__(self, ground):
        self._ground, self._outline, self.alone = ground, ground.outline, []

    def covers(self, shape):
        self.alone.append(self._ground._looking.locked())
        return self._outline.covers(shape)

    def intersects(self, shape):
        self.alone.append(self._ground._looking.locked())
        return self._outline.intersects(shape)


def test_one_thread_at_a_time_looks_at_what_was_made_ready():
    ground = TownGround(Polygon([(0, 0), (1, 0), (1, 1), (0, 1)]))
    ground.outline = watched = Watched(ground)
    assert ground.holds(0.5, 0.5)
    assert ground.meets(Polygon([(0.5, 0.5), (2, 0.5), (2, 2)]))
    assert watched.alone == [True, True]


def test_where_points_and_shapes_lie():
    middle = ground_of(CENTRE).outline.centroid
    assert district_at((CENTRE, MILL), middle.y, middle.x) == CENTRE
    assert district_at((CENTRE, MILL), middle.y + 10, middle.x) is None
    west, south, east, north = ground_of(CENTRE).bounds
    assert ground_of(CENTRE).nearest(north + 1, middle.x) == pytest.approx((north, middle.x))
    assert joined((CENTRE, MILL)).holds(middle.y, middle.x)
    assert ground_of(CENTRE).shared(ground_of(CENTRE).outline).area == pytest.approx((east - west) * (north - south))
