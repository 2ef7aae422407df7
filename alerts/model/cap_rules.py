"""What OASIS CAP 1.2 asks of a message (section 3.2, the data dictionary), checked on an Alert."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from urllib.parse import urlsplit

from alerts.model.alert import Alert, Area, Circle, Info, MsgType, Named, Point, Reference, Resource, Scope
from alerts.model.reason import Reason, because

# CAP 3.2.1: no spaces, commas or restricted characters (< and &), for `references` are written as triples with commas.
_FORBIDDEN_IN_NAMES = re.compile(r"[\s,<&]")
_LANGUAGE = re.compile(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*")
_MIME_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+(\s*;.*)?", re.ASCII)
# CAP 3.2.3 knows no other digest than SHA-1.
_SHA1 = re.compile(r"[0-9a-fA-F]{40}")
_REFERRING = (MsgType.UPDATE, MsgType.CANCEL, MsgType.ACK, MsgType.ERROR)


def violations(alert: Alert) -> tuple[Reason, ...]:
    """Every rule of CAP 1.2 section 3.2 that `alert` breaks, a reason each: where, what is wrong, what is allowed.

    Empty for a message that any CAP receiver has to take. What the types of Alert rule out already isn't looked at.
    """
    return tuple(_of_alert(alert))


# --- alert (3.2.1) --------------------------------------------------------------------------------------------------


def _of_alert(alert: Alert) -> Iterator[Reason]:
    yield from _of_name("identifier", alert.identifier)
    yield from _of_name("sender", alert.sender)
    yield from _of_time("sent", alert.sent)
    yield from _of_scope(alert)
    if alert.msg_type is MsgType.ERROR and not _says(alert.note):
        yield because("rule_error_note")
    if alert.msg_type in _REFERRING and not alert.references:
        yield because("rule_references", type=alert.msg_type)
    for place, reference in enumerate(alert.references):
        yield from _of_reference(f"references[{place}]", reference)
    for name, words in (("addresses", alert.addresses), ("incidents", alert.incidents), ("code", alert.codes)):
        yield from _of_words(name, words)
    for place, info in enumerate(alert.infos):
        yield from _of_info(f"info[{place}]", info)


def _of_scope(alert: Alert) -> Iterator[Reason]:
    if alert.scope is Scope.RESTRICTED and not _says(alert.restriction):
        yield because("rule_restriction_missing")
    if alert.scope is not Scope.RESTRICTED and alert.restriction is not None:
        yield because("rule_restriction_beside", scope=alert.scope)
    if alert.scope is Scope.PRIVATE and not alert.addresses:
        yield because("rule_addresses")


def _of_reference(where: str, reference: Reference) -> Iterator[Reason]:
    yield from _of_name(f"{where}.sender", reference.sender)
    yield from _of_name(f"{where}.identifier", reference.identifier)
    yield from _of_time(f"{where}.sent", reference.sent)


def _of_words(where: str, words: Sequence[str]) -> Iterator[Reason]:
    for place, word in enumerate(words):
        if not _says(word):
            yield because("rule_empty", where=f"{where}[{place}]", needed="allowed: a word")
        elif '"' in word:
            yield because("rule_double_quote", where=f"{where}[{place}]", text=_show(word))


# --- info (3.2.2) ---------------------------------------------------------------------------------------------------


def _of_info(where: str, info: Info) -> Iterator[Reason]:
    if not _LANGUAGE.fullmatch(info.language):
        yield because("rule_language", where=f"{where}.language", text=_show(info.language))
    if not info.categories:
        yield because("rule_category", where=f"{where}.category")
    if not _says(info.event):
        yield because("rule_empty", where=f"{where}.event", needed="a word for what happens is needed")
    for name, time in (("effective", info.effective), ("onset", info.onset), ("expires", info.expires)):
        if time is not None:
            yield from _of_time(f"{where}.{name}", time)
    if info.web is not None and not _is_absolute(info.web):
        yield because("rule_uri", where=f"{where}.web", text=_show(info.web))
    yield from _of_pairs(f"{where}.eventCode", info.event_codes)
    yield from _of_pairs(f"{where}.parameter", info.parameters)
    for place, resource in enumerate(info.resources):
        yield from _of_resource(f"{where}.resource[{place}]", resource)
    for place, area in enumerate(info.areas):
        yield from _of_area(f"{where}.area[{place}]", area)


def _of_pairs(where: str, pairs: Iterable[Named]) -> Iterator[Reason]:
    for place, pair in enumerate(pairs):
        if not _says(pair.name):
            yield because("rule_empty", where=f"{where}[{place}].valueName", needed="a name is needed")
        if not _says(pair.value):
            yield because("rule_empty", where=f"{where}[{place}].value", needed="a value is needed")


# --- resource (3.2.3) -----------------------------------------------------------------------------------------------


def _of_resource(where: str, resource: Resource) -> Iterator[Reason]:
    if not _says(resource.description):
        yield because("rule_empty", where=f"{where}.resourceDesc", needed="words for the file are needed")
    if not _MIME_TYPE.fullmatch(resource.mime_type):
        yield because("rule_mime_type", where=f"{where}.mimeType", text=_show(resource.mime_type))
    if resource.size is not None and resource.size < 0:
        yield because("rule_size", where=f"{where}.size", number=resource.size)
    if resource.digest is not None and not _SHA1.fullmatch(resource.digest):
        yield because("rule_digest", where=f"{where}.digest", text=_show(resource.digest))


# --- area (3.2.4) ---------------------------------------------------------------------------------------------------


def _of_area(where: str, area: Area) -> Iterator[Reason]:
    if not _says(area.description):
        yield because("rule_empty", where=f"{where}.areaDesc", needed="words for the area are needed")
    for place, ring in enumerate(area.polygons):
        yield from _of_ring(f"{where}.polygon[{place}]", ring)
    for place, circle in enumerate(area.circles):
        yield from _of_circle(f"{where}.circle[{place}]", circle)
    yield from _of_pairs(f"{where}.geocode", area.geocodes)
    yield from _of_heights(where, area)


def _of_ring(where: str, ring: Sequence[Point]) -> Iterator[Reason]:
    if len(ring) < 4:
        yield because("rule_few_points", where=where, count=len(ring))
    if ring and ring[0] != ring[-1]:
        yield because("rule_open_ring", where=where)
    wrong = [point for point in ring if not _is_on_earth(point)]
    if wrong:
        yield because("rule_off_earth", where=where, point=f"{wrong[0][0]},{wrong[0][1]}")


def _of_circle(where: str, circle: Circle) -> Iterator[Reason]:
    if not _is_on_earth(circle.centre):
        latitude, longitude = circle.centre
        yield because("rule_off_earth", where=where, point=f"{latitude},{longitude}")
    if not (math.isfinite(circle.radius) and circle.radius >= 0):
        yield because("rule_radius", where=where, number=circle.radius)


def _of_heights(where: str, area: Area) -> Iterator[Reason]:
    for name, height in (("altitude", area.altitude), ("ceiling", area.ceiling)):
        if height is not None and not math.isfinite(height):
            yield because("rule_height", where=f"{where}.{name}", number=height)
    if area.ceiling is None:
        return
    if area.altitude is None:
        yield because("rule_ceiling_alone", where=f"{where}.ceiling")
    elif area.ceiling < area.altitude:
        yield because("rule_ceiling_below", where=f"{where}.ceiling", ceiling=area.ceiling, altitude=area.altitude)


# --- what many elements share ---------------------------------------------------------------------------------------


def _of_name(where: str, name: str) -> Iterator[Reason]:
    if not name:
        yield because("rule_empty", where=where, needed="a name without blanks, commas, < and & is needed")
    elif found := _FORBIDDEN_IN_NAMES.search(name):
        yield because("rule_sign_in_name", where=where, text=_show(name), sign=repr(found.group()))


def _of_time(where: str, time: datetime) -> Iterator[Reason]:
    offset = time.utcoffset()
    if offset is None:
        yield because("rule_time_without_zone", where=where, time=time.isoformat())
    elif offset.total_seconds() % 60:
        yield because("rule_time_offset", where=where, time=time.isoformat())
    # CAP's form of a time has whole seconds, and an offset in hours and minutes (3.2.1, `sent`).
    if time.microsecond:
        yield because("rule_time_fraction", where=where, time=time.isoformat())


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
