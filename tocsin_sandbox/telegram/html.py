"""Telegram's HTML as the Bot API parses it: what is left as text, the entities, and the errors in its own words.

Offsets and lengths of entities count UTF-16 units; the errors' offsets count bytes of UTF-8.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

MAX_ENTITIES = 100
_KINDS = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "tg-spoiler": "spoiler",
    "span": "spoiler",
    "code": "code",
    "pre": "pre",
    "blockquote": "blockquote",
    "a": "text_link",
    "tg-emoji": "custom_emoji",
}
_NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
_REFERENCE = re.compile(r"&(?:#(?P<number>\d{1,7})|#x(?P<hex>[0-9a-fA-F]{1,6})|(?P<name>[a-z]+));?")
_ATTRIBUTE = re.compile(
    r"\s*(?P<name>[^\s=>]*)\s*(?P<equals>=\s*(?:\"(?P<double>[^\"]*)\"|'(?P<single>[^']*)'|(?P<bare>[^\s>]+)))?"
)
_TOKEN = re.compile(r"[<&]")


class Unparsable(Exception):
    """The text can't be parsed; its message is what the Bot API says after `can't parse entities: `."""


@dataclass(frozen=True, slots=True)
class Entity:
    """A stretch of the text, `offset` and `length` in UTF-16 units; `extra` holds url or language."""

    kind: str
    offset: int
    length: int
    extra: Mapping[str, str]

    def as_json(self) -> dict[str, Any]:
        """The entity as the Bot API writes it."""
        return {"offset": self.offset, "length": self.length, "type": self.kind, **self.extra}


@dataclass(frozen=True, slots=True)
class Parsed:
    """What is left of a text, and what is marked in it."""

    text: str
    entities: tuple[Entity, ...] = ()


@dataclass(frozen=True, slots=True)
class _Open:
    tag: str
    start: int
    attributes: Mapping[str, str]


def units(text: str) -> int:
    """How many UTF-16 units a text has: what Telegram's limits count."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def parse_html(source: str) -> Parsed:
    """Take the tags out of a text. Raises Unparsable in Telegram's words."""
    parser = _Parser(source)
    parser.run()
    return trim(Parsed("".join(parser.parts), tuple(_settle(parser.entities))))


def trim(parsed: Parsed) -> Parsed:
    """Without the white space around it, entities moved and cut accordingly."""
    text = parsed.text.strip()
    if text == parsed.text:
        return parsed
    before = units(parsed.text) - units(parsed.text.lstrip())
    end = units(text)
    moved = (_clip(entity, before, end) for entity in parsed.entities)
    return Parsed(text, tuple(entity for entity in moved if entity.length > 0))


def _clip(entity: Entity, before: int, end: int) -> Entity:
    start = max(0, entity.offset - before)
    return replace(entity, offset=start, length=min(end, entity.offset + entity.length - before) - start)


def _settle(entities: list[Entity]) -> Iterator[Entity]:
    """In order, a language that `<pre><code class=…>` gave put on the pre, no more than Telegram keeps."""
    ordered = sorted(
        (entity for entity in entities if entity.length), key=lambda entity: (entity.offset, -entity.length)
    )
    codes = {(e.offset, e.length): e for e in ordered if e.kind == "code"}
    pres = {(e.offset, e.length) for e in ordered if e.kind == "pre"}
    kept = [e for e in ordered if e.kind != "code" or (e.offset, e.length) not in pres]
    for entity in kept[:MAX_ENTITIES]:
        code = codes.get((entity.offset, entity.length)) if entity.kind == "pre" else None
        extra = code.extra if code else entity.extra
        yield replace(entity, extra={} if entity.kind == "code" else extra)


class _Parser:
    def __init__(self, source: str) -> None:
        self.parts: list[str] = []
        self.entities: list[Entity] = []
        self._source = source
        self._open: list[_Open] = []
        self._length = 0

    def run(self) -> None:
        at = 0
        while match := _TOKEN.search(self._source, at):
            self._take(self._source[at : match.start()])
            at = self._tag(match.start()) if match.group() == "<" else self._reference(match.start())
        self._take(self._source[at:])
        if self._open:
            raise Unparsable(f'Can\'t find end tag corresponding to start tag "{self._open[-1].tag}"')

    def _take(self, text: str) -> None:
        self.parts.append(text)
        self._length += units(text)

    def _reference(self, at: int) -> int:
        match = _REFERENCE.match(self._source, at)
        character = _decode(match) if match else None
        self._take(character or "&")
        return match.end() if match and character else at + 1

    def _tag(self, at: int) -> int:
        return self._end_tag(at) if self._source.startswith("</", at) else self._start_tag(at)

    def _start_tag(self, at: int) -> int:
        name = re.compile(r"[^\s>]*").match(self._source, at + 1)
        end = name.end() if name else at + 1
        if end >= len(self._source):
            raise Unparsable(f"Unclosed start tag at byte offset {self._bytes(at)}")
        tag = self._source[at + 1 : end].lower()
        if tag not in _KINDS:
            raise Unparsable(f'Unsupported start tag "{tag}" at byte offset {self._bytes(at)}')
        attributes, end = self._attributes(tag, at, end)
        if tag == "span" and attributes.get("class") != "tg-spoiler":
            raise Unparsable(f'Tag "span" must have class "tg-spoiler" at byte offset {self._bytes(at)}')
        self._open.append(_Open(tag, self._length, attributes))
        return end

    def _attributes(self, tag: str, at: int, end: int) -> tuple[dict[str, str], int]:
        attributes: dict[str, str] = {}
        while not re.compile(r"\s*>").match(self._source, end):
            match = _ATTRIBUTE.match(self._source, end)
            if match is None or match.end() >= len(self._source):
                raise Unparsable(f"Unclosed start tag at byte offset {self._bytes(at)}")
            if not match["name"] or match.end() == end:
                raise Unparsable(f'Empty attribute name in the tag "{tag}" at byte offset {self._bytes(at)}')
            attributes[match["name"].lower()] = _decode_all(match["double"] or match["single"] or match["bare"] or "")
            end = match.end()
        return attributes, self._source.index(">", end) + 1

    def _end_tag(self, at: int) -> int:
        if not self._open:
            raise Unparsable(f"Unexpected end tag at byte offset {self._bytes(at)}")
        match = re.compile(r"</([^\s>]*)\s*(>?)").match(self._source, at)
        if match is None or not match[2]:
            raise Unparsable(f"Unclosed end tag at byte offset {self._bytes(at)}")
        opened, found = self._open.pop(), match[1].lower()
        if found not in {"", opened.tag}:
            place = self._bytes(at)
            raise Unparsable(
                f'Unmatched end tag at byte offset {place}, expected "</{opened.tag}>", found "</{found}>"'
            )
        self._close(opened)
        return match.end()

    def _close(self, opened: _Open) -> None:
        extra = _extra(opened)
        if opened.tag == "a" and "url" not in extra:
            return
        kind = "expandable_blockquote" if "expandable" in opened.attributes else _KINDS[opened.tag]
        self.entities.append(Entity(kind, opened.start, self._length - opened.start, extra))

    def _bytes(self, at: int) -> int:
        return len(self._source[:at].encode("utf-8", "surrogatepass"))


def _extra(opened: _Open) -> dict[str, str]:
    href, css = opened.attributes.get("href", ""), opened.attributes.get("class", "")
    if opened.tag == "a":
        # An address Telegram can't use is dropped without a word; the text stays.
        return {"url": href} if re.fullmatch(r"(?:https?|tg|mailto|tel)://?\S+|[\w-]+(?:\.[\w-]+)+\S*", href) else {}
    if opened.tag == "code" and css.startswith("language-"):
        return {"language": css.removeprefix("language-")}
    if opened.tag == "tg-emoji":
        return {"custom_emoji_id": opened.attributes.get("emoji-id", "")}
    return {}


def _decode(match: re.Match[str]) -> str | None:
    if match["name"]:
        return _NAMED.get(match["name"])
    number = int(match["number"]) if match["number"] else int(match["hex"], 16)
    return chr(number) if 0 < number < 0x110000 and not 0xD800 <= number < 0xE000 else None


def _decode_all(text: str) -> str:
    return _REFERENCE.sub(lambda match: _decode(match) or match.group(), text)
