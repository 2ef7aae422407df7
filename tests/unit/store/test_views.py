"""The lists of the desk: what they show, and that they look at no more than they show."""

from __future__ import annotations

import itertools
import re
from datetime import timedelta

import pytest

from alerts.daemon.intake import FileWatch
from alerts.model.alert import Alert, Info, Severity
from alerts.model.delivery import Verdict
from alerts.model.incident import EVERYTHING, MOST_CHANGES, AlertState, Wanted
from alerts.model.post import TO_BE_SEEN_TO, PostKind, PostState, Receipt
from alerts.model.reason import in_words
from alerts.store import lists
from alerts.store import views as statements
from alerts.store.files import connect
from alerts.store.statement import Statement
from alerts.store.unit import Unit, transaction
from alerts.store.views import Views
from tests.unit.store.conftest import LATER, NOW
from tests.walls import in_one_test


@pytest.fixture
def views(shelf):
    return Views(shelf._db)


def worded(headline: str, *, severity: Severity = Severity.MODERATE, expires=LATER) -> Alert:
    return Alert(
        headline, "meteo@example", NOW, infos=(Info("E", severity=severity, headline=headline, expires=expires),)
    )


def ids(stored_alerts) -> list[str]:
    return [stored.id for stored in stored_alerts]


def test_what_is_on_comes_gravest_first_then_what_ends_first(shelf, views):
    for name, severity, hours in (("a", Severity.MINOR, 1), ("b", Severity.EXTREME, 9), ("c", Severity.MINOR, 0.5)):
        stored = shelf.alert(name, alert=worded(name, severity=severity, expires=NOW + timedelta(hours=hours)))
        shelf.post(stored, state=PostState.SENT)

    assert ids(views.on(NOW)) == ["b", "c", "a"]
    assert ids(views.on(NOW, most=2)) == ["b", "c"]


def test_on_is_what_readers_see_or_will_in_its_newest_words(shelf, views):
    shelf.post(shelf.alert("failed"), state=PostState.FAILED)
    first = shelf.alert("first", incident="i")
    shelf.post(first, state=PostState.SENT)
    shelf.alert("update", incident="i")
    ended = shelf.alert("ended", incident="e")
    shelf.post(ended, state=PostState.SENT)
    shelf.post(ended, state=PostState.SENT, kind=PostKind.END)
    again = shelf.alert("again", incident="g")
    shelf.post(again, state=PostState.SENT, kind=PostKind.END)
    shelf.post(again, state=PostState.QUEUED)
    over = shelf.alert("over", alert=worded("over", expires=NOW - timedelta(minutes=1)))
    shelf.post(over, state=PostState.SENT)
    shelf.post(shelf.alert("held", state=AlertState.WAITING), state=PostState.WAITING)

    assert set(ids(views.on(NOW))) == {"update", "again"}


def test_an_end_that_was_dropped_ends_nothing(shelf, views):
    stored = shelf.alert("a")
    shelf.post(stored, state=PostState.SENT)
    shelf.post(stored, state=PostState.DROPPED, kind=PostKind.END)

    assert ids(views.on(NOW)) == ["a"]


@in_one_test
@pytest.mark.parametrize("state", TO_BE_SEEN_TO)
def test_posts_in_a_state_come_by_their_place_in_the_lane(shelf, views, state):
    small = shelf.post(state=state, priority=11)
    great = shelf.post(state=state, priority=40)
    newer = shelf.post(state=state, priority=40)
    shelf.post(state=PostState.SENT, priority=44)

    assert [post.id for post in views.posts_in(state)] == [newer.id, great.id, small.id]
    assert len(views.posts_in(state, most=2)) == 2


def test_what_waits_comes_by_when_it_goes_out_then_by_gravity_and_age(shelf, views):
    def held(name, priority=11, **changes):
        stored = shelf.alert(name, state=AlertState.WAITING)
        for _ in range(3):
            shelf.post(stored, state=PostState.WAITING, priority=priority, **changes)

    held("old")
    held("new")
    held("grave", priority=44)
    held("late", not_before=LATER)
    held("soon", not_before=NOW)
    shelf.post(shelf.alert("out"), state=PostState.SENT)
    shelf.post(shelf.alert("failed"), state=PostState.FAILED)

    assert views.waiting() == ["soon", "late", "grave", "old", "new"]
    assert views.waiting(skip=1, most=2) == ["late", "grave"]
    assert views.unsettled_counts() == {PostState.WAITING: 5, PostState.FAILED: 1}


def test_records_and_threads_are_found_by_their_names(shelf, views):
    one, other = shelf.alert("a", incident="i"), shelf.alert("b", incident="j")
    posts = [shelf.post(one), shelf.post(other), shelf.post(one)]

    assert views.stored_alerts(["b", "none"]) == {"b": other}
    assert {name: [post.id for post in thread] for name, thread in views.threads(["i", "none"]).items()} == {
        "i": [posts[0].id, posts[2].id],
        "none": [],
    }


