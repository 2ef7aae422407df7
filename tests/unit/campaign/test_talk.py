"""The plan of a campaign of listening."""

from __future__ import annotations

from collections import Counter

from campaign.talk import AIMS, INCIDENT_LIVES, SUBJECTS, talk


def test_the_same_seed_is_the_same_plan_and_another_is_not():
    assert talk("a", 20) == talk("a", 20)
    assert talk("a", 20) != talk("b", 20)


def test_each_place_is_aimed_at_as_often_over_all_towns():
    hours = [hour for number in range(4) for hour in talk(f"a/{number}", 9, number)]
    assert Counter(hour.aim for hour in hours) == dict.fromkeys(AIMS, 12)


def test_something_is_asked_where_the_kill_is_aimed_at():
    for hour in talk("a", 60):
        asked = [each for each in hour.speeches if each.subject == hour.subject and each.channel == hour.channel]
        assert asked
        assert all(each.words in SUBJECTS[hour.subject] for each in asked)


def test_an_alert_is_spoken_of_for_a_while():
    assert [hour.begins for hour in talk("a", 2 * INCIDENT_LIVES)] == [True, False, False, False] * 2
