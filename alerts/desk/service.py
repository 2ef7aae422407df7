"""How pages, programs and the bot reach the desk: by actions (`alerts.desk.unit`) that a `DeskService` carries out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from contextvars import copy_context
from dataclasses import KW_ONLY, dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from secrets import token_hex
from typing import Any, TypeVar

from alerts.desk.actions import Desk
from alerts.desk.unit import DeskUnit, channel_more, channel_statuses, followers_of, source_more, source_statuses
from alerts.model.alert import Alert
from alerts.model.events import Events, IncidentChanged, PostsStored
from alerts.model.ports import Clock
from alerts.model.town import Town
from alerts.store.alerts import Copied
from alerts.store.database import Database
from alerts.store.pictures import SharedPictures, keep_picture, kept_picture, picture_folder
from alerts.store.unit import Unit, scratch_unit

T = TypeVar("T")
SKETCHERS = 2
"""Threads that previews have: whoever types, the threads that the lanes and the sign-ins wait for stay free."""


@dataclass(eq=False, repr=False)
class DeskService:
    """The service through which console, API and bot act, on the daemon's database and apart from its lanes.

    An action that raises has stored nothing. With `for_pages` its queries run on the public pages' connections, else on
    people's: never on the lanes'.
    """

    _: KW_ONLY
    town: Town
    database: Database
    desk: Desk
    clock: Clock
    new_id: Callable[[], str]
    events: Events
    for_pages: bool = False

    def __post_init__(self) -> None:
        self._read = self.database.ask_for_pages if self.for_pages else self.database.ask
        self._previewer = self.desk.for_preview()
        self._secrets: dict[str, bytes] = {}
        self._sketchers = ThreadPoolExecutor(SKETCHERS, "sketch")

    def now(self) -> datetime:
        """The time, aware, in UTC."""
        return self.clock.now()

    def steady(self) -> float:
        """Seconds by a clock that nobody sets."""
        return self.clock.monotonic()

    async def act(self, action: Callable[[DeskUnit], T], *, posts: bool = True) -> T:
        """Carry out in one durable transaction; then wake the lanes and publish the changes.

        Without `posts` it stores none, and no lane is woken.
        """
        result, lanes, happened = await self.database.write(partial(self._carry_out, action))
        # After the commit, and never before: a lane that wakes sooner finds nothing, and sleeps again.
        if posts:
            self.events.publish(PostsStored(lanes))
        self.tell(*happened)
        return result

    def tell(self, *happened: object) -> None:
        """Publish what an action came to beyond posts and incidents, once it is stored."""
        for event in happened:
            self.events.publish(event)

    async def keep(self, action: Callable[[DeskUnit], T]) -> T:
        """Carry out in one durable transaction what no lane has to send and no open page has to show."""
        return await self.database.write(lambda unit: action(self._sit(unit)))

    async def secret(self, name: str) -> bytes:
        """Return the town's secret of that name, which all its daemons share; it is made when it is first asked for."""
        if name not in self._secrets:
            fresh = token_hex(32)
            kept = await self.keep(lambda unit: unit.reports.secret(name, fresh, unit.now))
            self._secrets[name] = bytes.fromhex(kept)
        return self._secrets[name]

    async def ask(self, question: Callable[[DeskUnit], T]) -> T:
        """Answer a question; nothing can be written."""
        return await self._read(lambda unit: question(self._sit(unit)))

    async def preview(self, action: Callable[[DeskUnit], T], incident: str | None = None) -> T:
        """Return the result of an action without touching the database: with a copy of one incident, or of nothing."""
        copied = await self._read(lambda unit: unit.alerts.copied(incident)) if incident else []
        return await self._draw(partial(self._sketch, action, copied))

    async def prepare(self, drafted: Callable[[Desk, datetime], Alert]) -> Alert:
        """Return the alert that is drafted, with all that takes long about it worked out, so that filing it is quick.

        That is in a thread, and without a store, which a draft doesn't need.
        """
        return await self._draw(partial(self._prepared, drafted))

    async def _draw(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._sketchers, copy_context().run, work)

    def _prepared(self, drafted: Callable[[Desk, datetime], Alert]) -> Alert:
        alert = drafted(self.desk, self.clock.now())
        self.desk.warm(alert)
        return alert

    def sketch_blank(self, action: Callable[[DeskUnit], T]) -> T:
        """Return the result of an action in an empty store, in the caller's thread."""
        return self._sketch(action, [])

    async def sources(self) -> Sequence[Mapping[str, Any]]:
        """How each source is doing, as `status --json` has it, with `more` of it for the pages."""

        def question(unit: DeskUnit) -> list[dict[str, Any]]:
            known, undrafted = unit.views.sources(), unit.sources.undrafted()
            return [
                {
                    **status,
                    "undrafted": len(undrafted.get(status["source"], ())),
                    "more": source_more(self.town, known.get(status["source"]), status["source"]),
                }
                for status in source_statuses(unit.views, self.town, unit.now)
            ]

        return await self.ask(question)

    async def channels(self) -> Sequence[Mapping[str, Any]]:
        """Return each channel's health, as in `status --json`, with `followers` if known, and `more` of it."""

        def question(unit: DeskUnit) -> list[dict[str, Any]]:
            return [
                {
                    **status,
                    "followers": followers_of(unit.views, status["channel"]),
                    "more": channel_more(self.town, unit.views, status, unit.now),
                }
                for status in channel_statuses(unit.views, self.town, unit.now)
            ]

        return await self.ask(question)

    async def keep_picture(self, data: bytes, kind: str) -> str:
        """Store a picture of that MIME type for good, next to the database; returns its name, made of its content."""
        folder = picture_folder(self.town.beside)
        name = await asyncio.to_thread(keep_picture, folder, data, kind)
        if self.database.is_shared:
            await self.database.write(lambda unit: SharedPictures(unit.db).share(str(folder / name)))
        return name

    async def bring_picture(self, name: str) -> None:
        """Have a picture here that may have been kept by another machine, under its name or its path."""
        await self.database.fetch_picture(str(picture_folder(self.town.beside) / Path(name).name))

    def picture(self, name: str) -> Path | None:
        """The file of a picture that was kept under that name."""
        return kept_picture(picture_folder(self.town.beside), name)

    def watch(self, *, heard: bool = False) -> AbstractContextManager[AsyncIterator[str]]:
        """Yields the ids of incidents as they change; an empty id: read everything again.

        With `heard` also when people said or reported something (`alerts.model.events.HEARD`, `REPORTED`).
        """
        return self.events.watch(heard=heard)

    def _sit(self, unit: Unit) -> DeskUnit:
        return DeskUnit(unit, self.desk, self.clock.now(), self.new_id)

    def _carry_out(self, action: Callable[[DeskUnit], T], unit: Unit) -> tuple[T, Collection[str] | None, list[object]]:
        sat = self._sit(unit)
        result = action(sat)
        return result, sat.lanes, [*map(IncidentChanged, sat.alerts.changed()), *sat.happened]

    def _sketch(self, action: Callable[[DeskUnit], T], copied: Copied) -> T:
        with scratch_unit() as unit:
            unit.alerts.paste(copied)
            return action(DeskUnit(unit, self._previewer, self.clock.now(), self.new_id))
