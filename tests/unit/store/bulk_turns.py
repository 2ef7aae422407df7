"""Bulks over a real file, turn by turn: what is handed over, and what lands."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

from alerts.model.alert import Severity
from alerts.model.delivery import Bulk, BulkState, ExchangeRequest, SendOutcome, SendResult, Target
from alerts.model.lease import Lease
from alerts.model.post import PostKind
from alerts.model.subscriber import Notice, Subscriber, Topic
from alerts.store.alerts import AlertRepository
from alerts.store.bulk import Bulks, BulkScope
from alerts.store.files import connect
from alerts.store.statement import stamp
from alerts.store.subscribers import Subscribers
from alerts.store.unit import rehearsal, transaction
from tests.unit.store.conftest import LATER, NOW, a_post, a_record

ZONE = ZoneInfo("Europe/Paris")
SEVERE, MODERATE, MINOR = (Notice(Topic.WEATHER, each) for each in (Severity.SEVERE, Severity.MODERATE, Severity.MINOR))


def people(*chats: int, **changes) -> list[Subscriber]:
    return [Subscriber(chat, **changes) for chat in chats]


def chats(targets) -> list[int]:
    return [target.chat for target in targets]


def sent(targets, message: int = 5) -> list[SendResult]:
    return [SendResult(target, SendOutcome.SENT, message) for target in targets]


def a_told(name: str, **changes) -> Bulk:
    """A bulk as it is before anything was told."""
    plain = Bulk(
        id=name,
        channel="telegram",
        incident="i1",
        alert_id=f"a-{name}",
        kind=PostKind.PUBLISH,
        state=BulkState.QUEUED,
        notice=MODERATE,
        texts={"fr": "Vent", "en": "Wind"},
        stored_at=NOW,
        expires=LATER,
    )
    return replace(plain, **changes)


class Turns:
    """One channel's bulks; `now` moves by hand."""

    def __init__(self, path, *, exercises: bool = False, apart: bool = False, once: bool = False) -> None:
        self.db = connect(path)
        self.bulks = Bulks(None, BulkScope("telegram", exercises, separate=apart, once=once))
        self.now = NOW
        self.lease = Lease("bulk telegram", "us", LATER, number=1)
        self.working: str | None = None
        self.flying: list[Target] = []
        self.alive: frozenset[str] = frozenset()
        self._numbers = itertools.count(1)
        with transaction(self.db):
            until = stamp(NOW + timedelta(days=9))
            self.db.execute("INSERT INTO lease VALUES ('bulk telegram', 'us', ?, 1, NULL)", (until,))

    def subscribe(self, *people: Subscriber) -> None:
        with transaction(self.db):
            for each in people:
                Subscribers(self.db).put("telegram", each)

    def file(self, incident: str = "i1", post: str = "queued", **changes) -> Bulk:
        """An alert, its post and its bulk."""
        name = f"b{next(self._numbers)}"
        stored = a_record(f"a-{name}", incident=incident)
        bulk = a_told(name, incident=incident, alert_id=stored.id, stored_at=self.now)
        bulk = replace(bulk, **changes)
        if bulk.kind is not PostKind.PUBLISH and "everyone" not in changes:
            bulk = replace(bulk, everyone=False)
        with transaction(self.db):
            alerts = AlertRepository(self.db)
            alerts.add(stored)
            alerts.add_post(replace(a_post(name, stored), channel="telegram", kind=bulk.kind))
            alerts.add_bulk(bulk)
        self.put_post(bulk, post)
        return bulk

    def put_post(self, bulk: Bulk, state: str) -> None:
        with transaction(self.db):
            self.db.execute("UPDATE post SET state = ? WHERE id = ?", (state, bulk.id))

    def turn(
        self,
        *results: SendResult,
        room: int = 30,
        withdrew: bool = True,
        last: frozenset[tuple[str, int]] | None = None,
    ) -> list[Target]:
        """Who is handed over."""
        landed = [result.target for result in results]
        self.flying = [target for target in self.flying if target not in landed]
        ask = ExchangeRequest(
            local=self.now.astimezone(ZONE),
            room=room,
            results=results,
            working=self.working,
            flying=frozenset((bulk.id, target.chat) for target in self.flying for bulk in target.bulks),
            withdrew=withdrew,
            last=last,
        )
        known = self.bulks._known
        with rehearsal(self.db) as unit:  # a server may make us do it twice
            self.bulks._turn(unit, self.lease, ask, known)
        with transaction(self.db) as unit:
            turn, self.bulks._known = self.bulks._turn(unit, self.lease, ask, known)
        assert turn is not None
        self.working, self.alive, self.again_at = turn.bulk, turn.alive, turn.again_at
        self.flying += turn.targets
        return list(turn.targets)

    def deliver(self, message: int = 7, most: int = 50) -> list[Target]:
        """Turn after turn, everything sent, until there is nothing left to do now."""
        told: list[Target] = []
        targets = self.turn()
        for _ in range(most):
            told += targets
            results = sent(targets, message)
            targets = self.turn(*results)
            if not targets and not results and self.working is None:
                break
        return told

    def finish(self, bulk: Bulk) -> None:
        """Turn after turn, everything sent, until this one is done."""
        targets = self.turn()
        while self.bulk(bulk)["state"] != BulkState.DONE.value:
            targets = self.turn(*sent(targets))

    def kill(self) -> None:
        """The process is another one now: it knows of nothing under way."""
        self.flying, self.working = [], None
        self.bulks = Bulks(None, self.bulks._address)

    def bulk(self, bulk: Bulk) -> dict:
        return dict(self.db.execute("SELECT * FROM bulk WHERE id = ?", (bulk.id,)).fetchone())

    def rows(self, sql: str) -> list[tuple]:
        return [tuple(row) for row in self.db.execute(sql)]
