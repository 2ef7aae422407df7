"""How fast a program may ask: a bucket of tokens that fills again, one for each program and each stranger's address."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pace:
    """`burst` requests at once, then `each_second` of them. `name` stands in the answer's `RateLimit` fields."""

    name: str
    burst: int
    each_second: float

    @property
    def window(self) -> int:
        """Seconds in which an empty bucket is full again."""
        return math.ceil(self.burst / self.each_second)


PROGRAM = Pace("token", burst=120, each_second=10)
"""What a program may: a wall that asks each second, and a hundred alerts in one breath."""
STRANGER = Pace("address", burst=20, each_second=0.2)
"""What an address may that shows no token, or a wrong one."""
MOST_BUCKETS = 10_000


@dataclass(frozen=True, slots=True)
class Allowance:
    """What was answered to one request: whether it may pass, what is left, and when there is one more (seconds)."""

    pace: Pace
    granted: bool
    left: int
    wait: float

    def headers(self) -> dict[str, str]:
        """The RateLimit fields (draft-ietf-httpapi-ratelimit-headers, 3 and 4), and Retry-After when refused."""
        name, seconds = self.pace.name, max(math.ceil(self.wait), 1)
        told = {
            "RateLimit-Policy": f'"{name}";q={self.pace.burst};w={self.pace.window}',
            "RateLimit": f'"{name}";r={self.left};t={seconds}',
        }
        return told if self.granted else {**told, "Retry-After": str(seconds)}


class Turnstile:
    """The buckets of one pace. `now` is in seconds; a clock that is set back takes nothing away."""

    def __init__(self, pace: Pace, now: Callable[[], float]) -> None:
        self._pace = pace
        self._now = now
        self._buckets: dict[str, tuple[float, float]] = {}

    def ask(self, who: str) -> Allowance:
        """Take one from the bucket of `who`, if there is one."""
        now, pace = self._now(), self._pace
        level, at = self._buckets.get(who, (float(pace.burst), now))
        level = min(pace.burst, level + max(now - at, 0.0) * pace.each_second)
        granted = level >= 1
        level -= 1 if granted else 0
        if who not in self._buckets:
            self._make_room(now)
        self._buckets[who] = (level, now)
        return Allowance(pace, granted, int(level), (math.floor(level) + 1 - level) / pace.each_second)

    def _make_room(self, now: float) -> None:
        """Forget those who are full again, who are as if they had never come; then the oldest."""
        if len(self._buckets) < MOST_BUCKETS:
            return
        full = [who for who, (_, at) in self._buckets.items() if now - at >= self._pace.window]
        for who in full or list(self._buckets)[: MOST_BUCKETS // 10]:
            del self._buckets[who]
