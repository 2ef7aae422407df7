"""Where a second message costs money: what may be out at a kill is never sent again, and counts as failed."""

from __future__ import annotations

from datetime import time, timedelta

import pytest

from alerts.model.delivery import SendOutcome, SendResult
from alerts.model.post import PostKind
from alerts.model.subscriber import Quiet
from tests.unit.store.bulk_turns import MODERATE, Turns, chats, people, sent


@pytest.fixture
def turns(path):
    turns = Turns(path, apart=True, once=True)
    turns.subscribe(*people(1, 2, 3, 4))
    yield turns
    turns.db.close()


def test_who_was_under_way_at_a_kill_is_not_told_again_and_everybody_else_is(turns):
    bulk = turns.file()
    assert chats(turns.turn(room=2)) == [1, 2]
    turns.kill()
    assert chats(turns.deliver()) == [3, 4]
    row = turns.bulk(bulk)
    assert (row["state"], row["sent"], row["failed"], row["total"]) == ("done", 2, 2, 4)
    assert turns.rows("SELECT chat FROM bulk_flight") == []


def test_they_hear_of_what_comes_of_it_since_they_may_have_it(turns):
    turns.file()
    turns.turn(room=2)
    turns.kill()
    turns.deliver()
    turns.file(kind=PostKind.UPDATE)
    assert chats(turns.deliver()) == [1, 2, 3, 4]


def test_an_end_that_was_under_way_at_a_kill_is_not_said_again(turns):
    turns.file()
    turns.deliver()
    end = turns.file(kind=PostKind.END)
    assert chats(turns.turn(room=3)) == [1, 2, 3]
    turns.kill()
    assert chats(turns.deliver()) == [4]
    assert turns.bulk(end)["failed"] == 3


def test_a_daemon_that_ends_in_order_has_told_whom_it_can_t_wait_for_and_leaves_the_rest_to_the_next(turns):
    bulk = turns.file()
    first, _ = turns.turn(room=2)
    turns.turn(room=0, last=frozenset({(bulk.id, first.chat)}))
    turns.kill()
    assert chats(turns.deliver()) == [2, 3, 4]
    assert turns.bulk(bulk)["failed"] == 1


def test_what_landed_before_the_kill_counts_as_sent(turns):
    bulk = turns.file()
    first, second = turns.turn(room=2)
    turns.turn(*sent([first]), room=0)
    turns.kill()
    assert chats(turns.deliver()) == [3, 4]
    assert (turns.bulk(bulk)["sent"], turns.bulk(bulk)["failed"]) == (3, 1)
    assert second.chat == 2


def test_whose_hour_it_was_at_a_kill_is_not_told_again(turns):
    turns.subscribe(*people(9, quiet=Quiet(time(0), time(23, 59))))
    bulk = turns.file(notice=MODERATE, expires=turns.now + timedelta(days=3))
    turns.deliver()
    turns.now += timedelta(days=1)
    held = turns.turn()
    assert chats(held) == [9]
    turns.kill()
    assert chats(turns.deliver()) == []
    assert turns.bulk(bulk)["failed"] == 1


def test_a_doubt_is_no_second_try(turns):
    turns.file()
    targets = turns.turn()
    results = [SendResult(each, SendOutcome.FAILED, unsure=True) for each in targets]
    assert chats(turns.turn(*results)) == []
