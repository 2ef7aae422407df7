"""A campaign's plan: the same for the same seed, with everything in it that the campaign is about."""

from __future__ import annotations

from dataclasses import replace

from alerts.model.alert import Severity
from campaign.marks import INSTRUCTION, alert_of, read_mark, read_wording
from campaign.schedule import plan
from tests.fakes import FakeClock


def test_the_same_seed_is_the_same_plan_and_another_is_another():
    assert plan("a", 20, 80) == plan("a", 20, 80)
    assert plan("a", 20, 80) != plan("b", 20, 80)


def test_it_has_as_many_lives_as_kills_and_tells_every_alert():
    lives = plan("a", 7, 50)
    assert len(lives) == 7
    assert sum(len(life.versions) for life in lives) == 50


def test_a_long_plan_has_everything_in_it():
    lives = plan("a", 200, 800)
    told = [each for life in lives for each in life.versions]
    assert {each.kind for each in told} == {"alert", "update", "cancel"}
    assert {each.way_in for each in told} == {"control", "command", "feed"}
    assert {each.severity for each in told} == set(Severity) - {Severity.UNKNOWN}
    assert {life.end for life in lives} == {"kill", "kill_held", "pause"}
    assert {life.trouble.kind for life in lives if life.trouble} == {"drip", "hang", "latency"}
    assert {trouble.kind for life in lives for trouble in life.troubles} >= {"cut_after", "read_lag", "rate_limit"}
    assert any(each.lasts < 10 for each in told)
    assert sum(life.crossed for life in lives) > 10
    assert {life.victim for life in lives} == set(range(6))
    assert sum(life.stops for life in lives) > 10
    assert not any(life.outage for life in lives), "a file has no server that could be killed"


def test_with_a_server_the_same_is_told_and_killed_and_the_server_now_and_then_as_well():
    lives = plan("a", 200, 800, server=True)
    assert [replace(life, outage=None) for life in lives] == plan("a", 200, 800)
    down = [life.outage.down for life in lives if life.outage]
    assert len(down) > 20
    assert min(down) < 1, "shorter than anybody notices"
    assert max(down) > 5, "longer than a lease"


def test_versions_of_an_incident_follow_one_another():
    told = [each for life in plan("a", 100, 500) for each in life.versions]
    last: dict[int, int] = {}
    for each in told:
        assert each.place == last.get(each.incident, 0) + 1
        last[each.incident] = each.place


def test_an_alert_is_known_again_by_its_words_and_its_identifier():
    told = next(each for life in plan("a", 10, 40) for each in life.versions)
    alert = alert_of(told, FakeClock().now(), None)

    mark = read_mark(alert.identifier)
    wording = read_wording(f"Attention : {alert.infos[0].headline}\n{INSTRUCTION}")

    assert mark is not None
    assert wording is not None
    assert (mark.incident, mark.place) == (wording.incident, wording.place) == (str(told.incident), told.place)
    assert not wording.is_end
    assert read_wording("Marché annulé") is None
