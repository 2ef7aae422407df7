"""From stored to the request that leaves: daemon and sandbox as real processes with nothing else to do."""

from __future__ import annotations

import asyncio
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import aiohttp

from alerts.config import load_config
from alerts.daemon.counter import Counter, now
from alerts.desk.draft import Draft, draft_alert
from alerts.model.ids import new_id
from alerts.store.books import StoredBooks
from alerts.store.files import connect, opened, ring
from alerts.store.transactions import transaction
from bench.loopback import loopback
from bench.measure import Row
from tests.process.town import TELEGRAM, Town, town_in

POSTS = 150
PAUSE = 0.03
"""Seconds between one post's end and the next: the lane has gone back to rest."""
UNPACED = TELEGRAM + 'limits = ["100000/1m"]\nreserve = 0\n'


def measure() -> Iterator[Row]:
    """Two rows from one run: p50 against the floor's, and p99 against that p50."""
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as folder:
        for town in town_in(Path(folder)):
            ours = _ours(town)
        floor = _floor(Path(folder) / "floor.db")
    half = statistics.median(ours)
    yield Row("stored to request leaves, p50; request + commit", [statistics.median(floor)], [half], "s", goal=2.5)
    yield Row("the same, p99; that p50", [half], [statistics.quantiles(ours, n=100)[-1]], "s", goal=10)


def _floor(file: Path) -> list[float]:
    """Seconds for one raw commit and one bare request with its answer."""
    db = connect(file)
    db.execute("CREATE TABLE post (id INTEGER PRIMARY KEY, text TEXT)")
    with loopback() as url:
        taken = asyncio.run(_commit_and_request(db, url))
    db.close()
    return taken


async def _commit_and_request(db: sqlite3.Connection, url: str) -> list[float]:
    taken = []
    async with aiohttp.ClientSession() as session:
        for number in range(POSTS):
            began = time.perf_counter()
            with transaction(db):
                db.execute("INSERT INTO post (text) VALUES (?)", (f"Vent violent {number}",))
            async with session.post(url, json={"text": f"Vent violent {number}"}) as answer:
                await answer.read()
            taken.append(time.perf_counter() - began)
            await asyncio.sleep(PAUSE / 10)
    return taken


def _ours(town: Town) -> list[float]:
    """Seconds from the desk's commit to the request's arrival, for each post."""
    town.start_sandbox("--no-limits")
    town.configure(UNPACED)
    town.start_daemon()
    counter = Counter(load_config(town.folder / "channels.toml"))
    _store(counter, "pour chauffer")
    town.until(lambda: len(_arrivals(town)) == 1)
    stored = [_store(counter, f"n° {number}") for number in range(POSTS)]
    town.until(lambda: len(_arrivals(town)) == POSTS + 1)
    arrived = sorted(_arrivals(town))[1:]
    # Each is out before the next is stored, so they arrive in the order of storing.
    return [at - before for before, at in zip(stored, arrived, strict=True)]


def _arrivals(town: Town) -> list[float]:
    return [request["at"] for request in town.requests("telegram") if request["path"].endswith("sendMessage")]


def _store(counter: Counter, words: str) -> float:
    """What `tocsin post` does, in this process, and wait until it is out; returns when its commit was done."""
    alert = draft_alert(Draft(headline=f"Vent violent {words}"), counter.desk.station, now(), new_id())
    with opened(counter.config.database) as db:
        with transaction(db):
            counter.desk.post(StoredBooks(db), alert, again=True)
        stored = time.time()
    ring(counter.config.database)
    with opened(counter.config.database) as db:
        while db.execute("SELECT count(*) FROM post WHERE state != 'sent'").fetchone()[0]:
            time.sleep(PAUSE / 10)
    time.sleep(PAUSE)
    return stored
