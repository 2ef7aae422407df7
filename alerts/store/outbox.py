"""The store as the lanes work it: what is due, and the two writes around each attempt.

An attempt is written down before it is made (`begin`), in the transaction that checks the lane's lease, and completed
after it (`finish`). Whatever has no end was interrupted: whoever takes the lane next puts it in doubt
(`mark_interrupted`).

A statement that changes a row says in its WHERE what the row was when it was decided on: two lanes, or a lane and an
officer, can't both win.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from alerts.model.delivery import Begun, Verdict
from alerts.model.lease import Lease
from alerts.model.poll import Counting, PollCount
from alerts.model.post import Post, PostKind, PostState, Receipt
from alerts.model.reason import Reason, because, kept_reason
from alerts.store import outbox_statements as sql
from alerts.store.alerts import AlertRepository, post_of
from alerts.store.database import Database
from alerts.store.statement import stamp, time_of
from alerts.store.unit import Unit

if TYPE_CHECKING:
    from alerts.store.dialect import Row

# A post that only ends another: without that one it has nothing to do.
_ENDS = (PostKind.END, PostKind.COUNT)
_MAY_BE_OUT = "sent_again"
_MICROSECOND = timedelta(microseconds=1)
_NOTHING_TO_END = because("never_appeared_there")
BELIEVED_WAIT = timedelta(minutes=5)
"""Where the clock was set back, no wait that was written down before it is longer than this."""
CLOCKS_DIFFER = timedelta(seconds=5)
"""How far the clocks of two machines may be apart."""


@dataclass(frozen=True, slots=True)
class Due:
    """The posts to send next; without any, everything else a lane has to know before it rests.

    That is the post in doubt to verify next, the time when a post becomes due by itself, and how many posts are queued,
    waiting or in doubt: if none is, the end of an attempt makes nothing due.
    """

    posts: Sequence[Post]
    doubtful: Post | None = None
    time: datetime | None = None
    open: int = 0


class Outbox:
    """The posts for a lane to send, and the journal of its attempts. Every write is durable when it returns."""

    def __init__(self, database: Database) -> None:
        self._database = database
        # Until a lane is taken (`mark_interrupted`) each of its posts is asked for: a database is put back while no
        # daemon runs.
        self._has_gap = True

    async def next_due(self, channel: str, now: datetime, *, urgent_only: bool, most: int = 1) -> Due:
        """The posts to send next, at most so many: by priority, then order, each of another incident."""
        values = {"channel": channel, "now": stamp(now), "urgent_only": int(urgent_only), "most": most}

        def look(unit: Unit) -> Due:
            # One hop to the database's thread instead of three: a lane asks a dozen times for each alert.
            posts = [post_of(row) for row in sql.NEXT_DUE.rows(unit.db, **values)]
            return Due(posts) if posts else _due_later(unit, channel, now)

        due = await self._database.read(look)
        for each in due.posts:
            if each.message.image is not None:
                await self._database.fetch_picture(each.message.image.path)
        return due

    async def due_later(self, channel: str, now: datetime) -> Due:
        """The same as `next_due` of a lane that has nothing to send now, without asking for posts."""
        return await self._database.read(lambda unit: _due_later(unit, channel, now))

    async def next_look(self, channel: str, now: datetime) -> Post | None:
        """Return the post in doubt to verify next."""
        return await self._database.read(lambda unit: _next_look(unit, channel, now))

    async def next_time(self, channel: str, now: datetime) -> datetime | None:
        """When a post becomes due by time alone; None: not before one is stored. A past time asks for `settle`."""
        return await self._database.read(lambda unit: _next_time(unit, channel, now))

    async def begin(self, post: Post, lease: Lease, now: datetime, *, action: str, counts: bool) -> Begun | None:
        """Write down that an attempt is being made. None: the lease or the post is no longer ours to act on."""
        has_gap = self._has_gap

        def begin(unit: Unit) -> Begun | None:
            if action == "send":
                return _begin_send(unit, post, lease, now, counts=counts, has_gap=has_gap)
            return _begin_look(unit, post, lease, now)

        return await self._database.write(begin)

    async def finish(self, post: Post, begun: Begun, verdict: Verdict, left_at: datetime, now: datetime) -> None:
        """Write down what an attempt came to.

        The journal always learns of it; the post only where it is still as the attempt left it (an officer may have
        dropped it meanwhile, or another owner of the lane have gone on), or where the answer is that it is out.
        """
        await self._database.write(lambda unit: _finish(unit, post, begun, verdict, left_at=left_at, now=now))

    async def settle(self, channel: str, lease: Lease, now: datetime) -> int:
        """End what is past its end, and release what waited long enough; returns how many posts changed."""
        return await self._database.write(lambda unit: _settle(unit, channel, lease, now))

    async def mark_interrupted(self, channel: str, lease: Lease, now: datetime) -> int:
        """Put every attempt without an end, made under an earlier lease, in doubt; returns how many.

        Where the clock was set back since the last attempt, no wait goes on for longer than five minutes.
        """

        def recover(unit: Unit) -> tuple[int, bool]:
            return _recover(unit, channel, lease, now), unit.restored.gap() is not None

        found, self._has_gap = await self._database.write(recover)
        return found

    async def pace(self, channel: str, since: datetime) -> Sequence[datetime]:
        """When the attempts that count left, from `since` on, oldest first."""
        return await self._database.read(lambda unit: unit.views.departures(channel, since))

    async def known_ids(self, channel: str) -> frozenset[str]:
        """The platform's ids of our recent posts on this channel."""
        rows = await self._database.read(lambda unit: sql.KNOWN_IDS.rows(unit.db, channel=channel))
        return frozenset(row["remote_id"] for row in rows)

    async def doubts(self, post: Post) -> int:
        """How many attempts to send it ended in doubt."""
        row = await self._database.read(lambda unit: sql.DOUBTS.row(unit.db, key=post.id))
        return int(row["count"]) if row is not None else 0


