"""What a card says: an alert's picture, for a shared link and for posts that carry one. `card_picture` draws it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from textwrap import shorten
from typing import Any

from alerts.model.alert import Severity
from alerts.rendering.library import capital

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
        label=over or str(said["words"]["severities"][severity.value]),
        heading=capital(str(said["lead"] if over else said["title"])),
        area=str(said["area"]),
        when=capital(str(said["when"])),
        station=str(said["station"]),
        exercise=str(said["words"]["exercise"]) if said["exercise"] else "",
        do="" if over else _first_words(said),
    )


def _first_words(said: Mapping[str, Any]) -> str:
    """Of what to do, as much as a card may hold: the whole is behind the link."""
    return shorten(str(said["instruction"] or ""), _MOST, placeholder="\u00a0…")


def card_alt(said: Mapping[str, Any]) -> str:
    """The text alternative: the same words as on the card."""
    mark = f"{said['words']['exercise']} – " if said["exercise"] else ""
    parts = (f"{mark}{said['lead']}", said["area"], capital(str(said["when"])), capital(_first_words(said)))
    return ". ".join(str(part).rstrip(".") for part in parts if part) + "."
