"""Bulks as rows, and what became of their messages: filed in the transaction of the next turn."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from alerts.model.alert import Severity
from alerts.model.delivery import (
    MISSED_FOR,
    Bulk,
    BulkCandidate,
    Progress,
    SendOutcome,
    SendResult,
    Target,
    messages_of,
    still_missed,
)
from alerts.model.hazard import Hazard
from alerts.model.post import Post, PostKind, PostState
from alerts.model.subscriber import PART_OF, Notice
from alerts.store import bulk_statements as sql
from alerts.store.mapper import Mapper
from alerts.store.statement import Statement, stamp, time_of
from alerts.store.subscribers import Subscribers, notice_of

if TYPE_CHECKING:
    from alerts.store.dialect import Connection, Row

DEFER_AGAIN = timedelta(minutes=1)
"""A deferred message in doubt is sent once more after this."""


@dataclass(frozen=True, slots=True)
class BulkSubject:
    """The subject of a message: its channel, the incident, the bulk's number, and whether it was the end."""

    channel: str
    incident: str
    seq: int
    is_end: bool


def land(db: Connection, channel: str, results: Sequence[SendResult], now: datetime, working: str | None = None) -> int:
    """File how each attempt ended, and count. `working` is the bulk that nothing can have overtaken yet.

    Returns how many of its messages are out that are still to be counted, with whatever else changes in its row.
    """
    # Plain ones by one statement for each bulk; the few others take a decision each.
    for those in of_one_bulk([each for each in results if each.is_plain]):
        checkpoint(db, those)
    counts: dict[str, Counter[str]] = {}
    for result in results:
        if result.may_be_out:
            for bulk in result.target.bulks:
                may_have(db, _subject_of(channel, bulk), result.target.chat, now)
        if not result.is_plain:
            _land_one(db, channel, result, now, counts)
    out = _file(db, channel, now, working)
    _count(db, counts)
    return out


def of_one_bulk(results: Sequence[SendResult]) -> Collection[Sequence[SendResult]]:
    """Plain ones, those of each bulk together."""
    of: dict[str, list[SendResult]] = {}
    for result in results:
        of.setdefault(result.target.bulks[0].id, []).append(result)
    return of.values()


def checkpoint(db: Connection, results: Sequence[SendResult]) -> int:
    """Note of plain ones of one bulk that they are out: a kill repeats none of them, and the next turn files them."""
    got = json.dumps([(each.target.chat, each.message or 0) for each in results])
    return sql.CHECKPOINT.run(db, key=results[0].target.bulks[0].id, got=got).rowcount


def _file(db: Connection, channel: str, now: datetime, working: str | None) -> int:
    """File what `checkpoint` noted; returns how many of the bulk that is worked at are out."""
    out = 0
    for row in sql.TO_FILE.rows(db, of=channel):
        key, subject = row["id"], BulkSubject(channel, row["incident"], row["seq"], row["kind"] == PostKind.END)
        if subject.is_end:
            sql.NO_MORE_RESULTS.run(db, key=key, of=channel, about=subject.incident)
        # Nothing newer can have passed anybody by, so all of them are filed at once; else each is looked at.
        elif key == working:
            sql.RECEIVE_RESULTS.run(db, key=key, of=channel, about=subject.incident, now=stamp(now))
        else:
            for each in sql.RESULTS_OF.rows(db, key=key):
                _receive(db, subject, each["chat"], each["message_id"], now)
        filed = sql.LAND_THESE.run(db, key=key).rowcount  # told by two processes, it counts once
        sql.FILED.run(db, key=key)
        if key == working:
            out = filed
        else:
            sql.COUNT.run(db, key=key, out=filed, refused=0, left=0)
    return out


def _count(db: Connection, counts: Mapping[str, Counter[str]]) -> None:
    for key, count in counts.items():
        sql.COUNT.run(db, key=key, out=count["out"], refused=count["refused"], left=0)


