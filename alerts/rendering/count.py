"""How long a text is, in the units of the platform that will print it."""

from __future__ import annotations

from alerts.model.characters import utf16_units, visible
from alerts.model.post import TextFormat
from alerts.rendering.weighted import weighted


def count(text: str, fmt: TextFormat) -> int:
    """Return the length of `text`, written in the markup of `fmt`, as the platform of `fmt` counts it.

    `weighted` is X's (see `weighted.py`), `utf16` Telegram's: UTF-16 units of what is left when tags and entities are
    read; `characters` code points. Any other `fmt.count` raises ValueError.
    """
    seen = visible(text) if fmt.markup == "html" else text
    match fmt.count:
        case "characters":
            return len(seen)
        case "utf16":
            return utf16_units(seen)
        case "weighted":
            return weighted(seen)
        case _:
            raise ValueError(f"a text is counted as characters, utf16 or weighted, not as {fmt.count!r}")
