"""What the public may see of an incident: only what was let out, for everybody, and for real.

A waiting, rejected or left-out message is nothing to show, an exercise neither; what a sender goes on about for others
than the public, or for elsewhere alone, stays theirs, and all that is seen of it here is that the incident is over.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from alerts.desk.dedupe import end_reason
from alerts.model.alert import SERIES_PARAMETER, STEP_PARAMETER, Alert, Scope, Severity, Status
from alerts.model.hazard import WATER_CUTS, Hazard, hazard_of
from alerts.model.incident import AlertState, StoredAlert
from alerts.model.post import EndReason, Post, PostKind, PostState

PLANNED = frozenset((Hazard.WORKS, *WATER_CUTS))
"""What is announced long before: shown as to come until it begins."""
_CLOCKS_CHANGE = timedelta(hours=1)
_WEEK = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_NEVER_TOLD = (PostState.SUPERSEDED, PostState.REJECTED, PostState.DROPPED, PostState.WAITING)


@dataclass(frozen=True, slots=True)
class PublicEnding:
    """Why and when an incident was over; `stored` is the message that said so, where one did."""

    reason: EndReason
    at: datetime
    stored: StoredAlert | None = None


@dataclass(frozen=True, slots=True)
class PublicIncident:
    """An incident as everybody may see it: its versions, oldest first, and its end.

    The last version is what holds, or held.
    """

    id: str
    versions: tuple[StoredAlert, ...]
    ending: PublicEnding | None

    @property
    def alert(self) -> Alert:
        """What holds, or held last."""
        alert = self.versions[-1].alert
        assert alert is not None  # noqa: S101 a message without one is no version
        return alert

    @property
    def severity(self) -> Severity:
        """How grave it is."""
        return self.alert.severity

    @property
    def hazard(self) -> Hazard:
        """What it is about."""
        return hazard_of(self.alert.infos[0])

    @property
    def changed_at(self) -> datetime:
        """When the public last learned something new of it."""
        return self.ending.at if self.ending else self.versions[-1].received_at

    @property
    def planned(self) -> bool:
        """Whether it is of the kind that is announced long before, or stands in the works calendar, whatever it is."""
        return self.hazard in PLANNED or self.alert.infos[0].parameter(STEP_PARAMETER) is not None

    def to_come(self, now: datetime) -> bool:
        """Whether it is planned and hasn't begun, or is a series and not on by the hour."""
        if self.ending is not None or not self.planned:
            return False
        return self.alert.starts > now or not _is_on(self.alert, now)


def _is_on(alert: Alert, now: datetime) -> bool:
    """Whether a series of the works calendar has a date now; true of everything else, and where its rule isn't read.

    An hour on either side is counted in: the message knows the station's clocks as they were when it was written.
    """
    told = alert.infos[0].parameter(SERIES_PARAMETER)
    if told is None:
        return True
    try:
        series = json.loads(told)
        zone, length = alert.starts.tzinfo, timedelta(seconds=series["length"])
        opens = time.fromisoformat(series["opens"])
        days = [now.astimezone(zone).date() - timedelta(days=back) for back in range(min(length.days, 31) + 2)]
        spans = [(datetime.fromisoformat(start), datetime.fromisoformat(end)) for _, start, end in series["moved"]]
        begins = [datetime.combine(day, opens, zone) for day in days if _has(series, day, alert.starts.date())]
    except (ValueError, TypeError, LookupError, AttributeError):
        return True
    spans += [(each, each + length) for each in begins]
    return any(start - _CLOCKS_CHANGE <= now < end + _CLOCKS_CHANGE for start, end in spans)


def _has(series: Mapping[str, Any], day: date, first: date) -> bool:
    """Whether the series takes place on that day at its hour. Raises LookupError for a rule that isn't read here."""
    iso = day.isoformat()
    elsewhere = iso in series["off"] or any(iso == moved[0] for moved in series["moved"])
    if elsewhere or (series["last"] and iso > series["last"]):
        return False
    if iso in series["extra"] or not series["rule"]:
        return iso in series["extra"]
    parts = dict(part.split("=", 1) for part in series["rule"].split(";"))
    every = int(parts.pop("INTERVAL", 1))
    match parts:
        case {"FREQ": "DAILY"} if len(parts) == 1:
            return (day - first).days % every == 0
        case {"FREQ": "WEEKLY", "BYDAY": days} if len(parts) == 2:
            return _WEEK[day.weekday()] in days.split(",") and (_monday(day) - _monday(first)).days // 7 % every == 0
        case {"FREQ": "MONTHLY", "BYMONTHDAY": days} if len(parts) == 2 and every == 1:
            return str(day.day) in days.split(",")
    raise LookupError(series["rule"])


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def public_incident(messages: Sequence[StoredAlert], posts: Sequence[Post], now: datetime) -> PublicIncident | None:
    """The incident of these messages and posts, both in the order of storing; None where the public has none of it."""
    seen = [stored for stored in messages if _is_public(stored) and not _takes_leave(stored, posts)]
    versions = tuple(stored for stored in seen if stored.alert and end_reason(stored.alert) is None)
    if not versions:
        return None
    ending = _withdrawn(messages, versions[-1], posts) or _ending(messages, seen, posts, now)
    return PublicIncident(versions[-1].incident_id, versions, ending)


