"""Time as the rooms are given it."""

from __future__ import annotations

from datetime import datetime
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
