"""A short campaign on each store: what `make faults` does, in half a minute."""

from __future__ import annotations

import pytest

from campaign.__main__ import all_kinds, crowd, report, run, subscribe, watch
from campaign.postgresql import MISSING, find_binaries
from campaign.table import breaches, table
from tests import mqtt_broker

pytestmark = pytest.mark.process
REPORTED = "r1"
"""A plan with crowds that make a draft, and crowds that make none."""
TOLD = "t1"
EVERYWHERE = "k1"
CROWDED = "c1"
SHOWN = "w1"
"""A plan with a kill at the broker, one at the Vigilance and one at the site."""
QUICK = "s5"
"""A plan with kills in the middle of commands and of requests, two stops in order, and six kinds of trouble.

None of its posts waits for long before it comes to its end.
"""
SHORT = "s197"
"""A plan with an outage of the server in it, and with no stop for longer than a lease, which takes its time."""


def test_four_kills_and_sixteen_alerts_break_no_promise(tmp_path):
    outcomes = run(QUICK, kills=4, alerts=16, towns=2, folder=tmp_path)

    assert breaches(outcomes) == []
    assert sum(outcome.kills for outcome in outcomes) == 4
    assert sum(outcome.alerts for outcome in outcomes) == 16
    assert table(outcomes).splitlines()[-1].split()[:3] == ["all", "16", "4"]


def test_three_daemons_on_a_server_that_is_killed_as_well_break_no_promise(tmp_path):
    if find_binaries() is None:
        pytest.skip(MISSING)
    outcomes = run(SHORT, kills=2, alerts=8, towns=1, folder=tmp_path, daemons=3, server=True)

    assert breaches(outcomes) == []
    [outcome] = outcomes
    assert (outcome.alerts, outcome.kills) == (8, 2)
    assert outcome.outages > 0


@pytest.mark.release
@pytest.mark.parametrize("server", [False, True], ids=["sqlite", "postgresql"])
def test_kills_of_a_town_with_a_channel_and_a_source_of_every_kind_break_no_promise(tmp_path, server):
    if server and find_binaries() is None:
        pytest.skip(MISSING)
    outcomes = all_kinds(EVERYWHERE, kills=4, alerts=12, towns=1, folder=tmp_path, daemons=3, server=server)

    assert breaches(outcomes) == []
    [outcome] = outcomes
    assert (outcome.alerts, outcome.kills) == (12, 4)
    assert sum(outcome.editions.values()) >= 4


@pytest.mark.release
def test_four_kills_while_people_report_lose_no_report_keep_none_twice_and_draft_once(tmp_path):
    outcomes = report(REPORTED, kills=4, towns=2, folder=tmp_path)

    assert breaches(outcomes) == []
    assert sum(outcome.kills for outcome in outcomes) == 4
    assert sum(outcome.reports for outcome in outcomes) > 20
    assert sum(outcome.drafts for outcome in outcomes) >= 1


@pytest.mark.release
def test_four_kills_while_subscribers_are_told_miss_nobody_and_tell_nobody_else(tmp_path):
    outcomes = subscribe(TOLD, kills=4, towns=2, folder=tmp_path)

    assert breaches(outcomes) == []
    assert sum(outcome.kills for outcome in outcomes) == 4
    assert all(outcome.messages > 0 for outcome in outcomes)


@pytest.mark.release
def test_three_kills_amid_a_crowd_miss_nobody_and_repeat_no_more_than_was_under_way(tmp_path):
    [outcome] = crowd(CROWDED, kills=3, recipients=2000, folder=tmp_path)

    assert breaches([outcome]) == []
    assert outcome.kills == 3
    assert all(heard.reached_by(2) > 0 for heard in outcome.heard.values())


@pytest.mark.release
def test_three_kills_at_at_a_broker_a_vigilance_and_a_site_lose_nothing_and_tell_nothing_twice(tmp_path):
    if mqtt_broker.is_missing():
        pytest.skip(mqtt_broker.MISSING)
    [outcome] = watch(SHOWN, kills=3, towns=1, folder=tmp_path)

    assert breaches([outcome]) == []
    assert dict(outcome.aimed) == {"broker": 1, "vigilance": 1, "site": 1}
    assert (outcome.alerts, outcome.colours, outcome.entries) == (1, 1, 1)
