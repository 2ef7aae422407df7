"""A daemon's output for operators: the log on standard error, and the metrics at `/metrics`.

Both subscribe to attempts, bulks and messages on the bus. The log is facts with fields, key=value on a terminal and
JSON elsewhere. A repeated line about a lasting trouble (a full disk, each second; a flood at the door, each time) is
logged once, and then once a minute with the number of repetitions: a disk that is full of its own complaint helps
nobody.

Metrics are counted as events happen, and measured on request. Each name is stable (docs/operate.md).
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import time
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from alerts.apart.pool import POOLS
from alerts.delivery.worker import TASK, Cycle, Work, Workers
from alerts.health.monitor import Trouble, What
from alerts.model.delivery import SendOutcome
from alerts.model.events import (
    AttemptFinished,
    BulkEnded,
    ConnectionRefused,
    Events,
    MessageFiled,
    SubscriberReached,
    TaskEnded,
)
from alerts.model.post import PostState
from alerts.model.reason import Reason

SUMMED_EVERY = 60.0
TASK_ENDS = "Steps of loops that failed unforeseen, and were done anew"
_MOST = 1000
_LOUD = frozenset({"warning", "error", "critical", "exception"})
log = structlog.get_logger()
# Without the frames' locals: among them are the credentials of whoever was calling.
_PLAINLY = structlog.dev.plain_traceback


@dataclass(slots=True)
class _Said:
    """A line, when it was said, and how often it would have been since."""

    method: str
    fields: dict[str, Any]
    at: float
    more: int = 0


class Repeats:
    """Drops a warning that was logged within the last minute, and logs at its end how often it came.

    Two lines are the same if all their fields are. A line whose fields differ each time (an address, a count) has a
    field `once`, which isn't shown, as its identity; such a line need be no warning.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._said: dict[Hashable, _Said] = {}

    def __call__(self, _: object, method: str, fields: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        """As a processor of structlog's."""
        once = fields.pop("once", None)
        is_sum = "times_more" in fields
        if (
            not is_sum
            and (once is not None or method in _LOUD)
            and self.is_repeated(once or _same(fields), method, fields)
        ):
            raise structlog.DropEvent
        return fields

    def is_repeated(self, key: Hashable, method: str, fields: MutableMapping[str, Any]) -> bool:
        """True if it was logged lately; else it is logged now."""
        now = self._monotonic()
        said = self._said.get(key)
        if said is not None and now - said.at < SUMMED_EVERY:
            said.more += 1
            return True
        if said is None and len(self._said) >= _MOST:
            # The oldest makes room: strangers at the door can make a new line each time, and memory has an end.
            self._said.pop(next(iter(self._said)))
        kept = {name: value for name, value in fields.items() if name not in ("exc_info", "timestamp", "stack_info")}
        more = said.more if said else 0
        self._said[key] = _Said("error" if method == "exception" else method, kept, now)
        if more:
            fields["times_more"] = more
        return False

    def sums(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """The lines whose minute is over (level, fields), with how often they weren't said; each is forgotten."""
        now = self._monotonic()
        for key, said in list(self._said.items()):
            if now - said.at >= SUMMED_EVERY:
                del self._said[key]
                if said.more:
                    yield said.method, {**said.fields, "times_more": said.more, "in_seconds": round(now - said.at)}


def _same(fields: MutableMapping[str, Any]) -> Hashable:
    """Return the identity of a line; of an exception, its message."""
    values = {name: str(value) for name, value in fields.items() if name not in ("exc_info", "timestamp")}
    error = fields.get("exc_info")
    if error:
        values["exc_info"] = repr(error if isinstance(error, BaseException) else sys.exc_info()[1])
    return tuple(sorted(values.items()))


class _Unrepeated(logging.Filter):
    """The same for what libraries say through `logging`."""

    def __init__(self, repeats: Repeats) -> None:
        super().__init__()
        self._repeats = repeats

    def filter(self, record: logging.LogRecord) -> bool:
        """True if it is logged."""
        said = record.getMessage()
        return not self._repeats.is_repeated((record.name, said), record.levelname.lower(), {"event": said})


_REPEATS = Repeats()


async def _sum_up() -> None:
    log = structlog.get_logger()
    for level, fields in _REPEATS.sums():
        getattr(log, level)(**fields)


SUMMING_UP = Work("log", _sum_up, SUMMED_EVERY / 6, first=SUMMED_EVERY / 6)
"""Says each minute what was said again and again."""


class _Log(structlog.WriteLogger):
    """Drops a line that can't be written: a file on a full disk, or a pipe without a reader, must end no loop."""

    def msg(self, message: str) -> None:
        """Write the line and flush it."""
        with contextlib.suppress(OSError):
            super().msg(message)

    log = debug = info = warn = warning = msg
    fatal = failure = err = error = critical = exception = msg


def set_up_log(level: str = "info") -> None:
    """Send structlog's events and the libraries' warnings to standard error, one line each."""
    on_terminal = sys.stderr.isatty()
    colours = on_terminal and not os.environ.get("NO_COLOR")
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="%H:%M:%S" if on_terminal else "iso", utc=not on_terminal),
    ]
    if on_terminal:
        last: list[structlog.typing.Processor] = [
            structlog.dev.ConsoleRenderer(colors=colours, exception_formatter=_PLAINLY)
        ]
    else:
        plainly = structlog.tracebacks.ExceptionDictTransformer(show_locals=False, max_frames=20)
        render: structlog.typing.Processor = structlog.processors.JSONRenderer(ensure_ascii=False)
        last = [structlog.processors.ExceptionRenderer(plainly), _ranked(render) if _is_journal() else render]
    structlog.configure(
        processors=[_REPEATS, *shared, *last],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: _Log(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(_Unrepeated(_REPEATS))
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=_foreign(last)))
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    for library in ("httpx", "httpcore", "tweepy", "telegram", "oauthlib", "requests_oauthlib"):
        # At their lower levels these print addresses with tokens and OAuth parameters.
        logging.getLogger(library).setLevel(logging.WARNING)


