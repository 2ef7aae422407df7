"""The record of who did what: whatever is done to its file shows."""

from __future__ import annotations

import sqlite3
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.access.audit import START, Broken, Head, Verified, head_of, verify
from alerts.model.errors import Misuse
from alerts.model.person import AuditEntry, Chained, digest_of
from alerts.model.reason import because
from tests.walls import in_one_test

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
LINES = 7
_LAST_LINE = "DELETE FROM audit WHERE seq = 7"
COLUMNS = ["at", "actor", "role", "origin", "address", "act", "subject", "detail", "previous", "digest"]


@pytest.fixture
async def town(town):
    """A record of seven lines."""

    def write(unit):
        for number in range(LINES):
            unit.audit.write(
                AuditEntry(
                    NOW + timedelta(seconds=number), "Anne", "author", "console", "192.0.2.1", "post", f"a{number}", "é"
                )
            )

    await town.service.act(write)
    return town


async def checked(town, expected=None):
    return await town.service.ask(lambda unit: verify(unit.audit.all(), height=unit.audit.height(), expected=expected))


def unlock(town):
    """What somebody does first who holds the file."""
    town.raw("DROP TRIGGER audit_is_not_changed")
    town.raw("DROP TRIGGER audit_is_not_removed")


async def test_a_whole_record_verifies_and_tells_its_head(town):
    result = await checked(town)
    assert isinstance(result, Verified)
    assert (result.lines, result.head.seq) == (LINES, LINES)
    assert await checked(town, result.head) == result
    assert head_of(f" {result.head} ") == result.head


async def test_the_head_of_before_is_still_good_when_more_was_written(town):
    before = (await checked(town)).head
    await town.add()
    assert (await checked(town, before)).lines == LINES + 1


@pytest.mark.parametrize(
    "statement", ["UPDATE audit SET detail = 'x'", "DELETE FROM audit", "DELETE FROM audit WHERE seq = 7"]
)
async def test_the_database_refuses_to_change_or_remove_a_line(town, statement):
    with pytest.raises(sqlite3.IntegrityError, match="only grows"):
        town.raw(statement)
    assert isinstance(await checked(town), Verified)


@pytest.mark.parametrize("seq", [1, 4, LINES])
@pytest.mark.parametrize("column", COLUMNS)
async def test_each_changed_field_is_found(town, column, seq):
    unlock(town)
    town.raw(
        f"UPDATE audit SET {column} = {column} + 1 WHERE seq = ?"
        if column == "at"
        else f"UPDATE audit SET {column} = {column} || 'x' WHERE seq = ?",
        seq,
    )
    result = await checked(town)
    assert isinstance(result, Broken)
    assert result.seq == seq


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("value", [b"Anne", b"\xff\xfe", 7.5])
async def test_what_no_tocsin_wrote_is_found(town, column, value):
    unlock(town)
    town.raw(
        f"UPDATE audit SET {column} = CAST(? AS TEXT) WHERE seq = 4"
        if value == b"\xff\xfe"
        else f"UPDATE audit SET {column} = ? WHERE seq = 4",
        value,
    )
    result = await checked(town)
    assert isinstance(result, Broken)
    assert result.seq == 4


@pytest.mark.parametrize(("seq", "shown_at"), [(1, 2), (4, 5), (LINES, LINES)])
async def test_a_removed_line_is_found(town, seq, shown_at):
    unlock(town)
    town.raw("DELETE FROM audit WHERE seq = ?", seq)
    result = await checked(town)
    assert isinstance(result, Broken)
    assert result.seq == shown_at


async def test_two_lines_that_changed_places_are_found(town):
    unlock(town)
    for before, after in ((3, 99), (4, 3), (99, 4)):
        town.raw("UPDATE audit SET seq = ? WHERE seq = ?", after, before)
    assert (await checked(town)).seq == 3


async def test_lines_that_moved_up_after_a_removed_one_are_found(town):
    unlock(town)
    town.raw("DELETE FROM audit WHERE seq = 1")
    for seq in range(2, LINES + 1):
        town.raw("UPDATE audit SET seq = ? WHERE seq = ?", seq - 1, seq)
    assert (await checked(town)).seq == 1


async def test_a_line_written_after_the_end_was_cut_off_is_found(town):
    unlock(town)
    town.raw("DELETE FROM audit WHERE seq = ?", LINES)
    await town.add()
    assert (await checked(town)).seq == LINES + 1


