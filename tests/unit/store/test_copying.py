"""A station goes from a file to a server and back with every row, or not at all; nobody works in its old place."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from sqlalchemy import BigInteger, Boolean, Double, Integer, LargeBinary

from alerts.model.town import Secret, Server
from alerts.store import copy_ends
from alerts.store.connection import migrate, version
from alerts.store.copying import called, copy
from alerts.store.files import HEAD, StoreError, connect
from alerts.store.restoring import beside as height_file
from alerts.store.sockets import open_doorbell
from tests.release import at_release
from tests.unit.store.conftest import NOW

TABLES = [table for table in copy_ends.TABLES if table.name != "picture"]
HEIGHT = 2**40 + 5
ODD = "é 🌧 \u202e𝔘 e\u0301 '\"\\ \n\r\t %s $1 :x \ue000 \x7f"
LONG = "Évacuez. " * 2_000
INDEXED = {column for table in TABLES for index in table.indexes for column in index.columns if hasattr(column, "name")}


@pytest.fixture
def server(postgresql_url, tmp_path):
    return Server(Secret(postgresql_url), "tocsin", tmp_path / "var" / "tocsin")


NUMBERS = {
    BigInteger: (0, 2**63 - 1, -(2**63)),
    Integer: (0, 2**31 - 1, -(2**31)),
    Double: (0.0, 45.188529, -1 / 3),
}


def value(column, variant):
    """What stands in a column of the first row (as little as can be), the second (as odd) and the third (as much)."""
    if column.foreign_keys:
        return value(next(iter(column.foreign_keys)).column, variant)
    if column.name == "seq":
        return (1, 7, 2**40)[variant]
    if column.nullable and variant == 0:
        return None
    kind = column.type
    if isinstance(kind, Boolean):
        return variant % 2
    if isinstance(kind, LargeBinary):
        return (b"", bytes(range(256)), b"\0")[variant]
    if isinstance(kind, Double | Integer):
        return NUMBERS[type(kind)][variant]
    is_short = column.primary_key or column.unique or column in INDEXED
    return ("", ODD, "ordre" if is_short else LONG)[variant]


def fill(path):
    """A row of each kind in every table; numbers were given that aren't there any more."""
    with closing(connect(path)) as db:
        for table in sorted(TABLES, key=lambda table: table.name == "tally"):
            rows = [[value(column, variant) for column in table.columns] for variant in range(3)]
            marks = ", ".join("?" * len(table.columns))
            db.executemany(f"INSERT INTO {table.name} VALUES ({marks})", rows)
            if table.name == "post":
                db.execute("DELETE FROM tally")  # what was counted just now
        for table in ("lease", "daemon"):
            db.execute(f"UPDATE {table} SET until = 0")  # none runs
        db.execute("UPDATE sqlite_sequence SET seq = ?", (HEIGHT,))


def rows_of(path):
    with closing(connect(path)) as db:
        db.row_factory = None
        return {table.name: sorted(map(repr, db.execute(f"SELECT * FROM {table.name}"))) for table in TABLES}


def objects_of(path):
    """Its tables, indexes and triggers, in SQL."""
    with closing(connect(path)) as db:
        db.row_factory = None
        return sorted(db.execute("SELECT type, name, sql FROM sqlite_master"), key=repr)


def pictures_of(place):
    return {file.name: file.read_bytes() for file in Path(f"{place}.pictures").iterdir()}


def ask(server, sql):
    with psycopg.connect(server.url.reveal(), options=f"-c search_path={server.schema},public") as db:
        return db.execute(sql).fetchall()


def refused(source, target, code, **options):
    with pytest.raises(StoreError) as refusal:
        copy(source, target, NOW, **options)
    assert refusal.value.reason.code == code, str(refusal.value)
    return refusal.value.reason


def test_there_and_back_every_row_of_every_kind_is_the_same(path, server, tmp_path):
    fill(path)
    back = tmp_path / "back.db"
    there = copy(path, server, NOW)
    assert (there.rows, there.mended) == (3 * len(TABLES), 0)
    assert version(server) == HEAD
    assert copy(server, back, NOW).rows == there.rows
    assert rows_of(back) == rows_of(path)
    fresh = tmp_path / "fresh.db"
    migrate(fresh)
    assert objects_of(back) == objects_of(fresh), "all that SQLite does by itself is there again"


def test_numbers_go_on_from_those_that_were_given(path, server, tmp_path):
    fill(path)
    copy(path, server, NOW)
    statement = "INSERT INTO decision (at, alert_id, what) VALUES (0, 'a', 'b') RETURNING seq"
    assert ask(server, statement) == [(HEIGHT + 1,)]
    copy(server, tmp_path / "back.db", NOW)
    with closing(connect(tmp_path / "back.db")) as db:
        assert tuple(db.execute(statement).fetchone()) == (HEIGHT + 2,)


