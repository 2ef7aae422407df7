"""What takes the place of a post that goes back into the queue: an update that was stored while it was being tried."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import datetime

from sqlalchemy import bindparam, select

from alerts.model.ports import Begun, Verdict
from alerts.model.post import Post, PostKind, PostState
from alerts.model.reason import Reason, because
from alerts.store.books import StoredBooks
from alerts.store.rows import post_of
from alerts.store.schema import post as posts
from alerts.store.statement import Statement

_HEIR = Statement(
    select(posts)
    .where(posts.c.incident == bindparam("incident"), posts.c.channel == bindparam("channel"))
    .where(posts.c.seq > bindparam("seq"), posts.c.state == PostState.QUEUED.value)
    .order_by(posts.c.seq)
    .limit(1)
)
_MAY_BE_OUT = "sent_again"
_NOTHING_TO_END = because("never_appeared_there")


def make_way(db: sqlite3.Connection, post: Post, begun: Begun, verdict: Verdict, now: datetime) -> None:
    """A post that is queued again leaves its place to a later one of its incident, which says more and may be urgent.

    An end of what never appeared has nothing to end: it is dropped with it.
    """
    row = _HEIR.row(db, incident=post.incident_id, channel=post.channel, seq=post.seq)
    if row is None:
        return
    heir, books = post_of(row), StoredBooks(db)
    reason = because("superseded", by=heir.alert_id)
    _move(books, replace(post, state=PostState.QUEUED), PostState.SUPERSEDED, reason, now)
    if heir.kind is PostKind.END and not begun.thread and verdict.outcome != _MAY_BE_OUT:
        _move(books, heir, PostState.DROPPED, _NOTHING_TO_END, now)


def drop_end(db: sqlite3.Connection, post: Post, begun: Begun, now: datetime) -> None:
    """A post that ended without having gone out takes the end with it that was stored meanwhile."""
    row = _HEIR.row(db, incident=post.incident_id, channel=post.channel, seq=post.seq)
    heir = post_of(row) if row is not None and not begun.thread else None
    if heir is not None and heir.kind is PostKind.END:
        _move(StoredBooks(db), heir, PostState.DROPPED, _NOTHING_TO_END, now)


def _move(books: StoredBooks, post: Post, state: PostState, reason: Reason, now: datetime) -> None:
    books.move_post(post, state, reason, not_before=None)
    books.note(now, post.alert_id, post.id, state, reason)
