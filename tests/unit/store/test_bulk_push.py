"""Browsers among a channel's subscribers: where they are reached, what is for later, and what is told apart."""

from __future__ import annotations

from dataclasses import replace
from datetime import time, timedelta

import pytest

from alerts.model.delivery import SendOutcome, SendResult
from alerts.model.hazard import Hazard
from alerts.model.post import PostKind
from alerts.model.subscriber import PushEndpoint, Quiet, Subscriber
from alerts.store.bulk_results import bulks_of
from alerts.store.subscribers import Subscribers
from alerts.store.unit import transaction
from tests.unit.store.bulk_turns import SEVERE, Turns

NIGHT = Quiet(time(12, 0), time(14, 30))  # the tests' noon is one o'clock in Paris
SECONDS = timedelta(seconds=90)


@pytest.fixture
def turns(path):
    turns = Turns(path, apart=True)
    yield turns
    turns.db.close()


def a_browser(name: str, **changes) -> Subscriber:
    endpoint = PushEndpoint(f"https://push.example/{name}", "key", "auth")
    return replace(Subscriber(endpoint.number, endpoint=endpoint, token=f"digest of {name}"), **changes)


def later(turns, targets) -> list[SendResult]:
    return [SendResult(each, SendOutcome.LATER, until=turns.now + SECONDS) for each in targets]


def test_a_browser_is_told_where_it_is_reached_and_known_by_its_token(turns):
    one = a_browser("one")
    turns.subscribe(one, Subscriber(1))
    turns.file()
    assert {target.chat: target.endpoint for target in turns.deliver()} == {one.chat: one.endpoint, 1: None}
    with transaction(turns.db):
        assert Subscribers(turns.db).by_token("telegram", "digest of one") == one
        assert Subscribers(turns.db).by_token("push", "digest of one") is None
        assert Subscribers(turns.db).by_token("telegram", "digest of two") is None


def test_the_hazard_is_kept_and_one_that_is_of_another_version_is_none(turns):
    for hazard, kept in (("flood", Hazard.FLOOD), ("sandstorm", None), (None, None)):
        filed = turns.file(f"i {hazard}", hazard=hazard)
        assert [each.hazard for each in bulks_of(turns.db, filed.alert_id)] == [kept]


def test_nothing_of_a_browser_stands_where_it_is_shown():
    one = a_browser("one")
    assert "push.example" not in repr(one)
    assert "digest" not in repr(one)


def test_what_is_for_later_waits_and_holds_up_nobody_and_outlives_a_kill(turns):
    turns.subscribe(*[Subscriber(chat) for chat in (1, 2, 3)])
    bulk = turns.file(notice=SEVERE)
    first, *others = turns.turn()
    turns.turn(*later(turns, [first]), *[SendResult(each, SendOutcome.SENT, 0) for each in others])
    assert turns.deliver() == []
    assert turns.rows("SELECT chat FROM held_back") == [(1,)]
    assert turns.again_at == turns.now + SECONDS

    turns.kill()
    assert turns.deliver() == [], "it isn't time yet"
    turns.now += SECONDS

    assert [target.chat for target in turns.deliver()] == [1]
    assert (turns.bulk(bulk)["sent"], turns.bulk(bulk)["skipped"]) == (3, 0)
    assert turns.rows("SELECT * FROM held_back UNION ALL SELECT bulk, chat, 0, 0 FROM bulk_flight") == []


def test_what_is_for_later_again_waits_again_and_is_told_no_more_once_it_is_over(turns):
    turns.subscribe(Subscriber(1))
    bulk = turns.file(expires=turns.now + 3 * SECONDS)
    turns.turn(*later(turns, turns.turn()))
    turns.now += SECONDS
    turns.turn(*later(turns, turns.turn()))
    assert turns.rows("SELECT count(*) FROM held_back") == [(1,)]

    turns.now += 3 * SECONDS

    assert turns.deliver() == []
    assert (turns.bulk(bulk)["sent"], turns.bulk(bulk)["skipped"]) == (0, 1)


def test_who_left_while_it_was_for_later_is_not_brought_back(turns):
    turns.subscribe(Subscriber(1), Subscriber(2))
    bulk = turns.file()
    targets = turns.turn()
    with transaction(turns.db):
        Subscribers(turns.db).forget("telegram", 1)
    turns.turn(*later(turns, targets))
    assert turns.rows("SELECT chat FROM held_back") == [(2,)]
    turns.now += SECONDS
    assert [target.chat for target in turns.deliver()] == [2]
    assert (turns.bulk(bulk)["sent"], turns.bulk(bulk)["skipped"]) == (1, 1)


def test_an_update_takes_the_place_of_what_was_for_later(turns):
    turns.subscribe(Subscriber(1))
    turns.file()
    turns.turn(*later(turns, turns.turn()))
    update = turns.file(kind=PostKind.UPDATE, everyone=True)
    assert [target.bulks[0].id for target in turns.deliver()] == [update.id]
    turns.now += SECONDS
    assert turns.deliver() == []


def test_held_back_they_come_each_by_itself(turns):
    turns.subscribe(Subscriber(1, quiet=NIGHT))
    turns.file("i1")
    turns.file("i2")
    turns.deliver()
    turns.now += timedelta(hours=2)
    told = turns.deliver()
    assert [[bulk.incident for bulk in target.bulks] for target in told] == [["i1"], ["i2"]]
    assert turns.rows("SELECT count(*) FROM received") == [(2,)]
