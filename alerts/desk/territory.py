"""The town's ground, and the question if an alert is here.

An alert is here by its geocodes first, since they need no geometry. Outlines come next: each ring, circle and hole of a
CAP area becomes a comparable shape, whatever its sender made of it (`pieces_of`): one that crosses itself is mended,
one that crosses the antimeridian counts on both sides of it, and only the part near the town is compared. Sharing a
border is not being here: two shapes have to overlap by more than `_SLIVER`.

A district's ground may be used by any thread (`TownGround`): points on it, their distances, shapes across it. An
outline is prepared once, so that a query takes microseconds. GEOS builds a preparation at its first use, and two
threads building it at a time may crash the process: one thread queries at a time.
"""

from __future__ import annotations

import math
import re
import threading
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from alerts.model.alert import Alert, Area, Circle, NamedValue, Point
from alerts.model.bounds import normal
from alerts.model.errors import Misuse
from alerts.model.incident import LeftOut
from alerts.model.reason import because
from alerts.model.town import DISTRICT, District, Town

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry


EXCLUDED = "EXCLUDE_POLYGON"
"""The geocode in which the German weather service writes the holes of its polygons, as a CAP polygon."""
Bounds = tuple[float, float, float, float]
"""West, south, east and north, in degrees."""
Ring = list[tuple[float, float]]
"""Points as (longitude, latitude), in degrees."""
# The points up to which a ring that crosses itself is mended exactly, which takes half a millisecond then.
_MENDED = 24
# The points up to which one is clipped first; a longer one is taken for its hull, which is quick at any length.
_CLIPPED = 1000
# Of latitude anywhere, of longitude at the equator.
_KM_PER_DEGREE = 111.32
# Corners of the ring that stands for a circle, which it leaves by a quarter of a percent of the radius at most.
_STEPS = 48
# A latitude and a longitude, as CAP writes them.
_POINT = re.compile(r"(-?\d+(?:\.\d+)?),(-?\d+(?:\.\d+)?)")
# The share of the smaller of two shapes below which they only touch.
_SLIVER = 0.01
# Outlines whose answer is kept: a few batches of a feed.
_REMEMBERED = 64
# Characters of a place's name that are looked at.
_LONGEST_NAME = 200
_BLANKS = re.compile(r"[\s,;]+")


@dataclass(frozen=True, slots=True)
class Shape:
    """One shape of an area as (longitude, latitude) in degrees, and the size of all of it, in square degrees.

    The outline may be only what of it lies near.
    """

    outline: BaseGeometry
    size: float


def pieces_of(area: Area, window: Bounds) -> Iterator[Shape]:
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
            yield Shape(piece.outline.difference(holes), piece.size)


def has_shapes(area: Area) -> bool:
    """True if there is anything to compare: a ring or a circle with ground within."""
    from shapely import Polygon  # noqa: PLC0415 shapely takes 60 ms: only what compares outlines pays

    return any(len(ring) >= 4 and Polygon(ring).convex_hull.area > 0 for ring in _rings(area))


def _rings(area: Area) -> Iterator[Ring]:
    yield from (_unwound(ring) for ring in area.polygons)
    yield from (_rim(circle) for circle in area.circles if circle.radius > 0)


def _holes(area: Area, window: Bounds) -> BaseGeometry:
    from shapely import union_all  # noqa: PLC0415

    return union_all([piece.outline for ring in _excluded(area) for piece in _pieces(_unwound(ring), window)])


def _pieces(ring: Ring, window: Bounds) -> Iterator[Shape]:
    """Yield the parts of a ring inside the window, also a turn of the globe away if it leaves the map."""
    if len(ring) < 4:
        return
    longitudes, latitudes = [point[0] for point in ring], [point[1] for point in ring]
    west, east, south, north = min(longitudes), max(longitudes), min(latitudes), max(latitudes)
    for turn, leaves in ((0.0, True), (360.0, west < -180), (-360.0, east > 180)):
        disjoint = west + turn > window[2] or east + turn < window[0] or south > window[3] or north < window[1]
        if leaves and not disjoint:
            yield from _whole([(longitude + turn, latitude) for longitude, latitude in ring] if turn else ring, window)


def _whole(ring: Ring, window: Bounds) -> Iterator[Shape]:
    from shapely import Polygon, make_valid  # noqa: PLC0415

    shape: BaseGeometry = Polygon(ring)
    size = shape.area
    if not shape.is_valid:
        near = _near(shape, window) if len(ring) > _MENDED else shape
        shape = make_valid(near, method="structure", keep_collapsed=False)
    if shape.area > 0:
        yield Shape(shape, max(size, shape.area))


