"""Who was handed over and left behind: taken back, killed, overtaken or told by another process meanwhile."""

from __future__ import annotations

from datetime import time, timedelta

import pytest

from alerts.model.alert import Severity
from alerts.model.delivery import SendOutcome, SendResult
from alerts.model.post import PostKind
from alerts.model.subscriber import Quiet
from alerts.store.bulk import Bulks, BulkScope
from alerts.store.bulk_results import checkpoint, progress
from alerts.store.subscribers import Subscribers
from alerts.store.unit import transaction
from tests.unit.store.bulk_turns import MODERATE, SEVERE, Turns, chats, people, sent

NIGHT = Quiet(time(12, 0), time(14, 30))  # the tests' noon is one o'clock in Paris


@pytest.fixture
def turns(path):
    turns = Turns(path)
    yield turns
    turns.db.close()


def deliver(turns: Turns, targets=(), *, room: int) -> list[int]:
    """Turn after turn as a sender asks that took nothing back, so many at once."""
    told: list[int] = []
    for _ in range(60):
        targets = turns.turn(*sent(targets), room=room, withdrew=False)
        told += chats(targets)
        if not targets and turns.working is None:
            break
    return told


def checkpoint_of(turns, *results: SendResult) -> None:
    with transaction(turns.db):
        checkpoint(turns.db, results)


def test_after_a_kill_all_that_were_under_way_are_told_though_there_is_little_room(turns):
    turns.subscribe(*people(*range(1, 11)))
    bulk = turns.file()
    turns.turn(room=6)
    turns.kill()
    assert sorted(deliver(turns, room=2)) == list(range(1, 11))
    assert turns.bulk(bulk)["sent"] == 10


def test_whose_hour_comes_after_a_kill_keeps_nobody_from_being_told_again(turns):
    turns.subscribe(*people(*range(1, 6), quiet=NIGHT), *people(*range(6, 11)))
    turns.file("i1", notice=MODERATE)
    turns.turn(room=5)
    turns.now += timedelta(hours=2)
    turns.kill()
    assert sorted(deliver(turns, room=5)) == list(range(1, 11))


def test_who_got_it_while_it_was_being_cancelled_gets_the_end_though_nothing_was_taken_back(turns):
    turns.subscribe(*people(1, 2, 3))
    turns.file()
    first, second, third = turns.turn()
    turns.turn(*sent([second, third]))
    turns.file(kind=PostKind.END)
    ends = turns.turn(room=1)
    told = chats(ends) + chats(turns.turn(*sent([first]), room=1, withdrew=False))
    assert sorted(told + deliver(turns, turns.flying, room=1)) == [1, 2, 3]


@pytest.mark.parametrize("plain", [True, False])
def test_who_got_it_last_of_all_while_it_was_being_cancelled_gets_the_end_too(turns, plain):
    turns.subscribe(*people(1, 2))
    turns.file()
    quick, hung = turns.turn()
    turns.turn(*sent([quick]))
    end = turns.file(kind=PostKind.END)
    assert deliver(turns, room=9) == [1]
    assert turns.bulk(end)["state"] == "done"
    if not plain:
        turns.flying.remove(hung)
        checkpoint_of(turns, *sent([hung]))
    assert deliver(turns, [hung] if plain else [], room=9) == [2]
    assert (turns.bulk(end)["state"], turns.bulk(end)["sent"]) == ("done", 2)


def test_what_another_process_held_back_is_told_in_its_hour(turns):
    turns.subscribe(*people(1, quiet=NIGHT))
    turns.turn()
    ours, turns.bulks = turns.bulks, Bulks(None, BulkScope("telegram"))
    turns.file()
    turns.deliver()
    turns.now += timedelta(hours=2)
    turns.bulks, turns.working, turns.flying = ours, None, []
    assert deliver(turns, room=9) == [1]


def test_who_is_told_by_two_processes_counts_once(turns):
    turns.subscribe(*people(1, 2, 3))
    bulk = turns.file()
    theirs = turns.turn(room=2)
    turns.kill()
    again = turns.turn(room=2)
    checkpoint_of(turns, *sent(theirs, 5))
    turns.turn(*sent(again, 6), room=2)
    checkpoint_of(turns, *sent(theirs, 5))
    deliver(turns, turns.flying, room=2)
    checkpoint_of(turns, *sent(theirs, 5))
    turns.turn()
    assert turns.bulk(bulk)["sent"] == 3


def test_who_refuses_it_to_two_processes_counts_once(turns):
    turns.subscribe(*people(1, 2))
    bulk = turns.file()
    [theirs] = turns.turn(room=1)
    turns.kill()
    turns.turn(room=1)
    for _ in range(2):
        turns.turn(SendResult(theirs, SendOutcome.FAILED), room=0)
    assert turns.bulk(bulk)["failed"] == 1


def test_who_has_heard_of_the_end_is_not_told_again_by_a_late_word_of_another_process(turns):
    turns.subscribe(*people(1, 2))
    turns.file()
    theirs = turns.turn()
    turns.kill()
    deliver(turns, room=2)
    turns.file(kind=PostKind.END)
    assert sorted(deliver(turns, room=2)) == [1, 2]
    checkpoint_of(turns, *sent(theirs))
    assert deliver(turns, room=2) == []