def test_an_empty_station_is_copied_as_well_and_its_first_numbers_are_one(path, server):
    copy(path, server, NOW)
    assert ask(server, "INSERT INTO decision (at, alert_id, what) VALUES (0, 'a', 'b') RETURNING seq") == [(1,)]


def test_the_searched_words_and_the_counts_are_there_again(path, server, tmp_path):
    columns = "id, incident, source, state, notes, received_at, headline"
    with closing(connect(path)) as db:
        db.execute(f"INSERT INTO alert ({columns}) VALUES ('a', 'a', '', 'accepted', '[]', 0, 'Crue à Saint-Égrève')")
    copy(path, server, NOW)
    assert ask(server, "SELECT tgname FROM pg_trigger WHERE tgenabled = 'D'") == []
    assert ask(server, "SELECT rowid FROM alert_words WHERE words LIKE '%egreve%'") == [(1,)]
    copy(server, tmp_path / "back.db", NOW)
    with closing(connect(tmp_path / "back.db")) as db:
        assert len(db.execute("SELECT rowid FROM alert_words WHERE words MATCH 'egreve'").fetchall()) == 1


def test_what_a_server_cannot_keep_in_a_text_is_told_and_replaced(path, server, tmp_path):
    with closing(connect(path)) as db:
        db.execute("INSERT INTO fact VALUES ('x', 'nul', 'a' || char(0) || 'b')")
        db.execute("INSERT INTO fact VALUES ('x', 'bytes', CAST(X'61ff62' AS TEXT))")
    assert copy(path, server, NOW, keep=True).mended == 2
    assert ask(server, "SELECT value FROM fact ORDER BY key") == [("a\ufffdb",), ("a\ufffdb",)]
    assert copy(path, tmp_path / "file.db", NOW).mended == 1, "a file keeps a NUL"


def test_pictures_go_along_and_a_height_of_before_is_forgotten(path, server, tmp_path):
    name, other = f"{'0' * 64}.png", f"{'1' * 64}.jpg"
    folder = Path(f"{path}.pictures")
    folder.mkdir()
    (folder / name).write_bytes(b"drawn")
    (folder / "note.txt").write_text("not ours")
    server.beside.parent.mkdir(parents=True)
    height_file(server.beside).write_text("older")
    assert copy(path, server, NOW).pictures == 1
    assert pictures_of(server.beside) == {name: b"drawn"}
    assert ask(server, "SELECT name, data FROM picture") == [(name, b"drawn")], "for other machines"
    assert not height_file(server.beside).exists()

    ask(server, f"INSERT INTO picture VALUES ('{other}', 'elsewhere') RETURNING name")
    assert copy(server, tmp_path / "back.db", NOW).pictures == 2
    assert pictures_of(tmp_path / "back.db") == {name: b"drawn", other: b"elsewhere"}
    assert pictures_of(server.beside) == pictures_of(tmp_path / "back.db"), "where posts look that wait"


# --- the old place


def test_nobody_works_any_more_where_a_station_was_moved_away(path, server, tmp_path):
    opened_before = connect(path)
    copy(path, server, NOW)
    with pytest.raises(StoreError, match="was moved to") as refusal:
        migrate(path)
    assert refusal.value.reason["other"] == called(server)
    assert version(path) > HEAD, "an older program takes it for a newer one's"
    with closing(opened_before) as db, pytest.raises(sqlite3.IntegrityError, match="moved to postgresql://"):
        db.execute("INSERT INTO fact VALUES ('x', 'y', 'z')")
    with psycopg.connect(server.url.reveal(), options="-c search_path=tocsin") as opened_before:
        opened_before.execute("SELECT 1")
        opened_before.commit()
        copy(server, tmp_path / "back.db", NOW)
        with pytest.raises(psycopg.errors.RaiseException, match="moved to sqlite:///"):
            opened_before.execute("INSERT INTO fact VALUES ('x', 'y', 'z')")
    with pytest.raises(StoreError, match="was moved to"):
        migrate(server)


def test_a_copy_that_is_kept_is_of_one_moment_though_a_daemon_works_and_changes_nothing(path, server):
    fill(path)
    bell, own = open_doorbell(path)
    try:
        refused(path, server, "copy_daemon")

        def meanwhile(_):
            with closing(connect(path)) as db:
                db.execute("INSERT INTO decision (at, alert_id, what) VALUES (0, 'a', 'meanwhile')")

        copy(path, server, NOW, keep=True, progressed=meanwhile)
    finally:
        bell.close()
        own.unlink()
    assert ask(server, "SELECT count(*) FROM decision") == [(3,)]
    assert version(path) == HEAD


