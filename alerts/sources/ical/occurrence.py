"""The values of a works calendar: occurrences, the moments of their announcements, and the announced state.

Reading makes `Occurrence`s, one for each time that an entry takes place; announcing takes them at their `Moment`s
(`announce = ["-1d", "start", "end"]` of channels.toml) and keeps, as `Announced`, the state known to readers. That
outlives the process as JSON in the source's memory (`to_state`, `from_state`), for the calendar may have lost the entry
by then.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from alerts.model.alert import Point
from alerts.model.reason import Reason, because
from alerts.model.town import parse_span

State = Literal["CONFIRMED", "TENTATIVE", "CANCELLED"]
Moved = tuple[date, datetime, datetime]
"""The day that a series' rule gave, and from when to when it takes place instead."""

EVENING = time(18)
"""When the notice of an all-day event is given, on the day before: people are home and still plan the morning."""
MORNING = time(7)
"""When an all-day event is said to begin: not at midnight."""
NIGHTFALL = time(20)
"""When an all-day event is said to be over, on its last day: not at midnight either."""

LONGEST_NOTICE = timedelta(days=30)
# A shorter notice can't be published in time.
_SHORTEST_NOTICE = timedelta(minutes=1)


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
        """The content and time: equal for the same entry under another UID, as some exports write at each download."""
        # Without the description: another one is not told (`changes_of`), so it makes no other entry either.
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
        identity = (
            self.content,
            self.series and (self.series.last, self.series.off, self.series.extra, self.series.moved),
        )
        return hashlib.sha256(repr(identity).encode()).hexdigest()[:8]


@dataclass(frozen=True, slots=True)
class Announced:
    """The occurrence as readers know it (None: they don't), and every message of it.

    `done` are the names of the moments that need no announcement any more, `tells` the (identifier, sent) of its
    messages, oldest first, `count` their number ever; `over` when nothing follows, `cancelled` when it was cancelled.
    `needs_review`: it came in a flood, and waits for an officer. One that is over and was never announced had begun
    when the calendar was read first.
    """

    occurrence: Occurrence | None = None
    done: tuple[str, ...] = ()
    tells: tuple[tuple[str, datetime], ...] = ()
    count: int = 0
    over: bool = False
    cancelled: bool = False
    needs_review: bool = False


# --- moments ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Moment:
    """One moment of an occurrence's life; `before` is how long ahead of the start a notice is given (else zero)."""

    kind: Literal["before", "start", "end"]
    before: timedelta = timedelta(0)

    @property
    def name(self) -> str:
        """Its spelling in identifiers and in the stored state: `before-1440m`, `start`, `end`."""
        return f"before-{self.before // timedelta(minutes=1)}m" if self.kind == "before" else self.kind


def parse_moment(text: str) -> Moment:
    """The moment that `text` names. Raises ValueError that says what is allowed."""
    wanted = text.strip().lower()
    if wanted in ("start", "end"):
        return Moment("start" if wanted == "start" else "end")
    before = timedelta()
    if wanted.startswith("-"):
        with contextlib.suppress(ValueError):
            before = parse_span(wanted[1:])
    if not _SHORTEST_NOTICE <= before <= LONGEST_NOTICE:
        raise ValueError(because("no_moment", text=f'"{text}"'))
    return Moment("before", before)


def time_of(moment: Moment, starts: datetime, ends: datetime, zone: ZoneInfo, *, all_day: bool) -> datetime:
    """The instant (UTC) of `moment` for what lasts from `starts` to `ends` (aware).

    Whole days count on the wall clock, so that the notice of nine o'clock comes at nine, across a change of the hour;
    shorter spans count as they pass. For an all-day event every moment falls on a civil hour of the station.
    """
    if all_day:
        return _civil_time(moment, starts.astimezone(zone).date(), ends.astimezone(zone), zone)
    if moment.kind == "end":
        return ends.astimezone(UTC)
    if moment.before % timedelta(days=1):
        return starts.astimezone(UTC) - moment.before
    return (starts.astimezone(zone) - moment.before).astimezone(UTC)


def _civil_time(moment: Moment, first_day: date, ends: datetime, zone: ZoneInfo) -> datetime:
    if moment.kind == "start":
        local = datetime.combine(first_day, MORNING, zone)
    elif moment.kind == "end":
        last_day = (ends - timedelta(seconds=1)).date()
        local = datetime.combine(last_day, NIGHTFALL, zone)
    else:
        days = -(-moment.before // timedelta(days=1))
        local = datetime.combine(first_day - timedelta(days=days), EVENING, zone)
    return local.astimezone(UTC)


# --- what is kept ----------------------------------------------------------------------------------------------------


def to_state(announced: Mapping[str, Announced]) -> dict[str, Any]:
    """Return the JSON-able form of all announced occurrences, by their keys."""
    return {
        "told": {
            key: {
                "occurrence": _to_record(each.occurrence),
                "done": list(each.done),
                "tells": [[identifier, sent.isoformat()] for identifier, sent in each.tells],
                "count": each.count,
                "over": each.over,
                "cancelled": each.cancelled,
                "held": each.needs_review,
            }
            for key, each in announced.items()
            if each.occurrence
        }
    }


def from_state(state: Mapping[str, Any]) -> dict[str, Announced]:
    """Read the output of `to_state`; an empty state gives an empty result."""
    return {
        key: Announced(
            occurrence=_from_record(each["occurrence"]),
            done=tuple(each["done"]),
            tells=tuple((identifier, datetime.fromisoformat(sent)) for identifier, sent in each["tells"]),
            count=each["count"],
            over=each["over"],
            cancelled=each["cancelled"],
            # Not in what was stored before floods were held.
            needs_review=each.get("held", False),
        )
        for key, each in state.get("told", {}).items()
    }


def _to_record(occurrence: Occurrence) -> dict[str, Any]:
    """Return the fields that must outlive the calendar's entry: enough to announce its end or cancellation."""
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
