"""When a lane's posts left, told on a clock that nobody sets: the windows hold while the wall clock jumps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts.delivery.limiter import Pace
from alerts.model.ports import Clock


@dataclass(frozen=True, slots=True, eq=False)
class Departure:
    """One post on its way: when by the steady clock, and the wall's times under which the journal may tell it.

    Two of the same moment are two.
    """

    at: datetime
    told: tuple[datetime, ...] = ()


class Departures:
    """The lane's memory of its own departures, completed from the journal whenever the lane is taken."""

    def __init__(self, pace: Pace, clock: Clock) -> None:
        self._pace = pace
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
        known = {time for departure in self._gone for time in departure.told}
        now, steady = self._clock.now(), self.steady_now
        new = [Departure(steady - max(now - time, timedelta()), (time,)) for time in journal if time not in known]
        self._gone = sorted([*self._gone, *new], key=lambda departure: departure.at)
        return len(new)

    def add(self, *told: datetime) -> Departure:
        """A post leaves now; the journal tells it under one of these times."""
        departure = Departure(self.steady_now, told)
        self._gone.append(departure)
        return departure

    def forget(self, departure: Departure) -> None:
        """It never reached the platform."""
        if departure in self._gone:
            self._gone.remove(departure)

    def wait(self, *, urgent: bool) -> timedelta:
        """How long until the windows let the next post through; nothing or less: now."""
        now = self.steady_now
        self._gone = [departure for departure in self._gone if departure.at > now - self._pace.memory]
        return self._pace.free_at([departure.at for departure in self._gone], now, urgent=urgent) - now
