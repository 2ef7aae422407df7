"""One row of work for many: who gets it, who waits, who gets its update and its end, and nobody twice or never."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import time, timedelta

import pytest

from alerts.model.alert import Severity
from alerts.model.delivery import ExchangeRequest, SendOutcome, SendResult
from alerts.model.post import PostKind
from alerts.model.subscriber import Notice, Quiet, Subscriber, Topic
from alerts.store.bulk import Bulks, BulkScope
from alerts.store.bulk_results import checkpoint, progress
from alerts.store.database import Database
from alerts.store.statement import stamp
from alerts.store.subscribers import Subscribers
from alerts.store.unit import transaction
from tests.unit.store.bulk_turns import MINOR, MODERATE, SEVERE, ZONE, Turns, chats, people, sent
from tests.unit.store.conftest import NOW
from tests.walls import in_one_test

NIGHT = Quiet(time(12, 0), time(14, 30))  # the tests' noon is one o'clock in Paris


@pytest.fixture
def turns(path):
    turns = Turns(path)
    yield turns
    turns.db.close()


def test_everybody_who_wants_it_gets_it_once_and_nobody_else(turns):
    turns.subscribe(*people(1, 2, 3), Subscriber(4, topics=frozenset({Topic.WATER})), Subscriber(5, on=False))
    bulk = turns.file()

    told = turns.deliver()

    assert chats(told) == [1, 2, 3]
    row = turns.bulk(bulk)
    assert (row["state"], row["total"], row["sent"], row["skipped"], row["failed"]) == ("done", 4, 3, 1, 0)
    assert turns.rows("SELECT * FROM bulk_flight") == []


def test_no_more_are_handed_over_than_there_is_room_for(turns):
    turns.subscribe(*people(*range(1, 100)))
    turns.file()
    assert len(turns.turn(room=7)) == 7
    assert turns.rows("SELECT count(*) FROM bulk_flight") == [(7,)]


def test_the_districts_and_the_severity_are_minded(turns):
    mill = frozenset({"D2"})
    turns.subscribe(Subscriber(1), Subscriber(2, districts=mill), Subscriber(3, severity=Severity.EXTREME))
    turns.file(notice=Notice(Topic.WEATHER, Severity.SEVERE, frozenset({"D1"})))
    assert chats(turns.deliver()) == [1]


def test_after_a_kill_those_under_way_are_told_again_and_nobody_is_lost(turns):
    turns.subscribe(*people(*range(1, 11)))
    bulk = turns.file()
    first = turns.turn(room=4)
    turns.turn(*[SendResult(target, SendOutcome.SENT, 5) for target in first[:3]], room=0)

    turns.kill()
    told = chats(turns.deliver())

    assert sorted(told) == list(range(4, 11))
    assert turns.bulk(bulk)["sent"] == 10


def checkpoint_of(turns, *results: SendResult) -> None:
    with transaction(turns.db):
        checkpoint(turns.db, results)


def test_who_was_jotted_down_before_a_kill_is_not_told_again_and_counts(turns):
    turns.subscribe(*people(*range(1, 11)))
    bulk = turns.file()
    checkpoint_of(turns, *sent(turns.turn(room=6)[:4]))

    turns.kill()
    told = chats(turns.deliver())

    assert sorted(told) == list(range(5, 11))
    assert turns.bulk(bulk)["sent"] == 10
    assert turns.rows("SELECT count(*), min(message_id) FROM received") == [(10, 5)]
    assert turns.rows("SELECT * FROM bulk_landed UNION ALL SELECT * FROM bulk_flight") == []


def test_who_was_jotted_down_hears_of_the_end_though_the_alert_is_over_by_then(turns):
    turns.subscribe(*people(*range(1, 5)))
    turns.file()
    first = turns.turn(room=2)
    end = turns.file(kind=PostKind.END)
    checkpoint_of(turns, *sent(first))
    assert chats(turns.deliver()) == [1, 2]
    assert turns.bulk(end)["sent"] == 2
    assert turns.rows("SELECT * FROM received") == []


def test_an_update_that_has_passed_somebody_by_reaches_them_once_they_are_jotted_down(turns):
    turns.subscribe(*people(1, 2, severity=Severity.SEVERE))
    turns.file(notice=SEVERE)
    first = turns.turn(room=2)
    update = turns.file(kind=PostKind.UPDATE)
    assert turns.turn(room=2) == []
    checkpoint_of(turns, *sent(first))
    assert chats(turns.deliver()) == [1, 2]
    assert turns.bulk(update)["sent"] == 2


def test_a_chat_that_is_jotted_down_is_forgotten_and_moved_like_any_other(turns):
    turns.subscribe(*people(1, 2, 3))
    turns.file()
    checkpoint_of(turns, *sent(turns.turn()))
    with transaction(turns.db):
        Subscribers(turns.db).forget("telegram", 1)
        Subscribers(turns.db).moved("telegram", 2, -1002)
    assert turns.rows("SELECT got FROM bulk_landed") == [("[[-1002,5],[3,5]]",)]
    turns.deliver()
    assert turns.rows("SELECT chat FROM received") == [(-1002,), (3,)]


def test_who_is_forgotten_under_way_stays_forgotten_when_it_lands(turns):
    turns.subscribe(*people(1, 2))
    turns.file()
    first = turns.turn()
    with transaction(turns.db):
        Subscribers(turns.db).forget("telegram", 1)
    checkpoint_of(turns, *sent(first))
    turns.deliver()
    assert turns.rows("SELECT chat FROM received") == [(2,)]
    assert turns.rows("SELECT chat FROM bulk_flight") == []


async def test_in_a_hurry_a_turn_is_carried_out_at_once_where_nobody_writes(path, turns):
    turns.subscribe(*people(*range(1, 30)))
    turns.file()
    database = await Database.open(path)
    bulks = Bulks(database, BulkScope("telegram"))
    ask = ExchangeRequest(turns.now.astimezone(ZONE), room=3, hurry=True)
    await bulks.turn(turns.lease, ask)  # the first one is on the disk when it returns
    commits = database.commits
    turn = await bulks.turn(turns.lease, replace(ask, working="b1", withdrew=False))
    assert (chats(turn.targets), database.commits) == ([4, 5, 6], commits)

    with transaction(turns.db):
        waits = asyncio.create_task(bulks.turn(turns.lease, replace(ask, working="b1", withdrew=False)))
        await asyncio.sleep(0)
        assert not bulks.checkpoint(sent(turn.targets))
    assert chats((await waits).targets) == [7, 8, 9]
    assert bulks.checkpoint(sent(turn.targets))
    await database.close()


@in_one_test
@pytest.mark.parametrize("state", ["waiting", "rejected", "superseded", "expired", "dropped"])
def test_it_goes_only_where_its_post_may(turns, state):
    turns.subscribe(*people(1))
    bulk = turns.file(post=state)
    assert turns.deliver() == []
    assert turns.bulk(bulk)["state"] == ("queued" if state == "waiting" else "stopped")


def test_it_goes_once_its_alert_is_validated(turns):
    turns.subscribe(*people(1))
    bulk = turns.file(post="waiting")
    turns.turn()
    turns.put_post(bulk, "queued")
    assert chats(turns.deliver()) == [1]


def test_what_is_over_is_never_begun_and_an_exercise_stays_one(turns):
    turns.subscribe(*people(1))
    over, drill = turns.file(expires=turns.now), turns.file("i2", exercise=True)
    assert turns.deliver() == []
    assert [turns.bulk(each)["state"] for each in (over, drill)] == ["stopped", "stopped"]


def test_on_a_channel_of_exercises_nothing_else_goes_out(path):
    turns = Turns(path, exercises=True)
    turns.subscribe(*people(1))
    turns.file()
    drill = turns.file("i2", exercise=True)
    assert [target.bulks[0].id for target in turns.deliver()] == [drill.id]
    turns.db.close()


def test_a_cancelled_alert_stops_and_its_end_goes_to_those_who_have_it(turns):
    turns.subscribe(*people(*range(1, 11)))
    bulk = turns.file()
    targets = turns.turn(room=3)
    end = turns.file(kind=PostKind.END)

    assert turns.turn(*[SendResult(target, SendOutcome.SENT, 40 + target.chat) for target in targets], room=0) == []
    told = turns.deliver()

    assert turns.bulk(bulk)["state"] == "stopped"
    assert [(target.chat, target.message) for target in told] == [(1, 41), (2, 42), (3, 43)]
    assert turns.bulk(end)["state"] == "done"
    assert turns.rows("SELECT * FROM received") == [], "nothing more is to be told of it"


def test_who_got_it_while_it_was_being_cancelled_gets_the_end_too(turns):
    turns.subscribe(*people(1, 2))
    turns.file()
    hung, quick = turns.turn()
    turns.turn(SendResult(quick, SendOutcome.SENT, 5))
    turns.file(kind=PostKind.END)
    assert chats(turns.deliver()) == [2]

    [target] = turns.turn(SendResult(hung, SendOutcome.SENT, 6))

    assert (target.chat, target.message, target.bulks[0].kind) == (1, 6, PostKind.END)


def test_an_update_answers_what_they_have_and_goes_to_nobody_else(turns):
    turns.subscribe(*people(1, 2))
    turns.file()
    turns.deliver(message=9)
    turns.subscribe(*people(3))
    turns.file(kind=PostKind.UPDATE)
    assert [(target.chat, target.message, target.edits) for target in turns.deliver()] == [(1, 9, False), (2, 9, False)]


def test_an_update_that_reaches_further_is_told_to_others_as_well(turns):
    turns.subscribe(Subscriber(1), Subscriber(2, severity=Severity.SEVERE))
    turns.file()
    turns.deliver(message=9)
    turns.file(kind=PostKind.UPDATE, notice=SEVERE, everyone=True)
    assert [(target.chat, target.message) for target in turns.deliver()] == [(1, 9), (2, None)]


def test_an_update_goes_on_where_its_alert_had_got_to(turns):
    turns.subscribe(*people(*range(1, 6)))
    turns.file()
    targets = turns.turn(room=2)
    turns.file(kind=PostKind.UPDATE)
    turns.turn(*[SendResult(target, SendOutcome.SENT, 5) for target in targets], room=0)
    told = turns.deliver()
    assert [(target.chat, target.message) for target in told] == [(1, 5), (2, 5), (3, None), (4, None), (5, None)]


def test_an_edit_takes_nothing_away_that_stands_in_the_same_message(turns):
    turns.subscribe(*people(1), *people(2, quiet=NIGHT))
    turns.file("i1", edits=True)
    turns.file("i2", edits=True)
    turns.deliver(message=9)
    turns.now += timedelta(hours=2)
    turns.deliver(message=9)
    turns.file("i1", kind=PostKind.UPDATE, edits=True)
    assert [(target.chat, target.edits) for target in turns.deliver()] == [(1, False), (2, False)]


def test_an_update_takes_the_place_of_the_message_where_the_channel_says_so(turns):
    turns.subscribe(*people(1))
    turns.file("i1")
    turns.deliver(message=9)
    turns.file("i1", kind=PostKind.UPDATE, edits=True)
    assert [(target.message, target.edits) for target in turns.deliver()] == [(9, True)]


def test_severe_goes_ahead_of_what_is_under_way(turns):
    turns.subscribe(*people(*range(1, 6)))
    routine = turns.file("i1")
    turns.turn(room=2)
    urgent = turns.file("i2", notice=SEVERE)
    assert {target.bulks[0].id for target in turns.turn(room=3)} == {urgent.id}
    turns.flying = []
    assert chats(turns.deliver())[-2:] == [1, 2], "those who were under way, when the other one was through"
    turns.now += timedelta(minutes=4)
    assert chats(turns.deliver()) == [3, 4, 5]
    assert turns.bulk(routine)["sent"] == 5


def test_quiet_hours_keep_routine_things_until_they_are_over_and_bring_them_as_one_message(turns):
    turns.subscribe(*people(1, quiet=NIGHT), *people(2))
    bulks = [turns.file("i1"), turns.file("i2")]
    assert {target.chat for target in turns.deliver()} == {2}
    assert [each.deferred for each in progress(turns.db, turns.now)] == [1, 2], "2 had got another a moment before"

    turns.now += timedelta(hours=1, minutes=29)
    assert chats(turns.deliver()) == [2]
    turns.now += timedelta(minutes=2)
    [target] = turns.deliver()

    assert (target.chat, {bulk.id for bulk in target.bulks}) == (1, {bulk.id for bulk in bulks})
    assert turns.rows("SELECT * FROM held_back") == []
    assert [turns.bulk(each)["sent"] for each in bulks] == [2, 2]


def test_severe_is_told_in_quiet_hours_too(turns):
    turns.subscribe(*people(1, quiet=NIGHT))
    turns.file(notice=SEVERE)
    assert chats(turns.deliver()) == [1]


def test_several_within_minutes_come_as_one_message(turns):
    turns.subscribe(*people(1))
    for incident in ("i1", "i2", "i3"):
        turns.file(incident)
        turns.deliver()
    assert turns.rows("SELECT count(*) FROM held_back") == [(2,)]
    assert turns.again_at is not None

    turns.now += timedelta(minutes=3, seconds=1)

    assert [len(target.bulks) for target in turns.deliver()] == [2]


def test_what_was_held_back_and_is_over_or_ended_meanwhile_is_not_told(turns):
    turns.subscribe(*people(1, quiet=NIGHT))
    turns.file("i1", expires=turns.now + timedelta(hours=1))
    turns.file("i2")
    turns.deliver()
    turns.file("i2", kind=PostKind.END)
    turns.deliver()
    turns.now += timedelta(hours=2)
    assert turns.deliver() == []
    assert turns.rows("SELECT * FROM held_back") == []


def test_what_was_held_back_and_updated_is_told_as_it_is_now(turns):
    turns.subscribe(*people(1, quiet=NIGHT))
    turns.file("i1")
    turns.deliver()
    update = turns.file("i1", kind=PostKind.UPDATE)
    turns.deliver()
    turns.now += timedelta(hours=2)
    assert [[bulk.id for bulk in target.bulks] for target in turns.deliver()] == [[update.id]]


def test_who_left_is_forgotten_everywhere(turns):
    turns.subscribe(*people(1, 2))
    bulk = turns.file()
    gone, there = turns.turn()
    turns.turn(SendResult(gone, SendOutcome.LEFT), SendResult(there, SendOutcome.SENT, 5))
    assert turns.rows("SELECT chat FROM subscriber") == [(2,)]
    assert turns.bulk(bulk)["skipped"] == 1
    turns.deliver()
    assert turns.bulk(bulk)["state"] == "done"


def test_a_group_that_moved_is_followed(turns):
    turns.subscribe(*people(-5))
    turns.file()
    [target] = turns.turn()
    turns.turn(SendResult(target, SendOutcome.SENT, 5, moved_to=-1005))
    assert turns.rows("SELECT chat FROM subscriber") == [(-1005,)]
    assert turns.rows("SELECT chat, message_id FROM received") == [(-1005, 5)]


@pytest.mark.parametrize(("notice", "again"), [(MODERATE, [1]), (SEVERE, [1]), (MINOR, [])])
def test_in_doubt_is_told_once_more_at_the_end_from_moderate_on(turns, notice, again):
    turns.subscribe(*people(1, 2))
    bulk = turns.file(notice=notice)
    [first] = turns.turn(room=1)
    [second] = turns.turn(SendResult(first, SendOutcome.DOUBT), room=1)
    told = turns.turn(SendResult(second, SendOutcome.SENT, 5), withdrew=False)
    assert chats(told) == again
    turns.turn(*[SendResult(target, SendOutcome.DOUBT) for target in told])
    turns.deliver()
    row = turns.bulk(bulk)
    assert (row["state"], row["sent"], row["failed"]) == ("done", 1, 1)


def test_under_another_owner_s_lease_nothing_is_kept_or_handed_over(turns):
    turns.subscribe(*people(1))
    turns.file()
    turns.db.execute("UPDATE lease SET owner = 'others'")
    with pytest.raises(AssertionError):
        turns.turn()
    assert turns.rows("SELECT * FROM bulk_flight") == []


def test_progress_tells_when_it_will_be_through(turns):
    turns.subscribe(*people(*range(1, 101)))
    turns.file(post="queued")
    targets = turns.turn(room=25)
    turns.turn(*[SendResult(target, SendOutcome.SENT, 5) for target in targets], room=0)
    turns.now += timedelta(minutes=1)
    [each] = progress(turns.db, turns.now)
    assert (each.state, each.bulk.sent, each.bulk.total) == ("sending", 25, 100)
    assert each.ends_at(turns.now) == turns.now + timedelta(minutes=3)


@pytest.mark.parametrize(("outcome", "told", "state"), [("restored", [], "stopped"), ("sent", [1, 2], "done")])
def test_after_a_restore_they_are_told_unless_its_post_was_out_before(turns, outcome, told, state):
    """Nobody can look into their chats: what became of the post on the channel tells."""
    turns.subscribe(*people(1, 2))
    with transaction(turns.db):
        gap = {"since": stamp(NOW - timedelta(hours=1)), "until": stamp(NOW + timedelta(minutes=1)), "begun": True}
        turns.db.execute("INSERT INTO fact VALUES ('(store)', 'gap', ?)", (json.dumps(gap),))
    bulk = turns.file(post="in_doubt")
    assert turns.turn() == [], "it is looked for"

    with transaction(turns.db):
        turns.db.execute("UPDATE post SET state = 'sent', outcome = ?", (outcome,))

    assert chats(turns.deliver()) == told
    assert turns.bulk(bulk)["state"] == state
