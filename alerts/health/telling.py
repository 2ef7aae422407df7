"""What came of each attempt, for whoever watches: log lines, metrics, and the demo's screen."""

from __future__ import annotations

from collections.abc import Callable

import structlog
from prometheus_client import CollectorRegistry, Counter, Histogram

from alerts.model.delivery import Verdict
from alerts.model.post import Post, PostState
from alerts.model.reason import Reason

Listener = Callable[[Post, Verdict, float], None]
log = structlog.get_logger()


class Telling:
    """Hands each verdict on to log, metrics and listeners."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.listeners: list[Listener] = []
        self._attempts = Counter(
            "tocsin_attempts", "Attempts to send or find a post", ["channel", "outcome"], registry=self.registry
        )
        self._seconds = Histogram(
            "tocsin_attempt_seconds", "From leaving to the answer", ["channel"], registry=self.registry
        )
        self._reasons = Counter(
            "tocsin_reasons",
            "Decisions and attempts by their reason (docs/reasons.md)",
            ["code"],
            registry=self.registry,
        )
        self._taken_in = Counter(
            "tocsin_alerts", "Messages by what became of them", ["source", "state"], registry=self.registry
        )
        self._refused = Counter(
            "tocsin_web_refused", "Connections refused or closed, by why", ["reason"], registry=self.registry
        )

    def because(self, reason: Reason | None) -> None:
        """Something was decided for that reason: it is counted, with those within it."""
        for code in reason.codes() if reason else ():
            self._reasons.labels(code).inc()

    def told(self, post: Post, verdict: Verdict, seconds: float) -> None:
        """An attempt came to an end."""
        self._attempts.labels(post.channel, verdict.outcome).inc()
        self.because(verdict.reason)
        self._seconds.labels(post.channel).observe(seconds)
        fields = {"channel": post.channel, "post": post.id, "alert": post.alert_id, "kind": post.kind.value}
        if verdict.state is PostState.SENT:
            receipt = verdict.receipt
            url = receipt.url if receipt else None
            log.info("post.sent", **fields, outcome=verdict.outcome, url=url, ms=round(seconds * 1000))
        else:
            event = f"post.{verdict.state}"
            log.warning(event, **fields, outcome=verdict.outcome, reason=str(verdict.reason or ""))
        for listener in self.listeners:
            listener(post, verdict, seconds)

    def taken_in(self, source: str, state: str, reason: Reason | None = None) -> None:
        """A message was filed."""
        self._taken_in.labels(source, state).inc()
        self.because(reason)

    def refused(self, reason: str) -> None:
        """A connection to our own pages was refused or closed."""
        self._refused.labels(reason).inc()
