"""Time as the rooms are given it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Time comes in from outside, so that tests move it."""

    def now(self) -> datetime:
        """The wall clock, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that only ever grow, for measuring within one process."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return once `seconds` have passed (at once for 0 or less)."""
        ...


@dataclass(frozen=True, slots=True)
class Moment:
    """One time on both clocks, so that what is to come is waited for by the steady one.

    A wait that is the difference of two looks at the wall clock is an hour too long where somebody sets that clock back
    between the two. From a moment on, time passes as it does, whatever the wall clock says.
    """

    wall: datetime
    steady: float

    @classmethod
    def now(cls, clock: Clock) -> Moment:
        """This one."""
        return cls(clock.now(), clock.monotonic())

    def later(self, clock: Clock) -> datetime:
        """What the wall clock would say now had nobody set it since."""
        return self.wall + timedelta(seconds=clock.monotonic() - self.steady)

    def seconds_until(self, time: datetime, clock: Clock) -> float:
        """How long to wait yet for a time that was told when it was this moment; less than nothing: it is past."""
        return (time - self.later(clock)).total_seconds()
