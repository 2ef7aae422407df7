"""Germany's civil protection (NINA): a list of warnings, each a CAP message as JSON, and its outlines beside it.

A message names its places by official regional keys (ARS: Land, Kreis, association, commune in twelve digits) and by
numbers whose outlines are a GeoJSON of its own. `placed` writes both into the message as CAP has them: rings as
`polygon`, holes as EXCLUDE_POLYGON, keys as geocodes `ARS`. A key ends in zeros where it stands for all that lies
within; `keys_here` finds those that a town lies in, or that lie in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any
from urllib.parse import urljoin, urlsplit

from alerts.apart.parser import parser
from alerts.model.alert import Alert, NamedValue
from alerts.model.bounds import read_long_json, rows, table, tables
from alerts.model.errors import Unreadable
from alerts.model.reason import because

ARS = "ARS"
"""The scheme of a regional key."""
KEYS = "warnVerwaltungsbereiche"
"""The parameter with the regional keys of a message, separated by commas."""
_NUMBER, _HOLE = "AreaId", "EXCLUDE_POLYGON"
_LISTS = re.compile(r"/dashboard/\d{12}\.json|/mapData\.json")
_NAME = re.compile(r"[\w.~:-]{1,200}", re.ASCII)
_KEY = re.compile(r"\d{12}", re.ASCII)
# Where the parts of a key end: Land, Regierungsbezirk, Kreis, association of communes.
_LEVELS = (2, 3, 5, 9)
_MOST_RINGS, _MOST_POINTS = 1000, 100_000
"""Of one message: as many areas, and points of all outlines, as the message's reader takes."""
_MOST_PLACED = 200_000
"""Outlines of all its areas together: one without a number has each of them, and a message may have any number."""


# --- the list -------------------------------------------------------------------------------------------------------


def is_list(document: object, url: str) -> bool:
    """True for a list of warnings; an empty one only at an address of NINA's lists, where it means that none is on."""
    if not isinstance(document, list):
        return False
    if not document:
        return _LISTS.search(urlsplit(url).path) is not None
    return any(isinstance(each, dict) and isinstance(each.get("id"), str) for each in document)


def address_of(listed: object, url: str) -> tuple[str, str] | None:
    """A listed warning's address and version: the messages are beside the folder of the lists. None: it has no name."""
    name = table(listed).get("id")
    if not isinstance(listed, dict) or not isinstance(name, str) or not _NAME.fullmatch(name):
        return None
    payload = table(listed.get("payload"))
    versions = (payload.get("hash"), payload.get("version"), listed.get("version"), listed.get("sent"))
    version = " ".join(str(each)[:100] for each in versions if isinstance(each, str | int))
    return urljoin(url, f"../warnings/{name}.json"), version


def outlines_at(url: str) -> str:
    """The address of the outlines of the message at `url`."""
    return f"{url.removesuffix('.json')}.geojson"


# --- the places -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Outline:
    """One polygon of the area with that number, its ring and its holes as CAP writes them."""

    number: str
    ring: str
    holes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outlines:
    """The polygons of a message."""

    rings: tuple[Outline, ...]

    def size(self) -> int:
        """About how many bytes it takes."""
        return sum(200 + len(each.ring) + sum(map(len, each.holes)) for each in self.rings)


@parser("outlines", seconds=10)
def read_outlines(body: bytes) -> Outlines:
    """The polygons of a GeoJSON, as many as a message may have. Raises Unreadable for what is none."""
    features = table(read_long_json(body)).get("features")
    if not isinstance(features, list):
        raise Unreadable(because("nina_outlines"))
    return Outlines(tuple(islice(_within(_polygons(features)), _MOST_RINGS)))


def _within(found: Iterable[Outline]) -> Iterator[Outline]:
    left = _MOST_POINTS
    for each in found:
        left -= each.ring.count(",") + sum(hole.count(",") for hole in each.holes)
        if left < 0:
            return
        yield each


def _polygons(features: object) -> Iterator[Outline]:
    for feature in tables(features):
        shape, number = table(feature.get("geometry")), str(table(feature.get("properties")).get("areaId", ""))[:40]
        rings = shape.get("coordinates")
        polygons = {"Polygon": [rings], "MultiPolygon": rings}.get(str(shape.get("type")))
        for polygon in rows(polygons):
            written = [_ring(each) for each in rows(polygon)]
            if written and written[0]:
                yield Outline(number, written[0], tuple(hole for hole in written[1:] if hole))


def _ring(points: object) -> str:
    """A ring as "lat,lon lat,lon": GeoJSON has the longitude first. Empty for what is no list of points."""
    try:
        return " ".join(f"{float(y):.6g},{float(x):.7g}" for x, y, *_ in points)  # type: ignore[attr-defined]
    except (TypeError, ValueError, OverflowError):
        return ""


