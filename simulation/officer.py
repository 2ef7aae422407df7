"""The duty officer, who acts at the desk as another process would, whether the daemon runs or not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from random import Random

from alerts.desk import approve
from alerts.desk.actions import Desk
from alerts.model.alert import Alert
from alerts.model.errors import TocsinError
from alerts.store.alerts import AlertRepository
from alerts.store.files import connect
from alerts.store.unit import transaction
from simulation.agenda import Agenda, Trace

_WAITING = "SELECT DISTINCT alert_id FROM post WHERE state = 'waiting' ORDER BY seq"
_IN_TROUBLE = "SELECT id FROM post WHERE state = 'failed' OR (state = 'in_doubt' AND next_try IS NULL) ORDER BY seq"


class Officer:
    """Posts, validates, and sees to what failed.

    `accepted` are the ids of the alerts whose posting was answered, `approved` of those that were validated.
    """

    def __init__(self, database: Path, desk: Desk, agenda: Agenda, trace: Trace, dice: Random) -> None:
        self.db = connect(database)
        self.accepted: list[str] = []
        self.approved: set[str] = set()
        self._desk = desk
        self._agenda = agenda
        self._trace = trace
        self._dice = dice

    def post(self, alert: Alert) -> None:
        """Post an alert, an update or a cancellation."""

        def act(alerts: AlertRepository) -> None:
            filed = self._desk.post(alerts, alert)
            self.accepted.append(filed.stored.id)
            self._trace("posted", alert=filed.stored.id, identifier=alert.identifier, state=filed.stored.state)

        self._do(act)

    def look_round(self) -> None:
        """Validate or reject what waits, retry or drop what is in trouble."""
        for row in self.db.execute(_WAITING).fetchall():
            says_yes = self._dice.random() < 0.8
            act = partial(_validate if says_yes else _turn_down, row[0], self._agenda.now)
            if self._do(act) and says_yes:
                self.approved.add(str(row[0]))
        for row in self.db.execute(_IN_TROUBLE).fetchall():
            self._do(partial(_retry if self._dice.random() < 0.6 else _give_up, row[0], self._agenda.now))

    def _do(self, action: Callable[[AlertRepository], object]) -> bool:
        """Whether it was done."""
        try:
            with transaction(self.db):
                action(AlertRepository(self.db))
        except TocsinError as error:
            self._trace("refused", why=str(error))
            return False
        return True


def _validate(name: str, now: datetime, alerts: AlertRepository) -> None:
    approve.approve(alerts, name, "officer", now)


def _turn_down(name: str, now: datetime, alerts: AlertRepository) -> None:
    approve.reject(alerts, name, "officer", None, now)


def _retry(name: str, now: datetime, alerts: AlertRepository) -> None:
    approve.retry(alerts, name, now)


def _give_up(name: str, now: datetime, alerts: AlertRepository) -> None:
    approve.drop(alerts, name, now)
