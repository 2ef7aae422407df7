"""What will happen in the world, and when: the one timeline that every life of the daemon runs along."""

from __future__ import annotations

import hashlib
import heapq
import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

BEGINNING = datetime(2026, 11, 1, 6, 0, tzinfo=UTC)
Happening = Callable[[], None]


class Agenda:
    """Virtual time, in seconds since the beginning, and what is due in it. It survives the daemon."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._due: list[tuple[float, int, Happening]] = []
        self._count = 0

    @property
    def now(self) -> datetime:
        """The wall clock, aware, in UTC."""
        return BEGINNING + timedelta(seconds=self.seconds)

    @property
    def next(self) -> float:
        """When something happens next; infinity: nothing will."""
        return self._due[0][0] if self._due else math.inf

    def at(self, seconds: float, happening: Happening) -> None:
        """Let something happen then; what is past happens next."""
        self._count += 1
        heapq.heappush(self._due, (max(seconds, self.seconds), self._count, happening))

    def after(self, seconds: float, happening: Happening) -> None:
        """Let something happen so many seconds from now."""
        self.at(self.seconds + seconds, happening)

    def leap(self, until: float) -> None:
        """Move the time to `until`, or to what happens before that, and let it happen."""
        until = min(until, self.next)
        self.seconds = max(self.seconds, until)
        while self._due and self._due[0][0] <= self.seconds:
            heapq.heappop(self._due)[2]()

    def pass_until(self, until: float) -> None:
        """Let the time go by without a daemon."""
        while self.seconds < until:
            self.leap(until)


class Trace:
    """Every step of a run: kept as a digest, by which two runs are the same, and as lines for whoever replays it."""

    def __init__(self, agenda: Agenda, say: Callable[[str], None] | None = None) -> None:
        self._agenda = agenda
        self._say = say
        self._digest = hashlib.sha256()

    def __call__(self, what: str, /, **facts: object) -> None:
        """Note a step."""
        entry = " ".join(f"{name}={value}" for name, value in facts.items())
        line = f"{self._agenda.seconds:14.6f} {what} {entry}"
        self._digest.update(line.encode())
        if self._say is not None:
            self._say(f"{self._agenda.now:%d %H:%M:%S.%f} {what} {entry}")

    @property
    def digest(self) -> str:
        """Equal for two runs that went the same way."""
        return self._digest.hexdigest()[:16]
