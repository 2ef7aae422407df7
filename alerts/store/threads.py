"""Threads that many databases share, and the databases of a fleet, which own none.

A `SharedHand` runs what one database is asked for one after the other, and nothing of it at the same time; which thread
of the pool does it doesn't matter to SQLite. Its connection is opened when it is first needed, and one that only
answers questions is closed again once nobody has asked for a while: an open connection takes a third of a megabyte
(the schema as SQLite parsed it, its pages, the statements), and a thousand towns would have several each.

At a server each thread has one connection for all towns there, and turns to the schema of the town whose turn it is:
so a thousand towns have no more connections than there are threads.

Lanes and writers of a town share one connection here: their transactions take milliseconds. What people ask runs on
other connections in other threads, as it does in a daemon of its own, so a slow question holds up no lane of any town.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from alerts.model.town import Server
from alerts.store.connection import Place
from alerts.store.database import LONGEST, Database, DatabaseCall, Hand, Readers, again
from alerts.store.files import connect, connect_to_write
from alerts.store.restoring import RestoreMarker

if TYPE_CHECKING:
    from alerts.store.dialect import Connection
    from alerts.store.postgresql import ServerSession

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
        self, pool: ThreadPoolExecutor, open_one: Callable[[], Connection], idles: float | None = None
    ) -> None:
        self._pool = pool
        self._open_one = open_one
        self._idles = idles
        self._db: Connection | None = None
        # None stands for closing the connection.
        self._waiting: deque[tuple[DatabaseCall[Any] | None, asyncio.Future[Any]]] = deque()
        self._is_busy = False
        self._is_closed = False
        self._asked_at = 0.0
        self._closing: asyncio.TimerHandle | None = None

    async def run(self, work: DatabaseCall[T]) -> T:
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

    async def _ask(self, work: DatabaseCall[Any] | None) -> Any:
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

    def _run(
        self, loop: asyncio.AbstractEventLoop, work: DatabaseCall[Any] | None, future: asyncio.Future[Any]
    ) -> None:
        """In a thread of the pool; one at a time of this connection's is there."""
        value: object = None
        error: BaseException | None = None
        try:
            if work is None:
                self._let_go()
            else:
                value = again(work, self._connected())
        except BaseException as raised:  # noqa: BLE001 handed to who asked
            error = raised
        loop.call_soon_threadsafe(self._hand_back, loop, future, value, error)

    def _connected(self) -> Connection:
        if self._db is None:
            self._db = self._open_one()
        return self._db

    def _let_go(self) -> None:
        db, self._db = self._db, None
        if db is not None:
            db.close()

    def _hand_back(
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


class _ServerHand(SharedHand):
    """The same at a server: whichever thread runs it, it does so on that thread's connection."""

    def __init__(self, pool: ThreadPoolExecutor, turned: Callable[[], ServerSession]) -> None:
        super().__init__(pool, turned)
        self._turned = turned

    def _connected(self) -> ServerSession:
        return self._turned()


class _ServerSessions:
    """The connections to servers, one for each thread and each address that towns have."""

    def __init__(self) -> None:
        self._own = threading.local()
        self._all: list[ServerSession] = []

    def turned(self, server: Server, waits_for: Callable[[str | None], None], *, readonly: bool) -> ServerSession:
        """This thread's connection, turned to the town's schema; only as long as nothing else is asked for in it."""
        from alerts.store.postgresql import ServerSession  # noqa: PLC0415 only who has a server loads it
        from alerts.store.reaching import conninfo  # noqa: PLC0415 as above

        mine: dict[tuple[str, bool], ServerSession] = vars(self._own).setdefault("sessions", {})
        key = (conninfo(server), readonly)
        if key not in mine:
            longest = LONGEST if readonly else None
            mine[key] = ServerSession(server, readonly=readonly, longest=longest, tells=not readonly)
            self._all.append(mine[key])
        mine[key].turn_to(server, waits_for)
        return mine[key]

    @property
    def number(self) -> int:
        """How many there are."""
        return len(self._all)

    def close(self) -> None:
        """Close them, once no thread uses them any more."""
        for session in self._all:
            session.close()


class SharedThreads:
    """The pools of a process, in which the databases of many towns are opened."""

    def __init__(self) -> None:
        self._lanes = ThreadPoolExecutor(LANES, thread_name_prefix="store lanes")
        self._people = ThreadPoolExecutor(PEOPLE, thread_name_prefix="store people")
        self._pages = ThreadPoolExecutor(PEOPLE, thread_name_prefix="store pages")
        self._sessions = _ServerSessions()

    async def open(self, path: Place) -> Database:
        """Open the store at `path`, which `migrate` has upgraded."""
        if not isinstance(path, Path):
            return self._at(path)
        hand = SharedHand(self._lanes, partial(_connection, path))

        def readers(pool: ThreadPoolExecutor) -> Readers:
            async def one_more() -> Hand:
                return SharedHand(pool, partial(_connection, path, readonly=True), IDLES)

            return Readers(one_more)

        # Opened now, so that what is wrong with it is told to who begins the town.
        await hand.run(lambda db: db.execute("SELECT 1").fetchone())
        return Database(
            hand, hand, people=readers(self._people), pages=readers(self._pages), height=RestoreMarker(path)
        )

    def _at(self, server: Server) -> Database:
        def hand(pool: ThreadPoolExecutor, *, readonly: bool) -> Hand:
            return _ServerHand(pool, lambda: self._sessions.turned(server, answered, readonly=readonly))

        def readers(pool: ThreadPoolExecutor) -> Readers:
            async def one_more() -> Hand:
                return hand(pool, readonly=True)

            return Readers(one_more)

        def answered(why: str | None) -> None:
            database.trouble = why

        both = hand(self._lanes, readonly=False)
        database = Database(both, both, people=readers(self._people), pages=readers(self._pages))
        database.is_shared = True
        return database

    def close(self) -> None:
        """End the threads; every database has been closed by now."""
        for pool in (self._lanes, self._people, self._pages):
            pool.shutdown(wait=bool(self._sessions.number))
        self._sessions.close()


def _connection(path: Path, *, readonly: bool = False) -> sqlite3.Connection:
    db = connect(path, readonly=True) if readonly else connect_to_write(path)
    db.execute(f"PRAGMA cache_size = -{_PAGES}")
    return db
