"""What a card says: an alert's picture, for a shared link and for posts that carry one. `card_picture` draws it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from alerts.model.alert import Severity
from alerts.model.hazard import Hazard
from alerts.rendering.library import as_sentences, capital
from alerts.rendering.shorten import at_sentences, partly

_MOST = 230
"""Letters of what to do: two to four lines of the picture, and no burden in its alternative."""


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


def card_of(said: Mapping[str, Any], severity: Severity) -> Card:
    """The card of what a template is given (`Renderer.tell`). That of an end says how it ended, and what to mind."""
    over = bool(said["reason"])
    label = str(said["stamp"] if over else said["label"]) or capital(str(said["name"]))
    return Card(
        severity=None if over else severity,
        label=label,
        heading=_heading(str(said["lead"] if over else said["title"]), label, said),
        area=str(said["area"]),
        when=capital(str(said["when"])),
        station=str(said["source"]),
        exercise=str(said["words"]["exercise"]) if said["exercise"] else "",
        do=_first_words(said),
    )


def _heading(title: str, label: str, said: Mapping[str, Any]) -> str:
    """Without the label that stands above it: "Correction – …", "Vigilance orange vent violent"; an update says so."""
    bare = title.removeprefix(f"{label} – ")
    if label in said["words"]["levels"].values() and title.startswith(f"{label} "):
        bare = title.removeprefix(f"{label} ")
    is_news = said["heading"] != said["lead"]
    return capital(str(said["words"]["updated"]).format(lead=bare) if is_news else bare)


def in_short(said: Mapping[str, Any]) -> str:
    """What to know in two lines, for a list, a link's preview or a notification: what, what to do, where, when.

    Where comes before what to do where both are among what is first seen; of an update what is new stands with it. Who
    is missing is described first: without that nobody can do what is asked.
    """
    description = str(said["description"] or "")
    first = description if said["hazard"] == Hazard.MISSING and not said["reason"] else ""
    do = [str(part) for part in (said["instruction"], said.get("after")) if part]
    if not do and not said["reason"]:
        do = [_beginning(description)]
    where = [str(said["area"])]
    order = [*where, *do] if said["place_first"] else [*do, *where]
    source = "" if said["own"] else str(said["source_short"])
    parts = (said["heading"], first, *order, str(said.get("change_short") or ""), str(said["when"]), source)
    return as_sentences(capital(" ".join(str(part).splitlines())) for part in parts if part)


def _first_words(said: Mapping[str, Any]) -> str:
    """Of what to do, the whole sentences that a card may hold: the rest is behind the link.

    On an update's, what is new stands after it.
    """
    parts = (said["instruction"], said.get("after"), said.get("change_short"))
    do = " ".join(str(part) for part in parts if part)
    return _beginning(do)


def _beginning(text: str) -> str:
    """All of it where it is short enough; else whole sentences, or a part of the first one."""
    return text if _fits(text) else at_sentences(text, _fits, markup=False) or partly(text, _fits, markup=False)


def _fits(text: str) -> bool:
    return len(text) <= _MOST


def card_alt(said: Mapping[str, Any]) -> str:
    """The text alternative: the same words as on the card."""
    mark = f"{said['words']['exercise']} – " if said["exercise"] else ""
    parts = (f"{mark}{said['lead']}", _first_words(said), said["area"], said["when"], said["source"])
    return as_sentences(capital(str(part)) for part in parts if part)
