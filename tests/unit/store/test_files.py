"""The doorbell: who writes rings, every daemon on that database hears it, and a dead one's bell is taken down."""

from __future__ import annotations

import contextlib
import os
import socket
import sqlite3
import tempfile

import pytest

from alerts.store.files import LOCK_WAIT, StoreError, connect
from alerts.store.sockets import notify, open_doorbell, own_socket
from alerts.store.unit import transaction


@contextlib.contextmanager
def doorbell(path):
    bell, own = open_doorbell(path)
    try:
        yield bell, own
    finally:
        bell.close()
        own.unlink(missing_ok=True)


@pytest.mark.parametrize("name", ["tocsin.db", "tocsin[1].db", "été *.db"])
def test_a_ring_is_heard_whatever_the_file_is_called(tmp_path, name):
    path = tmp_path / name
    with doorbell(path) as (bell, _):
        assert notify(path) == 1
        assert bell.recv(16) == b"!"


def test_nobody_is_there(tmp_path):
    assert notify(tmp_path / "tocsin.db") == 0
    assert notify(tmp_path / "no" / "such" / "folder" / "tocsin.db") == 0


def test_another_database_s_daemon_is_not_woken(tmp_path):
    with doorbell(tmp_path / "tocsin.db") as (bell, _):
        assert notify(tmp_path / "tocsin2.db") == 0
        with pytest.raises(BlockingIOError):
            bell.recv(16)


def test_the_bell_of_a_killed_daemon_is_taken_down(tmp_path):
    path = tmp_path / "tocsin.db"
    stale = own_socket(path, "wake").with_suffix(".999999")  # beside the database, unless its path is too long
    left = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    left.bind(os.fspath(stale))
    left.close()

    assert notify(path) == 0
    assert not stale.exists()


def test_a_daemon_that_is_busy_counts_as_woken(tmp_path):
    path = tmp_path / "tocsin.db"
    with doorbell(path):
        assert {notify(path) for _ in range(2000)} == {1}


def test_a_path_too_long_for_a_socket_rings_elsewhere(tmp_path):
    path = tmp_path / ("long" * 30) / "tocsin.db"
    path.parent.mkdir()
    with doorbell(path) as (bell, own):
        assert os.fspath(own).startswith(tempfile.gettempdir())
        assert notify(path) == 1
        assert bell.recv(16) == b"!"


def test_the_file_is_opened_for_power_loss(tmp_path):
    db = connect(tmp_path / "tocsin.db")
    settings = [db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous", "foreign_keys")]
    db.close()

    assert settings == ["wal", 2, 1]


def test_a_file_that_can_not_be_opened_says_which_and_what_to_do(tmp_path):
    with pytest.raises(StoreError, match=r"the database .* can't be opened: .*; check the path and its owner"):
        connect(tmp_path)


def test_a_new_file_is_its_owners_alone_and_so_is_what_lies_beside_it(tmp_path):
    db = connect(tmp_path / "t.db")
    db.execute("CREATE TABLE x (y)")

    assert {file.name: file.stat().st_mode & 0o777 for file in tmp_path.iterdir()} == {
        "t.db": 0o600,
        "t.db-upgrade": 0o600,
        "t.db-wal": 0o600,
        "t.db-shm": 0o600,
    }
    db.close()


def test_whoever_waits_for_the_lock_looks_every_few_milliseconds(tmp_path):
    holder, waiting, looks = connect(tmp_path / "t.db"), connect(tmp_path / "t.db"), []
    holder.execute("BEGIN IMMEDIATE")

    def let_go(statement: str) -> None:
        looks.append(statement)
        if looks.count("BEGIN IMMEDIATE") == 20:
            holder.execute("COMMIT")

    waiting.set_trace_callback(let_go)
    with transaction(waiting):
        assert not holder.in_transaction
    assert waiting.execute("PRAGMA busy_timeout").fetchone()[0] == LOCK_WAIT * 1000
    holder.close()
    waiting.close()


def test_a_lock_that_lasts_is_told(tmp_path):
    holder, waiting = connect(tmp_path / "t.db"), connect(tmp_path / "t.db")
    holder.execute("BEGIN IMMEDIATE")
    waiting.execute("PRAGMA busy_timeout = 60")

    with pytest.raises(sqlite3.OperationalError, match="database is locked"), transaction(waiting):
        pass
    holder.close()
    waiting.close()
