"""Clusters that are growing: where several told of one kind, though too few yet for a draft.

It is the same circle that makes a draft, around one telling at a time; of two that share tellings the fuller is shown.
Only the newest are looked at, so that a crowd costs no more than that.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from alerts.model.alert import Point
from alerts.model.reports import ClusterRule, ReportKind, Telling
from alerts.reports.clusters import LEAST_SOURCES, persons
from alerts.reports.places import metres
from alerts.store.unit import Unit

LEAST_SHOWN = 2
"""Sources from which on it is worth a look."""
MOST_OF_KIND = 5
_MOST_TELLINGS = 120
_EVERYWHERE = (-90.0, -180.0, 90.0, 180.0)


@dataclass(frozen=True, slots=True)
class GrowingCluster:
    """How many of different sources told of a kind around `centre`; at `count` of them a draft is made."""

    kind: str
    centre: Point
    radius: float
    sources: int
    count: int
    since: datetime
    reports: tuple[str, ...]


def growing_now(
    unit: Unit, kinds: Iterable[ReportKind], now: datetime, most: int = _MOST_TELLINGS
) -> list[GrowingCluster]:
    """Those of all kinds, what is nearest to its draft first."""
    found = [
        each
        for kind in kinds
        if kind.cluster is not None and kind.hazard is not None
        for each in growing(kind.code, _told_of(unit, kind.code, kind.cluster, now, most), kind.cluster)
    ]
    return sorted(found, key=lambda each: (each.sources - each.count, each.since), reverse=True)


def _told_of(unit: Unit, kind: str, rule: ClusterRule, now: datetime, most: int) -> Sequence[Telling]:
    # What an alert cites already has grown into that.
    return unit.reports.tellings(kind, now - rule.span, now, _EVERYWHERE, most, uncited=True)


def growing(kind: str, tellings: Sequence[Telling], rule: ClusterRule) -> list[GrowingCluster]:
    """Those of one kind, the fullest first. `tellings` are of one span, newest first."""
    of, count = persons(tellings), max(rule.count, LEAST_SOURCES)
    circles = [(each, _around(each, tellings, rule.radius)) for each in tellings]
    found: list[GrowingCluster] = []
    taken: set[int] = set()
    # The fullest first: what counts in it counts in no other.
    for centre, near in sorted(circles, key=lambda circle: -len(_sources(circle[1], of))):
        free = [each for each in near if id(each) not in taken]
        sources = len(_sources(free, of))
        if sources < LEAST_SHOWN or len(found) == MOST_OF_KIND:
            continue
        taken |= {id(each) for each in free}
        reports = tuple(dict.fromkeys(each.report for each in free))
        since = min(each.at for each in free)
        found.append(GrowingCluster(kind, (centre.lat, centre.lon), rule.radius, sources, count, since, reports))
    return found


def _around(centre: Telling, tellings: Sequence[Telling], reach: float) -> list[Telling]:
    place = (centre.lat, centre.lon)
    return [each for each in tellings if metres(place, (each.lat, each.lon)) <= reach]


def _sources(tellings: Iterable[Telling], of: dict[str, str]) -> set[str]:
    return {of[each.source] for each in tellings}
