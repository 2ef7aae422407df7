"""The store alone: a post's three commits without any request, and how many commits a post costs."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

from alerts.delivery.lease import Leases
from alerts.model.delivery import Verdict
from alerts.model.incident import StoredAlert, new_id
from alerts.model.lease import Lease, RunningDaemon
from alerts.model.ports import SystemClock
from alerts.model.post import Post, PostState, Receipt
from alerts.store.alerts import ALERT_ROW, POST_ROW
from alerts.store.database import Database
from alerts.store.files import connect
from alerts.store.leases import Renewal, Take
from alerts.store.outbox import Outbox
from bench import samples
from bench.measure import Row, in_turn_async
from bench.outbox import CHANNEL, Instant, lay_out, new_file, store, town

POSTS = 5
"""Posts of one sample."""
ROUNDS = 60
COUNTED = 200
LEASE = "UPDATE lease SET until = until WHERE lane = ?"
BEGIN = "INSERT INTO attempt (post_id, channel, action, owner, counts, left_at) VALUES (?, ?, 'send', 'raw', 1, ?)"
CLAIM = "UPDATE post SET state = 'sending', attempted_at = ?, tries = tries + 1 WHERE id = ? AND state = 'queued'"
END = "UPDATE attempt SET ended_at = ?, outcome = 'sent', remote_id = ? WHERE seq = ?"
SENT = "UPDATE post SET state = 'sent', sent_at = ?, remote_id = ?, outcome = 'sent' WHERE id = ? AND state = 'sending'"
NOTE = "INSERT INTO decision (at, alert_id, what, reason) VALUES (?, ?, 'accepted', 'from manual, publish = auto')"


def measure() -> Iterator[Row]:
    """Three rows."""
    yield asyncio.run(_three_commits())
    alone = asyncio.run(_commits_a_post(1))
    yield Row("commits a post, alone; three", [3.0], [alone], "", goal=1.02)
    yield Row("commits a post, ten under way; one", [1.0], [asyncio.run(_commits_a_post(10))], "", goal=1)


async def _commits_a_post(at_once: int) -> float:
    """How many commits each of `COUNTED` posts costs; what the lease and the lane's own looks need is in it."""
    async with town(Instant(), at_once) as here:
        await here.post_many(at_once, at_once)
        before = here.database.commits
        await here.post_many(COUNTED, at_once)
        return (here.database.commits - before) / COUNTED


async def _three_commits() -> Row:
    with new_file() as raw_file, new_file() as our_file:
        database = await Database.open(our_file)
        raw = Raw(raw_file)
        ours = await Ours.open(database)
        try:
            taken = await in_turn_async(raw.posts, ours.posts, ROUNDS)
        finally:
            raw.close()
            await database.close()
    return Row("a post's three commits, raw sqlite3", *taken, "s", goal=1.6)


class RawPosts:
    """A post's three commits by hand, in one thread, a hop for each transaction; each database says them in its way."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1)
        self._now = int(time.time() * 1e6)
        stored, post = lay_out(samples.an_alert())
        self._alert, self._post = ALERT_ROW.values(stored), POST_ROW.values(post)

    def close(self) -> None:
        """End the thread."""
        self._thread.shutdown()

    async def posts(self) -> float:
        """Seconds for one post, over `POSTS`."""
        began = time.perf_counter()
        for _ in range(POSTS):
            await self._post_once()
        return (time.perf_counter() - began) / POSTS

    async def _post_once(self) -> None:
        alert = {**self._alert, "id": new_id(), "incident": new_id()}
        post = {**self._post, "id": new_id(), "alert_id": alert["id"], "incident": alert["incident"]}
        await self._run(lambda: self._store(alert, post))
        attempt = await self._run(lambda: self._begin(post["id"]))
        await self._run(lambda: self._end(post["id"], attempt))

    async def _run(self, work: Callable[[], Any]) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._thread, lambda: self._transact(work))

    def _transact(self, work: Callable[[], Any]) -> Any:
        raise NotImplementedError

    def _store(self, alert: dict[str, Any], post: dict[str, Any]) -> None:
        raise NotImplementedError

    def _begin(self, post: str) -> int:
        raise NotImplementedError

    def _end(self, post: str, attempt: int) -> None:
        raise NotImplementedError


class Raw(RawPosts):
    """The same by sqlite3, and SQL written by hand over the same tables."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self._db = connect(file)

    def close(self) -> None:
        """Close file and thread."""
        self._db.close()
        super().close()

    def _transact(self, work: Callable[[], Any]) -> Any:
        self._db.execute("BEGIN IMMEDIATE")
        done = work()
        self._db.execute("COMMIT")
        return done

    def _store(self, alert: dict[str, Any], post: dict[str, Any]) -> None:
        _insert(self._db, "alert", alert)
        self._db.execute(NOTE, (self._now, alert["id"]))
        _insert(self._db, "post", post)

    def _begin(self, post: str) -> int:
        self._db.execute(LEASE, (CHANNEL,))
        self._db.execute(CLAIM, (self._now, post))
        return self._db.execute(BEGIN, (post, CHANNEL, self._now)).lastrowid or 0

    def _end(self, post: str, attempt: int) -> None:
        self._db.execute(END, (self._now, "1", attempt))
        self._db.execute(SENT, (self._now, "1", post))


def _insert(db: sqlite3.Connection, table: str, values: dict[str, Any]) -> None:
    db.execute(f"INSERT INTO {table} ({', '.join(values)}) VALUES ({', '.join(map(':'.__add__, values))})", values)


class Ours:
    """The same through the alert repository and the lane's outbox."""

    def __init__(self, database: Database, lease: Lease) -> None:
        self._database = database
        self._outbox = Outbox(database)
        self._lease = lease
        self._clock = SystemClock()

    @classmethod
    async def open(cls, database: Database) -> Ours:
        """With a lease for the whole run."""
        now = SystemClock().now()
        renewal = Renewal(RunningDaemon("bench", "bench", now, now), timedelta(hours=1))
        found = await Leases(database).renew(renewal, now, lambda _: Take((CHANNEL,)))
        return cls(database, found.owned[CHANNEL])

    async def posts(self) -> float:
        """Seconds for one post, over `POSTS`."""
        alert = samples.an_alert()
        laid_out = [lay_out(alert) for _ in range(POSTS)]
        began = time.perf_counter()
        for stored, post in laid_out:
            await self._post_once(stored, post)
        return (time.perf_counter() - began) / POSTS

    async def _post_once(self, stored: StoredAlert, post: Post) -> None:
        await self._database.write(lambda unit: store(unit.alerts, stored, post))
        now = self._clock.now()
        begun = await self._outbox.begin(post, self._lease, now, action="send", counts=True)
        assert begun is not None
        sent = Verdict(PostState.SENT, "sent", receipt=Receipt("1"))
        await self._outbox.finish(post, begun, sent, now, self._clock.now())
