"""What is to come: works and other alerts that haven't begun, and posts that wait for their time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from aiohttp import web

from alerts.desk.service import DeskUnit
from alerts.model.incident import AlertState, StoredAlert
from alerts.model.post import Post, PostState
from alerts.web.console.frame import Console
from alerts.web.console.watch.cases import Case, case_of
from alerts.web.console.watch.view import page

SPANS = {"week": timedelta(days=7), "month": timedelta(days=31)}
MOST = 500


@dataclass(frozen=True, slots=True)
class Entry:
    """One line: at `at` an alert `begins`, `ends` or goes `out` (posts that wait until then)."""

    at: datetime
    what: str
    case: Case
    posts: tuple[Post, ...] = ()


@dataclass(frozen=True, slots=True)
class Agenda:
    """The days that have something, in order; `cut` says that there was more than is shown."""

    days: tuple[tuple[date, tuple[Entry, ...]], ...]
    under_way: tuple[Case, ...]
    cut: bool


def routes(console: Console) -> list[web.RouteDef]:
    """The page."""

    async def show(request: web.Request) -> web.Response:
        span = request.query.get("span", "week")
        span = span if span in SPANS else "week"
        agenda = await console.service.ask(lambda unit: agenda_of(unit, SPANS[span]))
        return page(console, request, "calendar.html", agenda=agenda, span=span)

    return [web.get("/calendar", show)]


def agenda_of(unit: DeskUnit, span: timedelta) -> Agenda:
    """What begins, ends or goes out within the span."""
    now, views, language = unit.now, unit.views, unit.desk.station.language
    touching = views.starting_between(now, now + span, most=MOST + 1)
    timed = _waiting_for_their_time(unit)
    late = views.records(list({post.alert_id for post in timed}))
    records = {record.id: record for record in (*_newest(list(touching)), *late.values())}
    threads = views.threads(list({record.incident_id for record in records.values()}))
    cases = {each: case_of(record, threads[record.incident_id], language) for each, record in records.items()}
    entries = [entry for case in cases.values() for entry in _of_alert(case, now, now + span)]
    entries += _of_posts(cases, timed, now + span)
    under_way = tuple(case for case in cases.values() if case.is_on and case.starts and case.starts <= now)
    return Agenda(_by_day(entries, unit), under_way, len(touching) > MOST)


def _newest(records: list[StoredAlert]) -> list[StoredAlert]:
    """Of each incident the newest message, that was taken in or waits."""
    newest: dict[str, StoredAlert] = {}
    for record in sorted(records, key=lambda each: each.received_at):
        if record.state in (AlertState.ACCEPTED, AlertState.WAITING):
            newest[record.incident_id] = record
    return list(newest.values())


def _waiting_for_their_time(unit: DeskUnit) -> list[Post]:
    waiting = unit.views.posts_in(PostState.WAITING, most=200)
    queued = unit.views.posts_in(PostState.QUEUED, most=200)
    return [post for post in (*waiting, *queued) if post.not_before and post.not_before > unit.now]


def _of_alert(case: Case, now: datetime, end: datetime) -> list[Entry]:
    times = (("begins", case.starts), ("ends", case.ends))
    is_real = case.is_on or case.waits
    return [Entry(at, what, case) for what, at in times if is_real and at and now < at <= end]


def _of_posts(cases: dict[str, Case], posts: list[Post], end: datetime) -> list[Entry]:
    together: dict[tuple[str, datetime], list[Post]] = {}
    for post in posts:
        if post.not_before and post.not_before <= end:
            together.setdefault((post.alert_id, post.not_before), []).append(post)
    return [Entry(at, "out", cases[alert], tuple(of)) for (alert, at), of in together.items() if alert in cases]


def _by_day(entries: list[Entry], unit: DeskUnit) -> tuple[tuple[date, tuple[Entry, ...]], ...]:
    days: dict[date, list[Entry]] = {}
    for entry in sorted(entries, key=lambda each: each.at):
        days.setdefault(entry.at.astimezone(unit.desk.station.timezone).date(), []).append(entry)
    return tuple((day, tuple(found)) for day, found in days.items())
