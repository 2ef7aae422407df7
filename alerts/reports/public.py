"""The public part of reports: pins on the map, and the reports near a place that somebody is about to report.

A *pin* reveals little: the middle of a square of 100 m, the street without its number, the day without the hour. It has
a text once an officer accepted the report, a photo once that was released, and neither while they are withheld. Only
the content of a `Pin` is ever public.

While reports exceed the town's flood, an unreviewed pin is shown only if a cluster cites it: otherwise somebody with
two networks could paint the map.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from alerts.desk.unit import DeskUnit
from alerts.model.alert import Point
from alerts.model.incident import StoredAlert
from alerts.model.reports import CitizenReport, Closing, ReportKind, ReportState
from alerts.model.town import Town
from alerts.reports.clusters import box_around
from alerts.reports.drafting import AlertsOn
from alerts.reports.places import CELL, Places, coarse, metres
from alerts.store.report_lists import ShownReport
from alerts.store.unit import Unit

MOST_PINS = 2000
"""Pins on a map: with more it is unreadable."""
GONE_AFTER = timedelta(days=14)
"""How long a closed report is still shown."""
NEAR, MOST_NEAR = 150.0, 3
"""Metres from square to square (`coarse`), and the number of reports of a kind, shown to somebody about to report the
same."""
ASKED_BACK = timedelta(days=180)
"""The age up to which an open report is shown to somebody about to report the same."""
# The most reports that one request may read.
_MOST_LOOKED_AT = 200


@dataclass(frozen=True, slots=True)
class Pin:
    """The public form of a report: `lat` and `lon` are the middle of its square of 100 m, never its place.

    `place` is a street without a number, `district` its name; None if unknown. `agreed` is the number of sources
    besides the reporter, as far back as that is known (a day). `language` is that of the `text`.
    """

    id: str
    number: str
    kind: str
    lat: float
    lon: float
    place: str | None
    day: date
    state: ReportState
    closing: Closing | None = None
    answer: str | None = None
    text: str | None = None
    has_photo: bool = False
    agreed: int = 0
    district: str | None = None
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Nearby:
    """The known facts at a place: open reports of that kind, the nearest first, and the current alert."""

    reports: Sequence[Pin] = ()
    incident: StoredAlert | None = None


def may_show(report: CitizenReport, town: Town, now: datetime) -> bool:
    """True if the report may be shown: of a public kind, reviewed or confirmed by another person, not long closed.

    A confirmation isn't enough for a text or a photo: those wait for an officer.
    """
    kind = town.reports.kind(report.kind) if town.reports is not None else None
    if kind is None or not kind.public or report.lat is None or report.lon is None:
        return False
    if report.state in (ReportState.HELD, ReportState.SET_ASIDE) or report.closing is Closing.ERASED:
        return False
    if report.closed_at is not None and report.closed_at + GONE_AFTER <= now:
        return False
    return report.accepted_at is not None or (report.agreed and report.text is None and not report.has_photo)


def pin_of(report: CitizenReport, town: Town, places: Places, *, photo_released: bool, agreed: int = 0) -> Pin:
    """Return the public form of a report. The caller checks `may_show` first; its place must be known."""
    lat, lon = report.lat or 0.0, report.lon or 0.0
    # If the place was rounded, the street next to the middle of its square may be another one.
    street = None if report.rounded else places.street(lat, lon)
    accepted = report.accepted_at is not None and report.withheld is None
    known = next((each for each in town.districts if each.code == report.district), None)
    district = known or places.district_of(lat, lon)
    return Pin(
        report.id,
        report.number,
        report.kind,
        *coarse(lat, lon),
        place=street,
        day=report.at.astimezone(town.zone).date(),
        state=report.state,
        closing=report.closing,
        answer=report.answer,
        text=report.text if accepted else None,
        has_photo=accepted and photo_released and report.has_photo,
        agreed=agreed,
        district=district.name if district is not None else None,
        language=report.language if accepted else None,
    )


def pins(unit: Unit, town: Town, places: Places, now: datetime, *, flooded: bool = False) -> Sequence[Pin]:
    """Return the map's pins, newest first, bounded. `flooded`: unreviewed ones only if a cluster cites them."""
    return [
        _pin(each, town, places)
        for each in unit.shown_reports.current(now - GONE_AFTER, MOST_PINS)
        if may_show(each.report, town, now)
        # One matter is one pin: the page of a duplicate links to the original.
        and each.report.closing is not Closing.DUPLICATE
        and not (flooded and _is_unconfirmed(each.report))
    ]


