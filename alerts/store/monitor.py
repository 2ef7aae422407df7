"""The reads of the health checks: stuck posts, sources, waiting alerts, and the notices that were sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from alerts.model.incident import CLASHES, OWN_NOTICES, StoredAlert
from alerts.model.person import Act, AuditEntry
from alerts.model.reason import Reason, because, read_reason
from alerts.store.alerts import stored_alert_of
from alerts.store.facts import WATCH, facts, keep_fact
from alerts.store.statement import Statement, UnitPart, stamp, time_of

if TYPE_CHECKING:
    from alerts.store.dialect import Row

OWN_WARNINGS = OWN_NOTICES
"""The source of Tocsin's own warnings; trouble with these is not warned of in turn."""
_STUCK = Statement(f"""
    SELECT count(DISTINCT post.id) AS posts, max(post.reason) AS reason, min(attempt.left_at) AS since
    FROM post JOIN attempt ON attempt.post_id = post.id JOIN alert ON alert.id = post.alert_id
    WHERE post.channel = :channel AND alert.source <> '{OWN_WARNINGS}' AND attempt.action = 'send'
    -- All open states in one list: only then SQLite uses the index of open posts.
    AND post.state IN ('queued', 'sending', 'in_doubt')
    AND (post.state <> 'in_doubt' OR post.next_try IS NOT NULL) AND attempt.left_at <= :before
""")
# An expired post needs no decision any more: it would not be sent.
_UNDECIDED = Statement(f"""
    SELECT count(DISTINCT post.id) AS posts, max(post.reason) AS reason, min(post.stored_at) AS since
    FROM post JOIN alert ON alert.id = post.alert_id
    WHERE post.channel = :channel AND alert.source <> '{OWN_WARNINGS}' AND post.state IN ('failed', 'in_doubt')
    AND (post.state = 'failed' OR post.next_try IS NULL) AND (post.expires IS NULL OR post.expires > :now)
""")
_SOURCES = Statement("SELECT * FROM source")


@dataclass(frozen=True, slots=True)
class Pile:
    """A group of posts of one channel: their number, since when, and the last reason given."""

    posts: int
    since: datetime
    reason: Reason | None


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A source after its last poll; `mark` changes with its content (None: it has none)."""

    failures: int
    reason: Reason | None
    last_ok: datetime | None
    mark: str | None


_WAITING = Statement(f"SELECT * FROM alert WHERE state = 'waiting' AND source <> '{OWN_WARNINGS}' ORDER BY seq")
# The present and the former form of a stored reason: a warning in either form may be open during an upgrade.
_BEGAN = because("notice", say="begins", key="waiting ").kept().removesuffix('"}')
_REPORTED = Statement(f"""
    SELECT decision.reason FROM alert JOIN decision ON decision.alert_id = alert.id
    WHERE alert.source = '{OWN_WARNINGS}' AND likely(alert.state = 'accepted')
    AND alert.expires > :now AND alert.topic IS NOT NULL
    AND (decision.reason LIKE :before OR decision.reason LIKE :began)
""")
_CORRECTIONS = Statement(f"""
    SELECT * FROM audit WHERE seq > :after AND act = '{Act.CORRECT}' AND at > :since ORDER BY seq
""")
_CLASHES = Statement(f"""
    SELECT alert_id FROM decision WHERE seq > :after AND what = '{CLASHES}' AND at > :since ORDER BY seq
""")
_LAST_BEFORE = Statement("SELECT seq FROM decision WHERE at <= :since ORDER BY seq DESC LIMIT 1")
_HEIGHT = Statement("SELECT max(seq) AS height FROM decision")


class Monitor(UnitPart):
    """The reads of the health rounds, and the little that they store."""

    def stuck(self, channel: str, before: datetime) -> Pile | None:
        """The alerts' posts that were first tried before `before` and are still on their way."""
        return _pile(_STUCK.row(self._db, channel=channel, before=stamp(before)))

    def undecided(self, channel: str, now: datetime) -> Pile | None:
        """The alerts' posts that failed or may be out and wait for an officer, while they still matter."""
        return _pile(_UNDECIDED.row(self._db, channel=channel, now=stamp(now)))

    def sources_seen(self) -> dict[str, SourceRow]:
        """Return every source that was ever polled."""
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
        """Return the facts that the watch keeps over a restart."""
        return facts(self._db, WATCH)

    def remember(self, key: str, value: str) -> None:
        """Keep a fact over a restart."""
        keep_fact(self._db, WATCH, key, value)

    def waiting(self) -> Sequence[StoredAlert]:
        """The alerts that wait for a validation or a veto, oldest first."""
        return [stored_alert_of(row) for row in _WAITING.rows(self._db)]

    def reported(self, now: datetime) -> Sequence[str]:
        """Return the ids of alerts whose waiting was reported to those on call, but not yet how it ended."""
        rows = _REPORTED.rows(self._db, now=stamp(now), before="begins: waiting %", began=f"{_BEGAN}%")
        return [str(read_reason(row["reason"])).rsplit(" ", 1)[1] for row in rows]

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
        """Return the alerts whose identifier another message already had, from the decisions behind `after`.

        None: no decision was read yet; those made before `since` are skipped, from the newest backwards.
        """
        if after is None:
            last = _LAST_BEFORE.row(self._db, since=stamp(since))
            after = last["seq"] if last else 0
        return [row["alert_id"] for row in _CLASHES.rows(self._db, after=after, since=stamp(since))]


def _pile(row: Row | None) -> Pile | None:
    since = time_of(row["since"]) if row else None
    return Pile(row["posts"], since, read_reason(row["reason"])) if row and since else None
