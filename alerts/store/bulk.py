"""Bulk sending in the database: the next recipients, those under way, and the messages received.

All decisions and writes of one turn are one transaction: a kill finds either all of it or nothing. A turn files the
results (`bulk_results`), stops the bulks that must stop, and continues along the channel's subscribers from the bulk's
cursor. They are read in slices, in the order of their chats; the sieve decides for each if they get the message now,
never, or at their own hour. A recipient is recorded as under way before anything is sent, so that after a kill only
these may have been reached.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from alerts.model.delivery import (
    Bulk,
    BulkCandidate,
    BulkState,
    Exchange,
    ExchangeRequest,
    SendOutcome,
    SendResult,
    Target,
    end_of,
    most_pressing,
    why_stopped,
)
from alerts.model.lease import Lease
from alerts.model.post import PostKind, PostState
from alerts.model.reason import Reason, because
from alerts.model.subscriber import Subscriber, wants
from alerts.store import bulk_statements as sql
from alerts.store.bulk_results import bulk_of, candidate_of, checkpoint, land, of_one_bulk
from alerts.store.bulk_unsure import close_finished, record_clean_stop, recover, take_back_deferred
from alerts.store.database import Database
from alerts.store.restoring import LOOKED_FOR
from alerts.store.statement import Statement, stamp, time_of
from alerts.store.subscribers import endpoint_of, subscriber_of
from alerts.store.unit import Unit, transaction

if TYPE_CHECKING:
    from alerts.store.dialect import Connection, Row

# Few bulks are worked at in one day; their words are long, and are read once.
_KEPT = 16
_NOT_SETTLED = (PostState.QUEUED, PostState.SENDING, PostState.IN_DOUBT)
_SWEPT = timedelta(days=1)
LET_GO_WITHIN = timedelta(seconds=1)
"""How soon a released post is noticed when its time has come."""
SYNCED_EVERY = timedelta(seconds=1)
"""Turns that come faster don't wait for the disk.

