"""Who may have a message though nobody knows: after a kill, or where no answer came, they hear what comes of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from alerts.model.delivery import ExchangeRequest, SendOutcome, SendResult
from alerts.model.post import PostKind, PostState
from alerts.store.bulk import Bulks, BulkScope
from alerts.store.subscribers import Subscribers
from alerts.store.unit import transaction
from tests.unit.leases import take
from tests.unit.store.bulk_turns import MINOR, SEVERE, ZONE, Turns, a_told, chats, people, sent
from tests.unit.store.conftest import LATER, NOW, a_post, a_record


@pytest.fixture
def turns(path):
    turns = Turns(path)
    yield turns
    turns.db.close()


def test_an_end_reaches_who_was_under_way_when_its_daemon_was_killed_and_nobody_who_had_nothing(turns):
    turns.subscribe(*people(*range(1, 8)))
    turns.file()
    turns.turn(*sent(turns.turn(room=4)[:2]), room=0)
    turns.kill()
    end = turns.file(kind=PostKind.END)
    ends = turns.deliver()
    assert sorted(chats(ends)) == [1, 2, 3, 4]
    assert [target.message for target in ends] == [5, 5, None, None]
    assert (turns.bulk(end)["state"], turns.bulk(end)["sent"], turns.bulk(end)["total"]) == ("done", 4, 4)
    assert turns.rows("SELECT chat FROM received UNION ALL SELECT chat FROM bulk_flight") == []


def test_nobody_hears_the_end_again_however_many_daemons_come_after(turns):
    turns.subscribe(*people(1, 2, 3))
    turns.file()
    turns.turn(room=2)
    turns.kill()
    turns.file(kind=PostKind.END)
    first = turns.turn(room=1)
    turns.turn(*sent(first), room=0)
    turns.kill()
    assert sorted(chats(turns.deliver())) == [2]
    turns.kill()
    assert turns.deliver() == []


def test_who_was_under_way_at_a_kill_after_their_end_had_passed_them_by_hears_it_all_the_same(turns):
    turns.subscribe(*people(1, 2))
    turns.file()
    hung, quick = turns.turn()
    turns.turn(*sent([quick]))
    end = turns.file(kind=PostKind.END)
    turns.finish(end)
    turns.kill()
    assert sorted(chats(turns.deliver())) == [1] == [hung.chat]
    assert (turns.bulk(end)["state"], turns.bulk(end)["sent"]) == ("done", 2)


def test_an_update_that_takes_something_back_reaches_who_was_under_way_at_a_kill(turns):
    turns.subscribe(*people(1, 2, 3, severity=SEVERE.severity))
    turns.file(notice=SEVERE)
    turns.turn(room=2)
    turns.kill()
    turns.file(kind=PostKind.UPDATE, notice=MINOR, everyone=True)
    assert sorted(chats(turns.deliver())) == [1, 2], "the third had nothing, and doesn't want what is minor"
    turns.file(kind=PostKind.END)
    assert sorted(chats(turns.deliver())) == [1, 2]


def test_who_is_told_again_after_a_kill_is_told_once_and_has_its_number(turns):
    turns.subscribe(*people(1, 2, 3))
    bulk = turns.file()
    turns.turn(room=2)
    turns.kill()
    assert chats(turns.deliver(message=9)) == [1, 2, 3]
    assert turns.bulk(bulk)["sent"] == 3
    assert turns.rows("SELECT chat, message_id FROM received") == [(1, 9), (2, 9), (3, 9)]


def test_what_was_taken_back_before_it_left_makes_nobody_hear_of_the_end(turns):
    turns.subscribe(*people(1, 2, 3))
    turns.file()
    first, *back = turns.turn()
    turns.file("i2", notice=SEVERE)
    graver = turns.turn(*sent([first]))
    turns.flying = [each for each in turns.flying if each not in back]
    turns.file(kind=PostKind.END)
    told = [*graver]
    for _ in range(9):
        told += turns.turn(*sent(turns.flying))
    assert sorted((each.chat, each.bulks[0].incident) for each in told) == [(1, "i1"), (1, "i2"), (2, "i2"), (3, "i2")]
    turns.kill()
    assert turns.deliver() == []


def test_who_had_nothing_when_its_daemon_ended_in_order_hears_nothing_of_the_end(turns):
    turns.subscribe(*people(1, 2, 3, 4))
    bulk = turns.file()
    first, *_ = turns.turn()
    turns.flying = []
    turns.turn(*sent([first]), room=0, last=frozenset({(bulk.id, 4)}))
    turns.kill()
    turns.file(kind=PostKind.END)
    assert sorted(chats(turns.deliver())) == [1, 4], "the fourth was cut off"


def test_an_end_in_order_says_nothing_of_a_kill_that_comes_after_it(turns):
    turns.subscribe(*people(1, 2, 3))
    turns.turn(room=0, last=frozenset())
    turns.kill()
    turns.file()
    turns.turn(room=2)
    turns.kill()
    turns.file(kind=PostKind.END)
    assert sorted(chats(turns.deliver())) == [1, 2]


@pytest.mark.parametrize("notice", [MINOR, SEVERE])
def test_who_may_have_it_by_an_answer_that_was_lost_hears_the_end(turns, notice):
    turns.subscribe(*people(1, 2))
    turns.file(notice=notice)
    first, _ = turns.turn()
    turns.turn(SendResult(first, SendOutcome.DOUBT), room=0)
    turns.file(kind=PostKind.END)
    turns.flying = []  # the second was taken back
    assert sorted(chats(turns.deliver())) == [1]


def test_a_doubt_that_comes_after_the_end_has_gone_by_brings_it(turns):
    turns.subscribe(*people(1, 2))
    turns.file()
    hung, quick = turns.turn()
    turns.turn(*sent([quick]))
    end = turns.file(kind=PostKind.END)
    turns.finish(end)
    assert sorted(chats(turns.turn(SendResult(hung, SendOutcome.DOUBT)) or turns.turn())) == [1]


@pytest.mark.parametrize("unsure", [True, False])
def test_what_is_for_later_since_no_answer_came_may_be_there(turns, unsure):
    turns.subscribe(*people(1, 2))
    turns.file()
    first, second = turns.turn()
    later = SendResult(first, SendOutcome.LATER, until=turns.now + timedelta(minutes=1), unsure=unsure)
    turns.turn(later, *sent([second]))
    turns.file(kind=PostKind.END)
    assert sorted(chats(turns.deliver())) == ([1, 2] if unsure else [2])


@pytest.fixture
def two_for_later(turns):
    """A bulk that is done but for two, whose service took nothing; they are due now. Returns their results."""
    turns.subscribe(*people(1, 2, 3))
    turns.file()
    *later, third = turns.turn()
    due = turns.now + timedelta(minutes=1)
    turns.turn(*(SendResult(each, SendOutcome.LATER, until=due) for each in later), *sent([third]))
    turns.deliver()
    turns.now = due


@pytest.mark.usefixtures("two_for_later")
def test_who_was_under_way_with_what_was_held_back_at_a_kill_hears_the_end(turns):
    assert chats(turns.turn(room=1)) == [1]
    turns.kill()
    turns.file(kind=PostKind.END, notice=SEVERE)
    assert sorted(chats(turns.deliver())) == [1, 3], "the second was due, and wasn't handed over"
    assert turns.rows("SELECT chat FROM received UNION ALL SELECT chat FROM bulk_flight") == []


@pytest.mark.usefixtures("two_for_later")
def test_what_was_held_back_and_is_told_again_after_a_kill_is_told_and_counted_once(turns):
    turns.turn()
    turns.kill()
    assert sorted(chats(turns.deliver())) == [1, 2]
    assert turns.rows("SELECT sent, skipped, total FROM bulk") == [(3, 0, 3)]
    assert turns.rows("SELECT chat FROM held_back UNION ALL SELECT chat FROM bulk_flight") == []


@pytest.mark.usefixtures("two_for_later")
def test_what_was_held_back_and_taken_back_before_it_left_makes_nobody_hear_of_the_end(turns):
    taken_back, hangs = turns.turn()
    turns.flying.remove(taken_back)
    turns.turn(room=0)
    turns.kill()
    turns.file(kind=PostKind.END, notice=SEVERE)
    assert sorted(chats(turns.deliver())) == sorted([hangs.chat, 3])


@pytest.mark.usefixtures("two_for_later")
def test_what_was_held_back_and_is_out_when_an_update_takes_its_place_is_counted_once(turns):
    targets = turns.turn()
    turns.file(kind=PostKind.UPDATE)
    turns.turn()
    turns.turn(*sent(targets))
    assert turns.rows("SELECT sent, skipped, total FROM bulk WHERE id = 'b1'") == [(1, 2, 3)]
    turns.kill()
    turns.deliver()
    assert turns.rows("SELECT chat FROM bulk_flight") == []


def test_who_left_under_way_at_a_kill_is_not_brought_back(turns):
    turns.subscribe(*people(1, 2))
    turns.file()
    turns.turn()
    with transaction(turns.db):
        Subscribers(turns.db).forget("telegram", 1)
    turns.kill()
    turns.file(kind=PostKind.END)
    assert sorted(chats(turns.deliver())) == [2]


def test_another_owner_of_the_lease_in_between_is_a_kill_too(turns):
    turns.subscribe(*people(1, 2, 3))
    turns.file()
    theirs = turns.turn(room=2)
    turns.flying = []
    turns.db.execute("UPDATE lease SET number = 2")
    turns.lease = replace(turns.lease, number=2)
    turns.file(kind=PostKind.END)
    assert sorted(chats(turns.deliver())) == chats(theirs) == [1, 2]


async def test_a_take_over_that_is_carried_out_twice_leaves_nobody_without_the_end(database):
    """On a server a refused act in the same commit, or a lost connection, undoes it; the tests do so each time."""
    ask = ExchangeRequest(NOW.astimezone(ZONE), 9)

    def filed(name: str, kind: PostKind, unit) -> None:
        stored = a_record(f"a-{name}", incident="i1")
        unit.alerts.add(stored)
        unit.alerts.add_post(replace(a_post(name, stored), channel="telegram", kind=kind, state=PostState.SENT))
        unit.alerts.add_bulk(a_told(name, alert_id=stored.id, kind=kind, everyone=kind is PostKind.PUBLISH))

    def subscribed(unit) -> None:
        for each in people(1, 2):
            unit.subscribers.put("telegram", each)

    [lease] = await take(database, ["bulk telegram"], "us", NOW, LATER)
    await database.write(subscribed)
    await database.write(partial(filed, "b1", PostKind.PUBLISH))
    turn = await Bulks(database, BulkScope("telegram")).turn(lease, ask)
    assert chats(turn.targets) == [1, 2], "and then it is killed"
    await database.write(partial(filed, "b2", PostKind.END))
    after = Bulks(database, BulkScope("telegram"))
    told = [await after.turn(lease, ask) for _ in range(2)]
    assert {target.chat for turn in told for target in turn.targets if target.bulks[0].id == "b2"} == {1, 2}
