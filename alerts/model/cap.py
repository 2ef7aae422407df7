"""The rules of CAP 1.2 (OASIS, July 2010), and the message as XML.

`violations` follows section 3.2, the data dictionary (alert, info, resource, area), and gives a reason for each broken
rule; it skips the rules that the types of Alert enforce. The XML of `write` is accepted by any CAP receiver if there
are no violations: it is valid against the schema of OASIS and reads back the same.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

from alerts.model.alert import (
    Alert,
    Area,
    Category,
    Circle,
    Info,
    MsgType,
    NamedValue,
    Point,
    Reference,
    Resource,
    Scope,
)
from alerts.model.reason import Reason, because

# CAP 3.2.1: no spaces, commas or restricted characters (< and &), for `references` are written as triples with commas.
_FORBIDDEN_IN_NAMES = re.compile(r"[\s,<&]")
# xs:language, which CAP's schema uses.
_LANGUAGE = re.compile(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*")
_MIME_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+(\s*;.*)?", re.ASCII)
# CAP 3.2.3 knows no other digest than SHA-1.
_SHA1 = re.compile(r"[0-9a-fA-F]{40}")
# CAP 3.2.1 describes each of these by the messages that `references` names.
_REFERRING = (MsgType.UPDATE, MsgType.CANCEL, MsgType.ACK, MsgType.ERROR)


def violations(alert: Alert) -> tuple[Reason, ...]:
    """Return a reason for each rule of CAP 1.2 section 3.2 that `alert` breaks: place, error, allowed values.

    Empty for a message that any CAP receiver must accept. Rules that the types of Alert enforce are skipped.
    """
    return tuple(_of_alert(alert))


# --- alert (3.2.1) --------------------------------------------------------------------------------------------------


def _of_alert(alert: Alert) -> Iterator[Reason]:
    yield from _of_name("identifier", alert.identifier)
    yield from _of_name("sender", alert.sender)
    yield from _of_time("sent", alert.sent)
    yield from _of_scope(alert)
    # CAP 3.2.1: why a message was rejected belongs in `note`.
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
    # CAP 3.2.1: `restriction` goes with Restricted, and what is Private needs its `addresses`.
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
        # A word with blanks stands in double quotes (3.2.1, `addresses`), and CAP has no way to write one within.
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


def _of_pairs(where: str, pairs: Iterable[NamedValue]) -> Iterator[Reason]:
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
    # CAP 3.2.4: four pairs at least, of which the last is the first again.
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
    # CAP 3.2.4: `ceiling` stands beside an `altitude` only.
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


NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"
LARGEST_MESSAGE = 8 * 1_048_576
"""Bytes of one message, wherever it comes from (as `alerts.sources.fetch.MAX_BYTES`)."""

# Characters that XML 1.0 can't represent, not even as references.
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# a parser makes a newline of a bare carriage return (XML 1.0 section 2.11)
_ESCAPES = {"\r": "&#13;"}
# The largest offset in the schema's type of times.
_LARGEST_OFFSET = timedelta(hours=14)


def write(alert: Alert) -> bytes:
    """The message in UTF-8, with its XML declaration.

    Valid against CAP-v1.2.xsd when `violations` has nothing to say. Characters that XML 1.0 has no place for
    are removed. Times are written to the second with their offset in numbers, UTC as -00:00 (CAP 1.2 section 3.3.2),
    and never with a Z. Raises ValueError for a time without a zone.
    """
    lines = "\n".join(line for line in _alert(alert) if line)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<alert xmlns="{NAMESPACE}">\n{lines}\n</alert>\n'.encode()


def _alert(alert: Alert) -> Iterator[str]:
    yield _required("identifier", alert.identifier)
    yield _required("sender", alert.sender)
    yield _time("sent", alert.sent)
    yield _required("status", alert.status)
    yield _required("msgType", alert.msg_type)
    yield _optional("source", alert.source)
    yield _required("scope", alert.scope)
    yield _optional("restriction", alert.restriction)
    yield _optional("addresses", _words(alert.addresses))
    yield from (_required("code", code) for code in alert.codes)
    yield _optional("note", alert.note)
    triples = (f"{one.sender},{one.identifier},{_spell_time(one.sent)}" for one in alert.references)
    yield _optional("references", " ".join(triples))
    yield _optional("incidents", _words(alert.incidents))
    for info in alert.infos:
        yield from _block("info", _info(info))


def _info(info: Info) -> Iterator[str]:
    yield _required("language", info.language)
    # The schema takes no info without a category.
    yield from (_required("category", category) for category in info.categories or (Category.OTHER,))
    yield _required("event", info.event)
    yield from (_required("responseType", kind) for kind in info.response_types)
    yield _required("urgency", info.urgency)
    yield _required("severity", info.severity)
    yield _required("certainty", info.certainty)
    yield _optional("audience", info.audience)
    yield from _pairs("eventCode", info.event_codes)
    yield _time("effective", info.effective)
    yield _time("onset", info.onset)
    yield _time("expires", info.expires)
    yield _optional("senderName", info.sender_name)
    yield _optional("headline", info.headline)
    yield _optional("description", info.description)
    yield _optional("instruction", info.instruction)
    yield _optional("web", info.web)
    yield _optional("contact", info.contact)
    yield from _pairs("parameter", info.parameters)
    for resource in info.resources:
        yield from _block("resource", _resource(resource))
    for area in info.areas:
        yield from _block("area", _area(area))


def _resource(resource: Resource) -> Iterator[str]:
    yield _required("resourceDesc", resource.description)
    yield _required("mimeType", resource.mime_type)
    yield _optional("size", None if resource.size is None else str(resource.size))
    yield _optional("uri", resource.uri)
    yield _optional("derefUri", resource.deref_uri)
    yield _optional("digest", resource.digest)


def _area(area: Area) -> Iterator[str]:
    yield _required("areaDesc", area.description)
    yield from (_required("polygon", " ".join(map(_spell_point, ring))) for ring in area.polygons)
    yield from (_required("circle", _spell_circle(circle)) for circle in area.circles)
    yield from _pairs("geocode", area.geocodes)
    yield _optional("altitude", None if area.altitude is None else _spell_number(area.altitude))
    yield _optional("ceiling", None if area.ceiling is None else _spell_number(area.ceiling))


# --- elements -------------------------------------------------------------------------------------------------------


def _required(name: str, text: str) -> str:
    return f"<{name}>{_escape(text)}</{name}>"


def _optional(name: str, text: str | None) -> str:
    return _required(name, text) if text else ""


def _time(name: str, time: datetime | None) -> str:
    return _required(name, _spell_time(time)) if time else ""


def _block(name: str, content: Iterable[str]) -> Iterator[str]:
    yield f"<{name}>"
    yield from content
    yield f"</{name}>"


def _pairs(name: str, pairs: Iterable[NamedValue]) -> Iterator[str]:
    for pair in pairs:
        yield from _block(name, (_required("valueName", pair.name), _required("value", pair.value)))


def _escape(text: str) -> str:
    return escape(_FORBIDDEN.sub("", text), _ESCAPES)


# --- values ---------------------------------------------------------------------------------------------------------


def _spell_time(time: datetime) -> str:
    offset = time.utcoffset()
    if offset is None:
        raise ValueError(f"{time.isoformat()} has no zone: a CAP time needs one")
    if offset % timedelta(minutes=1) or abs(offset) > _LARGEST_OFFSET:
        # xsd:dateTime has no seconds in an offset and none beyond 14 hours
        time, offset = time.astimezone(UTC), timedelta()
    spelt = time.isoformat(timespec="seconds")
    return spelt if offset else f"{spelt[:-6]}-00:00"


def _spell_point(point: Point) -> str:
    return f"{_spell_number(point[0])},{_spell_number(point[1])}"


def _spell_circle(circle: Circle) -> str:
    return f"{_spell_point(circle.centre)} {_spell_number(circle.radius)}"


def _spell_number(number: float) -> str:
    """The shortest decimal that is this number again; xsd:decimal has no exponent."""
    spelt = repr(float(number))
    return format(Decimal(spelt), "f") if "e" in spelt else spelt


def _words(words: Iterable[str]) -> str:
    """Words as a list separated by blanks; one that holds blanks itself in double quotes (CAP 1.2 section 3.2.1)."""
    spelt = (word.replace('"', "'") for word in words)
    return " ".join(f'"{word}"' if re.search(r"\s", word) else word for word in spelt if word)