A kill undoes none of them. After a power failure at most the recipients of this period get a message twice.
"""


@dataclass(frozen=True, slots=True)
class _SenderState:
    """State kept between two turns: the lease, and the stopped bulks with sends still under way.

    `deferred_until` is when the next deferred recipient is due; 0: unknown, None: there is none.
    """

    term: int | None = None
    deferred_until: int | None = 0
    stopped: frozenset[str] = frozenset()


class Bulks:
    """The bulks of one channel's subscribers, as its sender works through them. A turn is durable when it returns."""

    def __init__(self, database: Database, address: BulkScope) -> None:
        self._database = database
        self._address = address
        self._words: dict[str, Bulk] = {}
        self._synced_at: datetime | None = None
        self._known = _SenderState()

    async def turn(self, lease: Lease, ask: ExchangeRequest) -> Exchange | None:
        """Keep what landed, stop what must stop, and hand over who is next; None: the lease is not ours any more."""
        # A transaction may be carried out twice, or undone: what it came to is kept here once it is committed. One that
        # failed leaves the lease's number: as long as that is the same, nobody else told anybody (`recover`).
        known, self._known = self._known, replace(self._known, deferred_until=0)
        turn, self._known = await self._kept(lease, ask, known)
        return turn

    async def _kept(
        self, lease: Lease, ask: ExchangeRequest, known: _SenderState
    ) -> tuple[Exchange | None, _SenderState]:
        is_due = self._synced_at is None or not timedelta() <= ask.local - self._synced_at < SYNCED_EVERY
        if is_due or known.term != lease.number:
            self._synced_at = ask.local
            return await self._database.write(lambda unit: self._turn(unit, lease, ask, known))
        if ask.hurry and (done := self._database.write_at_once(lambda unit: self._at_once(unit, lease, ask, known))):
            return done
        return await self._database.write_ahead(lambda unit: self._turn(unit, lease, ask, known))

    def _at_once(
        self, unit: Unit, lease: Lease, ask: ExchangeRequest, known: _SenderState
    ) -> tuple[Exchange | None, _SenderState]:
        with transaction(unit.db):
            return self._turn(unit, lease, ask, known)

    def checkpoint(self, results: Sequence[SendResult]) -> bool:
        """Keep at once that these plain ones are out; False: not now."""
        return all(self._database.write_at_once(partial(_checkpoint, results=those)) for those in of_one_bulk(results))

    def _turn(
        self, unit: Unit, lease: Lease, ask: ExchangeRequest, known: _SenderState
    ) -> tuple[Exchange | None, _SenderState]:
        db = unit.db
        if not unit.leases.holds(lease, ask.local):
            return None, known
        out = land(db, self._address.channel, ask.results, ask.local, ask.working)
        is_known = ask.working is not None and all(each.outcome is not SendOutcome.LATER for each in ask.results)
        deferred_until = known.deferred_until if is_known else 0  # others, or what landed, may have held back somebody
        if known.term != lease.number:
            recover(db, self._address.channel, ask.local, ask.flying, once=self._address.once)
        if known.term != lease.number or ask.withdrew:
            take_back_deferred(db, self._address.channel, ask.flying)
        turning = _Exchange(unit, self._address, ask, self._bulk, deferred_until)
        turning.out = out
        turn = turning.turn()
        turning.count()
        still = frozenset(key for key in known.stopped if close_finished(db, key, ask.flying))
        if ask.last is not None:
            record_clean_stop(db, self._address.channel, ask.local, ask.last, once=self._address.once)
        return turn, _SenderState(lease.number, turning.deferred_until, still | turning.stopped)

    def _bulk(self, db: Connection, key: str) -> Bulk:
        """A bulk's words and notice, which never change; its counts may be old."""
        if key not in self._words:
            row = sql.BY_ID.row(db, key=key)
            assert row is not None  # noqa: S101 what names it was read in this transaction
            self._words = {**dict(list(self._words.items())[-_KEPT:]), key: bulk_of(row)}
        return self._words[key]


def _checkpoint(unit: Unit, results: Sequence[SendResult]) -> int:
    return checkpoint(unit.db, results)