def test_a_copy_of_a_server_that_is_kept_is_of_one_moment_too(path, server, tmp_path):
    copy(path, server, NOW)

    def meanwhile(_):
        ask(server, "INSERT INTO decision (at, alert_id, what) VALUES (0, 'a', 'meanwhile') RETURNING seq")

    assert copy(server, tmp_path / "back.db", NOW, keep=True, progressed=meanwhile).rows == 0
    ask(server, f"INSERT INTO lease (lane, owner, until) VALUES ('x', 'us', {2**62}) RETURNING lane")
    refused(server, tmp_path / "again.db", "copy_daemon")


def test_nobody_writes_while_a_station_is_moved(path, server, tmp_path):
    fill(path)

    def command(_):
        with closing(connect(path)) as db:
            db.execute("PRAGMA busy_timeout = 0")
            db.execute("INSERT INTO fact VALUES ('x', 'y', 'z')")

    assert "locked" in refused(path, server, "copy_broke_off", progressed=command)["said"]
    copy(path, server, NOW)

    def other(_):
        with psycopg.connect(server.url.reveal(), options="-c search_path=tocsin -c lock_timeout=1") as db:
            db.execute("INSERT INTO fact VALUES ('x', 'y', 'z')")

    said = refused(server, tmp_path / "back.db", "copy_broke_off", progressed=other)["said"]
    assert "lock timeout" in said


# --- the new place


def test_a_place_that_is_not_empty_is_refused_and_left_as_it_is(path, server, tmp_path):
    fill(path)
    copy(path, server, NOW, keep=True)
    assert "alert" in refused(path, server, "copy_into_used")["tables"]
    other = tmp_path / "other.db"
    migrate(other)
    copy(path, other, NOW, keep=True)  # empty, as `tocsin db upgrade` makes one
    before = rows_of(other)
    refused(path, other, "copy_into_used")
    assert rows_of(other) == before
    refused(path, path, "copy_onto_itself")
    refused(tmp_path / "nowhere.db", tmp_path / "new.db", "database_missing")
    assert not (tmp_path / "nowhere.db").exists()


class Killed(BaseException):
    """As if it was: nothing of ours catches it."""


@pytest.mark.parametrize("at", ["alert", "checked", "kept", "moved"])
@pytest.mark.parametrize("to_a_server", [True, *at_release([False])])
def test_what_was_killed_is_used_by_nobody_and_done_again(path, server, tmp_path, at, to_a_server):
    fill(path)
    source, target = (path, server) if to_a_server else (server, tmp_path / "back.db")
    if not to_a_server:
        copy(path, server, NOW)

    def kill(what):
        if what == at:
            raise Killed

    with pytest.raises(Killed):
        copy(source, target, NOW, progressed=kill)
    if to_a_server or at in {"kept", "moved"}:
        with pytest.raises(StoreError, match="isn't complete"):
            migrate(target)
    else:
        assert not target.exists()
    assert version(source) == (HEAD if at != "moved" else f"moved to {called(target)}")
    assert copy(source, target, NOW).rows == 3 * len(TABLES)
    assert version(target) == HEAD


def test_a_process_that_is_killed_leaves_the_same(path, server):
    fill(path)
    child = os.fork()
    if not child:
        try:
            copy(path, server, NOW, progressed=lambda what: what == "checked" and os.kill(os.getpid(), 9))
        finally:
            os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -9
    with pytest.raises(StoreError, match="isn't complete"):
        migrate(server)
    assert copy(path, server, NOW).rows == 3 * len(TABLES)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE post SET text = text || '.' WHERE seq = 7",
        "DELETE FROM heard WHERE at = 0",
        "UPDATE sqlite_sequence SET seq = seq - 1",
    ],
)
def test_a_row_that_came_out_otherwise_is_noticed(path, tmp_path, change, monkeypatch):
    fill(path)
    target = tmp_path / "copy.db"
    made = []
    connecting = sqlite3.connect

    def remembered(*arguments, **options):
        made.append(connecting(*arguments, **options))
        return made[-1]

    monkeypatch.setattr(copy_ends.sqlite3, "connect", remembered)
    refused(path, target, "copy_differs", progressed=lambda what: what == "checked" and made[-1].execute(change))
    assert not target.exists()
    assert version(path) == HEAD


def test_what_a_server_refuses_is_told_without_the_words_that_were_stored(path, server):
    with closing(connect(path)) as db:
        db.execute("PRAGMA foreign_keys = OFF")
        db.execute("INSERT INTO reference VALUES ('secret words', 'nobody')")
    reason = refused(path, server, "copy_broke_off")
    assert "reference: ForeignKeyViolation" in str(reason)
    assert "secret" not in str(reason)


def test_passwords_are_in_no_name(server):
    url = "postgresql://tocsin:geheim@db.example.org:5433/towns?schema=grenoble"
    signing_in = Server(Secret(url), "grenoble", Path("x"))
    assert urlsplit(called(signing_in)).password is None
    assert "geheim" not in called(signing_in)
