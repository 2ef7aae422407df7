"""Copying and restoring a database, and detecting one that is older than it was: the gap in its knowledge.

Next to the database is a small file, `…-height`. It holds the database's *generation*, a name that is stored in the
database too and renewed whenever one is restored, and the highest numbers that alerts and attempts had reached. It is
written after a commit that changes them, without waiting for the disk: after a power failure it may lag, which does no
harm. A daemon that starts and finds another generation in its database, or lower numbers, knows that it works on an
older one: between the newest time in it and now lies a *gap*, of which it knows nothing.

The gap is stored in the database. From then on each post of an alert that may have gone out in it is searched for on
its platform before it is sent (`look_first`, called by the outbox in the transaction that would begin the sending): a
post that is found is adopted as sent, one that isn't is sent.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from alerts.model.incident import new_id
from alerts.model.person import AuditEntry
from alerts.model.post import Post, PostState, Receipt
from alerts.model.reason import because
from alerts.store.audit import AuditLog
from alerts.store.facts import STORE, drop_fact, fact, keep_fact
from alerts.store.files import StoreError, alone, as_it_is, sound, sync
from alerts.store.sockets import notify
from alerts.store.statement import Statement, UnitPart, stamp, time_of

if TYPE_CHECKING:
    from alerts.store.dialect import Connection

LOOKED_FOR = "restored"
"""The outcome of a post that was verified because of a gap; its state holds the result."""
FARTHEST = timedelta(days=7)
"""How far back to search if the database knows nothing at all."""
# Always the same length, written in place: the file is never shorter or longer than one write.
_LENGTH = 200
_REACHED = """
SELECT (SELECT seq FROM sqlite_sequence WHERE name = 'alert'), (SELECT seq FROM sqlite_sequence WHERE name = 'attempt')
"""
# Only the end of each journal is read: times grow with the numbers, except where a clock was set.
_NEWEST = """
SELECT max(at) FROM (
    SELECT at FROM (SELECT at FROM decision ORDER BY seq DESC LIMIT 1)
    UNION ALL SELECT at FROM (SELECT received_at AS at FROM alert ORDER BY seq DESC LIMIT 1)
    UNION ALL SELECT at FROM (SELECT max(left_at, coalesce(ended_at, 0)) AS at FROM attempt ORDER BY seq DESC LIMIT 99))
"""
_MAY_BE_OUT = Statement("SELECT seq FROM alert WHERE id = :alert AND (sent <= :until OR received_at <= :until)")
_LOOKED = Statement("""
    SELECT seq FROM attempt WHERE post_id = :post AND action = 'look' AND left_at >= :until LIMIT 1
""")
# The channel searches from the gap on; Telegram begins at the newest post known from before.
_LOOK_FIRST = Statement(f"""
    UPDATE post SET state = 'in_doubt', outcome = '{LOOKED_FOR}', reason = :reason, looks = 0, next_try = :now,
                    attempted_at = :since
    WHERE id = :key AND state = 'queued'
""")
# By the journal, not by the post: a post that was sent earlier but confirmed later may have the higher id. An attempt
# begun after the post's own is newer, even if a clock was set back meanwhile. An edit returns an id that is known
# already. Read from the newest attempt backwards, so that it stops at the first, and not by an index of times, which
# would have to be sorted. Answers are left out, since their ids may be in another order.
_NEWEST_KNOWN = Statement("""
    SELECT remote_id FROM attempt
    WHERE channel = :channel AND remote_id IS NOT NULL AND unindexed(ended_at) <= :before
    AND seq < coalesce((SELECT max(seq) FROM attempt WHERE post_id = :post AND action = 'send'), 9223372036854775807)
    AND NOT EXISTS (
        SELECT 1 FROM attempt AS first
        WHERE first.channel = attempt.channel AND first.remote_id = attempt.remote_id AND first.remote_id IS NOT NULL
        AND first.seq < attempt.seq AND unindexed(first.ended_at) <= :before)
    AND NOT EXISTS (SELECT 1 FROM post WHERE post.id = attempt.post_id AND post.kind = 'answer')
    ORDER BY seq DESC LIMIT 1
