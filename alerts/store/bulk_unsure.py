"""Who may have a message though nobody knows: they are told what comes of it, as those who surely have it are.

A message was handed over, and its daemon was killed; or it left, and no answer came. Whoever it was for is filed under
`received` like those who have it, without the number of a message: so an update and the end walk along them too. A
daemon that takes over knows nothing of what is written down as handed over, and files all of it, unless the one before
ended in order and filed the few that it couldn't wait for (`rest`). One that goes on knows what it took back: of that
nothing is out.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import BigInteger, Text, and_, bindparam, cast, delete, literal_column, select
from sqlalchemy.dialects.postgresql import insert as upsert

from alerts.model.delivery import BulkState
from alerts.model.post import PostKind
from alerts.store import bulk_statements as sql
from alerts.store.bulk_landing import BulkTold, may_have
from alerts.store.dialect import json_items
from alerts.store.schema import bulk, bulk_flight, fact, received, subscriber
from alerts.store.statement import Statement, stamp, upsert_into

if TYPE_CHECKING:
    from alerts.store.dialect import Connection, Row

_AT_REST = "bulk at rest"
_REST = upsert_into(fact)
_RESTED = Statement(delete(fact).where(fact.c.channel == bindparam("of"), fact.c.key == _AT_REST))
# An end is nothing that somebody has: who may have heard it is still among those who got its alert, and hears it again.
_HANDED_OVER = Statement(
    select(bulk.c.id, bulk.c.seq, bulk.c.incident)
    .where(bulk.c.id.in_(select(bulk_flight.c.bulk).distinct()))
    .where(bulk.c.channel == bindparam("of"), bulk.c.kind != PostKind.END.value)
    .order_by(bulk.c.seq)
)
_WHOM = Statement(select(bulk_flight.c.chat).where(bulk_flight.c.bulk == bindparam("key")).order_by(bulk_flight.c.chat))
_there = and_(subscriber.c.channel == bindparam("of"), subscriber.c.chat == bulk_flight.c.chat)
_MAY_HAVE = Statement(
    upsert(received)
    .from_select(
        ["channel", "chat", "incident", "message_id", "at"],
        select(
            bindparam("of", type_=Text),
            bulk_flight.c.chat,
            bindparam("about", type_=Text),
            literal_column("0"),
            bindparam("now", type_=BigInteger),
        )
        .select_from(bulk_flight.join(subscriber, _there))
        .where(bulk_flight.c.bulk == bindparam("key")),
    )
    .on_conflict_do_nothing()
)
_AWAY = select(cast(json_items(bindparam("away")).c.value, BigInteger))
_stopped = select(bulk.c.id).where(bulk.c.id == bindparam("key"), bulk.c.state == BulkState.STOPPED.value)
_SETTLE = Statement(delete(bulk_flight).where(bulk_flight.c.bulk.in_(_stopped), bulk_flight.c.chat.not_in(_AWAY)))


def rest(db: Connection, channel: str, now: datetime, away: Collection[tuple[str, int]]) -> None:
    """Nothing more leaves, and these alone may be out: whatever else is written down as handed over never left."""
    for row in _HANDED_OVER.rows(db, of=channel):
        for chat in sorted(chat for key, chat in away if key == row["id"]):
            may_have(db, _told_of(channel, row), chat, now)
    _REST.run(db, channel=channel, key=_AT_REST, value="")


def take_over(db: Connection, channel: str, now: datetime, away: Collection[tuple[str, int]]) -> None:
    """File as perhaps told whomever another process, of which nothing is known, was on its way to."""
    if _RESTED.run(db, of=channel).rowcount:
        return
    for row in _HANDED_OVER.rows(db, of=channel):
        if sql.HEIR.row(db, of=channel, about=row["incident"], seq=row["seq"]) is None:
            _MAY_HAVE.run(db, of=channel, key=row["id"], about=row["incident"], now=stamp(now))
        else:  # which may have passed some of them by already
            for each in _WHOM.rows(db, key=row["id"]):
                may_have(db, _told_of(channel, row), each["chat"], now)
        settle(db, row["id"], away)


def settle(db: Connection, key: str, away: Collection[tuple[str, int]]) -> bool:
    """Let go of whom a stopped bulk was for and who isn't being told now; whether some still are."""
    still = [chat for each, chat in away if each == key]
    _SETTLE.run(db, key=key, away=json.dumps(still))
    return bool(still)


def _told_of(channel: str, row: Row) -> BulkTold:
    return BulkTold(channel, row["incident"], row["seq"], is_end=False)
