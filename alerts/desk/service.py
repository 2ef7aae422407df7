"""How pages, programs and the bot reach the desk: by actions that a `DeskService` carries out.

The service carries out actions. An action is a function that gets a `DeskUnit`: all that is read and written in one
transaction, and the desk that decides. What it reads is what it decides on; what it raises undoes all of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from alerts.desk.actions import Desk
from alerts.desk.routing import channels_on
from alerts.desk.standings import channel_more, channel_standings, source_more, source_standings
from alerts.model.events import Events, IncidentChanged, PostsStored
from alerts.model.incident import AlertState, StoredAlert
from alerts.model.ports import Clock
from alerts.model.post import TO_BE_SEEN_TO
from alerts.model.town import Town
from alerts.store.alerts import Copied
from alerts.store.database import Database
from alerts.store.pictures import keep_picture, kept_picture, picture_folder
from alerts.store.unit import Unit, sketching

T = TypeVar("T")
SKETCHERS = 2
"""Threads that previews have: whoever types, the threads that the lanes and the sign-ins wait for stay free."""


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


class DeskService:
    """What console, API and bot act through, on the daemon's database and beside its lanes.

    An action that raises has stored nothing. With `for_pages` what is asked is read where the public pages read, else
    where people do: never where lanes do.
    """

    def __init__(
        self,
        *,
        town: Town,
        database: Database,
        desk: Desk,
        clock: Clock,
        new_id: Callable[[], str],
        events: Events,
        for_pages: bool = False,
    ) -> None:
        self._town = town
        self._database = database
        self._read = database.ask_for_pages if for_pages else database.ask
        self._desk = desk
        self._previewer = desk.for_preview()
        self._clock = clock
        self._new_id = new_id
        self._events = events
        self._sketchers = ThreadPoolExecutor(SKETCHERS, "sketch")

    def now(self) -> datetime:
        """The time, aware, in UTC."""
        return self._clock.now()

    async def act(self, action: Callable[[DeskUnit], T]) -> T:
        """Carry out in one durable transaction; then wake the lanes and tell those who watch what changed."""
        result, changed = await self._database.write(partial(self._carry_out, action))
        # After the commit, and never before: a lane that wakes sooner finds nothing, and sleeps again.
        self._events.publish(PostsStored())
        for incident in changed:
            self._events.publish(IncidentChanged(incident))
        return result

    async def ask(self, question: Callable[[DeskUnit], T]) -> T:
        """Answer a question; nothing can be written."""
        return await self._read(lambda unit: question(self._sit(unit)))

    async def sketch(self, action: Callable[[DeskUnit], T], incident: str | None = None) -> T:
        """What an action would come to, without touching the database: knowing one incident of it, or nothing."""
        copied = await self._read(lambda unit: unit.alerts.copied(incident)) if incident else []
        draw = partial(copy_context().run, self._sketch, action, copied)
        return await asyncio.get_running_loop().run_in_executor(self._sketchers, draw)

    async def sources(self) -> Sequence[Mapping[str, Any]]:
        """How each source is doing, as `status --json` has it, with `more` of it for the pages."""

        def question(unit: DeskUnit) -> list[dict[str, Any]]:
            known = unit.views.sources()
            return [
                {**standing, "more": source_more(self._town, known.get(standing["source"]), standing["source"])}
                for standing in source_standings(unit.views, self._town, unit.now)
            ]

        return await self.ask(question)

    async def channels(self) -> Sequence[Mapping[str, Any]]:
        """How each channel is doing, as `status --json` has it, with `followers` where it told, and `more` of it."""

        def question(unit: DeskUnit) -> list[dict[str, Any]]:
            return [
                {
                    **standing,
                    "followers": _number(unit.views.fact(standing["channel"], "followers")),
                    "more": channel_more(self._town, unit.views, standing),
                }
                for standing in channel_standings(unit.views, self._town, unit.now)
            ]

        return await self.ask(question)

    async def keep_picture(self, data: bytes, kind: str) -> str:
        """Keep a picture of that MIME type for good, beside the database; the name it has from its content."""
        return await asyncio.to_thread(keep_picture, picture_folder(self._town.database), data, kind)

    def picture(self, name: str) -> Path | None:
        """The file of a picture that was kept under that name."""
        return kept_picture(picture_folder(self._town.database), name)

    @contextmanager
    def watch(self) -> Iterator[AsyncIterator[str]]:
        """The ids of incidents as something about them changes; an empty id: look at everything again."""
        with self._events.watch() as told:
            yield told

    def _sit(self, unit: Unit) -> DeskUnit:
        return DeskUnit(unit, self._desk, self._clock.now(), self._new_id)

    def _carry_out(self, action: Callable[[DeskUnit], T], unit: Unit) -> tuple[T, frozenset[str]]:
        before = unit.views.watermark()
        result = action(self._sit(unit))
        changed, _ = unit.views.changed_since(before)
        return result, changed

    def _sketch(self, action: Callable[[DeskUnit], T], copied: Copied) -> T:
        with sketching() as unit:
            unit.alerts.paste(copied)
            return action(DeskUnit(unit, self._previewer, self._clock.now(), self._new_id))


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdigit() else None