""")
_KNOWN = Statement("""
    SELECT seq FROM attempt WHERE channel = :channel AND remote_id = :remote_id AND remote_id IS NOT NULL LIMIT 1
""")
_LOOKED_FOR = Statement(f"""
    SELECT channel, state, count(*) AS posts FROM post WHERE outcome = '{LOOKED_FOR}' AND attempted_at = :since
    GROUP BY channel, state
""")


@dataclass(frozen=True, slots=True)
class Gap:
    """The period of which this database knows nothing. Without `since` the database was empty.

    `begun`: a daemon has worked on it since; until then the gap grows.
    """

    since: datetime | None
    until: datetime
    begun: bool = False

    @property
    def looked_from(self) -> datetime:
        """The time from which platforms are searched."""
        return self.since or self.until - FARTHEST


class Restored(UnitPart):
    """The restoring of this database, and the gap in its knowledge."""

    def gap(self) -> Gap | None:
        """Return the gap of this database. Returns None if it was never restored."""
        stored = fact(self._db, STORE, "gap")
        if stored is None:
            return None
        kept = json.loads(stored)
        until = time_of(kept["until"])
        assert until is not None  # noqa: S101 `_keep_gap` wrote it
        return Gap(time_of(kept["since"]), until, bool(kept["begun"]))

    def may_be_out(self, gap: Gap, alert_id: str) -> bool:
        """True if an alert is older than the gap's end, and so may have been published in it."""
        return _MAY_BE_OUT.row(self._db, alert=alert_id, until=stamp(gap.until)) is not None

    def look_first(self, post: Post, now: datetime) -> bool:
        """Mark a post about to be sent as in doubt if the gap may have published it; returns True if so."""
        gap = self.gap()
        if gap is None or not self.may_be_out(gap, post.alert_id):
            return False
        if _LOOKED.row(self._db, post=post.id, until=stamp(gap.until)) is not None:
            return False
        values = {"now": stamp(now), "since": stamp(gap.looked_from), "reason": because("looked_for_first").kept()}
        return _LOOK_FIRST.run(self._db, key=post.id, **values).rowcount == 1

    def newest_known(self, channel: str, before: datetime, post: str = "") -> str | None:
        """The newest id on a channel that this database knows from before then, and from before that post was sent."""
        row = _NEWEST_KNOWN.row(self._db, channel=channel, before=stamp(before), post=post)
        return str(row["remote_id"]) if row else None

    def keep_listed(self, listed: Mapping[str, Sequence[Receipt] | None]) -> None:
        """Store the posts on each channel since the gap began; None if they can't be listed."""
        kept = {
            channel: None if posts is None else [[post.remote_id, post.url] for post in posts]
            for channel, posts in listed.items()
        }
        keep_fact(self._db, STORE, "listed", json.dumps(kept))

    def unknown_posts(self) -> dict[str, list[Receipt] | None] | None:
        """Return each channel's posts that are unknown here. Returns None if nobody has listed them yet."""
        stored = fact(self._db, STORE, "listed")
        if stored is None:
            return None
        return {
            channel: None
            if posts is None
            else [Receipt(*post) for post in posts if not _is_known(self._db, channel, post[0])]
            for channel, posts in json.loads(stored).items()
        }

    def looked_for(self, gap: Gap) -> dict[tuple[str, PostState], int]:
        """Return how many posts were verified because of the gap, by channel and by their state now."""
        rows = _LOOKED_FOR.rows(self._db, since=stamp(gap.looked_from))
        return {(row["channel"], PostState(row["state"])): int(row["posts"]) for row in rows}


def _is_known(db: Connection, channel: str, remote_id: str) -> bool:
    return _KNOWN.row(db, channel=channel, remote_id=remote_id) is not None