# As the journal sorts lines (sd-daemon(3)): `journalctl -p warning` shows what is worth a look.
_RANKS = {"critical": 2, "error": 3, "exception": 3, "warning": 4, "debug": 7}
_INFO = 6


def _is_journal() -> bool:
    """True if standard error goes to systemd's journal, by its own variable (systemd.exec(5), JOURNAL_STREAM)."""
    try:
        there = os.fstat(sys.stderr.fileno())
    except (OSError, ValueError):
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{there.st_dev}:{there.st_ino}"


def _ranked(render: structlog.typing.Processor) -> structlog.typing.Processor:
    """The line with how grave it is before it, which the journal takes away again."""

    def ranked(logger: Any, method: str, fields: MutableMapping[str, Any]) -> str:
        rank = _RANKS.get(str(fields.get("level")), _INFO)
        return f"<{rank}>{render(logger, method, fields)!s}"

    return ranked


def _foreign(last: list[structlog.typing.Processor]) -> list[structlog.typing.Processor]:
    return [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last]


def log_deliveries(events: Events) -> None:
    """Say of each attempt what came of it, and of each bulk that is over whom it reached."""
    events.subscribe(AttemptFinished, _log_attempt)
    events.subscribe(BulkEnded, _log_bulk)


def _log_attempt(event: AttemptFinished) -> None:
    post, verdict = event.post, event.verdict
    fields = {"channel": post.channel, "post": post.id, "alert": post.alert_id, "kind": post.kind.value}
    if verdict.state is PostState.SENT:
        url = verdict.receipt.url if verdict.receipt else None
        log.info("post.sent", **fields, outcome=verdict.outcome, url=url, ms=round(event.seconds * 1000))
    else:
        name = f"post.{verdict.state}"
        log.warning(name, **fields, outcome=verdict.outcome, reason=str(verdict.reason or ""))


def _log_bulk(event: BulkEnded) -> None:
    bulk, name = event.bulk, f"bulk.{event.bulk.state}"
    log.info(
        name,
        channel=bulk.channel,
        bulk=bulk.id,
        alert=bulk.alert_id,
        sent=bulk.sent,
        failed=bulk.failed,
        skipped=bulk.skipped,
        reason=str(bulk.reason) if bulk.reason else None,
    )


