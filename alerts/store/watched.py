"""What the watch looks at: what doesn't get out, how sources do, and what was learned of them."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, func, or_, select

from alerts.model.incident import OWN_NOTICES
from alerts.model.post import PostState
from alerts.model.reason import Reason, read_reason
from alerts.store.schema import alert, attempt, fact, post, source, stamp, time_of
from alerts.store.statement import Statement, any_of, upsert_into

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


def stuck(db: sqlite3.Connection, channel: str, before: datetime) -> Pile | None:
    """The alerts' posts that were first tried before `before` and are still on their way."""
    return _pile(_STUCK.row(db, channel=channel, before=stamp(before)))


def undecided(db: sqlite3.Connection, channel: str, now: datetime) -> Pile | None:
    """The alerts' posts that failed or may be out and wait for an officer, while they still matter."""
    return _pile(_UNDECIDED.row(db, channel=channel, now=stamp(now)))


def sources_seen(db: sqlite3.Connection) -> dict[str, SourceRow]:
    """Every source that was ever looked at."""
    return {
        row["name"]: SourceRow(
            row["failures"],
            read_reason(row["reason"]),
            time_of(row["last_ok"]),
            row["digest"] or row["etag"] or row["last_modified"],
        )
        for row in _SOURCES.rows(db)
    }


def recall(db: sqlite3.Connection) -> dict[str, str]:
    """All that the watch keeps over a restart."""
    return {row["key"]: row["value"] for row in _FACTS.rows(db)}


def remember(db: sqlite3.Connection, key: str, value: str) -> None:
    """Keep something over a restart."""
    _REMEMBER.run(db, channel=_OWNER, key=key, value=value)


def _pile(row: sqlite3.Row | None) -> Pile | None:
    since = time_of(row["since"]) if row else None
    return Pile(row["posts"], since, read_reason(row["reason"])) if row and since else None
