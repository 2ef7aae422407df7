"""What the daemon does beside lanes and pollers: end what is over, take away what is old, look at the file.

Each of these is a loop that an error doesn't end: it is logged, and the loop goes on. The file is looked at because a
command's ring may get lost: then the lanes find what it stored a second later.
"""

from __future__ import annotations

from collections.abc import Coroutine
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog

from alerts.daemon.intake import MessageIntake
from alerts.model.errors import DatabaseRefused
from alerts.model.events import Events, IncidentChanged, PostsStored
from alerts.model.ports import Clock
from alerts.model.town import StoreSection
from alerts.store.archive import Slice
from alerts.store.database import Database
from alerts.store.unit import Unit
from alerts.store.views import Watermark

ENDS_LOOKED_FOR_EVERY = 5.0
PRUNED_EVERY = 6 * 3600.0
PRUNING_RESTS = 0.2
"""Seconds between two transactions of pruning, each of which takes some milliseconds."""

log = structlog.get_logger()


class Housekeeping:
    """The loops. `net_beneath` is how often the file is looked at."""

    def __init__(
        self,
        store: StoreSection,
        intake: MessageIntake,
        *,
        database: Database,
        clock: Clock,
        events: Events,
        net_beneath: timedelta,
    ) -> None:
        self._store = store
        self._intake = intake
        self._database = database
        self._clock = clock
        self._events = events
        self._net_beneath = net_beneath

    def work(self) -> list[tuple[str, Coroutine[Any, Any, None]]]:
        """What runs as long as the daemon does, by name."""
        return [("lifecycle", self._end_what_is_over()), ("pruning", self._prune()), ("file", self._watch_the_file())]

    async def _end_what_is_over(self) -> None:
        while True:
            try:
                await self._intake.end_what_is_over()
            except Exception:
                log.exception("lifecycle.stumbled")
            await self._clock.sleep(ENDS_LOOKED_FOR_EVERY)

    async def _prune(self) -> None:
        """Take away what `[store] keep` says may go, a few incidents at a time, with a rest after each few."""
        while True:
            await self._clock.sleep(PRUNED_EVERY)
            try:
                await self.prune()
            except Exception:
                log.exception("pruning.stumbled")

    async def prune(self) -> int:
        """Go once along all that is finished; returns how many incidents went."""
        keep, gone, after, is_last = self._store.keep, 0, 0, False
        # Written ahead, here and below: a power failure may undo it, and then it is done again.
        while await self._database.write_ahead(lambda unit: unit.archive.close_what_nobody_reads(self._clock.now())):
            await self._clock.sleep(PRUNING_RESTS)
        while keep is not None and not is_last:
            now = self._clock.now()
            done = await self._database.write_ahead(partial(_prune, before=now - keep, now=now, after=after))
            gone, after, is_last = gone + done.gone, done.after, done.is_last
            await self._clock.sleep(PRUNING_RESTS)
        if gone:
            log.info("store.pruned", incidents=gone)
        return gone

    async def _watch_the_file(self) -> None:
        watched = FileWatch()
        while True:
            try:
                is_written, changed = await self._database.read(watched.look)
            except DatabaseRefused as error:
                log.error("file.unreadable", error=str(error))  # noqa: TRY400 one line is enough, each second
            else:
                if is_written:
                    self._events.publish(PostsStored())
                for incident in changed:
                    self._events.publish(IncidentChanged(incident))
            await self._clock.sleep(self._net_beneath.total_seconds())


def _prune(unit: Unit, before: datetime, now: datetime, after: int) -> Slice:
    return unit.archive.prune(before, now, after)


class FileWatch:
    """What whoever writes to the database's file changes there: this process, a command, another daemon."""

    def __init__(self) -> None:
        self._version: int | None = None
        self._mark = Watermark()

    def look(self, unit: Unit) -> tuple[bool, frozenset[str]]:
        """Whether anything was written since the last look, and which incidents that was about; nothing the first time.

        Leases and sessions are written every second: those who watch hear of what can be seen alone.
        """
        version = unit.views.version()
        before, self._version = self._version, version
        # What was there at the start is no change; whoever opens a page reads it anyway.
        if before is None:
            self._mark = unit.views.watermark()
        if before in (None, version):
            return False, frozenset()
        changed, self._mark = unit.views.changed_since(self._mark)
        return True, changed