def _land_one(db: Connection, channel: str, result: SendResult, now: datetime, counts: dict[str, Counter[str]]) -> None:
    chat, target = result.target.chat, result.target
    if result.outcome is SendOutcome.LEFT or (
        result.outcome is SendOutcome.NOBODY and _is_gone(db, channel, chat, now)
    ):
        Subscribers(db).forget(channel, chat)  # which counts it
        return
    if result.outcome is SendOutcome.LATER:
        _hold(db, channel, result, now)
        return
    if result.outcome is SendOutcome.DOUBT and _is_sent_again(db, channel, result, now):
        return
    for bulk in target.bulks:
        was_open = _take_off(db, channel, target, bulk)
        if was_open:  # else another process told of it meanwhile, or something newer took its place, and it is counted
            counts.setdefault(bulk.id, Counter())["out" if result.outcome is SendOutcome.SENT else "refused"] += 1
        if result.outcome is SendOutcome.SENT and (was_open or target.deferred):
            _receive(db, _subject_of(channel, bulk), chat, result.message or 0, now)
    if result.moved_to is not None:
        Subscribers(db).moved(channel, chat, result.moved_to)


def _take_off(db: Connection, channel: str, target: Target, bulk: Bulk) -> bool:
    """Its attempt is over; returns True if it was still open: under way, or (of a deferred one) deferred."""
    was_away = sql.LAND.run(db, key=bulk.id, who=target.chat).rowcount
    if target.deferred:
        return bool(sql.LET_GO.run(db, of=channel, who=target.chat, key=bulk.id).rowcount)
    return bool(was_away)


def _subject_of(channel: str, bulk: Bulk) -> BulkSubject:
    return BulkSubject(channel, bulk.incident, bulk.seq, bulk.kind is PostKind.END)


def _is_gone(db: Connection, channel: str, chat: int, now: datetime) -> bool:
    """True if the recipient was already missing long ago. The first time is stored, so that it outlives a restart."""
    who = {"of": channel, "who": chat}
    missed, received = sql.MISSED.row(db, **who), sql.LAST_RECEIVED.row(db, **who)
    since = still_missed(time_of(missed[0]) if missed else None, time_of(received[0]) if received else None)
    if since is None:
        sql.MISS.run(db, now=stamp(now), **who)
    return since is not None and now - since >= MISSED_FOR


def may_have(db: Connection, subject: BulkSubject, chat: int, now: datetime) -> None:
    """Nobody knows whether they have it: they hear of what comes of it, and of the end."""
    who = {"of": subject.channel, "who": chat}
    if not subject.is_end and sql.HAS_GOT.row(db, about=subject.incident, **who) is None:
        _receive(db, subject, chat, 0, now)


def _receive(db: Connection, subject: BulkSubject, chat: int, message: int, now: datetime) -> None:
    if subject.is_end:
        sql.NO_MORE.run(db, of=subject.channel, who=chat, about=subject.incident)
        return
    who = {"of": subject.channel, "who": chat}
    successor = sql.SUCCESSOR.row(db, of=subject.channel, about=subject.incident, seq=subject.seq)
    passed = successor is not None and successor["cursor"] is not None and successor["cursor"] >= chat
    if passed and sql.HAS_GOT.row(db, about=subject.incident, **who) is not None:
        return  # what came after it was told to this chat too, and is the newest word there
    got = {
        "channel": subject.channel,
        "chat": chat,
        "incident": subject.incident,
        "message_id": message,
        "at": stamp(now),
    }
    if sql.RECEIVE.run(db, **got).rowcount == 0:  # forgotten meanwhile
        return
    if successor is not None and passed and sql.IS_DEFERRED.row(db, key=successor["id"], **who) is None:
        # What came after it has passed this chat by already, for it hadn't got this yet.
        sql.TAKE_OFF.run(db, bulk=successor["id"], chat=chat, doubt=False)
        sql.REOPEN.run(db, key=successor["id"])


