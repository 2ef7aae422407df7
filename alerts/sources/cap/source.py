"""A feed of CAP messages: its index looked at with conditional requests, each message read once."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from datetime import datetime, tzinfo
from pathlib import Path

import aiohttp

from alerts.model.errors import SourceFailed, Unreadable
from alerts.model.ports import Clock, Known, Memory, SourceReading
from alerts.model.reason import because
from alerts.sources.cap.entry import IndexEntry
from alerts.sources.cap.index import read_index
from alerts.sources.cap.look import Look
from alerts.sources.documents import Documents
from alerts.sources.fetch import Fetched, Fetcher, NotModified
from alerts.sources.hosts import show
from alerts.sources.settings import CapSettings


class CapSource:
    """One `[sources.NAME]` with `kind = "cap"`: implements `alerts.model.ports.Source`.

    `zone` is the station's, for times that tell none; `user_agent` names the station and a contact. The url is an
    http(s) address or a file's path, absolute or relative to `folder`.
    """

    def __init__(
        self,
        settings: CapSettings,
        *,
        session: aiohttp.ClientSession,
        clock: Clock,
        zone: tzinfo,
        user_agent: str,
        folder: Path = Path(),
    ) -> None:
        self._zone = zone
        # CAP 1.2 section 3.2.2: where no language is told it is en-US
        self._language = settings.language or "en-US"
        fetcher = Fetcher(
            session,
            clock=clock,
            user_agent=user_agent,
            timeout=settings.timeout.total_seconds(),
            allow_private=settings.allow_private,
        )
        self._documents = Documents(settings.url, fetcher, folder)

    async def read(self, memory: Memory, known: Known, now: datetime) -> SourceReading:
        """Look at the index, and at each message of it that is not known and not over.

        Raises SourceFailed when the index can't be read or is none. A message that can't be read for good is a Heard
        with its problem; one that can't be read this time is left for the next reading, for which the memory then
        forgets the index's ETag and digest.
        """
        index = await self._documents.index(memory.etag, memory.last_modified)
        if isinstance(index, NotModified):
            return SourceReading((), memory, unchanged=True)
        seen = Memory(index.etag, index.last_modified, hashlib.sha256(index.body).hexdigest())
        if seen.digest == memory.digest:
            return SourceReading((), seen, unchanged=True)
        fresh = await self._fresh(index, known)
        look = Look(self._documents, zone=self._zone, language=self._language, state=memory.state, now=now)
        complete = await look.hear(fresh)
        heard = [look.heard[entry.key] for entry in fresh if entry.key in look.heard]
        memory = seen if complete else Memory(state=look.state_after(fresh))
        return SourceReading(heard, memory, trouble=look.trouble)

    async def _fresh(self, index: Fetched, known: Known) -> Sequence[IndexEntry]:
        """The entries that are not known yet."""
        try:
            entries = await asyncio.to_thread(read_index, index.body, index.content_type, index.url, zone=self._zone)
        except Unreadable as error:
            raise SourceFailed(because("at_address", address=show(index.url), why=error.reason)) from None
        stored = await known([entry.key for entry in entries])
        return [entry for entry in entries if entry.key not in stored]