class Metrics:
    """Counts what is published on the bus. `registry` is for gauges that another room keeps."""

    def __init__(self, events: Events) -> None:
        self.registry = CollectorRegistry()
        counter, gauge = partial(Counter, registry=self.registry), partial(Gauge, registry=self.registry)
        self._attempts = counter("tocsin_attempts", "Attempts to send or find a post", ["channel", "outcome"])
        self._seconds = Histogram(
            "tocsin_attempt_seconds", "From leaving to the answer", ["channel"], registry=self.registry
        )
        self._reasons = counter("tocsin_reasons", "Decisions and attempts by their reason (docs/reasons.md)", ["code"])
        self._filed = counter("tocsin_alerts", "Messages by what became of them", ["source", "state"])
        self._refused = counter("tocsin_web_refused", "Connections refused or closed, by why", ["reason"])
        self._bulk_messages = counter(
            "tocsin_bulk_messages", "Messages to subscribers by their fate", ["channel", "fate"]
        )
        self._bulks = counter("tocsin_bulks", "Alerts to subscribers that are over", ["channel", "state"])
        self._posts = gauge("tocsin_posts", "Posts by state", ["channel", "state"])
        self._jobs = gauge(
            "tocsin_jobs",
            "What is sent or done beside the posts, was tried, and isn't through",
            ["channel", "kind", "state"],
        )
        self._ages = gauge("tocsin_cycle_age_seconds", "Since it last went round; -1: never", ["cycle"])
        self._is_ok = gauge("tocsin_ok", "1 where it does what it is for, 0 where it fails", ["what", "name"])
        self._connections = gauge("tocsin_web_connections", "Connections to our own pages that are open")
        self._halted = gauge("tocsin_bot_halted_seconds", "Until a bot may say anything again", ["channel"])
        self._subscribers = gauge("tocsin_subscribers", "Chats that are told by a channel's bot", ["channel"])
        self._spent = gauge("tocsin_spent_euros", "What a channel's posts cost in euros", ["channel", "span"])
        self._tasks = counter("tocsin_task_ends", TASK_ENDS, ["task"])
        events.subscribe(AttemptFinished, self._count_attempt)
        events.subscribe(MessageFiled, self._count_message)
        events.subscribe(SubscriberReached, self._count_bulk_message)
        events.subscribe(BulkEnded, lambda event: self._bulks.labels(event.bulk.channel, event.bulk.state).inc())
        events.subscribe(ConnectionRefused, lambda event: self._refused.labels(event.reason).inc())
        events.subscribe(TaskEnded, lambda event: self._tasks.labels(event.task).inc())

    def exposition(self) -> bytes:
        """Everything, in Prometheus' text format."""
        return generate_latest(self.registry) + generate_latest(READERS)

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

    def measure_jobs(self, jobs: Mapping[tuple[str, str, str], int]) -> None:
        """Set how many jobs aren't through, by channel, kind and state; of those that are no number stays."""
        self._jobs.clear()
        for labels, number in jobs.items():
            self._jobs.labels(*labels).set(number)

    def measure_costs(self, costs: Mapping[str, Mapping[str, float]]) -> None:
        """Set what the posts of each channel cost, by `today` and `month`."""
        for channel, cost in costs.items():
            for span in ("today", "month"):
                self._spent.labels(channel, span).set(cost[span])

    def expect_bots(self, channels: Iterable[str]) -> None:
        """Show the counts of these channels' bots from the start: a series that is missing can't be alerted on."""
        for channel in channels:
            for outcome in SendOutcome:
                self._bulk_messages.labels(channel, outcome)

    def expect_task(self, name: str) -> None:
        """Show from the start how often that loop ended by itself."""
        self._tasks.labels(name)

    def measure_bots(self, halted: Mapping[str, float], subscribers: Mapping[str, int]) -> None:
        """Set the bots' gauges by channel: seconds until each may send again, and its number of subscribers."""
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

    def _count_bulk_message(self, event: SubscriberReached) -> None:
        self._bulk_messages.labels(event.channel, event.result.outcome).inc()

    def _count_reason(self, reason: Reason | None) -> None:
        """A reason is counted with those within it."""
        for code in reason.codes() if reason else ():
            self._reasons.labels(code).inc()


class _ReaderMetrics(Collector):
    """This process's readings in processes of its own, for all its towns."""

    def collect(self) -> Iterator[Metric]:
        """Yield the present counts."""
        readings = CounterMetricFamily(
            "tocsin_apart", "Readings of strangers' bytes, by how they went", labels=["what", "outcome"]
        )
        for pool in POOLS:
            for (what, outcome), count in pool.counts.items():
                readings.add_metric([what, outcome], count)
        yield readings
        yield GaugeMetricFamily(
            "tocsin_apart_processes", "Processes that read strangers' bytes", sum(pool.running for pool in POOLS)
        )
        yield CounterMetricFamily(
            "tocsin_apart_begun", "Such processes that were begun", sum(pool.begun for pool in POOLS)
        )


READERS = CollectorRegistry()
READERS.register(_ReaderMetrics())


def task_troubles(workers: Workers) -> list[Trouble]:
    """The same, for those on call."""
    ended = [each for each in workers if each.reason is not None]
    return [Trouble(What.TASK, f"{TASK}{each.name}", each.reason, each.ended_at) for each in ended]
