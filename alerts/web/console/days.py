"""The pages that show time: a day behind and a day ahead, drawn, and what is to come within a week or a month.

GET  /timeline              what went out on each channel, what is on, what ends; as lists first, then as a drawing
GET  /calendar?span=week    works and other alerts that haven't begun, and posts that wait for their time

Both read alerts by their times, of each incident the newest message alone, and at most `MOST` of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from typing import Any

from aiohttp import web

from alerts.desk.unit import DeskUnit
from alerts.model.incident import AlertState, StoredAlert
from alerts.model.post import Post, PostState
from alerts.web.console.frame import Console
from alerts.web.console.watch import AlertRow, case_of, page

# A day ahead of now.
REACH = timedelta(hours=24)
MOST = 500
BEFORE = timedelta(hours=3)
"""How far the drawing goes back: earlier alerts are in the list alone."""
WIDTH, NAMES = 1200, 300
"""The drawing's width in its own units, and the part for the names of the bars."""
SPANS = {"week": timedelta(days=7), "month": timedelta(days=31)}


@dataclass(frozen=True, slots=True)
class TimeBar:
    """One alert's time in the drawing: from `start`, `width` wide, in its units."""

    case: AlertRow
    start: float
    width: float


@dataclass(frozen=True, slots=True)
class Dot:
    """One post that went out, at its place."""

    post: Post
    place: float


@dataclass(frozen=True, slots=True)
class Days:
    """The content of the page; `cut` says that there was more. `ticks` are places with their hour.

    `bars` are all alerts of the two days, `drawn` those within the drawing.
    """

    now: datetime
    sent: tuple[tuple[Post, str], ...]
    bars: tuple[TimeBar, ...]
    dots: tuple[tuple[str, tuple[Dot, ...]], ...]
    ticks: tuple[tuple[float, datetime], ...]
    cut: bool

    @property
    def drawn(self) -> tuple[TimeBar, ...]:
        """The bars that the drawing shows."""
        return tuple(bar for bar in self.bars if not bar.case.ends or bar.case.ends > self.now - BEFORE)

    @property
    def ends(self) -> tuple[AlertRow, ...]:
        """The alerts that end within the next day, soonest first."""
        return tuple(bar.case for bar in self.bars if bar.case.ends and self.now < bar.case.ends <= self.now + REACH)

    @property
    def starts(self) -> tuple[AlertRow, ...]:
        """The alerts that begin within the next day."""
        cases = [bar.case for bar in self.bars]
        return tuple(case for case in cases if case.starts and self.now < case.starts <= self.now + REACH)


@dataclass(frozen=True, slots=True)
class AgendaLine:
    """One line: at `at` an alert `begins`, `ends` or goes `out` (posts that wait until then)."""

    at: datetime
    what: str
    case: AlertRow
    posts: tuple[Post, ...] = ()


@dataclass(frozen=True, slots=True)
class Agenda:
    """The days that have something, in order; `cut` says that there was more than is shown."""

    days: tuple[tuple[date, tuple[AgendaLine, ...]], ...]
    under_way: tuple[AlertRow, ...]
    cut: bool


def routes(console: Console) -> list[web.RouteDef]:
    """The two pages."""

    async def timeline(request: web.Request) -> web.Response:
        days = await console.service.ask(days_of)
        drawn = {"drawn_bars": len(days.drawn), "drawn_rows": len(days.dots)}
        measures: dict[str, Any] = {"width": WIDTH, "names": NAMES, "middle": place_of(days.now, days.now), **drawn}
        return page(console, request, "timeline.html", days=days, **measures)

    async def calendar(request: web.Request) -> web.Response:
        span = request.query.get("span", "week")
        span = span if span in SPANS else "week"
        agenda = await console.service.ask(lambda unit: agenda_of(unit, SPANS[span]))
        return page(console, request, "calendar.html", agenda=agenda, span=span)

    return [web.get("/timeline", timeline), web.get("/calendar", calendar)]


def days_of(unit: DeskUnit) -> Days:
    """A day behind and a day ahead, as the database has them."""
    now, views, station = unit.now, unit.views, unit.desk.station
    sent = views.sent_between(now - REACH, now, most=MOST + 1)
    touching = views.starting_between(now - REACH, now + REACH, most=MOST + 1)
    stored_alerts = views.stored_alerts(list({post.alert_id for post in sent}))
    threads = views.threads(list({stored.incident_id for stored in touching}))
    on = sorted(_newest(touching, AlertState.ACCEPTED), key=lambda each: each.alert.ends if each.alert else now)
    cases = [case_of(stored, threads[stored.incident_id], station.language) for stored in on]
    bars = tuple(_bar(case, now) for case in cases if case.starts and case.starts < now + REACH)
    names = {each: case_of(stored, (), station.language).headline for each, stored in stored_alerts.items()}
    cut = len(sent) > MOST or len(touching) > MOST
    listed = tuple((post, names.get(post.alert_id, "")) for post in reversed(sent))
    return Days(now, listed, bars, _dots(sent, now), _ticks(now, station.zone), cut)


