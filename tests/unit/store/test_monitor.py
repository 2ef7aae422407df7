"""What the watch reads: what doesn't get out, how sources do, and what it keeps."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from alerts.model.ports import Memory
from alerts.model.post import PostState
from alerts.model.reason import in_words
from alerts.store import monitor
from alerts.store.files import connect
from alerts.store.memory import SourceMemory
from alerts.store.monitor import OWN_WARNINGS, Monitor, Pile
from alerts.store.statement import stamp
from tests.unit.store.conftest import NOW

MINUTE = timedelta(minutes=1)


@pytest.fixture
def db(path):
    db = connect(path)
    yield db
    db.close()


def try_to_send(db, post, at, action="send") -> None:
    db.execute(
        "INSERT INTO attempt (post_id, channel, action, owner, counts, left_at) VALUES (?, ?, ?, 'us', 1, ?)",
        (post.id, post.channel, action, stamp(at)),
    )


def test_a_post_is_stuck_from_its_first_try_on(db, shelf):
    post = shelf.post(reason=in_words("status 503"))
    try_to_send(db, post, NOW)
    try_to_send(db, post, NOW + 5 * MINUTE)

    assert Monitor(db).stuck("x", NOW - MINUTE) is None
    assert Monitor(db).stuck("x", NOW) == Pile(1, NOW, in_words("status 503"))
    assert Monitor(db).stuck("page", NOW) is None


def test_posts_are_counted_once_each_and_the_oldest_tells_since_when(db, shelf):
    for minute in range(3):
        post = shelf.post()
        for later in range(2):
            try_to_send(db, post, NOW + (minute + later) * MINUTE)

    pile = Monitor(db).stuck("x", NOW + 9 * MINUTE)
    assert (pile.posts, pile.since) == (3, NOW)


@pytest.mark.parametrize("state", list(PostState))
def test_only_what_is_still_tried_is_stuck_and_only_what_waits_for_an_officer_undecided(db, shelf, state):
    post = shelf.post(next_try=NOW if state is PostState.IN_DOUBT else None)
    try_to_send(db, post, NOW)
    shelf.move(post, state)

    on_its_way = state in (PostState.QUEUED, PostState.SENDING, PostState.IN_DOUBT)
    assert (Monitor(db).stuck("x", NOW) is not None) is on_its_way
    assert (Monitor(db).undecided("x", NOW) is not None) is (state is PostState.FAILED)


def test_a_doubt_without_a_next_look_is_the_officer_s(db, shelf):
    post = shelf.post(reason=in_words("it may be out"))
    try_to_send(db, post, NOW)
    shelf.move(post, PostState.IN_DOUBT)

    assert Monitor(db).stuck("x", NOW) is None
    assert Monitor(db).undecided("x", NOW) == Pile(1, NOW, in_words("it may be out"))
    assert Monitor(db).undecided("x", post.expires) is None, "it matters no more"


def test_what_only_waits_for_its_turn_is_not_stuck(db, shelf):
    post = shelf.post()
    assert Monitor(db).stuck("x", NOW + timedelta(days=1)) is None
    try_to_send(db, post, NOW, action="look")
    assert Monitor(db).stuck("x", NOW + timedelta(days=1)) is None


def test_our_own_warnings_are_nothing_to_warn_of(db, shelf):
    post = shelf.post(shelf.alert(source=OWN_WARNINGS))
    try_to_send(db, post, NOW)
    assert Monitor(db).stuck("x", NOW) is None
    shelf.move(post, PostState.FAILED)
    assert Monitor(db).undecided("x", NOW) is None


def test_a_source_s_mark_changes_with_what_it_says(db):
    SourceMemory(db).remember("meteo", Memory(etag='"1"', digest="d1"), NOW, NOW)
    SourceMemory(db).remember("travaux", Memory(etag='"1"'), NOW, NOW)
    SourceMemory(db).remember("silent", Memory(), NOW, NOW)

    seen = Monitor(db).sources_seen()
    assert {name: row.mark for name, row in seen.items()} == {"meteo": "d1", "travaux": '"1"', "silent": None}
    assert (seen["meteo"].last_ok, seen["meteo"].failures) == (NOW, 0)


def test_what_is_kept_is_kept_apart_from_the_channels_facts(db):
    db.execute("INSERT INTO fact VALUES ('x', 'user', '42')")
    Monitor(db).remember("last round", "1")
    Monitor(db).remember("last round", "2")

    assert Monitor(db).recall() == {"last round": "2"}


@pytest.mark.parametrize("statement", [monitor._STUCK, monitor._UNDECIDED], ids=["stuck", "undecided"])
def test_a_round_reads_no_whole_table(db, statement):
    sql = statement.for_sqlite
    values = dict.fromkeys(re.findall(r":(\w+)", sql), 1)
    steps = [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {sql}", values)]

    assert any("ix_post_lane (channel=? AND state=?" in step for step in steps), steps
    assert not [step for step in steps if step.startswith("SCAN")], steps
