"""The pace of a lane, as pure functions of when its posts left: the journal is the only bookkeeping of the limits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts.model.post import Quota
from alerts.model.span import Window


@dataclass(frozen=True, slots=True)
class Pace:
    """A channel's windows, all of which hold at once; `reserve` of the longest is for Severe and Extreme alone."""

    windows: tuple[Window, ...] = ()
    reserve: int = 0

    @property
    def longest(self) -> Window | None:
        """The window that the reserve is taken from."""
        return max(self.windows, key=lambda window: window.span, default=None)

    @property
    def memory(self) -> timedelta:
        """How far back departures matter."""
        return self.longest.span if self.longest else timedelta()

    def free_at(self, departures: Sequence[datetime], now: datetime, *, urgent: bool) -> datetime:
        """When the next post may leave: `now`, or later. `departures` are sorted, oldest first."""
        free = now
        for window in self.windows:
            held = self.reserve if window == self.longest and not urgent else 0
            capacity = max(window.count - held, 1)
            if len(departures) >= capacity:
                free = max(free, departures[-capacity] + window.span)
        return free

    def left(self, departures: Sequence[datetime], now: datetime) -> dict[str, int]:
        """How many posts each window still allows, by the window's name."""
        return {
            str(window): max(window.count - sum(time > now - window.span for time in departures), 0)
            for window in self.windows
        }


def quota_free_at(
    quotas: Sequence[Quota], now: datetime, reserve: int, *, urgent: bool, under_way: int = 0
) -> datetime:
    """When the platform's own limits let the next post through; of several that are used up the latest reset counts.

    A post that isn't urgent leaves the reserve untouched here too, at most a fifth of what the platform allows. What
    is `under_way` may not be in what the platform told, so it is taken as used.
    """
    waits = [
        quota.reset
        for quota in quotas
        if quota.reset > now and quota.remaining - under_way <= (0 if urgent else min(reserve, (quota.limit or 0) // 5))
    ]
    return max(waits, default=now)
