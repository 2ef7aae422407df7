"""How long to wait before the next try: one rule for whatever fails again and again, and for a time that is named."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TypeVar

Span = TypeVar("Span", float, timedelta)
"""A time: in seconds, or as a `timedelta`."""
_DOUBLED_AT_MOST = 16
"""Times that a pause is doubled: a night of failures makes no number that no `timedelta` holds."""


def backoff(tries: int, first: Span, longest: Span, chance: float = 1.0) -> Span:
    """Return the pause after so many tries: `first`, doubled with each further try, `longest` at most.

    `chance` is the share of it that is waited, from 0 to 1. Many who fail together pass a random one each, so that they
    don't come back together ("full jitter").
    """
    return min(first * 2.0 ** min(max(tries - 1, 0), _DOUBLED_AT_MOST), longest) * chance


_LONGEST_HEADER = 64
"""Characters of a `Retry-After` that are read: a number of thousands of digits is slow to read."""


def retry_after(value: str | None, now: datetime, longest: timedelta) -> datetime | None:
    """Return the time that a `Retry-After` names: seconds or a date (RFC 9110, section 10.2.3). None: it names none.

    No earlier than `now`, and `longest` ahead at the most: whoever names a year, by mistake or not, is asked by then.
    """
    text = (value or "").strip()[:_LONGEST_HEADER]
    try:
        seconds = float(text)
    except ValueError:
        return _by_date(text, now, longest)
    # Neither is less than nothing a time, nor NaN.
    return now + timedelta(seconds=min(seconds, longest.total_seconds())) if seconds >= 0 else None


def _by_date(text: str, now: datetime, longest: timedelta) -> datetime | None:
    try:
        named = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    named = named if named.tzinfo else named.replace(tzinfo=UTC)
    return min(max(named, now), now + longest)
