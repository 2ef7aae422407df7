"""What is read for people: status, export, the numbers of the metrics."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from datetime import datetime

from sqlalchemy import bindparam, func, select, text

from alerts.model.incident import OWN_NOTICES, Record
from alerts.model.ports import Event, SourceStanding
from alerts.model.post import Post
from alerts.model.reason import read_reason
from alerts.store.bulk_rows import with_subscribers
from alerts.store.journal import gone_from
from alerts.store.outbox_statements import PACE
from alerts.store.rows import post_of, record_of
from alerts.store.schema import OPEN, alert, attempt, decision, metadata, post, source, stamp, tally, time_of
from alerts.store.statement import Statement, one_of

_lasting = alert.alias("lasting")
# Nearly all there ever was is accepted: with the `+`, SQLite takes the index of times, not that of states.
_IS_ON = select(_lasting.c.id).where(
    text("+lasting.state IN ('accepted', 'waiting')"), _lasting.c.expires > bindparam("now")
)
_HAS_OPEN_POST = select(post.c.alert_id).where(text(f"post.{OPEN}"))
_NO_NOTICE = alert.c.source != OWN_NOTICES
_ON_NOW = Statement(select(alert).where(alert.c.id.in_(_IS_ON.union(_HAS_OPEN_POST)), _NO_NOTICE).order_by(alert.c.seq))
_ALL = Statement(select(alert).where(_NO_NOTICE).order_by(alert.c.seq))
_POSTS = Statement(select(post).where(one_of(post.c.alert_id, "alerts")).order_by(post.c.seq))
_SOURCES = Statement(select(source))
_COUNTS = Statement(select(tally.c.channel, tally.c.state, tally.c.posts))
_OPEN_COUNTS = Statement(
    select(post.c.channel, post.c.state, func.count().label("posts"))
    .where(text(f"post.{OPEN}"))
    .group_by(post.c.channel, post.c.state)
)


def on_now(db: sqlite3.Connection, now: datetime) -> list[Record]:
    """What is on, waiting, failed or in doubt, oldest first."""
    return [record_of(row) for row in _ON_NOW.rows(db, now=stamp(now))]


def everything(db: sqlite3.Connection) -> list[Record]:
    """All messages, with those that were left out, oldest first."""
    return [record_of(row) for row in _ALL.rows(db)]


def posts_by_alert(db: sqlite3.Connection, alerts: Sequence[str]) -> dict[str, list[Post]]:
    """The posts of each of these alerts, in order."""
    grouped: dict[str, list[Post]] = {identity: [] for identity in alerts}
    for each in with_subscribers(db, [post_of(row) for row in _POSTS.rows(db, alerts=json.dumps(list(alerts)))]):
        grouped[each.alert_id].append(each)
    return grouped


def sources(db: sqlite3.Connection) -> dict[str, SourceStanding]:
    """How each source that was ever looked at is doing."""
    return {
        row["name"]: SourceStanding(
            row["name"],
            time_of(row["last_ok"]),
            row["failures"],
            read_reason(row["reason"]),
            (gone_from(db, row["name"]) or ("", 0))[1] if row["failures"] else 0,
        )
        for row in _SOURCES.rows(db)
    }


def post_counts(db: sqlite3.Connection) -> dict[tuple[str, str], int]:
    """How many posts are in each state, by channel; 0 where there were some."""
    return {(row["channel"], row["state"]): row["posts"] for row in _COUNTS.rows(db)}


def open_counts(db: sqlite3.Connection) -> dict[tuple[str, str], int]:
    """How many posts are in each state of `TO_BE_SEEN_TO`, by channel, whatever there was before."""
    return {(row["channel"], row["state"]): row["posts"] for row in _OPEN_COUNTS.rows(db)}


def departures(db: sqlite3.Connection, channel: str, since: datetime) -> list[datetime]:
    """When the attempts that count left, from `since` on, oldest first."""
    rows = PACE.rows(db, channel=channel, since=stamp(since))
    return [time for row in rows if (time := time_of(row["left_at"]))]


_HIDDEN = {
    "account": ("password", "totp"),
    "session": ("digest", "csrf", "challenge"),
    "token": ("digest",),
}


def export(db: sqlite3.Connection) -> Iterator[dict[str, object]]:
    """Every row of every table, as `{"table": …, …}`; what lets somebody in, or could be made to, is `***`."""
    for table in metadata.sorted_tables:
        hidden = dict.fromkeys(_HIDDEN.get(table.name, ()), "***")
        for row in db.execute(f'SELECT * FROM "{table.name}"'):  # noqa: S608 the names are the schema's own
            shown = {name: value if value is None else hidden.get(name, value) for name, value in dict(row).items()}
            yield {"table": table.name, **shown}


_DECISIONS = Statement(
    select(decision.c.at, decision.c.alert_id, post.c.channel, decision.c.post_id, decision.c.what, decision.c.reason)
    .select_from(
        decision.join(alert, alert.c.id == decision.c.alert_id).outerjoin(post, post.c.id == decision.c.post_id)
    )
    .where(alert.c.incident == bindparam("incident"))
    .order_by(decision.c.seq)
)
_ATTEMPTS = Statement(
    select(attempt, post.c.id.label("of"), post.c.alert_id)
    .select_from(attempt.join(post, post.c.id == attempt.c.post_id))
    .where(post.c.incident == bindparam("incident"))
    .order_by(attempt.c.seq)
)


def history(db: sqlite3.Connection, incident: str) -> list[Event]:
    """Every decision and attempt of an incident, in the order of time."""
    events = [
        Event(at, row["alert_id"], row["channel"], row["post_id"], row["what"], read_reason(row["reason"]))
        for row in _DECISIONS.rows(db, incident=incident)
        if (at := time_of(row["at"]))
    ]
    for row in _ATTEMPTS.rows(db, incident=incident):
        of = (row["alert_id"], row["channel"], row["of"])
        if left_at := time_of(row["left_at"]):
            events.append(Event(left_at, *of, row["action"], None))
        if ended_at := time_of(row["ended_at"]):
            named = row["remote_id"]
            events.append(Event(ended_at, *of, row["outcome"], read_reason(row["reason"] or named), remote_id=named))
    return sorted(events, key=lambda event: event.at)