def is_message(document: object) -> bool:
    """True for a CAP message as a JSON object by itself."""
    return isinstance(document, dict) and isinstance(document.get("info"), list) and "identifier" in document


def is_numbered(message: Mapping[str, Any]) -> bool:
    """True for a message with NINA's numbers or keys, whose outlines are beside it."""
    infos = tables(message["info"])
    return any(map(_keys_of, infos)) or any(_numbers(area) for info in infos for area in tables(info.get("area")))


def message_in(body: bytes) -> Mapping[str, Any]:
    """The message in a fetched document. Raises Unreadable for what is none."""
    if (document := read_long_json(body)) is None:
        raise Unreadable(because("index_json"))
    if not isinstance(document, dict):
        raise Unreadable(because("nina_no_message"))
    return document


def placed(message: Mapping[str, Any], outlines: Outlines | None) -> dict[str, Any]:
    """The message with its outlines and regional keys in its areas. An area without a number has all outlines.

    Where that would be too much, the keys have to do.
    """
    infos = message.get("info")
    if not isinstance(infos, list):
        return dict(message)
    keys = next(filter(None, map(_keys_of, infos)), "")
    rings = outlines.rings if outlines else ()
    areas = sum(len(tables(table(info).get("area"))) for info in infos)
    if areas * sum(1 + len(each.holes) for each in rings) > _MOST_PLACED:
        rings = ()
    return {**message, "info": [_placed(info, rings, keys) if isinstance(info, dict) else info for info in infos]}


def _keys_of(info: object) -> str:
    """The regional keys of an info, separated by blanks: the first language's alone may have them."""
    for each in tables(table(info).get("parameter")):
        if each.get("valueName") == KEYS:
            return " ".join(dict.fromkeys(_KEY.findall(str(each.get("value")))))
    return ""


def _placed(info: Mapping[str, Any], rings: Sequence[Outline], keys: str) -> dict[str, Any]:
    written = [_area(each, rings) for each in tables(info.get("area")) or [{}]]
    if keys:
        written[0]["geocode"] = [*written[0]["geocode"], {"valueName": ARS, "value": keys}]
    return {**info, "area": written}


def _area(area: Mapping[str, Any], rings: Sequence[Outline]) -> dict[str, Any]:
    codes, numbers = tables(area.get("geocode")), _numbers(area)
    own = [each for each in rings if not numbers or each.number in numbers]
    holes = [{"valueName": _HOLE, "value": hole} for each in own for hole in each.holes]
    polygons = area.get("polygon")
    drawn = polygons if isinstance(polygons, list) else [polygons] if polygons else []
    return {**area, "polygon": [*drawn, *(each.ring for each in own)], "geocode": [*codes, *holes]}


def _numbers(area: Mapping[str, Any]) -> set[str]:
    return {str(each.get("value")) for each in tables(area.get("geocode")) if each.get("valueName") == _NUMBER}


# --- the town -------------------------------------------------------------------------------------------------------


def keys_in(codes: Iterable[NamedValue]) -> tuple[NamedValue, ...]:
    """The regional keys among a town's geocodes."""
    return tuple(code for code in codes if code.name.upper() == ARS and _KEY.fullmatch(code.value))


def with_keys(alert: Alert, own: Sequence[NamedValue], *, outlined: bool) -> Alert:
    """The alert with the town's own key in each area whose keys cover it, or lie in it; else the same object.

    `outlined`: the town has outlines. They decide wherever the alert has outlines too, since it may be about one corner
    of the Kreis whose key it names.
    """
    if not own or (outlined and any(area.polygons for area in alert.areas)):
        return alert
    infos = tuple(
        replace(info, areas=tuple(replace(area, geocodes=_added(area.geocodes, own)) for area in info.areas))
        for info in alert.infos
    )
    return alert if infos == alert.infos else replace(alert, infos=infos)


def _added(codes: tuple[NamedValue, ...], own: Sequence[NamedValue]) -> tuple[NamedValue, ...]:
    named = [key for code in codes if code.name == ARS for key in _KEY.findall(code.value)]
    here = [each for each in own if each.value not in named and any(_share(each.value, key) for key in named)]
    return (*codes, *here)


def _share(one: str, other: str) -> bool:
    return one.startswith(_stem(other)) or other.startswith(_stem(one))


def _stem(key: str) -> str:
    """The part of a key that all keys within share: of 066350000000, a Kreis, 06635."""
    return next((key[:level] for level in _LEVELS if not key[level:].strip("0")), key)
