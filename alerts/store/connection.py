"""Where a store is, and how it is reached there: a file, or the schema of a PostgreSQL server.

Whoever opens, makes or wakes a store does so here, and needn't know which of the two it is. Only who uses a server
loads what speaks with one.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from alerts.model.errors import DatabaseRefused
from alerts.model.reason import Reason, because
from alerts.model.town import Server, Town
from alerts.store import files, sockets
from alerts.store.files import StoreError

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

    from alerts.model.ports import OnStored
    from alerts.store.dialect import Connection

Place = Path | Server
"""Where a store is."""


def file_of(town: Town) -> Path:
    """The town's store, where it is a file. Raises StoreError: what is asked for is the server's own affair."""
    if isinstance(town.database, Path):
        return town.database
    raise StoreError(because("store_no_file", path=town.database.name))


@contextmanager
def opened(place: Place) -> Iterator[Connection]:
    """A connection for one command, closed at the end; the store is made or upgraded first. Raises StoreError."""
    if isinstance(place, Path):
        with files.opened(place) as file:
            yield file
        return
    from alerts.store.postgresql import ServerSession  # noqa: PLC0415 only who has a server loads what speaks with one

    session = ServerSession(place)
    try:
        session.reach()
    except DatabaseRefused as error:
        raise StoreError(because("server_unreached", path=place.name, said=error)) from error
    try:
        yield session
    finally:
        session.close()


@contextmanager
def seen(place: Place) -> Iterator[Connection | None]:
    """A connection to the store as it stands, which is neither made nor upgraded; None where there is none.

    For who asks whose it is before anybody works on it. Raises StoreError.
    """
    if isinstance(place, Path):
        file = files.as_it_is(place)
        with contextlib.closing(file) if file is not None else contextlib.nullcontext():
            yield file if file is not None and files.version_of(file, place) is not None else None
        return
    if version(place) is None:
        yield None
        return
    with opened(place) as db:
        yield db


def begin(db: Connection, *, synced: bool = True) -> None:
    """Begin a transaction in which nobody else writes."""
    if isinstance(db, sqlite3.Connection):
        files.begin(db)
    else:
        db.begin(synced=synced)


def commit(db: Connection) -> None:
    """Commit the transaction: durable on return, as far as the transaction or the connection is set to be."""
    if isinstance(db, sqlite3.Connection):
        db.execute("COMMIT")
    else:
        db.commit()


def rollback(db: Connection) -> None:
    """Undo it."""
    if isinstance(db, sqlite3.Connection):
        db.execute("ROLLBACK")
    else:
        db.rollback()


def migrate(place: Place) -> bool:
    """Upgrade the store, creating it if there is none; returns True if anything was done.

    Raises StoreError, also for one that a newer Tocsin has written.
    """
    if isinstance(place, Path):
        return files.migrate(place)
    from alerts.store import server_schema  # noqa: PLC0415 as above

    return server_schema.migrate(place)


def version(place: Place) -> str | None:
    """Return the migration that the store is at. Returns None if none was created yet. Raises StoreError."""
    if isinstance(place, Path):
        return files.version(place)
    from alerts.store import server_schema  # noqa: PLC0415 as above

    return server_schema.version(place)


def sound(place: Place) -> str:
    """The version of a store that is whole and Tocsin's; nothing is changed, and none is made. Raises StoreError."""
    if isinstance(place, Path):
        return files.sound(place)
    current = version(place)
    if current is None:
        raise StoreError(because("database_missing", path=place.name))
    files.must_be_usable(place, current)
    return current


def exists(place: Place) -> bool:
    """True if there is a store at that place. Raises StoreError if it can't be known."""
    return place.is_file() if isinstance(place, Path) else version(place) is not None


def lack_of_room(place: Place) -> tuple[str, Reason] | None:
    """As `files.lack_of_room`; a server's disk is its operator's responsibility."""
    return files.lack_of_room(place) if isinstance(place, Path) else None


SAID = (
    "utterance",
    "question",
    "report",
    "report_source",
    "report_step",
    "report_photo",
    "report_forward",
    "report_secret",
    "content_notice",
    "idempotency",
)
"""The tables that hold what people said, or who they are."""


def scrub(place: Place) -> bool:
    """Remove overwritten data from the files outside the tables too; returns False if it must be tried again later.

    For a file this is the write-ahead log, which is emptied into the file; readers may be in its way. At a server the
    tables of people's words are rewritten (`VACUUM FULL`): its own log and its backups are the server's affair.
    """
    with opened(place) as db:
        if isinstance(db, sqlite3.Connection):
            # The first column is 1 if a reader was in the way.
            return not db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        for table in SAID:
            db.execute(f"VACUUM FULL {table}")
        return True


def notify(place: Place, now: datetime) -> int:
    """Wake every daemon that works on the store; returns how many there are. Never raises.

    At a server the storing transaction has notified them, so they are only counted: those registered in the town's
    schema, each of which is alive while it renews its leases.
    """
    if isinstance(place, Path):
        return sockets.notify(place)
    from alerts.store.leases import LeaseRows  # noqa: PLC0415 as above
    from alerts.store.postgresql import NotifyListener  # noqa: PLC0415

    # A daemon that carries a command out may not have registered itself yet.
    found = int(NotifyListener.hears(place))
    with contextlib.suppress(StoreError, DatabaseRefused), opened(place) as db:
        found = max(found, len(LeaseRows(db).ownership(now).daemons))
    return found


def ring_others(place: Place) -> None:
    """Wake the other daemons that work on the store; this process is one. Never raises."""
    # At a server the transaction that stored something has told of it.
    if isinstance(place, Path):
        sockets.notify(place, but=sockets.own_socket(place, "wake"))


def listen(place: Place, rung: OnStored, loop: AbstractEventLoop) -> Callable[[], None]:
    """Call `rung` in the event loop when another process stores something; returns what ends that."""
    if not isinstance(place, Path):
        from alerts.store.postgresql import NotifyListener  # noqa: PLC0415 as above

        def heard_in_a_thread(*, is_stored: bool) -> None:
            # The loop may have been closed a moment ago: then nobody has to be woken.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(lambda: rung(is_stored=is_stored))

        return NotifyListener.subscribe(place, heard_in_a_thread)
    bell, path = sockets.open_doorbell(place)

    def heard() -> None:
        with contextlib.suppress(BlockingIOError):
            # Every ring that came meanwhile: they all say the same.
            while True:
                bell.recv(16)
        rung(is_stored=True)

    loop.add_reader(bell, heard)

    def end() -> None:
        loop.remove_reader(bell)
        bell.close()
        path.unlink(missing_ok=True)

    return end
