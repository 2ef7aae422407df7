"""The desk for one command: a transaction on the file, and a ring for the daemon that works on it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar

from alerts.config import Config
from alerts.daemon.desk import build_desk
from alerts.desk.actions import Desk
from alerts.desk.service import DeskUnit
from alerts.model.alert import Alert
from alerts.model.ids import new_id
from alerts.store.alerts import warm_up
from alerts.store.migrate import migrate
from alerts.store.pictures import picture_folder, with_kept_pictures
from alerts.store.sockets import ring
from alerts.store.unit import Unit, acting, asking, rehearsing, sketching

T = TypeVar("T")
Action = Callable[[DeskUnit], T]


def now() -> datetime:
    """This machine's time."""
    return datetime.now(UTC)


class Counter:
    """Where a command line meets the desk; works whether the daemon runs or not.

    `desk` is the daemon's own, where it does what a command handed over: its templates are compiled.
    """

    def __init__(self, config: Config, now: Callable[[], datetime] = now, desk: Desk | None = None) -> None:
        migrate(config.database)
        self.config = config
        self.now = now
        self.desk = desk or build_desk(config, now)

    def warm(self, alert: Alert) -> None:
        """Do what takes long before the transaction, in which lanes would have to wait for it."""
        warm_up()
        self.desk.warm(alert)

    def keep_pictures(self, alert: Alert) -> Alert:
        """The alert with copies of its pictures, which nobody changes: what is validated is what goes out."""
        return with_kept_pictures(alert, picture_folder(self.config.database))

    def act(self, action: Action[T]) -> tuple[T, int]:
        """Carry `action` out durably; returns what it returns and how many daemons heard of it."""
        with acting(self.config.database) as unit:
            result = action(self._sit(unit))
        return result, ring(self.config.database)

    def rehearse(self, action: Action[T]) -> T:
        """What `action` would come to; nothing is stored."""
        with rehearsing(self.config.database) as unit:
            return action(self._sit(unit))

    def sketch(self, action: Action[T]) -> T:
        """What `action` would come to where nothing was ever filed before."""
        with sketching() as unit:
            return action(self._sit(unit))

    def daemons(self) -> int:
        """How many daemons work on the database now."""
        return ring(self.config.database)

    def ask(self, question: Action[T]) -> T:
        """Read what is stored."""
        with asking(self.config.database) as unit:
            return question(self._sit(unit))

    def _sit(self, unit: Unit) -> DeskUnit:
        return DeskUnit(unit, self.desk, self.now(), new_id)
