"""Which reports make a cluster: as many different sources as the kind's rule says, near one another and at one time.

A cluster is looked for around one telling at a time: what lies within the rule's radius of it, and within its span up
to it. So it never grows along a street, as what joins neighbours to neighbours would (docs/adr/0034). Whoever tells
"me too" tells at the report's place, at a time of their own.

Two tellings are of one source where any of their digests are equal: a digest is made under the secret of a day, and the
second one under that of the day before, so that midnight makes nobody two.

All of it is pure. In whatever order a crowd's tellings come, each is looked at with all around which it could count, so
whether there is a cluster doesn't depend on the order.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime

from alerts.model.alert import Point
from alerts.model.reports import ClusterRule, Telling
from alerts.reports.places import metres

LEAST_SOURCES = 3
"""Fewer sources never make a cluster, whatever a rule says."""
MOST_CENTRES = 200
"""Tellings around which is looked, for one that came late; one that comes when it happens is looked at alone."""
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


def box_around(place: Point, reach: float) -> Box:
    """What holds all that is within `reach` metres of a place, and a little more."""
    # A little more than the circle: this is what the database looks through, and the distance itself decides
    # afterwards.
    north = reach * 1.01 / _METRES
    # Near a pole a degree of longitude has no length to speak of: the box is kept finite there.
    east = north / max(math.cos(math.radians(abs(place[0]) + north)), 0.01)
    return place[0] - north, place[1] - east, place[0] + north, place[1] + east


def persons(tellings: Iterable[Telling]) -> dict[str, str]:
    """Of each digest one that stands for its source: equal for all digests of one source."""
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


def cluster_of(
    centre: Telling,
    tellings: Sequence[Telling],
    rule: ClusterRule,
    known: dict[str, str] | None = None,
    spent: AbstractSet[str] = frozenset(),
) -> Cluster | None:
    """The cluster around one telling, itself among `tellings`; None where too few sources told of it.

    `known` is `persons` of all that are looked at. `spent` are digests of sources that count no more, since an officer
    has said no to what they told.
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
    sources = {of[each.source] for each in counted}
    if len(sources) < max(rule.count, LEAST_SOURCES):
        return None
    in_order = sorted(counted, key=lambda each: each.at)
    return Cluster(
        place, tuple(dict.fromkeys(each.report for each in in_order)), len(sources), in_order[0].at, in_order[-1].at
    )


def cluster_with(
    new: Telling, tellings: Sequence[Telling], rule: ClusterRule, spent: Sequence[Telling] = ()
) -> Cluster | None:
    """The cluster that a new telling is part of; None where there is none. `tellings` are all that may count with it.

    It is looked for around the new one first, then around those that are later or at the same time and reach it.
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
