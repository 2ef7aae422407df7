"""Outlines as they are written: the districts of the boundary file, and what an officer draws.

The boundary file is GeoJSON (RFC 7946), longitude first. Polygons and circles are drawn as CAP writes them, latitude
first (`drawn_areas`). All of it is checked when it is read.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from alerts.desk.territory import Territory, territory_of
from alerts.model.alert import Area, Circle, Point
from alerts.model.bounds import bounded, seen
from alerts.model.errors import Misuse, Unreadable
from alerts.model.local import read_file
from alerts.model.reason import because
from alerts.model.town import District, Town

# Characters of a district's name or code.
_LONGEST = 200
WIDEST = 500.0
"""The radius, in kilometres, beyond which a circle was mistyped: a town's alert is not for half a country."""
_CORNERS = 3
# More than a hand draws; the time that comparing takes grows with them.
_MOST_CORNERS = 500
# Square degrees: about a square metre. What has less within is a line.
_LEAST = 1e-10
# The allowed form, for error messages.
_OUTLINE = "lat,lon lat,lon lat,lon with at least three corners, such as 45.18,5.71 45.18,5.73 45.19,5.72"
_CIRCLE = "lat,lon and a radius in km, such as 45.19,5.72 2"


def read_districts(path: Path, within: Path | None = None) -> tuple[District, ...]:
    """The features of a GeoJSON file with `code`, `name` and a Polygon or MultiPolygon. Raises Unreadable."""
    try:
        # Some editors put a byte order mark in front, which JSON doesn't allow.
        document = json.loads(read_file(path, within).decode("utf-8-sig"))
    except OSError as error:
        raise Unreadable(because("boundary_unread", file=path.name, said=error.strerror or error)) from None
    # RecursionError: brackets within brackets, thousands of them deep.
    except (ValueError, RecursionError):
        raise Unreadable(because("boundary_no_json", file=path.name)) from None
    features = document.get("features") if isinstance(document, dict) else None
    if not isinstance(features, list) or not features:
        raise Unreadable(because("boundary_empty", file=path.name))
    districts = tuple(_district(path.name, place, feature) for place, feature in enumerate(features))
    for what, values in (("code", [d.code for d in districts]), ("name", [d.name for d in districts])):
        twice = next((value for value, count in Counter(map(str.casefold, values)).items() if count > 1), None)
        if twice is not None:
            raise Unreadable(because("boundary_twice", file=path.name, what=what, text=repr(twice)))
    return districts


def _district(file: str, place: int, feature: Any) -> District:
    properties = _table(feature, "properties")
    code, name = properties.get("code"), properties.get("name")
    if not _is_word(code) or not _is_word(name):
        raise Unreadable(because("boundary_unnamed", file=file, place=place))
    outline = _table(feature, "geometry")
    if outline.get("type") not in ("Polygon", "MultiPolygon") or not outline.get("coordinates"):
        raise Unreadable(because("boundary_no_outline", file=file, place=place, name=name))
    is_one = outline["type"] == "Polygon"
    polygons = [outline["coordinates"]] if is_one else outline["coordinates"]
    if not isinstance(polygons, list) or not all(_is_polygon(polygon) for polygon in polygons):
        raise Unreadable(because("boundary_bad_outline", file=file, place=place, name=name))
    return District(seen(bounded(str(code), _LONGEST)), seen(bounded(str(name), _LONGEST)), outline)


def _table(value: Any, key: str) -> dict[str, Any]:
    inner = value.get(key) if isinstance(value, dict) else None
    return inner if isinstance(inner, dict) else {}


def _is_word(value: Any) -> bool:
    # A code may be written as a number; to Python `true` is one too.
    return isinstance(value, str | int) and not isinstance(value, bool) and bool(str(value).strip())


def _is_polygon(polygon: Any) -> bool:
    return isinstance(polygon, list) and bool(polygon) and all(_is_ring(ring) for ring in polygon)


def _is_ring(ring: Any) -> bool:
    return (
        # RFC 7946, 3.1.6: a linear ring has four positions or more, and ends where it begins.
        isinstance(ring, list) and len(ring) >= 4 and all(_is_position(each) for each in ring) and ring[0] == ring[-1]
    )


