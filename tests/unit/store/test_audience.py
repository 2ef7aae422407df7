"""How many an alert reaches: counted by the database as `wants` says and as the walk of a bulk then finds."""

from __future__ import annotations

import random
from collections import Counter
from datetime import time

import pytest

from alerts.model.alert import Severity
from alerts.model.hazard import Hazard
from alerts.model.post import PostKind
from alerts.model.subscriber import TOPIC_OF, Notice, Quiet, Subscriber, Topic, wants
from alerts.store import audience
from alerts.store.audience import EVERYBODY, REACHED, AudienceRows, Stretch
from alerts.store.unit import acting, transaction
from tests.unit.store.bulk_turns import Turns
from tests.unit.store.test_plans import plan

CODES = ("SM-01", "SM-1", "sm-01", "La Gare, « est »", "%", "_")
NIGHT = Quiet(time(22), time(7))


@pytest.fixture
def turns(path):
    turns = Turns(path)
    yield turns
    turns.db.close()


def a_crowd(chance: random.Random, many: int = 300) -> list[Subscriber]:
    """Groups have negative numbers; some are off, and are told nothing."""
    return [
        Subscriber(
            number if number % 3 else -number,
            districts=frozenset(chance.sample(CODES, chance.choice([0, 0, 1, 2]))),
            topics=frozenset(chance.sample(list(Topic), chance.choice([0, 0, 1, 3]))),
            severity=chance.choice([each for each in Severity if each is not Severity.UNKNOWN]),
            quiet=chance.choice([None, None, NIGHT]),
            on=chance.random() > 0.1,
        )
        for number in range(1, many + 1)
    ]


def notices(chance: random.Random, many: int) -> list[Notice]:
    return [
        Notice(
            TOPIC_OF[chance.choice(list(Hazard))],
            chance.choice(list(Severity)),
            chance.choice([None, frozenset(), frozenset(chance.sample(CODES, 2))]),
        )
        for _ in range(many)
    ]


def counted(turns: Turns, notice: Notice, incident: str | None = None) -> tuple[Counter, Counter]:
    """Those who were looked at, and those who want it, over all stretches."""
    people, wanting, after = Counter(), Counter(), None
    rows = AudienceRows(turns.db)
    while True:
        told = rows.reached("telegram", notice, after, incident) if incident else None
        stretch = told or rows.everybody("telegram", notice, after)
        people.update(stretch.people)
        wanting.update(stretch.wants)
        if (after := stretch.last) is None:
            return people, +wanting


def test_it_counts_those_who_want_it_and_no_others(turns, monkeypatch):
    chance = random.Random(7)
    crowd = a_crowd(chance)
    turns.subscribe(*crowd)
    monkeypatch.setattr(audience, "STRETCH", 37)
    there = [each for each in crowd if each.on]
    for notice in notices(chance, 60):
        people, wanting = counted(turns, notice)
        assert people.total() == len(there)
        assert wanting == Counter(each.quiet for each in there if wants(each, notice)), notice


def test_what_is_counted_is_what_is_delivered(turns):
    chance = random.Random(11)
    turns.subscribe(*a_crowd(chance))
    for number, notice in enumerate(notices(chance, 12)):
        _, wanting = counted(turns, notice)
        bulk = turns.file(f"i-{number}", notice=notice)
        turns.deliver()
        row = turns.bulk(bulk)
        assert (
            row["sent"] + turns.rows(f"SELECT count(*) FROM held_back WHERE bulk = '{bulk.id}'")[0][0]
            == wanting.total()
        )


def test_an_update_goes_to_those_who_have_it_whatever_they_chose(turns):
    turns.subscribe(
        *[Subscriber(chat, districts=frozenset({"SM-01"} if chat % 2 else {"SM-1"})) for chat in range(1, 21)]
    )
    first, wider = (Notice(Topic.WATER, Severity.SEVERE, frozenset({code})) for code in ("SM-01", "SM-1"))
    turns.file(notice=first)
    turns.deliver()
    people, wanting = counted(turns, wider, "i1")

    assert (people.total(), wanting.total()) == (10, 0), "those who have it, none of whom the new words concern"
    told = turns.file(kind=PostKind.UPDATE, notice=wider, everyone=True)
    turns.deliver()
    assert turns.bulk(told)["sent"] == 20


def test_a_topic_that_is_no_more_is_no_choice(turns):
    turns.subscribe(Subscriber(1, topics=frozenset({Topic.WORKS})))
    with transaction(turns.db):
        turns.db.execute("UPDATE subscriber SET topics = '[\"dragons\"]'")

    assert counted(turns, Notice(Topic.WATER, Severity.MINOR))[1].total() == 1


@pytest.mark.parametrize(
    ("statement", "by"),
    [(EVERYBODY, "SEARCH subscriber USING PRIMARY KEY"), (REACHED, "SEARCH received USING COVERING INDEX")],
)
def test_a_stretch_is_read_from_where_the_last_one_ended(turns, statement, by):
    steps = plan(turns.db, statement)
    assert any(step.startswith(by) and "chat>?" in step for step in steps), steps
    assert not any(step == "SCAN subscriber" for step in steps)


def test_a_server_counts_the_same(server):
    chance = random.Random(3)
    crowd = a_crowd(chance, 120)
    there = [each for each in crowd if each.on]
    with acting(server) as unit:
        for each in crowd:
            unit.subscribers.put("telegram", each)
    with acting(server) as unit:
        for notice in notices(chance, 20):
            stretch = unit.audience.everybody("telegram", notice, None)
            assert Counter(stretch.people).total() == len(there)
            assert +Counter(stretch.wants) == Counter(each.quiet for each in there if wants(each, notice)), notice
            assert unit.audience.reached("telegram", notice, None, "i1") == Stretch()
