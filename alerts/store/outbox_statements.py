"""The statements of the outbox: what is due on a lane, what holds it back, and what each attempt writes."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    BindParameter,
    Column,
    ColumnElement,
    Text,
    and_,
    bindparam,
    case,
    exists,
    func,
    literal,
    null,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from alerts.model.alert import Severity
from alerts.model.incident import AlertState
from alerts.model.post import PostKind, PostState
from alerts.store.dialect import greatest, least
from alerts.store.schema import alert, attempt, lease, post
from alerts.store.schema import channel as channels
from alerts.store.statement import Statement, any_of

_S = PostState
_NOW: BindParameter[int] = bindparam("now", type_=BigInteger)
_URGENT = [Severity.EXTREME.value, Severity.SEVERE.value]
_earlier = post.alias("earlier")
# One incident, one channel, one post at a time: an update that overtook its alert would be read as the first word.
# A doubt without a next look doesn't count: it waits for an officer, and what is newer must not wait with it.
_UNDER_WAY = exists().where(
    _earlier.c.incident == post.c.incident,
    _earlier.c.channel == post.c.channel,
    _earlier.c.seq < post.c.seq,
    or_(
        any_of(_earlier.c.state, [_S.WAITING.value, _S.QUEUED.value, _S.SENDING.value]),
        and_(_earlier.c.state == _S.IN_DOUBT.value, _earlier.c.next_try.is_not(None)),
    ),
)
_ON_LANE = post.c.channel == bindparam("channel")
_PAST_ITS_END = and_(post.c.expires.is_not(None), post.c.expires <= _NOW)


def _due(column: Column[int]) -> ColumnElement[bool]:
    return or_(column.is_(None), column <= _NOW)


NEXT_DUE = Statement(
    select(post)
    .where(_ON_LANE, post.c.state == _S.QUEUED.value, _due(post.c.next_try), ~_PAST_ITS_END, ~_UNDER_WAY)
    .where(or_(bindparam("urgent_only") == 0, any_of(post.c.severity, _URGENT)))
    .order_by(post.c.priority.desc(), post.c.seq)
    .limit(bindparam("most"))
)
NEXT_LOOK = Statement(
    select(post)
    .where(_ON_LANE, post.c.state == _S.IN_DOUBT.value, post.c.next_try <= _NOW)
    .order_by(post.c.priority.desc(), post.c.next_try, post.c.seq)
    .limit(1)
)


def _where(holds: ColumnElement[bool], column: Column[int]) -> ColumnElement[int]:
    """The column where this holds, else NULL, which MIN passes over."""
    return case((holds, column), else_=None)


_UNSENT = [_S.QUEUED.value, _S.WAITING.value]
# Of what is unsent or in doubt: all but the posts that are still looked for.
_MAY_EXPIRE = or_(any_of(post.c.state, _UNSENT), post.c.next_try.is_(None))
NEXT_TIME = Statement(
    # What only trying or looking would change counts from now on; what `settle` changes, however long it is overdue.
    select(
        func.min(_where(post.c.next_try > _NOW, post.c.next_try)).label("next_try"),
        func.min(_where(post.c.state == _S.WAITING.value, post.c.not_before)).label("not_before"),
        func.min(_where(_MAY_EXPIRE, post.c.expires)).label("expires"),
        func.count(_where(and_(post.c.state == _S.IN_DOUBT.value, post.c.next_try <= _NOW), post.c.seq)).label(
            "doubtful"
        ),
        func.count().label("open"),
    ).where(_ON_LANE, any_of(post.c.state, [*_UNSENT, _S.IN_DOUBT.value]))
)
_HELD = exists().where(
    lease.c.lane == bindparam("lane"),
    lease.c.owner == bindparam("owner"),
    lease.c.number == bindparam("number"),
    lease.c.until > _NOW,
)
# `was` is checked in the same statement that changes it: two lanes, or a lane and an officer, can't both win.
CLAIM = Statement(
    update(post)
    .where(post.c.id == bindparam("key"), post.c.state == bindparam("was"), _HELD)
    .values(state=_S.SENDING.value, attempted_at=_NOW, tries=post.c.tries + 1)
)
IN_DOUBT = Statement(select(literal(1)).where(post.c.id == bindparam("key"), post.c.state == _S.IN_DOUBT.value))
BEGIN = Statement(
    insert(attempt)
    .values({name: bindparam(name) for name in ("post_id", "channel", "action", "owner", "counts", "left_at")})
    # With it the newest alert, for the height: another process may have stored it.
    .returning(attempt.c.seq, select(func.max(alert.c.seq)).scalar_subquery().label("newest"))
)
END = Statement(
    update(attempt)
    .where(attempt.c.seq == bindparam("key"))
    .values({name: bindparam(name) for name in ("ended_at", "outcome", "remote_id", "reason", "counts", "left_at")})
)
_ended = post.alias("ended")
_ENDED_SINCE = exists().where(
    _ended.c.incident == post.c.incident,
    _ended.c.channel == post.c.channel,
    _ended.c.kind == PostKind.END.value,
    _ended.c.state == _S.SENT.value,
    _ended.c.seq >= post.c.seq,
    _ended.c.seq < bindparam("seq"),
)
_begun = post.alias("begun")
_BEGUN_SINCE = exists().where(
    _begun.c.incident == post.c.incident,
    _begun.c.channel == post.c.channel,
    _begun.c.kind == PostKind.PUBLISH.value,
    _begun.c.seq > post.c.seq,
    _begun.c.seq < bindparam("seq"),
)
THREAD = Statement(
    # What goes on after an end, as the words of a correction do, belongs to what was ended.
    select(post.c.remote_id, post.c.url)
    .where(post.c.incident == bindparam("incident"), _ON_LANE, post.c.seq < bindparam("seq"))
    .where(post.c.state == _S.SENT.value, post.c.remote_id.is_not(None))
    .where(or_(~_ENDED_SINCE, and_(bindparam("goes_on") == 1, ~_BEGUN_SINCE)))
    .order_by(post.c.seq)
)
_later = attempt.alias("later")
_OUTRUN = exists().where(_later.c.post_id == bindparam("key"), _later.c.seq > bindparam("attempt"))
_STILL_OURS = or_(
    # What is out is out, whoever looked and whatever was wished meanwhile.
    and_(
        bindparam("remote_id", type_=Text).is_not(None),
        any_of(post.c.state, [_S.SENDING.value, _S.IN_DOUBT.value, _S.QUEUED.value]),
    ),
    and_(post.c.state == bindparam("was"), ~_OUTRUN),
)
SETTLE = Statement(
    update(post)
    .where(post.c.id == bindparam("key"), _STILL_OURS)
    .values(
        {
            name: bindparam(name)
            for name in (
                "state",
                "reason",
                "next_try",
                "looks",
                "remote_id",
                "url",
                "sent_at",
                "means",
                "outcome",
            )
        }
    )
)
# Two hundred reach further back than a lane looks for a post in doubt.
KNOWN_IDS = Statement(
    select(post.c.remote_id).where(_ON_LANE, post.c.remote_id.is_not(None)).order_by(post.c.sent_at.desc()).limit(200)
)
DOUBTS = Statement(
    select(func.count().label("count"))
    .select_from(attempt)
    .where(attempt.c.post_id == bindparam("key"), attempt.c.action == "send")
    .where(attempt.c.outcome == _S.IN_DOUBT.value)
)
# Also those of this very machine's last process: each process has an owner's name of its own.
ORPHANS = Statement(
    select(attempt.c.seq, attempt.c.post_id, attempt.c.action)
    .where(attempt.c.channel == bindparam("channel"), attempt.c.ended_at.is_(None))
    .where(attempt.c.owner != bindparam("owner"))
)
ABANDON = Statement(
    update(attempt)
    .where(attempt.c.seq == bindparam("key"))
    .values(
        ended_at=_NOW,
        outcome=_S.IN_DOUBT.value,
        reason=bindparam("reason"),
        # It left some time after it was begun, and under its lease: for the windows, at the latest that it can have.
        left_at=least(attempt.c.left_at + bindparam("term", type_=BigInteger), _NOW),
    )
)
DOUBT = Statement(
    update(post)
    .where(post.c.id == bindparam("key"), post.c.state == _S.SENDING.value)
    .values(state=_S.IN_DOUBT.value, reason=bindparam("reason"), next_try=_NOW, looks=0, outcome=_S.IN_DOUBT.value)
)
_LATEST: BindParameter[int] = bindparam("latest")


def _newest_departure(*, counts: bool) -> ColumnElement[int]:
    newest = select(func.max(attempt.c.left_at)).where(attempt.c.channel == bindparam("channel"))
    return func.coalesce(newest.where(attempt.c.counts.is_(counts)).scalar_subquery(), 0)


NEWEST_ATTEMPT = Statement(
    # From the journal, whose index of departures has it at its end, once for those that count and once for the others.
    select(
        func.nullif(
            greatest(*(_newest_departure(counts=counts) for counts in (True, False))),
            0,
        ).label("at")
    )
)
# Waits that were computed by a clock that ran ahead; by the right clock they would last for days.
CAP_TRIES = Statement(
    update(post)
    .where(_ON_LANE, any_of(post.c.state, [_S.QUEUED.value, _S.IN_DOUBT.value]), post.c.next_try > _LATEST)
    .values(next_try=_LATEST)
)
CAP_PAUSE = Statement(
    update(channels)
    .where(channels.c.name == bindparam("channel"), channels.c.blocked_until > _LATEST)
    .values(blocked_until=_LATEST)
)
EXPIRE = Statement(
    update(post)
    # The states once more, as one list: that is what lets SQLite look only at what is open, of fifty thousand.
    .where(_ON_LANE, any_of(post.c.state, [*_UNSENT, _S.IN_DOUBT.value]), _PAST_ITS_END)
    .where(_MAY_EXPIRE)
    .values(state=_S.EXPIRED.value, reason=bindparam("reason"))
    .returning(post.c.alert_id, post.c.id)
)
RELEASE = Statement(
    update(post)
    .where(_ON_LANE, post.c.state == _S.WAITING.value, post.c.not_before <= _NOW)
    .values(state=_S.QUEUED.value, reason=null())
    .returning(post.c.alert_id, post.c.id)
)
_WAITING_POST = exists().where(post.c.alert_id == bindparam("key"), post.c.state == _S.WAITING.value)
# An alert is left out only once no channel waits for it any more: each post may end at another time.
OVERTAKEN_BY_TIME = Statement(
    update(alert)
    .where(alert.c.state == AlertState.WAITING.value, alert.c.id == bindparam("key"), ~_WAITING_POST)
    .values(state=AlertState.LEFT_OUT.value, reason=bindparam("reason"))
)
ACCEPT_RELEASED = Statement(
    update(alert)
    .where(alert.c.state == AlertState.WAITING.value, alert.c.id == bindparam("key"))
    .values(state=AlertState.ACCEPTED.value, reason=null())
)
# What is waiting behind a post in its thread: it says more, and was kept back only until this one had its end.
HEIR = Statement(
    select(post)
    .where(post.c.incident == bindparam("incident"), post.c.channel == bindparam("channel"))
    .where(post.c.seq > bindparam("seq"), post.c.state == PostState.QUEUED.value)
    .order_by(post.c.seq)
    .limit(1)
)