def _is_position(position: Any) -> bool:
    if not isinstance(position, list) or len(position) < 2:
        return False
    # A third number would be a height (RFC 7946, 3.1.1), which compares nothing here.
    numbers = all(isinstance(each, int | float) and math.isfinite(each) for each in position[:2])
    return numbers and abs(position[0]) <= 180 and abs(position[1]) <= 90


def read_polygon(text: str) -> tuple[Point, ...]:
    """A CAP polygon, closed if it was left open. Raises Misuse."""
    ring = [_point("--polygon", corner, _OUTLINE) for corner in text.split()]
    # CAP 3.2.4 wants the first point again at the end, which nobody who draws types.
    if ring and ring[0] != ring[-1]:
        ring.append(ring[0])
    if len(set(ring)) < _CORNERS:
        raise Misuse(because("polygon_corners", text=_brief(text), corners=len(set(ring)), allowed=_OUTLINE))
    if len(ring) > _MOST_CORNERS:
        raise Misuse(because("polygon_too_many_corners", corners=len(ring), most=_MOST_CORNERS))
    _must_be_simple(ring, text)
    return tuple(ring)


def read_circle(text: str) -> Circle:
    """A CAP circle. Raises Misuse."""
    centre, _, radius = text.strip().partition(" ")
    try:
        length = float(radius)
    except ValueError:
        raise Misuse(because("circle_unread", text=_brief(text), allowed=_CIRCLE)) from None
    if not (math.isfinite(length) and 0 < length <= WIDEST):
        raise Misuse(because("circle_radius", text=_brief(text), radius=radius, most=f"{WIDEST:g}"))
    return Circle(_point("--circle", centre, _CIRCLE), length)


def spell_polygon(ring: Sequence[Point]) -> str:
    """The ring as CAP writes it."""
    return " ".join(f"{lat:.10g},{lon:.10g}" for lat, lon in ring)


def spell_circle(circle: Circle) -> str:
    """The circle as CAP writes it."""
    return f"{circle.centre[0]:.10g},{circle.centre[1]:.10g} {circle.radius:g}"


def drawn_areas(
    areas: Sequence[Area], polygons: Sequence[str], circles: Sequence[str], place: str | None, station: Town
) -> tuple[Area, ...]:
    """Return the named areas with the drawn ones; a place in words is the name of all of them.

    Without words, the drawn area is named after the districts it touches. Raises Misuse if it touches none.
    """
    rings, discs = tuple(map(read_polygon, polygons)), tuple(map(read_circle, circles))
    # Where districts are told apart, what is drawn is placed by its shape alone.
    codes = () if station.districts else territory_of(station).codes
    shape = (Area("", rings, discs, codes),) if rings or discs else ()
    if place:
        return (_together(place, (*areas, *shape)),)
    if not shape:
        return tuple(areas)
    return (*areas, replace(shape[0], description=_named(shape[0], territory_of(station))))


def _together(place: str, areas: Sequence[Area]) -> Area:
    return Area(
        place,
        polygons=tuple(ring for area in areas for ring in area.polygons),
        circles=tuple(circle for area in areas for circle in area.circles),
        geocodes=tuple(dict.fromkeys(code for area in areas for code in area.geocodes)),
    )


def _named(shape: Area, territory: Territory) -> str:
    touched = territory.touched(shape)
    if not touched:
        raise Misuse(because("drawn_in_no_district" if territory.districts else "drawn_without_name"))
    return ", ".join(touched)


def _point(option: str, text: str, allowed: str) -> Point:
    try:
        lat, lon = map(float, text.split(","))
    except ValueError:
        raise Misuse(because("point_unread", option=option, text=_brief(text), allowed=allowed)) from None
    if not (-90 <= lat <= 90 and -180 <= lon <= 180):
        raise Misuse(because("point_off_globe", option=option, text=_brief(text), allowed=allowed))
    return (lat, lon)


def _must_be_simple(ring: Sequence[Point], text: str) -> None:
    from shapely import Polygon  # noqa: PLC0415 shapely takes 60 ms: only what is drawn pays

    shape = Polygon(ring)
    if not shape.is_valid or shape.area < _LEAST:
        raise Misuse(because("polygon_crosses", text=_brief(text)))


def _brief(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:59] + "…")
