"""The house's office: console and API act through it, in its database and beside its lanes."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from alerts.config import Config
from alerts.daemon.live import Live
from alerts.daemon.overview import channel_standings, source_standings
from alerts.daemon.sittings import sit
from alerts.desk.actions import Desk
from alerts.desk.sitting import Sitting
from alerts.model.ports import Clock
from alerts.store.copying import copy_incident
from alerts.store.database import Database
from alerts.store.files import blank
from alerts.store.transactions import rehearsal

T = TypeVar("T")


class HouseOffice:
    """`alerts.desk.sitting.Office` over the house's database. `wake` tells every lane to look."""

    def __init__(
        self,
        *,
        config: Config,
        database: Database,
        desk: Desk,
        clock: Clock,
        new_id: Callable[[], str],
        live: Live,
        wake: Callable[[], None],
    ) -> None:
        self._config = config
        self._database = database
        self._desk = desk
        self._clock = clock
        self._new_id = new_id
        self._live = live
        self._wake = wake

    def now(self) -> datetime:
        """The time, aware, in UTC."""
        return self._clock.now()

    async def act(self, action: Callable[[Sitting], T]) -> T:
        """Carry out in one durable transaction; then wake the lanes and tell those who watch."""
        result = await self._database.write(lambda db: action(self._sit(db)))
        self._wake()
        self._live.changed()
        return result

    async def ask(self, question: Callable[[Sitting], T]) -> T:
        """Answer a question; nothing can be written."""
        return await self._database.read(lambda db: question(self._sit(db)))

    async def sketch(self, action: Callable[[Sitting], T], incident: str | None = None) -> T:
        """What an action would come to, without touching the database: knowing one incident of it, or nothing."""
        copied = await self._database.read(partial(copy_incident, incident)) if incident else []
        return await asyncio.to_thread(self._sketch, action, copied)

    async def sources(self) -> Sequence[Mapping[str, Any]]:
        """How each source is doing, as `status --json` has it."""
        return await self.ask(lambda sitting: list(source_standings(sitting.views, self._config, sitting.now)))

    async def channels(self) -> Sequence[Mapping[str, Any]]:
        """How each channel is doing, as `status --json` has it, with `followers` where its platform told."""

        def question(sitting: Sitting) -> list[dict[str, Any]]:
            return [
                {**standing, "followers": _number(sitting.views.fact(standing["channel"], "followers"))}
                for standing in channel_standings(sitting.views, self._config, sitting.now)
            ]

        return await self.ask(question)

    @contextmanager
    def watch(self) -> Iterator[AsyncIterator[str]]:
        """The ids of incidents as something about them changes; an empty id: look at everything again."""
        with self._live.watch() as told:
            yield told

    def _sit(self, db: sqlite3.Connection) -> Sitting:
        return sit(db, self._desk, self._clock.now(), self._new_id)

    def _sketch(self, action: Callable[[Sitting], T], copied: Sequence[tuple[str, dict[str, Any]]]) -> T:
        with blank() as db, rehearsal(db):
            for statement, values in copied:
                db.execute(statement, values)
            return action(self._sit(db))


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdigit() else None
