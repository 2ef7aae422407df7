"""The effects of a report on alerts: it joins a current one, or with other reports it makes a draft.

    report ──▶ inside a current alert, of its kind's hazard ──▶ it is about that incident
          └─▶ inside a waiting draft ──▶ the draft cites it too
          └─▶ part of a cluster of reports that no alert cites ──▶ a waiting draft of the source `reports`

A draft goes through the desk as any source's message does, and only a person ever releases it (`Town.rules_for`). A
rejected one isn't submitted again by the same people: cited reports count no more, nor do their sources until the span
has passed. As many others make a new draft, for they may know more than the officer did.

A draft's area is a circle around the cell of the newest report, so that it reveals nobody's doorstep, clipped to the
districts. Once the alert is out, or another one of that hazard, its reports are about that incident, and their
reporters are notified (`settle`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from alerts.desk.dedupe import end_reason
from alerts.desk.territory import ground_within, territory_of
from alerts.desk.unit import DeskUnit
from alerts.model.alert import (
    CLUSTER_PARAMETER,
    Alert,
    Area,
    Category,
    Certainty,
    Circle,
    Info,
    NamedValue,
    Point,
    Severity,
    Status,
    Urgency,
)
from alerts.model.bounds import simplified
from alerts.model.hazard import HAZARD_PARAMETER, Hazard, fold, hazard_of
from alerts.model.incident import AlertState, StoredAlert
from alerts.model.person import fold_name
from alerts.model.post import PostState
from alerts.model.reason import because
from alerts.model.reports import REPORTS, CitizenReport, ReportKind, ReportStep, Telling
from alerts.model.town import Town
from alerts.rendering.i18n import word
from alerts.rendering.plain import is_whole_town
from alerts.reports.clusters import Cluster, box_around, cluster_with, weight_of
from alerts.reports.places import CELL, coarse, metres

if TYPE_CHECKING:
    from alerts.store.unit import Unit

LASTS = timedelta(hours=6)
"""The validity of a released draft: crowds report the present."""
MOST_TELLINGS = 1000
"""Tellings that are compared around one; a bigger crowd has its draft already."""
AGREE_WITHIN, AGREE_SPAN = 1.5 * CELL, timedelta(hours=24)
"""Two reporters of one kind in one square, or in adjoining ones, agree if they report within that time.

The distance is the maximum between the squares' middles. An agreement is public: by exact places one reporter could
measure the other's.
"""
# Drafts older than this are no longer checked for a publication.
SETTLED_FOR = timedelta(days=2)
MOST_DRAFTS = 100
MOST_WAITING = 10
"""Drafts of reports that wait at a time: each alarms those on duty, and an attacker with many networks never stops.

Further clusters are shown at the desk, and become a draft with their next report once one is decided, or once they are
fuller than one of the ten fullest: an attacker with few networks can't block a crowd.
"""
MOST_WEIGHED, MOST_WHILE_FULL = 100, 200
"""Tellings by which a draft is weighed, and those compared around one while so many wait."""
# Degrees: a square of about 100 m.
_CELL = 0.001
# From the middle of a cell to its corner, in metres, rounded up.
_WITHIN_CELL = 80.0
# Hazards that a passer-by can't distinguish.
_ALIKE = (
    frozenset({Hazard.FLOOD, Hazard.RAIN_FLOOD}),
    frozenset({Hazard.WIND, Hazard.STORM}),
    frozenset({Hazard.WATER_CUT, Hazard.WATER_CUT_PLANNED}),
)


@dataclass(frozen=True, slots=True)
class Came:
    """The effects of a report: the draft that cites it, its incident, and whether posts were stored."""

    draft: str | None = None
    incident: str | None = None
    changed: str | None = None
    posts: bool = False


@dataclass(frozen=True, slots=True)
class ClusterDraft:
    """An alert that a cluster made, around which place and within how many metres its reports are."""

    stored: StoredAlert
    kind: str
    centre: Point
    radius: float

    def reaches(self, place: Point) -> bool:
        """True if a report there belongs to it."""
        return metres(self.centre, place) <= self.radius


class AlertsOn:
    """The alerts that matter to a report: those that are let out and not ended, and the drafts that wait."""

    def __init__(self, unit: DeskUnit) -> None:
        current = unit.views.on_now(unit.now)
        newest = {each.incident_id: each for each in current if each.state is AlertState.ACCEPTED}
        self.town = unit.desk.station
        self.weights: list[int] | None = None
        self.live = [each for each in newest.values() if is_on(each, unit.now)]
        self.drafts = [
            draft
            for each in current
            if each.source == REPORTS and each.state is AlertState.WAITING and is_on(each, unit.now)
            if (draft := draft_of(each)) is not None
        ]

    def about(self, kind: ReportKind, place: Point) -> str | None:
        """The incident of an alert that is on there, of that kind's hazard."""
        for each in self.live:
            if each.alert is None or kind.hazard is None:
                continue
            own = draft_of(each)
            is_own = own is not None and own.kind == kind.code and own.reaches(place)
            if is_own or (is_of_hazard(each.alert, kind.hazard) and covers(each.alert, place, self.town)):
                return each.incident_id
        return None

    def waiting(self, kind: ReportKind, place: Point) -> ClusterDraft | None:
        """The draft of that kind that waits and reaches there."""
        return next((each for each in self.drafts if each.kind == kind.code and each.reaches(place)), None)


