"""The log: key=value on a terminal, JSON elsewhere; facts with fields, on standard error.

What is said again and again while something is wrong (a full disk, each second; a flood at the door, each time) is said
once, and then once a minute how many times more: a disk that is full of its own complaint helps nobody.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Awaitable, Callable, Hashable, Iterator, MutableMapping
from dataclasses import dataclass
from typing import Any

import structlog

from alerts.model.events import AttemptFinished, BulkEnded, Events
from alerts.model.post import PostState

SUMMED_EVERY = 60.0
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
    """Drops a warning that was said within the last minute, and tells at its end how often that was.

    Two lines are the same where all their fields are. A line whose fields differ each time (an address, a count) says
    by its field `once`, which isn't shown, what makes it the same; such a line need be no warning.
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
        """Whether it was said lately; else it is said now."""
        now = self._monotonic()
        said = self._said.get(key)
        if said is not None and now - said.at < SUMMED_EVERY:
            said.more += 1
            return True
        if said is None and len(self._said) >= _MOST:
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
    """What two lines are compared by; of an exception, what it says."""
    told = {name: str(value) for name, value in fields.items() if name not in ("exc_info", "timestamp")}
    error = fields.get("exc_info")
    if error:
        told["exc_info"] = repr(error if isinstance(error, BaseException) else sys.exc_info()[1])
    return tuple(sorted(told.items()))


class _Unrepeated(logging.Filter):
    """The same for what libraries say through `logging`."""

    def __init__(self, repeats: Repeats) -> None:
        super().__init__()
        self._repeats = repeats

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether it is said."""
        said = record.getMessage()
        return not self._repeats.is_repeated((record.name, said), record.levelname.lower(), {"event": said})


_REPEATS = Repeats()


async def sum_up(sleep: Callable[[float], Awaitable[None]]) -> None:
    """Say each minute, until cancelled, what was said again and again."""
    log = structlog.get_logger()
    while True:
        await sleep(SUMMED_EVERY / 6)
        for level, fields in _REPEATS.sums():
            getattr(log, level)(**fields)


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
        last = [structlog.processors.ExceptionRenderer(plainly), structlog.processors.JSONRenderer(ensure_ascii=False)]
    structlog.configure(
        processors=[_REPEATS, *shared, *last],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(_Unrepeated(_REPEATS))
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=_foreign(last)))
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    for library in ("httpx", "httpcore", "tweepy", "telegram", "oauthlib", "requests_oauthlib"):
        # At their lower levels these print addresses with tokens and OAuth parameters.
        logging.getLogger(library).setLevel(logging.WARNING)


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
