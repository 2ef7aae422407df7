"""The ceilings of a channel whose posts cost money are lifted by an administrator, for a day."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from alerts.desk.channel_acts import LiftCeiling
from alerts.desk.officer import Officer
from alerts.desk.unit import DeskUnit, cost_of
from alerts.model.errors import Forbidden, Misuse
from alerts.model.person import Actor, Origin, Role
from alerts.store.statement import stamp
from alerts.store.unit import Unit, transaction
from tests.unit.desk.conftest import TELEGRAM, X, an_alert

PAID = replace(X, name="sms", kind="sms", price=0.07, daily_budget=200.0, monthly_budget=600.0)


@pytest.fixture
def town(make_town):
    return make_town(channels=(PAID, TELEGRAM))


def lift(town, role=Role.ADMINISTRATOR, channel="sms"):
    with transaction(town.db):
        unit = DeskUnit(Unit(town.db), town.desk, town.clock.now(), town._new_id)
        return LiftCeiling(channel, "La digue cède.").done_by(Officer(unit, Actor("Zoé", role, Origin.CONSOLE)))


def test_what_waits_there_goes_out_at_once_and_a_line_of_the_journal_says_why(town):
    filed = town.hear(an_alert())
    later = stamp(town.clock.now() + timedelta(minutes=5))
    with transaction(town.db):
        town.db.execute("UPDATE post SET next_try = ?", (later,))
    lift(town)
    assert (town.posts(filed)["sms"].next_try, stamp(town.posts(filed)["telegram"].next_try)) == (None, later)
    assert ("queued", "an administrator lifted the channel's ceilings for today") in town.decisions(filed)
    lines = town.db.execute("SELECT actor, act, subject, detail FROM audit").fetchall()
    assert [tuple(line) for line in lines] == [("Zoé", "lift ceiling", "sms", "La digue cède.")]


def test_it_holds_for_the_day_of_the_town(town):
    lift(town)
    for hours, lifted in ((0, True), (10, True), (11, False)):  # 13:00, 23:00 and midnight in Saint-Martin
        now = town.clock.now() + timedelta(hours=hours)
        assert cost_of(Unit(town.db).views, town.station, "sms", now)["lifted"] is lifted


def test_nobody_else_lifts_them_and_what_costs_nothing_has_none(town):
    with pytest.raises(Forbidden):
        lift(town, Role.APPROVER)
    with pytest.raises(Misuse) as told:
        lift(town, channel="telegram")
    assert (told.value.reason.code, told.value.reason["known"]) == ("no_paid_channel", ("sms",))
    assert town.count("audit") == town.count("fact") == 0
