"""The town as the bot speaks of it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from typing import TYPE_CHECKING

from alerts.desk.territory import District

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry


@dataclass(frozen=True, slots=True)
class On:
    """What is on, in one language: its title, what to know in two lines, and its page (None: there is none)."""

    title: str
    summary: str
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Fresh:
    """A source, when it was last read well, and whether that is too long ago."""

    title: str
    last_ok: datetime | None
    stale: bool = False


@dataclass(frozen=True)
class Town:
    """All that the conversation knows: the station, its districts, what is on, and how fresh that knowledge is.

    `language` is the station's tag; `on` has a list for each language. `page` is the town's own page.
    """

    name: str
    language: str = "fr-FR"
    zone: tzinfo = UTC
    districts: tuple[District, ...] = ()
    on: Mapping[str, Sequence[On]] = field(default_factory=dict)
    sources: Sequence[Fresh] = ()
    page: str | None = None

    def district(self, key: str) -> District | None:
        """The district of that `key_of`; None where the boundary file has none any more."""
        return next((each for each in self.districts if key_of(each.code) == key), None)

    def around(self, latitude: float, longitude: float) -> District | None:
        """The district on whose ground a place lies."""
        # shapely takes 60 ms to import: only who sends a place pays.
        from shapely.geometry import Point  # noqa: PLC0415

        place = Point(longitude, latitude)
        return next((each for each in self.districts if _ground(each).covers(place)), None)

    def names(self, codes: frozenset[str]) -> list[str]:
        """The names of districts in the order of the boundary file; of one that is gone, its code."""
        known = {each.code: each.name for each in self.districts}
        there = [name for code, name in known.items() if code in codes]
        return there + sorted(codes - known.keys())


@lru_cache(maxsize=2048)
def _ground(district: District) -> BaseGeometry:
    """Its outline, made ready once: a hundred detailed ones take a second, for which everything else would wait."""
    from shapely import make_valid, prepare  # noqa: PLC0415
    from shapely.geometry import shape  # noqa: PLC0415

    ground = make_valid(shape(dict(district.outline)))
    prepare(ground)
    return ground


def key_of(code: str) -> str:
    """A district's code as short as a button's data must be, whatever its length."""
    return hashlib.sha256(code.encode()).hexdigest()[:10]
