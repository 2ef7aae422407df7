"""The plain text that is used where a template fails: an alert is never held up by a typing mistake."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markupsafe import escape

from alerts.rendering.library import Part, Piece


def built_in(facts: Mapping[str, Any], markup: str) -> list[Piece]:
    """Return the parts of a plain post out of `facts`, one a line, escaped for `markup`."""
    parts = [
        ("headline", facts["lead"], facts["lead_short"]),
        ("instruction", facts["instruction"], facts["prepared"]),
        ("area", facts["area"], facts["area_short"]),
        ("time", facts["when"], ""),
        ("description", facts["description"], ""),
        ("sender", facts["signature"], ""),
        ("link", facts["link"], ""),
    ]
    pieces: list[Piece] = []
    for name, text, short in parts:
        keep = name != "description"
        pieces += [Part(name, _written(text, markup), _written(short, markup), keep), "\n"]
    return pieces


def _written(text: str | None, markup: str) -> str:
    return str(escape(text or "")) if markup == "html" else text or ""
