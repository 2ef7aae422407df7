"""Who gets what, how it is published, and the reason where nobody gets it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from alerts.desk.routing import choose_channels, fit_for_people, grave_enough, how_to_publish, over
from alerts.model.alert import MsgType, Scope, Severity, Status, Urgency
from alerts.model.incident import LeftOut
from alerts.model.post import EndReason
from alerts.model.reason import because
from alerts.model.town import SourceRules
from tests.unit.desk.conftest import LATER, PAGE, TELEGRAM, X, a_town, an_alert
from tests.walls import in_one_test

STATION = a_town()


def names(alert, *named, station=STATION, **more):
    chosen = choose_channels(alert, station, named, **more)
    return str(chosen.reason) if isinstance(chosen, LeftOut) else [channel.name for channel in chosen]


@in_one_test
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"msg_type": MsgType.ACK}, "a message of type Ack is for machines, not for people"),
        ({"msg_type": MsgType.ERROR}, "a message of type Error is for machines, not for people"),
        ({"status": Status.DRAFT}, "its status is Draft, not Actual"),
        ({"status": Status.SYSTEM}, "its status is System, not Actual"),
        ({"scope": Scope.RESTRICTED}, "its scope is Restricted: it isn't for the public"),
        ({"scope": Scope.PRIVATE}, "its scope is Private: it isn't for the public"),
    ],
)
def test_what_is_for_nobody_here_says_why(changes, reason):
    assert str(fit_for_people(an_alert(**changes)).reason) == reason


@pytest.mark.parametrize("status", [Status.ACTUAL, Status.EXERCISE, Status.TEST])
def test_what_is_for_people_passes(status):
    assert fit_for_people(an_alert(status=status)) is None


def test_a_message_without_words_says_nothing_unless_it_cancels():
    empty = replace(an_alert(), infos=())

    assert fit_for_people(empty) == LeftOut(because("nothing_to_read"))
    assert fit_for_people(replace(empty, msg_type=MsgType.CANCEL)) is None


def test_what_is_over_says_when_it_was_in_the_station_s_time():
    assert over(an_alert(), LATER - timedelta(seconds=1), STATION.zone) is None
    told = over(an_alert(), LATER, STATION.zone)
    assert str(told.reason) == "it was over at 2026-11-25 19:00, before it was read"


@in_one_test
@pytest.mark.parametrize(
    ("severity", "least", "passes"),
    [
        (Severity.MINOR, Severity.MODERATE, False),
        (Severity.MODERATE, Severity.MODERATE, True),
        (Severity.EXTREME, Severity.MODERATE, True),
        (Severity.UNKNOWN, Severity.EXTREME, True),
    ],
)
def test_a_source_takes_what_is_grave_enough_and_what_nobody_knows(severity, least, passes):
    left_out = grave_enough(an_alert(severity=severity), least)

    assert (left_out is None) is passes
    if left_out:
        assert str(left_out.reason) == "its severity is Minor, below the Moderate that this source takes"


@pytest.mark.parametrize(
    ("severity", "taken"),
    [
        (Severity.MINOR, ["page", "telegram"]),
        (Severity.MODERATE, ["x", "page", "telegram"]),
        (Severity.UNKNOWN, ["x", "page", "telegram"]),
    ],
)
def test_a_channel_takes_what_is_grave_enough_for_it(severity, taken):
    assert names(an_alert(severity=severity)) == taken


def test_nobody_takes_what_is_too_slight_for_all():
    station = a_town(channels=(X,))

    assert names(an_alert(severity=Severity.MINOR), station=station) == (
        "its severity is Minor, below what every channel takes"
    )


@pytest.mark.parametrize("status", [Status.EXERCISE, Status.TEST])
def test_an_exercise_goes_on_exercise_channels_and_nowhere_else(status):
    assert names(an_alert(status=status)) == ["exercices"]
    assert names(an_alert(status=status), on=frozenset({"x"})) == ["exercices"]


def test_without_an_exercise_channel_there_are_no_exercises():
    station = a_town(channels=(X, PAGE))

    assert names(an_alert(status=Status.EXERCISE), station=station) == (
        "its status is Exercise, and no channel takes exercises (exercise = true)"
    )


def test_a_channel_that_is_named_takes_it_whatever_its_severity():
    assert names(an_alert(severity=Severity.MINOR), "x") == ["x"]
    assert names(an_alert(), "telegram", "x") == ["x", "telegram"]


@pytest.mark.parametrize("name", ["exercices", "equipe"])
def test_a_named_channel_that_can_not_have_it_is_told_of_not_passed_over(name):
    assert names(an_alert(), "x", name) == (
        f"{name} takes no message whose status is Actual; those that do: x, page, telegram"
    )


def test_an_end_goes_where_the_incident_is():
    on = frozenset({"x", "telegram"})

    assert names(an_alert(severity=Severity.MINOR), on=on, ends=True) == ["x", "telegram"]
    assert names(an_alert(), "x", on=on, ends=True) == ["x"]
    assert names(an_alert(), on=frozenset(), ends=True) == "it ends what is on none of the channels"
    assert names(an_alert(), "page", on=on, ends=True) == "it ends what is on none of the channels named"


def test_a_channel_that_is_public_no_more_still_gets_the_end():
    station = a_town(channels=(X, replace(TELEGRAM, public=False)))

    assert names(an_alert(), station=station, on=frozenset({"telegram"}), ends=True) == ["telegram"]


@pytest.mark.parametrize(
    ("intake", "severity", "urgency", "publish"),
    [
        (SourceRules("veto", "auto"), Severity.SEVERE, Urgency.IMMEDIATE, "auto"),
        (SourceRules("veto", "auto"), Severity.EXTREME, Urgency.IMMEDIATE, "auto"),
        (SourceRules("veto", "auto"), Severity.SEVERE, Urgency.EXPECTED, "veto"),
        (SourceRules("veto", "auto"), Severity.MODERATE, Urgency.IMMEDIATE, "veto"),
        (SourceRules("auto", "approve"), Severity.SEVERE, Urgency.IMMEDIATE, "approve"),
        (SourceRules("approve"), Severity.SEVERE, Urgency.IMMEDIATE, "approve"),
        (SourceRules("auto"), Severity.UNKNOWN, Urgency.EXPECTED, "auto"),
        (SourceRules("auto", severity=Severity.MODERATE), Severity.UNKNOWN, Urgency.EXPECTED, "approve"),
    ],
)
def test_how_it_is_published(intake, severity, urgency, publish):
    assert how_to_publish(an_alert(severity=severity, urgency=urgency), intake) == publish


def test_an_end_needs_no_severity():
    alert = an_alert(severity=Severity.UNKNOWN)

    assert how_to_publish(alert, SourceRules("veto", severity=Severity.MODERATE), EndReason.CANCELLED) == "veto"