def _begin_send(unit: Unit, post: Post, lease: Lease, now: datetime, *, counts: bool, has_gap: bool) -> Begun | None:
    if has_gap and (not unit.leases.holds(lease, now) or unit.restored.look_first(post, now)):
        return None
    # In the statement that claims the post: a lease that was lost a moment ago must not send.
    values = {"lane": lease.lane, "owner": lease.owner, "number": lease.number}
    claimed = sql.CLAIM.run(unit.db, key=post.id, was=post.state, now=stamp(now), **values)
    if claimed.rowcount != 1:
        return None
    thread = () if post.kind is PostKind.PUBLISH else _thread(unit, post)
    # What finds nothing to change goes out as a new post, and has to be known for one after a crash too.
    return Begun(
        attempt=_journalled(unit, post, lease, now, action="send", counts=counts or not thread),
        thread=thread,
        newest_known=None,
        action="send",
    )


def _begin_look(unit: Unit, post: Post, lease: Lease, now: datetime) -> Begun | None:
    if not unit.leases.holds(lease, now) or sql.IN_DOUBT.row(unit.db, key=post.id) is None:
        return None
    return Begun(
        attempt=_journalled(unit, post, lease, now, action="look", counts=False),
        thread=() if post.kind is PostKind.PUBLISH else _thread(unit, post),
        newest_known=unit.restored.newest_known(post.channel, post.attempted_at or post.stored_at, post.id),
        action="look",
    )


def _journalled(unit: Unit, post: Post, lease: Lease, now: datetime, *, action: str, counts: bool) -> int:
    row = sql.BEGIN.row(
        unit.db,
        post_id=post.id,
        channel=post.channel,
        action=action,
        owner=lease.owner,
        counts=counts,
        left_at=stamp(now),
    )
    assert row is not None  # noqa: S101 it was written just now
    unit.written.attempt, unit.written.alert = int(row["seq"]), int(row["newest"] or 0)
    return unit.written.attempt