def test_who_is_forgotten_under_way_or_held_back_is_counted_as_passed_over(turns):
    turns.subscribe(*people(1, 2, 4), *people(3, quiet=NIGHT))
    bulk = turns.file()
    targets = turns.turn(room=2)
    turns.turn(room=1)
    with transaction(turns.db):
        for chat in (1, 3):
            Subscribers(turns.db).forget("telegram", chat)
    checkpoint_of(turns, *sent(targets))
    deliver(turns, turns.flying, room=9)
    [each] = progress(turns.db, turns.now - timedelta(hours=1))
    assert (each.looked, each.bulk.total, turns.bulk(bulk)["state"]) == (4, 4, "done")


def test_what_was_held_back_and_became_graver_is_told_once(turns):
    turns.subscribe(*people(1, 2, quiet=NIGHT))
    turns.file("i1")
    turns.deliver()
    graver = turns.file("i1", kind=PostKind.UPDATE, notice=SEVERE, everyone=True)
    assert chats(turns.deliver()) == [1, 2]
    turns.now += timedelta(hours=2)
    assert turns.deliver() == []
    assert turns.bulk(graver)["sent"] == turns.bulk(graver)["total"] == 2


@pytest.mark.parametrize("everyone", [True, False])
def test_whose_hour_comes_while_an_update_is_on_its_way_to_them_is_told_once(turns, everyone):
    turns.subscribe(*people(1, 2), *people(3, 4, quiet=NIGHT), *people(5))
    turns.file("i1")
    turns.deliver()
    update = turns.file("i1", kind=PostKind.UPDATE, everyone=everyone)
    first = turns.turn(room=1)
    turns.now += timedelta(hours=2)
    told = chats(first) + deliver(turns, first, room=1)
    assert sorted(told) == [1, 2, 3, 4, 5]
    assert turns.bulk(update)["sent"] == turns.bulk(update)["total"] == 5


def test_who_had_the_alert_and_whose_hour_for_its_update_comes_is_told_of_the_next_once(turns):
    turns.subscribe(*people(1, 2))
    turns.file("i1")
    turns.deliver()
    turns.subscribe(*people(1, 2, quiet=NIGHT))
    turns.file("i1", kind=PostKind.UPDATE)
    turns.deliver()
    turns.file("i1", kind=PostKind.UPDATE)
    first = turns.turn(room=0)
    turns.now += timedelta(hours=2)
    assert sorted(chats(first) + deliver(turns, first, room=1)) == [1, 2]


def test_an_update_whose_answer_comes_late_makes_nobody_hear_of_the_next_one_twice(turns):
    turns.subscribe(*people(1, 2))
    turns.file()
    turns.deliver()
    turns.file(kind=PostKind.UPDATE)
    hung, quick = turns.turn()
    turns.turn(*sent([quick]))
    turns.file(kind=PostKind.UPDATE)
    assert sorted(deliver(turns, room=5)) == [1, 2]
    [(before,)] = turns.rows("SELECT message_id FROM received WHERE chat = 1")
    assert deliver(turns, [hung], room=5) == []
    assert turns.rows("SELECT message_id FROM received WHERE chat = 1") == [(before,)]


def test_an_alert_whose_answer_comes_late_wakes_nobody_for_its_update(turns):
    turns.subscribe(*people(1))
    turns.file()
    [hung] = turns.turn()
    turns.subscribe(*people(1, quiet=NIGHT))
    turns.file(kind=PostKind.UPDATE, everyone=True)
    assert deliver(turns, room=5) == []
    assert deliver(turns, [hung], room=5) == []
    turns.now += timedelta(hours=2)
    assert deliver(turns, room=5) == [1]


def test_who_was_passed_by_when_an_update_took_its_place_gets_the_update(turns):
    turns.subscribe(*people(1, 3, quiet=NIGHT), *people(2, 4, 5, 6))
    turns.file()
    withdrawn, quick = turns.turn(room=2)
    assert chats([withdrawn, quick]) == [2, 4]
    turns.turn(*sent([quick]), room=0)
    turns.flying.remove(withdrawn)
    turns.file(kind=PostKind.UPDATE, notice=SEVERE)
    first = turns.turn(room=4)
    assert sorted(chats(first) + deliver(turns, first, room=4)) == [1, 2, 3, 4, 5, 6]


def test_who_moves_behind_what_is_under_way_is_told_all_the_same(turns):
    turns.subscribe(*people(1, 2, 3, 4), *people(5, severity=Severity.EXTREME))
    bulk = turns.file()
    first = turns.turn(room=2)
    with transaction(turns.db):
        for chat in (4, 5):
            Subscribers(turns.db).moved("telegram", chat, chat - 1000)
    assert sorted(deliver(turns, first, room=2)) == [-996, 3], "and who didn't choose it, isn't"
    assert (turns.bulk(bulk)["sent"], turns.bulk(bulk)["state"]) == (4, "done")

    turns.file(kind=PostKind.UPDATE)
    first = turns.turn(room=3)
    assert chats(first) == [-996, 1, 2]
    with transaction(turns.db):
        Subscribers(turns.db).moved("telegram", 3, -997)
    assert deliver(turns, first, room=2) == [-997]