class RestoreMarker:
    """The file that says how far a database had come."""

    def __init__(self, database: Path) -> None:
        self._path = beside(database)
        self._file: int | None = None
        self._generation = ""
        self._reached = (0, 0)

    def compare(self, db: Connection, now: datetime) -> tuple[Gap | None, str, tuple[int, int]]:
        """In a transaction of a daemon that starts: the gap, where the database was put back or is an older one.

        With it the generation and the numbers that `begin` is given once this is committed.
        """
        before, reached, generation = self.stored(), _reached(db), fact(db, STORE, "generation")
        known, gap = Restored(db).gap(), None
        is_older = before is not None and any(before.reached) and before.is_beyond(generation, reached)
        if is_older or (known is not None and not known.begun):
            gap = Gap(_newest(db) if is_older or known is None else known.since, now, begun=True)
            _keep_gap(db, gap)
        if is_older or generation is None:
            generation = new_id()
            keep_fact(db, STORE, "generation", generation)
        return gap, generation, reached

    def begin(self, generation: str, reached: tuple[int, int]) -> None:
        """Write down from now on how far the database of that generation comes, beginning with these numbers."""
        with contextlib.suppress(OSError):
            self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o600)
            os.pwrite(self._file, _spelled(generation, reached), 0)
        self._generation, self._reached = generation, reached

    def note(self, alert: int, attempt: int) -> None:
        """After a commit: keep the highest numbers that it gave, 0 for none. What can't be written is left out.

        Another daemon on the same file may have come further meanwhile: the file never goes back.
        """
        if self._file is None or (alert <= self._reached[0] and attempt <= self._reached[1]):
            return
        found = self.stored()
        known = found.reached if found is not None and found.generation == self._generation else (0, 0)
        reached = max(alert, self._reached[0], known[0]), max(attempt, self._reached[1], known[1])
        with contextlib.suppress(OSError):
            os.pwrite(self._file, _spelled(self._generation, reached), 0)
            self._reached = reached

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def stored(self) -> _Reached | None:
        """Return the content of the file. Returns None if it is missing or broken."""
        try:
            data = json.loads(self._path.read_bytes()[:_LENGTH])
            return _Reached(str(data["generation"]), (int(data["alerts"]), int(data["attempts"])))
        except (OSError, ValueError, KeyError, TypeError):
            return None  # there is none, or a power failure left half of it


@dataclass(frozen=True, slots=True)
class _Reached:
    """The file's content: a generation, and the numbers of its newest alert and attempt."""

    generation: str
    reached: tuple[int, int]

    def is_beyond(self, generation: str | None, reached: tuple[int, int]) -> bool:
        return self.generation != generation or any(then > now for then, now in zip(self.reached, reached, strict=True))


def fell_behind(database: Path) -> bool:
    """True if a database is older than its daemon's record of it, or is gone; changes nothing."""
    before = RestoreMarker(database).stored()
    if before is None or not any(before.reached):
        return False
    if not database.exists() or not database.stat().st_size:
        return True
    with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as db:
        db.row_factory = sqlite3.Row
        return before.is_beyond(fact(db, STORE, "generation"), _reached(db))


def beside(database: Path) -> Path:
    """Where the height of a database is kept."""
    return database.with_name(f"{database.name}-height")


def backup(database: Path, to: Path, now: datetime | None = None) -> None:
    """Copy the database as it is at one moment, while a daemon works on it; the copy is checked.

    It keeps that moment (`now`), up to which it knows everything; without it, that of the last thing in it counts.
    Raises StoreError; then nothing is left at `to`.
    """
    if to.exists():
        raise StoreError(because("copy_there", path=to))
    part = to.with_name(f"{to.name}.part")
    try:
        _copy(database, part)
        sound(part)
        if now is not None:
            with closing(sqlite3.connect(part, isolation_level=None)) as db:
                keep_fact(db, STORE, "copied_at", str(stamp(now)))
        part.replace(to)
        sync(to.parent)
    except (sqlite3.Error, OSError) as error:
        raise StoreError(because("copy_failed", path=database, to=to, said=error)) from error
    finally:
        part.unlink(missing_ok=True)


