"""What a card says: an alert's picture, for a shared link and for posts that carry one. `card_picture` draws it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from alerts.model.alert import Severity
from alerts.rendering.library import as_sentences, capital
from alerts.rendering.shorten import at_sentences, partly

_MOST = 160
"""Letters of what to do: two or three lines of the picture, and no burden in its alternative."""


@dataclass(frozen=True, slots=True)
class Card:
    """The words of a card. `severity` gives it shape and colour, None: it is over. `exercise` is the mark of one.

    `do` are the first words of what to do: drawn as far as there is room.
    """

    severity: Severity | None
    label: str
    heading: str
    area: str
    when: str
    station: str
    exercise: str = ""
    do: str = ""


def card_of(said: Mapping[str, Any], severity: Severity, over: str = "") -> Card:
    """The card of what a template is given (`Renderer.tell`); `over` is the word for what is over, where it is."""
    return Card(
        severity=None if over else severity,
        label=over or str(said["label"] or said["name"]),
        heading=capital(str(said["lead"] if over else said["title"])),
        area=str(said["area"]),
        when=capital(str(said["when"])),
        station=str(said["source"]),
        exercise=str(said["words"]["exercise"]) if said["exercise"] else "",
        do="" if over else _first_words(said),
    )


def _first_words(said: Mapping[str, Any]) -> str:
    """Of what to do, the whole sentences that a card may hold: the rest is behind the link."""
    do = str(said["instruction"] or "")

    def fits(text: str) -> bool:
        return len(text) <= _MOST

    return at_sentences(do, fits, markup=False) or partly(do, fits, markup=False) if len(do) > _MOST else do


def card_alt(said: Mapping[str, Any]) -> str:
    """The text alternative: the same words as on the card."""
    mark = f"{said['words']['exercise']} – " if said["exercise"] else ""
    parts = (f"{mark}{said['lead']}", _first_words(said), said["area"], said["when"])
    return as_sentences(capital(str(part)) for part in parts if part)