def _near(crossing: BaseGeometry, window: Bounds) -> BaseGeometry:
    """Return the part of a self-crossing ring within the window, approximately if it is long.

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
    # Near a pole a degree of longitude has no length to speak of: the ring is kept finite there.
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


class Elsewhere(LeftOut):
    """Why an alert is left out whose areas can be compared with ours, and lie elsewhere."""


@dataclass(frozen=True)
class Territory:
    """The definition of here: geocodes, and the districts' outlines. With neither, everywhere is."""

    codes: tuple[NamedValue, ...] = ()
    districts: tuple[District, ...] = ()

    @cached_property
    def _wanted(self) -> frozenset[tuple[str, str]]:
        own = {(code.name.casefold(), code.value.casefold()) for code in self.codes}
        return frozenset(own | {(DISTRICT, district.code.casefold()) for district in self.districts})

    @cached_property
    def _schemes(self) -> frozenset[str]:
        return frozenset(name for name, _ in self._wanted)

    @cached_property
    def _ground(self) -> TownGround | None:
        return joined(self.districts) if self.districts else None

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
        """Return the codes of the districts that an alert touches. None: the whole town, or unknown."""
        town = {(code.name.casefold(), code.value.casefold()) for code in self.codes}
        if not self.districts or any(code in town for area in alert.areas for code in _codes_of(area)):
            return None
        found = {code for code, alone in self._each for area in alert.areas if alone._touches(area)}  # noqa: SLF001 one's own kind
        return frozenset(found) if found and len(found) < len(self.districts) else None

    def holds(self, area: Area, place: Point) -> bool:
        """True if an area with codes of ours names the town's, or that of the district of a place."""
        codes = set(_codes_of(area))
        if any((code.name.casefold(), code.value.casefold()) in codes for code in self.codes):
            return True
        named = [each for each in self.districts if (DISTRICT, each.code.casefold()) in codes]
        return district_at(named, *place) is not None

    @cached_property
    def _each(self) -> tuple[tuple[str, Territory], ...]:
        """Each district alone: it remembers what it was asked, as the whole does."""
        return tuple((district.code, Territory((), (district,))) for district in self.districts)

    def _touches(self, area: Area) -> bool:
        """True if it has a code of ours, else if it covers ground of ours, which takes longer to compute."""
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


def ground_within(town: Town, circle: Circle) -> list[tuple[str, list[tuple[Point, ...]]]]:
    """Return the part of a circle in each district: its name and the rings, without districts it hardly touches."""
    from shapely import Polygon  # noqa: PLC0415

    disc = Polygon(_rim(circle))
    found = []
    for district in town.districts:
        shared = ground_of(district).shared(disc)
        parts = [part for part in getattr(shared, "geoms", [shared]) if part.geom_type == "Polygon"]
        rings = [part.exterior.coords for part in parts if part.area > _SLIVER * disc.area]
        if rings:
            found.append((district.name, [tuple((lat, lon) for lon, lat in ring) for ring in rings]))
    return found


# Preparing outlines is expensive, so a town's territory lives as long as the town.
_TERRITORIES: WeakKeyDictionary[Town, Territory] = WeakKeyDictionary()


def territory_of(town: Town) -> Territory:
    """The ground of a town: the same one whoever asks, so that what it was asked before is remembered for all."""
    # As long as the town is there, however many there are: joining its districts takes long. Should two threads come
    # at the same time, the second one's is as good.
    return _TERRITORIES.get(town) or _TERRITORIES.setdefault(town, Territory(town.geocodes, town.districts))


def is_in_words(alert: Alert) -> bool:
    """True if its place is in words alone: it can't be drawn, and names no district and no town."""
    return bool(alert.areas) and not any(area.geocodes or area.polygons or area.circles for area in alert.areas)


def _codes_of(area: Area) -> list[tuple[str, str]]:
    return [
        (code.name.casefold(), value.casefold())
        for code in area.geocodes
        for value in _BLANKS.split(code.value.strip())
        if code.name != EXCLUDED
    ]


def _covers(piece: Shape, ground: TownGround) -> bool:
    """True if they share ground, not only a border, which neighbours draw a little across one another."""
    if not ground.meets(piece.outline):
        return False
    return bool(ground.shared(piece.outline).area > _SLIVER * min(ground.outline.area, piece.size))


def _folded(text: str) -> str:
    """Return a text for searching: without case, accents, hyphens and apostrophes."""
    plain = normal("NFKD", text[:_LONGEST_NAME].casefold())
    letters = "".join(character for character in plain if not unicodedata.combining(character))
    return " ".join(re.findall(r"\w+", letters))


def _listed(names: Sequence[str], most: int = 4) -> str:
    shown = "; ".join(names[:most])
    return f"{shown}; … (+{len(names) - most})" if len(names) > most else shown


class TownGround:
    """An outline as (longitude, latitude) in degrees; places have the latitude first."""

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
        """True if a point lies on it, including its border."""
        from shapely import Point  # noqa: PLC0415

        place = Point(lon, lat)
        with self._looking:
            return bool(self.outline.covers(place))

    def meets(self, shape: BaseGeometry) -> bool:
        """True if a shape has a point on it, be it on its border alone."""
        with self._looking:
            return bool(self.outline.intersects(shape))

    def shared(self, shape: BaseGeometry) -> BaseGeometry:
        """Return the part of a shape on it."""
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
