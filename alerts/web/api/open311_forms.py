"""The answers of Open311 GeoReport v2 in their two forms, and the moments and keys of its requests.

What is told is one value of mappings and lists. JSON tells it as it stands. XML has an element for each key, and in a
list one for each entry, whose name belongs to the list's (the standard's "Spark convention"); what is null is empty.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, tzinfo
from typing import Any
from urllib.parse import parse_qsl

from lxml import etree

from alerts.model.reason import because
from alerts.web.api.problems import Problem, ProblemType

TYPES: Mapping[str, str] = {"json": "application/json", "xml": "text/xml"}
"""The media type of each form, by the end of an address."""
_ENTRY = {
    "services": "service",
    "attributes": "attribute",
    "values": "value",
    "service_requests": "request",
    "errors": "error",
    "endpoints": "endpoint",
    "formats": "format",
}
_NOT_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[ +-]\d\d:\d\d)")
_NUMBER = re.compile(r"[+-]?\d{1,3}(\.\d{1,20})?", re.ASCII)
_MOST_FIELDS = 100


def written(name: str, told: Any, form: str) -> bytes:
    """What is told, under its name, in that form."""
    if form == "json":
        return json.dumps(told, ensure_ascii=False).encode()
    return bytes(etree.tostring(_element(name, told), xml_declaration=True, encoding="UTF-8"))


def _element(name: str, told: Any) -> Any:
    element = etree.Element(name)
    if isinstance(told, Mapping):
        element.extend(_element(key, value) for key, value in told.items())
    elif isinstance(told, list):
        element.extend(_element(_ENTRY[name], each) for each in told)
    elif isinstance(told, bool):
        element.text = "true" if told else "false"
    elif told is not None:
        element.text = _NOT_XML.sub("", str(told))
    return element


def fields_of(body: bytes) -> Mapping[str, str]:
    """The fields of a form; what is empty is as if it weren't there, as the standard has it. Raises Problem.

    Attributes may be given more than once, and this town asks for none: they are left out.
    """
    try:
        told = parse_qsl(
            body.decode("utf-8"), keep_blank_values=True, encoding="utf-8", errors="strict", max_num_fields=_MOST_FIELDS
        )
    except UnicodeError:
        raise Problem(ProblemType.MALFORMED, because("open311_not_utf8")) from None
    except ValueError:
        raise Problem(ProblemType.MALFORMED, because("open311_many_fields", most=_MOST_FIELDS)) from None
    found: dict[str, str] = {}
    for name, value in told:
        if name.startswith("attribute[") or not value.strip():
            continue
        if name in found:
            raise Problem(ProblemType.MALFORMED, because("open311_twice", name=name[:40]))
        found[name] = value
    return found


def moment_of(name: str, told: str) -> datetime:
    """A W3C datetime; a `+` that an address turned into a blank is one. Raises Problem."""
    wrong = Problem(ProblemType.MALFORMED, because("open311_moment", name=name))
    if not _MOMENT.fullmatch(told):
        raise wrong
    try:
        # In UTC, which the year 1 and the year 9999 have no room for at their edges.
        return datetime.fromisoformat(told.replace(" ", "+")).astimezone(UTC)
    except (ValueError, OverflowError):
        raise wrong from None


def number_of(told: str) -> float:
    """Degrees. Raises Problem."""
    if not _NUMBER.fullmatch(told.strip()):
        raise Problem(ProblemType.MALFORMED, because("position_unread", text=repr(told[:40])))
    return float(told)


def day_told(day: date, zone: tzinfo) -> str:
    """A day as a W3C datetime: its beginning, for the hour is nobody's business."""
    return beginning(day, zone).isoformat(timespec="seconds")


def beginning(day: date, zone: tzinfo) -> datetime:
    """When a day begins there."""
    return datetime.combine(day, time(), zone)
