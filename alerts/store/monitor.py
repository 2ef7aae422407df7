"""What the health checks read: posts that don't get out, sources, alerts that wait, and which notices were sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, func, or_, select

from alerts.model.incident import CLASHES, OWN_NOTICES, AlertState, StoredAlert
from alerts.model.person import Act, AuditEntry
from alerts.model.post import PostState
from alerts.model.reason import Reason, because, read_reason
from alerts.store.alerts import stored_alert_of
from alerts.store.dialect import likely
from alerts.store.schema import alert, attempt, audit, decision, fact, post, source
from alerts.store.statement import Statement, UnitPart, any_of, stamp, time_of, upsert_into

if TYPE_CHECKING:
    from alerts.store.dialect import Row

OWN_WARNINGS = OWN_NOTICES
"""The source of Tocsin's own warnings: what becomes of them is nothing to warn of."""
_S = PostState
_OWNER = "(watch)"  # no channel's name holds brackets
_ON_CHANNEL = post.c.channel == bindparam("channel")
_COUNTED = (func.count(post.c.id.distinct()).label("posts"), func.max(post.c.reason).label("reason"))
_STUCK = Statement(
    select(*_COUNTED, func.min(attempt.c.left_at).label("since"))
    .join(attempt, attempt.c.post_id == post.c.id)
    .join(alert, alert.c.id == post.c.alert_id)
    .where(_ON_CHANNEL, alert.c.source != OWN_WARNINGS, attempt.c.action == "send")
    # The states as one list first: that is what lets SQLite look only at what is open.
    .where(any_of(post.c.state, [_S.QUEUED.value, _S.SENDING.value, _S.IN_DOUBT.value]))
    .where(or_(post.c.state != _S.IN_DOUBT.value, post.c.next_try.is_not(None)))
    .where(attempt.c.left_at <= bindparam("before"))
)
# What has run out needs no decision any more: nobody would send it.
_UNDECIDED = Statement(
    select(*_COUNTED, func.min(post.c.stored_at).label("since"))
    .join(alert, alert.c.id == post.c.alert_id)
    .where(_ON_CHANNEL, alert.c.source != OWN_WARNINGS)
    .where(any_of(post.c.state, [_S.FAILED.value, _S.IN_DOUBT.value]))
    .where(or_(post.c.state == _S.FAILED.value, post.c.next_try.is_(None)))
    .where(or_(post.c.expires.is_(None), post.c.expires > bindparam("now")))
)
_SOURCES = Statement(select(source))
_FACTS = Statement(select(fact.c.key, fact.c.value).where(fact.c.channel == _OWNER))
_REMEMBER = upsert_into(fact)


@dataclass(frozen=True, slots=True)
class Pile:
    """Posts of one channel that have something in common: how many, since when, what was said last."""

    posts: int
    since: datetime
    reason: Reason | None


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A source as its last look left it; `mark` changes with what it says (None: it keeps none)."""

    failures: int
    reason: Reason | None
    last_ok: datetime | None
    mark: str | None


_WAITING = Statement(
    select(alert).where(alert.c.state == AlertState.WAITING.value, alert.c.source != OWN_WARNINGS).order_by(alert.c.seq)
)
# As reasons are kept now, and as they were kept before: a warning of either kind may be open when a daemon is upgraded.
_BEGAN = because("notice", say="begins", key="waiting ").kept().removesuffix('"}')
_TOLD = Statement(
    select(decision.c.reason)
    .select_from(alert.join(decision, decision.c.alert_id == alert.c.id))
    .where(alert.c.source == OWN_WARNINGS, likely(alert.c.state == AlertState.ACCEPTED.value))
    .where(alert.c.expires > bindparam("now"), alert.c.topic.is_not(None))
    .where(or_(decision.c.reason.like("begins: waiting %"), decision.c.reason.like(f"{_BEGAN}%")))
)


_CORRECTIONS = Statement(
    select(audit)
    .where(audit.c.seq > bindparam("after"), audit.c.act == Act.CORRECT.value, audit.c.at > bindparam("since"))
    .order_by(audit.c.seq)
)


_CLASHES = Statement(
    select(decision.c.alert_id)
    .where(decision.c.seq > bindparam("after"), decision.c.what == CLASHES, decision.c.at > bindparam("since"))
    .order_by(decision.c.seq)
)
_LAST_BEFORE = Statement(
    select(decision.c.seq).where(decision.c.at <= bindparam("since")).order_by(decision.c.seq.desc()).limit(1)
)


_HEIGHT = Statement(select(func.max(decision.c.seq).label("height")))


class Monitor(UnitPart):
    """What the rounds read, and the little that they keep."""

    def stuck(self, channel: str, before: datetime) -> Pile | None:
        """The alerts' posts that were first tried before `before` and are still on their way."""
        return _pile(_STUCK.row(self._db, channel=channel, before=stamp(before)))

    def undecided(self, channel: str, now: datetime) -> Pile | None:
        """The alerts' posts that failed or may be out and wait for an officer, while they still matter."""
        return _pile(_UNDECIDED.row(self._db, channel=channel, now=stamp(now)))

    def sources_seen(self) -> dict[str, SourceRow]:
        """Every source that was ever looked at."""
        return {
            row["name"]: SourceRow(
                row["failures"],
                read_reason(row["reason"]),
                time_of(row["last_ok"]),
                row["digest"] or row["etag"] or row["last_modified"],
            )
            for row in _SOURCES.rows(self._db)
        }

    def recall(self) -> dict[str, str]:
        """All that the watch keeps over a restart."""
        return {row["key"]: row["value"] for row in _FACTS.rows(self._db)}

    def remember(self, key: str, value: str) -> None:
        """Keep something over a restart."""
        _REMEMBER.run(self._db, channel=_OWNER, key=key, value=value)

    def waiting(self) -> Sequence[StoredAlert]:
        """The alerts that wait for a validation or a veto, oldest first."""
        return [stored_alert_of(row) for row in _WAITING.rows(self._db)]

    def told_of(self, now: datetime) -> Sequence[str]:
        """The ids of the alerts whose waiting those on call were told of, and not yet how it ended."""
        return [str(read_reason(row["reason"])).rsplit(" ", 1)[1] for row in _TOLD.rows(self._db, now=stamp(now))]

    def corrections(self, after: int, since: datetime) -> Sequence[AuditEntry]:
        """The lines of the audit log by which somebody corrected an alert, from behind the line `after`."""
        names = ("actor", "role", "origin", "address", "act", "subject", "detail")
        rows = [(time_of(row["at"]), row) for row in _CORRECTIONS.rows(self._db, after=after, since=stamp(since))]
        return [AuditEntry(at, *(str(row[name]) for name in names)) for at, row in rows if at is not None]

    def decisions_height(self) -> int:
        """The number of the newest decision."""
        row = _HEIGHT.row(self._db)
        return (row["height"] or 0) if row else 0

    def clashes(self, after: int | None, since: datetime) -> Sequence[str]:
        """The alerts that go by another message's name, as far as that was decided behind the decision `after`.

        None: the decisions of before `since` were never read, and are passed over from the newest backwards.
        """
        if after is None:
            last = _LAST_BEFORE.row(self._db, since=stamp(since))
            after = last["seq"] if last else 0
        return [row["alert_id"] for row in _CLASHES.rows(self._db, after=after, since=stamp(since))]


def _pile(row: Row | None) -> Pile | None:
    since = time_of(row["since"]) if row else None
    return Pile(row["posts"], since, read_reason(row["reason"])) if row and since else None
