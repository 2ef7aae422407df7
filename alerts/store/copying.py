"""A station copied from one store to another, SQLite's or PostgreSQL's, and every row of it checked.

How it works: what is read is one moment of FROM. Unless FROM goes on (`keep`), nobody else writes there meanwhile, and
it is marked as moved at the end: in the place of its version stands where its station is now, so that every program,
of whichever version, refuses to work on it; triggers refuse what is written by a program that had it open before.

TO is empty at first, and filled in one transaction (a file: under another name). Rows go over as they are, some
hundred in memory at a time. The SHA-256 of each row is added up, table by table, and so it is done with what is read
back from TO: a sum needs no order, which two databases may see differently. The numbers of the next rows go on from
where they were.

A kill at any moment loses nothing, and the same command does it again. TO is marked as unfinished before the first row
and until FROM is marked as moved, which it is once all of TO is on the disk; what is unfinished is refused by every
program, too.

PostgreSQL keeps no NUL in a text, and neither of the two reads bytes that are no UTF-8 as text: U+FFFD stands in their
place then, and in how many texts is told. Pictures are files beside a file; a server has copies of them as well.
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
from alerts.store.copy_ends import TABLES, Row, Source, Target, read_from, write_to
from alerts.store.files import MOVED, UNFINISHED, StoreError
from alerts.store.pictures import make_picture, picture_folder, pictures_in
from alerts.store.restoring import beside as height_file
from alerts.store.schema import picture
from alerts.store.sockets import ring
from alerts.store.statement import stamp

# A daemon of the version before has no row of its own. A lease that was given back has no owner.
_AT_WORK = """
SELECT 1 FROM daemon WHERE until > %(now)s UNION ALL SELECT 1 FROM lease WHERE until > %(now)s AND owner <> '' LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Copied:
    """What was copied; `mended` are rows in whose texts U+FFFD stands for what TO can't keep."""

    rows: int
    mended: int
    pictures: int


def copy(
    source: Place,
    target: Place,
    now: datetime,
    *,
    keep: bool = False,
    told: Callable[[str], None] = lambda _: None,
) -> Copied:
    """Copy all of FROM into TO and check it; FROM is marked as moved, unless it is to go on (`keep`).

    `told` hears of each table before it is copied, then "checked", "kept" and "moved". Raises StoreError: there is no
    station in FROM, there is one in TO, a daemon works on FROM and `keep` isn't said, what was read back isn't what
    was copied, or one of the two databases refuses. Nothing is in TO then that a program would work on.
    """
    if called(source) == called(target):
        raise StoreError(because("copy_onto_itself", path=called(source)))
    reached = ""

    def tell(what: str) -> None:
        nonlocal reached
        reached = f"{what}: "
        told(what)

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
    standing = version(source) if isinstance(source, Server) or source.is_file() else None
    if standing is None:
        raise StoreError(because("database_missing", path=called(source)))
    if standing != MOVED + called(target):  # that was killed before TO was finished: it is done again
        migrate(source)


def _must_be_free(target: Place) -> None:
    standing = version(target) if isinstance(target, Server) or target.exists() else None
    if standing is None or standing.startswith(UNFINISHED):
        return
    migrate(target)
    with contextlib.closing(read_from(target, alone=False)) as there:
        used = [table.name for table in TABLES if next(there.rows(table), None) is not None]
    if used:
        raise StoreError(because("copy_into_used", path=called(target), tables=", ".join(used)))
    if isinstance(target, Path) and ring(target):
        raise StoreError(because("copy_daemon", path=called(target)))


def _is_at_work(source: Place, now: datetime) -> bool:
    """Whether a daemon works on it. Of a server's, who listens may be another town's: what it holds is looked at."""
    if isinstance(source, Path):
        return ring(source) > 0
    with reaching.connected(source, "tocsin copy", reaching.search_path(source)) as db:
        return db.execute(_AT_WORK, {"now": stamp(now)}).fetchone() is not None


def _fill(made: Target, origin: Source, tell: Callable[[str], None]) -> int:
    """Copy all rows and numbers, and compare what is there with what was read; returns how many rows."""
    sums = {}
    for table in (each for each in TABLES if each is not picture):
        tell(table.name)
        sums[table] = total = _Sum()
        made.write(table, total.over(made.fitted(origin.rows(table))))
    made.set_heights(heights := origin.heights())
    tell("checked")
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


def _copy_pictures(made: Target, origin: Source, here: Path, there: Path) -> int:
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
    """What a driver said, where that can't be what somebody stored: an address, a lock, a disk."""
    if isinstance(error, (sqlite3.OperationalError, psycopg.OperationalError, OSError)):
        return " ".join(str(error).split())
    return type(error).__name__
