"""Limits of concurrency: requests under way, and sources that file their entries.

Many sources in one process share one connection pool, one event loop and one processor. `RequestPlaces` bounds the
requests at one host and in all, and keeps most of them for addresses that answer: a hundred dead servers delay one
another, not the rest. `FetchSlots` lets few towns file at the same time, the urgent ahead. A feed that a thousand towns
name therefore delays the lanes no longer than a few of them would: the first alerts are sent before the next are filed.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

AT_A_HOST = 12
"""Requests that are under way at one host: the calendars of a thousand towns may all be at one."""

QUICK, SLOW = 48, 16
"""Requests under way in all: at addresses that answered in time when they were asked last, and at all others.

The session has 200 connections, which channels send by as well.
"""

# Towns that file at the same time: the lanes' transactions come in between.
FILE_AT_ONCE = 4
LONGEST_TURN = 2.0
"""After so many seconds a turn is given to the next: whoever waits for a locked file holds nobody else up."""


class _Host:
    def __init__(self) -> None:
        self.users = 0
        self.places = asyncio.Semaphore(AT_A_HOST)


class RequestPlaces:
    """The places for requests. First come, first served, at each host and in all."""

    def __init__(self) -> None:
        self._hosts: dict[str, _Host] = {}
        self._quick, self._slow = asyncio.Semaphore(QUICK), asyncio.Semaphore(SLOW)

    @asynccontextmanager
    async def at(self, host: str, *, slow: bool) -> AsyncIterator[None]:
        """Hold a place at this host; `slow` for an address that didn't answer in time when it was asked last."""
        found = self._hosts.setdefault(host, _Host())
        found.users += 1
        try:
            async with found.places, self._slow if slow else self._quick:
                yield
        finally:
            found.users -= 1
            if not found.users:
                del self._hosts[host]


class FetchSlots:
    """At most `most` at the same time; of those who wait the urgent go first, then first batches, then who came first.

    So a feed that says a thousand things keeps no other waiting that says one.
    """

    def __init__(self, most: int = FILE_AT_ONCE, longest: float = LONGEST_TURN) -> None:
        self._free = most
        self._longest = longest
        self._count = 0
        self._waiting: list[tuple[bool, int, int, asyncio.Future[None]]] = []

    @asynccontextmanager
    async def turn(self, *, urgent: bool, place: int = 0) -> AsyncIterator[None]:
        """Wait for a turn and hold it, for the batch at that `place` of what is to be filed.

        One that is held for long is given to the next while its holder goes on.
        """
        await self._take(urgent=urgent, place=place)
        over = asyncio.get_running_loop().call_later(self._longest, self._give)
        try:
            yield
        finally:
            if not over.cancelled() and over.when() > asyncio.get_running_loop().time():
                over.cancel()
                self._give()

    async def _take(self, *, urgent: bool, place: int) -> None:
        if self._free:
            self._free -= 1
            return
        self._count += 1
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (not urgent, place, self._count, mine))
        try:
            await mine
        except asyncio.CancelledError:
            # It came just as its taker was told to stop.
            if mine.done() and not mine.cancelled():
                self._give()
            raise

    def _give(self) -> None:
        while self._waiting:
            *_, next_one = heapq.heappop(self._waiting)
            if not next_one.done():
                next_one.set_result(None)
                return
        self._free += 1
