"""Those who subscribed with a bot: a chat's id and its choices, and every row that is bound to it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, time
from typing import Any

from sqlalchemy import Table, bindparam, delete, func, select, text, update

from alerts.model.alert import Severity
from alerts.model.subscriber import Quiet, Subscriber, Topic
from alerts.store.schema import bulk, bulk_flight, fact, held_back, officer_asked, officer_chat, officer_told, time_of
from alerts.store.schema import received as got
from alerts.store.schema import subscriber as table
from alerts.store.statement import Statement, upsert_into

OFFSET = "bot offset"
"""The fact under which a channel keeps the first update that wasn't handled yet."""
_OWN: tuple[Table, ...] = (table, got, held_back, officer_chat, officer_told, officer_asked)
_BULKS = select(bulk.c.id).where(bulk.c.channel == bindparam("of"))

_GET = Statement(select(table).where(table.c.channel == bindparam("of"), table.c.chat == bindparam("who")))
_PUT = upsert_into(table)
_SLICE = Statement(
    select(table)
    .where(table.c.channel == bindparam("of"), table.c.chat > bindparam("after"), table.c.is_on)
    .order_by(table.c.chat)
    .limit(bindparam("most"))
)
_COUNT = Statement(select(func.count()).select_from(table).where(table.c.channel == bindparam("of"), table.c.is_on))
_ALL = Statement(select(table).order_by(table.c.channel, table.c.chat))
_RECEIVED = Statement(
    select(got.c.incident, got.c.message_id, got.c.at)
    .where(got.c.channel == bindparam("of"), got.c.chat == bindparam("who"))
    .order_by(got.c.at)
)
_HELD = Statement(
    select(held_back.c.bulk, held_back.c.until)
    .where(held_back.c.channel == bindparam("of"), held_back.c.chat == bindparam("who"))
    .order_by(held_back.c.until)
)
_FORGET = (
    # Whatever was on its way to that chat, or waited for its hour, has passed it over.
    Statement(
        text(
            "UPDATE bulk SET skipped = skipped + 1 WHERE channel = :of AND (EXISTS (SELECT 1 FROM bulk_flight AS f"
            " WHERE f.bulk = bulk.id AND f.chat = :who) OR EXISTS (SELECT 1 FROM held_back AS h"
            " WHERE h.channel = :of AND h.chat = :who AND h.bulk = bulk.id))"
        )
    ),
    *(
        Statement(delete(each).where(each.c.channel == bindparam("of"), each.c.chat == bindparam("who")))
        for each in _OWN
    ),
    Statement(delete(bulk_flight).where(bulk_flight.c.chat == bindparam("who"), bulk_flight.c.bulk.in_(_BULKS))),
    Statement(
        text(
            "UPDATE bulk_landed SET got = (SELECT json_group_array(json(value)) FROM json_each(got)"
            " WHERE value ->> 0 <> :who) WHERE EXISTS (SELECT 1 FROM json_each(got) WHERE value ->> 0 = :who)"
            " AND bulk IN (SELECT id FROM bulk WHERE channel = :of)"
        )
    ),
    # A cursor names the chat it stands at; one before is the same place, once that chat is gone.
    Statement(
        update(bulk)
        .where(bulk.c.channel == bindparam("of"), bulk.c.cursor == bindparam("who"))
        .values(cursor=bulk.c.cursor - 1)
    ),
)
_MOVE = (
    *(
        Statement(
            update(each)
            .where(each.c.channel == bindparam("of"), each.c.chat == bindparam("who"))
            .values(chat=bindparam("now"))
            .prefix_with("OR REPLACE")
        )
        for each in _OWN
    ),
    Statement(
        update(bulk_flight)
        .where(bulk_flight.c.chat == bindparam("who"), bulk_flight.c.bulk.in_(_BULKS))
        .values(chat=bindparam("now"))
        .prefix_with("OR REPLACE")
    ),
    Statement(
        text(
            "UPDATE bulk_landed SET got = (SELECT json_group_array(json_array("
            "CASE value ->> 0 WHEN :who THEN :now ELSE value ->> 0 END, value ->> 1)) FROM json_each(got))"
            " WHERE EXISTS (SELECT 1 FROM json_each(got) WHERE value ->> 0 = :who)"
            " AND bulk IN (SELECT id FROM bulk WHERE channel = :of)"
        )
    ),
)
_FACT = Statement(select(fact.c.value).where(fact.c.channel == bindparam("of"), fact.c.key == OFFSET))
_REMEMBER = upsert_into(fact)
_LOWEST = -(2**63)
_AT_RANK = {severity.rank: severity for severity in Severity}


