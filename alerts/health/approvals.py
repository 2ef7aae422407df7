"""Looks every few seconds whether something waits for those on call, and tells them: at once, again, and the outcome.

What was corrected, what is grave and nears its end, a second factor that changed, and two messages under one name wait
for nobody, and are told once.

What was told is read from the database, in the transaction that tells: a restart, or a second daemon, tells nothing
twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from alerts.desk.approve import kind_of
from alerts.desk.following import words_about
from alerts.desk.routing import PRACTICE
from alerts.health.desk_events import Clashes, Corrections, Endings, factor_changes
from alerts.health.monitor import Phase, notices_due
from alerts.health.notices import OnCallNotice, OnCallNotices, topic_of
from alerts.health.words import PendingApproval, word_pending
from alerts.model.alert import Severity
from alerts.model.errors import DatabaseRefused
from alerts.model.events import Events, PostsStored
from alerts.model.incident import AlertState, StoredAlert
from alerts.model.person import Act
from alerts.model.ports import Clock
from alerts.model.post import PostState
from alerts.model.town import Town
from alerts.store.alerts import AlertRepository
from alerts.store.database import Database
from alerts.store.people import AuditLog
from alerts.store.unit import Unit

LOOKS_EVERY = 2.0
"""Seconds from one look to the next: how long after its storing an alert that waits is told at the latest."""
_DECISIONS = (Act.APPROVE, Act.REJECT, Act.SEND_BACK)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Due:
    """What is to be said now, of which alert, which still `waits` or doesn't."""

    say: Phase
    record: StoredAlert


class ApprovalNotices:
    """Tells of what waits on the channels of `[notify]`."""

    def __init__(
        self,
        config: Town,
        database: Database,
        clock: Clock,
        notices: OnCallNotices,
        events: Events,
    ) -> None:
        self._config = config
        self._remind = config.desk.remind
        self._database = database
        self._clock = clock
        self._notices = notices
        self._events = events
        self._corrections = Corrections(config.desk_url, config.language)
        self._clashes = Clashes(config.desk_url, notices.station)
        self._endings = Endings(config.desk_url, config.language, notices.station.zone)
        self._read_to = 0
        self._open: set[str] | None = None

    async def run(self) -> None:
        """Look until cancelled. A look that fails is logged, and the next one comes."""
        while True:
            try:
                await self.look()
            except DatabaseRefused as error:
                log.error("awaited.refused", error=str(error))  # noqa: TRY400 one line a look is enough
            except Exception:
                log.exception("awaited.stumbled")
            await self._clock.sleep(LOOKS_EVERY)

    async def look(self) -> None:
        """Look once; only where there is something to say is anything written."""
        # Read first: a transaction that writes each two seconds would wake every other process at the file.
        has_news, height = await self._database.read(self._news)
        if has_news:
            said = await self._database.write(self._tell)
            if said:
                self._events.publish(PostsStored(said))
        self._read_to = height

    def _news(self, unit: Unit) -> tuple[bool, int]:
        """Whether there is anything to say, and how far the audit log was read for it."""
        now, height = self._clock.now(), unit.audit.height()
        return bool(self._due(unit) or self._said(unit, now, height)), height

    def _said(self, unit: Unit, now: datetime, height: int) -> list[OnCallNotice]:
        """What is new and waits for nobody: of the audit log, of the desk's decisions, and of time."""
        unasked = [*self._clashes.news(unit, now), *self._endings.news(unit, now)]
        if height <= self._read_to:
            return unasked
        changes = factor_changes(unit, self._read_to, now, self._notices.station.zone)
        return [*unasked, *self._corrections.news(unit, self._read_to, now), *changes]

    def _tell(self, unit: Unit) -> list[str]:
        now = self._clock.now()
        due = self._due(unit)
        notices = [self._notice(unit, each) for each in due]
        notices += self._said(unit, now, unit.audit.height())
        for each in due:
            log.info("awaited.told", say=each.say, alert=each.record.id)
        return self._notices.file_notices(unit.alerts, notices, now)

    def _due(self, unit: Unit) -> list[_Due]:
        now, alerts = self._clock.now(), unit.alerts
        there = {record.id: record for record in unit.monitor.waiting()}
        # After a start, what was told before it and isn't settled: its outcome is still owed.
        if self._open is None:
            self._open = set(unit.monitor.told_of(now))
        told = self._told(alerts, {*self._open, *there}, now)
        self._open = {*told, *there}
        due = notices_due(there, told, now, self._remind)
        return [_Due(say, there.get(each) or _one(alerts, each)) for say, each in due]

    @staticmethod
    def _told(alerts: AlertRepository, waiting: set[str], now: datetime) -> Mapping[str, datetime]:
        """When those on call were last told of each, as far as it isn't settled."""
        earlier = {each: alerts.by_topic(topic_of(_key(each)), now) for each in sorted(waiting)}
        return {each: records[0].received_at for each, records in earlier.items() if records}

    def _notice(self, unit: Unit, due: _Due) -> OnCallNotice:
        alerts = unit.alerts
        pending = pending_of(self._config, alerts, due.record)
        if due.say is Phase.RESOLVED:
            pending = settled_of(unit.audit, alerts, pending, due.record)
        zone = self._notices.station.zone
        severity = max(Severity.MODERATE, pending.severity, key=lambda each: each.rank)
        return OnCallNotice(
            _key(due.record.id), due.say, lambda language: word_pending(pending, due.say, language, zone), severity
        )


def pending_of(config: Town, alerts: AlertRepository, record: StoredAlert) -> PendingApproval:
    """What those on call are told of an alert that waits, or did."""
    alert, desk_url = record.alert, config.desk_url
    info = words_about(alerts, record, config.language)
    posts = alerts.posts_of(record.id)
    vetoes = [post.not_before for post in posts if post.state is PostState.WAITING]
    return PendingApproval(
        id=record.id,
        headline=(info.headline or info.event) if info else record.id,
        severity=record.severity if alert is None or alert.infos else info.severity if info else record.severity,
        areas=tuple(dict.fromkeys(area.description for area in alert.areas)) if alert else (),
        since=record.received_at,
        until=alert.expires if alert else None,
        brought_by=record.author or record.source,
        kind=kind_of(record, posts),
        exercise=alert is not None and alert.status in PRACTICE,
        goes_out_at=min((time for time in vetoes if time), default=None),
        link=f"{desk_url}/waiting/{record.id}" if desk_url else None,
    )


def _key(alert_id: str) -> str:
    return f"waiting {alert_id}"


def _one(alerts: AlertRepository, alert_id: str) -> StoredAlert:
    return next(iter(alerts.by_id(alert_id)))


def settled_of(
    audit: AuditLog, alerts: AlertRepository, pending: PendingApproval, record: StoredAlert
) -> PendingApproval:
    """How it was decided, by whom and why: as the audit log has it, else as its state says."""
    for line in audit.newest(subject=record.id, most=5):
        entry = line.entry
        if entry.act in _DECISIONS:
            reason = entry.detail if entry.act != Act.APPROVE else ""
            return replace(pending, settled=entry.act, who=entry.actor, reason=reason or None)
    if record.state is AlertState.ACCEPTED:
        return replace(pending, settled="released")
    is_expired = any(post.state is PostState.EXPIRED for post in alerts.posts_of(record.id))
    return replace(pending, settled="expired" if is_expired else "replaced")
