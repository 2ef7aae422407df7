"""What is shown to people, over a connection that reads."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import and_, bindparam, exists, func, or_, select

from alerts.model.actor import fold_name
from alerts.model.incident import AlertState, Record
from alerts.model.ports import Event, SourceStanding, Standing, Wanted
from alerts.model.post import Post, PostState
from alerts.store import queries
from alerts.store.rows import post_of, record_of
from alerts.store.schema import alert, fact, look, post, stamp
from alerts.store.standings import read_standing
from alerts.store.statement import Statement, any_of, upsert_into

_seq_of = alert.alias("marker")
_PAGE = Statement(
    select(alert)
    .where(
        or_(
            bindparam("before").is_(None),
            alert.c.seq < select(_seq_of.c.seq).where(_seq_of.c.id == bindparam("before")).scalar_subquery(),
        )
    )
    .where(or_(bindparam("state").is_(None), alert.c.state == bindparam("state")))
    .where(or_(bindparam("source").is_(None), alert.c.source == bindparam("source")))
    .where(
        or_(
            bindparam("post_state").is_(None),
            exists().where(post.c.alert_id == alert.c.id, post.c.state == bindparam("post_state")),
        )
    )
    .where(
        or_(
            bindparam("words").is_(None),
            func.instr(func.lower(func.coalesce(alert.c.headline, "")), bindparam("words")) > 0,
            func.instr(func.lower(alert.c.id), bindparam("words")) > 0,
            func.instr(func.lower(func.coalesce(alert.c.identifier, "")), bindparam("words")) > 0,
        )
    )
    .order_by(alert.c.seq.desc())
    .limit(bindparam("most"))
)
_SENT_BETWEEN = Statement(
    select(post).where(post.c.sent_at >= bindparam("start"), post.c.sent_at < bindparam("end")).order_by(post.c.sent_at)
)
_STARTING = Statement(
    select(alert)
    .where(any_of(alert.c.state, [AlertState.ACCEPTED.value, AlertState.WAITING.value]))
    .where(and_(alert.c.expires > bindparam("start"), alert.c.sent < bindparam("end")))
    .order_by(alert.c.expires)
    .limit(bindparam("most"))
)
_FACT = Statement(select(fact.c.value).where(fact.c.channel == bindparam("channel"), fact.c.key == bindparam("key")))
_LOOK = Statement(
    select(look.c.alert_id).where(look.c.account == bindparam("account"), look.c.incident == bindparam("incident"))
)
_LOOKED = upsert_into(look)


class StoredViews:
    """`alerts.model.ports.Views` over a connection."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def on_now(self, now: datetime) -> Sequence[Record]:
        """What is on, waiting, failed or in doubt, oldest first."""
        return queries.on_now(self._db, now)

    def everything(self) -> Sequence[Record]:
        """All messages, with those that were left out, oldest first."""
        return queries.everything(self._db)

    def page(self, wanted: Wanted, *, before: str | None = None, most: int = 50) -> Sequence[Record]:
        """The newest messages first, from before the one of the id `before`."""
        rows = _PAGE.rows(
            self._db,
            before=before,
            state=wanted.state,
            post_state=wanted.post_state,
            source=wanted.source,
            words=wanted.words.lower() if wanted.words else None,
            most=most,
        )
        return [record_of(row) for row in rows]

    def posts_by_alert(self, alerts: Sequence[str]) -> Mapping[str, Sequence[Post]]:
        """The posts of each of these alerts, in order."""
        return queries.posts_by_alert(self._db, alerts)

    def history(self, incident: str) -> Sequence[Event]:
        """Every decision and attempt of an incident, in the order of time."""
        return queries.history(self._db, incident)

    def sources(self) -> Mapping[str, SourceStanding]:
        """How each source that was ever looked at is doing."""
        return queries.sources(self._db)

    def post_counts(self) -> Mapping[tuple[str, PostState], int]:
        """How many posts are in each state, by channel and state."""
        counts = queries.post_counts(self._db)
        return {(channel, PostState(state)): posts for (channel, state), posts in counts.items()}

    def departures(self, channel: str, since: datetime) -> Sequence[datetime]:
        """When the attempts that count left, from `since` on, oldest first."""
        return queries.departures(self._db, channel, since)

    def standing(self, channel: str) -> Standing:
        """How a channel stands with its platform."""
        return read_standing(self._db, channel)

    def fact(self, channel: str, key: str) -> str | None:
        """What a channel keeps under that name."""
        row = _FACT.row(self._db, channel=channel, key=key)
        return str(row["value"]) if row else None

    def sent_between(self, start: datetime, end: datetime) -> Sequence[Post]:
        """The posts that went out in a span of time, oldest first."""
        return [post_of(row) for row in _SENT_BETWEEN.rows(self._db, start=stamp(start), end=stamp(end))]

    def starting_between(self, start: datetime, end: datetime, *, most: int = 500) -> Sequence[Record]:
        """The messages that were taken in or wait, whose time touches the span, by when they are over."""
        rows = _STARTING.rows(self._db, start=stamp(start), end=stamp(end), most=most)
        return [record_of(row) for row in rows]

    def last_look(self, account: str, incident: str) -> str | None:
        """The id of the newest message of an incident when this account last looked at it."""
        row = _LOOK.row(self._db, account=fold_name(account), incident=incident)
        return str(row["alert_id"]) if row else None

    def looked(self, account: str, incident: str, alert_id: str, now: datetime) -> None:
        """Keep what an account has now seen of an incident."""
        _LOOKED.run(self._db, account=fold_name(account), incident=incident, alert_id=alert_id, at=stamp(now))
