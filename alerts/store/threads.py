"""Threads that many databases share, and the databases of a fleet, which own none.

A `SharedHand` runs what one database is asked for one after the other, and nothing of it at the same time; which thread
of the pool does it doesn't matter to SQLite. Its connection is opened when it is first needed, and one that only
answers questions is closed again once nobody has asked for a while: an open connection takes a third of a megabyte
(the schema as SQLite parsed it, its pages, the statements), and a thousand towns would have several each.

Lanes and writers of a town share one connection here: their transactions take milliseconds. What people ask runs on
other connections in other threads, as it does in a daemon of its own, so a slow question holds up no lane of any town.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from alerts.store.connection import Place
from alerts.store.database import Database, Hand, Hop, Readers
from alerts.store.files import connect
from alerts.store.restoring import Height

T = TypeVar("T")
LANES, PEOPLE = 8, 2
"""Threads for what lanes and feeds need, and for each of what people ask and what public pages are made of.

Several, because one may wait for a disk, or for another process that holds a town's file.
"""
IDLES = 30.0
"""Seconds without a question after which a connection that only reads is closed."""
_PAGES = 512
"""Kibibytes of a database that a connection keeps in memory, which is 2,000 where nothing is said."""


class SharedHand:
    """A connection whose transactions run in a thread of the pool, in their order. It closes itself after `idles`."""

    def __init__(
        self, pool: ThreadPoolExecutor, open_one: Callable[[], sqlite3.Connection], idles: float | None = None
    ) -> None:
        self._pool = pool
        self._open_one = open_one
        self._idles = idles
        self._db: sqlite3.Connection | None = None
        # None stands for closing the connection.
        self._waiting: deque[tuple[Hop[Any] | None, asyncio.Future[Any]]] = deque()
        self._is_busy = False
        self._is_closed = False
        self._asked_at = 0.0
        self._closing: asyncio.TimerHandle | None = None

    async def hop(self, work: Hop[T]) -> T:
        """Run `work` after whatever was asked for before; what it raises is raised here."""
        if self._is_closed:
            raise ValueError("the database is closed")
        result: T = await self._ask(work)
        return result

    async def close(self) -> None:
        """Finish what was asked for, then close the connection."""
        self._is_closed = True
        if self._closing is not None:
            self._closing.cancel()
        await self._ask(None)

    async def _ask(self, work: Hop[Any] | None) -> Any:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        self._asked_at = loop.time()
        self._waiting.append((work, future))
        self._next(loop)
        return await future

    def _next(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._waiting and not self._is_busy:
            self._is_busy = True
            self._pool.submit(self._run, loop, *self._waiting.popleft())
        elif not self._is_busy and self._idles is not None and self._db is not None and self._closing is None:
            self._closing = loop.call_later(self._idles, self._close_if_idle, loop)

    def _run(self, loop: asyncio.AbstractEventLoop, work: Hop[Any] | None, future: asyncio.Future[Any]) -> None:
        """In a thread of the pool; one at a time of this connection's is there."""
        value: object = None
        error: BaseException | None = None
        try:
            if work is None:
                self._let_go()
            else:
                value = work(self._connected())
        except BaseException as raised:  # noqa: BLE001 handed to who asked
            error = raised
        loop.call_soon_threadsafe(self._landed, loop, future, value, error)

    def _connected(self) -> sqlite3.Connection:
        if self._db is None:
            self._db = self._open_one()
        return self._db

    def _let_go(self) -> None:
        db, self._db = self._db, None
        if db is not None:
            db.close()

    def _landed(
        self, loop: asyncio.AbstractEventLoop, future: asyncio.Future[Any], value: object, error: BaseException | None
    ) -> None:
        self._is_busy = False
        # Whoever asked may have been cancelled meanwhile: it was carried out all the same.
        if not future.done():
            if error is None:
                future.set_result(value)
            else:
                future.set_exception(error)
        self._next(loop)

    def _close_if_idle(self, loop: asyncio.AbstractEventLoop) -> None:
        self._closing = None
        if self._is_closed or self._idles is None:
            return
        left = self._asked_at + self._idles - loop.time()
        if left > 0:
            self._closing = loop.call_later(left, self._close_if_idle, loop)
        elif self._db is not None:
            self._waiting.append((None, loop.create_future()))
            self._next(loop)


class SharedThreads:
    """The pools of a process, in which the databases of many towns are opened."""

    def __init__(self) -> None:
        self._lanes = ThreadPoolExecutor(LANES, thread_name_prefix="store lanes")
        self._people = ThreadPoolExecutor(PEOPLE, thread_name_prefix="store people")
        self._pages = ThreadPoolExecutor(PEOPLE, thread_name_prefix="store pages")

    async def open(self, path: Place) -> Database:
        """Open the store at `path`, which `migrate` has brought up to date; one at a server has threads of its own."""
        if not isinstance(path, Path):
            return await Database.open(path)
        hand = SharedHand(self._lanes, partial(_connection, path))

        def readers(pool: ThreadPoolExecutor) -> Readers:
            async def one_more() -> Hand:
                return SharedHand(pool, partial(_connection, path, readonly=True), IDLES)

            return Readers(one_more)

        # Opened now, so that what is wrong with it is told to who begins the town.
        await hand.hop(lambda db: db.execute("SELECT 1").fetchone())
        return Database(hand, hand, people=readers(self._people), pages=readers(self._pages), height=Height(path))

    def close(self) -> None:
        """End the threads; every database has been closed by now."""
        for pool in (self._lanes, self._people, self._pages):
            pool.shutdown(wait=False)


def _connection(path: Path, *, readonly: bool = False) -> sqlite3.Connection:
    db = connect(path, readonly=readonly)
    db.execute(f"PRAGMA cache_size = -{_PAGES}")
    return db