class AlertsNow:
    """The alerts that are on, for one transaction: read when they are first asked for, and anew once a draft was made.

    Each is a whole message: of a crowd, twenty reports have one reading.
    """

    def __init__(self, unit: DeskUnit) -> None:
        self._unit = unit
        self._found: AlertsOn | None = None

    def get(self) -> AlertsOn:
        """As they are now."""
        if self._found is None:
            self._found = AlertsOn(self._unit)
        return self._found

    def changed(self) -> None:
        """One was made meanwhile."""
        self._found = None


def is_on(stored: StoredAlert, now: datetime) -> bool:
    """True if its event is current: no exercise, not over, not ended."""
    alert = stored.alert
    return alert is not None and alert.status is Status.ACTUAL and alert.ends > now and end_reason(alert) is None


def is_of_hazard(alert: Alert, hazard: Hazard) -> bool:
    """True if an alert is about that hazard, or about one that looks the same in the street."""
    hazards = {hazard_of(info) for info in alert.infos}
    return hazard in hazards or any(hazard in alike and hazards & alike for alike in _ALIKE)


def covers(alert: Alert, place: Point, town: Town) -> bool:
    """True if a place lies in one of the alert's areas: by its outlines, else by its codes, else by the town's name."""
    return any(_covers(area, place, town) for area in alert.areas)


def _covers(area: Area, place: Point, town: Town) -> bool:
    if any(circle.radius > 0 and metres(circle.centre, place) <= circle.radius * 1000 for circle in area.circles):
        return True
    if any(_is_within(place, ring) for ring in area.polygons):
        return True
    if area.polygons or area.circles:
        return False
    if area.geocodes:
        return territory_of(town).holds(area, place)
    return fold(area.description) == fold(town.name) or is_whole_town(area.description)


def _is_within(place: Point, ring: Sequence[Point]) -> bool:
    """By the number of its edges that a line to the east crosses."""
    lat, lon = place
    inside = False
    for (lat_a, lon_a), (lat_b, lon_b) in zip(ring, (*ring[1:], *ring[:1]), strict=True):
        if (lat_a > lat) != (lat_b > lat) and lon < (lon_b - lon_a) * (lat - lat_a) / (lat_b - lat_a) + lon_a:
            inside = not inside
    return inside


def draft_of(stored: StoredAlert) -> ClusterDraft | None:
    """Return the cluster that made an alert. Returns None if none did."""
    alert = stored.alert
    parameter = (
        next((found for info in alert.infos if (found := info.parameter(CLUSTER_PARAMETER))), None) if alert else None
    )
    try:
        kind, place, reach = (parameter or "").split(" ")
        lat, lon = map(float, place.split(","))
        return ClusterDraft(stored, kind, (lat, lon), float(reach))
    except ValueError:
        return None


