"""Which channels an alert goes to, and how it is published: pure decisions, each with its reason."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, tzinfo

from alerts.model.alert import Alert, Info, MsgType, Scope, Severity, Status, Urgency
from alerts.model.hazard import fold
from alerts.model.hazard_words import says_it_is_over
from alerts.model.incident import LeftOut
from alerts.model.post import EndReason
from alerts.model.reason import because
from alerts.model.town import ChannelConfig, Publish, SourceRules, Town

LIVE = (Status.ACTUAL,)
PRACTICE = (Status.EXERCISE, Status.TEST)
# How far ahead a time of issue may lie: a wrong clock or time zone, and no more.
_CLOCKS_DIFFER = timedelta(days=1)


def fit_for_people(alert: Alert) -> LeftOut | None:
    """Why the message is for nobody here at all: not for the public, no alert, or with nothing to read in it."""
    if alert.msg_type in (MsgType.ACK, MsgType.ERROR):
        return LeftOut(because("for_machines", type=alert.msg_type))
    if alert.status not in (*LIVE, *PRACTICE):
        return LeftOut(because("not_actual", status=alert.status))
    if alert.scope is not Scope.PUBLIC:
        return LeftOut(because("not_public", scope=alert.scope))
    if not alert.infos and alert.msg_type is not MsgType.CANCEL:
        return LeftOut(because("nothing_to_read"))
    return None


def premature(alert: Alert, now: datetime) -> LeftOut | None:
    """Why its time of issue can't be right: in it lies what makes one message newer than another."""
    if alert.sent - now <= _CLOCKS_DIFFER:
        return None
    return LeftOut(because("sent_in_future", at=alert.sent))


def over(alert: Alert, now: datetime, zone: tzinfo) -> LeftOut | None:
    """Why it is too late to tell; the time is the station's own."""
    if alert.ends > now:
        return None
    return LeftOut(because("over_before_read", at=alert.ends.astimezone(zone)))


def grave_enough(alert: Alert, least: Severity) -> LeftOut | None:
    """Why it is too slight for a source that takes `least` and worse; Unknown passes, for it is often grave."""
    if alert.severity is Severity.UNKNOWN or alert.severity.at_least(least):
        return None
    return LeftOut(because("below_source_severity", severity=alert.severity, least=least))


def choose_channels(
    alert: Alert,
    station: Town,
    named: Sequence[str] = (),
    *,
    on: frozenset[str] = frozenset(),
    ends: bool = False,
) -> tuple[ChannelConfig, ...] | LeftOut:
    """The channels for a message, or why there is none.

    Those named, or all that take its status and severity, and those where its incident is `on`: whoever read the
    alert reads that it is less grave now. An end goes where the incident is on, and nowhere else.
    """
    fitting = _of_its_kind(alert.status, station, on)
    if isinstance(fitting, LeftOut):
        return fitting
    if misfit := misfits(alert, station, named, on):
        return misfit
    wanted = [channel for channel in fitting if not named or channel.name in named]
    if ends:
        return tuple(channel for channel in wanted if channel.name in on) or LeftOut(
            because("ends_none_named" if named else "ends_nothing_on")
        )
    taking = [channel for channel in wanted if named or channel.name in on or _takes(channel, alert.severity)]
    return tuple(taking) or LeftOut(because("below_every_channel", severity=alert.severity))


def channels_for(status: Status, station: Town, on: frozenset[str]) -> list[ChannelConfig]:
    """Exercises on exercise channels, real alerts on live ones, and never otherwise."""
    practice = status in PRACTICE
    return [
        each for each in station.channels.values() if each.exercise is practice and (each.public or each.name in on)
    ]


def _of_its_kind(status: Status, station: Town, on: frozenset[str]) -> list[ChannelConfig] | LeftOut:
    """The channels that may have it at all, or why there is none."""
    if fitting := channels_for(status, station, on):
        return fitting
    return LeftOut(because("no_exercise_channel" if status in PRACTICE else "no_channel", status=status))


def misfits(alert: Alert, station: Town, named: Sequence[str], on: frozenset[str]) -> LeftOut | None:
    """Why a channel that was named can't have it: nobody is left believing that it went there."""
    fitting = channels_for(alert.status, station, on)
    names = {channel.name for channel in fitting}
    strangers = [name for name in named if name not in names]
    if not strangers:
        return None
    known = [channel.name for channel in fitting]
    return LeftOut(because("channel_of_other_kind", channels=strangers, status=alert.status, known=known))


def _takes(channel: ChannelConfig, severity: Severity) -> bool:
    return severity is Severity.UNKNOWN or severity.at_least(channel.severity)


def how_to_publish(alert: Alert, intake: SourceRules, ending: EndReason | None = None) -> Publish:
    """`publish` of the source, or `urgent` for what is Severe or worse and Immediate.

    A severity of Unknown can't be held against a threshold: from a source that has one, it waits for the officer. An
    end is no warning, so it needs no severity, and `urgent = "auto"` lets no end out: it is never urgent to stop
    warning. What withdraws a wrong alert waits for nobody.
    """
    if ending is EndReason.CORRECTED:
        return "auto"
    # A source whose threshold is Minor takes everything, so Unknown is no exception there.
    if alert.severity is Severity.UNKNOWN and intake.severity.at_least(Severity.MODERATE) and ending is None:
        return "approve"
    if alert.severity.at_least(Severity.SEVERE) and alert.urgency is Urgency.IMMEDIATE and intake.urgent:
        return intake.publish if intake.urgent == "auto" and ending is not None else intake.urgent
    return intake.publish


# Characters of each text in which it says that it is over: what comes later tells of something else.
_LOOKED_AT = 300
IN_WORDS_ONLY = because("over_in_words")


def over_in_words(alert: Alert) -> bool:
    """Whether a message that by its format warns says in its first words that it is over, in one of its languages.

    Some publishers send "Fin de l'alerte crue" as one more Alert or Update. Published as a warning it would frighten,
    as an all clear it would permit; neither is for a machine to choose.
    """
    return any(_says_over(info) for info in alert.infos)


def _says_over(info: Info) -> bool:
    first = (info.description or "")[:_LOOKED_AT].split(". ", 1)[0]
    texts = [fold(text[:_LOOKED_AT]) for text in (info.headline or "", info.event, first)]
    return says_it_is_over(*texts)
