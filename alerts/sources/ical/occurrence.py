"""One occurrence of a calendar's event: what the works calendar speaks between its reading and its announcing."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from alerts.model.alert import Point

State = Literal["CONFIRMED", "TENTATIVE", "CANCELLED"]


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One time that an event takes place; its identity is UID and RECURRENCE-ID (RFC 5545, section 3.8.4.4).

    `recurrence_id` is empty for an event that doesn't recur, else the time it had by the rule (`20261125T070000Z`, or
    `20261125` for an all-day one). `starts` and `ends` are aware, in the station's zone, the end after the start and
    exclusive. `notes` are what the lenient reader forgave.
    """

    uid: str
    recurrence_id: str
    starts: datetime
    ends: datetime
    all_day: bool
    summary: str
    description: str = ""
    location: str = ""
    url: str = ""
    categories: tuple[str, ...] = ()
    status: State = "CONFIRMED"
    sequence: int = 0
    point: Point | None = None
    notes: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Its identity as one word, for the stored state and for identifiers: 16 hexadecimal digits."""
        return hashlib.sha256(f"{self.uid}\0{self.recurrence_id}".encode()).hexdigest()[:16]

    @property
    def fingerprint(self) -> str:
        """Eight hexadecimal digits that change when a reader must hear of it: the times, the title, the place."""
        told = (self.starts.timestamp(), self.ends.timestamp(), self.all_day, self.summary, self.location)
        return hashlib.sha256(repr(told).encode()).hexdigest()[:8]


def to_record(occurrence: Occurrence) -> dict[str, Any]:
    """What must outlive the calendar's own entry, JSON-able: enough to say that it is over or called off."""
    return {
        "uid": occurrence.uid,
        "recurrence_id": occurrence.recurrence_id,
        "starts": occurrence.starts.isoformat(),
        "ends": occurrence.ends.isoformat(),
        "all_day": occurrence.all_day,
        "summary": occurrence.summary,
        "location": occurrence.location,
        "url": occurrence.url,
        "categories": list(occurrence.categories),
        "sequence": occurrence.sequence,
        "point": list(occurrence.point) if occurrence.point else None,
    }


def from_record(record: Mapping[str, Any]) -> Occurrence:
    """The occurrence that `to_record` wrote down, without its description."""
    point = record["point"]
    return Occurrence(
        uid=record["uid"],
        recurrence_id=record["recurrence_id"],
        starts=datetime.fromisoformat(record["starts"]),
        ends=datetime.fromisoformat(record["ends"]),
        all_day=record["all_day"],
        summary=record["summary"],
        location=record["location"],
        url=record["url"],
        categories=tuple(record["categories"]),
        sequence=record["sequence"],
        point=(point[0], point[1]) if point else None,
    )
