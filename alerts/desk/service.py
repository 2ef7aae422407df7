"""How the desk is reached: a service carries out actions, each within one unit of work.

An action is a function that gets a `DeskUnit`: all that is read and written in one transaction, and the desk that
decides. What it reads is what it decides on; what it raises undoes all of it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, TypeVar

from alerts.desk.actions import Desk
from alerts.desk.workshop import Workshop
from alerts.store.unit import Unit

T = TypeVar("T")


class DeskUnit(Unit):
    """A unit of work of the desk: beside all that is read and written, the desk that decides, at `now`."""

    def __init__(self, unit: Unit, desk: Desk, now: datetime, new_id: Callable[[], str]) -> None:
        super().__init__(unit.db)
        self.desk = desk
        self.now = now
        self.new_id = new_id


class DeskService(Protocol):
    """What console, API and bot act through: the house gives it to them.

    An action that raises has stored nothing.
    """

    def now(self) -> datetime:
        """The time, aware, in UTC."""
        ...

    async def act(self, action: Callable[[DeskUnit], T]) -> T:
        """Carry out in one durable transaction; then wake the lanes and tell those who watch."""
        ...

    async def ask(self, question: Callable[[DeskUnit], T]) -> T:
        """Answer a question; nothing can be written."""
        ...

    async def sketch(self, action: Callable[[DeskUnit], T], incident: str | None = None) -> T:
        """What an action would come to, without touching the database: knowing one incident of it, or nothing."""
        ...

    async def sources(self) -> Sequence[Mapping[str, Any]]:
        """How each source is doing, as `status --json` has it."""
        ...

    async def channels(self) -> Sequence[Mapping[str, Any]]:
        """How each channel is doing, as `status --json` has it, with `followers` where its platform told."""
        ...

    def workshop(self) -> Workshop:
        """Where lines of channels.toml are checked and tried."""
        ...

    async def keep_picture(self, data: bytes, kind: str) -> str:
        """Keep a picture of that MIME type for good, beside the database; the name it has from its content."""
        ...

    def picture(self, name: str) -> Path | None:
        """The file of a picture that was kept under that name."""
        ...

    def watch(self) -> AbstractContextManager[AsyncIterator[str]]:
        """The ids of incidents as something about them changes; an empty id: look at everything again."""
        ...
