"""What OASIS CAP 1.2 asks of a message (section 3.2, the data dictionary), checked on an Alert."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from urllib.parse import urlsplit

from alerts.model.alert import Alert, Area, Circle, Info, MsgType, Named, Point, Reference, Resource, Scope

_FORBIDDEN_IN_NAMES = re.compile(r"[\s,<&]")
_LANGUAGE = re.compile(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*")
_MIME_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+(\s*;.*)?", re.ASCII)
_SHA1 = re.compile(r"[0-9a-fA-F]{40}")
_REFERRING = (MsgType.UPDATE, MsgType.CANCEL, MsgType.ACK, MsgType.ERROR)


def violations(alert: Alert) -> tuple[str, ...]:
    """Every rule of CAP 1.2 section 3.2 that `alert` breaks, one line each: where, what is wrong, what is allowed.

    Empty for a message that any CAP receiver has to take. What the types of Alert rule out already isn't looked at.
    """
    return tuple(_of_alert(alert))


# --- alert (3.2.1) --------------------------------------------------------------------------------------------------


def _of_alert(alert: Alert) -> Iterator[str]:
    yield from _of_name("identifier", alert.identifier)
    yield from _of_name("sender", alert.sender)
    yield from _of_time("sent", alert.sent)
    yield from _of_scope(alert)
    if alert.msg_type is MsgType.ERROR and not _says(alert.note):
        yield "note: is missing; an Error explains itself in it"
    if alert.msg_type in _REFERRING and not alert.references:
        yield f"references: are missing; {alert.msg_type} names the messages it is about"
    for place, reference in enumerate(alert.references):
        yield from _of_reference(f"references[{place}]", reference)
    for name, words in (("addresses", alert.addresses), ("incidents", alert.incidents), ("code", alert.codes)):
        yield from _of_words(name, words)
    for place, info in enumerate(alert.infos):
        yield from _of_info(f"info[{place}]", info)


def _of_scope(alert: Alert) -> Iterator[str]:
    if alert.scope is Scope.RESTRICTED and not _says(alert.restriction):
        yield "restriction: is missing; the scope Restricted needs one"
    if alert.scope is not Scope.RESTRICTED and alert.restriction is not None:
        yield f"restriction: stands beside the scope {alert.scope}; allowed with Restricted alone"
    if alert.scope is Scope.PRIVATE and not alert.addresses:
        yield "addresses: are missing; the scope Private needs them"


def _of_reference(where: str, reference: Reference) -> Iterator[str]:
    yield from _of_name(f"{where}.sender", reference.sender)
    yield from _of_name(f"{where}.identifier", reference.identifier)
    yield from _of_time(f"{where}.sent", reference.sent)


def _of_words(where: str, words: Sequence[str]) -> Iterator[str]:
    for place, word in enumerate(words):
        if not _says(word):
            yield f"{where}[{place}]: is empty; allowed: a word"
        elif '"' in word:
            yield f"{where}[{place}]: {_show(word)} holds a double quote; allowed: anything else"


# --- info (3.2.2) ---------------------------------------------------------------------------------------------------


def _of_info(where: str, info: Info) -> Iterator[str]:
    if not _LANGUAGE.fullmatch(info.language):
        yield f"{where}.language: {_show(info.language)} is no language tag; allowed: RFC 3066, as fr-FR"
    if not info.categories:
        yield f"{where}.category: is missing; at least one is needed"
    if not _says(info.event):
        yield f"{where}.event: is empty; a word for what happens is needed"
    for name, time in (("effective", info.effective), ("onset", info.onset), ("expires", info.expires)):
        if time is not None:
            yield from _of_time(f"{where}.{name}", time)
    if info.web is not None and not _is_absolute(info.web):
        yield f"{where}.web: {_show(info.web)} is no absolute URI; allowed: as https://host/path"
    yield from _of_pairs(f"{where}.eventCode", info.event_codes)
    yield from _of_pairs(f"{where}.parameter", info.parameters)
    for place, resource in enumerate(info.resources):
        yield from _of_resource(f"{where}.resource[{place}]", resource)
    for place, area in enumerate(info.areas):
        yield from _of_area(f"{where}.area[{place}]", area)


def _of_pairs(where: str, pairs: Iterable[Named]) -> Iterator[str]:
    for place, pair in enumerate(pairs):
        if not _says(pair.name):
            yield f"{where}[{place}].valueName: is empty; a name is needed"
        if not _says(pair.value):
            yield f"{where}[{place}].value: is empty; a value is needed"


# --- resource (3.2.3) -----------------------------------------------------------------------------------------------


def _of_resource(where: str, resource: Resource) -> Iterator[str]:
    if not _says(resource.description):
        yield f"{where}.resourceDesc: is empty; words for the file are needed"
    if not _MIME_TYPE.fullmatch(resource.mime_type):
        yield f"{where}.mimeType: {_show(resource.mime_type)} is none; allowed: as image/png"
    if resource.size is not None and resource.size < 0:
        yield f"{where}.size: is {resource.size}; allowed: bytes, 0 or more"
    if resource.digest is not None and not _SHA1.fullmatch(resource.digest):
        yield f"{where}.digest: {_show(resource.digest)} is no SHA-1; allowed: 40 hexadecimal digits"


# --- area (3.2.4) ---------------------------------------------------------------------------------------------------


def _of_area(where: str, area: Area) -> Iterator[str]:
    if not _says(area.description):
        yield f"{where}.areaDesc: is empty; words for the area are needed"
    for place, ring in enumerate(area.polygons):
        yield from _of_ring(f"{where}.polygon[{place}]", ring)
    for place, circle in enumerate(area.circles):
        yield from _of_circle(f"{where}.circle[{place}]", circle)
    yield from _of_pairs(f"{where}.geocode", area.geocodes)
    yield from _of_heights(where, area)


def _of_ring(where: str, ring: Sequence[Point]) -> Iterator[str]:
    if len(ring) < 4:
        yield f"{where}: has {len(ring)} points; allowed: 4 and more"
    if ring and ring[0] != ring[-1]:
        yield f"{where}: is open; the last point has to be the first"
    wrong = [point for point in ring if not _is_on_earth(point)]
    if wrong:
        yield f"{where}: {wrong[0][0]},{wrong[0][1]} is not on earth; allowed: -90 to 90, -180 to 180"


def _of_circle(where: str, circle: Circle) -> Iterator[str]:
    if not _is_on_earth(circle.centre):
        latitude, longitude = circle.centre
        yield f"{where}: {latitude},{longitude} is not on earth; allowed: -90 to 90, -180 to 180"
    if not (math.isfinite(circle.radius) and circle.radius >= 0):
        yield f"{where}: has the radius {circle.radius}; allowed: kilometres, 0 or more"


def _of_heights(where: str, area: Area) -> Iterator[str]:
    for name, height in (("altitude", area.altitude), ("ceiling", area.ceiling)):
        if height is not None and not math.isfinite(height):
            yield f"{where}.{name}: is {height}; allowed: feet above sea level"
    if area.ceiling is None:
        return
    if area.altitude is None:
        yield f"{where}.ceiling: stands alone; allowed beside altitude"
    elif area.ceiling < area.altitude:
        yield f"{where}.ceiling: {area.ceiling} is below the altitude {area.altitude}; allowed: above it"


# --- what many elements share ---------------------------------------------------------------------------------------


def _of_name(where: str, name: str) -> Iterator[str]:
    if not name:
        yield f"{where}: is empty; a name without blanks, commas, < and & is needed"
    elif found := _FORBIDDEN_IN_NAMES.search(name):
        yield f"{where}: {_show(name)} holds {found.group()!r}; allowed: no blanks, commas, < and &"


def _of_time(where: str, time: datetime) -> Iterator[str]:
    offset = time.utcoffset()
    if offset is None:
        yield f"{where}: {time.isoformat()} has no zone; allowed: as 2026-11-25T12:00:00+01:00"
    elif offset.total_seconds() % 60:
        yield f"{where}: {time.isoformat()} has an offset with seconds; allowed: hours and minutes"
    if time.microsecond:
        yield f"{where}: {time.isoformat()} has fractions of a second; allowed: whole seconds"


def _is_on_earth(point: Point) -> bool:
    latitude, longitude = point
    return -90 <= latitude <= 90 and -180 <= longitude <= 180


def _is_absolute(uri: str) -> bool:
    try:
        parts = urlsplit(uri)
    except ValueError:
        return False
    return bool(parts.scheme and (parts.netloc or parts.path)) and not re.search(r"\s", uri)


def _says(text: str | None) -> bool:
    return bool(text and text.strip())


def _show(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:59] + "…")
