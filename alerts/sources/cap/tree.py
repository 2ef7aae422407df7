"""A CAP message's elements as plain names and texts: the one shape that XML and JSON are brought to before reading."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from lxml import etree

from alerts.model.characters import bounded
from alerts.model.reason import Reason, because
from alerts.sources.safe_xml import FORBIDDEN, Element

Fields = dict[str, list[Any]]
"""An element's content by name, in order: a text, or again Fields for what has children. Nothing in it is empty."""

_STRUCTURES = frozenset({"info", "eventCode", "parameter", "resource", "area", "geocode"})
_PROSE = frozenset({"description", "instruction"})
# alert, info, area, geocode: CAP nests no deeper.
_DEPTH = 4

_LONGEST = 1000
# Characters of a field that are read; of any other _LONGEST. Samples of fifteen services have a tenth of it.
_LONGER: dict[str, int] = {
    "description": 20_000, "instruction": 20_000, "note": 20_000, "areaDesc": 5000, "web": 2000, "uri": 2000,
    "derefUri": 2000, "references": 50_000, "addresses": 20_000, "incidents": 20_000, "value": 20_000,
}  # fmt: skip
# What tells messages apart: a longer one becomes its digest, for two that begin alike are not one.
_NAMES = frozenset({"identifier", "sender"})
# Read within bounds of their own (`alerts.sources.cap.fields.read_ring`).
_OUTLINES = frozenset({"polygon"})
_MOST_CHARACTERS, _MOST_FIELDS = 300_000, 20_000
"""Of all fields of a message together: a warning in thirty languages has a tenth of it."""


class Bounds:
    """What is taken in of one message: each text within its own length, and all of them within a length and a number.

    A text is cut before anything else looks at it. `notes` tells what was cut or left out.
    """

    def __init__(self) -> None:
        self._characters, self._fields = _MOST_CHARACTERS, _MOST_FIELDS
        self.notes: dict[Reason, None] = {}

    def take(self, name: str, text: str) -> str:
        """As much of a field's text as is read."""
        if name in _OUTLINES:
            return text
        most = _LONGER.get(name, _LONGEST)
        if len(text) > most:
            self.notes[because("field_too_long", name=name, most=most)] = None
            if name in _NAMES:
                text = f"{text[:100]} {hashlib.sha256(text.encode(errors='replace')).hexdigest()}"
        kept = bounded(text, min(most, self._characters))
        self._characters -= len(kept)
        return kept

    def room(self) -> bool:
        """Whether one more field is read."""
        self._fields -= 1
        if self._fields >= 0 and self._characters > 0:
            return True
        self.notes[because("message_too_long")] = None
        return False


def local_name(element: Element) -> str:
    """The element's name without its namespace."""
    return element.tag.rpartition("}")[2]


def fields_of(element: Element, bounds: Bounds, depth: int = _DEPTH) -> Fields:
    """The children of a CAP element, whatever their order, prefix and namespace; signatures and empty ones left out."""
    fields: Fields = {}
    for child in element:
        if not bounds.room():
            break
        tag = child.tag
        name = tag.rpartition("}")[2]
        if name in _STRUCTURES:
            value: Any = _structure_of(child, bounds, depth)
        elif name == "Signature":
            continue
        else:
            value = _text_of(child, name, bounds)
        if value:
            fields.setdefault(name, []).append(value)
    return fields


def _structure_of(element: Element, bounds: Bounds, depth: int) -> Fields:
    if len(element):
        return fields_of(element, bounds, depth - 1) if depth > 1 else {}
    # CAP 1.0 wrote a pair as "name=value"
    name, _, value = bounds.take("value", element.text or "").strip().partition("=")
    return {"valueName": [name], "value": [value]} if name and value else {}


def _text_of(element: Element, name: str, bounds: Bounds) -> str:
    text = element.text or ""
    if len(element):
        text = etree.tostring(element, method="text", encoding="unicode", with_tail=False)
    text = bounds.take(name, text if name in _PROSE else text.strip())
    stripped = text.strip()
    return text if stripped and name in _PROSE else stripped


def _plain(name: str, value: str | float, bounds: Bounds) -> str:
    # JSON can spell lone surrogates and control characters, which neither XML nor a database takes
    return FORBIDDEN.sub("", bounds.take(name, str(value).strip())).strip()


def fields_of_json(document: Mapping[str, Any], bounds: Bounds, depth: int = _DEPTH) -> Fields:
    """The same of a JSON object with CAP's names, whose values are texts, objects or lists of these."""
    fields: Fields = {}
    for name, value in document.items():
        if not bounds.room():
            break
        items = value if isinstance(value, list) else [value]
        if name not in _STRUCTURES:
            values: list[Any] = [_plain(name, item, bounds) for item in items if _is_text(item) and bounds.room()]
        elif depth > 1:
            values = [fields_of_json(item, bounds, depth - 1) for item in items if isinstance(item, Mapping)]
        else:
            values = []
        if kept := [item for item in values if item]:
            fields[name] = kept
    return fields


def _is_text(value: object) -> bool:
    return isinstance(value, str | int | float)
