"""One entry of an index: where its message is, or what the entry itself tells of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import lru_cache
from typing import Any

from lxml import etree

from alerts.model.reason import Reason
from alerts.sources.cap.fields import read_time
from alerts.sources.cap.tree import local_name
from alerts.sources.safe_xml import Element

_CAP_ENTRY_NAMES = frozenset({"event", "status", "msgType", "severity", "urgency", "certainty", "expires", "effective"})
_HEAD = ("identifier", "sender", "sent", "status", "msgType", "scope", "references", "note")
_LOOKED_AT = tuple(
    f"{{*}}{name}" for name in ("link", "id", "guid", "updated", "pubDate", "date", "expires", "content", "encoded")
)
_AREA = ("areaDesc", "polygon", "circle", "geocode", "altitude", "ceiling")


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """One message that an index tells of.

    `key` is the same for as long as the entry is the same version. The message is at `url`, or here as `message` (CAP
    XML) or `document` (CAP as JSON); with none of them `problem` says what is wrong. `expires` is what the index says.
    """

    key: str
    url: str | None = None
    message: bytes | None = None
    document: Mapping[str, Any] | None = None
    expires: datetime | None = None
    problem: Reason | None = None


class EntryParts:
    """The children of an entry by local name: the first of each, and the links.

    Only what an index is read for is looked at at once: the rest of an entry is most of a long index.
    """

    __slots__ = ("_entry", "_first", "links")

    def __init__(self, entry: Element) -> None:
        self._entry = entry
        self._first: dict[str, Element] = {}
        self.links: list[Element] = []
        for child in entry.iterchildren(*_LOOKED_AT):
            name = _local_name(child.tag)
            if name == "link":
                self.links.append(child)
            self._first.setdefault(name, child)

    def text(self, *names: str) -> str | None:
        """The text of the first of `names` that has one."""
        for name in names:
            element = self._find(name)
            if element is not None and element.text and (text := element.text.strip()):
                return text
        return None

    def _find(self, name: str) -> Element | None:
        return self._first.get(name) if f"{{*}}{name}" in _LOOKED_AT else self._entry.find(f"{{*}}{name}")

    def cap(self) -> list[Element]:
        """The children that are CAP's own."""
        return [child for child in self._entry if "cap" in child.tag.rpartition("}")[0]]

    def author(self) -> str | None:
        """The address, else the name, of who wrote the entry."""
        author = self._entry.find("{*}author")
        if author is None:
            return None
        return author.findtext("{*}email") or author.findtext("{*}name") or self.text("author")

    def expires(self, zone: tzinfo) -> datetime | None:
        """When the entry says that its message ends; odd ways to write it are only told once the message is read."""
        text = self.text("expires")
        return read_time(text, zone, ignore) if text else None

    def tells_an_alert(self) -> bool:
        """Whether the entry's own `cap:` fields are an alert, if a short one."""
        return any(local_name(element) in _CAP_ENTRY_NAMES for element in self.cap())

    def message(self) -> bytes | None:
        """The CAP message inside `content`: as elements, or as escaped text."""
        content = self._first.get("content", self._first.get("encoded"))
        if content is None:
            return None
        inside = next(content.iter("{*}alert"), None)
        if inside is not None:
            return etree.tostring(inside, encoding="utf-8", with_tail=False)
        text = (content.text or "").strip()
        return text.encode() if text.startswith("<") and "alert" in text[:400] else None


def document_of(parts: EntryParts) -> dict[str, Any]:
    """An alert of nothing but an entry's `cap:` fields and Atom's own."""
    fields: dict[str, list[Any]] = {}
    for element in parts.cap():
        fields.setdefault(local_name(element), []).append(_plain(element))
    head: dict[str, Any] = {name: fields.pop(name) for name in _HEAD if name in fields}
    area = {name: fields.pop(name) for name in _AREA if name in fields}
    words = {"headline": parts.text("title"), "description": parts.text("summary", "description")}
    return {
        "identifier": parts.text("id", "guid"),
        "sender": parts.author() or "index",
        "sent": parts.text("updated", "published", "pubDate"),
        **head,
        "info": [{**words, **fields, "area": [area] if area else []}],
    }


@lru_cache(maxsize=256)
def _local_name(tag: str) -> str:
    return tag.rpartition("}")[2]


def _plain(element: Element) -> object:
    if len(element):
        return {local_name(child): (child.text or "").strip() for child in element}
    return (element.text or "").strip()


def ignore(_: Reason) -> None:
    """An index's times are hints; what is odd in them is told when the message itself is read."""
