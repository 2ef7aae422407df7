"""A day behind and a day ahead: what went out on each channel, what is on, what ends. Lists first, then drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any

from aiohttp import web

from alerts.desk.service import DeskUnit
from alerts.model.incident import AlertState, StoredAlert
from alerts.model.post import Post
from alerts.web.console.frame import Console
from alerts.web.console.watch.cases import Case, case_of
from alerts.web.console.watch.view import page

REACH = timedelta(hours=24)
MOST = 500
WIDTH = 960
"""The drawing's width in its own units: 20 to the hour."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One alert's time in the drawing: from `start`, `width` wide, in its units."""

    case: Case
    start: float
    width: float


@dataclass(frozen=True, slots=True)
class Dot:
    """One post that went out, at its place."""

    post: Post
    place: float


@dataclass(frozen=True, slots=True)
class Days:
    """What is shown; `cut` says that there was more than is shown. `ticks` are places with their hour."""

    now: datetime
    sent: tuple[tuple[Post, str], ...]
    bars: tuple[Bar, ...]
    dots: tuple[tuple[str, tuple[Dot, ...]], ...]
    ticks: tuple[tuple[float, datetime], ...]
    cut: bool

    @property
    def ends(self) -> tuple[Case, ...]:
        """What ends within the next day, soonest first."""
        return tuple(bar.case for bar in self.bars if bar.case.ends and self.now < bar.case.ends <= self.now + REACH)

    @property
    def starts(self) -> tuple[Case, ...]:
        """What begins within the next day."""
        cases = [bar.case for bar in self.bars]
        return tuple(case for case in cases if case.starts and self.now < case.starts <= self.now + REACH)


def routes(console: Console) -> list[web.RouteDef]:
    """The page."""

    async def show(request: web.Request) -> web.Response:
        days = await console.service.ask(days_of)
        return page(console, request, "timeline.html", days=days, **_measures(days))

    return [web.get("/timeline", show)]


def _measures(days: Days) -> dict[str, Any]:
    return {"width": WIDTH, "middle": WIDTH // 2, "drawn_bars": len(days.bars), "drawn_rows": len(days.dots)}


def days_of(unit: DeskUnit) -> Days:
    """A day behind and a day ahead, as the database has them."""
    now, views, station = unit.now, unit.views, unit.desk.station
    sent = views.sent_between(now - REACH, now, most=MOST + 1)
    touching = views.starting_between(now - REACH, now + REACH, most=MOST + 1)
    records = views.records(list({post.alert_id for post in sent}))
    threads = views.threads(list({record.incident_id for record in touching}))
    cases = [case_of(record, threads[record.incident_id], station.language) for record in _newest(touching)]
    bars = tuple(_bar(case, now) for case in cases if case.starts and case.starts < now + REACH)
    names = {each: case_of(record, (), station.language).headline for each, record in records.items()}
    cut = len(sent) > MOST or len(touching) > MOST
    listed = tuple((post, names.get(post.alert_id, "")) for post in reversed(sent))
    return Days(now, listed, bars, _dots(sent, now), _ticks(now, station.timezone), cut)


def _newest(records: Sequence[StoredAlert]) -> list[StoredAlert]:
    """Of each incident the newest message that was taken in, by when it is over."""
    newest: dict[str, StoredAlert] = {}
    for record in sorted(records, key=lambda each: each.received_at):
        if record.state is AlertState.ACCEPTED:
            newest[record.incident_id] = record
    return sorted(newest.values(), key=lambda each: each.alert.ends if each.alert else each.received_at)


def place_of(time: datetime, now: datetime) -> float:
    """Where a time is in the drawing; what is beyond its ends stands at them."""
    share = (time - (now - REACH)) / (2 * REACH)
    return round(min(max(share, 0.0), 1.0) * WIDTH, 1)


def _bar(case: Case, now: datetime) -> Bar:
    start = place_of(case.starts or now, now)
    return Bar(case, start, max(place_of(case.ends or now, now) - start, 4.0))


def _dots(sent: Sequence[Post], now: datetime) -> tuple[tuple[str, tuple[Dot, ...]], ...]:
    rows: dict[str, list[Dot]] = {}
    for post in sent:
        if post.sent_at:
            rows.setdefault(post.channel, []).append(Dot(post, place_of(post.sent_at, now)))
    return tuple((channel, tuple(dots)) for channel, dots in sorted(rows.items()))


def _ticks(now: datetime, zone: tzinfo) -> tuple[tuple[float, datetime], ...]:
    """Every sixth hour of the station's day."""
    hour = now.astimezone(zone).replace(minute=0, second=0, microsecond=0)
    hours = [hour + timedelta(hours=step) for step in range(-24, 26)]
    inside = [each for each in hours if each.astimezone(zone).hour % 6 == 0 and abs(each - now) <= REACH]
    return tuple((place_of(each, now), each) for each in inside)
