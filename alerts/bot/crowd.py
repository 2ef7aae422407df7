"""Nobody can keep the bot busy for everybody: what one chat says too often in a minute is passed over."""

from __future__ import annotations

from collections import deque

from alerts.bot.events import Event, Left, Moved
from alerts.model.ports import Clock

MOST = 40
"""What one chat may say in a minute: somebody who taps through forty districts is no nuisance."""
MOST_IN_A_GROUP = 15
"""What a group may say in a minute. Telegram takes 20 messages a minute to a group (https://core.telegram.org/bots/faq),
and what is too many there halts the whole bot, alerts to everybody else included."""
SPAN = 60.0
AT_A_STRETCH = 3
"""Answers that one chat gets in so many seconds, at once or not: Telegram takes one a second and short bursts."""
_REMEMBERED = 20_000


class Crowd:
    """Counts, in memory alone."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._said: dict[int, deque[float]] = {}
        self._answered: dict[int, deque[float]] = {}

    def lets_in(self, event: Event) -> bool:
        """Whether it is to be answered. That a chat left or moved always is to be known."""
        if isinstance(event.what, Left | Moved):
            return True
        now = self._clock.monotonic()
        said = _lately(self._said, event.chat, now, SPAN)
        if len(said) >= (MOST if event.private else MOST_IN_A_GROUP):
            return False
        said.append(now)
        return True

    def wait_to_answer(self, chat: int) -> float:
        """Seconds until it is that chat's turn, which is taken by this; 0: now."""
        now = self._clock.monotonic()
        answered = _lately(self._answered, chat, now, AT_A_STRETCH)
        turn = max(now, answered[-AT_A_STRETCH] + AT_A_STRETCH) if len(answered) >= AT_A_STRETCH else now
        answered.append(turn)
        return turn - now


def _lately(times: dict[int, deque[float]], chat: int, now: float, span: float) -> deque[float]:
    """What that chat did within the last `span` seconds; it stands last of those that are remembered."""
    found = times.pop(chat, deque())
    while found and now - found[0] >= span:
        found.popleft()
    times[chat] = found
    while len(times) > _REMEMBERED:
        del times[next(iter(times))]
    return found