def _thread(unit: Unit, post: Post) -> tuple[Receipt, ...]:
    goes_on = int(post.kind is not PostKind.END)
    rows = sql.THREAD.rows(unit.db, incident=post.incident_id, channel=post.channel, seq=post.seq, goes_on=goes_on)
    newest = {row["remote_id"]: Receipt(row["remote_id"], row["url"]) for row in rows}
    return tuple(newest.values())


def _finish(unit: Unit, post: Post, begun: Begun, verdict: Verdict, *, left_at: datetime, now: datetime) -> None:
    receipt = verdict.receipt
    remote_id, url = (receipt.remote_id, receipt.url) if receipt else (None, None)
    sql.END.run(
        unit.db,
        key=begun.attempt,
        ended_at=stamp(now),
        outcome=verdict.outcome,
        remote_id=remote_id,
        reason=kept_reason(verdict.reason),
        counts=verdict.counts,
        left_at=stamp(left_at),
    )
    if verdict.tally is not None:
        why = because("poll_open_there") if verdict.tally.how is Counting.EARLY else None
        unit.polls.counted(post.incident_id, post.channel, verdict.tally, now, why)
    elif post.kind is PostKind.COUNT and verdict.state is PostState.FAILED:
        unit.polls.counted(post.incident_id, post.channel, PollCount((), Counting.MISSED), now, verdict.reason)
    sent = begun.action == "send"
    outcome = _outcome_after(post, verdict) if sent else _outcome_seen(post, verdict)
    # It may find nothing to settle: an officer dropped the post meanwhile, or another owner has it in doubt.
    settled = sql.SETTLE.run(
        unit.db,
        key=post.id,
        was=PostState.SENDING if sent else PostState.IN_DOUBT,
        attempt=begun.attempt,
        state=verdict.state,
        reason=kept_reason(verdict.reason),
        next_try=stamp(verdict.next_try),
        looks=post.looks + 1 if verdict.looked else 0 if sent else post.looks,
        remote_id=remote_id,
        url=url,
        sent_at=stamp(left_at if sent else post.attempted_at) if verdict.state is PostState.SENT else None,
        means=verdict.means or post.means,
        outcome=outcome,
    )
    if settled.rowcount != 1:
        return
    may_be_out = outcome == PostState.IN_DOUBT or verdict.outcome == _MAY_BE_OUT
    if verdict.state is PostState.QUEUED:
        make_way(unit, post, begun, now, may_be_out=may_be_out)
    elif verdict.state in (PostState.EXPIRED, PostState.FAILED) and not may_be_out:
        drop_end(unit, post, begun, now)


def _outcome_after(post: Post, verdict: Verdict) -> str:
    """The post's outcome after a send. A refused repeat proves nothing about an earlier send whose answer was lost."""
    keeps = post.is_doubtful and verdict.outcome != "duplicate" and verdict.state is not PostState.SENT
    return PostState.IN_DOUBT.value if keeps else verdict.outcome


def _outcome_seen(post: Post, verdict: Verdict) -> str | None:
    """Return the post's outcome after a verification: that of its last send, unless it was found absent."""
    is_absent = verdict.outcome == "not_found" and verdict.state is not PostState.IN_DOUBT
    return verdict.outcome if is_absent and post.is_doubtful else post.outcome


def _due_later(unit: Unit, channel: str, now: datetime) -> Due:
    row = sql.NEXT_TIME.row(unit.db, channel=channel, now=stamp(now))
    if row is None or not row["open"]:
        return Due([])
    return Due([], _next_look(unit, channel, now) if row["doubtful"] else None, _earliest(row), int(row["open"]))


def _earliest(row: Row) -> datetime | None:
    times = [row[name] for name in ("next_try", "not_before", "expires")]
    return time_of(min((each for each in times if each is not None), default=None))


def _next_look(unit: Unit, channel: str, now: datetime) -> Post | None:
    row = sql.NEXT_LOOK.row(unit.db, channel=channel, now=stamp(now))
    return post_of(row) if row else None


