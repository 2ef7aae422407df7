"""When a thing is: the periods that a feed gives for it, and which of them counts now.

Feeds of transport and roads list the periods of a disruption, often a night each: those close together are one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from alerts.model.alert import ENDS_BY, LIFE_PARAMETER, QUIET, Urgency

SEPARATE = timedelta(hours=24)
"""Periods with more than this between them are incidents of their own."""
SOON = timedelta(hours=12)
"""Within this time a start is Expected, a later one Future (CAP, `urgency`)."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class ActivePeriod:
    """From when until when something holds; None: nobody says since when, or until when."""

    start: datetime | None = None
    end: datetime | None = None


ALWAYS = ActivePeriod()


def _precedes(one: ActivePeriod, other: ActivePeriod) -> bool:
    return one.end is not None and other.start is not None and one.end <= other.start


def in_order(periods: Iterable[ActivePeriod]) -> tuple[ActivePeriod, ...]:
    """Return the periods by their starts."""
    return tuple(sorted(periods, key=lambda period: period.start or _EPOCH))


def overlap(one: Sequence[ActivePeriod], other: Sequence[ActivePeriod]) -> bool:
    """True if periods of both overlap, which are in order; without any, a thing always holds."""
    first, second = 0, 0
    one, other = one or (ALWAYS,), other or (ALWAYS,)
    # One that is over before the other's next begins is over before all that follow: so each is looked at once.
    while first < len(one) and second < len(other):
        if _precedes(one[first], other[second]):
            first += 1
        elif _precedes(other[second], one[first]):
            second += 1
        else:
            return True
    return False


def window_of(periods: Sequence[ActivePeriod], now: datetime) -> ActivePeriod | None:
    """Return the period that covers `now` or comes next, with those close behind it. Returns None if all are over."""
    if not periods:
        return ALWAYS
    first, *others = in_order(periods)
    window = first
    for each in others:
        if window.end is not None and each.start is not None and each.start - window.end > SEPARATE:
            if window.end > now:
                break
            window = each
        elif window.end is not None:
            # With the nights that have passed: it began with the first of them.
            window = ActivePeriod(window.start, max(window.end, each.end) if each.end else None)
    return window if window.end is None or window.end > now else None


def hull_of(windows: Iterable[ActivePeriod]) -> ActivePeriod:
    """Return the period from the first start to the last end."""
    found = list(windows)
    starts, ends = [each.start for each in found if each.start], [each.end for each in found if each.end]
    return ActivePeriod(
        min(starts) if len(starts) == len(found) else None, max(ends) if len(ends) == len(found) else None
    )


def urgency_of(start: datetime | None, now: datetime) -> Urgency:
    """Immediate for what has begun; else by how soon it begins."""
    if start is None or start <= now:
        return Urgency.IMMEDIATE
    return Urgency.EXPECTED if start - now < SOON else Urgency.FUTURE


def endless(until: datetime) -> dict[str, str]:
    """Return the parameters of a thing without an end: for us it holds until then, and runs out quietly."""
    return {LIFE_PARAMETER: until.isoformat(), ENDS_BY: QUIET}