def test_a_page_shows_the_newest_first_from_before_a_message(shelf, views):
    for name in "abcd":
        shelf.alert(name)

    assert ids(views.page(Wanted(), most=2)) == ["d", "c"]
    assert ids(views.page(Wanted(), before="c", most=9)) == ["b", "a"]
    assert ids(views.page(Wanted(), before="nothing")) == []


def test_a_page_shows_what_fits_every_wish(shelf, views):
    shelf.post(shelf.alert("wind", alert=worded("Strong Wind")), state=PostState.SENT)
    shelf.post(shelf.alert("school", alert=worded("École fermée"), source="manual"), state=PostState.FAILED)
    shelf.alert("out", state=AlertState.LEFT_OUT, alert=worded("Else"))
    shelf.alert("no", state=AlertState.REJECTED, alert=worded("100 % sure"))

    def found(**wish) -> list[str]:
        return ids(views.page(Wanted(**wish)))

    assert found(state=AlertState.ACCEPTED) == ["school", "wind"]
    assert found(state=AlertState.LEFT_OUT) == ["out"]
    assert found(state=AlertState.REJECTED) == ["no"]
    assert found(source="manual") == ["school"]
    assert found(post_state=PostState.SENT) == ["wind"]
    assert found(post_state=PostState.FAILED) == ["school"]
    assert found(words="WIND") == ["wind"]
    assert found(words="école") == found(words="ÉCOLE") == ["school"]
    assert found(words="%") == ["no"]
    assert found(words="out") == found(words="eLSe") == ["out"]
    assert found(words="wind", source="manual") == []
    assert found(state=AlertState.ACCEPTED, post_state=PostState.FAILED, source="manual", words="fermée") == ["school"]


@pytest.mark.parametrize(
    "typed",
    [
        "écoles",
        "ecoles",
        "ECOLES",
        "É",
        "fermées à l’",
        "fermees a l'",
        "oeuvre",
        "Œuvre",
        "ŒUVRE",
        "e\u0301coles",
        '"',
    ],
)
def test_words_are_found_with_or_without_accents_anywhere_in_a_headline(shelf, views, typed):
    shelf.alert("school", alert=worded('Les écoles fermées à l’œuvre : « " »'))
    shelf.alert("e\u0301", alert=worded("Wind"))

    assert ids(views.page(Wanted(words=typed))) == ["school"]


def test_what_is_searched_follows_the_alert(shelf, views):
    shelf.alert("wind", alert=worded("Strong Wind"))
    with shelf.alerts():
        shelf._db.execute("UPDATE alert SET headline = 'Grêle', identifier = NULL WHERE id = 'wind'")
    assert ids(views.page(Wanted(words="grele"))) == ["wind"]
    assert ids(views.page(Wanted(words="strong"))) == []
    with shelf.alerts():
        shelf._db.execute("DELETE FROM alert")
    assert ids(views.page(Wanted(words="grele"))) == []


def test_every_letter_is_folded_alike_by_the_index_and_by_who_searches(path):
    """The index folds by triggers, for any version of Tocsin; whoever searches by a table of Python's."""
    db = connect(path)
    [trigger] = db.execute("SELECT sql FROM sqlite_master WHERE name = 'alert_is_found'").fetchone()
    for letter in map(chr, lists._FOLDED.keys() - {0}):
        assert f"'{letter}', '{letter.translate(lists._FOLDED).replace(chr(39), chr(39) * 2)}')" in trigger


def test_posts_are_counted_as_they_come_change_and_go(shelf, views):
    first, second = shelf.post(channel="x"), shelf.post(channel="page")
    shelf.move(first, PostState.SENT)
    shelf.move(first, PostState.SENT)

    assert views.post_counts() == {
        ("x", PostState.QUEUED): 0,
        ("x", PostState.SENT): 1,
        ("page", PostState.QUEUED): 1,
    }
    with shelf.alerts():
        shelf._db.execute("DELETE FROM post WHERE id = ?", (second.id,))
    assert views.post_counts()["page", PostState.QUEUED] == 0


def test_of_too_many_posts_the_newest_went_out_last(shelf, views):
    for minutes in (30, 20, 10, -5):
        shelf.post(state=PostState.SENT, sent_at=NOW - timedelta(minutes=minutes))

    times = [post.sent_at for post in views.sent_between(NOW - timedelta(hours=1), NOW, most=2)]
    assert times == [NOW - timedelta(minutes=20), NOW - timedelta(minutes=10)]


def test_what_touches_a_span_comes_by_its_end(shelf, views):
    shelf.alert("late", alert=worded("late", expires=NOW + timedelta(hours=3)))
    shelf.alert("soon", alert=worded("soon", expires=NOW + timedelta(hours=1)))
    shelf.alert("held", state=AlertState.WAITING, alert=worded("held", expires=NOW + timedelta(hours=2)))
    shelf.alert("out", state=AlertState.LEFT_OUT, alert=worded("Else"))
    shelf.alert("past", alert=worded("past", expires=NOW))

    assert ids(views.starting_between(NOW, NOW + timedelta(days=1))) == ["soon", "held", "late"]


