"""Which channels an alert goes to, and how it is published: pure decisions, each with its reason."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from alerts.desk.station import Intake, Outlet, Publish, Station
from alerts.model.alert import Alert, MsgType, Scope, Severity, Status, Urgency
from alerts.model.incident import LeftOut

LIVE = (Status.ACTUAL,)
PRACTICE = (Status.EXERCISE, Status.TEST)


def fit_for_people(alert: Alert, now: datetime) -> LeftOut | None:
    """Why the message is for nobody here at all: not for the public, no alert, not meant to be acted on, or over."""
    if alert.msg_type in (MsgType.ACK, MsgType.ERROR):
        return LeftOut(f"a message of type {alert.msg_type} is for machines, not for people")
    if alert.status not in (*LIVE, *PRACTICE):
        return LeftOut(f"its status is {alert.status}, not Actual")
    if alert.scope is not Scope.PUBLIC:
        return LeftOut(f"its scope is {alert.scope}: it isn't for the public")
    if alert.ends <= now:
        return LeftOut(f"it was over at {alert.ends.isoformat(timespec='minutes')}, before it was read")
    return None


def grave_enough(alert: Alert, least: Severity) -> LeftOut | None:
    """Why it is too slight for a source that takes `least` and worse; Unknown passes, for it is often grave."""
    if alert.severity is Severity.UNKNOWN or alert.severity.at_least(least):
        return None
    return LeftOut(f"its severity is {alert.severity}, below the {least} that this source takes")


def choose_outlets(alert: Alert, station: Station, named: Sequence[str] = ()) -> tuple[Outlet, ...] | LeftOut:
    """The channels for an alert: those named, or all that take its status and severity. The reason where none does."""
    practice = alert.status in PRACTICE
    fitting = [outlet for outlet in station.outlets if outlet.exercise is practice and outlet.public]
    if not fitting:
        what = "no channel takes exercises (exercise = true)" if practice else "no channel takes alerts"
        return LeftOut(f"its status is {alert.status}, and {what}")
    if named:
        return tuple(outlet for outlet in fitting if outlet.name in named) or LeftOut(
            f"none of the channels named ({', '.join(named)}) takes an alert whose status is {alert.status}"
        )
    grave = [o for o in fitting if alert.severity is Severity.UNKNOWN or alert.severity.at_least(o.severity)]
    return tuple(grave) or LeftOut(f"its severity is {alert.severity}, below what every channel takes")


def how_to_publish(alert: Alert, intake: Intake) -> Publish:
    """`publish` of the source, or `urgent` for what is Severe or worse and Immediate.

    A severity of Unknown can't be held against a threshold: from a source that has one, it waits for the officer.
    """
    if alert.severity is Severity.UNKNOWN and intake.severity.at_least(Severity.MODERATE):
        return "approve"
    if alert.severity.at_least(Severity.SEVERE) and alert.urgency is Urgency.IMMEDIATE and intake.urgent:
        return intake.urgent
    return intake.publish
