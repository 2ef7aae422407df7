"""How long the reading of one calendar may take: what a stranger wrote must not hold up the town's other sources."""

from __future__ import annotations

from collections.abc import Callable

MOST_SECONDS = 10.0
"""For one calendar. Two hundred events that repeat take one second."""


class OutOfTime(ValueError):
    """The time is up."""


class Budget:
    """`seconds` from now on, by `monotonic`, which tells seconds that only ever grow."""

    def __init__(self, monotonic: Callable[[], float], seconds: float = MOST_SECONDS) -> None:
        self._monotonic = monotonic
        self._seconds = seconds
        self._end = monotonic() + seconds

    @property
    def spent(self) -> bool:
        """Whether the time is up."""
        return self._monotonic() >= self._end

    def check(self) -> None:
        """Raise OutOfTime when the time is up."""
        if self.spent:
            raise OutOfTime(f"the calendar takes longer than {self._seconds:g} s to read, up to this event and with it")
