"""The statements of bulk sending: who is next, who is under way, what landed, what is held back for a chat's hour."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    Select,
    Text,
    and_,
    bindparam,
    cast,
    delete,
    exists,
    false,
    func,
    insert,
    literal_column,
    null,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert

from alerts.model.delivery import BulkState
from alerts.model.post import PostKind
from alerts.store.dialect import json_items, json_pairs, rows_as_json
from alerts.store.schema import bulk, bulk_flight, bulk_landed, held_back, post, received, subscriber
from alerts.store.statement import Statement, any_of, insert_into, upsert_into

OPEN = [BulkState.QUEUED.value, BulkState.SENDING.value]
# Parameters aren't named as columns are: Core keeps those names for what an UPDATE sets.
_OF: BindParameter[str] = bindparam("of")
# Chats have negative ids too (groups), so that the way along them begins at the lowest number there is.
FAR_BELOW = -(2**63) + 1

ADD = insert_into(bulk)
BY_ID = Statement(select(bulk).where(bulk.c.id == bindparam("key")))
# With the post of the same id: subscribers are told nothing that waits for a validation, was rejected or dropped.
CANDIDATES = Statement(
    select(
        bulk.c.id,
        bulk.c.seq,
        bulk.c.incident,
        bulk.c.alert_id,
        bulk.c.severity,
        bulk.c.exercise,
        bulk.c.expires,
        bulk.c.cursor,
        bulk.c.everyone,
        post.c.state.label("post"),
        post.c.not_before,
        post.c.outcome,
    )
    .select_from(bulk.outerjoin(post, post.c.id == bulk.c.id))
    .where(bulk.c.channel == _OF, any_of(bulk.c.state, OPEN))
    .order_by(bulk.c.seq)
)
STOP = Statement(
    update(bulk)
    .where(bulk.c.id == bindparam("key"))
    .values(state=BulkState.STOPPED.value, ended_at=bindparam("now"), reason=bindparam("why"))
)
_stopped = bulk.alias("stopped")
HAND_ON = Statement(
    # Who was still to get what is stopped is to get what took its place; the end of it concerns nobody of them.
    update(bulk)
    .where(bulk.c.kind == PostKind.UPDATE.value, bulk.c.state == BulkState.QUEUED.value)
    .where(
        exists().where(
            _stopped.c.id == bindparam("key"),
            _stopped.c.everyone,
            _stopped.c.channel == bulk.c.channel,
            _stopped.c.incident == bulk.c.incident,
            _stopped.c.seq < bulk.c.seq,
        )
    )
    .values(everyone=True)
)
BEGIN = Statement(
    update(bulk)
    .where(bulk.c.id == bindparam("key"))
    .values(state=BulkState.SENDING.value, started_at=bindparam("now"), total=bindparam("everybody"))
)
ADVANCE = Statement(
    update(bulk)
    .where(bulk.c.id == bindparam("key"))
    .values(
        cursor=bindparam("at"),
        sent=bulk.c.sent + bindparam("out"),
        skipped=bulk.c.skipped + bindparam("passed"),
    )
)
# Relative, never absolute: two processes may count for one bulk, and none may undo the other's.
COUNT = Statement(
    update(bulk)
    .where(bulk.c.id == bindparam("key"))
    .values(
        sent=bulk.c.sent + bindparam("out"),
        failed=bulk.c.failed + bindparam("refused"),
        skipped=bulk.c.skipped + bindparam("left"),
    )
)
# Behind everybody: whoever subscribes from now on is none of those who were to be told.
_LAST = 2**63 - 1
STILL_HELD = (
    select(func.count())
    .where(held_back.c.channel == bulk.c.channel, held_back.c.bulk == bulk.c.id)
    .correlate(bulk)
    .scalar_subquery()
)
FINISH = Statement(
    # Everybody is behind the cursor then, also who lands late; and so many were looked at, whoever came or went.
    update(bulk)
    .where(bulk.c.id == bindparam("key"))
    .values(
        state=BulkState.DONE.value,
        ended_at=bindparam("now"),
        cursor=_LAST,
        skipped=bulk.c.skipped + bindparam("off"),
        total=bulk.c.sent + bulk.c.failed + bulk.c.skipped + bindparam("off") + STILL_HELD,
    )
)
REOPEN = Statement(
    update(bulk).where(bulk.c.id == bindparam("key")).values(state=BulkState.SENDING.value, ended_at=null())
)
HEIR = Statement(
    select(bulk.c.id, bulk.c.cursor)
    .where(bulk.c.channel == _OF, bulk.c.incident == bindparam("about"), bulk.c.seq > bindparam("seq"))
    .where(any_of(bulk.c.state, [BulkState.SENDING.value, BulkState.DONE.value]))
    .order_by(bulk.c.seq.desc())
    .limit(1)
)
OTHERS_WENT = Statement(
    select(bulk.c.id)
    .where(bulk.c.channel == _OF, bulk.c.incident != bindparam("about"), bulk.c.started_at.is_not(None))
    .where(or_(bulk.c.ended_at.is_(None), bulk.c.ended_at > bindparam("since")))
    .limit(1)
)

_got_it = and_(
    received.c.channel == subscriber.c.channel,
    received.c.chat == subscriber.c.chat,
    received.c.incident == bindparam("about"),
)
_WHO = (
    subscriber.c.chat,
    subscriber.c.language,
    subscriber.c.districts,
    subscriber.c.topics,
    subscriber.c.severity,
    subscriber.c.quiet,
    subscriber.c.endpoint,
    received.c.message_id,
)


def _as_one(rows: Select[Any]) -> Statement:
    """The rows as one JSON text: each row that is read gives the interpreter away, and waits for it again."""
    each = rows.limit(bindparam("most")).subquery()
    pairs = [part for column in each.columns for part in (column.name, column)]
    return Statement(
        select(
            rows_as_json(*[literal_column(f"'{part}'") if isinstance(part, str) else part for part in pairs]).label(
                "rows"
            )
        )
    )


_AFTER: ColumnElement[Any] = func.coalesce(bindparam("after"), literal_column(str(FAR_BELOW)))
EVERYONE = _as_one(
    select(*_WHO)
    .select_from(subscriber.outerjoin(received, _got_it))
    .where(subscriber.c.channel == _OF, subscriber.c.chat > _AFTER, subscriber.c.is_on)
    .order_by(subscriber.c.chat)
)
READERS = _as_one(
    select(*_WHO)
    .select_from(
        received.join(
            subscriber, and_(subscriber.c.channel == received.c.channel, subscriber.c.chat == received.c.chat)
        )
    )
    .where(received.c.channel == _OF, received.c.incident == bindparam("about"))
    .where(received.c.chat > _AFTER, subscriber.c.is_on)
    .order_by(received.c.chat)
)
FLIGHTS = Statement(
    select(*_WHO)
    .select_from(
        bulk_flight.join(
            subscriber, and_(subscriber.c.channel == _OF, subscriber.c.chat == bulk_flight.c.chat)
        ).outerjoin(received, _got_it)
    )
    .where(bulk_flight.c.bulk == bindparam("key"), bulk_flight.c.doubt == bindparam("in_doubt"), subscriber.c.is_on)
    .order_by(bulk_flight.c.chat)
    .limit(bindparam("most"))
)
ONE = Statement(
    select(*_WHO)
    .select_from(subscriber.outerjoin(received, _got_it))
    .where(subscriber.c.channel == _OF, subscriber.c.chat == bindparam("who"), subscriber.c.is_on)
)
HOW_MANY = Statement(
    select(func.count()).select_from(subscriber).where(subscriber.c.channel == _OF, subscriber.c.is_on)
)
HOW_MANY_READ = Statement(
    select(func.count())
    .select_from(received)
    .where(received.c.channel == _OF, received.c.incident == bindparam("about"))
)
LAST_TOLD = Statement(
    select(func.max(received.c.at)).where(received.c.channel == _OF, received.c.chat == bindparam("who"))
)
MISSED = Statement(
    select(subscriber.c.missed_at).where(subscriber.c.channel == _OF, subscriber.c.chat == bindparam("who"))
)
MISS = Statement(
    update(subscriber)
    .where(subscriber.c.channel == _OF, subscriber.c.chat == bindparam("who"))
    .values(missed_at=bindparam("now"))
)
HAS_GOT = Statement(
    select(received.c.message_id).where(
        received.c.channel == _OF, received.c.chat == bindparam("who"), received.c.incident == bindparam("about")
    )
)
SHARED = Statement(
    select(received.c.incident)
    .where(received.c.channel == _OF, received.c.chat == bindparam("who"))
    .where(received.c.message_id == bindparam("message"), received.c.incident != bindparam("about"))
    .limit(1)
)

_CHATS = json_items(bindparam("chats")).c.value
# The WHERE keeps SQLite from taking the ON for a join's (sqlite.org/lang_upsert.html#parsing_ambiguity).
_THESE_CHATS = select(cast(_CHATS, BigInteger)).where(true())
TAKE_OFF_ALL = Statement(
    upsert(bulk_flight)
    .from_select(
        ["bulk", "chat", "doubt"],
        select(bindparam("key", type_=Text), cast(_CHATS, BigInteger), false()).where(true()),
    )
    .on_conflict_do_nothing()
)
CHECKPOINT = Statement(insert(bulk_landed).values(bulk=bindparam("key"), got=bindparam("got")))
TO_FILE = Statement(
    select(bulk.c.id, bulk.c.seq, bulk.c.kind, bulk.c.incident)
    .where(bulk.c.id.in_(select(bulk_landed.c.bulk).distinct()))
    .where(bulk.c.channel == _OF)
    .order_by(bulk.c.seq)
)
_LANDED, _CHAT, _MESSAGE = json_pairs(bulk_landed.c.got)
_LANDED_PAIRS = bulk_landed.join(_LANDED, true())
# Only of who is still under way: another process may have told them meanwhile, or they had themselves forgotten.
_STILL_UNDER_WAY = exists().where(bulk_flight.c.bulk == bindparam("key"), bulk_flight.c.chat == _CHAT)
_LANDED_CHATS = select(_CHAT).select_from(_LANDED_PAIRS).where(bulk_landed.c.bulk == bindparam("key"))
LANDED_OF = Statement(
    select(_CHAT.label("chat"), _MESSAGE.label("message_id"))
    .select_from(_LANDED_PAIRS)
    .where(bulk_landed.c.bulk == bindparam("key"), _STILL_UNDER_WAY)
)
_LAND = upsert(received).from_select(
    ["channel", "chat", "incident", "message_id", "at"],
    # A chat stands there once for each process that told it: in one statement a row may be replaced once.
    select(
        bindparam("of", type_=Text),
        _CHAT,
        bindparam("about", type_=Text),
        func.max(_MESSAGE),
        bindparam("now", type_=BigInteger),
    )
    .select_from(_LANDED_PAIRS)
    .where(bulk_landed.c.bulk == bindparam("key"), _STILL_UNDER_WAY)
    .group_by(_CHAT),
)
RECEIVE_LANDED = Statement(
    _LAND.on_conflict_do_update(
        index_elements=list(received.primary_key.columns),
        set_={"message_id": _LAND.excluded.message_id, "at": _LAND.excluded.at},
    )
)
NO_MORE_LANDED = Statement(
    delete(received).where(
        received.c.channel == _OF, received.c.incident == bindparam("about"), received.c.chat.in_(_LANDED_CHATS)
    )
)
LAND_THESE = Statement(
    delete(bulk_flight).where(bulk_flight.c.bulk == bindparam("key"), bulk_flight.c.chat.in_(_LANDED_CHATS))
)
FILED = Statement(delete(bulk_landed).where(bulk_landed.c.bulk == bindparam("key")))
_FLIGHT = upsert(bulk_flight).values({c.name: bindparam(c.name) for c in bulk_flight.columns})
TAKE_OFF = Statement(_FLIGHT.on_conflict_do_nothing())
LAND = Statement(
    delete(bulk_flight).where(bulk_flight.c.bulk == bindparam("key"), bulk_flight.c.chat == bindparam("who"))
)
LAND_ALL = Statement(delete(bulk_flight).where(bulk_flight.c.bulk == bindparam("key")))
SWEEP = Statement(
    # What was stopped keeps whom it was on its way to, so that who has it hears of the end; a day is long enough.
    delete(bulk_flight).where(
        bulk_flight.c.bulk.in_(
            select(bulk.c.id).where(
                bulk.c.channel == _OF, bulk.c.state == BulkState.STOPPED.value, bulk.c.ended_at < bindparam("since")
            )
        )
    )
)
DOUBT = Statement(
    update(bulk_flight)
    .where(bulk_flight.c.bulk == bindparam("key"), bulk_flight.c.chat == bindparam("who"), ~bulk_flight.c.doubt)
    .values(doubt=True)
)
# Only of who is still there: whoever had themselves forgotten while it was under way stays forgotten.
_STILL_THERE = exists().where(subscriber.c.channel == bindparam("channel"), subscriber.c.chat == bindparam("chat"))
_GOT = upsert(received).from_select(
    [column.name for column in received.columns],
    select(*(bindparam(column.name, type_=column.type) for column in received.columns)).where(_STILL_THERE),
)
RECEIVE = Statement(
    _GOT.on_conflict_do_update(
        index_elements=list(received.primary_key.columns),
        set_={"message_id": _GOT.excluded.message_id, "at": _GOT.excluded.at},
    )
)
NO_MORE = Statement(
    delete(received).where(
        received.c.channel == _OF, received.c.chat == bindparam("who"), received.c.incident == bindparam("about")
    )
)

_HELD = select(held_back.c.bulk, func.count().label("chats")).group_by(held_back.c.bulk).subquery()
PROGRESS = Statement(
    select(bulk, func.coalesce(_HELD.c.chats, 0).label("held"), post.c.state.label("post"))
    .select_from(bulk.outerjoin(_HELD, _HELD.c.bulk == bulk.c.id).outerjoin(post, post.c.id == bulk.c.id))
    .where(or_(any_of(bulk.c.state, OPEN), bulk.c.ended_at > bindparam("since"), _HELD.c.chats > 0))
    .order_by(bulk.c.seq)
)
_ended = bulk.alias("ended")
TOLD = Statement(
    select(bulk.c.channel)
    .distinct()
    .where(bulk.c.incident == bindparam("about"), bulk.c.kind != PostKind.END.value, bulk.c.started_at.is_not(None))
    .where(
        ~exists().where(
            _ended.c.incident == bulk.c.incident,
            _ended.c.channel == bulk.c.channel,
            _ended.c.kind == PostKind.END.value,
            _ended.c.seq > bulk.c.seq,
        )
    )
)


# What is held back for a chat's hour.

HOLD = upsert_into(held_back)
LET_GO = Statement(
    delete(held_back).where(
        held_back.c.channel == _OF, held_back.c.chat == bindparam("who"), held_back.c.bulk == bindparam("key")
    )
)
IS_HELD = Statement(
    select(held_back.c.until).where(
        held_back.c.channel == _OF, held_back.c.chat == bindparam("who"), held_back.c.bulk == bindparam("key")
    )
)
LET_GO_ALL = Statement(
    delete(held_back).where(
        held_back.c.channel == _OF, held_back.c.bulk == bindparam("key"), held_back.c.chat.in_(_THESE_CHATS)
    )
)
# Only what has passed them: what is still on its way to them will see whether it is their hour.
_passed_by = ~exists().where(
    bulk.c.id == held_back.c.bulk,
    any_of(bulk.c.state, OPEN),
    func.coalesce(bulk.c.cursor, literal_column(str(FAR_BELOW))) < held_back.c.chat,
)
DUE = Statement(
    select(held_back.c.chat)
    .distinct()
    .where(held_back.c.channel == _OF, held_back.c.until <= bindparam("now"), _passed_by)
    .limit(bindparam("most"))
)
HELD_FOR = Statement(
    select(held_back.c.bulk)
    .where(held_back.c.channel == _OF, held_back.c.chat == bindparam("who"), held_back.c.until <= bindparam("now"))
    .where(_passed_by)
    .order_by(held_back.c.bulk)
)
NEXT_DUE = Statement(select(func.min(held_back.c.until).label("at")).where(held_back.c.channel == _OF))
_OLDER = select(bulk.c.id).where(
    bulk.c.channel == _OF, bulk.c.incident == bindparam("about"), bulk.c.seq < bindparam("seq")
)
_INHERITED = upsert(held_back).from_select(
    ["channel", "chat", "bulk", "until"],
    select(held_back.c.channel, held_back.c.chat, bindparam("key", type_=Text), func.max(held_back.c.until))
    .where(held_back.c.channel == _OF, held_back.c.bulk.in_(_OLDER))
    .group_by(held_back.c.channel, held_back.c.chat),
)
INHERIT = Statement(
    # What this takes the place of goes by `FORGO`.
    _INHERITED.on_conflict_do_update(
        index_elements=list(held_back.primary_key.columns), set_={"until": _INHERITED.excluded.until}
    )
)
PASS_ON = Statement(
    update(bulk).where(bulk.c.id.in_(_OLDER), STILL_HELD > 0).values(skipped=bulk.c.skipped + STILL_HELD)
)
FORGO = Statement(delete(held_back).where(held_back.c.channel == _OF, held_back.c.bulk.in_(_OLDER)))
FORGO_READERS = Statement(
    delete(held_back).where(
        held_back.c.channel == _OF,
        held_back.c.bulk.in_(_OLDER),
        exists().where(
            received.c.channel == held_back.c.channel,
            received.c.chat == held_back.c.chat,
            received.c.incident == bindparam("about"),
        ),
    )
)
