"""What is counted, as Prometheus reads it at `/metrics`: by the events of the bus, and measured when somebody asks.

Each name here is promised to whoever draws it (docs/operate.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from alerts.delivery.lane import LONGEST_IDLE, Lane
from alerts.model.delivery import SendOutcome
from alerts.model.events import AttemptFinished, BulkEnded, ConnectionRefused, Events, MessageFiled, SubscriberTold
from alerts.model.post import PostState
from alerts.model.reason import Reason
from alerts.sources.poll import LONGEST_BACKOFF, Poller
from alerts.web.ops import Cycle
from alerts.web.public.publisher import AT_LEAST_EVERY, Publisher


class Metrics:
    """Counts what is published on the bus. `registry` is for gauges that another room keeps."""

    def __init__(self, events: Events) -> None:
        self.registry = registry = CollectorRegistry()
        self._attempts = Counter(
            "tocsin_attempts", "Attempts to send or find a post", ["channel", "outcome"], registry=registry
        )
        self._seconds = Histogram(
            "tocsin_attempt_seconds", "From leaving to the answer", ["channel"], registry=registry
        )
        self._reasons = Counter(
            "tocsin_reasons", "Decisions and attempts by their reason (docs/reasons.md)", ["code"], registry=registry
        )
        self._filed = Counter(
            "tocsin_alerts", "Messages by what became of them", ["source", "state"], registry=registry
        )
        self._refused = Counter(
            "tocsin_web_refused", "Connections refused or closed, by why", ["reason"], registry=registry
        )
        self._told = Counter(
            "tocsin_bulk_messages", "Messages to subscribers by their fate", ["channel", "fate"], registry=registry
        )
        self._bulks = Counter(
            "tocsin_bulks", "Alerts to subscribers that are over", ["channel", "state"], registry=registry
        )
        self._posts = Gauge("tocsin_posts", "Posts by state", ["channel", "state"], registry=registry)
        self._ages = Gauge(
            "tocsin_cycle_age_seconds", "Since it last went round; -1: never", ["cycle"], registry=registry
        )
        self._is_ok = Gauge(
            "tocsin_ok", "1 where it does what it is for, 0 where it fails", ["what", "name"], registry=registry
        )
        self._connections = Gauge(
            "tocsin_web_connections", "Connections to our own pages that are open", registry=registry
        )
        self._halted = Gauge(
            "tocsin_bot_halted_seconds", "Until a bot may say anything again", ["channel"], registry=registry
        )
        self._subscribers = Gauge(
            "tocsin_subscribers", "Chats that are told by a channel's bot", ["channel"], registry=registry
        )
        events.subscribe(AttemptFinished, self._count_attempt)
        events.subscribe(MessageFiled, self._count_message)
        events.subscribe(SubscriberTold, self._count_told)
        events.subscribe(BulkEnded, lambda event: self._bulks.labels(event.bulk.channel, event.bulk.state).inc())
        events.subscribe(ConnectionRefused, lambda event: self._refused.labels(event.reason).inc())

    def exposition(self) -> bytes:
        """Everything, in Prometheus' text format."""
        return generate_latest(self.registry)

    def measure(
        self,
        posts: Mapping[tuple[str, PostState], int],
        cycles: Iterable[Cycle],
        well: Mapping[tuple[str, str], bool],
        connections: int,
    ) -> None:
        """Set what is only known when somebody asks. `well` says of each source, channel and the store if it works."""
        for (channel, state), number in posts.items():
            self._posts.labels(channel, state).set(number)
        for cycle in cycles:
            self._ages.labels(cycle.name).set(-1 if cycle.age is None else cycle.age)
        for (what, name), is_well in well.items():
            self._is_ok.labels(what, name).set(is_well)
        self._connections.set(connections)

    def expect_bots(self, channels: Iterable[str]) -> None:
        """Show the counts of these channels' bots from the start: a series that is missing can't be alerted on."""
        for channel in channels:
            for outcome in SendOutcome:
                self._told.labels(channel, outcome)

    def measure_bots(self, halted: Mapping[str, float], subscribers: Mapping[str, int]) -> None:
        """The same of the bots, by channel: seconds until each may say anything again, and whom it tells."""
        for channel, seconds in halted.items():
            self._halted.labels(channel).set(seconds)
        for channel, people in subscribers.items():
            self._subscribers.labels(channel).set(people)

    def _count_attempt(self, event: AttemptFinished) -> None:
        self._attempts.labels(event.post.channel, event.verdict.outcome).inc()
        self._seconds.labels(event.post.channel).observe(event.seconds)
        self._count_reason(event.verdict.reason)

    def _count_message(self, event: MessageFiled) -> None:
        self._filed.labels(event.source, event.state).inc()
        self._count_reason(event.reason)

    def _count_told(self, event: SubscriberTold) -> None:
        self._told.labels(event.channel, event.result.outcome).inc()

    def _count_reason(self, reason: Reason | None) -> None:
        """A reason is counted with those within it."""
        for code in reason.codes() if reason else ():
            self._reasons.labels(code).inc()


LATE = 60.0
"""Seconds that a cycle may be behind its time before it counts as standing still."""


def lane_cycle(lane: Lane, now: float) -> Cycle:
    """A lane: an idle one looks at the outbox every so often, too."""
    age = now - lane.cycled_at
    return Cycle(f"lane {lane.settings.name}", age, age > LONGEST_IDLE.total_seconds() + LATE, lane.trouble)


def source_cycle(poller: Poller, now: float) -> Cycle:
    """A source: it must have been tried since its time, whatever came of it."""
    longest = max(poller.every, LONGEST_BACKOFF).total_seconds() + LATE
    age = None if poller.tried_at is None else now - poller.tried_at
    return Cycle(f"source {poller.name}", age, age is None or age > longest, poller.reason)


def pages_cycle(publisher: Publisher, now: float) -> Cycle:
    """The public pages; one that can't be made stays dated, and whoever watches over the town hears of it."""
    age = None if publisher.made_at is None else now - publisher.made_at
    return Cycle("pages", age, age is not None and age > AT_LEAST_EVERY + LATE, publisher.unexported)
