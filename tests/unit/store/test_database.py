"""A write is on the disk when it returns; those that wait together are committed together, each on its own account."""

from __future__ import annotations

import asyncio
import sqlite3
import threading

import pytest

from alerts.model.errors import Busy, DatabaseRefused
from alerts.store.database import READERS, WAITING, Database, Readers, _open
from tests.unit.store.conftest import NOW


def put(name: str):
    """A transaction that keeps one fact."""

    def work(db: sqlite3.Connection) -> str:
        db.execute("INSERT INTO fact VALUES ('x', ?, 'kept')", (name,))
        return name

    return work


def kept(db: sqlite3.Connection) -> list[str]:
    return [row["key"] for row in db.execute("SELECT key FROM fact ORDER BY key")]


async def test_ten_writes_that_wait_together_cost_fewer_commits(database):
    names = [f"fact {number}" for number in range(10)]

    assert await asyncio.gather(*(database.write(put(name)) for name in names)) == names
    assert database.commits < 10
    assert await database.read(kept) == names


async def test_one_that_fails_undoes_only_itself(database):
    def fails(db):
        put("half done")(db)
        raise ValueError("no")

    outcomes = await asyncio.gather(
        database.write(put("first")), database.write(fails), database.write(put("last")), return_exceptions=True
    )

    assert outcomes[0] == "first"
    assert str(outcomes[1]) == "no"
    assert outcomes[2] == "last"
    assert await database.read(kept) == ["first", "last"]


async def test_one_alone_that_fails_is_undone(database):
    def fails(db):
        put("half done")(db)
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await database.write(fails)
    assert await database.read(kept) == []
    assert await database.write(put("next")) == "next"


@pytest.mark.file
async def test_a_full_disk_is_told_to_all_and_nothing_is_half_written(database):
    def fills(db):
        pages = db.execute("PRAGMA page_count").fetchone()[0]
        db.execute(f"PRAGMA max_page_count = {pages}")
        db.execute("INSERT INTO fact VALUES ('x', 'large', ?)", ("#" * 1_000_000,))

    outcomes = await asyncio.gather(database.write(put("first")), database.write(fills), return_exceptions=True)

    assert "full" in str(outcomes[1])
    assert await database.read(kept) == (["first"] if outcomes[0] == "first" else [])


@pytest.mark.once
async def test_a_reader_sees_what_is_committed_and_nothing_else(database, path):
    other = await Database.open(path)
    seen = []

    def writes(db):
        put("new")(db)
        seen.append(asyncio.run_coroutine_threadsafe(other.read(kept), loop).result(60))

    loop = asyncio.get_running_loop()
    await database.write(writes)

    assert seen == [[]], "not before the commit"
    assert await other.read(kept) == ["new"]
    await other.close()


async def test_the_reading_side_can_not_write(database):
    with pytest.raises(DatabaseRefused, match=r"(?i)read.?only"):
        await database.read(put("by mistake"))


async def test_who_waits_no_longer_leaves_a_transaction_that_is_carried_out(database):
    under_way, go_on = threading.Event(), threading.Event()

    def slow(db):
        under_way.set()
        go_on.wait(5)
        return put("slow")(db)

    waiting = asyncio.create_task(database.write(slow))
    await asyncio.to_thread(under_way.wait, 60)
    queued = asyncio.create_task(database.write(put("queued")))
    await asyncio.sleep(0)
    for task in (waiting, queued):
        task.cancel()
    go_on.set()

    assert [type(each) for each in await asyncio.gather(waiting, queued, return_exceptions=True)] == [
        asyncio.CancelledError,
        asyncio.CancelledError,
    ]
    assert await database.write(put("zuletzt")) == "zuletzt"
    assert await database.read(kept) == ["queued", "slow", "zuletzt"]


async def test_closing_finishes_what_was_asked_for(path):
    database = await Database.open(path)
    asked = asyncio.create_task(database.write(put("asked")))
    await asyncio.sleep(0)
    await database.close()

    assert await asked == "asked"
    again = await Database.open(path)
    assert await again.read(kept) == ["asked"]
    await again.close()


async def test_times_come_back_as_they_went_in(shelf):
    post = shelf.post()

    assert post.stored_at == NOW
    assert post.message.text == "Strong <b>wind</b>"


@pytest.mark.file
async def test_what_is_written_at_once_is_there_without_a_commit_of_the_thread(database):
    commits = database.commits
    assert database.write_at_once(put("now")) == "now"
    assert database.commits == commits
    assert await database.read(kept) == ["now"]


async def test_at_once_nobody_is_waited_for(database, path):
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert database.write_at_once(put("now")) is None
    other.execute("ROLLBACK")
    assert database.write_at_once(put("then")) == "then"
    assert await database.read(kept) == ["then"]
    other.close()


ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"


async def test_however_many_people_ask_a_lane_reads_at_once(database):
    database._people._patience = 60.0
    asked, go = threading.Barrier(READERS + 1), threading.Event()

    def hold(_: sqlite3.Connection) -> None:
        asked.wait(60)
        go.wait(60)

    questions = [asyncio.create_task(database.ask(hold)) for _ in range(READERS)]
    questions += [asyncio.create_task(database.ask(kept)) for _ in range(WAITING)]
    await asyncio.to_thread(asked.wait, 60)

    assert await asyncio.wait_for(database.read(kept), 60) == []
    assert await asyncio.wait_for(database.ask_for_pages(kept), 60) == []
    with pytest.raises(Busy, match="ask again"):
        await database.ask(kept)
    go.set()
    await asyncio.gather(*questions)
    assert await database.ask(kept) == []


async def test_a_question_that_takes_too_long_is_ended_and_the_next_is_answered(path):
    readers = Readers(lambda: _open(path, readonly=True), longest=0.05)
    slow = [readers.ask(lambda db: db.execute(ENDLESS).fetchone()) for _ in range(READERS)]

    outcomes = await asyncio.gather(*slow, return_exceptions=True)

    assert [type(each) for each in outcomes] == [Busy] * READERS
    assert await readers.ask(kept) == []
    await readers.close()


async def test_what_people_ask_writes_nothing(database):
    with pytest.raises(DatabaseRefused, match=r"(?i)read.?only"):
        await database.ask(put("sneaked in"))


async def test_a_question_whose_turn_does_not_come_is_told_to_come_again(path):
    readers, go = Readers(lambda: _open(path, readonly=True), patience=0.05), threading.Event()
    held = [asyncio.create_task(readers.ask(lambda _: go.wait(60))) for _ in range(READERS)]
    await asyncio.sleep(0)

    with pytest.raises(Busy, match="in time"):
        await readers.ask(kept)
    go.set()
    await asyncio.gather(*held)
    assert await readers.ask(kept) == []
    await readers.close()


async def test_the_suite_carries_out_each_write_twice_and_keeps_the_second(database):
    """A net for the rest of the suite: a server whose connection is lost makes us do the same."""
    times = []
    await database.write(times.append)
    assert len(times) == 2