def _is_sent_again(db: Connection, channel: str, result: SendResult, now: datetime) -> bool:
    """True if a second message is better than none: Moderate or worse (or unknown), once."""
    chat, target = result.target.chat, result.target
    if not any(_is_worth_it(bulk.notice.severity) for bulk in target.bulks):
        return False
    if target.deferred:
        until = stamp(now + DEFER_AGAIN)
        for bulk in target.bulks:
            sql.LAND.run(db, key=bulk.id, who=chat)
            sql.HOLD.run(db, channel=channel, chat=chat, bulk=bulk.id, until=until)
        return True
    return all(sql.DOUBT.run(db, key=bulk.id, who=chat).rowcount == 1 for bulk in target.bulks)


def _hold(db: Connection, channel: str, result: SendResult, now: datetime) -> None:
    """Defer a message that can't be delivered now: the deferral outlives a kill, and delays nobody else."""
    chat, until = result.target.chat, stamp(result.until or now + DEFER_AGAIN)
    for bulk in result.target.bulks:
        if _take_off(db, channel, result.target, bulk):  # else they left meanwhile, or another process told them
            sql.HOLD.run(db, channel=channel, chat=chat, bulk=bulk.id, until=until)


def _is_worth_it(severity: Severity) -> bool:
    return severity is Severity.UNKNOWN or severity.at_least(Severity.MODERATE)


def candidate_of(row: Row) -> BulkCandidate:
    """A row as far as it decides."""
    return BulkCandidate(
        id=row["id"],
        seq=row["seq"],
        incident=row["incident"],
        urgent=Severity(row["severity"]).at_least(Severity.SEVERE),
        exercise=bool(row["exercise"]),
        expires=time_of(row["expires"]),
        post=PostState(row["post"]) if row["post"] else None,
        cursor=row["cursor"],
        everyone=bool(row["everyone"]),
    )


_HAZARDS = frozenset(Hazard)


class _NoticeMapper(Mapper[Notice]):
    def read(self, row: Row) -> Notice:
        return notice_of(row)


_BULK_ROW = Mapper(
    Bulk,
    without=("seq",),
    # A hazard that only a later version knows is shown as none is.
    reads={"hazard": lambda value: Hazard(value) if value in _HAZARDS else None},
    parts={
        "notice": _NoticeMapper(
            Notice,
            writes={
                # As the version before knows it, which may send this bulk; the hazard says the narrower one.
                "topic": lambda topic: PART_OF.get(topic, topic),
                "districts": lambda codes: json.dumps(sorted(codes), ensure_ascii=False),
            },
        )
    },
)
bulk_of = _BULK_ROW.read
_OF_ALERT = Statement("SELECT * FROM bulk WHERE alert_id = :alert ORDER BY seq")
_TEXTS = Statement("SELECT id, texts, links FROM bulk WHERE alert_id IN (SELECT value FROM items(:alerts))")


def with_subscribers(db: Connection, posts: Sequence[Post]) -> list[Post]:
    """Return the posts with the messages for their channels' subscribers."""
    if not posts:
        return []
    # Of all their alerts in one question: a page shows a hundred posts.
    alerts = json.dumps(sorted({post.alert_id for post in posts}))
    texts = {row["id"]: (json.loads(row["texts"]), json.loads(row["links"])) for row in _TEXTS.rows(db, alerts=alerts)}
    return [replace(post, subscribers=messages_of(*texts[post.id])) if post.id in texts else post for post in posts]


def bulks_of(db: Connection, alert: str) -> list[Bulk]:
    """Return the messages to subscribers about one alert."""
    return [bulk_of(row) for row in _OF_ALERT.rows(db, alert=alert)]


def add_bulk(db: Connection, new: Bulk) -> None:
    """Store a new one."""
    sql.ADD.run(db, **_BULK_ROW.values(new))


def progress(db: Connection, since: datetime) -> list[Progress]:
    """The bulks that are not over, or were over since, in the order of storing."""
    rows = sql.PROGRESS.rows(db, since=stamp(since))
    return [Progress(bulk_of(row), row["held"], row["post"] == PostState.WAITING) for row in rows]