class _Exchange:
    """One turn, within its transaction."""

    def __init__(
        self,
        unit: Unit,
        address: BulkScope,
        ask: ExchangeRequest,
        bulk: Callable[[Connection, str], Bulk],
        deferred_until: int | None,
    ) -> None:
        self._unit = unit
        self._db = unit.db
        self._address = address
        self._of = address.channel
        self._ask = ask
        self._now = stamp(ask.local)
        self._bulk = bulk
        self._more = False
        self._left = False
        self._began = False
        self.out = 0
        self.stopped: set[str] = set()
        self.deferred_until = deferred_until

    def turn(self) -> Exchange:
        alive, waits, ended = self._stop_and_go()
        first = most_pressing(alive)
        targets: list[Target] = []
        if first is None or not first.urgent:
            targets += self._due()
        if first is not None:
            room = self._ask.room - len(targets)
            targets += self._next_of(first, room)
            if not targets and room > 0 and self._is_through(first):
                ended.append(self._finish(first))
                return Exchange(None, targets=(), ended=ended, again_at=self._ask.local)
        return Exchange(
            bulk=first.id if first else None,
            urgent=bool(first and first.urgent),
            targets=targets,
            alive=frozenset(each.id for each in alive),
            again_at=self._again_at(waits),
            ended=ended,
            left=self._left,
        )

    def count(self) -> None:
        """Count the landed sends that no other change of the row has counted."""
        if self.out and self._ask.working is not None:
            sql.COUNT.run(self._db, key=self._ask.working, out=self.out, refused=0, left=0)
        self.out = 0

    def _stop_and_go(self) -> tuple[list[BulkCandidate], list[datetime], list[Bulk]]:
        """Return the candidates that may continue, the times of those that wait, and the bulks stopped now."""
        rows = sql.CANDIDATES.rows(self._db, of=self._of)
        candidates = [candidate_of(row) for row in rows]
        alive, ended, gap = [], [], self._unit.restored.gap()
        for each, row in zip(candidates, rows, strict=True):
            why = why_stopped(each, candidates, self._ask.local, exercises=self._address.exercises)
            if (
                why is None
                and gap is not None
                and each.cursor is None
                and self._unit.restored.may_be_out(gap, row["alert_id"])
            ):
                if each.post in _NOT_SETTLED:
                    continue  # its post is looked for: what comes of that tells whether they were told
                if row["outcome"] == LOOKED_FOR:
                    why = because("bulk_told_before_restore")
            if why is None:
                alive.append(each)
            else:
                ended.append(self._stop(each, row["alert_id"], why))
        waits = [time for row in rows if (time := time_of(row["not_before"])) and row["post"] == PostState.WAITING]
        # What ends unbegun is stopped then, and not whenever somebody looks next.
        waits += [each.expires for each in alive if each.expires is not None]
        return alive, waits, ended

    def _stop(self, each: BulkCandidate, alert_id: str, why: Reason) -> Bulk:
        self.count()
        sql.STOP.run(self._db, key=each.id, now=self._now, why=why.kept())
        sql.HAND_ON.run(self._db, key=each.id)
        # What another process had under way is filed already, and what this one took back before surely isn't out.
        if close_finished(self._db, each.id, self._ask.flying):
            self.stopped.add(each.id)
        self._unit.alerts.note(self._ask.local, alert_id, each.id, "bulk_stopped", why)
        row = sql.BY_ID.row(self._db, key=each.id)
        assert row is not None  # noqa: S101 it was updated just now
        return bulk_of(row)

    def _begin(self, each: BulkCandidate) -> BulkCandidate:
        """Begin it where it hasn't; returns it as it is now: what was stopped a moment ago may have handed on to it."""
        row = sql.BY_ID.row(self._db, key=each.id)
        if row is None or row["state"] != BulkState.QUEUED:
            return each
        about = {"of": self._of, "about": each.incident}
        how_many = sql.HOW_MANY if row["everyone"] else sql.HOW_MANY_READ
        total = how_many.row(self._db, **about)
        sql.BEGIN.run(self._db, key=each.id, now=self._now, everybody=total[0] if total else 0)
        sql.SWEEP.run(self._db, of=self._of, since=stamp(self._ask.local - _SWEPT))
        sql.PASS_ON.run(self._db, seq=each.seq, **about)
        if row["kind"] == PostKind.END or row["everyone"]:  # nobody is told, or everybody is looked at anew
            sql.DROP_DEFERRED.run(self._db, seq=each.seq, **about)
        else:
            sql.DROP_DEFERRED_READERS.run(self._db, seq=each.seq, **about)
            sql.INHERIT.run(self._db, key=each.id, seq=each.seq, **about)
            sql.DROP_DEFERRED.run(self._db, seq=each.seq, **about)
        self._unit.alerts.note(self._ask.local, row["alert_id"], each.id, "bulk_begun", None)
        return replace(each, everyone=bool(row["everyone"]))

    def _next_of(self, each: BulkCandidate, room: int) -> list[Target]:
        """Return the sends handed over without an end, then the next recipients, and at the very end those in doubt."""
        self._began = self._ask.working != each.id
        if self._began:
            each = self._begin(each)
        targets = self._flights(each, room, in_doubt=False) if self._ask.withdrew or self._began else []
        if len(targets) < room:
            targets += self._slice(each, room - len(targets))
        if not targets and room > 0 and not self._is_flying(each):
            targets = self._flights(each, room, in_doubt=False) or self._flights(each, room, in_doubt=True)
        return targets

    def _flights(self, each: BulkCandidate, room: int, *, in_doubt: bool) -> list[Target]:
        most = max(room, 0) + len(self._ask.flying) + 1
        rows = sql.FLIGHTS.rows(self._db, key=each.id, of=self._of, about=each.incident, in_doubt=in_doubt, most=most)
        lost = [row for row in rows if (each.id, row["chat"]) not in self._ask.flying]
        self._left = self._left or len(lost) > max(room, 0)
        return self._targets(lost[: max(room, 0)], self._bulk(self._db, each.id))

    def _slice(self, each: BulkCandidate, room: int) -> list[Target]:
        """The next ones from behind the cursor; who isn't to get it now is passed over, or held back."""
        bulk = self._bulk(self._db, each.id)
        if room <= 0:
            return []
        walk = SubscriberSlice(
            self._db, bulk, RecipientFilter(self._db, self._address, bulk, self._ask.local), everyone=each.everyone
        )
        chosen = walk.on_from(each.cursor, room)
        if chosen:
            chats = json.dumps([who["chat"] for who in chosen])
            # Written down before any of them leaves: after a kill it is known who may have got it.
            sql.TAKE_OFF_ALL.run(self._db, key=each.id, chats=chats)
            sql.LET_GO_ALL.run(self._db, key=each.id, of=self._of, chats=chats)
        if walk.deferred:
            self.deferred_until = 0
        if walk.looked:
            out, self.out = (0, self.out) if self._began else (self.out, 0)
            sql.ADVANCE.run(self._db, key=each.id, at=walk.cursor, passed=walk.passed, out=out)
        self._more = self._more or walk.looked >= LOOKED_AT
        return self._targets(chosen, bulk)

    def _targets(self, people: Sequence[Who], bulk: Bulk) -> list[Target]:
        bulks = (bulk,)
        return [self._target(who, bulks) for who in people]

    def _target(self, who: Who, bulks: tuple[Bulk, ...], *, deferred: bool = False) -> Target:
        message, first, endpoint = who["message_id"] or None, bulks[0], endpoint_of(who["endpoint"])
        if message is None:
            return Target(who["chat"], who["language"], bulks, deferred=deferred, endpoint=endpoint)
        alone = len({bulk.incident for bulk in bulks}) == 1
        edits = message is not None and alone and bulks[-1].edits and not self._is_shared(who, first, message)
        return Target(who["chat"], who["language"], bulks, message if alone else None, edits, deferred, endpoint)

    def _is_shared(self, who: Who, bulk: Bulk, message: int) -> bool:
        """True if that message also contains another incident, which an edit would remove."""
        given = {"of": self._of, "who": who["chat"], "about": bulk.incident, "message": message}
        return sql.SHARED.row(self._db, **given) is not None

    def _due(self) -> list[Target]:
        """Return the deferred sends that are due, as one message to each chat."""
        if self.deferred_until is None or self.deferred_until > (self._now or 0):
            return []
        self.deferred_until = 0
        flying = {chat for _, chat in self._ask.flying}
        # As many more as are away: those come in the answer too, and are left out of it.
        most = max(self._ask.room, 0) + len(flying)
        rows = sql.DUE.rows(self._db, of=self._of, now=self._now, most=most)
        chats = [row["chat"] for row in rows if row["chat"] not in flying]
        return [target for chat in chats[: max(self._ask.room, 0)] for target in self._gathered(chat)]

    def _gathered(self, chat: int) -> list[Target]:
        """All that is held for a chat, of each incident the newest word, as one message, or (`separate`) one each."""
        rows = sql.DEFERRED_FOR.rows(self._db, of=self._of, who=chat, now=self._now)
        bulks = [self._bulk(self._db, row["bulk"]) for row in rows]
        newest = {bulk.incident: bulk for bulk in sorted(bulks, key=lambda bulk: bulk.seq) if self._holds(bulk)}
        telling = tuple(newest.values())
        about = telling[0].incident if telling else ""
        who = sql.ONE.row(self._db, of=self._of, who=chat, about=about)
        for bulk in bulks:
            # What something newer speaks for, or what is over, is settled without a message, and counted as that.
            if bulk not in telling or who is None:
                sql.LET_GO.run(self._db, of=self._of, who=chat, key=bulk.id)
                sql.COUNT.run(self._db, key=bulk.id, out=0, refused=0, left=1)
        if not telling or who is None:
            return []
        for bulk in telling:  # as all that is handed over: after a kill it is known who may have got it
            sql.TAKE_OFF.run(self._db, bulk=bulk.id, chat=chat, doubt=False)
        messages = [(bulk,) for bulk in telling] if self._address.separate else [telling]
        return [self._target(who, each, deferred=True) for each in messages]

    def _holds(self, bulk: Bulk) -> bool:
        """True if the bulk is still valid: not over, and not withdrawn meanwhile."""
        row = sql.BY_ID.row(self._db, key=bulk.id)
        over = bulk.expires is not None and bulk.expires <= self._ask.local
        return row is not None and row["state"] != BulkState.STOPPED and not over

    def _is_flying(self, each: BulkCandidate) -> bool:
        return any(key == each.id for key, _ in self._ask.flying)

    def _is_through(self, each: BulkCandidate) -> bool:
        """True if everybody was handed over and landed."""
        if self._is_flying(each) or self._more:
            return False
        row = sql.BY_ID.row(self._db, key=each.id)
        if row is None:
            return True
        # Somebody may have subscribed behind the place up to which it went.
        statement = sql.EVERYONE if row["everyone"] else sql.READERS
        return not people(statement, self._db, of=self._of, about=each.incident, after=row["cursor"], most=1)

    def _finish(self, each: BulkCandidate) -> Bulk:
        self.count()
        off = sql.LAND_ALL.run(self._db, key=each.id).rowcount
        sql.FINISH.run(self._db, key=each.id, now=self._now, off=off)
        row = sql.BY_ID.row(self._db, key=each.id)
        assert row is not None  # noqa: S101 it was updated just now
        bulk = bulk_of(row)
        said = because("bulk_done", sent=bulk.sent, failed=bulk.failed, skipped=bulk.skipped)
        self._unit.alerts.note(self._ask.local, bulk.alert_id, bulk.id, "bulk_done", said)
        return bulk

    def _again_at(self, waits: list[datetime]) -> datetime | None:
        if self._more:
            return self._ask.local
        if self.deferred_until == 0:
            due = sql.NEXT_DUE.row(self._db, of=self._of)
            self.deferred_until = due["at"] if due else None
        deferred_until = time_of(self.deferred_until)
        # A post whose time has come is let go by its lane, within a second or so: asked at once and again and again,
        # this would be one transaction after the other until then.
        waits = [time if time > self._ask.local else self._ask.local + LET_GO_WITHIN for time in waits]
        return min(
            [*waits, *([deferred_until] if deferred_until and deferred_until > self._ask.local else [])], default=None
        )


