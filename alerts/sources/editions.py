"""Editions of one publication, of which a cache on the way may answer with an earlier one; and the State's colours.

Météo-France's Vigilance, Vigicrues and GTFS-realtime datasets say when each edition was issued. An edition counts only
if it isn't older than the newest one that was read. A publisher's clock may be wrong: an edition that is dated in the
future, or not at all, counts as one of now, and moves no threshold, for the right one may have been issued before this
one was read. If only older ones came for an hour, the source fails.

A source keeps that threshold as `updated` in its state, and as `older_since` when the first older edition came after
it. The State's two services also have the same four colours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Any

from alerts.model.alert import NamedValue, Severity
from alerts.model.errors import SourceFailed
from alerts.model.ports import Memory, SourceReading
from alerts.model.reason import because

AHEAD = timedelta(minutes=5)
"""How far an edition's own time may lie before ours: the two clocks differ by so much at most."""
OLDER_FOR = timedelta(hours=1)
"""After so long with only earlier editions, the source is reported as failing."""


class Colour(IntEnum):
    """How far a warning goes, by the number that both services give it."""

    GREEN = 1
    YELLOW = 2
    ORANGE = 3
    RED = 4


SEVERITIES: Mapping[Colour, Severity] = {
    Colour.YELLOW: Severity.MODERATE,
    Colour.ORANGE: Severity.SEVERE,
    Colour.RED: Severity.EXTREME,
}
COLOURS: Mapping[str, Mapping[Colour, str]] = {
    "fr": {Colour.YELLOW: "jaune", Colour.ORANGE: "orange", Colour.RED: "rouge"},
    "en": {Colour.YELLOW: "yellow", Colour.ORANGE: "orange", Colour.RED: "red"},
}


def awareness(colour: Colour, kind: str) -> tuple[NamedValue, ...]:
    """Return MeteoAlarm's parameters of a warning, by which its colour and its hazard are known ("12; Flooding")."""
    level = f"{int(colour)}; {COLOURS['en'][colour]}; {SEVERITIES[colour]}"
    return NamedValue("awareness_level", level), NamedValue("awareness_type", kind)


def stated(updated: datetime | None, now: datetime) -> datetime | None:
    """Return the time that an edition gives itself. Returns None where it gives none, or one in the future."""
    return None if updated is None or updated > now + AHEAD else updated


def threshold(updated: datetime | None, state: Mapping[str, Any]) -> dict[str, Any]:
    """Return the state's part that says which editions are older, after one of that time (`stated`).

    One without a time leaves the threshold where it was.
    """
    kept = state.get("updated") if updated is None else updated.isoformat()
    return {"updated": kept} if kept else {}


def older_edition(updated: datetime | None, got: Memory, now: datetime, code: str) -> SourceReading | None:
    """Return the reading of an edition of before, with which a cache on the way may answer. Returns None for another.

    Raises SourceFailed as `must_be_newer`.
    """
    if not is_older(updated, got.state, now):
        return None
    state = {"older_since": now.isoformat(), **got.state}
    must_be_newer(state, now, code)
    return SourceReading((), replace(got, state=state), unchanged=True)


def is_older(updated: datetime | None, state: Mapping[str, Any], now: datetime) -> bool:
    """True if it precedes the threshold, which is believed unless it is in the future."""
    last = datetime.fromisoformat(state["updated"]) if "updated" in state else None
    return updated is not None and last is not None and updated < last <= now + AHEAD


def must_be_newer(state: Mapping[str, Any], now: datetime, code: str) -> None:
    """Raise SourceFailed with the reason of that code where only older editions came for an hour."""
    since = datetime.fromisoformat(state.get("older_since", now.isoformat()))
    if now - since >= OLDER_FOR:
        raise SourceFailed(because(code, at=since, updated=datetime.fromisoformat(state["updated"])))
