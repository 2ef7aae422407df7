"""Threads that many databases share: order, errors, and connections that come and go."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from alerts.model.town import Secret, Server
from alerts.store.connection import migrate as migrate_any
from alerts.store.connection import opened as opened_any
from alerts.store.files import migrate
from alerts.store.threads import LANES, PEOPLE, SharedHand, SharedThreads
from tests.unit.store.conftest import a_record


@pytest.fixture
def pool():
    with ThreadPoolExecutor(4) as threads:
        yield threads


class Connection(sqlite3.Connection):
    """One that tells when it is closed: to ask it from this thread meanwhile would crash the interpreter."""

    def __init__(self, *given, **named) -> None:
        super().__init__(*given, **named)
        self.closed = threading.Event()

    def close(self) -> None:
        super().close()
        self.closed.set()


@pytest.fixture
def opened():
    return []


@pytest.fixture
def hand(pool, opened):
    def open_one():
        opened.append(sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False, factory=Connection))
        return opened[-1]

    return SharedHand(pool, open_one, idles=0.01)


async def test_what_is_asked_runs_in_its_order_and_one_at_a_time(hand):
    began, ended = [], []

    def work(number):
        def run(_):
            began.append(number)
            assert len(began) == len(ended) + 1
            ended.append(number)
            return number

        return run

    assert await asyncio.gather(*(hand.run(work(number)) for number in range(50))) == list(range(50))
    assert began == list(range(50))
    await hand.close()


async def test_who_is_cancelled_leaves_the_connection_to_its_work_until_it_is_done(hand):
    goes_on, is_there = threading.Event(), threading.Event()

    def slow(_):
        is_there.set()
        goes_on.wait(60)
        return "slow"

    first = asyncio.create_task(hand.run(slow))
    await asyncio.to_thread(is_there.wait, 60)
    first.cancel()
    second = asyncio.create_task(hand.run(lambda _: goes_on.is_set()))
    await asyncio.sleep(0)
    goes_on.set()

    assert await second, "it ran beside the other"
    await hand.close()


async def test_an_error_is_its_own_askers(hand):
    with pytest.raises(sqlite3.OperationalError):
        await hand.run(lambda db: db.execute("nonsense"))

    assert await hand.run(lambda db: db.execute("SELECT 1").fetchone()) == (1,)
    await hand.close()


async def test_a_connection_is_opened_when_it_is_needed_and_closed_when_nobody_asks(hand, opened):
    assert not opened
    await hand.run(lambda db: db.execute("SELECT 1").fetchone())
    assert len(opened) == 1

    assert await asyncio.to_thread(opened[0].closed.wait, 60)

    assert await hand.run(lambda db: db.execute("SELECT 2").fetchone()) == (2,)
    assert len(opened) == 2
    await hand.close()


async def test_nothing_is_asked_after_the_end(hand):
    await hand.close()

    with pytest.raises(ValueError, match="closed"):
        await hand.run(lambda _: None)


async def test_a_database_of_shared_threads_reads_what_it_wrote_wherever_it_is_asked(tmp_path):
    path = tmp_path / "tocsin.db"
    migrate(path)
    threads = SharedThreads()
    database = await threads.open(path)
    now = 1_764_000_000_000_000

    def keep(unit):
        unit.db.execute("INSERT INTO lease (lane, owner, until) VALUES ('x', 'somebody', ?)", (now,))

    def kept(unit):
        return [tuple(row) for row in unit.db.execute("SELECT lane, owner, until FROM lease")]

    await database.write(keep)

    assert await database.read(kept) == await database.ask(kept) == await database.ask_for_pages(kept)
    assert await database.read(kept) == [("x", "somebody", now)]
    await database.close()
    threads.close()


async def test_many_towns_at_a_server_share_its_connections_and_nothing_else(postgresql, tmp_path):
    url = postgresql.url()
    towns = [Server(Secret(url), f"town{number}", tmp_path / str(number)) for number in range(20)]
    for town in towns:
        migrate_any(town)
    threads = SharedThreads()
    databases = [await threads.open(town) for town in towns]
    try:
        await asyncio.gather(*(each.write(noted(f"a{number}")) for number, each in enumerate(databases)))
        # More than may wait for one another, in no order: each is asked in its own schema.
        found = await asyncio.gather(
            *(way(ids) for each in databases for way in (each.read, each.ask, each.ask_for_pages))
        )
        with opened_any(towns[0]) as db:
            held = db.execute("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'tocsin'").fetchone()[0]
    finally:
        for each in databases:
            await each.close()
        threads.close()

    assert found == [[f"a{number}"] for number in range(20) for _ in range(3)]
    assert held <= LANES + 2 * PEOPLE + 1
    postgresql.drop(url)


def noted(name):
    return lambda unit: unit.alerts.add(a_record(name))


def ids(unit):
    return [row["id"] for row in unit.execute("SELECT id FROM alert").fetchall()]
