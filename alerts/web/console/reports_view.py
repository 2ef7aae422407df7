"""The pages of citizens' reports, each read in one unit of work: the list, and one report with all of it.

An address's filter (`ReportFilter`) selects them, for a page, a map or a file. A filter is words in an address, so that
a link, a bookmark and the form of an act carry it alike. An unknown value selects nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from urllib.parse import parse_qsl, urlencode

from alerts.desk.unit import DeskUnit
from alerts.model.bounds import bounded
from alerts.model.incident import AlertState, Wanted
from alerts.model.reports import (
    COUNTING,
    REPORTS,
    CitizenReport,
    ContentNotice,
    Forwarding,
    ForwardState,
    ReportPhoto,
    ReportState,
    ReportStep,
    WantedReports,
)
from alerts.model.town import Town
from alerts.reports.clusters import GrowingCluster, box_around, growing_now
from alerts.reports.places import metres
from alerts.reports.steps import WAITING
from alerts.store.report_lists import BEGINNING, Place
from alerts.web.console.heard_view import headlines_of, incidents_on

OPEN = "open"
STATES: Mapping[str, tuple[ReportState, ...]] = {
    OPEN: COUNTING,
    "waiting": WAITING,
    **{state.value: (state,) for state in ReportState},
    "all": (),
}
"""The filters by state, by their names in an address; the default is open ones."""
SPANS: Mapping[str, timedelta] = {
    "1h": timedelta(hours=1),
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
    "1y": timedelta(days=365),
}
_LONGEST = 100
# A rank and a number (`report_lists`).
_PLACE = re.compile(r"([012])-([0-9]{1,12})")


@dataclass(frozen=True, slots=True)
class ReportFilter:
    """A search, as in an address; an empty field matches all."""

    state: str = OPEN
    kind: str = ""
    district: str = ""
    words: str = ""
    since: str = ""
    incident: str = ""
    draft: str = ""

    def wanted(self, now: datetime) -> WantedReports:
        """As the store is asked for it."""
        return WantedReports(
            states=STATES[self.state],
            kind=self.kind or None,
            district=self.district or None,
            words=self.words or None,
            since=now - SPANS[self.since] if self.since else None,
            incident=self.incident or None,
            draft=self.draft or None,
        )

    def query(self, **more: str) -> str:
        """Return the filter as a query string, with more behind it; empty without one."""
        said = {each.name: getattr(self, each.name) for each in fields(self)}
        given = {name: value for name, value in said.items() if value and (name, value) != ("state", OPEN)}
        return urlencode({**given, **{name: value for name, value in more.items() if value}})

    def address(self, path: str, **more: str) -> str:
        """Return that path with this filter."""
        query = self.query(**more)
        return f"{path}?{query}" if query else path

    @property
    def is_narrow(self) -> bool:
        """True if it selects less than all open ones."""
        return bool(self.query())


def filter_of(said: Mapping[str, str], town: Town) -> ReportFilter:
    """The filter that these words of an address ask for."""
    names = [each.name for each in fields(ReportFilter)]
    typed = {name: bounded(said.get(name, ""), _LONGEST).strip() for name in names}
    kinds = town.reports.kinds if town.reports is not None else ()
    asked = ReportFilter(**{**typed, "state": typed["state"] or OPEN})
    return replace(
        asked,
        state=asked.state if asked.state in STATES else OPEN,
        since=asked.since if asked.since in SPANS else "",
        kind=asked.kind if asked.kind in {kind.code for kind in kinds} else "",
        district=asked.district if asked.district in {each.code for each in town.districts} else "",
    )


def filter_from(query: str, town: Town) -> ReportFilter:
    """The same out of a query that a form carried: only what is a filter's comes through."""
    return filter_of(dict(parse_qsl(query[: 10 * _LONGEST])), town)


def place_of(said: str) -> Place:
    """The place behind which a list goes on; the beginning where that names none."""
    found = _PLACE.fullmatch(said)
    return (int(found[1]), int(found[2])) if found else BEGINNING


def spelled(place: Place) -> str:
    """A place as an address names it."""
    return f"{place[0]}-{place[1]}"


A_PAGE = 50
MOST_COUNTED = 1000
"""Reports are counted up to so many; a list says "more than" beyond."""
NEAR = 300.0
"""Metres within which reports of a kind are offered as the same."""
# Bounds of one report's page.
MOST_NEAR = 6
LOOKED_BACK = timedelta(days=365)
MOST_DRAFTS = 20
MOST_NAMES = 12
"""Persons and services that a page offers to assign a report to."""
MOST_NOTICES = 50
MOST_STUCK = 20
# Forwardings that wait for a decision.
STUCK = (ForwardState.FAILED, ForwardState.IN_DOUBT)
_MOST_LOOKED_AT = 200


@dataclass(frozen=True, slots=True)
class SeenReport:
    """A report in the list: its number of sources, as far back as that is known, and its stuck forwardings."""

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
    """The list's content. `onward` is the place from which it continues, `total` the number of matches, up to a bound.

    `counts` are of all open ones, whatever the filter. `growing` are clusters on their way to a draft, `drafts` the
    waiting ones. `notices` counts objections that wait for a decision, `stuck` are those that another server refused,
    or perhaps has: somebody has to check there.
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

    def rows_of(self, draft: str) -> list[SeenReport]:
        """Return the rows shown with their draft: none of them needs an act of its own."""
        return [each for each in self.rows if each.report.draft == draft and not (each.report.held or each.stuck)]

    @property
    def others(self) -> list[SeenReport]:
        """Return the rows shown individually."""
        grouped = {each.report.id for draft in self.drafts for each in self.rows_of(draft.id)}
        return [each for each in self.rows if each.report.id not in grouped]


@dataclass(frozen=True, slots=True)
class ReportDetail:
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
    # One more than is shown, to know if there is another page.
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
    counts, forwards = unit.report_lists.reporter_counts(ids), unit.reports.forwardings_of(ids)
    for each in reports:
        stuck = tuple(one for one in forwards if one.report == each.id and one.state in STUCK)
        yield SeenReport(each, counts.get(each.id, 1), stuck)


def cited_in(unit: DeskUnit, alerts: Sequence[str]) -> Mapping[str, Sequence[str]]:
    """The numbers of the reports that each of these alerts was made of; nothing where the town takes none."""
    return unit.reports.drafted_from(alerts) if unit.desk.station.reports is not None else {}


def bringers_of(unit: DeskUnit, alert: str) -> Sequence[str]:
    """Return the submitters of an alert's cited reports: officers, and programs' owners. None may validate it."""
    return unit.reports.brought_by([alert]).get(alert, ()) if unit.desk.station.reports is not None else ()


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


def report_detail(unit: DeskUnit, number: str) -> ReportDetail | None:
    """One report; None where there is none of that number."""
    report = unit.reports.by_number(number)
    if report is None:
        return None
    first = unit.reports.by_id(report.duplicate_of) if report.duplicate_of is not None else None
    steps = tuple(unit.reports.steps(report.id))
    return ReportDetail(
        report,
        unit.report_lists.reporter_counts([report.id]).get(report.id, 1),
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
