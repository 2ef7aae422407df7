"""The store's connections and their threads: one writes, one reads for lanes and feeds, a few read for people.

People's queries (pages, searches, programs, metrics) never precede a lane's: they run on connections of their own,
which are few, and a query that takes too long is ended (`Readers`). Urgent writes that can't wait for a thread are made
at once.

A transaction is a function that gets a `Unit`. Those that are requested while another is being committed are run
together and committed once, so ten posts under way cost less than ten times one. If one of them raises, all are undone
and carried out once more, each in a savepoint of its own: one's error undoes only itself. The asyncio engine of
SQLAlchemy would switch threads for every statement; here a whole transaction is one switch (docs/adr/0002-store.md). At
a server it is the same, by psycopg's connection in a thread of its own; a lost connection is replaced, and the
transaction under way starts again.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import aiosqlite

from alerts.model.errors import Busy, DatabaseRefused, Lost, Unstorable
from alerts.model.lease import Lease, LeaseLost
from alerts.model.town import Server
from alerts.store.files import LOCK_WAIT, connect, connect_at_once, connect_to_write
from alerts.store.pictures import PICTURE_NAME, SharedPictures, make_picture
from alerts.store.restoring import Gap, RestoreMarker
from alerts.store.statement import Written
from alerts.store.unit import Unit, transaction

if TYPE_CHECKING:
    from alerts.store.dialect import Connection
    from alerts.store.postgresql import ServerSession

T = TypeVar("T")
Work = Callable[[Unit], T]
DatabaseCall = Callable[["Connection"], T]
READERS = 2
"""Connections of one `Readers`: more would only share the same disk and interpreter."""
WAITING = 2000
"""Questions that may wait for one of them: nearly all take less than a millisecond."""
PATIENCE = 10.0
"""Seconds that a question waits for its turn."""
LONGEST = 5.0
"""Seconds that a question may take."""
# SQLite's own steps, about a millisecond, between two looks at the clock.
_STEPS = 20_000


class Hand(Protocol):
    """Runs whole transactions on a connection of its own, one after the other."""

    async def run(self, work: DatabaseCall[T]) -> T:
        """Run `work` there; what it raises is raised here."""
        ...

    async def close(self) -> None:
        """Close the connection."""
        ...


class _Thread(aiosqlite.Connection):
    """aiosqlite's connection, with the one thing it lacks: a whole function in one hop."""

    async def run(self, work: DatabaseCall[T]) -> T:
        execute: Callable[[Callable[[], T]], Awaitable[T]] = self._execute
        return await execute(lambda: work(self._conn))


async def _open(path: Path, *, readonly: bool) -> _Thread:
    thread = _Thread(lambda: connect(path, readonly=True) if readonly else connect_to_write(path), iter_chunk_size=64)
    await thread
    return thread


