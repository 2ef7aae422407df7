"""From a reading to the outbox: what a source said is filed with what it remembers, in few and short transactions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial

import structlog

from alerts.desk.actions import Desk, Filed
from alerts.desk.following import in_order
from alerts.desk.posts import GRACE
from alerts.model.errors import DatabaseRefused
from alerts.model.events import Events, IncidentChanged, MessageFiled, PostsStored
from alerts.model.ports import Clock, Heard, SourceReading
from alerts.model.reason import because
from alerts.store.database import Database
from alerts.store.unit import Unit

AT_ONCE = 20
"""Entries filed in one transaction: more would hold up an urgent post's journal."""

log = structlog.get_logger()


class MessageIntake:
    """Files readings at the desk, and wakes the lanes that have something to do by it."""

    def __init__(
        self,
        desk: Desk,
        database: Database,
        clock: Clock,
        events: Events,
    ) -> None:
        self._desk = desk
        self._database = database
        self._clock = clock
        self._events = events
        self._read: set[str] = set()

    async def deliver(self, source: str, reading: SourceReading, look_again: datetime) -> int:
        """Store everything a source said, then what it remembers; an entry that was stored is never filed again.

        Returns how many readings in a row had a trouble.

        That a source was read for the first time is news by itself: till then pages said that something may be missing.
        """
        entries = in_order(reading.heard)
        for start in range(0, len(entries), AT_ONCE):
            batch = entries[start : start + AT_ONCE]
            self._tell(source, await self._file_batch(source, batch))
        now = self._clock.now()
        failures = await self._database.write(
            lambda unit: unit.sources.remember(source, reading.memory, now, look_again, trouble=reading.trouble)
        )
        # Pages say that something may be missing until every source was read once.
        if source not in self._read and reading.trouble is None:
            self._read.add(source)
            self._events.publish(PostsStored(()))
            self._events.publish(IncidentChanged())
        return failures

    async def end_what_is_over(self) -> int:
        """Tell of incidents whose time has run out that they are over; returns how many posts that makes."""
        ended = await self._database.read(lambda unit: unit.alerts.over(self._clock.now() - GRACE))
        if not ended:
            return 0
        drafts = await self._database.write(lambda unit: self._desk.end_what_is_over(unit.alerts))
        for made in drafts:
            log.info("alert.over", alert=made.post.alert_id, incident=made.post.incident_id, channel=made.post.channel)
        self._publish(sorted({made.post.channel for made in drafts}))
        return len(drafts)

    async def _file_batch(self, source: str, batch: Sequence[Heard]) -> list[Filed]:
        """File a batch at once; one that can't be filed so is filed one by one, and what is to blame costs itself."""
        try:
            # Outlines are compared beside the transaction, in a reader's thread: the territory remembers the outcome.
            await self._database.read(lambda _: self._desk.locate(batch, source))
            return await self._database.write(partial(self._file, source, batch))
        except DatabaseRefused:
            raise
        except Exception:
            log.exception("desk.stumbled", source=source, entries=len(batch))
        # One entry that can't be filed must not keep an emergency of the same feed from being filed.
        if len(batch) > 1:
            return [filed for heard in batch for filed in await self._file_batch(source, [heard])]
        problem = because("desk_stumbled", key=batch[0].key)
        return await self._database.write(partial(self._file, source, [Heard(batch[0].key, problem=problem)]))

    def _file(self, source: str, batch: Sequence[Heard], unit: Unit) -> list[Filed]:
        filed = [self._desk.hear(unit.alerts, heard, source) for heard in batch]
        unit.sources.hear(source, [heard.key for heard in batch], self._clock.now())
        return filed

    def _tell(self, source: str, filed: Sequence[Filed]) -> None:
        for each in filed:
            record = each.record
            if not each.fresh:
                continue
            self._events.publish(MessageFiled(source, record.state, record.reason))
            event = f"alert.{record.state}"
            log.info(
                event,
                source=source,
                alert=record.id,
                incident=record.incident_id,
                reason=str(record.reason or ""),
            )
        channels = sorted(set().union(*(each.channels for each in filed)))
        if channels:
            self._publish(channels)

    def _publish(self, channels: Sequence[str]) -> None:
        self._events.publish(PostsStored(channels))
        self._events.publish(IncidentChanged())
