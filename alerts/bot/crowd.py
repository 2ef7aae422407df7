"""Nobody can keep the bot busy for everybody: what one chat says too often in a minute is passed over."""

from __future__ import annotations

from collections import deque

from alerts.bot.events import Event, Left, Moved
from alerts.model.ports import Clock

MOST = 40
"""What one chat may say in a minute: somebody who taps through forty districts is no nuisance."""
SPAN = 60.0
_REMEMBERED = 20_000


class Crowd:
    """Counts, in memory alone."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._said: dict[int, deque[float]] = {}

    def lets_in(self, event: Event) -> bool:
        """Whether it is to be answered. That a chat left or moved always is to be known."""
        if isinstance(event.what, Left | Moved):
            return True
        now = self._clock.monotonic()
        said = self._said.pop(event.chat, deque())
        while said and now - said[0] >= SPAN:
            said.popleft()
        self._said[event.chat] = said  # the last that spoke stands last
        while len(self._said) > _REMEMBERED:
            del self._said[next(iter(self._said))]
        if len(said) >= MOST:
            return False
        said.append(now)
        return True