class StoredSubscribers:
    """`alerts.model.ports.Subscribers` over a connection that is in a transaction."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def get(self, channel: str, chat: int) -> Subscriber | None:
        """What that chat chose; None for a stranger."""
        row = _GET.row(self._db, of=channel, who=chat)
        return subscriber_of(row) if row else None

    def put(self, channel: str, subscriber: Subscriber) -> None:
        """Keep what a chat chose, in place of what it had chosen."""
        _PUT.run(
            self._db,
            channel=channel,
            chat=subscriber.chat,
            language=subscriber.language,
            districts=json.dumps(sorted(subscriber.districts), ensure_ascii=False),
            topics=json.dumps(sorted(subscriber.topics)),
            severity=subscriber.severity.rank,
            quiet=_spell(subscriber.quiet),
            step=subscriber.step,
            is_on=subscriber.on,
        )

    def forget(self, channel: str, chat: int) -> None:
        """Remove every row of that chat, wherever it stands."""
        for statement in _FORGET:
            statement.run(self._db, of=channel, who=chat)

    def moved(self, channel: str, old: int, new: int) -> None:
        """A group became a supergroup: all that was kept of `old` is `new`'s."""
        for statement in _MOVE:
            statement.run(self._db, of=channel, who=old, now=new)

    def slice(self, channel: str, after: int | None, most: int) -> Sequence[Subscriber]:
        """The next subscribers that are on, in the order of their chats, from behind the chat `after`."""
        rows = _SLICE.rows(self._db, of=channel, after=_LOWEST if after is None else after, most=most)
        return [subscriber_of(row) for row in rows]

    def count(self, channel: str) -> int:
        """How many are on."""
        row = _COUNT.row(self._db, of=channel)
        return int(row[0]) if row else 0

    def all(self) -> Iterator[tuple[str, Subscriber]]:
        """Everybody, with their channel: also those who paused or never came to an end of choosing."""
        for row in _ALL.run(self._db):
            yield row["channel"], subscriber_of(row)

    def received(self, channel: str, chat: int) -> Sequence[tuple[str, int, datetime]]:
        """The incidents that a chat was told of, the number of the message, and when."""
        rows = _RECEIVED.rows(self._db, of=channel, who=chat)
        return [(row["incident"], row["message_id"], at) for row in rows if (at := time_of(row["at"]))]

    def held(self, channel: str, chat: int) -> Sequence[tuple[str, datetime]]:
        """The posts that wait for a chat's morning, or for what else comes, and until when."""
        rows = _HELD.rows(self._db, of=channel, who=chat)
        return [(row["bulk"], until) for row in rows if (until := time_of(row["until"]))]

    def offset(self, channel: str) -> int:
        """The first update that wasn't handled yet; 0 where there was none."""
        row = _FACT.row(self._db, of=channel)
        return int(row["value"]) if row else 0

    def handled(self, channel: str, offset: int) -> None:
        """Every update before `offset` was handled."""
        _REMEMBER.run(self._db, channel=channel, key=OFFSET, value=str(offset))


def subscriber_of(row: Mapping[str, Any] | sqlite3.Row) -> Subscriber:
    """The subscriber of a row. A topic that there is none of any more is passed over."""
    known = {topic.value for topic in Topic}
    return Subscriber(
        chat=row["chat"],
        language=row["language"],
        districts=frozenset(json.loads(row["districts"])),
        topics=frozenset(Topic(each) for each in json.loads(row["topics"]) if each in known),
        severity=_AT_RANK[row["severity"]],
        quiet=_read(row["quiet"]),
        step=row["step"],
        on=bool(row["is_on"]),
    )


def _spell(quiet: Quiet | None) -> str | None:
    return f"{quiet.start:%H:%M}-{quiet.end:%H:%M}" if quiet else None


def _read(text: str | None) -> Quiet | None:
    if text is None:
        return None
    start, _, end = text.partition("-")
    return Quiet(time.fromisoformat(start), time.fromisoformat(end))
