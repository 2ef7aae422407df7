"""Addresses that many sources may name: each is requested once for all of them, and its content is read once.

A thousand towns in one process name the same weather service. A source gets a `SourceShare` of its address; shares of
the same address with the same settings are shares of one `AskedAddress`, which sends requests at the shortest `every`
of them, with the validators of the last answer. Polls during a request wait for its answer, and those soon after it get
the same one. A failure is shared in the same way for as long as a retry would wait, or until the time that the server
named.

When an address has news, all its sources are woken before their time, a few every few milliseconds: so they get it
within a second, and a thousand towns don't do the same work in one instant.

An address is its whole text, with the user, password and query in it: a source without that credential names another
address, and gets nothing of this one. Links of an index belong to the index's address in the same way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

import aiohttp

from alerts.model.errors import FailedForGood
from alerts.model.ports import Clock, Surroundings
from alerts.model.reason import because
from alerts.sources.address import AskedAddress, Where
from alerts.sources.document import FetchedDocument, Shelf
from alerts.sources.fetch_slots import FetchSlots, RequestPlaces
from alerts.sources.settings import FeedSettings, PolledSettings


class SharedReader:
    """All addresses that this process reads.

    `turns` are the turns in which sources file their entries. `requests` counts the requests over the network, links
    included. `many` towns poll: one that comes a moment after another gets the same answer.
    """

    def __init__(self, session: Any, clock: Clock, *, many: bool = False) -> None:
        self.clock = clock
        self.many = many
        self.turns = FetchSlots()
        self.places = RequestPlaces()
        self.shelf = Shelf()
        self.requests = 0
        self._session: aiohttp.ClientSession = session
        self._addresses: dict[Where, AskedAddress] = {}
        self._tasks: set[asyncio.Task[Any]] = set()

    @classmethod
    def around(cls, around: Surroundings) -> SharedReader:
        """The reader of the process; one for this source alone where the surroundings have none."""
        found: SharedReader | None = around.feeds
        return found or cls(around.session, around.clock)

    def share(
        self,
        settings: PolledSettings | FeedSettings,
        around: Surroundings,
        file: str | None = None,
        *,
        large: bool = False,
    ) -> SourceShare:
        """A source's share of the address that its settings name, or of what the `file` links to that it reads."""
        return self.share_of(Where.of(settings, file, large=large), settings.every, around)

    def share_of(self, where: Where, every: timedelta, around: Surroundings) -> SourceShare:
        """A source's share of that address."""
        town = around.town
        station = town.name.encode("ascii", "replace").decode().replace("?", "-")
        return SourceShare(self, where, every.total_seconds(), station, town.sender)

    def address(self, where: Where) -> AskedAddress:
        """The one that all shares of it ask."""
        if where not in self._addresses:
            self._tidy()
            self._addresses[where] = AskedAddress(self, where, self._session)
        return self._addresses[where]

    def leave(self, where: Where, share: SourceShare) -> None:
        """Ask for nothing more on behalf of this one."""
        if where in self._addresses and self._addresses[where].leave(share):
            del self._addresses[where]

    def spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Do it whoever waits for it, or stops waiting."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    async def close(self) -> None:
        """Stop all requests; tasks that wait for an answer are cancelled."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        # Whoever waited for it was told; where nobody did any more, nobody has to be.
        if not task.cancelled():
            task.exception()

    def _tidy(self) -> None:
        now = self.clock.monotonic()
        self.shelf.tidy(now)
        gone = [where for where, each in self._addresses.items() if not each.is_wanted(now)]
        for where in gone:
            del self._addresses[where]


class SourceShare:
    """One source's part in an address. `every` is in seconds; `station` and `contact` say who asks."""

    def __init__(self, reader: SharedReader, where: Where, every: float, station: str, contact: str) -> None:
        self.every = every
        self.station = station
        self.contact = contact
        self.wake: Callable[[], None] | None = None
        self.asked = 0.0
        self._reader = reader
        self._where = where

    async def look(self, digest: str | None) -> FetchedDocument | None:
        """Return the content of the address, requested unless that was done lately; None: it still has this digest.

        Raises SourceFailed in one line without secrets, with `retry_at` if the server named it, and FailedForGood if
        another try would give the same.
        """
        return await self._reader.address(self._where).look(self, digest)

    async def linked(self, url: str, version: str) -> FetchedDocument:
        """Return a document linked from the index, once for each `version` of the linking entry. Raises as `look`."""
        # What comes from outside names no file of this machine.
        if url.lower().startswith("file:"):
            raise FailedForGood(because("file_link_outside"))
        return await self._reader.address(self._where).linked(self, url, version)

    def on_news(self, wake: Callable[[], None] | None) -> None:
        """Register `wake` to be called when the address has news. None: this source polls no more."""
        self.wake = wake
        if wake is None:
            self._reader.leave(self._where, self)
