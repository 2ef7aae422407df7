"""A copy is of one moment; what is put back knows that it is older; what may be out is looked for before it is sent."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest

from alerts.access.audit import Head, Verified, verify
from alerts.model.delivery import Verdict
from alerts.model.person import AuditEntry
from alerts.model.post import PostState, Receipt
from alerts.model.reason import in_words
from alerts.store.database import Database
from alerts.store.files import StoreError, connect, sound
from alerts.store.restoring import FARTHEST, Gap, Restored, backup, beside, restore
from alerts.store.sockets import open_doorbell
from alerts.store.unit import acting, asking
from tests.unit.store.conftest import NOW, a_record
from tests.walls import in_one_test

LATER = NOW + timedelta(hours=3)
AT_THE_START = LATER + timedelta(minutes=5)
OUT = Verdict(PostState.SENT, "sent", receipt=Receipt("7"))


async def compared(path) -> Gap | None:
    """What a daemon finds that starts; it writes one thing, and ends."""
    database = await Database.open(path)
    try:
        gap = await database.compare(AT_THE_START)
        await database.write(lambda db: db.execute("UPDATE fact SET value = value").rowcount)
        return gap
    finally:
        await database.close()


def attempted(shelf, count: int = 1) -> None:
    """So many posts went out at `NOW`."""
    for _ in range(count):
        post = shelf.post()
        shelf._db.execute(
            "INSERT INTO attempt (post_id, channel, action, owner, counts, left_at, ended_at, remote_id) "
            "VALUES (?, 'x', 'send', 'us', 1, ?, ?, '6')",
            (post.id, *[int(NOW.timestamp() * 1_000_000)] * 2),
        )


async def test_a_copy_is_of_one_moment_though_somebody_writes_meanwhile(path, shelf, tmp_path):
    shelf.post()
    with shelf.alerts():
        shelf._db.execute("INSERT INTO fact VALUES ('x', 'half', 'done')")
        backup(path, tmp_path / "copy.db")

    assert sound(tmp_path / "copy.db") == sound(path)
    with closing(sqlite3.connect(tmp_path / "copy.db")) as db:
        assert db.execute("SELECT count(*) FROM post").fetchone() == (1,)
        assert db.execute("SELECT count(*) FROM fact WHERE key = 'half'").fetchone() == (0,)
    assert (tmp_path / "copy.db").stat().st_mode & 0o777 == 0o600
    assert not list(tmp_path.glob("copy.db-*")), "it needs no file beside it"


def test_a_copy_replaces_nothing(path, tmp_path):
    (tmp_path / "copy.db").write_text("mine")

    with pytest.raises(StoreError, match="is there already"):
        backup(path, tmp_path / "copy.db")
    assert (tmp_path / "copy.db").read_text() == "mine"


def by(at):
    """Who puts it back, and when."""
    return AuditEntry(at, "anne", "administrator", "command", "anne", "database restored", "database")


async def test_what_is_put_back_keeps_the_one_before_and_knows_its_gap(path, shelf, tmp_path):
    attempted(shelf)
    await compared(path)
    backup(path, tmp_path / "copy.db")
    attempted(shelf, 20)
    await compared(path)
    shelf.close()

    kept, gap = restore(path, tmp_path / "copy.db", by(LATER))

    assert gap == Gap(NOW, LATER)
    assert (await compared(path)) == Gap(NOW, AT_THE_START, begun=True), "until a daemon works on it"
    with closing(connect(path)) as db, closing(connect(kept)) as before:
        assert [each.execute("SELECT count(*) FROM post").fetchone()[0] for each in (db, before)] == [1, 21]
    assert await compared(path) is None, "it is known already"


def test_who_puts_it_back_is_a_line_of_the_chain_with_the_head_that_was_there(path, shelf, tmp_path):
    entry = AuditEntry(NOW, "anne", "author", "console", "", "post", "a1")
    with acting(path) as unit:
        unit.audit.write(entry)
    backup(path, tmp_path / "copy.db")
    with acting(path) as unit:
        head = unit.audit.write(entry)
    shelf.close()

    restore(path, tmp_path / "copy.db", by(LATER))

    with asking(path) as unit:
        lines = list(unit.audit.all())
        assert verify(lines, unit.audit.height()) == Verified(2, Head(2, lines[-1].digest))
    assert lines[-1].entry.act == "database restored"
    assert lines[-1].entry.detail == f"from {tmp_path / 'copy.db'}; head was 2:{head.digest}"


def test_a_copy_knows_all_up_to_its_own_moment_though_nothing_happened_for_long_before(path, tmp_path):
    backup(path, tmp_path / "copy.db", NOW - timedelta(minutes=2))
    _, gap = restore(path, tmp_path / "copy.db", by(NOW))
    assert gap.since == NOW - timedelta(minutes=2)


def test_nothing_is_put_back_while_somebody_works_on_the_database(path, shelf, tmp_path):
    backup(path, tmp_path / "copy.db")
    bell, own = open_doorbell(path)
    try:
        with pytest.raises(StoreError, match="a daemon works on"):
            restore(path, tmp_path / "copy.db", by(NOW))
    finally:
        bell.close()
        own.unlink()
    with pytest.raises(StoreError, match="somebody works on"), shelf.alerts():
        restore(path, tmp_path / "copy.db", by(NOW))
    assert not list(tmp_path.glob("*replaced*"))
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.parametrize("harm", [b"", b"garbage " * 5000])
def test_a_broken_database_is_replaced_and_a_broken_copy_replaces_nothing(path, shelf, tmp_path, harm):
    backup(path, tmp_path / "copy.db")
    shelf.close()
    (tmp_path / "broken.db").write_bytes(harm)
    with pytest.raises(StoreError, match=r"broken\.db"):
        restore(path, tmp_path / "broken.db", by(NOW))

    path.write_bytes(b"garbage " * 5000)
    kept, _ = restore(path, tmp_path / "copy.db", by(NOW))
    assert kept.read_bytes().startswith(b"garbage")
    assert sound(path)


async def test_an_older_file_in_its_place_is_noticed_once(path, shelf, tmp_path):
    attempted(shelf)
    assert await compared(path) is None
    backup(path, tmp_path / "copy.db")
    attempted(shelf)
    assert await compared(path) is None
    shelf.close()
    path.write_bytes((tmp_path / "copy.db").read_bytes())
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)

    assert await compared(path) == Gap(NOW, AT_THE_START, begun=True)
    assert await compared(path) is None


async def test_an_empty_file_in_its_place_is_noticed(path, shelf, tmp_path):
    empty = tmp_path / "empty.db"
    backup(path, empty)
    attempted(shelf)
    await compared(path)
    shelf.close()
    path.write_bytes(empty.read_bytes())
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)

    gap = await compared(path)

    assert gap == Gap(None, AT_THE_START, begun=True)
    assert gap.looked_from == AT_THE_START - FARTHEST


@in_one_test
@pytest.mark.parametrize("written", [b"", b'{"generation": "half', b"[]", b"\xff\xff"])
async def test_a_height_that_a_power_failure_left_half_written_says_nothing(path, shelf, written):
    attempted(shelf)
    beside(path).write_bytes(written)

    assert await compared(path) is None


async def test_a_new_database_is_no_older_one(path):
    assert await compared(path) is None


async def test_what_is_committed_is_noted_beside_without_waiting_for_the_disk(path, shelf, database, outbox, lease):
    await database.compare(NOW)
    await database.write(lambda unit: unit.alerts.add(a_record("own")))
    assert b'"alerts": 1, "attempts": 0' in beside(path).read_bytes()

    post = shelf.post(shelf.alert("another process's"))
    await outbox.begin(post, lease, NOW, action="send", counts=True)
    assert b'"alerts": 2, "attempts": 1' in beside(path).read_bytes()


async def test_what_is_undone_is_not_noted(path, database):
    await database.compare(NOW)

    def undone(unit):
        unit.alerts.add(a_record("undone"))
        raise ValueError

    works = (undone, lambda unit: unit.db.execute("UPDATE fact SET value = value").rowcount)
    await asyncio.gather(*(database.write(work) for work in works), return_exceptions=True)
    assert b'"alerts": 0' in beside(path).read_bytes()


@pytest.fixture
async def gapped(path, shelf, tmp_path, database):
    """A database that was put back: its gap reaches from `NOW` to `LATER`."""
    attempted(shelf)
    with shelf.alerts():
        shelf._db.execute(
            "INSERT INTO fact VALUES ('(store)', 'gap', json_object('since', ?, 'until', ?, 'begun', 1))",
            (int(NOW.timestamp() * 1_000_000), int(LATER.timestamp() * 1_000_000)),
        )
    return database


async def test_a_post_that_may_be_out_is_looked_for_once_before_it_is_sent(gapped, shelf, outbox, lease):
    post = shelf.post(shelf.alert("kept"))
    after = LATER + timedelta(minutes=1)

    assert await outbox.begin(post, replace(lease), after, action="send", counts=True) is None
    doubtful = shelf.again(post)
    assert (doubtful.state, doubtful.attempted_at) == (PostState.IN_DOUBT, NOW)
    look = await outbox.begin(await outbox.next_look("x", after), lease, after, action="look", counts=False)
    assert look.newest_known == "6", "Telegram looks from the last one that this database knows"
    absent = Verdict(PostState.QUEUED, "not_found", in_words("it wasn't there"), counts=False, looked=True)
    await outbox.finish(doubtful, look, absent, after, after)

    assert await outbox.begin(shelf.again(post), lease, after, action="send", counts=True) is not None


async def test_an_answer_s_id_is_none_to_look_for_an_alert_from(gapped, shelf, database):
    answer = shelf.post()
    shelf._db.execute("UPDATE post SET kind = 'answer' WHERE id = ?", (answer.id,))
    shelf._db.execute(
        "INSERT INTO attempt (post_id, channel, action, owner, counts, left_at, ended_at, remote_id) "
        "VALUES (?, 'x', 'send', 'us', 1, ?, ?, '-100:9')",
        (answer.id, *[int(NOW.timestamp() * 1_000_000)] * 2),
    )
    assert await database.read(lambda unit: unit.restored.newest_known("x", LATER)) == "6"


async def test_what_a_feed_tells_again_is_looked_for_and_what_is_new_is_sent_at_once(gapped, shelf, outbox, lease):
    after = LATER + timedelta(minutes=1)
    known = a_record("a-known", received_at=after)
    told_again = shelf.post(shelf.alert("again", received_at=after), stored_at=after)
    new = shelf.post(shelf.alert("new", alert=replace(known.alert, sent=after), received_at=after), stored_at=after)

    assert await outbox.begin(told_again, lease, after, action="send", counts=True) is None
    assert await outbox.begin(new, lease, after, action="send", counts=True) is not None
    assert Restored(shelf._db).looked_for(Restored(shelf._db).gap()) == {("x", PostState.IN_DOUBT): 1}
