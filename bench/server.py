"""The store on PostgreSQL: a post's three commits, posts as they are sustained, and how soon a daemon is woken.

The server is one of our own (`campaign/postgresql.py`), which keeps what it was told as a town's does. Where PostgreSQL
isn't installed there are no rows.
"""

from __future__ import annotations

import asyncio
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from alerts.model.town import Secret, Server
from alerts.store.connection import listen, migrate
from alerts.store.database import Database
from alerts.store.unit import acting
from bench import samples
from bench.commits import Ours, RawPosts
from bench.loopback import loopback
from bench.measure import Row, in_turn_async, skipped
from bench.outbox import CHANNEL, lay_out, store
from bench.pace import sustained
from campaign.postgresql import MISSING, PostgreSQL, find_binaries

ROUNDS = 40
RINGS = 20
"""Wake-ups of one sample."""
NOTE = "INSERT INTO decision (at, alert_id, what, reason) VALUES (%s, %s, 'accepted', 'from manual, publish = auto')"
BEGIN = (
    "INSERT INTO attempt (post_id, channel, action, owner, counts, left_at)"
    " VALUES (%s, %s, 'send', 'raw', true, %s) RETURNING seq"
)
CLAIM = "UPDATE post SET state = 'sending', attempted_at = %s, tries = tries + 1 WHERE id = %s AND state = 'queued'"
END = "UPDATE attempt SET ended_at = %s, outcome = 'sent', remote_id = '1' WHERE seq = %s"
SENT = "UPDATE post SET state = 'sent', sent_at = %s, remote_id = '1', outcome = 'sent' WHERE id = %s"
LEASE = "UPDATE lease SET until = until WHERE lane = %s"


def measure() -> Iterator[Row]:
    """Four rows; none without PostgreSQL."""
    if find_binaries() is None:
        skipped("server", MISSING)
        return
    with PostgreSQL(durable=True) as server, tempfile.TemporaryDirectory(prefix="tocsin-bench-") as folder:
        yield asyncio.run(_three_commits(_new(server, folder), _new(server, folder)))
        yield asyncio.run(_wake_up(_new(server, folder)))
        (Path(folder) / "token").write_text("token")
        with loopback() as url:
            rates, cpus = asyncio.run(sustained(url, Path(folder), _new(server, folder)))
        yield Row("sustained posts a second on PostgreSQL, bare client", *rates, "/s", goal=0.05, at_least=True)
        yield Row("CPU of a durable post on PostgreSQL, bare request", *cpus, "s", goal=20)


def _new(server: PostgreSQL, folder: str) -> Server:
    place = Server(Secret(server.url()), "tocsin", Path(folder) / "tocsin")
    migrate(place)
    return place


async def _three_commits(raw_place: Server, our_place: Server) -> Row:
    database = await Database.open(our_place)
    raw, ours = Raw(raw_place), await Ours.open(database)
    try:
        taken = await in_turn_async(raw.posts, ours.posts, ROUNDS)
    finally:
        raw.close()
        await database.close()
    return Row("a post's three commits on PostgreSQL, raw psycopg", *taken, "s", goal=1.5)


class Raw(RawPosts):
    """A post's three commits by psycopg, and SQL written by hand over the same tables."""

    def __init__(self, place: Server) -> None:
        super().__init__()
        self._db: psycopg.Connection[Any] = psycopg.connect(
            place.url.reveal(), autocommit=True, options=f"-c search_path={place.schema},public"
        )
        self._inserts = {name: _insert(name, row) for name, row in (("alert", self._alert), ("post", self._post))}

    def close(self) -> None:
        """Close connection and thread."""
        self._db.close()
        super().close()

    def _transact(self, work: Callable[[], Any]) -> Any:
        self._db.execute("BEGIN; SELECT pg_advisory_xact_lock(1)")
        done = work()
        self._db.execute("COMMIT")
        return done

    def _store(self, alert: dict[str, Any], post: dict[str, Any]) -> None:
        self._db.execute(self._inserts["alert"], alert)
        self._db.execute(NOTE, (self._now, alert["id"]))
        self._db.execute(self._inserts["post"], post)

    def _begin(self, post: str) -> int:
        self._db.execute(LEASE, (CHANNEL,))
        self._db.execute(CLAIM, (self._now, post))
        row = self._db.execute(BEGIN, (post, CHANNEL, self._now)).fetchone()
        return int(row[0]) if row is not None else 0

    def _end(self, post: str, attempt: int) -> None:
        self._db.execute(END, (self._now, attempt))
        self._db.execute(SENT, (self._now, post))


def _insert(table: str, values: dict[str, Any]) -> sql.Composed:
    columns = sql.SQL(", ").join(map(sql.Identifier, values))
    marks = sql.SQL(", ").join(map(sql.Placeholder, values))
    return sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(sql.Identifier(table), columns, marks)


async def _wake_up(place: Server) -> Row:
    """From a commit that stores a post to who waits for it, in another connection; the floor is a bare NOTIFY."""
    rung = asyncio.Event()
    end = listen(place, lambda *, is_stored: rung.set() if is_stored else None, asyncio.get_running_loop())
    bare = BareNotify(place)
    stored = iter([lay_out(samples.an_alert()) for _ in range(2 * RINGS * (ROUNDS + 2))])
    await rung.wait()  # everybody is woken once at the beginning

    async def ours() -> float:
        taken = 0.0
        for _ in range(RINGS):
            alert, post = next(stored)
            rung.clear()
            await asyncio.to_thread(_store, place, alert, post)
            began = time.perf_counter()
            await rung.wait()
            taken += time.perf_counter() - began
        return taken / RINGS

    try:
        return Row(
            "woken by NOTIFY after a commit, bare LISTEN", *await in_turn_async(bare.ring, ours, 12), "s", goal=3
        )
    finally:
        end()
        bare.close()


def _store(place: Server, alert: Any, post: Any) -> None:
    with acting(place) as unit:
        store(unit.alerts, alert, post)


class BareNotify:
    """One connection that notifies, and a thread that waits on another."""

    def __init__(self, place: Server) -> None:
        self._rope = psycopg.connect(place.url.reveal(), autocommit=True)
        self._heard = threading.Semaphore(0)
        self._over = False
        self._thread = threading.Thread(target=self._listen, args=(place.url.reveal(),))
        self._thread.start()
        self._heard.acquire()

    def _listen(self, url: str) -> None:
        with psycopg.connect(url, autocommit=True) as db:
            db.execute("LISTEN bare")
            self._heard.release()
            while not self._over:
                for _ in db.notifies(timeout=0.5, stop_after=1):
                    self._heard.release()

    async def ring(self) -> float:
        """Seconds from a notice that was sent to the thread that hears it, over `RINGS`."""
        return await asyncio.to_thread(self._ring)

    def _ring(self) -> float:
        taken = 0.0
        for _ in range(RINGS):
            self._rope.execute("NOTIFY bare")
            began = time.perf_counter()
            self._heard.acquire()
            taken += time.perf_counter() - began
        return taken / RINGS

    def close(self) -> None:
        """End the thread and both connections."""
        self._over = True
        self._thread.join()
        self._rope.close()
