"""How pages, programs and the bot reach the desk: by actions that a `DeskService` carries out.

The service carries out actions. An action is a function that gets a `DeskUnit`: all that is read and written in one
transaction, and the desk that decides. What it reads is what it decides on; what it raises undoes all of it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, TypeVar

from alerts.desk.actions import Desk
from alerts.desk.thread import channels_on
from alerts.model.incident import AlertState, StoredAlert
from alerts.model.post import TO_BE_SEEN_TO
from alerts.store.unit import Unit

T = TypeVar("T")


class DeskUnit(Unit):
    """A unit of work of the desk: beside all that is read and written, the desk that decides, at `now`."""

    def __init__(self, unit: Unit, desk: Desk, now: datetime, new_id: Callable[[], str]) -> None:
        super().__init__(unit.db)
        self.desk = desk
        self.now = now
        self.new_id = new_id


def concerning(unit: DeskUnit) -> list[StoredAlert]:
    """Of each incident the newest message that was let out, while it is on; and each that has a post to be seen to."""
    # Three questions in all, however many alerts are on: pages ask this again with each change.
    stored_alerts = unit.views.on_now(unit.now)
    newest = {stored.incident_id: stored for stored in stored_alerts if stored.state is AlertState.ACCEPTED}
    posts = unit.views.posts_by_alert([stored.id for stored in stored_alerts])
    threads = unit.views.threads(list({stored.incident_id for stored in newest.values()}))
    return [
        stored
        for stored in stored_alerts
        if any(post.state in TO_BE_SEEN_TO for post in posts[stored.id])
        or (newest.get(stored.incident_id) == stored and channels_on(threads[stored.incident_id]))
    ]


class DeskService(Protocol):
    """What console, API and bot act through: the daemon gives it to them.

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

    async def keep_picture(self, data: bytes, kind: str) -> str:
        """Keep a picture of that MIME type for good, beside the database; the name it has from its content."""
        ...

    def picture(self, name: str) -> Path | None:
        """The file of a picture that was kept under that name."""
        ...

    def watch(self) -> AbstractContextManager[AsyncIterator[str]]:
        """The ids of incidents as something about them changes; an empty id: look at everything again."""
        ...
