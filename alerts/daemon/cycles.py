"""What must go round: when each last did, and whether it should have since."""

from __future__ import annotations

from alerts.sources.poll import LONGEST_BACKOFF, Poller
from alerts.web.ops import Cycle
from alerts.web.public.publisher import AT_LEAST_EVERY, Publisher

LATE = 60.0
"""Seconds that a cycle may be behind its time before it counts as standing still."""


def cycle_of(poller: Poller, now: float) -> Cycle:
    """A source: it must have been tried since its time, whatever came of it."""
    longest = max(poller.every, LONGEST_BACKOFF).total_seconds() + LATE
    age = None if poller.tried_at is None else now - poller.tried_at
    return Cycle(f"source {poller.name}", age, age is None or age > longest, poller.reason)


def cycle_of_pages(publisher: Publisher, now: float) -> Cycle:
    """The public pages; one that can't be made stays dated, and whoever watches over the town hears of it."""
    age = None if publisher.made_at is None else now - publisher.made_at
    return Cycle("pages", age, age is not None and age > AT_LEAST_EVERY + LATE, publisher.unexported)