def consider(
    unit: DeskUnit, kind: ReportKind, report: CitizenReport, new: Telling, alerts: AlertsNow | None = None
) -> Came:
    """Apply a stored telling. It changes its report and those with which it makes a cluster."""
    place = (new.lat, new.lon)
    _note_agreement(unit, kind, new)
    if kind.hazard is None or report.incident is not None or report.draft is not None:
        return Came(report.draft, report.incident)
    alerts = alerts or AlertsNow(unit)
    on = alerts.get()
    if (incident := on.about(kind, place)) is not None:
        unit.reports.attach([report.id], incident, unit.now)
        # Whoever reports is answered with it: nothing is left to be told.
        notified_at = unit.now if new.source == report.source else None
        _tell_of(unit, [report], incident, notified_at)
        return Came(incident=incident, changed=incident)
    if kind.cluster is None:
        return Came()
    if (draft := on.waiting(kind, place)) is not None:
        unit.reports.cite([report.id], draft.stored.id, unit.now)
        return Came(draft.stored.id, changed=draft.stored.incident_id)
    cluster = _cluster_with(unit, kind, new, on)
    if cluster is None or not _has_a_place(unit, cluster, on):
        return Came()
    alerts.changed()
    return _draft(unit, kind, cluster)


def _note_agreement(unit: DeskUnit, kind: ReportKind, new: Telling) -> None:
    square = coarse(new.lat, new.lon)
    box = box_around(square, AGREE_WITHIN + CELL)
    around = unit.reports.tellings(kind.code, new.at - AGREE_SPAN, new.at + AGREE_SPAN, box, 50)
    near = [each for each in around if metres(square, coarse(each.lat, each.lon)) <= AGREE_WITHIN]
    own = {new.source, new.source_before} - {None}
    others = [each for each in near if not own & {each.source, each.source_before} and not _is_by_one(each, new)]
    if others:
        unit.reports.agreed([new.report, *(each.report for each in others)])


def _is_by_one(one: Telling, other: Telling) -> bool:
    """True if one officer or program submitted both: nobody agrees with themselves, whomever they name."""
    return one.by is not None and other.by is not None and fold_name(one.by) == fold_name(other.by)


def _cluster_with(unit: DeskUnit, kind: ReportKind, new: Telling, on: AlertsOn) -> Cluster | None:
    rule = kind.cluster
    if rule is None:
        return None
    box = box_around((new.lat, new.lon), 2 * rule.radius)
    most = MOST_TELLINGS if len(on.drafts) < MOST_WAITING else MOST_WHILE_FULL
    found = unit.reports.tellings(kind.code, new.at - rule.span, new.at + rule.span, box, most)
    waiting = {draft.stored.id for draft in on.drafts}
    spent = [each for each in found if each.draft is not None and each.draft not in waiting]
    free = [
        each
        for each in found
        if each.draft is None and each.incident is None and on.waiting(kind, (each.lat, each.lon)) is None
    ]
    return cluster_with(new, free, rule, spent)


def _has_a_place(unit: DeskUnit, cluster: Cluster, on: AlertsOn) -> bool:
    """True if too few waiting drafts are as full as it to take all places: so a crowd always has one."""
    if len(on.drafts) < MOST_WAITING:
        return True
    if on.weights is None:
        on.weights = [_weight(unit, each) for each in on.drafts]
    return sum(each >= cluster.weight for each in on.weights) < MOST_WAITING


def _weight(unit: DeskUnit, draft: ClusterDraft) -> int:
    """As how many sources its tellings count."""
    box = box_around(draft.centre, draft.radius)
    tellings = unit.reports.tellings(draft.kind, unit.now - AGREE_SPAN, unit.now, box, MOST_WEIGHED)
    return weight_of(each for each in tellings if each.draft == draft.stored.id)


def _draft(unit: DeskUnit, kind: ReportKind, cluster: Cluster) -> Came:
    alert = draft_alert(unit, kind, cluster)
    filed = unit.desk.file(unit.alerts, alert, REPORTS)
    # Also where no channel takes it: it is told once that nobody would read it, and not with each report anew.
    unit.reports.cite(cluster.reports, filed.stored.id, unit.now)
    waits = filed.stored.state is AlertState.WAITING
    return Came(filed.stored.id if waits else None, changed=filed.stored.incident_id, posts=bool(filed.drafts))


