"""Here or not: an alert's geocodes, outlines and circles against the station's own ground."""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alerts.model.alert import Alert, Area, Circle, Named, Point
from alerts.model.errors import Misuse, Unreadable
from alerts.model.incident import LeftOut

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

DISTRICT = "district"
"""The geocode name under which a district's own code stands in our alerts."""
_KM_PER_DEGREE = 111.32
_BLANKS = re.compile(r"[\s,;]+")


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
            return LeftOut('it names no area, so nobody can tell whether it is for here (area = "any" takes it)')
        if not any(self._comparable(area) for area in areas):
            return LeftOut(f'its area can\'t be matched: {_listed(names)} (area = "any" takes it)')
        return LeftOut(f"outside our areas: {_listed(names)}")

    def district(self, text: str) -> District:
        """The district of that code or name, whatever its accents and case. Raises Misuse with the nearest."""
        wanted = _folded(text)
        for district in self.districts:
            if wanted in (_folded(district.code), _folded(district.name)):
                return district
        names = {_folded(name): name for d in self.districts for name in (d.name, d.code)}
        near = get_close_matches(wanted, names, n=1)
        known = ", ".join(district.name for district in self.districts[:12])
        hint = f"did you mean {names[near[0]]!r}?" if near else f"known: {known}"
        raise Misuse(f"--area {text!r}: no such district; {hint}")

    def _touches(self, area: Area) -> bool:
        if any((name, value) in self._wanted for name, value in _codes_of(area)):
            return True
        ground = self._ground
        return ground is not None and any(ground.intersects(shape) for shape in _shapes_of(area))

    def _comparable(self, area: Area) -> bool:
        if any(name in self._schemes for name, _ in _codes_of(area)):
            return True
        outlined = bool(area.polygons) or any(circle.radius > 0 for circle in area.circles)
        return outlined and bool(self.districts)


def _codes_of(area: Area) -> list[tuple[str, str]]:
    return [
        (code.name.casefold(), value.casefold())
        for code in area.geocodes
        for value in _BLANKS.split(code.value.strip())
        if code.name != "EXCLUDE_POLYGON"
    ]


def _shapes_of(area: Area) -> list[BaseGeometry]:
    from shapely import Polygon, make_valid  # noqa: PLC0415

    rings = [Polygon([(lon, lat) for lat, lon in ring]) for ring in area.polygons if len(ring) >= 4]
    rounds = [Polygon(_rim(circle)) for circle in area.circles if circle.radius > 0]
    return [make_valid(shape) for shape in (*rings, *rounds)]


def _rim(circle: Circle) -> list[Point]:
    """A circle of kilometres as a ring of (longitude, latitude), good for the sizes of towns and counties."""
    latitude, longitude = circle.centre
    north = circle.radius / _KM_PER_DEGREE
    east = north / max(math.cos(math.radians(latitude)), 0.01)
    turns = [2 * math.pi * step / 48 for step in range(48)]
    return [(longitude + east * math.cos(turn), latitude + north * math.sin(turn)) for turn in turns]


def _outer_rings(outline: Mapping[str, Any]) -> tuple[tuple[Point, ...], ...]:
    polygons = [outline["coordinates"]] if outline["type"] == "Polygon" else outline["coordinates"]
    return tuple(tuple((float(lat), float(lon)) for lon, lat, *_ in polygon[0]) for polygon in polygons)


def _folded(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.strip().casefold())
    return "".join(character for character in plain if not unicodedata.combining(character))


def _listed(names: Sequence[str], most: int = 4) -> str:
    shown = "; ".join(names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown


def read_districts(path: Path) -> tuple[District, ...]:
    """The features of a GeoJSON file with `code`, `name` and a Polygon or MultiPolygon. Raises Unreadable."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Unreadable(f"{path.name} can't be read: {error.strerror}") from None
    except ValueError as error:
        raise Unreadable(f"{path.name} is not JSON: {error}") from None
    features = document.get("features") if isinstance(document, dict) else None
    if not isinstance(features, list) or not features:
        raise Unreadable(f"{path.name} holds no features; allowed: a GeoJSON FeatureCollection of districts")
    return tuple(_district(path.name, place, feature) for place, feature in enumerate(features))


def _district(file: str, place: int, feature: Any) -> District:
    properties = (feature.get("properties") if isinstance(feature, dict) else None) or {}
    code, name = properties.get("code"), properties.get("name")
    if not code or not name:
        raise Unreadable(f"{file}: features[{place}] needs the properties `code` and `name`")
    outline = feature.get("geometry") or {}
    if outline.get("type") not in ("Polygon", "MultiPolygon") or not outline.get("coordinates"):
        raise Unreadable(f"{file}: features[{place}] ({name}) needs an outline: a Polygon or a MultiPolygon")
    return District(str(code), str(name), outline)
