"""Here or not: an alert's geocodes, outlines and circles against the station's own ground."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

from alerts.desk.shapes import EXCLUDED, Piece, has_shapes, pieces_of
from alerts.model.alert import Alert, Area, Named, Point
from alerts.model.characters import normal
from alerts.model.errors import Misuse
from alerts.model.incident import LeftOut
from alerts.model.reason import because

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

DISTRICT = "district"
"""The geocode name under which a district's own code stands in our alerts."""
_SLIVER = 0.01
"""The share of the smaller of two shapes below which they only touch."""
_REMEMBERED = 64
"""Outlines whose answer is kept: a few batches of a feed."""
_LONGEST_NAME = 200
"""Characters of a place's name that are looked at."""
_BLANKS = re.compile(r"[\s,;]+")


class Elsewhere(LeftOut):
    """Why an alert is left out whose areas can be compared with ours, and lie elsewhere."""


@dataclass(frozen=True, slots=True)
class District:
    """A feature of the boundary file: its code, its name and its outline as a GeoJSON geometry (longitude first)."""

    code: str
    name: str
    outline: Mapping[str, Any] = field(hash=False)

    def as_area(self) -> Area:
        """The district as a CAP area, its outer rings as polygons."""
        rings = _outer_rings(self.outline)
        return Area(self.name, polygons=rings, geocodes=(Named(DISTRICT, self.code),))


@dataclass(frozen=True)
class Territory:
    """What counts as here: geocodes, and the districts' outlines. With neither, everywhere is."""

    codes: tuple[Named, ...] = ()
    districts: tuple[District, ...] = ()

    @cached_property
    def _wanted(self) -> frozenset[tuple[str, str]]:
        own = {(code.name.casefold(), code.value.casefold()) for code in self.codes}
        return frozenset(own | {(DISTRICT, district.code.casefold()) for district in self.districts})

    @cached_property
    def _schemes(self) -> frozenset[str]:
        return frozenset(name for name, _ in self._wanted)

    @cached_property
    def _ground(self) -> BaseGeometry | None:
        if not self.districts:
            return None
        # shapely takes 60 ms to import: only what compares outlines pays.
        from shapely import make_valid, prepare, union_all  # noqa: PLC0415
        from shapely.geometry import shape  # noqa: PLC0415

        ground = union_all([make_valid(shape(dict(district.outline))) for district in self.districts])
        prepare(ground)
        return ground

    def locate(self, alert: Alert, *, any_area: bool = False) -> tuple[str, ...] | LeftOut:
        """The descriptions of the alert's areas that lie here, or why it is left out.

        An alert whose areas name several places is here if one of them is. `any_area` lets through what can't be
        matched or lies elsewhere: a source that is known to speak of here alone.
        """
        areas = alert.areas
        names = tuple(dict.fromkeys(area.description for area in areas))
        if any_area or not (self.codes or self.districts):
            return names
        here = tuple(dict.fromkeys(area.description for area in areas if self._touches(area)))
        if here:
            return here
        if not areas:
            return LeftOut(because("no_area"))
        if not any(self._comparable(area) for area in areas):
            return LeftOut(because("area_unmatched", area=_listed(names)))
        return Elsewhere(because("outside_area", area=_listed(names)))

    def district(self, text: str) -> District:
        """The district of that code or name, whatever its accents and case. Raises Misuse with the nearest."""
        wanted = _folded(text)
        for district in self.districts:
            if wanted in (_folded(district.code), _folded(district.name)):
                return district
        names = {_folded(name): name for d in self.districts for name in (d.name, d.code)}
        near = get_close_matches(wanted, names, n=1)
        known = ", ".join(district.name for district in self.districts[:12])
        if near:
            raise Misuse(because("no_district_near", text=text[:_LONGEST_NAME], near=names[near[0]]))
        raise Misuse(because("no_district", text=text[:_LONGEST_NAME], known=known))

    def touched(self, area: Area) -> tuple[str, ...]:
        """The names of the districts on whose ground an area lies, if only in part."""
        return tuple(d.name for d in self.districts if Territory((), (d,))._touches(area))  # noqa: SLF001 one's own kind

    def districts_of(self, alert: Alert) -> frozenset[str] | None:
        """The codes of the districts that an alert touches; None: the whole town, also where nobody can tell."""
        town = {(code.name.casefold(), code.value.casefold()) for code in self.codes}
        if not self.districts or any(code in town for area in alert.areas for code in _codes_of(area)):
            return None
        found = {code for code, alone in self._each for area in alert.areas if alone._touches(area)}  # noqa: SLF001 one's own kind
        return frozenset(found) if found and len(found) < len(self.districts) else None

    @cached_property
    def _each(self) -> tuple[tuple[str, Territory], ...]:
        """Each district alone: it remembers what it was asked, as the whole does."""
        return tuple((district.code, Territory((), (district,))) for district in self.districts)

    def _touches(self, area: Area) -> bool:
        """Whether it has a code of ours, else whether it covers ground of ours, which takes longer to tell."""
        if any((name, value) in self._wanted for name, value in _codes_of(area)):
            return True
        return self._ground is not None and self._covered(area)

    @cached_property
    def _covered(self) -> Callable[[Area], bool]:
        """Remembers what it answered: an alert is located before the transaction that files it, and in it."""
        ground = self._ground

        @lru_cache(maxsize=_REMEMBERED)
        def covered(area: Area) -> bool:
            return ground is not None and any(_covers(piece, ground) for piece in pieces_of(area, ground.bounds))

        return covered

    def _comparable(self, area: Area) -> bool:
        if any(name in self._schemes for name, _ in _codes_of(area)):
            return True
        return bool(self.districts) and has_shapes(area)


def is_in_words(alert: Alert) -> bool:
    """Whether its place is told in words alone: nobody can draw it, and it stands for no district and no town."""
    return bool(alert.areas) and not any(area.geocodes or area.polygons or area.circles for area in alert.areas)


def _codes_of(area: Area) -> list[tuple[str, str]]:
    return [
        (code.name.casefold(), value.casefold())
        for code in area.geocodes
        for value in _BLANKS.split(code.value.strip())
        if code.name != EXCLUDED
    ]


def _outer_rings(outline: Mapping[str, Any]) -> tuple[tuple[Point, ...], ...]:
    polygons = [outline["coordinates"]] if outline["type"] == "Polygon" else outline["coordinates"]
    return tuple(tuple((float(lat), float(lon)) for lon, lat, *_ in polygon[0]) for polygon in polygons)


def _covers(piece: Piece, ground: BaseGeometry) -> bool:
    """Whether they share ground, not only a border, which neighbours draw a little across one another."""
    if not ground.intersects(piece.outline):
        return False
    return bool(ground.intersection(piece.outline).area > _SLIVER * min(ground.area, piece.size))


def _folded(text: str) -> str:
    """As it is looked for: without case, accents, hyphens and apostrophes."""
    plain = normal("NFKD", text[:_LONGEST_NAME].casefold())
    letters = "".join(character for character in plain if not unicodedata.combining(character))
    return " ".join(re.findall(r"\w+", letters))


def _listed(names: Sequence[str], most: int = 4) -> str:
    shown = "; ".join(names[:most])
    return f"{shown}; … (+{len(names) - most})" if len(names) > most else shown
