"""The books that the desk reads and writes within one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Column, ColumnElement, bindparam, func, insert, or_, select, update

from alerts.model.incident import AlertState, Record
from alerts.model.post import FOLLOWS, Post, PostState
from alerts.store.rows import post_of, record_of, values_of_post, values_of_record
from alerts.store.schema import alert, decision, post, stamp
from alerts.store.statement import Statement, insert_into

_ADD_ALERT = insert_into(alert)
_ADD_POST = insert_into(post)
_NOTE = Statement(insert(decision).values({c: bindparam(c) for c in ("at", "alert_id", "post_id", "what", "reason")}))
_NEWEST = alert.c.seq.desc()
_BY_IDENTIFIER = Statement(
    select(alert)
    .where(alert.c.identifier == bindparam("identifier"))
    .where(or_(bindparam("sender").is_(None), alert.c.sender == bindparam("sender")))
    .order_by(_NEWEST)
)
_BY_CONTENT = Statement(
    select(alert)
    .where(alert.c.content_key == bindparam("content_key"), alert.c.state != AlertState.LEFT_OUT.value)
    .order_by(_NEWEST)
)
_BY_HEADLINE = Statement(
    select(alert)
    .where(alert.c.headline == bindparam("headline"), alert.c.source == bindparam("source"))
    .where(alert.c.received_at >= bindparam("since"), alert.c.state != AlertState.LEFT_OUT.value)
    .order_by(_NEWEST)
)


def _starts(column: Column[str]) -> ColumnElement[bool]:
    return func.substr(column, 1, func.length(bindparam("prefix"))) == bindparam("prefix")


_BY_PREFIX = Statement(
    select(alert)
    .where(or_(_starts(alert.c.id), _starts(alert.c.identifier), _starts(alert.c.incident)))
    .order_by(_NEWEST)
    .limit(50)
)
_THREAD = Statement(
    select(post)
    .where(post.c.incident == bindparam("incident"))
    .where(or_(bindparam("channel").is_(None), post.c.channel == bindparam("channel")))
    .order_by(post.c.seq)
)
_POSTS_OF = Statement(select(post).where(post.c.alert_id == bindparam("alert_id")).order_by(post.c.seq))
_POST_BY_PREFIX = Statement(select(post).where(_starts(post.c.id)).order_by(post.c.seq).limit(50))
_SET_ALERT = Statement(
    update(alert).where(alert.c.id == bindparam("key")).values(state=bindparam("state"), reason=bindparam("reason"))
)
_MOVE_POST = Statement(
    update(post)
    .where(post.c.id == bindparam("key"), post.c.state == bindparam("was"))
    .values(
        state=bindparam("state"),
        reason=bindparam("reason"),
        not_before=bindparam("not_before"),
        next_try=bindparam("not_before"),
    )
)


def warm_up() -> None:
    """Compile what filing an alert runs, so that no transaction has to wait for it."""
    for statement in (_ADD_ALERT, _ADD_POST, _NOTE, _BY_IDENTIFIER, _BY_CONTENT, _BY_HEADLINE, _THREAD):
        statement.warm()


class StoredBooks:
    """`alerts.model.ports.Books` over a connection that is in a transaction."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def by_identifier(self, identifier: str, sender: str | None = None) -> Sequence[Record]:
        """The messages with this CAP identifier, newest first."""
        return [record_of(row) for row in _BY_IDENTIFIER.rows(self._db, identifier=identifier, sender=sender)]

    def by_content(self, content_key: str) -> Sequence[Record]:
        """The messages with the same words that were not left out, newest first."""
        return [record_of(row) for row in _BY_CONTENT.rows(self._db, content_key=content_key)]

    def by_headline(self, headline: str, source: str, since: datetime) -> Sequence[Record]:
        """The messages of a source with this headline that were taken in since, newest first."""
        rows = _BY_HEADLINE.rows(self._db, headline=headline, source=source, since=stamp(since))
        return [record_of(row) for row in rows]

    def by_id(self, prefix: str) -> Sequence[Record]:
        """The messages whose id, CAP identifier or incident starts with `prefix`; of an incident its newest."""
        newest: dict[str, Record] = {}
        for row in _BY_PREFIX.rows(self._db, prefix=prefix):
            record = record_of(row)
            if prefix in (record.id, record.alert.identifier if record.alert else None):
                return [record]
            newest.setdefault(record.incident_id, record)
        return list(newest.values())

    def thread(self, incident_id: str, channel: str | None = None) -> Sequence[Post]:
        """The posts of an incident, on one channel or all, in the order of storing."""
        return [post_of(row) for row in _THREAD.rows(self._db, incident=incident_id, channel=channel)]

    def posts_of(self, alert_id: str) -> Sequence[Post]:
        """The posts of one alert, in the order of storing."""
        return [post_of(row) for row in _POSTS_OF.rows(self._db, alert_id=alert_id)]

    def post_by_id(self, prefix: str) -> Sequence[Post]:
        """The posts whose id starts with `prefix`."""
        return [post_of(row) for row in _POST_BY_PREFIX.rows(self._db, prefix=prefix)]

    def add(self, record: Record) -> None:
        """Keep a message."""
        _ADD_ALERT.run(self._db, **values_of_record(record))

    def set_alert_state(self, alert_id: str, state: AlertState, reason: str | None) -> None:
        """Change what became of a message."""
        _SET_ALERT.run(self._db, key=alert_id, state=state, reason=reason)

    def add_post(self, new: Post) -> None:
        """Put a post into the outbox."""
        _ADD_POST.run(self._db, **values_of_post(new))

    def move_post(self, moved: Post, state: PostState, reason: str | None, *, not_before: datetime | None) -> None:
        """Change a post's state; raises ValueError where `FOLLOWS` doesn't allow it."""
        if state not in FOLLOWS[moved.state]:
            raise ValueError(f"a post that is {moved.state} can't become {state}")
        _MOVE_POST.run(
            self._db, key=moved.id, was=moved.state, state=state, reason=reason, not_before=stamp(not_before)
        )

    def note(self, at: datetime, alert_id: str, post_id: str | None, what: str, reason: str | None) -> None:
        """Write a decision down, for `explain`."""
        _NOTE.run(self._db, at=stamp(at), alert_id=alert_id, post_id=post_id, what=what, reason=reason)