def _next_time(unit: Unit, channel: str, now: datetime) -> datetime | None:
    row = sql.NEXT_TIME.row(unit.db, channel=channel, now=stamp(now))
    return _earliest(row) if row else None


def _settle(unit: Unit, channel: str, lease: Lease, now: datetime) -> int:
    if not unit.leases.holds(lease, now):
        return 0
    alerts, at = unit.alerts, stamp(now)
    over = because("over_before_sent")
    expired = sql.EXPIRE.rows(unit.db, channel=channel, now=at, reason=over.kept())
    released = sql.RELEASE.rows(unit.db, channel=channel, now=at)
    for row in expired:
        alerts.note(now, row["alert_id"], row["id"], PostState.EXPIRED, over)
        sql.OVERTAKEN_BY_TIME.run(unit.db, key=row["alert_id"], reason=because("over_before_validated").kept())
    for row in released:
        alerts.note(now, row["alert_id"], row["id"], PostState.QUEUED, because("nobody_vetoed"))
        sql.ACCEPT_RELEASED.run(unit.db, key=row["alert_id"])
    return len(expired) + len(released)


def _recover(unit: Unit, channel: str, lease: Lease, now: datetime) -> int:
    if not unit.leases.holds(lease, now):
        return 0
    _cap_waits(unit, channel, now)
    reason = because("stopped_midway").kept()
    orphans = sql.ORPHANS.rows(unit.db, channel=channel, owner=lease.owner)
    for row in orphans:
        # What was journalled under a lease has left within its term, or doesn't leave.
        sql.ABANDON.run(unit.db, key=row["seq"], reason=reason, now=stamp(now), term=lease.term // _MICROSECOND)
        sql.DOUBT.run(unit.db, key=row["post_id"], reason=reason, now=stamp(now))
    return len(orphans)


def _cap_waits(unit: Unit, channel: str, now: datetime) -> None:
    """An attempt in the future proves that the clock was set back: no wait of the old time is believed."""
    newest = sql.NEWEST_ATTEMPT.row(unit.db, channel=channel)
    at = time_of(newest["at"]) if newest else None
    if at is not None and at > now + CLOCKS_DIFFER:
        sql.CAP_TRIES.run(unit.db, channel=channel, latest=stamp(now + BELIEVED_WAIT))
        sql.CAP_PAUSE.run(unit.db, channel=channel, latest=stamp(now + BELIEVED_WAIT))


def make_way(unit: Unit, post: Post, begun: Begun, now: datetime, *, may_be_out: bool) -> None:
    """A post that is queued again leaves its place to a later one of its incident, which says more and may be urgent.

    An end of what never appeared has nothing to end: it is dropped with it. What may be out is ended.
    """
    # The numbers of a poll are in nothing that comes after it.
    if post.kind is PostKind.COUNT:
        return
    row = sql.SUCCESSOR.row(unit.db, incident=post.incident_id, channel=post.channel, seq=post.seq)
    if row is None:
        return
    successor, alerts = post_of(row), unit.alerts
    reason = because("superseded", by=successor.alert_id)
    _move(alerts, replace(post, state=PostState.QUEUED), PostState.SUPERSEDED, reason, now)
    if successor.kind in _ENDS and not begun.thread and not may_be_out:
        _move(alerts, successor, PostState.DROPPED, _NOTHING_TO_END, now)


def drop_end(unit: Unit, post: Post, begun: Begun, now: datetime) -> None:
    """A post that ended without having gone out takes the end with it that was stored meanwhile."""
    row = sql.SUCCESSOR.row(unit.db, incident=post.incident_id, channel=post.channel, seq=post.seq)
    successor = post_of(row) if row is not None and not begun.thread else None
    if successor is not None and successor.kind in _ENDS:
        _move(unit.alerts, successor, PostState.DROPPED, _NOTHING_TO_END, now)


def _move(alerts: AlertRepository, post: Post, state: PostState, reason: Reason, now: datetime) -> None:
    alerts.move_post(post, state, reason, not_before=None)
    alerts.note(now, post.alert_id, post.id, state, reason)