Who: TypeAlias = "Mapping[str, Any] | Row"
"""A subscriber's row, with the message that they have of the incident."""
CHUNK = 250
"""Subscribers that are read at once, where more than the first few are needed."""
LOOKED_AT = 2000
"""Subscribers that one turn reads: a transaction must be short, however few want the alert."""


@dataclass(frozen=True, slots=True)
class BulkScope:
    """The scope of bulks: one channel's; `exercises` is its mark.

    A message that isn't urgent is deferred for a recipient who got another one less than `gather` ago. The deferred
    ones are combined into one message; `separate`: each is sent by itself. `once`: what may be out is never sent again.
    """

    channel: str
    exercises: bool = False
    gather: timedelta = timedelta(minutes=3)
    separate: bool = False
    once: bool = False


class RecipientFilter:
    """Decides for each subscriber if they get a bulk, and if they get it at once."""

    def __init__(self, db: Connection, address: BulkScope, bulk: Bulk, local: datetime) -> None:
        self._db = db
        self._address = address
        self._bulk = bulk
        self._local = local
        self._answers: dict[tuple[str, str, int], bool] = {}
        self._urgent = bulk.notice.urgent
        since = stamp(local - address.gather)
        given = {"of": address.channel, "about": bulk.incident, "since": since}
        first = bulk.kind is PostKind.PUBLISH and not bulk.notice.urgent and bool(address.gather)
        # Asked once for the whole bulk: where nothing else went out lately, nobody's last message has to be looked up.
        self._gathers = first and sql.OTHERS_WENT.row(db, **given) is not None

    def wants(self, who: Who) -> bool:
        """True for a recipient who has the incident already; for others, by their choices."""
        if who["message_id"] is not None:
            return True
        # A dozen choices are made by thousands of people: each is decided about once.
        if (choice := (who["districts"], who["topics"], who["severity"])) not in self._answers:
            self._answers[choice] = wants(_chooser(who), self._bulk.notice)
        return self._answers[choice]

    def deferred_until(self, who: Who) -> datetime | None:
        """Until when it waits: the end of the quiet hours, or a while after the last message; None: now."""
        if self._urgent:
            return None
        if who["quiet"] is not None:
            quiet = _chooser(who).quiet
            if quiet is not None and quiet.covers(self._local.time()):
                return end_of(quiet, self._local)
        return self._gathered_until(who["chat"]) if self._gathers else None

    def _gathered_until(self, chat: int) -> datetime | None:
        row = sql.LAST_RECEIVED.row(self._db, of=self._address.channel, who=chat)
        last = time_of(row[0]) if row else None
        until = last + self._address.gather if last else None
        return until if until is not None and until > self._local else None