def one_pin(unit: Unit, town: Town, places: Places, number: str, now: datetime) -> Pin | None:
    """Return the pin of the report of that number. Returns None if it may not be shown, or there is none."""
    found = unit.shown_reports.one(number.strip().upper())
    return _pin(found, town, places) if found is not None and may_show(found.report, town, now) else None


def leads_to(unit: Unit, town: Town, pin: Pin, now: datetime) -> str | None:
    """Return the number of the report that this pin duplicates. Returns None if that may not be shown."""
    own = unit.reports.by_id(pin.id)
    first = unit.reports.by_id(own.duplicate_of) if own is not None and own.duplicate_of is not None else None
    return first.number if first is not None and may_show(first, town, now) else None


def photo_shown(unit: Unit, town: Town, number: str, now: datetime) -> bytes | None:
    """Return the photo (JPEG) of the report of that number. Returns None unless it is public."""
    found = unit.shown_reports.one(number.strip().upper())
    if found is None or not may_show(found.report, town, now) or found.report.accepted_at is None:
        return None
    if found.report.withheld is not None or not found.photo_released:
        return None
    photo = unit.reports.photo(found.report.id)
    return photo.jpeg if photo is not None and photo.released_at is not None else None


def nearby(  # noqa: PLR0917 two of them are one place
    unit: DeskUnit, town: Town, places: Places, kind: str, lat: float, lon: float, now: datetime
) -> Nearby:
    """Return the known reports of that kind at a place. A hidden one reveals only its square and its day.

    So a second reporter can confirm it ("me too") instead of reporting again.
    """
    of = town.reports.kind(kind) if town.reports is not None else None
    if of is None or not of.public:
        return Nearby()
    # Measured between squares: repeated requests reveal no edge that is finer than the grid.
    place = coarse(lat, lon)
    box = box_around(place, NEAR + CELL)
    found = [
        (metres(place, coarse(each.lat, each.lon)), each)
        for each in unit.reports.of_kind(kind, now - ASKED_BACK, now, box, _MOST_LOOKED_AT)
        if each.state is not ReportState.HELD and each.lat is not None and each.lon is not None
    ]
    near = [each for far, each in sorted(found, key=lambda one: one[0]) if far <= NEAR][:MOST_NEAR]
    counts = unit.report_lists.reporter_counts([each.id for each in near])
    return Nearby(
        [_bare(each, town, places, counts.get(each.id, 1), now) for each in near],
        _incident(unit, of, (lat, lon)),
    )


def _bare(report: CitizenReport, town: Town, places: Places, tellers: int, now: datetime) -> Pin:
    """Return the pin of a report, without any words if it may not be shown."""
    seen = may_show(report, town, now)
    said = report if seen else replace(report, text=None, answer=None, accepted_at=None)
    return pin_of(said, town, places, photo_released=False, agreed=max(tellers - 1, 0))


def _incident(unit: DeskUnit, kind: ReportKind, place: Point) -> StoredAlert | None:
    if kind.hazard is None:
        return None
    on = AlertsOn(unit)
    identity = on.about(kind, place)
    return next((each for each in on.live if each.incident_id == identity), None) if identity else None


def _pin(shown: ShownReport, town: Town, places: Places) -> Pin:
    agreed = max(shown.tellers - 1, 0)
    return pin_of(shown.report, town, places, photo_released=shown.photo_released, agreed=agreed)


def _is_unconfirmed(report: CitizenReport) -> bool:
    return report.accepted_at is None and report.draft is None and report.incident is None
