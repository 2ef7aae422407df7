"""The rate limit: so many times within a span for each key, in memory alone and of a bounded number of keys.

What a platform allows is counted elsewhere: a lane's windows by its journal (delivery/limiter.py), a bot's messages by
when they arrive (delivery/bot_pace.py).
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Sequence
from typing import Generic, TypeVar

from alerts.model.remembered import Newest

K = TypeVar("K")
MOST_KEYS = 10_000


class SlidingWindow(Generic[K]):
    """Counts what each key did within the last `span` seconds, for the last `most` keys that did anything.

    A key has places, and each place that is taken is free again `span` seconds later. `in_turn`, places come free one
    after another, each `span` after the one before: a token bucket, which fills evenly. All times are seconds by one
    clock; by one that is set, a key may have to wait for as long as it was set back.
    """

    def __init__(self, span: float, most: int = MOST_KEYS, *, in_turn: bool = False) -> None:
        self._span = span
        self._in_turn = in_turn
        self._free_at: Newest[K, list[float]] = Newest(most)

    def __len__(self) -> int:
        return len(self._free_at)

    def taken(self, key: K, now: float) -> Sequence[float]:
        """When each place that the key has taken is free again, the soonest first."""
        free_at = self._free_at.pop(key, [])
        del free_at[: bisect_right(free_at, now)]
        # Who has taken nothing is not kept: asking alone must push nobody's count out.
        if free_at:
            self._free_at.keep(key, free_at)
        return free_at

    def wait(self, key: K, count: int, now: float) -> float:
        """Seconds until one of the key's `count` places is free; 0: one is."""
        free_at = self.taken(key, now)
        return free_at[-count] - now if len(free_at) >= count else 0.0

    def take(self, key: K, now: float) -> None:
        """Take a place, free or not; `now` may lie ahead, for who waits."""
        free_at = self._free_at.get(key, [])
        begins = max(now, free_at[-1]) if self._in_turn and free_at else now
        insort(free_at, begins + self._span)
        self._free_at.keep(key, free_at)

    def give_back(self, key: K) -> None:
        """Free the place that was taken last: it came to nothing."""
        if free_at := self._free_at.get(key):
            del free_at[-1]
