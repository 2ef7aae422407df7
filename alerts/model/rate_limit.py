"""A rate limit: a number of times within a span for each key; only in memory, and for a bounded number of keys.

The limits of platforms are counted elsewhere: a lane's windows in its journal (delivery/limiter.py), a bot's messages
by the time of their arrival (delivery/bot_pace.py).
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Collection, Sequence
from typing import Generic, TypeVar

from alerts.model.remembered import Newest

K = TypeVar("K")
MOST_KEYS = 10_000


class SlidingWindow(Generic[K]):
    """Counts how often each key acted within the last `span` seconds, for the last `most` keys that acted.

    Each time takes a place of the key, which is free again `span` seconds later. With `in_turn`, the places of a key
    become free one after another, each `span` seconds after the one before, like a token bucket that fills evenly. All
    times are seconds of one clock; if that is set back, a key may have to wait for that much longer.
    """

    def __init__(self, span: float, most: int = MOST_KEYS, *, in_turn: bool = False) -> None:
        self._span = span
        self._in_turn = in_turn
        self._free_at: Newest[K, list[float]] = Newest(most)

    def __len__(self) -> int:
        return len(self._free_at)

    def taken(self, key: K, now: float) -> Sequence[float]:
        """Return when each place that the key has taken is free again, the soonest first."""
        free_at = self._free_at.pop(key, [])
        del free_at[: bisect_right(free_at, now)]
        # A key without a taken place isn't stored: a mere question must not push another key's count out.
        if free_at:
            self._free_at.keep(key, free_at)
        return free_at

    def wait(self, key: K, count: int, now: float) -> float:
        """Return the seconds until one of the key's `count` places is free; 0 if one is free now."""
        free_at = self.taken(key, now)
        return free_at[-count] - now if len(free_at) >= count else 0.0

    def take(self, key: K, now: float) -> None:
        """Take a place, even if none is free; for a caller that waits first, `now` may be in the future."""
        free_at = self._free_at.get(key, [])
        begins = max(now, free_at[-1]) if self._in_turn and free_at else now
        insort(free_at, begins + self._span)
        self._free_at.keep(key, free_at)

    def give_back(self, key: K) -> None:
        """Free the place whose time ends last, since nothing came of what it was taken for."""
        if free_at := self._free_at.get(key):
            del free_at[-1]


def take_each(places: Collection[tuple[SlidingWindow[K], K, int]], now: float) -> bool:
    """Take a place of each key in its window, which has that many for it: in all of them, or, False, in none."""
    if any(window.wait(key, count, now) for window, key, count in places):
        return False
    for window, key, _ in places:
        window.take(key, now)
    return True
