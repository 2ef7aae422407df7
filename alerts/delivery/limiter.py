"""The pace of a lane: pure functions of when its posts left, and the lane's memory of that.

The journal of attempts is the only bookkeeping of the limits. What a lane reads from it is kept on a clock that nobody
sets, so that the windows hold while the wall clock jumps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts.model.ports import Clock
from alerts.model.post import Quota
from alerts.model.town import RateLimit


@dataclass(frozen=True, slots=True)
class RateLimits:
    """A channel's windows, all of which hold at once; `reserve` of the longest is for Severe and Extreme alone."""

    windows: tuple[RateLimit, ...] = ()
    reserve: int = 0

    @property
    def longest(self) -> RateLimit | None:
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
            reserved = self.reserve if window == self.longest and not urgent else 0
            # A reserve as large as the window would let nothing but emergencies through, for ever.
            capacity = max(window.count - reserved, 1)
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
    """Return when the platform's own limits allow the next post; of several exhausted ones the latest reset counts.

    A post that isn't urgent leaves the reserve untouched here too, at most a fifth of the platform's limit. Posts
    `under_way` may be missing from the platform's numbers, so they count as used.
    """
    waits = [
        quota.reset
        for quota in quotas
        if quota.reset > now and quota.remaining - under_way <= (0 if urgent else min(reserve, (quota.limit or 0) // 5))
    ]
    return max(waits, default=now)


@dataclass(frozen=True, slots=True, eq=False)
class Departure:
    """One post on its way: its time on the steady clock, and the wall's times by which the journal may name it.

    Two of the same moment are two.
    """

    at: datetime
    recorded: tuple[datetime, ...] = ()


class SendLog:
    """The lane's memory of its own departures, completed from the journal whenever the lane is taken."""

    def __init__(self, pace: RateLimits, clock: Clock) -> None:
        self._pace = pace
        self._memory = pace.memory
        self._clock = clock
        self._started = clock.now() - timedelta(seconds=clock.monotonic())
        self._gone: list[Departure] = []

    @property
    def steady_now(self) -> datetime:
        """The wall clock of the start, moved on by what has passed since."""
        return self._started + timedelta(seconds=self._clock.monotonic())

    @property
    def set_by(self) -> timedelta:
        """How far the wall clock was set since the start."""
        return self._clock.now() - self.steady_now

    def learn(self, journal: Sequence[datetime]) -> int:
        """Add what others sent, or we before a restart; returns how many. One from the future counts as leaving now."""
        known = {time for departure in self._gone for time in departure.recorded}
        now, steady = self._clock.now(), self.steady_now
        new = [Departure(steady - max(now - time, timedelta()), (time,)) for time in journal if time not in known]
        self._gone = sorted([*self._gone, *new], key=lambda departure: departure.at)
        return len(new)

    def add(self, *recorded: datetime) -> Departure:
        """Record that a post leaves now; the journal names it by one of these times."""
        departure = Departure(self.steady_now, recorded)
        self._gone.append(departure)
        return departure

    def forget(self, departure: Departure) -> None:
        """It never reached the platform."""
        # It may have been forgotten already, where the windows are short.
        if departure in self._gone:
            self._gone.remove(departure)

    def wait(self, *, urgent: bool) -> timedelta:
        """How long until the windows let the next post through; nothing or less: now."""
        now = self.steady_now
        remembered = now - self._memory
        self._gone = [departure for departure in self._gone if departure.at > remembered]
        return self._pace.free_at([departure.at for departure in self._gone], now, urgent=urgent) - now