class SubscriberSlice:
    """One stretch of subscribers. `cursor` is its end, `looked` how many it read, `passed` how many didn't want it."""

    def __init__(self, db: Connection, bulk: Bulk, recipients: RecipientFilter, *, everyone: bool) -> None:
        self._db = db
        self._bulk = bulk
        self._filter = recipients
        self._statement = sql.EVERYONE if everyone else sql.READERS
        self.cursor: int | None = None
        self.looked = 0
        self.passed = 0
        self.deferred = 0

    def on_from(self, cursor: int | None, room: int) -> list[Who]:
        """The next ones who are to get it now, at most `room`; who is to get it later is held back."""
        self.cursor = cursor
        chosen: list[Who] = []
        deferred: list[tuple[int, datetime]] = []
        while len(chosen) < room and self.looked < LOOKED_AT:
            # First as few as there is room for. Where many of these don't want it, larger pieces cost less than more of
            # them.
            most = min(room - len(chosen) if self.looked == 0 else CHUNK, LOOKED_AT - self.looked)
            rows = self._next(most)
            for who in rows:
                self.looked += 1
                if not self._filter.wants(who):
                    self.passed += 1
                elif (until := self._filter.deferred_until(who)) is not None:
                    deferred.append((who["chat"], until))
                else:
                    chosen.append(who)
                    if len(chosen) >= room:
                        break
            # The last one that was looked at, not the last that was read: `room` may have ended it in the middle.
            if rows:
                self.cursor = who["chat"]
            if len(rows) < most:
                break
        self.deferred = len(deferred)
        for chat, until in deferred:
            sql.HOLD.run(self._db, channel=self._bulk.channel, chat=chat, bulk=self._bulk.id, until=stamp(until))
        return chosen

    def _next(self, most: int) -> list[Who]:
        given = {"of": self._bulk.channel, "about": self._bulk.incident, "after": self.cursor, "most": most}
        return people(self._statement, self._db, **given)


def _chooser(who: Who) -> Subscriber:
    return subscriber_of({**who, "step": None, "is_on": True, "endpoint": None, "token": None})


def people(statement: Statement, db: Connection, **values: Any) -> list[Who]:
    """Return the rows of a statement that yields them as one JSON text."""
    row = statement.row(db, **values)
    found: list[Who] = json.loads(row["rows"]) if row else []
    return found
