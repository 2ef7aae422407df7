"""Where, in an officer's own terms: districts by name, outlines and circles as CAP writes them, a place in words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from alerts.desk.station import Station
from alerts.desk.territory import Territory
from alerts.model.alert import Area, Circle, Point
from alerts.model.errors import Misuse
from alerts.model.reason import because

WIDEST = 500.0
"""The radius, in kilometres, beyond which a circle was mistyped: a town's alert is not for half a country."""
_CORNERS = 3
_MOST_CORNERS = 500
_LEAST = 1e-10
"""Square degrees: about a square metre. What has less within is a line."""
_OUTLINE = "lat,lon lat,lon lat,lon with at least three corners, such as 45.18,5.71 45.18,5.73 45.19,5.72"
_CIRCLE = "lat,lon and a radius in km, such as 45.19,5.72 2"


def read_polygon(text: str) -> tuple[Point, ...]:
    """A CAP polygon, closed if it was left open. Raises Misuse."""
    ring = [_point("--polygon", corner, _OUTLINE) for corner in text.split()]
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
    areas: Sequence[Area], polygons: Sequence[str], circles: Sequence[str], place: str | None, station: Station
) -> tuple[Area, ...]:
    """The named areas with what was drawn; where a place is told in words, that is the name of all of it.

    Without words, what was drawn is named after the districts it touches. Raises Misuse where it touches none.
    """
    rings, discs = tuple(map(read_polygon, polygons)), tuple(map(read_circle, circles))
    codes = () if station.territory.districts else station.territory.codes
    shape = (Area("", rings, discs, codes),) if rings or discs else ()
    if place:
        return (_together(place, (*areas, *shape)),)
    if not shape:
        return tuple(areas)
    return (*areas, replace(shape[0], description=_named(shape[0], station.territory)))


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
