"""The duty officer: acts at the desk in a process of their own, whether the house lives or not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import TypeVar

from alerts.desk import approval
from alerts.desk.actions import Desk
from alerts.model.alert import Alert
from alerts.model.errors import TocsinError
from alerts.model.ports import Books
from alerts.store.books import StoredBooks
from alerts.store.files import connect
from alerts.store.transactions import transaction
from simulation.agenda import Agenda, Trace

T = TypeVar("T")
_WAITING = "SELECT DISTINCT alert_id FROM post WHERE state = 'waiting' ORDER BY seq"
_IN_TROUBLE = "SELECT id FROM post WHERE state = 'failed' OR (state = 'in_doubt' AND next_try IS NULL) ORDER BY seq"


class Officer:
    """Posts, validates, and sees to what failed. `accepted` are the ids of the alerts whose posting was answered."""

    def __init__(self, database: Path, desk: Desk, agenda: Agenda, trace: Trace, dice: Random) -> None:
        self.db = connect(database)
        self.accepted: list[str] = []
        self._desk = desk
        self._agenda = agenda
        self._trace = trace
        self._dice = dice

    def post(self, alert: Alert) -> None:
        """Post an alert, an update or a cancellation."""

        def act(books: Books) -> None:
            filed = self._desk.post(books, alert)
            self.accepted.append(filed.record.id)
            self._trace("posted", alert=filed.record.id, identifier=alert.identifier, state=filed.record.state)

        self._do(act)

    def look_round(self) -> None:
        """Validate or reject what waits, retry or drop what is in trouble."""
        now = self._agenda.now
        for row in self.db.execute(_WAITING).fetchall():
            if self._dice.random() < 0.8:
                self._do(lambda books, name=row[0]: approval.approve(books, name, "officer", now))
            else:
                self._do(lambda books, name=row[0]: approval.reject(books, name, "officer", None, now))
        for row in self.db.execute(_IN_TROUBLE).fetchall():
            action = approval.retry if self._dice.random() < 0.6 else approval.drop
            self._do(lambda books, name=row[0], action=action: action(books, name, now))

    def _do(self, action: Callable[[Books], T]) -> None:
        try:
            with transaction(self.db):
                action(StoredBooks(self.db))
        except TocsinError as error:
            self._trace("refused", why=str(error))
