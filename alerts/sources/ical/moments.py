"""When an occurrence is announced: `announce = ["-1d", "start", "end"]` of channels.toml."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from alerts.model.reason import because
from alerts.model.setting_values import parse_span

EVENING = time(18)
"""When the notice of an all-day event is given, on the day before: people are home and still plan the morning."""
MORNING = time(7)
"""When an all-day event is said to begin: not at midnight."""
NIGHTFALL = time(20)
"""When an all-day event is said to be over, on its last day: not at midnight either."""

LONGEST_NOTICE = timedelta(days=30)
_SHORTEST_NOTICE = timedelta(minutes=1)


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
    if wanted == "start":
        return Moment("start")
    if wanted == "end":
        return Moment("end")
    before = _notice(wanted)
    if not _SHORTEST_NOTICE <= before <= LONGEST_NOTICE:
        raise ValueError(because("no_moment", text=f'"{text}"'))
    return Moment("before", before)


def _notice(text: str) -> timedelta:
    """The span after the minus sign; zero where there is none."""
    if not text.startswith("-"):
        return timedelta(0)
    try:
        return parse_span(text[1:])
    except ValueError:
        return timedelta(0)


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
