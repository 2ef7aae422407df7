"""Subscribers as they are kept: what is put comes back, what is forgotten is nowhere, a move takes everything along."""

from __future__ import annotations

from datetime import time, timedelta

import pytest

from alerts.model.alert import Severity
from alerts.model.delivery import SendOutcome, SendResult
from alerts.model.subscriber import Asked, Linked, Quiet, Subscriber, Topic
from alerts.store.files import connect
from alerts.store.statement import stamp
from alerts.store.subscribers import OfficerChats, Subscribers
from alerts.store.unit import transaction
from tests.unit.store.bulk_turns import Turns
from tests.unit.store.conftest import NOW

ANNE = Subscriber(
    71,
    "en",
    frozenset({"SM-01", "é"}),
    frozenset({Topic.WATER}),
    Severity.SEVERE,
    Quiet(time(22), time(7)),
    step="where",
    on=False,
)


@pytest.fixture
def db(path):
    db = connect(path)
    yield db
    db.close()


@pytest.fixture
def kept(db):
    return Subscribers(db)


@pytest.fixture
def chats(db):
    return OfficerChats(db)


def everywhere(db, chat: int) -> list[str]:
    """The tables in which a chat stands."""
    tables = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()]
    return [t for t in tables for row in db.execute(f"SELECT * FROM {t}").fetchall() if chat in tuple(row)]


def leave_traces(db, kept, chats, chat: int) -> None:
    kept.put("telegram", Subscriber(chat))
    chats.link(Linked("telegram", chat, "Anne"))
    chats.tell("telegram", chat, "alert", NOW)
    chats.ask("telegram", chat, Asked("alert", 7, NOW))
    at = stamp(NOW)
    db.execute("INSERT INTO received VALUES ('telegram', ?, 'incident', 5, ?)", (chat, at))
    db.execute("INSERT INTO held_back (channel, chat, bulk, until) VALUES ('telegram', ?, 'bulk', ?)", (chat, at))


@pytest.mark.parametrize("one", [ANNE, Subscriber(-100_123), Subscriber(2**51, topics=frozenset(Topic))])
def test_what_is_put_comes_back(kept, one):
    kept.put("telegram", one)
    assert kept.get("telegram", one.chat) == one
    assert kept.get("another", one.chat) is None
    assert list(kept.all()) == [("telegram", one)]


def test_who_is_on_is_counted_by_channel(kept):
    for chat in (-5, 3, 1, 9):
        kept.put("telegram", Subscriber(chat))
    kept.put("telegram", Subscriber(2, on=False))
    kept.put("another", Subscriber(2))
    assert kept.count("telegram") == 4


def test_who_is_forgotten_stands_nowhere(db, kept, chats):
    leave_traces(db, kept, chats, 71_717)
    leave_traces(db, kept, chats, 72_727)
    tables = {"subscriber", "received", "held_back", "officer_chat", "officer_told", "officer_asked"}
    assert set(everywhere(db, 71_717)) == tables
    kept.forget("telegram", 71_717)
    assert everywhere(db, 71_717) == []
    assert len(everywhere(db, 72_727)) == 6


def test_a_move_takes_everything_along_and_wins_over_what_was_there(db, kept, chats):
    leave_traces(db, kept, chats, -71)
    kept.put("telegram", Subscriber(-100_71, "en"))
    kept.moved("telegram", -71, -100_71)
    assert everywhere(db, -71) == []
    assert len(everywhere(db, -100_71)) == 6
    assert kept.get("telegram", -100_71).language == "fr"


def test_updates_are_counted_by_channel(kept):
    assert kept.offset("telegram") == 0
    kept.handled("telegram", 12)
    assert (kept.offset("telegram"), kept.offset("another")) == (12, 0)


def test_a_code_links_once_and_within_its_time(chats):
    later = NOW + timedelta(minutes=10)
    chats.offer("one", "Anne", later)
    chats.offer("two", "Anne", later)
    assert chats.redeem("one", NOW) is None
    assert chats.redeem("two", later) is None
    chats.offer("three", "Anne", later)
    assert chats.redeem("three", NOW) == "anne"
    assert chats.redeem("three", NOW) is None


def test_a_chat_belongs_to_one_account_and_what_it_was_told_goes_with_it(chats):
    chats.link(Linked("telegram", 7, "Anne"))
    chats.tell("telegram", 7, "alert", NOW)
    assert chats.notified("telegram", 7) == {"alert": NOW}
    chats.link(Linked("telegram", 7, "Paul"))
    assert (chats.linked("telegram", 7), chats.notified("telegram", 7)) == ("paul", {})
    assert [each.account for each in chats.all("telegram")] == ["paul"]
    assert "7" not in repr(chats.of("Paul"))
    chats.unlink("telegram", 7)
    assert chats.linked("telegram", 7) is None


def test_all_that_is_bound_to_a_chat_can_be_told(db, kept, chats):
    leave_traces(db, kept, chats, 71)
    assert kept.received("telegram", 71) == [("incident", 5, NOW)]
    assert kept.deferred("telegram", 71) == [("bulk", NOW)]
    assert kept.deferred("another", 71) == kept.deferred("telegram", 72) == []


def test_an_account_s_chats_and_code_are_released_and_nobody_else_s(chats):
    later = NOW + timedelta(minutes=10)
    for chat, name in ((7, "Anne"), (8, "ANNE"), (9, "Paul")):
        chats.link(Linked("telegram", chat, name))
    chats.tell("telegram", 7, "alert", NOW)
    chats.offer("one", "Anne", later)
    chats.offer("two", "Paul", later)
    assert (chats.release("anne"), chats.release("anne")) == (2, 0)
    assert [each.chat for each in chats.all("telegram")] == [9]
    assert chats.notified("telegram", 7) == {}
    assert (chats.redeem("one", NOW), chats.redeem("two", NOW)) == (None, "paul")


@pytest.mark.parametrize("fate", [SendOutcome.SENT, SendOutcome.DOUBT])
def test_who_is_forgotten_while_an_alert_is_under_way_stays_forgotten(path, fate):
    turns = Turns(path)
    turns.subscribe(Subscriber(71_717), Subscriber(82_828))
    turns.file()
    targets = turns.turn()
    assert {target.chat for target in targets} == {71_717, 82_828}

    with transaction(turns.db):
        Subscribers(turns.db).forget("telegram", 82_828)
    turns.turn(*(SendResult(target, fate, 5) for target in targets))
    turns.deliver()
    assert everywhere(turns.db, 82_828) == []
    turns.db.close()
