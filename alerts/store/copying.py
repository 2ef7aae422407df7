"""Copies a town from one store to another, SQLite's or PostgreSQL's, and checks every row.

FROM is read at one moment. Unless FROM continues (`keep`), nobody else writes there meanwhile, and it is marked as
moved at the end: its version is replaced by the town's new place, so that every program, of whichever version, refuses
to work on it; triggers refuse the writes of a program that had it open before.

TO is empty at first, and filled in one transaction (a file: under another name). Rows are copied unchanged, some
hundred in memory at a time. The SHA-256 of each row is added up, table by table, and so are the rows read back from TO:
a sum needs no order, which two databases may define differently. The numbers of the next rows continue from the last.

A kill at any moment loses nothing, and the same command repeats the copy. TO is marked as unfinished before the first
row and until FROM is marked as moved, which happens once all of TO is on the disk; every program refuses an unfinished
store, too.

PostgreSQL stores no NUL in a text, and neither database reads bytes that aren't UTF-8 as text: U+FFFD replaces them,
and the number of such texts is reported. Pictures are files next to a file; a server has copies of them as well.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path

import psycopg

from alerts.model.reason import because
from alerts.model.town import Server
from alerts.store import reaching
from alerts.store.connection import Place, migrate, version
from alerts.store.copy_ends import TABLES, CopySource, CopyTarget, Row, must_be_empty, read_from, write_to
from alerts.store.files import MOVED, UNFINISHED, StoreError
from alerts.store.pictures import make_picture, picture_folder, pictures_in
from alerts.store.restoring import beside as height_file
from alerts.store.schema import picture
from alerts.store.sockets import notify
from alerts.store.statement import stamp

# A daemon of the version before has no row of its own. A lease that was given back has no owner.
_AT_WORK = """
SELECT 1 FROM daemon WHERE until > %(now)s UNION ALL SELECT 1 FROM lease WHERE until > %(now)s AND owner <> '' LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Copied:
    """The result of a copy; `mended` counts rows with texts in which U+FFFD replaces characters that TO can't store."""

    rows: int
    mended: int
    pictures: int


def copy(
    source: Place,
    target: Place,
    now: datetime,
    *,
    keep: bool = False,
    progressed: Callable[[str], None] = lambda _: None,
) -> Copied:
    """Copy all of FROM into TO and check it; FROM is marked as moved, unless it continues (`keep`).

    `progressed` is called with each table before it is copied, then with "checked", "kept" and "moved". Raises
    StoreError: there is no town in FROM, there is one in TO, a daemon works on FROM without `keep`, the rows read back
    differ from the ones copied, or one of the two databases refuses. TO then has nothing that a program would work on.
    """
    if called(source) == called(target):
        raise StoreError(because("copy_onto_itself", path=called(source)))
    reached = ""

    def tell(what: str) -> None:
        nonlocal reached
        reached = f"{what}: "
        progressed(what)

    try:
        _must_be_whole(source, target)
        _must_be_free(target)
        if not keep and _is_at_work(source, now):
            raise StoreError(because("copy_daemon", path=called(source)))
        with contextlib.closing(read_from(source, alone=not keep)) as origin:
            with contextlib.closing(write_to(target, UNFINISHED + called(source))) as made:
                rows = _fill(made, origin, tell)
                pictures = _copy_pictures(made, origin, *(picture_folder(_beside(each)) for each in (source, target)))
                height_file(_beside(target)).unlink(missing_ok=True)  # of what was there before
                made.keep()
                tell("kept")
                if not keep:
                    origin.mark_moved(called(target))
                    tell("moved")
                made.finish()
            return Copied(rows, origin.mended + made.mended, pictures)
    except (sqlite3.Error, psycopg.Error, OSError) as error:
        said = reached + _said(error)
        raise StoreError(because("copy_broke_off", path=called(source), to=called(target), said=said)) from error


def called(place: Place) -> str:
    """A store as it is named to people, and in its successor's and predecessor's marks: nothing that signs in."""
    return f"sqlite:///{place.resolve()}" if isinstance(place, Path) else str(place)


def _beside(place: Place) -> Path:
    return place if isinstance(place, Path) else place.beside


def _must_be_whole(source: Place, target: Place) -> None:
    current = version(source) if isinstance(source, Server) or source.is_file() else None
    if current is None:
        raise StoreError(because("database_missing", path=called(source)))
    if current != MOVED + called(target):  # that was killed before TO was finished: it is done again
        migrate(source)


def _must_be_free(target: Place) -> None:
    current = version(target) if isinstance(target, Server) or target.exists() else None
    if current is None or current.startswith(UNFINISHED):
        return
    migrate(target)
    with contextlib.closing(read_from(target, alone=False)) as there:
        must_be_empty(there, called(target))
    if isinstance(target, Path) and notify(target):
        raise StoreError(because("copy_daemon", path=called(target)))


def _is_at_work(source: Place, now: datetime) -> bool:
    """True if a daemon works on it. A server's listener may be another town's, so its leases are checked."""
    if isinstance(source, Path):
        return notify(source) > 0
    with reaching.connected(source, "tocsin copy", reaching.search_path(source)) as db:
        return db.execute(_AT_WORK, {"now": stamp(now)}).fetchone() is not None


def _fill(made: CopyTarget, origin: CopySource, tell: Callable[[str], None]) -> int:
    """Copy all rows and numbers, and compare what is there with what was read; returns how many rows."""
    sums = {}
    for table in (each for each in TABLES if each is not picture):
        tell(table.name)
        sums[table] = total = _Sum()
        made.write(table, total.over(made.fitted(origin.rows(table))))
    made.set_heights(heights := origin.heights())
    tell("checked")
    # Read back, and compared with what was read from the origin.
    for table, total in sums.items():
        there = _Sum()
        for _ in there.over(made.rows(table)):
            pass
        if there != total:
            raise StoreError(because("copy_differs", table=table.name, rows=total.rows, there=there.rows))
    for name, height in made.heights().items():
        if height != heights[name]:
            raise StoreError(because("copy_differs", table=name, rows=heights[name], there=height))
    return sum(total.rows for total in sums.values())


def _copy_pictures(made: CopyTarget, origin: CopySource, here: Path, there: Path) -> int:
    """Copy those in the folder of FROM and those that only its server has; returns how many."""
    for name, data in origin.rows(picture):
        make_picture(here / name, data)  # posts that wait name this folder
    count = 0
    for name, data in pictures_in(here):
        make_picture(there / name, data)
        made.share(name, data)
        count += 1
    return count


@dataclass(slots=True)
class _Sum:
    """How many rows, and the sum of their digests: the same for the same rows in whichever order."""

    rows: int = 0
    digests: int = 0

    def over(self, rows: Iterable[Row]) -> Iterator[Row]:
        """The same rows, added up as they pass."""
        for row in rows:
            self.rows += 1
            digest = sha256(repr(row).encode("utf-8", "surrogatepass")).digest()
            self.digests = (self.digests + int.from_bytes(digest)) % 2**256
            yield row


def _said(error: Exception) -> str:
    """Return a driver's message if it can't contain stored data: an address, a lock, a disk; else the error's name."""
    if isinstance(error, (sqlite3.OperationalError, psycopg.OperationalError, OSError)):
        return " ".join(str(error).split())
    return type(error).__name__
