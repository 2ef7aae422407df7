"""An evacuation reaches who chose other topics, through everything that stands between an alert and a chat."""

from __future__ import annotations

from datetime import time

import pytest

from alerts.model.alert import Severity
from alerts.model.hazard import Hazard
from alerts.model.subscriber import Notice, Quiet, Subscriber, Topic
from tests.unit.store.bulk_turns import Turns

WORKS = frozenset({Topic.WORKS, Topic.WEATHER})
DISTRICTS = frozenset({"SM-01", "SM-03"})
NIGHT = Quiet(time(12, 0), time(14, 30))


@pytest.mark.parametrize(
    ("notice", "told"),
    [
        (Notice(Topic.SAFETY, Severity.SEVERE, frozenset({"SM-01"})), [1, 2]),
        (Notice(Topic.HEALTH, Severity.EXTREME, frozenset({"SM-03"})), [1, 2, 3]),
        (Notice(Topic.HEALTH, Severity.SEVERE, frozenset({"SM-01"})), [1]),
        (Notice(Topic.SAFETY, Severity.SEVERE, frozenset({"SM-02"})), []),
    ],
)
def test_what_is_about_lives_reaches_who_chose_other_topics(path, notice, told):
    turns = Turns(path)
    turns.subscribe(
        Subscriber(1, districts=DISTRICTS),
        Subscriber(2, districts=DISTRICTS, topics=WORKS, quiet=NIGHT),
        Subscriber(3, districts=DISTRICTS, topics=WORKS, severity=Severity.EXTREME),
        Subscriber(4, districts=frozenset({"SM-04"}), topics=WORKS),
    )
    turns.file(notice=notice)
    assert [target.chat for target in turns.deliver()] == told
    turns.db.close()


def test_a_school_is_told_to_its_own_topic_and_to_safety_and_stored_as_the_version_before_knows_it(path):
    turns = Turns(path)
    turns.subscribe(
        Subscriber(1, topics=frozenset({Topic.SCHOOL})),
        Subscriber(2, topics=frozenset({Topic.SAFETY})),
        Subscriber(3, topics=WORKS),
    )
    turns.file(notice=Notice(Topic.SCHOOL, Severity.MINOR), hazard=Hazard.SCHOOL)
    assert turns.db.execute("SELECT topic FROM bulk").fetchone()[0] == "safety"
    assert [target.chat for target in turns.deliver()] == [1, 2]
    turns.db.close()
