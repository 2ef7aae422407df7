"""The database's threads, without threads: a transaction runs in the loop, at the disk's pace, on a real file."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random
from typing import TypeVar

from alerts.store.connection import Place
from alerts.store.database import Database, DatabaseCall
from alerts.store.files import connect
from simulation.life import Life

T = TypeVar("T")


class Disk:
    """How the disk does: in bad weather it is slow at times, and full at times."""

    def __init__(self, dice: Random) -> None:
        self._dice = dice
        self.slow = 0.0
        self.full = False

    def delay(self) -> float:
        """Seconds that the next transaction takes."""
        if not self.slow or self._dice.random() >= self.slow:
            return 0.0
        return self._dice.choice((0.002, 0.01, 0.05, 0.4))


class DiskHand:
    """`alerts.store.database.Hand`: one connection, one transaction after the other."""

    def __init__(self, db: sqlite3.Connection, life: Life, disk: Disk, *, writes: bool) -> None:
        self._db = db
        self._life = life
        self._disk = disk
        self._writes = writes
        self._turn = asyncio.Lock()

    async def run(self, work: DatabaseCall[T]) -> T:
        """Run `work`; the power may be cut before it is done and after."""
        async with self._turn:
            await self._life.passes("before the disk")
            if delay := self._disk.delay():
                await asyncio.sleep(delay)
            if self._writes and self._disk.full:
                raise sqlite3.OperationalError("database or disk is full")
            await self._life.passes("at the disk")
            value = work(self._db)
            await self._life.passes("after the disk")
            return value

    async def close(self) -> None:
        """Close the connection."""
        self._db.close()


class Cabinet:
    """Opens the database for each life, and remembers what a dead one left open."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self._open: list[sqlite3.Connection] = []

    def opener(self, life: Life) -> Callable[[Place], Awaitable[Database]]:
        """What opens the file for this life."""

        async def open_database(path: Place) -> Database:
            assert isinstance(path, Path)  # noqa: S101 its towns have files
            writer, reader = connect(path), connect(path, readonly=True)
            self._open += [writer, reader]
            # No machine goes down here: what is committed is in the file, which lies in memory.
            writer.execute("PRAGMA synchronous = OFF")
            return Database(
                DiskHand(writer, life, self._disk, writes=True), DiskHand(reader, life, self._disk, writes=False)
            )

        return open_database

    def close(self) -> None:
        """What the system does for a process that is gone: an open transaction is undone."""
        for db in self._open:
            db.close()
        self._open.clear()
