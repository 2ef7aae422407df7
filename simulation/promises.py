"""What the audit compares: what the daemon's database says at the end, and what the world knows of it."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from alerts.model.incident import MANUAL, AlertState, StoredAlert
from alerts.model.post import Post, PostKind, PostState
from alerts.store.statement import stamp, time_of
from alerts.store.views import Views
from simulation.audit import Breach, Promised
from simulation.feed import Feed

END_IS_SENT_WITHIN = timedelta(minutes=3)
_SENT_AGAIN = """
    SELECT post_id FROM attempt WHERE outcome = 'sent_again'
    UNION SELECT post_id FROM decision WHERE reason LIKE '%retried%' AND post_id IS NOT NULL
"""
_READY = """
    SELECT post.id, MAX(decision.at) FROM post JOIN decision ON decision.post_id = post.id
        OR (decision.alert_id = post.alert_id AND decision.what = 'approved')
    WHERE decision.what IN ('queued', 'approved') GROUP BY post.id
"""
_OPEN = """
    SELECT COUNT(*) FROM post
    WHERE state IN ('queued', 'sending', 'waiting') OR (state = 'in_doubt' AND next_try IS NOT NULL)
"""


def promises(db: sqlite3.Connection) -> list[Promised]:
    """Every post there ever was, as the audit reads it."""
    again = {row[0] for row in db.execute(_SENT_AGAIN)}
    ready: dict[str, int] = {row[0]: row[1] for row in db.execute(_READY)}
    messages = Views(db).everything()
    posts = Views(db).posts_by_alert([stored.id for stored in messages])
    return [
        _promised(post, ready.get(post.id), may_repeat=post.id in again) for each in posts.values() for post in each
    ]


def _promised(post: Post, ready: int | None, *, may_repeat: bool) -> Promised:
    released = datetime.fromtimestamp(ready / 1e6, tz=post.stored_at.tzinfo) if ready else post.stored_at
    return Promised(
        post=post.id,
        alert=post.alert_id,
        incident=post.incident_id,
        channel=post.channel,
        kind=post.kind,
        severity=post.severity,
        exercise=post.exercise,
        seq=post.seq,
        stored_at=post.stored_at,
        ready_at=max(released, post.stored_at),
        ends=post.expires,
        state=post.state,
        reason=str(post.reason) if post.reason else None,
        text=post.message.plain,
        means=post.means,
        remote_id=post.receipt.remote_id if post.receipt else None,
        tries=post.tries,
        may_repeat=may_repeat,
    )


def next_end(db: sqlite3.Connection, now: datetime) -> datetime | None:
    """When the next alert is over; None: nothing is on."""
    rows = db.execute("SELECT MIN(expires) FROM alert WHERE state = 'accepted' AND expires > ?", (stamp(now),))
    return time_of(rows.fetchone()[0])


def ended(messages: Sequence[StoredAlert], posts: Sequence[Promised], now: datetime) -> Iterator[Breach]:
    """An incident that is over is over on each channel where it was told."""
    newest = {stored.incident_id: stored for stored in messages if stored.state is AlertState.ACCEPTED and stored.alert}
    threads: dict[tuple[str, str], list[Promised]] = defaultdict(list)
    for post in sorted(posts, key=lambda post: post.seq):
        threads[post.incident, post.channel].append(post)
    for (incident, channel), thread in threads.items():
        alert = newest[incident].alert if incident in newest else None
        shown = [post for post in thread if post.state is PostState.SENT]
        if alert is None or not shown or alert.ends + END_IS_SENT_WITHIN > now:
            continue
        if not any(post.kind is PostKind.END for post in thread[thread.index(shown[-1]) :]):
            yield Breach("ended is ended", f"incident {incident} is over, and still on {channel}")


def nobody_silenced(messages: Sequence[StoredAlert]) -> Iterator[Breach]:
    """What was left out for another source's twin, was left out for one that had been let out."""
    states = {stored.id: stored.state for stored in messages}
    for stored in messages:
        twin = str(stored.reason["into"]) if stored.reason and stored.reason["into"] else None
        if twin in states and states[twin] is not AlertState.ACCEPTED:
            yield Breach("nobody silences", f"{stored.id} was left out for {twin}, which is {states[twin]}")


def each_for_itself(
    db: sqlite3.Connection, messages: Sequence[StoredAlert], posts: Sequence[Promised]
) -> Iterator[Breach]:
    """A feed ends what it brought itself, unless an officer let the end go."""
    let_go = {row[0] for row in db.execute("SELECT alert_id FROM decision WHERE what = 'approved'")}
    over = {row[0] for row in db.execute("SELECT alert_id FROM decision WHERE what = 'over'")}
    ends = {post.alert for post in posts if post.kind is PostKind.END and post.state is PostState.SENT} - let_go - over
    incidents: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for stored in messages:
        voice = stored.source, stored.alert.sender if stored.alert else ""
        if stored.id in ends and stored.source != MANUAL and voice not in incidents[stored.incident_id]:
            yield Breach("each for itself", f"{stored.id} of {stored.source} ended what others brought")
        if stored.state is AlertState.ACCEPTED:
            incidents[stored.incident_id].add(voice)


def open_posts(db: sqlite3.Connection) -> int:
    """How many posts still have something before them."""
    count: int = db.execute(_OPEN).fetchone()[0]
    return count


def all_taken_in(db: sqlite3.Connection, accepted: Iterable[str], feeds: Mapping[str, Feed]) -> Iterator[Breach]:
    """Whatever was answered for or shown is in the database, with a reason where it isn't out."""
    messages = {stored.id: stored for stored in Views(db).everything()}
    for alert_id in accepted:
        if alert_id not in messages:
            yield Breach("nothing lost", f"the officer's alert {alert_id} was accepted and isn't in the database")
    for stored in messages.values():
        if stored.state is not AlertState.ACCEPTED and not stored.reason:
            yield Breach("nothing lost", f"the alert {stored.id} is {stored.state} without a reason")
    identifiers = {stored.alert.identifier for stored in messages.values() if stored.alert}
    for name, key in untold(db, feeds):
        yield Breach("nothing lost", f"{name} shows {key}, and it was never taken in")
    for (key,) in db.execute("SELECT key FROM heard"):
        identifier = key.split(" ")[0]
        if "://" in identifier:  # an address, and no alert's own name
            continue
        if identifier != "nonsense" and identifier not in identifiers:
            yield Breach("nothing lost", f"{key} was told, and isn't in the database")


def untold(db: sqlite3.Connection, feeds: Mapping[str, Feed]) -> list[tuple[str, str]]:
    """What each feed shows and the daemon hasn't taken in."""
    heard = {tuple(row) for row in db.execute("SELECT source, key FROM heard")}
    shown = [(name, key) for name, feed in feeds.items() for key in feed.entries]
    return [entry for entry in shown if entry not in heard]
