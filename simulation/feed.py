"""A feed of CAP alerts that can be slow, fail, hold nonsense, and forget what it said."""

from __future__ import annotations

from random import Random

from alerts.model.alert import Alert
from alerts.model.errors import SourceFailed
from alerts.model.ports import Heard, Known, Memory, SourceReading
from alerts.model.reason import in_words
from simulation.life import Life


class Feed:
    """What the sender shows now: its entries by their keys."""

    def __init__(self, name: str, dice: Random) -> None:
        self.name = name
        self.entries: dict[str, Alert | None] = {}
        self.down = False
        self.trouble = 0.0
        self._dice = dice

    def show(self, alert: Alert) -> None:
        """A new entry."""
        self.entries[f"{alert.identifier} {alert.sent.isoformat()}"] = alert

    def spoil(self, key: str) -> None:
        """An entry that nobody can read."""
        self.entries[key] = None

    def forget(self, identifier: str) -> None:
        """An entry is no longer shown, for whatever reason."""
        self.entries = {
            key: alert for key, alert in self.entries.items() if not alert or alert.identifier != identifier
        }

    def fails(self) -> bool:
        """Whether it can't be read this time."""
        return self.down or self._dice.random() < self.trouble

    def seconds(self) -> float:
        """How long it takes to answer."""
        return self._dice.uniform(0.05, 2.0)


class FeedSource:
    """`alerts.model.ports.Source` over a feed, for one life of the daemon."""

    def __init__(self, feed: Feed, life: Life) -> None:
        self._feed = feed
        self._life = life

    async def read(self, memory: Memory, known: Known, now: object) -> SourceReading:  # noqa: ARG002 it has no conditions
        """What is shown and wasn't told before."""
        await self._life.passes("before a feed")
        await self._life.asks(self._feed.seconds(), lambda: None)
        if self._feed.fails():
            raise SourceFailed("the feed can't be reached")
        shown = dict(self._feed.entries)
        known_keys = await known(list(shown))
        heard = [
            Heard(key, alert, problem=None if alert else in_words("it is no alert"))
            for key, alert in shown.items()
            if key not in known_keys
        ]
        return SourceReading(heard, memory)
