"""How long to wait before the next try: one rule for whatever fails again and again."""

from __future__ import annotations

from datetime import timedelta
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
