"""Rate limits: the fixed windows of X, and the sliding ones of Telegram and Facebook."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reading:
    """What a window says of itself: X's `limit`, `remaining` and `reset` (seconds since the epoch)."""

    limit: int
    remaining: int
    reset: int


class FixedWindow:
    """`limit` requests from the first one on until `span` seconds later, then anew: how X counts."""

    def __init__(self, limit: int, span: float) -> None:
        self.limit = limit
        self._span = span
        self._start = -math.inf
        self._used = 0

    def read(self, now: float) -> Reading:
        """The window as it stands."""
        self._roll(now)
        return Reading(self.limit, max(0, self.limit - self._used), math.ceil(self._start + self._span))

    def count(self, now: float) -> None:
        """Let one request have been made."""
        self._roll(now)
        self._used += 1

    def _roll(self, now: float) -> None:
        if now >= self._start + self._span:
            self._start = now
            self._used = 0


class RunningWindow:
    """At most `limit` in any `span` seconds."""

    def __init__(self, limit: int, span: float) -> None:
        self.limit = limit
        self._span = span
        self._times: deque[float] = deque()

    def wait(self, now: float) -> float:
        """Seconds until one more is allowed; 0 when it is now."""
        used = self.used(now)
        return 0.0 if used < self.limit else self._times[used - self.limit] + self._span - now

    def used(self, now: float) -> int:
        """How many fell into the last `span` seconds."""
        while self._times and self._times[0] <= now - self._span:
            self._times.popleft()
        return len(self._times)

    def count(self, now: float) -> None:
        """Let one have happened."""
        self._times.append(now)


class Bucket:
    """`rate` a second, `size` of them in a burst: how a chat on Telegram seems to be held."""

    def __init__(self, rate: float, size: int) -> None:
        self._rate = rate
        self._size = size
        self._level = float(size)
        self._at = -math.inf

    def wait(self, now: float) -> float:
        """Seconds until one more is allowed; 0 when it is now."""
        return max(0.0, (1 - self._fill(now)) / self._rate)

    def count(self, now: float) -> None:
        """Take one out."""
        self._level = self._fill(now) - 1
        self._at = now

    def _fill(self, now: float) -> float:
        if math.isinf(self._at):
            return float(self._size)
        return min(float(self._size), self._level + max(0.0, now - self._at) * self._rate)
