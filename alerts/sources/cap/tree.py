"""A CAP message's elements as plain names and texts: the one shape that XML and JSON are brought to before reading."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lxml import etree

from alerts.sources.safe_xml import FORBIDDEN, Element

Fields = dict[str, list[Any]]
"""An element's content by name, in order: a text, or again Fields for what has children. Nothing in it is empty."""

_STRUCTURES = frozenset({"info", "eventCode", "parameter", "resource", "area", "geocode"})
_PROSE = frozenset({"description", "instruction"})
_DEPTH = 4
"""alert, info, area, geocode: CAP nests no deeper."""


def local_name(element: Element) -> str:
    """The element's name without its namespace."""
    return element.tag.rpartition("}")[2]


def fields_of(element: Element, depth: int = _DEPTH) -> Fields:
    """The children of a CAP element, whatever their order, prefix and namespace; signatures and empty ones left out."""
    fields: Fields = {}
    for child in element:
        tag = child.tag
        name = tag.rpartition("}")[2]
        if name in _STRUCTURES:
            value: Any = _structure_of(child, depth)
        elif name == "Signature":
            continue
        else:
            value = _text_of(child, name)
        if value:
            fields.setdefault(name, []).append(value)
    return fields


def _structure_of(element: Element, depth: int) -> Fields:
    if len(element):
        return fields_of(element, depth - 1) if depth > 1 else {}
    # CAP 1.0 wrote a pair as "name=value"
    name, _, value = (element.text or "").strip().partition("=")
    return {"valueName": [name], "value": [value]} if name and value else {}


def _text_of(element: Element, name: str) -> str:
    text = element.text or ""
    if len(element):
        text = etree.tostring(element, method="text", encoding="unicode", with_tail=False)
    stripped = text.strip()
    return text if stripped and name in _PROSE else stripped


def _plain(value: str | float) -> str:
    # JSON can spell lone surrogates and control characters, which neither XML nor a database takes
    return FORBIDDEN.sub("", str(value)).strip()


def fields_of_json(document: Mapping[str, Any], depth: int = _DEPTH) -> Fields:
    """The same of a JSON object with CAP's names, whose values are texts, objects or lists of these."""
    fields: Fields = {}
    for name, value in document.items():
        items = value if isinstance(value, list) else [value]
        if name not in _STRUCTURES:
            values: list[Any] = [_plain(item) for item in items if isinstance(item, str | int | float)]
        elif depth > 1:
            values = [fields_of_json(item, depth - 1) for item in items if isinstance(item, Mapping)]
        else:
            values = []
        if kept := [item for item in values if item]:
            fields[name] = kept
    return fields
