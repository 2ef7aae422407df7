"""The record of who did what, in a real file."""

from __future__ import annotations

import sqlite3
from dataclasses import astuple
from datetime import UTC, datetime, timedelta

import pytest

from alerts.model.errors import Unreadable
from alerts.model.person import BEGINNING, AuditEntry, digest_of
from alerts.store.audit import AuditLog
from alerts.store.files import blank, connect
from alerts.store.unit import rehearsal, transaction

NOW = datetime(2026, 11, 25, 12, 0, 0, 123456, tzinfo=UTC)


def an_entry(number=0, subject="a1"):
    return AuditEntry(
        NOW + timedelta(seconds=number), "Anne", "author", "console", "192.0.2.1", "post", subject, f"n° {number}"
    )


@pytest.fixture
def db(path):
    connection = connect(path)
    yield connection
    connection.close()


@pytest.fixture
def ledger(db):
    return AuditLog(db)


def test_each_line_is_bound_to_the_one_before(ledger):
    one, two = ledger.write(an_entry(1)), ledger.write(an_entry(2))
    assert (one.seq, one.previous, one.digest) == (1, BEGINNING, digest_of(BEGINNING, an_entry(1)))
    assert (two.seq, two.previous, two.digest) == (2, one.digest, digest_of(one.digest, an_entry(2)))
    assert list(ledger.all()) == [one, two]
    assert ledger.height() == 2


def test_the_newest_come_first_by_subject_and_in_pages(ledger):
    lines = [ledger.write(an_entry(number, "a1" if number % 2 else "a2")) for number in range(6)]
    assert ledger.newest(most=2) == [lines[5], lines[4]]
    assert ledger.newest(most=2, before=lines[4].seq) == [lines[3], lines[2]]
    assert ledger.newest(subject="a2") == [lines[4], lines[2], lines[0]]


def test_a_transaction_that_is_undone_leaves_no_gap(db, ledger):
    with transaction(db):
        ledger.write(an_entry())
    with rehearsal(db):
        ledger.write(an_entry())
    with transaction(db):
        db.execute("SAVEPOINT work")
        ledger.write(an_entry())
        db.execute("ROLLBACK TO work")
        assert ledger.write(an_entry()).seq == 2
    assert ledger.height() == 2


def test_an_empty_record_has_no_height(ledger):
    assert ledger.height() == 0
    assert list(ledger.all()) == []


def test_a_rehearsal_in_memory_has_a_record_too():
    with blank() as db:
        ledger = AuditLog(db)
        ledger.write(an_entry())
        assert ledger.height() == 1


@pytest.mark.parametrize(
    "statement", ["UPDATE audit SET actor = 'Bruno' WHERE seq = 1", "DELETE FROM audit WHERE seq = 1"]
)
def test_no_line_is_changed_or_removed_by_whoever_holds_the_connection(db, ledger, statement):
    line = ledger.write(an_entry())
    with pytest.raises(sqlite3.IntegrityError, match="the record of who did what only grows"):
        db.execute(statement)
    assert list(ledger.all()) == [line]


def test_replacing_a_line_is_refused_too(db, ledger):
    ledger.write(an_entry())
    columns = db.execute("SELECT * FROM audit").fetchone()
    with pytest.raises(sqlite3.IntegrityError, match="the record of who did what only grows"):
        db.execute(f"INSERT OR REPLACE INTO audit VALUES ({','.join('?' * len(columns))})", tuple(columns))


def test_what_no_tocsin_wrote_is_told(db, ledger):
    ledger.write(an_entry())
    db.execute("DROP TRIGGER audit_is_not_changed")
    db.execute("UPDATE audit SET at = 'noon'")
    with pytest.raises(Unreadable, match="Tocsin never writes there"):
        list(ledger.all())


def test_the_digest_of_a_line_is_of_all_its_fields_and_stays_what_it_is():
    """A digest that was kept elsewhere is good for ever: how it is computed never changes."""
    assert astuple(an_entry())[1:4] == ("Anne", "author", "console")
    assert digest_of(BEGINNING, an_entry()) == KEPT


KEPT = "18c7450961341b1c5938c0c2c254dea440c97f83b3501554c0cf85f1c5cdf369"