def restore(database: Path, source: Path, by: AuditEntry) -> tuple[Path | None, Gap]:
    """Put a copy in the database's place; returns where the one from before is kept, and what the copy doesn't know.

    `by` says who does so, and when. It becomes a line of the copy's audit log, with the head that the replaced one had,
    so that the lines which the copy doesn't have are missed. The copy is checked before anything is touched. Raises
    StoreError, also while a daemon or a command works on the database.
    """
    now = by.at
    sound(source)
    if notify(database):
        raise StoreError(because("restore_daemon", path=database))
    part = database.with_name(f"{database.name}.part")
    try:
        database.parent.mkdir(parents=True, exist_ok=True)
        _copy(source, part)
        with closing(sqlite3.connect(part, isolation_level=None)) as db:
            db.row_factory = sqlite3.Row
            # A new generation, so that numbers of the replaced database aren't taken for this one's.
            gap, generation, reached = Gap(_known_until(db), now), new_id(), _reached(db)
            db.execute("BEGIN")
            _keep_gap(db, gap)
            keep_fact(db, STORE, "generation", generation)
            AuditLog(db).write(replace(by, detail=f"from {source}; head was {_head_of(database)}"))
            db.execute("COMMIT")
        with alone(database):  # nobody makes a new one in the moment in which there is none
            kept = _put_aside(database, now)
            beside(database).write_bytes(_spelled(generation, reached))
            part.replace(database)
            sync(database.parent)
    except (sqlite3.Error, OSError) as error:
        raise StoreError(because("restore_failed", source=source, path=database, said=error)) from error
    finally:
        part.unlink(missing_ok=True)
    return kept, gap


def _head_of(database: Path) -> str:
    """The newest line of a database's audit log, by its number and digest; a dash where none can be read."""
    try:
        with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as db:
            row = db.execute("SELECT seq, digest FROM audit ORDER BY seq DESC LIMIT 1").fetchone()
    except sqlite3.Error:  # there is none, or it is broken: that may be why it is restored
        return "-"
    return f"{row[0]}:{row[1]}" if row is not None else "-"


def _copy(database: Path, to: Path) -> None:
    """Copy one snapshot, into one file without companions."""
    to.unlink(missing_ok=True)
    to.touch(mode=0o600)
    read_only = f"{database.absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(read_only, uri=True)) as db, closing(sqlite3.connect(to)) as copy:
        db.backup(copy)  # in one step: whoever writes meanwhile writes behind this snapshot
        copy.execute("PRAGMA journal_mode = DELETE")
    sync(to)


def _put_aside(database: Path, now: datetime) -> Path | None:
    """Move the database out of the way, with SQLite's companion files. Returns None if there is none."""
    if not database.exists():
        return None
    try:
        if (db := as_it_is(database)) is not None:
            with closing(db):
                # Leaving WAL needs the only connection; it writes the journal into the file.
                db.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.OperationalError as error:
        raise StoreError(because("restore_busy", path=database, said=error)) from error
    except (sqlite3.DatabaseError, StoreError):
        pass  # it is broken: that may be why it is restored
    kept = database.with_name(f"{database.name}.replaced-{now:%Y%m%dT%H%M%SZ}")
    # SQLite would apply a journal that is left over to the restored file.
    for suffix in ("-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            Path(f"{database}{suffix}").replace(f"{kept}{suffix}")
    database.replace(kept)
    return kept


def _keep_gap(db: Connection, gap: Gap) -> None:
    kept = {"since": stamp(gap.since), "until": stamp(gap.until), "begun": gap.begun}
    keep_fact(db, STORE, "gap", json.dumps(kept))
    drop_fact(db, STORE, "listed")


def _reached(db: Connection) -> tuple[int, int]:
    alerts, attempts = db.execute(_REACHED).fetchone()
    return int(alerts or 0), int(attempts or 0)


def _known_until(db: Connection) -> datetime | None:
    """Return the time up to which a copy is complete: its own, or a later one of its newest row."""
    copied_at = fact(db, STORE, "copied_at")
    known = [time for time in (time_of(int(copied_at)) if copied_at else None, _newest(db)) if time is not None]
    return max(known, default=None)


def _newest(db: Connection) -> datetime | None:
    return time_of(db.execute(_NEWEST).fetchone()[0])


def _spelled(generation: str, reached: tuple[int, int]) -> bytes:
    data = {"generation": generation, "alerts": reached[0], "attempts": reached[1]}
    return json.dumps(data).encode().ljust(_LENGTH - 1) + b"\n"
