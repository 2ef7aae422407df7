"""Recipients who may have a message: they get its updates and its end, as those who surely have it do.

A message was handed over, and its daemon was killed; or it was sent, and no answer came. Its recipient is filed under
`received` like those who have it, without the number of a message, so that an update and the end include them. A daemon
that takes over knows nothing of the recorded hand-overs, and files all of them, unless the one before ended cleanly and
filed the few that it couldn't wait for (`record_clean_stop`). One that continues knows its own withdrawals: none of
those is out.

Where a second message costs money (`once`), those who may have it aren't sent it again: they count as failed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from datetime import datetime
from typing import TYPE_CHECKING

from alerts.store import bulk_statements as sql
from alerts.store.bulk_results import BulkSubject, may_have
from alerts.store.facts import drop_fact, keep_fact
from alerts.store.statement import Statement, stamp

if TYPE_CHECKING:
    from alerts.store.dialect import Connection, Row

_AT_REST = "bulk at rest"
# An end is nothing that somebody has: who may have heard it is still among those who got its alert, and hears it again.
_HANDED_OVER = Statement("""
    SELECT id, seq, incident FROM bulk
    WHERE id IN (SELECT DISTINCT bulk FROM bulk_flight) AND channel = :of AND kind <> 'end' ORDER BY seq
""")
_FLYING = Statement("""
    SELECT bulk_flight.bulk, bulk_flight.chat FROM bulk_flight JOIN bulk ON bulk.id = bulk_flight.bulk
    WHERE bulk.channel = :of AND bulk.state IN ('sending', 'done') ORDER BY bulk_flight.bulk, bulk_flight.chat
""")
_WHOM = Statement("SELECT chat FROM bulk_flight WHERE bulk = :key ORDER BY chat")
_MAY_HAVE = Statement("""
    INSERT INTO received (channel, chat, incident, message_id, at)
    SELECT CAST(:of AS text), bulk_flight.chat, CAST(:about AS text), 0, CAST(:now AS bigint)
    FROM bulk_flight JOIN subscriber ON subscriber.channel = :of AND subscriber.chat = bulk_flight.chat
    WHERE bulk_flight.bulk = :key
    ON CONFLICT DO NOTHING
""")
_SETTLE = Statement("""
    DELETE FROM bulk_flight
    WHERE bulk IN (SELECT id FROM bulk WHERE id = :key AND state = 'stopped')
    AND chat NOT IN (SELECT CAST(value AS bigint) FROM items(:away))
""")


def record_clean_stop(
    db: Connection, channel: str, now: datetime, away: Collection[tuple[str, int]], *, once: bool = False
) -> None:
    """Nothing more leaves, and these alone may be out: whatever else is written down as handed over never left."""
    for row in _HANDED_OVER.rows(db, of=channel):
        for chat in sorted(chat for key, chat in away if key == row["id"]):
            may_have(db, _subject_of(channel, row), chat, now)
    if once:
        _give_up(db, channel, lambda key, chat: (key, chat) in away)
    keep_fact(db, channel, _AT_REST, "")


def recover(
    db: Connection, channel: str, now: datetime, away: Collection[tuple[str, int]], *, once: bool = False
) -> None:
    """Treat the recipients of another process's unfinished sends as reached, since nothing is known of it."""
    if drop_fact(db, channel, _AT_REST):
        return
    for row in _HANDED_OVER.rows(db, of=channel):
        if sql.SUCCESSOR.row(db, of=channel, about=row["incident"], seq=row["seq"]) is None:
            _MAY_HAVE.run(db, of=channel, key=row["id"], about=row["incident"], now=stamp(now))
        else:  # which may have passed some of them by already
            for each in _WHOM.rows(db, key=row["id"]):
                may_have(db, _subject_of(channel, row), each["chat"], now)
        close_finished(db, row["id"], away)
    if once:
        _give_up(db, channel, lambda key, chat: (key, chat) not in away)


def _give_up(db: Connection, channel: str, which: Callable[[str, int], bool]) -> None:
    """Count as failed whom a message may have reached that is never sent again, an end's among them."""
    for row in _FLYING.rows(db, of=channel):
        if which(row["bulk"], row["chat"]):
            off = sql.LAND.run(db, key=row["bulk"], who=row["chat"]).rowcount
            sql.LET_GO.run(db, of=channel, who=row["chat"], key=row["bulk"])
            sql.COUNT.run(db, key=row["bulk"], out=0, refused=off, left=0)


def close_finished(db: Connection, key: str, away: Collection[tuple[str, int]]) -> bool:
    """Release the recipients of a stopped bulk that have no send under way; returns True if some still have one."""
    still = [chat for each, chat in away if each == key]
    _SETTLE.run(db, key=key, away=json.dumps(still))
    return bool(still)


def take_back_deferred(db: Connection, channel: str, away: Collection[tuple[str, int]]) -> None:
    """Note that deferred sends which were handed over aren't under way any more, but for those in `away`.

    They stay deferred, and are handed over anew; a kill then finds only those that may have left.
    """
    for row in sql.DEFERRED_FLIGHTS.rows(db, of=channel):
        if (row["bulk"], row["chat"]) not in away:
            sql.LAND.run(db, key=row["bulk"], who=row["chat"])


def _subject_of(channel: str, row: Row) -> BulkSubject:
    return BulkSubject(channel, row["incident"], row["seq"], is_end=False)
