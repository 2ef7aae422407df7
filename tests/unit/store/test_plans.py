"""With fifty thousand posts every statement of a lane still looks only at what it is about."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest

from alerts.model.incident import Wanted
from alerts.store import alerts, memory, views
from alerts.store import outbox_statements as lane_asks
from alerts.store.files import connect, migrate
from alerts.store.monitor import Monitor
from alerts.store.restoring import Restored
from alerts.store.statement import Statement
from alerts.store.views import Views
from bench.history import fill
from tests.unit.store.conftest import NOW
from tests.walls import in_one_test

POSTS = 50_000
COLUMNS = """(id, alert_id, incident, channel, kind, means, state, priority, severity, exercise, text, plain, language,
              warnings, tries, looks, stored_at, sent_at, remote_id)"""
FEW = ("SCAN lease", "SCAN fact")
"""A row for each lane, and a few for each channel, however many posts there are."""
LANE = {
    name: statement
    for module in (lane_asks, alerts, memory)
    for name, statement in vars(module).items()
    if isinstance(statement, Statement)
}


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    path = tmp_path_factory.mktemp("plans") / "tocsin.db"
    migrate(path)
    db = connect(path)
    db.execute("BEGIN")
    db.execute(
        "INSERT INTO alert (id, incident, source, state, notes, received_at) VALUES ('a', 'i', 's', 'accepted', '', 0)"
    )
    db.execute(
        f"""WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {POSTS})
        INSERT INTO post {COLUMNS}
        SELECT 'p' || i, 'a', 'i' || (i / 3), 'c' || (i % 2), 'publish', 'new',
               CASE WHEN i % 100 THEN 'sent' ELSE 'queued' END, 20, 'Moderate', 0, '', '', 'fr', '[]', 1, 0, i, i, i
        FROM n"""
    )
    db.execute(
        """INSERT INTO attempt (post_id, channel, action, owner, counts, left_at, ended_at)
        SELECT id, channel, 'send', 'us', 1, sent_at, sent_at FROM post"""
    )
    db.execute("COMMIT")
    yield db
    db.close()


def plan(db, statement: Statement) -> list[str]:
    sql = statement.for_sqlite
    values = dict.fromkeys(re.findall(r":(\w+)", sql), 1)
    return [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {sql}", values)]


@in_one_test
@pytest.mark.parametrize("name", sorted(LANE))
def test_no_statement_of_the_desk_or_a_lane_reads_a_whole_table(filled, name):
    scans = [
        step
        for step in plan(filled, LANE[name])
        if step.startswith("SCAN ") and not re.search("VIRTUAL|CONSTANT", step) and step not in FEW
    ]

    assert scans == []


@in_one_test
@pytest.mark.parametrize("name", ["NEXT_DUE", "NEXT_TIME", "EXPIRE", "RELEASE"])
def test_what_a_lane_asks_each_second_looks_at_its_open_posts_alone(filled, name):
    steps = plan(filled, LANE[name])

    assert "SEARCH post USING INDEX ix_post_lane (channel=? AND state=?)" in steps
    assert not any("TEMP B-TREE" in step for step in steps)


def test_known_ids_stop_at_the_newest_two_hundred(filled):
    assert plan(filled, lane_asks.KNOWN_IDS) == ["SEARCH post USING INDEX ix_post_sent (channel=?)"]


def test_orphans_are_found_among_what_has_no_end(filled):
    assert plan(filled, lane_asks.ORPHANS) == ["SEARCH attempt USING INDEX ix_attempt_open (channel=? AND ended_at=?)"]


def test_names_are_looked_up_in_indexes(filled):
    for beginning in alerts._BEGINNINGS:
        assert all("SEARCH alert USING" in step for step in plan(filled, beginning)[:1])
    assert not any("SCAN alert" in step for step in plan(filled, alerts._NAMED))


def test_what_the_public_page_asks_at_each_change_reads_nothing_of_long_ago(filled):
    """The state alone finds nearly every alert there ever was: an index of states is no help."""
    assert plan(filled, views._CURRENT)[0] == "SEARCH alert USING INDEX ix_alert_expires (expires>?)"
    newest = plan(filled, views._PUBLISHED)
    assert newest[1] == "SCAN alert", "backwards from the newest, as many as are asked for"
    assert "USE TEMP B-TREE FOR ORDER BY" not in newest[:2]


ASKED = {
    "a look for a doubtful post": lambda db: Restored(db).newest_known("x", NOW),
    "the same, of a channel that has none": lambda db: Restored(db).newest_known("quiet", NOW),
    "whether the clock was set": lambda db: lane_asks.NEWEST_ATTEMPT.rows(db, channel="x"),
    "metrics": lambda db: Views(db).post_counts(),
    "what is on": lambda db: Views(db).on_now(NOW),
    "what is on at the desk": lambda db: Views(db).on(NOW),
    "what is over": lambda db: alerts.AlertRepository(db).over(NOW),
    "what those on call were told": lambda db: Monitor(db).reported(NOW),
    "what the watch looks at": lambda db: [Monitor(db).stuck("x", NOW), Monitor(db).undecided("x", NOW)],
    "the public pages": lambda db: Views(db).public_incidents(NOW),
    "the newest": lambda db: Views(db).page(Wanted(), most=2),
    "a search for many": lambda db: Views(db).page(Wanted(words="verglas"), most=2),
    "a search for what isn't there": lambda db: Views(db).page(Wanted(words="tsunami"), most=2),
    "a search for one": lambda db: Views(db).page(Wanted(words="rue 17"), most=2),
}


@pytest.fixture(scope="module")
def histories(tmp_path_factory):
    """The same town after three hundred posts and after thirty thousand, with what is on today."""
    folder, opened = tmp_path_factory.mktemp("histories"), []
    for posts in (300, 30_000):
        path = folder / f"{posts}.db"
        fill(path, posts, now=NOW - timedelta(days=1))
        opened.append(connect(path))
    yield opened
    for db in opened:
        db.close()


def steps(db, ask: Callable) -> int:
    """How many tens of SQLite's steps a question takes."""
    taken = [0]

    def count() -> int:
        taken[0] += 1
        return 0

    ask(db)
    db.set_progress_handler(count, 10)
    ask(db)
    db.set_progress_handler(None, 0)
    return taken[0]


@in_one_test
@pytest.mark.parametrize("name", sorted(ASKED))
def test_what_is_asked_costs_no_more_after_a_hundred_times_as_many_posts(histories, name):
    few, many = (steps(db, ASKED[name]) for db in histories)

    assert many <= 2 * few + 30
