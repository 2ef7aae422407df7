"""What a calendar says takes place, and what was told of it: what is spoken between the reading and the announcing."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Literal

from alerts.model.alert import Point
from alerts.model.reason import Reason

State = Literal["CONFIRMED", "TENTATIVE", "CANCELLED"]
Moved = tuple[date, datetime, datetime]
"""The day that a series' rule gave, and from when to when it takes place instead."""


@dataclass(frozen=True, slots=True)
class Series:
    """How an entry repeats, as far as readers need to know.

    `rule` is its RRULE (RFC 5545, section 3.3.10) in one fixed spelling, without the end; empty where single dates are
    all there is. `opens` is the time of day, `length` how long it lasts, `last` the day of the last one (None: it goes
    on). `off` are days that the rule has and the calendar hasn't, `extra` days that the calendar adds.
    """

    rule: str
    opens: time
    length: timedelta
    last: date | None = None
    off: tuple[date, ...] = ()
    extra: tuple[date, ...] = ()
    moved: tuple[Moved, ...] = ()


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One time that an entry takes place, or a whole series of them; who it is, is UID and RECURRENCE-ID (3.8.4.4).

    `recurrence_id` is empty for what doesn't recur and for a series as a whole, else the time it had by the rule
    (`20261125T070000Z`, or `20261125` for a whole day). `starts` and `ends` are aware, in the station's zone, the end
    after the start and exclusive; a series' are those of its next date and of its last one. `notes` are what the
    lenient reader forgave.
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
    notes: tuple[Reason, ...] = ()
    series: Series | None = None

    @property
    def content(self) -> tuple[Any, ...]:
        """What it says and when: equal for the same entry under another UID, as some exports write at each download."""
        words = (self.summary, self.location, self.all_day)
        if self.series:
            return (*words, self.series.rule, self.series.opens, self.series.length)
        return (*words, self.starts.timestamp(), self.ends.timestamp())

    @property
    def key(self) -> str:
        """A name for it, from its content: 16 hexadecimal digits."""
        return hashlib.sha256(repr(self.content).encode()).hexdigest()[:16]

    @property
    def fingerprint(self) -> str:
        """Eight hexadecimal digits that change when a reader must hear of it: the times, the title, the place."""
        told = (self.content, self.series and (self.series.last, self.series.off, self.series.extra, self.series.moved))
        return hashlib.sha256(repr(told).encode()).hexdigest()[:8]


@dataclass(frozen=True, slots=True)
class Told:
    """The occurrence as readers know it (None: they don't), and every message of it.

    `done` are the names of the moments that need no telling any more, `tells` the (identifier, sent) of its messages,
    oldest first, `count` how many there ever were; `over` when nothing follows, `cancelled` when it was called off.
    `held`: it came in a flood, and is for an officer to let out. One that is over and was never told of had begun when
    the calendar was read first.
    """

    occurrence: Occurrence | None = None
    done: tuple[str, ...] = ()
    tells: tuple[tuple[str, datetime], ...] = ()
    count: int = 0
    over: bool = False
    cancelled: bool = False
    held: bool = False


def to_state(told: Mapping[str, Told]) -> dict[str, Any]:
    """The JSON-able form of everything told, by the occurrences' keys."""
    return {
        "told": {
            key: {
                "occurrence": _to_record(each.occurrence),
                "done": list(each.done),
                "tells": [[identifier, sent.isoformat()] for identifier, sent in each.tells],
                "count": each.count,
                "over": each.over,
                "cancelled": each.cancelled,
                "held": each.held,
            }
            for key, each in told.items()
            if each.occurrence
        }
    }


def from_state(state: Mapping[str, Any]) -> dict[str, Told]:
    """What `to_state` wrote; nothing from an empty state."""
    return {
        key: Told(
            occurrence=_from_record(each["occurrence"]),
            done=tuple(each["done"]),
            tells=tuple((identifier, datetime.fromisoformat(sent)) for identifier, sent in each["tells"]),
            count=each["count"],
            over=each["over"],
            cancelled=each["cancelled"],
            held=each.get("held", False),
        )
        for key, each in state.get("told", {}).items()
    }


def _to_record(occurrence: Occurrence) -> dict[str, Any]:
    """What must outlive the calendar's own entry: enough to say that it is over or called off."""
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
        "series": series_to_record(occurrence.series) if occurrence.series else None,
    }


def _from_record(record: Mapping[str, Any]) -> Occurrence:
    """The occurrence that `_to_record` wrote down, without its description."""
    point, series = record["point"], record.get("series")
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
        series=_series_of(series) if series else None,
    )


def series_to_record(series: Series) -> dict[str, Any]:
    """A series as JSON has it: days and times in ISO 8601, `length` in seconds, `moved` as [day, start, end]."""
    return {
        "rule": series.rule,
        "opens": series.opens.isoformat("minutes"),
        "length": int(series.length.total_seconds()),
        "last": series.last.isoformat() if series.last else None,
        "off": [day.isoformat() for day in series.off],
        "extra": [day.isoformat() for day in series.extra],
        "moved": [[each.isoformat() for each in moved] for moved in series.moved],
    }


def _series_of(record: Mapping[str, Any]) -> Series:
    return Series(
        rule=record["rule"],
        opens=time.fromisoformat(record["opens"]),
        length=timedelta(seconds=record["length"]),
        last=date.fromisoformat(record["last"]) if record["last"] else None,
        off=tuple(date.fromisoformat(day) for day in record["off"]),
        extra=tuple(date.fromisoformat(day) for day in record["extra"]),
        moved=tuple(
            (date.fromisoformat(day), datetime.fromisoformat(starts), datetime.fromisoformat(ends))
            for day, starts, ends in record["moved"]
        ),
    )
