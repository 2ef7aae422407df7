"""Along the subscribers of a channel: who is to get a bulk, who not, and who not yet."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from alerts.model.bulk import Bulk, end_of
from alerts.model.post import PostKind
from alerts.model.subscriber import Subscriber, wants
from alerts.store import bulk_held_statements as held_sql
from alerts.store import bulk_statements as sql
from alerts.store.schema import stamp, time_of
from alerts.store.statement import Statement
from alerts.store.subscribers import subscriber_of

Who = Mapping[str, Any] | sqlite3.Row
"""A subscriber's row, with the message that they have of the incident."""
CHUNK = 250
"""Subscribers that are read at once, where more than the first few are needed."""
LOOKED_AT = 2000
"""Subscribers that one turn looks at: a transaction is to be short, however few want the alert."""


@dataclass(frozen=True, slots=True)
class Address:
    """Whose bulks: those of a channel; `exercises` is its mark.

    What isn't urgent is held back for who was told of something else less than `gather` ago.
    """

    channel: str
    exercises: bool = False
    gather: timedelta = timedelta(minutes=3)


class Sieve:
    """Who of the subscribers is to get a bulk, and who not at once."""

    def __init__(self, db: sqlite3.Connection, address: Address, bulk: Bulk, local: datetime) -> None:
        self._db = db
        self._address = address
        self._bulk = bulk
        self._local = local
        self._answers: dict[tuple[str, str, int], bool] = {}
        self._urgent = bulk.notice.urgent
        since = stamp(local - address.gather)
        given = {"of": address.channel, "about": bulk.incident, "since": since}
        first = bulk.kind is PostKind.PUBLISH and not bulk.notice.urgent and bool(address.gather)
        self._gathers = first and sql.OTHERS_WENT.row(db, **given) is not None

    def wants(self, who: Who) -> bool:
        """Who has the incident hears of it in any case; of the others, who chose so."""
        if who["message_id"] is not None:
            return True
        if (choice := (who["districts"], who["topics"], who["severity"])) not in self._answers:
            self._answers[choice] = wants(_chooser(who), self._bulk.notice)
        return self._answers[choice]

    def held_until(self, who: Who) -> datetime | None:
        """Until when it waits: the end of the quiet hours, or a while after the last message; None: now."""
        if self._urgent:
            return None
        if who["quiet"] is not None:
            quiet = _chooser(who).quiet
            if quiet is not None and quiet.covers(self._local.time()):
                return end_of(quiet, self._local)
        return self._gathered_until(who["chat"]) if self._gathers else None

    def _gathered_until(self, chat: int) -> datetime | None:
        row = sql.LAST_TOLD.row(self._db, of=self._address.channel, who=chat)
        last = time_of(row[0]) if row else None
        until = last + self._address.gather if last else None
        return until if until is not None and until > self._local else None


class Walk:
    """One stretch of the way. `cursor` is how far it went, `looked` at how many, `passed` how many didn't want it."""

    def __init__(self, db: sqlite3.Connection, bulk: Bulk, sieve: Sieve, *, everyone: bool) -> None:
        self._db = db
        self._bulk = bulk
        self._sieve = sieve
        self._statement = sql.EVERYONE if everyone else sql.READERS
        self.cursor: int | None = None
        self.looked = 0
        self.passed = 0
        self.held = 0

    def on_from(self, cursor: int | None, room: int) -> list[Who]:
        """The next ones who are to get it now, at most `room`; who is to get it later is held back."""
        self.cursor = cursor
        chosen: list[Who] = []
        held: list[tuple[int, datetime]] = []
        while len(chosen) < room and self.looked < LOOKED_AT:
            most = min(room - len(chosen) if self.looked == 0 else CHUNK, LOOKED_AT - self.looked)
            rows = self._next(most)
            for who in rows:
                self.looked += 1
                if not self._sieve.wants(who):
                    self.passed += 1
                elif (until := self._sieve.held_until(who)) is not None:
                    held.append((who["chat"], until))
                else:
                    chosen.append(who)
                    if len(chosen) >= room:
                        break
            if rows:
                self.cursor = who["chat"]
            if len(rows) < most:
                break
        self.held = len(held)
        for chat, until in held:
            held_sql.HOLD.run(self._db, channel=self._bulk.channel, chat=chat, bulk=self._bulk.id, until=stamp(until))
        return chosen

    def _next(self, most: int) -> list[Who]:
        given = {"of": self._bulk.channel, "about": self._bulk.incident, "after": self.cursor, "most": most}
        return people(self._statement, self._db, **given)


def _chooser(who: Who) -> Subscriber:
    return subscriber_of({**who, "step": None, "is_on": True})


def people(statement: Statement, db: sqlite3.Connection, **values: Any) -> list[Who]:
    """The rows that a statement brings as one JSON text."""
    row = statement.row(db, **values)
    found: list[Who] = json.loads(row["rows"]) if row else []
    return found
