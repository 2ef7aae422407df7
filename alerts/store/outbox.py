"""The store as the lanes work it: what is due, the two writes around each attempt, who works a lane, its health.

An attempt is written down before it is made (`begin`), in the transaction that checks the lane's lease, and completed
after it (`finish`). Whatever has no end was interrupted: whoever takes the lane next puts it in doubt (`recover`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import bindparam, delete, or_, select
from sqlalchemy.dialects.sqlite import insert

from alerts.model.delivery import Begun, ChannelStatus, Lease, Verdict
from alerts.model.post import Post, PostKind, PostState, Receipt
from alerts.model.reason import Reason, because, kept_reason
from alerts.store import outbox_statements as sql
from alerts.store.alerts import AlertRepository, post_of
from alerts.store.database import Database
from alerts.store.schema import channel as channels
from alerts.store.schema import fact, lease
from alerts.store.schema import post as posts
from alerts.store.statement import Statement, stamp, time_of, upsert_into
from alerts.store.unit import Unit

CLOCKS_DIFFER = timedelta(seconds=5)
"""How far the clocks of two machines may be apart."""
LONGEST_LEASE = timedelta(seconds=5)
"""A lease lasts no longer: what was journalled under it has left within this, or doesn't leave."""
BELIEVED_WAIT = timedelta(minutes=5)


class Outbox:
    """What a lane is to send, and the journal of its attempts. Every write is durable when it returns."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def next_due(self, channel: str, now: datetime, *, urgent_only: bool, most: int = 1) -> Sequence[Post]:
        """The posts to send next, at most so many: by priority, then order, each of another incident."""
        values = {"channel": channel, "now": stamp(now), "urgent_only": int(urgent_only), "most": most}
        return [post_of(row) for row in await self._database.read(lambda unit: sql.NEXT_DUE.rows(unit.db, **values))]

    async def next_look(self, channel: str, now: datetime) -> Post | None:
        """The post in doubt to look for next."""
        row = await self._database.read(lambda unit: sql.NEXT_LOOK.row(unit.db, channel=channel, now=stamp(now)))
        return post_of(row) if row else None

    async def next_time(self, channel: str, now: datetime) -> datetime | None:
        """When a post becomes due by time alone; None: not before one is stored. A past time asks for `settle`."""
        row = await self._database.read(lambda unit: sql.NEXT_TIME.row(unit.db, channel=channel, now=stamp(now)))
        return time_of(min((value for value in row if value is not None), default=None)) if row else None

    async def begin(self, post: Post, lease: Lease, now: datetime, *, action: str, counts: bool) -> Begun | None:
        """Write down that an attempt is being made. None: the lease or the post is no longer ours to act on."""
        return await self._database.write(lambda unit: _begin(unit, post, lease, now, action=action, counts=counts))

    async def finish(self, post: Post, begun: Begun, verdict: Verdict, left_at: datetime, now: datetime) -> None:
        """Write down what an attempt came to.

        The journal always learns of it; the post only where it is still as the attempt left it (an officer may have
        dropped it meanwhile, or another owner of the lane have gone on), or where the answer is that it is out.
        """
        await self._database.write(lambda unit: _finish(unit, post, begun, verdict, left_at=left_at, now=now))

    async def settle(self, channel: str, now: datetime) -> int:
        """End what is past its end, and release what waited long enough; returns how many posts changed."""
        return await self._database.write(lambda unit: _settle(unit, channel, now))

    async def recover(self, channel: str, lease: Lease, now: datetime) -> int:
        """Put every attempt without an end, made under an earlier lease, in doubt; returns how many.

        Where the clock was set back since the last attempt, no wait goes on for longer than five minutes.
        """
        return await self._database.write(lambda unit: _recover(unit, channel, lease, now))

    async def pace(self, channel: str, since: datetime) -> Sequence[datetime]:
        """When the attempts that count left, from `since` on, oldest first."""
        return await self._database.read(lambda unit: unit.views.departures(channel, since))

    async def known_ids(self, channel: str) -> frozenset[str]:
        """The platform's ids of our recent posts on this channel."""
        rows = await self._database.read(lambda unit: sql.KNOWN_IDS.rows(unit.db, channel=channel))
        return frozenset(row["remote_id"] for row in rows)


