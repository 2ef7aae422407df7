"""An Alert as CAP 1.2 XML: valid against the schema of OASIS, and read back the same."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from xml.sax.saxutils import escape

from alerts.model.alert import Alert, Area, Category, Circle, Info, Named, Point, Resource

NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"
LARGEST_MESSAGE = 8 * 1_048_576
"""Bytes of one message, wherever it comes from (as `alerts.sources.fetch.MAX_BYTES`)."""

_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# a parser makes a newline of a bare carriage return (XML 1.0 section 2.11)
_ESCAPES = {"\r": "&#13;"}
_LARGEST_OFFSET = timedelta(hours=14)


def write(alert: Alert) -> bytes:
    """The message in UTF-8, with its XML declaration.

    Valid against CAP-v1.2.xsd when `cap_rules.violations` has nothing to say. Characters that XML 1.0 has no place for
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


def _pairs(name: str, pairs: Iterable[Named]) -> Iterator[str]:
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
