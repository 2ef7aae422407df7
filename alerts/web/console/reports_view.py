"""What the pages of citizens' reports show, each read in one unit of work: the list, and one report with all of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from alerts.desk.service import DeskUnit
from alerts.model.incident import AlertState, Wanted
from alerts.model.reports import (
    REPORTS,
    CitizenReport,
    ContentNotice,
    Forwarding,
    ForwardState,
    ReportPhoto,
    ReportState,
    ReportStep,
)
from alerts.reports.clusters import GrowingCluster, box_around, growing_now
from alerts.reports.places import metres
from alerts.store.report_lists import BEGINNING, Place
from alerts.web.console.heard_view import headlines_of, incidents_on
from alerts.web.console.reports_filter import ReportFilter, spelled

A_PAGE = 50
MOST_COUNTED = 1000
"""Reports are counted up to so many; a list says "more than" beyond."""
NEAR = 300.0
"""Metres within which reports of a kind are offered as the same."""
MOST_NEAR = 6
LOOKED_BACK = timedelta(days=365)
MOST_DRAFTS = 20
MOST_NAMES = 12
"""Persons and services that a page offers to assign a report to."""
MOST_NOTICES = 50
MOST_STUCK = 20
STUCK = (ForwardState.FAILED, ForwardState.IN_DOUBT)
_MOST_LOOKED_AT = 200


@dataclass(frozen=True, slots=True)
class SeenReport:
    """A report in the list: by how many it was told, as far back as that is known, and what is stuck elsewhere."""

    report: CitizenReport
    tellers: int = 1
    stuck: tuple[Forwarding, ...] = ()


@dataclass(frozen=True, slots=True)
class WaitingDraft:
    """A draft alert that reports made, which waits for an officer; `count` of them it is made of."""

    id: str
    headline: str
    count: int


@dataclass(frozen=True, slots=True)
class ReportBoard:
    """All that the list shows. `onward` is the place from which it goes on, `total` how many there are, up to a bound.

    `counts` are of all that is open, whatever the filter. `growing` are clusters on their way to a draft, `drafts`
    those that wait. `notices` counts what is said against reports and waits for a decision, `stuck` are those
    that another server refused, or perhaps has: somebody has to look there.
    """

    rows: tuple[SeenReport, ...]
    onward: str | None
    total: int
    counts: Mapping[ReportState, int]
    growing: tuple[GrowingCluster, ...] = ()
    drafts: tuple[WaitingDraft, ...] = ()
    notices: int = 0
    stuck: tuple[str, ...] = ()
    headlines: Mapping[str, str] = field(default_factory=dict)
    on: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class ReportSheet:
    """One report with all that hangs on it.

    `same` are open ones of its kind near it with the metres to each, `duplicates` those that were closed as the same,
    `first` the one that it duplicates. `names` are those that it can be assigned to.
    """

    report: CitizenReport
    tellers: int
    steps: tuple[ReportStep, ...]
    photo: ReportPhoto | None
    forwards: tuple[Forwarding, ...]
    notices: tuple[ContentNotice, ...]
    same: tuple[tuple[CitizenReport, float], ...]
    duplicates: tuple[CitizenReport, ...]
    first: CitizenReport | None
    names: tuple[str, ...]
    on: tuple[tuple[str, str], ...]
    headlines: Mapping[str, str]


def board_of(unit: DeskUnit, asked: ReportFilter, after: Place = BEGINNING) -> ReportBoard:
    """The list as it is now, from behind that place on."""
    wanted, lists = asked.wanted(unit.now), unit.report_lists
    found = lists.found(wanted, A_PAGE + 1, after)
    shown = found[:A_PAGE]
    reports = [each.report for each in shown]
    drafts = drafts_waiting(unit)
    named = [each.incident for each in reports] + [asked.incident or None]
    section = unit.desk.station.reports
    return ReportBoard(
        rows=tuple(_seen(unit, reports)),
        onward=spelled(shown[-1].place) if len(found) > A_PAGE else None,
        total=lists.count(wanted, MOST_COUNTED),
        counts=lists.open_counts(),
        growing=tuple(growing_now(unit, section.kinds if section is not None else (), unit.now)),
        drafts=tuple(drafts),
        notices=len(unit.reports.notices(MOST_NOTICES, state="open")),
        stuck=tuple(lists.stuck(list(section.forward), MOST_STUCK)) if section is not None and section.forward else (),
        headlines=headlines_of(unit, named),
        on=tuple(incidents_on(unit)),
    )


def _seen(unit: DeskUnit, reports: Sequence[CitizenReport]) -> Iterable[SeenReport]:
    ids = [each.id for each in reports]
    told, forwards = unit.report_lists.told_by(ids), unit.reports.forwardings_of(ids)
    for each in reports:
        stuck = tuple(one for one in forwards if one.report == each.id and one.state in STUCK)
        yield SeenReport(each, told.get(each.id, 1), stuck)


def cited_in(unit: DeskUnit, alerts: Sequence[str]) -> Mapping[str, Sequence[str]]:
    """The numbers of the reports that each of these alerts was made of; nothing where the town takes none."""
    return unit.reports.drafted_from(alerts) if unit.desk.station.reports is not None else {}


def drafts_waiting(unit: DeskUnit) -> list[WaitingDraft]:
    """The draft alerts that reports made and that wait, newest first."""
    stored = unit.views.page(Wanted(state=AlertState.WAITING, source=REPORTS), most=MOST_DRAFTS)
    language, cited = unit.desk.station.language, unit.reports.drafted_from([each.id for each in stored])
    found = []
    for each in stored:
        info = each.alert.info_for(language) if each.alert is not None else None
        headline = (info.headline or info.event) if info is not None else each.id
        found.append(WaitingDraft(each.id, headline, len(cited.get(each.id, ()))))
    return found


def sheet_of(unit: DeskUnit, number: str) -> ReportSheet | None:
    """One report; None where there is none of that number."""
    report = unit.reports.by_number(number)
    if report is None:
        return None
    first = unit.reports.by_id(report.duplicate_of) if report.duplicate_of is not None else None
    steps = tuple(unit.reports.steps(report.id))
    return ReportSheet(
        report,
        unit.report_lists.told_by([report.id]).get(report.id, 1),
        steps,
        unit.reports.photo(report.id),
        tuple(unit.reports.forwardings(report.id)),
        tuple(unit.reports.notices(MOST_NOTICES, report=report.id)),
        tuple(_same(unit, report)),
        tuple(unit.reports.duplicates_of(report.id, MOST_NOTICES)),
        first,
        tuple(names_for(unit)),
        tuple(incidents_on(unit)),
        headlines_of(unit, [report.incident, *(step.incident for step in steps)]),
    )


def _same(unit: DeskUnit, report: CitizenReport) -> list[tuple[CitizenReport, float]]:
    """Open ones of its kind around it, the nearest first."""
    if report.lat is None or report.lon is None:
        return []
    place, since = (report.lat, report.lon), unit.now - LOOKED_BACK
    near = unit.reports.of_kind(report.kind, since, unit.now, box_around(place, NEAR), _MOST_LOOKED_AT)
    placed = [(each, metres(place, (each.lat or 0.0, each.lon or 0.0))) for each in near if each.id != report.id]
    return sorted((each for each in placed if each[1] <= NEAR), key=lambda pair: pair[1])[:MOST_NEAR]


def names_for(unit: DeskUnit) -> list[str]:
    """To whom a report may be given: to whom open ones are given now, then everybody who may sign in."""
    people = [each.name for each in unit.accounts.accounts() if each.disabled_at is None]
    return list(dict.fromkeys((*unit.report_lists.assigned_to(MOST_NAMES), *people)))[:MOST_NAMES]
