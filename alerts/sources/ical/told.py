"""What was told of an occurrence: kept in the source's memory, so that a restart neither repeats nor forgets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from alerts.sources.ical.occurrence import Occurrence, from_record, to_record


@dataclass(frozen=True, slots=True)
class Told:
    """The occurrence as readers know it (None: they don't), and every message of it.

    `done` are the names of the moments that need no telling any more, `tells` the (identifier, sent) of its messages,
    oldest first, `count` how many there ever were; `over` when nothing follows, `cancelled` when it was called off.
    """

    occurrence: Occurrence | None = None
    done: tuple[str, ...] = ()
    tells: tuple[tuple[str, datetime], ...] = ()
    count: int = 0
    over: bool = False
    cancelled: bool = False


def to_state(told: Mapping[str, Told]) -> dict[str, Any]:
    """The JSON-able form of everything told, by the occurrences' keys."""
    return {
        "told": {
            key: {
                "occurrence": to_record(each.occurrence),
                "done": list(each.done),
                "tells": [[identifier, sent.isoformat()] for identifier, sent in each.tells],
                "count": each.count,
                "over": each.over,
                "cancelled": each.cancelled,
            }
            for key, each in told.items()
            if each.occurrence
        }
    }


def from_state(state: Mapping[str, Any]) -> dict[str, Told]:
    """What `to_state` wrote; nothing from an empty state."""
    return {
        key: Told(
            occurrence=from_record(each["occurrence"]),
            done=tuple(each["done"]),
            tells=tuple((identifier, datetime.fromisoformat(sent)) for identifier, sent in each["tells"]),
            count=each["count"],
            over=each["over"],
            cancelled=each["cancelled"],
        )
        for key, each in state.get("told", {}).items()
    }