def _begin(unit: Unit, post: Post, lease: Lease, now: datetime, *, action: str, counts: bool) -> Begun | None:
    # In the transaction that claims the post: a lease that was lost a moment ago must not send.
    if sql.OUR_LEASE.row(unit.db, lane=lease.lane, owner=lease.owner, now=stamp(now)) is None:
        return None
    if action == "send":
        if unit.restored.look_first(post, now):
            return None
        if sql.CLAIM.run(unit.db, key=post.id, was=post.state, now=stamp(now)).rowcount != 1:
            return None
    elif sql.IN_DOUBT.row(unit.db, key=post.id) is None:
        return None
    thread = () if post.kind is PostKind.PUBLISH else _thread(unit, post)
    cursor = sql.BEGIN.run(
        unit.db,
        post_id=post.id,
        channel=post.channel,
        action=action,
        owner=lease.owner,
        # What finds nothing to change goes out as a new post, and has to be known for one after a crash too.
        counts=counts or (action == "send" and not thread),
        left_at=stamp(now),
    )
    return Begun(
        attempt=cursor.lastrowid or 0,
        thread=thread,
        newest_known=_newest_known(unit, post) if action == "look" else None,
        action=action,
    )


def _thread(unit: Unit, post: Post) -> tuple[Receipt, ...]:
    goes_on = int(post.kind is PostKind.UPDATE)
    rows = sql.THREAD.rows(unit.db, incident=post.incident_id, channel=post.channel, seq=post.seq, goes_on=goes_on)
    newest = {row["remote_id"]: Receipt(row["remote_id"], row["url"]) for row in rows}
    return tuple(newest.values())


def _newest_known(unit: Unit, post: Post) -> str | None:
    row = sql.NEWEST_KNOWN.row(unit.db, channel=post.channel, before=stamp(post.attempted_at or post.stored_at))
    return str(row["remote_id"]) if row else None


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
    sent = begun.action == "send"
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
        outcome=verdict.outcome if sent else post.outcome,
    )
    if verdict.state is PostState.QUEUED and settled.rowcount == 1:
        make_way(unit, post, begun, verdict, now)
    elif verdict.state in (PostState.EXPIRED, PostState.FAILED) and settled.rowcount == 1:
        drop_end(unit, post, begun, now)


def _settle(unit: Unit, channel: str, now: datetime) -> int:
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
    if sql.OUR_LEASE.row(unit.db, lane=lease.lane, owner=lease.owner, now=stamp(now)) is None:
        return 0
    _cap_waits(unit, channel, now)
    reason = because("stopped_midway").kept()
    orphans = sql.ORPHANS.rows(unit.db, channel=channel, owner=lease.owner)
    for row in orphans:
        sql.ABANDON.run(
            unit.db, key=row["seq"], reason=reason, now=stamp(now), term=LONGEST_LEASE // timedelta(microseconds=1)
        )
        sql.DOUBT.run(unit.db, key=row["post_id"], reason=reason, now=stamp(now))
    return len(orphans)


def _cap_waits(unit: Unit, channel: str, now: datetime) -> None:
    """An attempt in the future proves that the clock was set back: no wait of the old time is believed."""
    newest = sql.NEWEST_ATTEMPT.row(unit.db, channel=channel)
    at = time_of(newest["at"]) if newest else None
    if at is not None and at > now + CLOCKS_DIFFER:
        sql.CAP_TRIES.run(unit.db, channel=channel, latest=stamp(now + BELIEVED_WAIT))
        sql.CAP_PAUSE.run(unit.db, channel=channel, latest=stamp(now + BELIEVED_WAIT))


_HEIR = Statement(
    select(posts)
    .where(posts.c.incident == bindparam("incident"), posts.c.channel == bindparam("channel"))
    .where(posts.c.seq > bindparam("seq"), posts.c.state == PostState.QUEUED.value)
    .order_by(posts.c.seq)
    .limit(1)
)
_MAY_BE_OUT = "sent_again"
_NOTHING_TO_END = because("never_appeared_there")


def make_way(unit: Unit, post: Post, begun: Begun, verdict: Verdict, now: datetime) -> None:
    """A post that is queued again leaves its place to a later one of its incident, which says more and may be urgent.

    An end of what never appeared has nothing to end: it is dropped with it.
    """
    row = _HEIR.row(unit.db, incident=post.incident_id, channel=post.channel, seq=post.seq)
    if row is None:
        return
    heir, alerts = post_of(row), unit.alerts
    reason = because("superseded", by=heir.alert_id)
    _move(alerts, replace(post, state=PostState.QUEUED), PostState.SUPERSEDED, reason, now)
    if heir.kind is PostKind.END and not begun.thread and verdict.outcome != _MAY_BE_OUT:
        _move(alerts, heir, PostState.DROPPED, _NOTHING_TO_END, now)


