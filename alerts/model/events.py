"""The event bus of a running Tocsin, within one process.

Code that stores, sends or refuses something publishes an event without knowing its subscribers: lanes wake, open pages
refresh, attempts are counted and logged. `publish` calls the subscribers of the event's class at once, in the order of
subscription, and returns when all were called; a subscriber does little and waits for nothing. All of it happens on the
event loop's thread. Writes of other processes are published here too, by the task that watches the database's file.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from alerts.model.delivery import Bulk, SendResult, Verdict
from alerts.model.incident import EVERYTHING, MOST_CHANGES
from alerts.model.post import Post
from alerts.model.reason import Reason

HEARD = "heard"
"""In place of an incident, for subscribers who ask for it: people wrote something, or somebody handled it."""
REPORTED = "reports"
"""The same: a report of a citizen came in, or changed."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PostsStored:
    """Posts were stored, or may go out now; None: it isn't known on which channels.

    `elsewhere` says that another process did it, or may have.
    """

    channels: Collection[str] | None = None
    elsewhere: bool = False

    def concerns(self, channel: str) -> bool:
        """True if that channel may have work to do now."""
        return self.channels is None or channel in self.channels


@dataclass(frozen=True, slots=True)
class IncidentChanged:
    """Something about an incident is not as it was."""

    incident: str = EVERYTHING


@dataclass(frozen=True, slots=True)
class MessageFiled:
    """A message of a source was stored for the first time, with what was decided about it."""

    source: str
    state: str
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class AttemptFinished:
    """A post was sent or verified, and its result is in the journal; `seconds` is how long it took."""

    post: Post
    verdict: Verdict
    seconds: float


@dataclass(frozen=True, slots=True)
class SubscriberReached:
    """One subscriber's message of a bulk has an end, good or bad."""

    channel: str
    result: SendResult


@dataclass(frozen=True, slots=True)
class BulkEnded:
    """A bulk on a channel has no recipients left."""

    bulk: Bulk


@dataclass(frozen=True, slots=True)
class RemarkHeard:
    """Something that people said was kept; `raised`: some of it may be a call for help.

    Without a channel, somebody at the desk saw to what had been said.
    """

    channel: str = ""
    raised: bool = False


@dataclass(frozen=True, slots=True)
class ReportsChanged:
    """Reports of citizens came in, or changed: `numbers` are theirs."""

    numbers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ConnectionRefused:
    """A connection to our own pages was refused or closed, by why."""

    reason: str


@dataclass(frozen=True, slots=True)
class TaskEnded:
    """A loop that is to run as long as the daemon ended, or failed: `reason` says how. It is begun anew."""

    task: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class Stopping:
    """The process ends: nothing changes any more, and no page may hold it up."""


Event = TypeVar("Event")


class Events:
    """Where events are published and subscribed to; one for each daemon."""

    def __init__(self) -> None:
        # As keys, in the order of their subscribing: thousands of open pages come and go, each found at once.
        self._subscribers: dict[type[Any], dict[Callable[[Any], None], None]] = defaultdict(dict)

    def subscribe(self, kind: type[Event], hear: Callable[[Event], None]) -> None:
        """Call `hear` with each event of that class from now on."""
        self._subscribers[kind][hear] = None

    def unsubscribe(self, kind: type[Event], hear: Callable[[Event], None]) -> None:
        """Call it no more."""
        del self._subscribers[kind][hear]

    def publish(self, event: object) -> None:
        """Call all subscribers of its class. A subscriber that raises is logged and harms no other.

        The event is stored already, so an error here must not make it appear refused.
        """
        # A copy, for who hears it may unsubscribe meanwhile.
        for hear in tuple(self._subscribers.get(type(event), ())):
            try:
                hear(event)
            except Exception:
                log.exception("a subscriber of %s failed", type(event).__name__)

    @contextmanager
    def watch(self, *, heard: bool = False) -> Iterator[AsyncIterator[str]]:
        """Yield the incidents that change from now on, until the block ends or the daemon stops.

        Each is reported once, however often it changed since its last report; if there are many, `EVERYTHING` is. A
        slow reader therefore misses nothing and costs no more than one bounded set. With `heard`, people's remarks are
        reported too, as `HEARD`, and their reports as `REPORTED`: neither changes an incident, so no public page is
        rendered again.
        """
        watcher = _Watcher()
        subscribed: list[tuple[type[Any], Callable[[Any], None]]] = [
            (IncidentChanged, lambda event: watcher.note(event.incident)),
            (AttemptFinished, lambda event: watcher.note(event.post.incident_id)),
            (Stopping, lambda _: watcher.end()),
        ]
        if heard:
            subscribed.append((RemarkHeard, lambda _: watcher.note(HEARD)))
            subscribed.append((ReportsChanged, lambda _: watcher.note(REPORTED)))
        for kind, hear in subscribed:
            self.subscribe(kind, hear)
        try:
            yield watcher.changes()
        finally:
            for kind, hear in subscribed:
                self.unsubscribe(kind, hear)


class _Watcher:
    """The changes that one watcher hasn't received yet."""

    def __init__(self) -> None:
        self._untold: dict[str, None] = {}
        self._rung = asyncio.Event()
        self._is_over = False

    def note(self, incident: str) -> None:
        if incident == EVERYTHING or len(self._untold) > MOST_CHANGES:
            self._untold = {EVERYTHING: None}
        elif EVERYTHING not in self._untold:
            self._untold[incident] = None
        self._rung.set()

    def end(self) -> None:
        self._is_over = True
        self._rung.set()

    async def changes(self) -> AsyncIterator[str]:
        while not self._is_over:
            await self._rung.wait()
            self._rung.clear()
            # Emptied before the first is handed on: what changes meanwhile comes in the next turn.
            untold, self._untold = self._untold, {}
            for incident in untold:
                yield incident
