"""Finds clusters of reports: as many different sources as the kind's rule demands, near one another and at one time.

A cluster is searched around one telling at a time: the tellings within the rule's radius of it, and within its span up
to it. So it never grows along a street, as joining neighbours to neighbours would (docs/adr/0034). A "me too" counts at
the report's place, at a time of its own.

A source that used none of our forms, or lacks proof of work, counts half (`weight_of`): costless reports weigh less,
and a crowd of browsers without scripts is a crowd all the same.

Two tellings are of one source if any of their digests are equal: a digest is made under the secret of a day, and the
second one under that of the day before, so that midnight makes nobody two.

All of it is pure. In whatever order a crowd's tellings come, each is compared with all around which it could count, so
the result doesn't depend on the order.

A growing cluster has several sources, though too few yet for a draft: the same circle, around one telling at a time; of
two that share tellings the fuller is shown. Only the newest are checked, so that a crowd costs no more.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime

from alerts.model.alert import Point
from alerts.model.reports import ClusterRule, ReportKind, Telling
from alerts.reports.places import metres
from alerts.store.unit import Unit

LEAST_SOURCES = 3
"""Fewer sources never make a cluster, whatever a rule says."""
MOST_CENTRES = 200
"""Centres that are checked for a late telling; one in time is checked alone."""
# Metres of a degree of latitude.
_METRES = 111_320.0
Box = tuple[float, float, float, float]
"""South, west, north and east, in degrees."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """Reports that were found together around `centre`: whose they are is `sources`, from `since` to `until`."""

    centre: Point
    reports: tuple[str, ...]
    sources: int
    since: datetime
    until: datetime
    weight: int = 0
    """How many sources it counts as (`weight_of`)."""


def box_around(place: Point, reach: float) -> Box:
    """Return a box with everything within `reach` metres of a place, and a little more."""
    # A little more than the circle: this is what the database looks through, and the distance itself decides
    # afterwards.
    north = reach * 1.01 / _METRES
    # Near a pole a degree of longitude has no length to speak of: the box is kept finite there.
    east = north / max(math.cos(math.radians(abs(place[0]) + north)), 0.01)
    return place[0] - north, place[1] - east, place[0] + north, place[1] + east


def persons(tellings: Iterable[Telling]) -> dict[str, str]:
    """Return a representative for each digest: equal for all digests of one source."""
    of: dict[str, str] = {}

    def root(digest: str) -> str:
        while of.setdefault(digest, digest) != digest:
            # Half the way is cut each time: the digests of a crowd make long chains, and are asked for again and again.
            of[digest] = of[of[digest]]
            digest = of[digest]
        return digest

    for each in tellings:
        one = root(each.source)
        if each.source_before is not None:
            of[root(each.source_before)] = one
    return {digest: root(digest) for digest in of}


def weight_of(tellings: Iterable[Telling], known: Mapping[str, str] | None = None) -> int:
    """How many sources these tellings count as: each that was proven once, of those that never were every second one.

    What costs nothing is as cheap for who has many networks as for who has one.
    """
    several = list(tellings)
    of = persons(several) if known is None else known
    proven = {of[each.source] for each in several if each.proven}
    return len(proven) + len(_sources(several, of) - proven) // 2


def cluster_of(
    centre: Telling,
    tellings: Sequence[Telling],
    rule: ClusterRule,
    known: dict[str, str] | None = None,
    spent: AbstractSet[str] = frozenset(),
) -> Cluster | None:
    """Return the cluster around one telling, itself among `tellings`. Returns None with too few sources.

    `known` is `persons` of all those compared. `spent` are digests of sources that count no more, since an officer has
    rejected their reports.
    """
    of = persons(tellings) if known is None else known
    place = (centre.lat, centre.lon)
    # Backwards alone: around what comes later it is looked for once that has come.
    since = centre.at - rule.span
    near = [
        each
        for each in tellings
        if since <= each.at <= centre.at and metres(place, (each.lat, each.lon)) <= rule.radius
    ]
    # By person and not by digest: past midnight, who was refused yesterday has another one.
    gone = {of.get(digest, digest) for digest in spent}
    counted = [each for each in near if of[each.source] not in gone]
    weight = weight_of(counted, of)
    if weight < max(rule.count, LEAST_SOURCES):
        return None
    in_order = sorted(counted, key=lambda each: each.at)
    return Cluster(
        place,
        tuple(dict.fromkeys(each.report for each in in_order)),
        len(_sources(counted, of)),
        in_order[0].at,
        in_order[-1].at,
        weight,
    )


def cluster_with(
    new: Telling, tellings: Sequence[Telling], rule: ClusterRule, spent: Sequence[Telling] = ()
) -> Cluster | None:
    """Return the cluster of a new telling. Returns None if there is none. `tellings` are all that may count with it.

    It is searched around the new one first, then around later or simultaneous ones that reach it.
    """
    of = persons((*tellings, *spent))
    gone = frozenset(digest for each in spent for digest in (each.source, each.source_before) if digest is not None)
    # Before any distance is computed: most tellings are far from being enough.
    if len({of[each.source] for each in tellings}) < max(rule.count, LEAST_SOURCES):
        return None
    place, until = (new.lat, new.lon), new.at + rule.span
    # A program may tell of an hour ago: then what came since has enough around it only now.
    later = [
        each
        for each in tellings
        if new.at <= each.at <= until and each != new and metres(place, (each.lat, each.lon)) <= rule.radius
    ]
    for centre in (new, *sorted(later, key=lambda each: each.at)[:MOST_CENTRES]):
        if found := cluster_of(centre, tellings, rule, of, gone):
            return found
    return None


LEAST_SHOWN = 2
"""Number of sources from which a cluster is shown."""
# Growing clusters shown of one kind.
MOST_OF_KIND = 5
_MOST_TELLINGS = 120
_EVERYWHERE = (-90.0, -180.0, 90.0, 180.0)


@dataclass(frozen=True, slots=True)
class GrowingCluster:
    """The number of sources of a kind around `centre`; at `count` of them a draft is made."""

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
        for each in growing(kind.code, _uncited(unit, kind.code, kind.cluster, now, most), kind.cluster)
    ]
    return sorted(found, key=lambda each: (each.sources - each.count, each.since), reverse=True)


def _uncited(unit: Unit, kind: str, rule: ClusterRule, now: datetime, most: int) -> Sequence[Telling]:
    # What an alert cites already has grown into that.
    return unit.reports.tellings(kind, now - rule.span, now, _EVERYWHERE, most, uncited=True)


def growing(kind: str, tellings: Sequence[Telling], rule: ClusterRule) -> list[GrowingCluster]:
    """Those of one kind, the fullest first. `tellings` are of one span, newest first."""
    of, count = persons(tellings), max(rule.count, LEAST_SOURCES)
    circles = [(each, _around(each, tellings, rule.radius)) for each in tellings]
    found: list[GrowingCluster] = []
    taken: set[int] = set()
    # The fullest first: what counts in it counts in no other.
    for centre, near in sorted(circles, key=lambda circle: -weight_of(circle[1], of)):
        free = [each for each in near if id(each) not in taken]
        sources = weight_of(free, of)
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


def _sources(tellings: Iterable[Telling], of: Mapping[str, str]) -> set[str]:
    return {of[each.source] for each in tellings}
