"""Mailboxes among subscribers: who isn't there leaves once that is said again later, also after a restart."""

from __future__ import annotations

from datetime import timedelta

import pytest

from alerts.model.delivery import MISSED_FOR, SendOutcome, SendResult
from alerts.model.subscriber import Mailbox, Subscriber
from alerts.store.subscribers import Subscribers
from alerts.store.unit import transaction
from tests.unit.store.bulk_turns import Turns

BOX = Mailbox("jeanne@quais.example", "t" * 43)
JEANNE = Subscriber(BOX.number, endpoint=BOX, token="digest")


@pytest.fixture
def turns(path):
    turns = Turns(path, apart=True)
    turns.subscribe(JEANNE)
    yield turns
    turns.db.close()


def told(turns, outcome: SendOutcome) -> dict:
    """One alert, what became of its letter, and how its bulk stands then."""
    bulk = turns.file(incident=f"i{turns.now}")
    turns.turn(*(SendResult(each, outcome) for each in turns.turn()))
    turns.turn()
    return turns.bulk(bulk)


def is_there(turns) -> bool:
    with transaction(turns.db):
        return Subscribers(turns.db).get("telegram", BOX.number) is not None


def test_who_isn_t_there_leaves_once_that_is_said_again_later(turns):
    assert told(turns, SendOutcome.NOBODY)["failed"] == 1
    turns.now += MISSED_FOR - timedelta(seconds=1)
    told(turns, SendOutcome.NOBODY)
    assert is_there(turns)
    turns.kill()
    turns.now += timedelta(seconds=1)
    assert told(turns, SendOutcome.NOBODY)["skipped"] == 1
    assert not is_there(turns)
    assert turns.rows("SELECT chat FROM received UNION ALL SELECT chat FROM bulk_flight") == []


def test_whom_something_reached_meanwhile_stays(turns):
    told(turns, SendOutcome.NOBODY)
    turns.now += MISSED_FOR
    told(turns, SendOutcome.SENT)
    turns.now += MISSED_FOR
    told(turns, SendOutcome.NOBODY)
    assert is_there(turns)
    turns.now += MISSED_FOR
    told(turns, SendOutcome.NOBODY)
    assert not is_there(turns)


def test_who_confirms_anew_is_there(turns):
    told(turns, SendOutcome.NOBODY)
    turns.now += MISSED_FOR
    turns.subscribe(JEANNE)
    told(turns, SendOutcome.NOBODY)
    assert is_there(turns)


def test_another_refusal_says_nothing_of_that(turns):
    for _ in range(3):
        told(turns, SendOutcome.FAILED)
        turns.now += MISSED_FOR
    assert is_there(turns)