async def test_all_removed_is_found(town):
    unlock(town)
    town.raw("DELETE FROM audit")
    assert await checked(town) == Broken(1, because("record_cut_off", height=LINES, seq=0))


async def test_an_end_that_was_cut_off_with_care_shows_against_a_head_that_was_kept(town):
    """Whoever also resets the database's memory of the highest number is found by a head that is kept elsewhere."""
    head = (await checked(town)).head
    unlock(town)
    town.raw("DELETE FROM audit WHERE seq > 5")
    town.raw("UPDATE sqlite_sequence SET seq = 5 WHERE name = 'audit'")
    assert isinstance(await checked(town), Verified)
    assert (await checked(town, head)).seq == 6


async def test_a_record_made_anew_as_a_whole_shows_against_a_head_that_was_kept(town):
    head = (await checked(town)).head
    unlock(town)
    previous = START.digest
    for line in await town.service.ask(lambda unit: list(unit.audit.all())):
        entry = replace(line.entry, actor="Bruno")
        digest = digest_of(previous, entry)
        town.raw("UPDATE audit SET actor = 'Bruno', previous = ?, digest = ? WHERE seq = ?", previous, digest, line.seq)
        previous = digest
    assert isinstance(await checked(town), Verified)  # what a chain of hashes can't show by itself
    assert (await checked(town, head)).seq == LINES


async def test_what_is_written_while_it_is_read_is_no_fault(town):
    height = await town.service.ask(lambda unit: unit.audit.height())
    await town.add()
    result = await town.service.ask(lambda unit: verify(unit.audit.all(), height))
    assert isinstance(result, Verified)
    assert result.lines == height + 1


def test_a_record_that_was_emptied_shows_beside_accounts():
    assert verify([], 0) == Verified(0, START)
    assert verify([], 0, begun=True) == Broken(1, because("record_emptied"))
    entry = AuditEntry(NOW, "Anne", "author", "console", "", "post", "a1")
    line = Chained(1, entry, START.digest, digest_of(START.digest, entry))
    assert verify([line], 1, begun=True) == Verified(1, Head(1, line.digest))
    assert verify([line], 0, begun=True) == Broken(2, because("record_emptied")), "its count is gone"


async def test_an_empty_record_is_whole(town):
    assert verify([], height=0) == Verified(0, START)
    assert verify([], height=0, expected=START) == Verified(0, START)


@in_one_test
@pytest.mark.parametrize("text", ["", "7", "7:abc", f"x:{'0' * 64}", f"7:{'0' * 64}0"])
def test_what_is_no_head(text):
    with pytest.raises(Misuse, match="SEQ:DIGEST"):
        head_of(text)


words = st.text(max_size=8)
moments = st.integers(-(10**12), 10**15).map(lambda microseconds: NOW + timedelta(microseconds=microseconds))
entries = st.builds(AuditEntry, moments, *[words] * 7)


def chained(entries_):
    lines, previous = [], START.digest
    for seq, entry in enumerate(entries_, start=1):
        digest = digest_of(previous, entry)
        lines.append(Chained(seq, entry, previous, digest))
        previous = digest
    return lines


@given(st.lists(entries, max_size=6))
def test_every_chain_verifies(entries_):
    lines = chained(entries_)
    head = Head(len(lines), lines[-1].digest) if lines else START
    assert verify(lines, len(lines), head) == Verified(len(lines), head)


@given(st.lists(entries, min_size=1, max_size=6), st.data())
def test_every_change_of_every_chain_is_found(entries_, data):
    lines = chained(entries_)
    place = data.draw(st.integers(0, len(lines) - 1))
    field = data.draw(st.sampled_from([each.name for each in fields(AuditEntry)]))
    entry = lines[place].entry
    values = moments if field == "at" else words
    value = data.draw(values.filter(lambda value: value != getattr(entry, field)))
    lines[place] = replace(lines[place], entry=replace(entry, **{field: value}))
    assert verify(lines) == Broken(place + 1, because("record_changed"))


@given(words, words, words)
def test_no_two_fields_run_together(one, two, three):
    entry = AuditEntry(NOW, one, two, three, "", "", "")
    other = AuditEntry(NOW, one + two, "", three, "", "", "")
    assert (digest_of(START.digest, entry) == digest_of(START.digest, other)) is (entry == other)
