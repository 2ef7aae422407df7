"""The time from storing to the request that arrives: daemon and sandbox are real processes with nothing else to do.

Both clocks stop at the same point, where the sandbox writes the request down: ours starts when the post is stored, the
floor's before its one commit, which stands for the attempt that is journalled before it is made.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import aiohttp

from alerts.config import load_config
from alerts.daemon.desk import Control, now
from alerts.desk.draft import Draft, draft_alert
from alerts.model.incident import new_id
from alerts.store.alerts import AlertRepository
from alerts.store.connection import opened, ring
from alerts.store.files import connect
from alerts.store.unit import transaction
from bench.measure import Row
from tests.process.town import SECRETS, TELEGRAM, Town, town_in

ROUNDS, POSTS = 5, 30
"""A p50 is of one round's posts, the p99 of all."""
PAUSE = 0.03
"""Seconds between one post's end and the next: the lane has gone back to rest."""
CHAT = "@saintmartin_alertes"
UNPACED = TELEGRAM + 'limits = ["100000/1m"]\nreserve = 0\n'


def measure() -> Iterator[Row]:
    """Two rows from one run: p50 against the floor's, and p99 against that p50."""
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as folder:
        for town in town_in(Path(folder)):
            floor, ours = _both(town)
    yield Row("stored to request leaves, p50; commit + request", _medians(floor), _medians(ours), "s", goal=2.5)
    half, late = statistics.median(ours), statistics.quantiles(ours, n=100)[-1]
    yield Row("the same, p99; that p50", [half], [late], "s", goal=10)


def _medians(taken: list[float]) -> list[float]:
    """Of each round."""
    return [statistics.median(taken[first : first + POSTS]) for first in range(0, len(taken), POSTS)]


def _both(town: Town) -> tuple[list[float], list[float]]:
    """Seconds of the floor, and from the desk's commit, each to the request's arrival, for each post in turn."""
    town.start_sandbox("--no-limits")
    town.configure(UNPACED)
    town.start_daemon()
    control = Control(load_config(town.folder / "channels.toml"))
    began: list[float] = []
    with asyncio.Runner() as runner:
        bare = Bare(town.folder / "floor.db", f"{town.sandbox}/bot{SECRETS['TELEGRAM_TOKEN']}/sendMessage")
        for number in range(ROUNDS * POSTS + 1):
            began.append(runner.run(bare.commit_and_request()))
            began.append(_store(control, f"n° {number}"))
        runner.run(bare.close())
    # Each is out before the next is stored, so they arrive in the order of storing. The first two warm up.
    taken = [at - before for before, at in zip(began, sorted(_arrivals(town)), strict=True)][2:]
    return taken[::2], taken[1::2]


class Bare:
    """One raw commit, then bare requests with their answers."""

    def __init__(self, file: Path, url: str) -> None:
        self._db = connect(file)
        self._db.execute("CREATE TABLE post (id INTEGER PRIMARY KEY, text TEXT)")
        self._url = url
        self._session: aiohttp.ClientSession | None = None

    async def commit_and_request(self, requests: int = 1) -> float:
        """Do both, the requests one after the other; returns when it began, in seconds since the epoch."""
        session = self._session = self._session or aiohttp.ClientSession()
        began = time.time()
        with transaction(self._db):
            self._db.execute("INSERT INTO post (text) VALUES ('Vent violent')")
        for _ in range(requests):
            async with session.post(self._url, json={"chat_id": CHAT, "text": "Vent violent"}) as answer:
                await answer.read()
        return began

    async def close(self) -> None:
        """Close session and file."""
        if self._session is not None:
            await self._session.close()
        self._db.close()


def _arrivals(town: Town) -> list[float]:
    return [request["at"] for request in town.requests("telegram") if request["path"].endswith("sendMessage")]


def _store(control: Control, words: str) -> float:
    """What `tocsin post` does, in this process, and wait until it is out; returns when its commit was done."""
    alert = draft_alert(Draft(headline=f"Vent violent {words}"), control.desk.station, now(), new_id())
    with opened(control.town.database) as db:
        with transaction(db):
            control.desk.post(AlertRepository(db), alert, again=True)
        stored = time.time()
    ring(control.town.database, now())
    with opened(control.town.database) as db:
        while db.execute("SELECT count(*) FROM post WHERE state != 'sent'").fetchone()[0]:
            time.sleep(PAUSE / 10)
    time.sleep(PAUSE)
    return stored