def draft_alert(unit: DeskUnit, kind: ReportKind, cluster: Cluster) -> Alert:
    """Return a cluster's alert: possible, moderate, for some hours, in the town's language.

    It is worded as an unconfirmed observation: the hazard's words and orders are for another alert.
    """
    town, rule = unit.desk.station, kind.cluster
    radius = rule.radius if rule is not None else 0.0
    centre, reach = cell_of(cluster.centre), radius + _WITHIN_CELL
    areas = areas_around(town, centre, reach)
    # CAP's times have whole seconds.
    sent = unit.now.replace(microsecond=0).astimezone(town.zone)
    matter = kind.description(town.language)
    headline = because("several_report", told=matter)
    description = because("several_reported", count=cluster.sources, since=cluster.since)
    info = Info(
        event=matter,
        categories=(Category.SAFETY,),
        urgency=Urgency.EXPECTED,
        severity=Severity.MODERATE,
        certainty=Certainty.POSSIBLE,
        language=town.language,
        onset=cluster.since.replace(microsecond=0).astimezone(town.zone),
        expires=_quarter(sent + LASTS),
        sender_name=town.name,
        headline=word(headline, town.language, town.zone),
        description=word(description, town.language, town.zone),
        instruction=kind.what_to_do(town.language),
        parameters=(
            *((NamedValue(HAZARD_PARAMETER, kind.hazard.value),) if kind.hazard else ()),
            NamedValue(CLUSTER_PARAMETER, f"{kind.code} {centre[0]:.4f},{centre[1]:.4f} {reach:.0f}"),
        ),
        areas=areas,
    )
    return Alert(identifier=f"tocsin-{unit.new_id()}", sender=town.sender, sent=sent, infos=(info,))


def _quarter(time: datetime) -> datetime:
    minute = time.replace(second=0)
    return minute + timedelta(minutes=-minute.minute % 15)


def cell_of(place: Point) -> Point:
    """The middle of the cell of some hundred metres that a place is in."""
    lat, lon = ((math.floor(each / _CELL) + 0.5) * _CELL for each in place)
    return lat, lon


def areas_around(town: Town, centre: Point, reach: float) -> tuple[Area, ...]:
    """Return the part of a circle in each district, by its name; the whole circle without any."""
    circle = Circle((round(centre[0], 4), round(centre[1], 4)), round(reach / 1000, 3))
    clipped = ground_within(town, circle)
    if clipped:
        return tuple(Area(name, polygons=tuple(simplified(ring) for ring in rings)) for name, rings in clipped)
    return (Area(town.name, circles=(circle,), geocodes=territory_of(town).codes),)


def _tell_of(
    unit: DeskUnit, reports: Iterable[CitizenReport], incident: str, notified_at: datetime | None = None
) -> None:
    for each in reports:
        step = ReportStep(each.id, unit.now, each.state, incident=incident, told_at=notified_at)
        unit.reports.step(step, each.channel, each.chat)


# --- once it is decided


def settled(unit: DeskUnit) -> Mapping[str, str]:
    """The drafts whose reports are about an incident by now: it is out, or another alert of their hazard is, there."""
    drafts = unit.reports.drafts(unit.now - SETTLED_FOR, MOST_DRAFTS)
    found: dict[str, str] = {}
    on = AlertsOn(unit) if drafts else None
    for identity in drafts:
        stored = next((each for each in unit.alerts.by_id(identity) if each.id == identity), None)
        draft = draft_of(stored) if stored is not None else None
        if on is None or stored is None or draft is None:
            continue
        section = unit.desk.station.reports
        kind = section.kind(draft.kind) if section is not None else None
        if stored.state is AlertState.ACCEPTED:
            if is_published(unit, stored.incident_id):
                found[identity] = stored.incident_id
        elif (
            kind is not None and (incident := on.about(kind, draft.centre)) is not None and is_published(unit, incident)
        ):
            found[identity] = incident
    return found


def is_published(unit: Unit, incident: str) -> bool:
    """True if somebody could read it: one of its posts is out."""
    return any(post.state is PostState.SENT for post in unit.alerts.thread(incident))


def settle(unit: DeskUnit) -> tuple[Sequence[str], frozenset[str]]:
    """Attach the reports of published alerts to their incident, and notify the reporters.

    Returns the numbers of those reports, and the incidents.
    """
    numbers: list[str] = []
    incidents = settled(unit)
    for draft, incident in incidents.items():
        reports = [each for each in unit.reports.cited_by(draft) if each.incident is None]
        unit.reports.attach([each.id for each in reports], incident, unit.now)
        _tell_of(unit, reports, incident)
        numbers += [each.number for each in reports]
    return numbers, frozenset(incidents.values())
