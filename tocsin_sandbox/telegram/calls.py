"""A Bot API call's arguments, however they came: JSON, form, multipart or query; objects may stand as JSON text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tocsin_sandbox.exchange import Asked, Upload
from tocsin_sandbox.telegram.answers import Refusal
from tocsin_sandbox.telegram.html import Entity, Parsed, Unparsable, parse_html, trim

_EXTRAS: tuple[str, ...] = ("url", "language", "custom_emoji_id")


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a method: its arguments, its files, when it is handled (seconds since the epoch)."""

    method: str
    arguments: Mapping[str, Any]
    files: Mapping[str, Upload]
    at: float

    @classmethod
    def of(cls, method: str, asked: Asked) -> Call:
        """The call that a request makes."""
        return cls(method, asked.arguments(), asked.files, asked.at)

    def text(self, name: str) -> str:
        """An argument as text; "" when it wasn't given."""
        value = self.arguments.get(name)
        return "" if value is None else str(value)

    def structure(self, name: str) -> Any:
        """An argument that is an object or a list, also as JSON text. Raises Refusal."""
        value = self.arguments.get(name)
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value)
        except ValueError as error:
            raise Refusal("Bad Request: can't parse JSON object") from error

    def words(self, field: str) -> Parsed:
        """The text or caption by its `parse_mode`, or with the entities it brings. Raises Refusal."""
        mode = self.text("parse_mode").lower()
        if mode == "html":
            try:
                return parse_html(self.text(field))
            except Unparsable as error:
                raise Refusal(f"Bad Request: can't parse entities: {error}") from error
        if mode:
            raise Refusal("Bad Request: unsupported parse_mode")
        given = self.structure("entities" if field == "text" else "caption_entities")
        if not isinstance(given, list):
            given = []
        return trim(Parsed(self.text(field), tuple(_read_entity(entity) for entity in given)))

    def source(self, field: str) -> str | None:
        """The markup a text came as; None for a plain one."""
        return self.text(field) if self.text("parse_mode") else None


def _read_entity(given: Any) -> Entity:
    if not isinstance(given, dict):
        raise Refusal("Bad Request: can't parse MessageEntity: expected an Object")
    offset, length = given.get("offset"), given.get("length")
    if not isinstance(offset, int) or not isinstance(length, int):
        raise Refusal("Bad Request: can't parse MessageEntity: offset and length must be Integers")
    extra = {name: str(given[name]) for name in _EXTRAS if name in given}
    return Entity(str(given.get("type")), offset, length, extra)
