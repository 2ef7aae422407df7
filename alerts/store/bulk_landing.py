"""What became of the messages of a bulk, kept in the transaction of the next turn."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

from alerts.model.alert import Severity
from alerts.model.bulk import Bulk
from alerts.model.ports.bulking import Fate, Landing
from alerts.model.post import PostKind
from alerts.store import bulk_statements as sql
from alerts.store.schema import stamp
from alerts.store.subscribers import StoredSubscribers

HELD_AGAIN = timedelta(minutes=1)
"""What was held back and is in doubt is told once more after this."""


def land(
    db: sqlite3.Connection, channel: str, landings: Sequence[Landing], now: datetime, working: str | None = None
) -> int:
    """Keep how each attempt ended, and count. `working` is the bulk that nothing can have overtaken yet.

    Returns how many of its messages are out that are still to be counted, with whatever else changes in its row.
    """
    counts: dict[str, Counter[str]] = {}
    plain = [each for each in landings if _is_plain(each, working)]
    if plain:
        _land_plain(db, channel, plain, now)
    for landing in landings:
        if _is_plain(landing, working):
            continue
        what = _land_one(db, channel, landing, now)
        for bulk in landing.target.bulks:
            counts.setdefault(bulk.id, Counter())[what] += 1
    for key, count in counts.items():
        sql.COUNT.run(db, key=key, out=count["out"], refused=count["refused"], left=count["left"])
    return len(plain)


def _is_plain(landing: Landing, working: str | None) -> bool:
    """Whether it is as nearly all are: sent, of the one bulk that goes out and isn't an end."""
    bulks, target = landing.target.bulks, landing.target
    alone = len(bulks) == 1 and bulks[0].id == working and bulks[0].kind is not PostKind.END
    return alone and landing.fate is Fate.SENT and not target.held and landing.moved_to is None


def _land_plain(db: sqlite3.Connection, channel: str, landings: Sequence[Landing], now: datetime) -> None:
    at, bulk = stamp(now), landings[0].target.bulks[0]
    sql.LAND_THESE.run(db, key=bulk.id, chats=json.dumps([each.target.chat for each in landings]))
    got = json.dumps([(each.target.chat, each.message) for each in landings])
    sql.RECEIVE_ALL.run(db, of=channel, about=bulk.incident, now=at, got=got)


def _land_one(db: sqlite3.Connection, channel: str, landing: Landing, now: datetime) -> str:
    chat, target = landing.target.chat, landing.target
    if landing.fate is Fate.LEFT:
        StoredSubscribers(db).forget(channel, chat)
        return "left"
    if landing.fate is Fate.DOUBT and _is_told_again(db, channel, landing, now):
        return "again"
    for bulk in target.bulks:
        sql.LAND.run(db, key=bulk.id, who=chat)
        if target.held:
            sql.LET_GO.run(db, of=channel, who=chat, key=bulk.id)
        if landing.fate is Fate.SENT:
            _receive(db, channel, landing, bulk, now)
    if landing.moved_to is not None:
        StoredSubscribers(db).moved(channel, chat, landing.moved_to)
    return "out" if landing.fate is Fate.SENT else "refused"


def _receive(db: sqlite3.Connection, channel: str, landing: Landing, bulk: Bulk, now: datetime) -> None:
    chat = landing.target.chat
    if bulk.kind is PostKind.END:
        sql.NO_MORE.run(db, of=channel, who=chat, about=bulk.incident)
        return
    message = landing.message or 0
    sql.RECEIVE.run(db, channel=channel, chat=chat, incident=bulk.incident, message_id=message, at=stamp(now))
    heir = sql.HEIR.row(db, of=channel, about=bulk.incident, seq=bulk.seq, who=chat)
    if heir is not None:  # what came after it has passed this chat by already, for it hadn't got this yet
        sql.TAKE_OFF.run(db, bulk=heir["id"], chat=chat, doubt=False)
        sql.REOPEN.run(db, key=heir["id"])


def _is_told_again(db: sqlite3.Connection, channel: str, landing: Landing, now: datetime) -> bool:
    """Whether twice is better than never: Moderate or worse (or nobody knows), once."""
    chat, target = landing.target.chat, landing.target
    if not any(_is_worth_it(bulk.notice.severity) for bulk in target.bulks):
        return False
    if target.held:
        until = stamp(now + HELD_AGAIN)
        for bulk in target.bulks:
            sql.HOLD.run(db, channel=channel, chat=chat, bulk=bulk.id, until=until)
        return True
    return all(sql.DOUBT.run(db, key=bulk.id, who=chat).rowcount == 1 for bulk in target.bulks)


def _is_worth_it(severity: Severity) -> bool:
    return severity is Severity.UNKNOWN or severity.at_least(Severity.MODERATE)
