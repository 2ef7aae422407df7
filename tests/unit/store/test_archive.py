"""What is long finished goes, in slices; its report and the audit log stay; nothing unfinished goes."""

from __future__ import annotations

from datetime import timedelta

import pytest

from alerts.model.incident import AlertState, Wanted
from alerts.model.post import PostState
from alerts.model.reason import in_words
from alerts.store.archive import MOST, Archive
from alerts.store.files import opened
from alerts.store.statement import stamp
from alerts.store.unit import transaction
from alerts.store.views import Views
from bench.history import fill
from tests.unit.store.conftest import NOW
from tests.walls import in_one_test

LATER = NOW + timedelta(days=400)
KEEP = timedelta(days=365)
HOLDS = ("alert", "post", "attempt", "decision", "reference", "bulk", "tally")


@pytest.fixture
def pruned(shelf):
    """Goes along all of it at `LATER`; returns how many incidents went."""

    def go() -> int:
        gone, after, is_last = 0, 0, False
        while not is_last:
            with transaction(shelf._db):
                done = Archive(shelf._db).prune(LATER - KEEP, LATER, after)
            assert done.gone <= MOST
            gone, after, is_last = gone + done.gone, done.after, done.is_last
        return gone

    return go


def counted(shelf) -> dict[str, int]:
    return {table: shelf.rows(f"SELECT count(*) AS n FROM {table}")[0]["n"] for table in HOLDS}


def test_an_incident_that_was_over_for_long_goes_with_all_its_rows_and_out_of_searches(shelf, pruned, engine):
    stored = shelf.alert("old")
    post = shelf.post(stored, state=PostState.SENT)
    shelf._db.execute(
        "INSERT INTO attempt (post_id, channel, action, owner, counts, left_at) VALUES (?, 'x', 'send', 'us', true, 0)",
        (post.id,),
    )
    with shelf.alerts() as alerts:
        alerts.note(NOW, "old", post.id, "accepted", in_words("why"))
        shelf._db.execute("INSERT INTO reference VALUES ('urn-earlier', 'old')")
    new = shelf.post(shelf.alert("new", received_at=LATER), state=PostState.SENT)

    assert pruned() == 1

    assert counted(shelf) == {
        "alert": 1, "post": 1, "attempt": 0, "decision": 0, "reference": 0, "bulk": 0, "tally": 1
    }  # fmt: skip
    assert Views(shelf._db).post_counts() == {("x", PostState.SENT): 1}
    assert [each.id for each in Views(shelf._db).page(Wanted(words="wind"))] == ["new"]
    if engine == "file":
        assert not shelf.rows("PRAGMA foreign_key_check")
    assert shelf.again(new)


@in_one_test
@pytest.mark.parametrize(
    "unfinished",
    [
        {"state": PostState.WAITING},
        {"state": PostState.QUEUED},
        {"state": PostState.SENDING},
        {"state": PostState.IN_DOUBT},
    ],
)
def test_nothing_unfinished_goes_however_old(shelf, pruned, unfinished):
    shelf.post(shelf.alert(), **unfinished)

    assert pruned() == 0


def test_an_incident_whose_newest_message_is_not_old_stays_whole(shelf, pruned):
    first = shelf.alert("first", incident="i")
    shelf.post(first, state=PostState.SENT)
    shelf.alert("second", incident="i", received_at=LATER - KEEP + timedelta(days=1))

    assert pruned() == 0
    assert counted(shelf)["alert"] == 2


def test_what_waits_stays_and_what_was_left_out_leaves_nothing(shelf, pruned):
    shelf.alert("waiting", state=AlertState.WAITING)
    shelf.alert("out", state=AlertState.LEFT_OUT)

    assert pruned() == 1
    assert shelf.rows("SELECT id FROM alert") == [{"id": "waiting"}]
    assert shelf.rows("SELECT name FROM archive") == []


def test_what_was_kept_is_all_that_was_there_by_the_incident_s_name_and_the_message_s(shelf, pruned):
    stored = shelf.alert("old")
    posts = [shelf.post(stored, state=PostState.SENT, sent_at=NOW), shelf.post(stored, state=PostState.FAILED)]
    with shelf.alerts() as alerts:
        alerts.note(NOW, "old", posts[0].id, "accepted", in_words("why"))
    before = Views(shelf._db).history(stored.incident_id)

    assert pruned() == 1

    for name in ("old", stored.incident_id):
        kept = Archive(shelf._db).find(name)
        assert (kept.incident, list(kept.stored_alerts), list(kept.posts)) == (stored.incident_id, [stored], posts)
        assert list(kept.events) == before
    assert Archive(shelf._db).find("nothing") is None


def test_a_long_history_goes_in_slices(tmp_path):
    file = tmp_path / "tocsin.db"
    fill(file, 300, now=NOW)
    with opened(file) as db:
        slices, after, is_last = [], 0, False
        while not is_last:
            with transaction(db):
                done = Archive(db).prune(NOW - KEEP, NOW, after)
            slices, after, is_last = [*slices, done.gone], done.after, done.is_last
        assert max(slices) == MOST
        assert 60 <= sum(slices) <= 70, "two of three years"
        assert db.execute("SELECT min(received_at) FROM alert").fetchone()[0] > stamp(NOW - KEEP - timedelta(days=11))
        assert db.execute("SELECT count(*) FROM archive WHERE kept IS NOT NULL").fetchone()[0] == sum(slices)


def test_what_nobody_reads_is_closed_so_that_it_is_not_passed_for_ever(shelf):
    shelf.post(shelf.alert("unread"), state=PostState.DROPPED)
    shelf.post(shelf.alert("read"), state=PostState.SENT)
    with shelf.alerts():
        assert Archive(shelf._db).close_what_nobody_reads(NOW + timedelta(days=29)) == 0
        assert Archive(shelf._db).close_what_nobody_reads(NOW + timedelta(days=31)) == 1
        assert Archive(shelf._db).close_what_nobody_reads(NOW + timedelta(days=31)) == 0
    assert shelf.rows("SELECT id FROM alert WHERE closed_at IS NOT NULL") == [{"id": "unread"}]