def test_a_look_is_kept_by_account_however_spelled(path, shelf, views):
    with transaction(shelf._db):
        views.looked("Anne", "i", "a", NOW)
        views.looked("ANNE ", "i", "b", NOW)

    assert views.last_look("anne", "i") == "b"
    assert views.last_look("bea", "i") is None


def test_what_changed_since_a_mark_is_named_by_incident(shelf):
    stored = shelf.alert("a", incident="i")
    shelf.post(stored)
    mark = Views(shelf._db).watermark()
    assert Views(shelf._db).changed_since(mark) == (frozenset(), mark)

    with shelf.alerts() as alerts:
        alerts.note(NOW, "a", None, "retried", None)
    found, mark = Views(shelf._db).changed_since(mark)
    assert found == {"i"}

    other = shelf.post(shelf.alert("b", incident="j"))
    with transaction(shelf._db):
        shelf._db.execute(
            "INSERT INTO attempt (post_id, channel, action, owner, counts, left_at)"
            " VALUES (?, 'x', 'send', 'o', true, 1)",
            (other.id,),
        )
    found, mark = Views(shelf._db).changed_since(mark)
    assert found == {"j"}
    assert Views(shelf._db).changed_since(mark)[0] == frozenset()


async def test_another_daemon_s_attempt_is_told_when_it_ends_in_whatever_order_they_end(shelf, outbox, lease):
    posts = [shelf.post(shelf.alert(each, incident=each)) for each in ("slow", "fast", "lost", "fails")]
    times = [NOW + timedelta(seconds=number) for number in range(len(posts))]
    watch, unit = FileWatch(), Unit(shelf._db)
    watch.look(unit)
    begun = [
        await outbox.begin(post, lease, at, action="send", counts=True) for post, at in zip(posts, times, strict=True)
    ]
    assert watch.look(unit)[1] == {"slow", "fast", "lost", "fails"}

    outcomes = {
        1: Verdict(PostState.SENT, "sent", receipt=Receipt("7", None)),
        0: Verdict(PostState.SENT, "sent", receipt=Receipt("8", None)),
        3: Verdict(PostState.FAILED, "rejected", in_words("no")),
        2: Verdict(PostState.IN_DOUBT, "in_doubt", in_words("lost")),
    }
    for number, verdict in outcomes.items():
        post = shelf.again(posts[number])
        await outbox.finish(post, begun[number], verdict, times[number], NOW + timedelta(minutes=1))
        assert watch.look(unit)[1] == {post.incident_id}
    assert watch.look(unit)[1] == frozenset()


def test_very_much_at_once_is_told_as_everything(shelf):
    mark = Views(shelf._db).watermark()
    for number in range(MOST_CHANGES + 1):
        shelf.alert(f"a{number}")
    with shelf.alerts() as alerts:
        for number in range(MOST_CHANGES + 1):
            alerts.note(NOW, f"a{number}", None, "left_out", None)

    assert Views(shelf._db).changed_since(mark)[0] == {EVERYTHING}


def _plan(db, statement: Statement) -> list[str]:
    sql = statement.for_sqlite
    return [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {sql}", dict.fromkeys(re.findall(r":(\w+)", sql), 1))]


FILTERS = ("before", "taken_in", "held", "source", "open", "ended", "words", "phrase")
WALKS = {"words", "ended", "taken_in"}
"""What is met by walking from the newest, which ends when the page is full."""


@in_one_test
@pytest.mark.parametrize("given", [each for n in range(4) for each in itertools.combinations(FILTERS, n)], ids="+".join)
def test_a_page_walks_from_the_newest_or_looks_into_an_index(path, given):
    plan = _plan(connect(path), lists.page_of(*given))

    assert not [step for step in plan if step.startswith("SCAN post")]
    if any(step.startswith("SCAN alert ") for step in plan):
        assert set(given) <= WALKS
        assert not any("TEMP B-TREE" in step for step in plan), "a walk is in order by itself"


FEW = "VIRTUAL|ix_attempt_under_way"
STATEMENTS = {
    **{name: each for name, each in vars(lists).items() if isinstance(each, Statement)},
    "DECIDED": statements._DECIDED,
    "TRIED": statements._TRIED,
    "UNDER_WAY": statements._UNDER_WAY,
    "ENDED": statements._ENDED,
    "ON_NOW": statements._ON_NOW,
    "LAST": statements._TRIED_LAST,
}


@in_one_test
@pytest.mark.parametrize("name", sorted(STATEMENTS))
def test_no_list_reads_a_whole_table(path, name):
    plan = _plan(connect(path), STATEMENTS[name])

    assert [step for step in plan if step.startswith("SCAN ") and not re.search(FEW, step)] == []


@in_one_test
@pytest.mark.parametrize(
    ("name", "index"),
    [
        ("ON", "ix_alert_on"),
        ("POSTS_IN", "ix_post_open"),
        ("TOUCHING", "ix_alert_expires"),
        ("SENT_BETWEEN", "ix_post_sent_at"),
    ],
)
def test_each_list_is_served_in_order_by_its_index(path, name, index):
    plan = _plan(connect(path), STATEMENTS[name])

    assert f"INDEX {index} " in plan[0]
    assert not any("TEMP B-TREE" in step for step in plan)