def _is_public(stored: StoredAlert) -> bool:
    alert = stored.alert
    says = alert is not None and (bool(alert.infos) or end_reason(alert) is not None)
    return stored.state is AlertState.ACCEPTED and _is_for_all(alert) and says


def _is_for_all(alert: Alert | None) -> bool:
    return alert is not None and alert.status is Status.ACTUAL and alert.scope is Scope.PUBLIC


def _takes_leave(stored: StoredAlert, posts: Sequence[Post]) -> bool:
    """Whether all that its readers here were told by it is that the incident is over: it goes on elsewhere."""
    own = [post for post in posts if post.alert_id == stored.id]
    is_end = stored.alert is not None and end_reason(stored.alert) is not None
    return bool(own) and not is_end and all(post.kind is PostKind.END for post in own)


def _withdrawn(messages: Sequence[StoredAlert], last: StoredAlert, posts: Sequence[Post]) -> PublicEnding | None:
    """An end that came before anything had left: the message that took it back has no posts, so it is left out.

    A post says whose message took its place; what came after that, and may wait or be left out, has no part in it.
    """
    own = [post for post in posts if post.alert_id == last.id]
    later = messages[[stored.id for stored in messages].index(last.id) + 1 :]
    if not own or not later or any(post.state is not PostState.SUPERSEDED for post in own):
        return None
    # The reason names the message that took its place: as a value, or in words in a row of before reasons had codes.
    word = next((stored for stored in later if any(stored.id in str(post.reason) for post in own)), None)
    reason = end_reason(word.alert) if word is not None and word.alert is not None and _is_for_all(word.alert) else None
    return PublicEnding(reason or EndReason.CANCELLED, (word or later[-1]).received_at, word if reason else None)


def _ending(
    messages: Sequence[StoredAlert], seen: Sequence[StoredAlert], posts: Sequence[Post], now: datetime
) -> PublicEnding | None:
    """Its sender's word, else that it was ended here, else that its time has run out."""
    newest = seen[-1]
    reason = end_reason(newest.alert) if newest.alert else None
    if reason is not None:
        return PublicEnding(reason, newest.received_at, newest)
    if left_us_at := _ended_without_words(messages, newest, posts):
        return PublicEnding(EndReason.CANCELLED, left_us_at)
    ends = newest.alert.ends if newest.alert else now
    return PublicEnding(EndReason.EXPIRED, ends) if ends <= now else None


def _ended_without_words(messages: Sequence[StoredAlert], last: StoredAlert, posts: Sequence[Post]) -> datetime | None:
    """When an end was let out for another message than those the public sees: the incident has left us."""
    place = max((post.seq for post in posts if post.alert_id == last.id), default=0)
    later = [post for post in posts if post.seq > place and post.kind is PostKind.END and post.alert_id != last.id]
    taking = next((post for post in later if post.state not in _NEVER_TOLD), None)
    if taking is None:
        return None
    return next((stored.received_at for stored in messages if stored.id == taking.alert_id), taking.stored_at)


@dataclass(frozen=True, slots=True)
class Situation:
    """What the town's page shows: what is on (worst first), to come (soonest first), and over in the last day."""

    now: datetime
    on: tuple[PublicIncident, ...]
    to_come: tuple[PublicIncident, ...]
    over: tuple[PublicIncident, ...]


LAST_DAY = timedelta(hours=24)


def situation(incidents: Sequence[PublicIncident], now: datetime) -> Situation:
    """Sort incidents into what is on, to come, and was over in the last day."""
    on = [each for each in incidents if each.ending is None and not each.to_come(now)]
    to_come = [each for each in incidents if each.to_come(now)]
    over = [each for each in incidents if each.ending is not None and now - each.ending.at <= LAST_DAY]
    return Situation(
        now,
        tuple(sorted(on, key=lambda each: (-each.severity.rank, each.alert.ends, each.id))),
        tuple(sorted(to_come, key=lambda each: (each.alert.starts, each.id))),
        tuple(sorted(over, key=lambda each: (each.changed_at, each.id), reverse=True)),
    )