class _ServerThread:
    """A connection to a server, with a thread of its own."""

    def __init__(self, session: ServerSession) -> None:
        self._session = session
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store")

    async def run(self, work: DatabaseCall[T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, again, work, self._session)

    async def close(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, self._session.close)
        self._thread.shutdown()


def again(work: DatabaseCall[T], db: Connection) -> T:
    """Run `work`; where the connection is lost, once more: nothing of it was done. It ends after some seconds."""
    ends = time.monotonic() + LOCK_WAIT
    while True:
        try:
            return work(db)
        except Lost:
            if time.monotonic() > ends:
                raise


class Readers:
    """A bounded number of read-only connections, for queries of unknown cost.

    They are opened on first use. Each query has a thread of its own while it lasts; SQLite checks the clock every few
    thousand steps, and ends a statement that is over its time.
    """

    def __init__(
        self, open_one: Callable[[], Awaitable[Hand]], longest: float = LONGEST, patience: float = PATIENCE
    ) -> None:
        self._open_one = open_one
        self._longest = longest
        self._patience = patience
        self._free: list[Hand] = []
        self._turn = asyncio.Semaphore(READERS)
        self._asked = 0

    async def ask(self, work: Work[T]) -> T:
        """Run `work` on a connection that sees what is committed and writes nothing. Raises Busy."""
        if self._asked >= READERS + WAITING:
            raise Busy("too many questions at once; ask again in a moment")
        self._asked += 1
        try:
            await self._take_turn()
            try:
                hand = self._free.pop() if self._free else await self._open_one()
                try:
                    return await hand.run(partial(_in_time, work, self._longest))
                finally:
                    self._free.append(hand)
            finally:
                self._turn.release()
        finally:
            self._asked -= 1

    async def _take_turn(self) -> None:
        try:
            async with asyncio.timeout(self._patience if self._turn.locked() else None):
                await self._turn.acquire()
        except TimeoutError:
            raise Busy("its turn didn't come in time; ask again in a moment") from None

    async def close(self) -> None:
        """Close what was opened; a question that is being answered ends before."""
        for _ in range(READERS):
            await self._turn.acquire()
        for hand in self._free:
            await hand.close()


def _in_time(work: Work[T], longest: float, db: Connection) -> T:
    if not isinstance(db, sqlite3.Connection):
        return work(Unit(db))  # the server ends a statement that is over its time
    ends = time.monotonic() + longest
    db.set_progress_handler(lambda: time.monotonic() > ends, _STEPS)
    try:
        return work(Unit(db))
    except sqlite3.OperationalError as error:
        if time.monotonic() > ends:
            raise Busy(f"that took longer than {longest:g} s; ask for less") from error
        raise
    finally:
        db.set_progress_handler(None, 0)


class Database:
    """The place of everything durable: `write` returns once the transaction is on the disk.

    `people` answers readers of the desk, programs and metrics, `pages` renders and serves the public pages; without
    them (in a simulation) everything is read on the one connection.
    """

    def __init__(
        self,
        writer: Hand,
        reader: Hand,
        at_once: sqlite3.Connection | None = None,
        *,
        people: Readers | None = None,
        pages: Readers | None = None,
        height: RestoreMarker | None = None,
    ) -> None:
        self._writer = writer
        self._reader = reader
        self._at_once = at_once
        self._people = people
        self._pages = pages
        self._height = height
        self._pending: list[tuple[Work[Any], asyncio.Future[Any]]] = []
        self._drain: asyncio.Task[None] | None = None
        self._hurried: set[asyncio.Future[Any]] = set()
        self.is_shared = False
        """True if the store is a server's, so that other machines may work on it."""
        self.commits = 0
        self.trouble: str | None = None
        """Why the newest transaction couldn't be written (a full disk, a lock that lasts); None: it was."""
        self.lease_lost: Callable[[Lease], None] = lambda _: None
        """Hears of each lease that a transaction found lost, before whoever asked for the transaction does."""

    @classmethod
    async def open(cls, path: Path | Server) -> Database:
        """Open the store at `path`, which `migrate` has upgraded."""
        if isinstance(path, Server):
            return cls._at(path)
        one_more = partial(_open, path, readonly=True)
        writer, reader = await _open(path, readonly=False), await one_more()
        people, pages = Readers(one_more), Readers(one_more)
        return cls(writer, reader, connect_at_once(path), people=people, pages=pages, height=RestoreMarker(path))

    @classmethod
    def _at(cls, server: Server) -> Database:
        from alerts.store.postgresql import ServerSession  # noqa: PLC0415 only who has a server loads what speaks with one

        async def one_more() -> Hand:
            return _ServerThread(ServerSession(server, readonly=True, longest=LONGEST))

        writing = ServerSession(server, tells=True, waits_for=lambda why: setattr(database, "trouble", why))
        writer, reader = _ServerThread(writing), _ServerThread(ServerSession(server, readonly=True))
        database = cls(writer, reader, people=Readers(one_more), pages=Readers(one_more))
        database.is_shared = True
        return database

    async def close(self) -> None:
        """Finish what was asked for, then close every thread."""
        if self._drain is not None:
            await self._drain
        await self._writer.close()
        await self._reader.close()
        for readers in (self._people, self._pages):
            if readers is not None:
                await readers.close()
        if self._at_once is not None:
            self._at_once.close()
        if self._height is not None:
            self._height.close()

    async def compare(self, now: datetime) -> Gap | None:
        """Before anything else is written: the gap, where this is found to be an older database than it was."""
        if (height := self._height) is None:
            return None
        gap, generation, reached = await self.write(lambda unit: height.compare(unit.db, now))
        height.begin(generation, reached)
        return gap

    async def read(self, work: Work[T]) -> T:
        """Run `work`, of a lane or a feed, on a connection that sees what is committed and writes nothing."""
        with _refusals():
            return await self._reader.run(lambda db: work(Unit(db)))

    # None of these has a snapshot: each statement of `work` sees what is committed when it begins. Whoever compares
    # the answers of two reads a mark first, and looks again where that has changed.

    async def ask(self, work: Work[T]) -> T:
        """Run `work` for waiting people or programs, separately from the lanes' reads. Raises Busy."""
        with _refusals():
            return await (self._people.ask(work) if self._people is not None else self.read(work))

    async def ask_for_pages(self, work: Work[T]) -> T:
        """Run `work` for the public pages, separately from the lanes' reads and the desk's. Raises Busy."""
        with _refusals():
            return await (self._pages.ask(work) if self._pages is not None else self.read(work))

    async def fetch_picture(self, path: str) -> None:
        """Make the file of a picture of ours that is missing here, from the server's copy; else it stays missing."""
        file = Path(path)
        if not self.is_shared or not PICTURE_NAME.fullmatch(file.name) or await asyncio.to_thread(file.is_file):
            return
        data = await self.read(lambda unit: SharedPictures(unit.db).get(file.name))
        if data is not None:
            await asyncio.to_thread(make_picture, file, data)

    async def write(self, work: Work[T]) -> T:
        """Run `work` in a transaction and commit it; what it raises undoes it and is raised here.

        A caller that is cancelled meanwhile leaves a transaction that is carried out all the same.
        """
        return await self._carry_out(work, asyncio.get_running_loop().create_future())

    async def write_ahead(self, work: Work[T]) -> T:
        """As `write`, but it is on the disk with the next `write` only: a kill undoes nothing, a power failure may.

        For what may be done again, and is written so often that waiting for the disk each time would hold it up.
        """
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._hurried.add(future)
        future.add_done_callback(self._hurried.discard)
        return await self._carry_out(work, future)

    def write_at_once(self, work: Work[T]) -> T | None:
        """Run `work`, one statement or a transaction, here and now; None: it can't be now, and nothing was done.

        It waits for nobody who writes, nor for the disk: a kill undoes nothing, a power failure may. A thread would
        cost more than the statement does: each of its steps has to get the interpreter back from a busy event loop.
        """
        if self._at_once is None:
            return None
        try:
            with _refusals():
                return work(Unit(self._at_once))
        except DatabaseRefused:  # somebody writes, or the disk is full: who waits for it will tell
            return None

    async def _carry_out(self, work: Work[T], future: asyncio.Future[T]) -> T:
        self._pending.append((work, future))
        if self._drain is None:
            self._drain = asyncio.create_task(self._drain_pending(), name="database writer")
        try:
            with _refusals():
                return await future
        except LeaseLost as lost:
            self.lease_lost(lost.lease)
            raise

    async def _drain_pending(self) -> None:
        try:
            while self._pending:
                # Whoever asks while this batch is being committed waits for the next one, and shares its commit.
                batch, self._pending = self._pending, []
                await self._commit(batch)
        finally:
            self._drain = None

    async def _commit(self, batch: list[tuple[Work[Any], asyncio.Future[Any]]]) -> None:
        works, synced = [work for work, _ in batch], any(future not in self._hurried for _, future in batch)
        try:
            outcomes = await self._writer.run(lambda db: _run_synced(db, works, synced=synced, height=self._height))
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 handed to each caller of `write`
            # The commit itself failed (disk full, locked), or the only work did: nothing was done.
            self.trouble = _trouble_of(error) or self.trouble
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
            return
        self.commits += 1
        # Somebody else may lock one table alone: what else was asked for is stored, and it is told all the same.
        self.trouble = next(filter(None, (_trouble_of(each.failure) for each in outcomes)), None)
        for (_, future), outcome in zip(batch, outcomes, strict=True):
            if future.done():
                continue
            if outcome.failure is not None:
                future.set_exception(outcome.failure)
            else:
                future.set_result(outcome.value)


def _trouble_of(error: BaseException | None) -> str | None:
    """Return why the store refused, in its words; None where it did not, or refused a value that no store takes."""
    is_its_fault = isinstance(error, sqlite3.OperationalError | DatabaseRefused)
    return str(error) if is_its_fault and not isinstance(error, Unstorable) else None


@dataclass(frozen=True, slots=True)
class _WorkResult:
    """The result of one work of a batch: its value and its writes, or the error that undid it."""

    value: Any = None
    failure: Exception | None = None
    written: Written = field(default_factory=Written)


def _run_synced(
    db: Connection, works: list[Work[Any]], *, synced: bool, height: RestoreMarker | None
) -> list[_WorkResult]:
    if synced or not isinstance(db, sqlite3.Connection):
        outcomes = _run_together(db, works, synced=synced)
        if height is not None:
            written = [each.written for each in outcomes]
            height.note(max(each.alert for each in written), max(each.attempt for each in written))
        return outcomes
    db.execute("PRAGMA synchronous = NORMAL")  # in WAL: not before the next checkpoint, or the next full commit
    try:
        return _run_together(db, works)
    finally:
        db.execute("PRAGMA synchronous = FULL")


def _run_together(db: Connection, works: list[Work[Any]], *, synced: bool = True) -> list[_WorkResult]:
    try:
        with transaction(db, synced=synced):
            return [_run(db, work) for work in works]
    except Lost:
        raise
    except Exception:
        if len(works) == 1:
            raise
    # Where one failed, all begin anew. A savepoint for each, the first time, would cost more than all the rest.
    if not isinstance(db, sqlite3.Connection):
        return [_run_alone(db, work, synced=synced) for work in works]
    with transaction(db, synced=synced):
        return [_run_singly(db, work) for work in works]


def _run(db: Connection, work: Work[Any]) -> _WorkResult:
    unit = Unit(db)
    return _WorkResult(work(unit), written=unit.written)


def _run_alone(db: Connection, work: Work[Any], *, synced: bool) -> _WorkResult:
    ends = time.monotonic() + LOCK_WAIT
    while True:
        try:
            [outcome] = _run_together(db, [work], synced=synced)
        except Exception as error:  # noqa: BLE001 handed to the caller of `write`, and to nobody else
            if not isinstance(error, Lost) or time.monotonic() > ends:
                return _WorkResult(failure=error)
        else:
            return outcome


def _run_singly(db: Connection, work: Work[Any]) -> _WorkResult:
    db.execute("SAVEPOINT work")
    try:
        outcome = _run(db, work)
    except Exception as error:
        # Undone as a whole (SQLite's full disk, a lost connection): nothing is left to commit, for anybody.
        if not db.in_transaction or isinstance(error, Lost):
            raise
        db.execute("ROLLBACK TO work")
        db.execute("RELEASE work")
        return _WorkResult(failure=error)
    db.execute("RELEASE work")
    return outcome


@contextmanager
def _refusals() -> Iterator[None]:
    """Translate the driver's errors, whose messages may contain stored data.

    SQLite's own message is passed on if the cause is outside (locked, full, read-only, a broken disk). Anything else is
    a fault of the program: only its type is.
    """
    try:
        yield
    except (sqlite3.IntegrityError, sqlite3.DataError) as error:
        raise Unstorable(type(error).__name__) from error
    except sqlite3.Error as error:
        message = str(error) if isinstance(error, sqlite3.OperationalError) else type(error).__name__
        raise DatabaseRefused(message) from error