def drop_end(unit: Unit, post: Post, begun: Begun, now: datetime) -> None:
    """A post that ended without having gone out takes the end with it that was stored meanwhile."""
    row = _HEIR.row(unit.db, incident=post.incident_id, channel=post.channel, seq=post.seq)
    heir = post_of(row) if row is not None and not begun.thread else None
    if heir is not None and heir.kind is PostKind.END:
        _move(unit.alerts, heir, PostState.DROPPED, _NOTHING_TO_END, now)


def _move(alerts: AlertRepository, post: Post, state: PostState, reason: Reason, now: datetime) -> None:
    alerts.move_post(post, state, reason, not_before=None)
    alerts.note(now, post.alert_id, post.id, state, reason)


_FAR = timedelta(minutes=1)
# One statement, so that of two that ask at once one is told no. A lease that reaches far ahead is from before the clock
# was set back, and counts as over.
_INSERT_LEASE = insert(lease).values({c.name: bindparam(c.name) for c in lease.columns})
_TAKE = Statement(
    _INSERT_LEASE.on_conflict_do_update(
        index_elements=["lane"],
        set_={"owner": _INSERT_LEASE.excluded.owner, "until": _INSERT_LEASE.excluded.until},
        where=or_(
            lease.c.owner == bindparam("owner"),
            lease.c.until <= bindparam("now"),
            lease.c.until > bindparam("far"),
        ),
    )
)
_GIVE_BACK = Statement(delete(lease).where(lease.c.owner == bindparam("owner")))
_STAND = upsert_into(channels)
_FACTS = Statement(select(fact.c.channel, fact.c.key, fact.c.value))
_REMEMBER = upsert_into(fact)


class Leases:
    """Who works which lane. Every write is durable when it returns."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def take(self, lanes: Sequence[str], owner: str, now: datetime, until: datetime) -> Sequence[Lease]:
        """Take or renew the leases of these lanes; those that another owner holds are missing from the answer.

        A lease of more than a minute was taken before the clock was set back: it holds nobody up.
        """
        times = {"now": stamp(now), "until": stamp(until), "far": stamp(until + _FAR)}

        def work(unit: Unit) -> list[Lease]:
            taken = [lane for lane in lanes if _TAKE.run(unit.db, lane=lane, owner=owner, **times).rowcount == 1]
            return [Lease(lane, owner, until) for lane in taken]

        return await self._database.write(work)

    async def give_back(self, owner: str) -> None:
        """End all that this owner holds."""
        await self._database.write(lambda unit: _GIVE_BACK.run(unit.db, owner=owner).rowcount)


class ChannelStatuses:
    """What each channel's platform said of its limits and of our credential, and the channels' own facts."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._facts: dict[tuple[str, str], str] = {}

    async def load(self) -> None:
        """Read the channels' facts, which are few, so that `recall` needs no wait."""
        rows = await self._database.read(lambda unit: _FACTS.rows(unit.db))
        self._facts = {(row["channel"], row["key"]): row["value"] for row in rows}

    def recall(self, channel: str, key: str) -> str | None:
        """A fact the channel kept."""
        return self._facts.get((channel, key))

    async def remember(self, channel: str, key: str, value: str) -> None:
        """Keep a fact across restarts."""
        self._facts[channel, key] = value
        await self._database.write(lambda unit: _REMEMBER.run(unit.db, channel=channel, key=key, value=value).rowcount)

    async def standing(self, channel: str) -> ChannelStatus:
        """How the channel stood when it was last written down."""
        return await self._database.read(lambda unit: unit.views.standing(channel))

    async def stand(self, channel: str, standing: ChannelStatus) -> None:
        """Write down how the channel stands."""
        # Times as numbers, like every other time of the database.
        quotas = [
            {"remaining": q.remaining, "reset": stamp(q.reset), "limit": q.limit, "name": q.name}
            for q in standing.quotas
        ]
        values = {
            "name": channel,
            "state": standing.state,
            "reason": kept_reason(standing.reason),
            "blocked_until": stamp(standing.blocked_until),
            "quotas": json.dumps(quotas),
        }
        await self._database.write(lambda unit: _STAND.run(unit.db, **values).rowcount)
