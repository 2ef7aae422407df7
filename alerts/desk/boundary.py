"""The boundary file: the town's districts as GeoJSON (RFC 7946), checked when it is read, not when it is needed."""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path
from typing import Any

from alerts.desk.territory import District
from alerts.model.characters import bounded, seen
from alerts.model.errors import Unreadable
from alerts.model.reason import because

_LONGEST = 200
"""Characters of a district's name or code."""


def read_districts(path: Path) -> tuple[District, ...]:
    """The features of a GeoJSON file with `code`, `name` and a Polygon or MultiPolygon. Raises Unreadable."""
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise Unreadable(because("boundary_unread", file=path.name, said=error.strerror or error)) from None
    except (ValueError, RecursionError):
        raise Unreadable(because("boundary_no_json", file=path.name)) from None
    features = document.get("features") if isinstance(document, dict) else None
    if not isinstance(features, list) or not features:
        raise Unreadable(because("boundary_empty", file=path.name))
    districts = tuple(_district(path.name, place, feature) for place, feature in enumerate(features))
    _each_its_own(path.name, districts)
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
    return isinstance(value, str | int) and not isinstance(value, bool) and bool(str(value).strip())


def _is_polygon(polygon: Any) -> bool:
    return isinstance(polygon, list) and bool(polygon) and all(_is_ring(ring) for ring in polygon)


def _is_ring(ring: Any) -> bool:
    return (
        isinstance(ring, list) and len(ring) >= 4 and all(_is_position(each) for each in ring) and ring[0] == ring[-1]
    )


def _is_position(position: Any) -> bool:
    if not isinstance(position, list) or len(position) < 2:
        return False
    numbers = all(isinstance(each, int | float) and math.isfinite(each) for each in position[:2])
    return numbers and abs(position[0]) <= 180 and abs(position[1]) <= 90


def _each_its_own(file: str, districts: tuple[District, ...]) -> None:
    for what, values in (("code", [d.code for d in districts]), ("name", [d.name for d in districts])):
        twice = next((value for value, count in Counter(map(str.casefold, values)).items() if count > 1), None)
        if twice is not None:
            raise Unreadable(because("boundary_twice", file=file, what=what, text=repr(twice)))