def _newest(stored_alerts: Iterable[StoredAlert], *states: AlertState) -> list[StoredAlert]:
    """Of each incident the newest message that is in one of these states."""
    newest: dict[str, StoredAlert] = {}
    for stored in sorted(stored_alerts, key=lambda each: each.received_at):
        if stored.state in states:
            newest[stored.incident_id] = stored
    return list(newest.values())


def place_of(time: datetime, now: datetime) -> float:
    """Return a time's position in the drawing, at most its ends."""
    share = (time - (now - BEFORE)) / (BEFORE + REACH)
    return round(NAMES + min(max(share, 0.0), 1.0) * (WIDTH - NAMES), 1)


def _bar(case: AlertRow, now: datetime) -> TimeBar:
    start = place_of(case.starts or now, now)
    # A shorter bar could not be seen.
    return TimeBar(case, start, max(place_of(case.ends or now, now) - start, 4.0))


def _dots(sent: Sequence[Post], now: datetime) -> tuple[tuple[str, tuple[Dot, ...]], ...]:
    rows: dict[str, list[Dot]] = {}
    for post in sent:
        if post.sent_at and post.sent_at >= now - BEFORE:
            rows.setdefault(post.channel, []).append(Dot(post, place_of(post.sent_at, now)))
    return tuple((channel, tuple(dots)) for channel, dots in sorted(rows.items()))


def _ticks(now: datetime, zone: tzinfo) -> tuple[tuple[float, datetime], ...]:
    """Every third hour of the station's day."""
    hour = now.astimezone(zone).replace(minute=0, second=0, microsecond=0)
    hours = [hour + timedelta(hours=step) for step in range(-3, 26)]
    inside = [each for each in hours if each.astimezone(zone).hour % 3 == 0 and -BEFORE <= each - now <= REACH]
    return tuple((place_of(each, now), each) for each in inside)


def agenda_of(unit: DeskUnit, span: timedelta) -> Agenda:
    """Return the alerts that begin or end, and the posts that go out, within the span."""
    now, views, language = unit.now, unit.views, unit.desk.station.language
    touching = views.starting_between(now, now + span, most=MOST + 1)
    timed = _waiting_for_their_time(unit)
    late = views.stored_alerts(list({post.alert_id for post in timed}))
    unended = _newest(touching, AlertState.ACCEPTED, AlertState.WAITING)
    stored_alerts = {stored.id: stored for stored in (*unended, *late.values())}
    threads = views.threads(list({stored.incident_id for stored in stored_alerts.values()}))
    cases = {each: case_of(stored, threads[stored.incident_id], language) for each, stored in stored_alerts.items()}
    entries = [entry for case in cases.values() for entry in _of_alert(case, now, now + span)]
    entries += _of_posts(cases, timed, now + span)
    under_way = tuple(case for case in cases.values() if case.is_on and case.starts and case.starts <= now)
    return Agenda(_by_day(entries, unit), under_way, len(touching) > MOST)


def _waiting_for_their_time(unit: DeskUnit) -> list[Post]:
    waiting = unit.views.posts_in(PostState.WAITING, most=200)
    queued = unit.views.posts_in(PostState.QUEUED, most=200)
    return [post for post in (*waiting, *queued) if post.not_before and post.not_before > unit.now]


def _of_alert(case: AlertRow, now: datetime, end: datetime) -> list[AgendaLine]:
    times = (("begins", case.starts), ("ends", case.ends))
    # What was rejected or is over still has its times, but nothing happens at them any more.
    is_real = case.is_on or case.waits
    return [AgendaLine(at, what, case) for what, at in times if is_real and at and now < at <= end]


def _of_posts(cases: dict[str, AlertRow], posts: list[Post], end: datetime) -> list[AgendaLine]:
    together: dict[tuple[str, datetime], list[Post]] = {}
    for post in posts:
        if post.not_before and post.not_before <= end:
            together.setdefault((post.alert_id, post.not_before), []).append(post)
    return [AgendaLine(at, "out", cases[alert], tuple(of)) for (alert, at), of in together.items() if alert in cases]


def _by_day(entries: list[AgendaLine], unit: DeskUnit) -> tuple[tuple[date, tuple[AgendaLine, ...]], ...]:
    days: dict[date, list[AgendaLine]] = {}
    for entry in sorted(entries, key=lambda each: each.at):
        days.setdefault(entry.at.astimezone(unit.desk.station.zone).date(), []).append(entry)
    return tuple((day, tuple(found)) for day, found in days.items())
