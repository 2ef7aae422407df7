"""Who is to get what: no choice of topics keeps back what is about lives."""

from __future__ import annotations

import pytest

from alerts.model.alert import Severity
from alerts.model.hazard import Hazard
from alerts.model.subscriber import TOPIC_OF, Notice, Subscriber, Topic, wants
from tests.walls import in_one_test

HERE = frozenset({"SM-01"})
WORKS_AND_WEATHER = frozenset({Topic.WORKS, Topic.WEATHER})


def reaches(topic: Topic, of: Severity, **chosen: object) -> bool:
    chose = {"districts": frozenset({"SM-01", "SM-03"}), "topics": WORKS_AND_WEATHER, **chosen}
    return wants(Subscriber(1, **chose), Notice(topic, of, HERE))


@in_one_test
@pytest.mark.parametrize("topic", Topic)
def test_extreme_of_any_topic_reaches_everybody_there(topic):
    assert reaches(topic, Severity.EXTREME)
    assert reaches(topic, Severity.EXTREME, severity=Severity.EXTREME)


def test_a_severe_alert_of_safety_reaches_who_chose_other_topics():
    assert reaches(Topic.SAFETY, Severity.SEVERE)
    assert reaches(Topic.SAFETY, Severity.SEVERE, severity=Severity.SEVERE)


@in_one_test
@pytest.mark.parametrize(
    ("topic", "severity"),
    [
        (Topic.SAFETY, Severity.MODERATE),
        (Topic.SAFETY, Severity.UNKNOWN),
        (Topic.FLOOD, Severity.SEVERE),
        (Topic.HEALTH, Severity.SEVERE),
    ],
)
def test_what_else_is_of_other_topics_does_not(topic, severity):
    assert not reaches(topic, severity)


def test_who_asked_for_extreme_alone_gets_no_severe_one():
    assert not reaches(Topic.SAFETY, Severity.SEVERE, severity=Severity.EXTREME)
    assert not reaches(Topic.SAFETY, Severity.SEVERE, severity=Severity.EXTREME, topics=frozenset())


@pytest.mark.parametrize("severity", [Severity.SEVERE, Severity.EXTREME])
def test_another_district_is_another_district(severity):
    assert not reaches(Topic.SAFETY, severity, districts=frozenset({"SM-02"}))


def test_schools_have_a_topic_and_who_chose_safety_goes_on_hearing_of_them():
    closed = Notice(TOPIC_OF[Hazard.SCHOOL], Severity.MINOR, HERE)
    assert wants(Subscriber(1, topics=frozenset({Topic.SCHOOL, Topic.WATER})), closed)
    assert wants(Subscriber(2, topics=frozenset({Topic.SAFETY})), closed)
    assert not wants(Subscriber(3, topics=WORKS_AND_WEATHER), closed)


def test_who_chose_schools_alone_hears_of_no_other_safety_that_is_not_vital():
    parent = Subscriber(1, topics=frozenset({Topic.SCHOOL}))
    assert not wants(parent, Notice(Topic.SAFETY, Severity.MODERATE, HERE))
    assert wants(parent, Notice(Topic.SAFETY, Severity.SEVERE, HERE))


def test_a_severe_alert_about_a_school_reaches_who_chose_other_topics():
    assert reaches(Topic.SCHOOL, Severity.SEVERE)
