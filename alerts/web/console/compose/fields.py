"""The form's own names, and what was typed into them: kept as typed, right or wrong."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

from alerts.model.characters import bounded, seen
from alerts.model.errors import Misuse
from alerts.model.incident import Typed
from alerts.model.reason import because

TEXTS = (
    "hazard", "exercise", "headline", "description", "instruction", "event", "category", "severity", "urgency",
    "certainty", "place", "polygon", "circle", "onset", "span", "expires", "web", "picture", "alt",
)  # fmt: skip
"""The fields that hold one text each."""
LISTS = ("area", "channel")
"""The fields of which several may be ticked."""
LONGEST = 20_000
"""Characters that a field may hold; no platform takes as many."""
_SHOWN = 2 * LONGEST
"""Characters of a field that are looked at at all: of a longer one no more is shown again."""
_MOST_TICKED = 500

Fields = Mapping[str, Typed]


def text(fields: Fields, name: str) -> str:
    """What was typed into a field, without blanks around it."""
    value = fields.get(name, "")
    return value.strip() if isinstance(value, str) else ""


def several(fields: Fields, name: str) -> tuple[str, ...]:
    """What was ticked."""
    value = fields.get(name, ())
    return (value,) if isinstance(value, str) else value


def lines(fields: Fields, name: str) -> tuple[str, ...]:
    """The lines of a field that hold something."""
    return tuple(line.strip() for line in text(fields, name).splitlines() if line.strip())


def typed(pairs: Iterable[tuple[str, Any]]) -> dict[str, Typed]:
    """A form's pairs as fields: what isn't one of ours is left aside."""
    found: dict[str, Typed] = {}
    for name, value in pairs:
        if name in TEXTS and isinstance(value, str):
            found[name] = plain(value)
        elif name in LISTS and isinstance(value, str) and len(several(found, name)) < _MOST_TICKED:
            found[name] = (*several(found, name), plain(value))
    return found


def typed_in_json(value: Any) -> dict[str, Typed]:
    """The same out of a script's object, in which a field of several is a list. Raises Misuse."""
    if not isinstance(value, Mapping):
        raise Misuse(because("fields_unread"))
    pairs = [(str(name), one) for name, each in value.items() for one in (each if isinstance(each, list) else [each])]
    return typed(pairs)


def too_long(fields: Fields) -> tuple[str, ...]:
    """The fields that hold more than `LONGEST` characters: they are shown as they were typed, and kept nowhere."""
    return tuple(name for name in fields if any(len(value) > LONGEST for value in several(fields, name)))


def digest(fields: Fields, *more: str) -> str:
    """What two readings of the same fields have in common: what was confirmed is what goes out."""
    said = [{name: value for name, value in sorted(fields.items()) if value}, *more]
    return hashlib.sha256(json.dumps(said, ensure_ascii=False).encode()).hexdigest()


def same(one: Fields, other: Fields) -> bool:
    """Whether the same was typed, an empty field being none."""
    return digest(one) == digest(other)


def plain(value: str) -> str:
    """Without what no platform prints and no page obeys: controls, halves of characters, what can't be seen."""
    kept = bounded(value, _SHOWN).replace("\r\n", "\n").replace("\r", "\n")
    return "".join(c for c in seen(kept) if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cs"))
