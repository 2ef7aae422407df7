"""The public part of an incident: only released messages, for everybody, and real.

A waiting, rejected or left-out message isn't shown, an exercise neither; a sender's further messages for others than
the public, or for elsewhere alone, are hidden, and show here only as the end of the incident. `IncidentIndex` keeps the
public part of the day, and reads changes alone.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from operator import itemgetter
from typing import Any
from zoneinfo import ZoneInfo

from alerts.desk.dedupe import end_reason
from alerts.model.alert import SERIES_PARAMETER, STEP_PARAMETER, Alert, Scope, Severity, Status
from alerts.model.bounds import read_json
from alerts.model.hazard import WATER_CUTS, Hazard, worded_hazard
from alerts.model.incident import AlertState, StoredAlert
from alerts.model.post import EndReason, Post, PostKind, PostState
from alerts.store.views import LAST_DAY, Views

PLANNED = frozenset((Hazard.WORKS, *WATER_CUTS))
"""Hazards announced long in advance: shown as upcoming until they begin."""
_WEEK = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
# States of posts from which no reader learned anything.
_NEVER_PUBLISHED = (PostState.SUPERSEDED, PostState.REJECTED, PostState.DROPPED, PostState.WAITING)


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
        """The current alert, or the last one."""
        alert = self.versions[-1].alert
        assert alert is not None  # noqa: S101 a message without one is no version
        return alert

    @property
    def severity(self) -> Severity:
        """How grave it is."""
        return self.alert.severity

    @property
    def hazard(self) -> Hazard:
        """The hazard it is about."""
        return worded_hazard(self.alert.infos[0])

    @property
    def changed_at(self) -> datetime:
        """When the public last learned something new of it."""
        return self.ending.at if self.ending else self.versions[-1].received_at

    @property
    def planned(self) -> bool:
        """True if it is of a kind that is announced long in advance, or in the works calendar, whatever its kind."""
        return is_planned(self.alert)

    def to_come(self, now: datetime, zone: ZoneInfo) -> bool:
        """True if it is planned and hasn't begun, or is a series and not on at this hour."""
        return self.ending is None and is_to_come(self.alert, now, zone)


def is_planned(alert: Alert) -> bool:
    """True if it is of a kind that is announced long in advance, or in the works calendar, whatever its kind."""
    return any(worded_hazard(info) in PLANNED or info.parameter(STEP_PARAMETER) is not None for info in alert.infos[:1])


def is_to_come(alert: Alert, now: datetime, zone: ZoneInfo) -> bool:
    """True if it is planned and hasn't begun, or is a series and not on at that hour by the clocks of `zone`."""
    return is_planned(alert) and (alert.starts > now or not _is_on(alert, now, zone))


def _is_on(alert: Alert, now: datetime, zone: ZoneInfo) -> bool:
    """True if a series of the works calendar has a date now, for all other alerts, and for unreadable rules.

    Its hours are those of the clock on the wall: works from 22:00 to 6:00 are so too in the night in which it is set.
    """
    parameter = alert.infos[0].parameter(SERIES_PARAMETER)
    if parameter is None:
        return True
    try:
        series = read_json(parameter)
        opens, length = time.fromisoformat(series["opens"]), timedelta(seconds=series["length"])
        today, first = now.astimezone(zone).date(), alert.starts.astimezone(zone).date()
        days = [today - timedelta(days=back) for back in range(min(length.days, 31) + 2)]
        spans = [(datetime.fromisoformat(start), datetime.fromisoformat(end)) for _, start, end in series["moved"]]
        begins = [datetime.combine(day, opens) for day in days if _has(series, day, first)]
    except (ValueError, TypeError, LookupError, AttributeError):
        return True
    spans += [(each.replace(tzinfo=zone), (each + length).replace(tzinfo=zone)) for each in begins]
    return any(start <= now < end for start, end in spans)


def _has(series: Mapping[str, Any], day: date, first: date) -> bool:
    """True if the series takes place on that day at its hour. Raises LookupError for a rule that isn't read here."""
    iso = day.isoformat()
    elsewhere = iso in series["off"] or any(iso == moved[0] for moved in series["moved"])
    if elsewhere or (series["last"] and iso > series["last"]):
        return False
    if iso in series["extra"] or not series["rule"]:
        return iso in series["extra"]
    # Several rules are joined by a plus in our own calendar source.
    return any(_meets(rule, day, first) for rule in series["rule"].replace("+FREQ=", "\nFREQ=").split("\n"))


def _meets(rule: str, day: date, first: date) -> bool:
    """True if a rule, as our own calendar source spells it, has that day. Raises LookupError for an unknown one."""
    parts = dict(part.split("=", 1) for part in rule.split(";"))
    every = int(parts.pop("INTERVAL", 1))
    months = (day.year - first.year) * 12 + day.month - first.month
    match parts:
        case {"FREQ": "DAILY"} if len(parts) == 1:
            return (day - first).days % every == 0
        case {"FREQ": "WEEKLY", "BYDAY": days} if len(parts) == 2:
            return _WEEK[day.weekday()] in days.split(",") and (_monday(day) - _monday(first)).days // 7 % every == 0
        case {"FREQ": "MONTHLY", "BYMONTHDAY": days} if len(parts) == 2:
            return months % every == 0 and str(day.day) in days.split(",")
        case {"FREQ": "MONTHLY", "BYDAY": days} if len(parts) == 2:
            return months % every == 0 and not _names_of(day).isdisjoint(days.replace("+", "").split(","))
        case {"FREQ": "MONTHLY", "BYDAY": name, "BYSETPOS": which} if len(parts) == 3 and name in _WEEK:
            return months % every == 0 and f"{int(which)}{name}" in _names_of(day)
    raise LookupError(rule)


def _names_of(day: date) -> set[str]:
    """Return BYDAY's names of a day (RFC 5545, 3.3.10): "TU", "2TU" for the second Tuesday, "-1TU" for the last."""
    name = _WEEK[day.weekday()]
    left = (monthrange(day.year, day.month)[1] - day.day) // 7
    return {name, f"{(day.day + 6) // 7}{name}", f"{-1 - left}{name}"}


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def public_incident(messages: Sequence[StoredAlert], posts: Sequence[Post], now: datetime) -> PublicIncident | None:
    """The incident of these messages and posts, both in the order of storing; None where the public has none of it."""
    incident = _timeless(messages, posts)
    return _at(incident, now) if incident is not None else None


def _timeless(messages: Sequence[StoredAlert], posts: Sequence[Post]) -> PublicIncident | None:
    """The incident as far as it doesn't hang on the time: it may be over by now."""
    seen = [stored for stored in messages if _is_public(stored) and not _takes_leave(stored, posts)]
    versions = tuple(stored for stored in seen if stored.alert and end_reason(stored.alert) is None)
    if not versions:
        return None
    ending = _withdrawn(messages, versions[-1], posts) or _ending(messages, seen, posts)
    return PublicIncident(versions[-1].incident_id, versions, ending)


def _at(incident: PublicIncident, now: datetime) -> PublicIncident:
    """The incident at that time, which may have run out."""
    if incident.ending is not None or incident.alert.ends > now:
        return incident
    return replace(incident, ending=PublicEnding(EndReason.EXPIRED, incident.alert.ends))


def _is_public(stored: StoredAlert) -> bool:
    alert = stored.alert
    says = alert is not None and (bool(alert.infos) or end_reason(alert) is not None)
    return stored.state is AlertState.ACCEPTED and _is_for_all(alert) and says


def _is_for_all(alert: Alert | None) -> bool:
    return alert is not None and alert.status is Status.ACTUAL and alert.scope is Scope.PUBLIC


def _is_out(stored: StoredAlert) -> bool:
    return stored.state is AlertState.ACCEPTED and stored.alert is not None and stored.alert.status is Status.ACTUAL


def _takes_leave(stored: StoredAlert, posts: Sequence[Post]) -> bool:
    """True if its readers here only got its end: the incident continues elsewhere."""
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


def _ending(messages: Sequence[StoredAlert], seen: Sequence[StoredAlert], posts: Sequence[Post]) -> PublicEnding | None:
    """Its sender's word, else that it was ended here."""
    newest = seen[-1]
    reason = end_reason(newest.alert) if newest.alert else None
    if reason is not None:
        return PublicEnding(reason, newest.received_at, newest)
    if left_us_at := _ended_without_words(messages, newest, posts):
        return PublicEnding(EndReason.CANCELLED, left_us_at)
    return None


def _ended_without_words(messages: Sequence[StoredAlert], last: StoredAlert, posts: Sequence[Post]) -> datetime | None:
    """When an end was let out for another message than those the public sees: the incident has left us."""
    place = max((post.seq for post in posts if post.alert_id == last.id), default=0)
    later = [post for post in posts if post.seq > place and post.kind is PostKind.END and post.alert_id != last.id]
    taking = next((post for post in later if post.state not in _NEVER_PUBLISHED), None)
    if taking is None:
        return None
    return next((stored.received_at for stored in messages if stored.id == taking.alert_id), taking.stored_at)


@dataclass(frozen=True, slots=True)
class CurrentIncidents:
    """The incidents on the town's page: current (worst first), upcoming (soonest first), and over in the last day."""

    now: datetime
    on: tuple[PublicIncident, ...]
    to_come: tuple[PublicIncident, ...]
    over: tuple[PublicIncident, ...]


def situation(incidents: Sequence[PublicIncident], now: datetime, zone: ZoneInfo) -> CurrentIncidents:
    """Sort incidents into what is on, to come, and was over in the last day; `zone` has the station's clocks."""
    return _sorted([placed for each in incidents if (placed := _placed(each, now, zone))], now)


_ON, _TO_COME, _OVER = range(3)
_Placed = tuple[int, tuple[Any, ...], PublicIncident]


def _placed(each: PublicIncident, now: datetime, zone: ZoneInfo) -> _Placed | None:
    """Return its section with its sort key there. Returns None if it was over before."""
    if each.ending is not None:
        return (_OVER, (each.changed_at, each.id), each) if now - each.ending.at <= LAST_DAY else None
    if each.to_come(now, zone):
        return _TO_COME, (each.alert.starts, each.id), each
    return _ON, (-each.severity.rank, each.alert.ends, each.id), each


def _sorted(placed: Iterable[_Placed], now: datetime) -> CurrentIncidents:
    parts: tuple[list[_Placed], ...] = ([], [], [])
    for each in placed:
        parts[each[0]].append(each)
    on, to_come, over = (
        tuple(each for *_, each in sorted(part, key=itemgetter(1), reverse=place == _OVER))
        for place, part in enumerate(parts)
    )
    return CurrentIncidents(now, on, to_come, over)


LISTED = 5000
"""Incidents that a daybook knows of by id and time alone, the newest."""
# How often it is looked whether a series of the works calendar is on.
_SERIES_EVERY = timedelta(minutes=1)


class IncidentIndex:
    """The public part of the day, kept from one reading to the next.

    A reading covers the incidents with new decisions since the one before, whichever process wrote them: its cost is
    that of the changes, however many alerts the day has. Changes by time alone are known beforehand (`until`). At the
    beginning of a day, and after more changes than are listed individually, everything is read again.
    """

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._incidents: dict[str, PublicIncident] = {}
        self._placed: dict[str, _Placed] = {}
        self._turns: dict[str, datetime] = {}
        self._known: dict[str, datetime] = {}
        self._listed: tuple[tuple[str, datetime], ...] | None = None
        self._mark = 0
        self._day: date | None = None
        self._shown: CurrentIncidents | None = None

    @property
    def known(self) -> tuple[tuple[str, datetime], ...]:
        """The newest incidents that were ever let out, with when each last changed: the same while it says the same."""
        if self._listed is None:
            self._listed = tuple(self._known.items())
        return self._listed

    @property
    def until(self) -> datetime | None:
        """When time alone changes something of what was seen; None: it never does."""
        return min(self._turns.values(), default=None)

    def look(self, views: Views, now: datetime) -> CurrentIncidents:
        """Return the situation at that time. If it fails, the next reading covers what this one didn't."""
        day, before = now.astimezone(self._zone).date(), self._shown
        is_new = before is None or day != self._day
        changed = None if is_new else views.decided_since(self._mark)
        if changed is None:
            mark, touched = views.decided(), self._read_all(views, now)
        else:
            mark, touched = max(changed.values(), default=self._mark), self._read(views, list(changed))
        if before is not None and now < before.now:  # the clock was set back
            touched |= self._incidents.keys()
        touched |= {each for each, at in self._turns.items() if at <= now}
        for each in touched:
            self._turn(each, now)
        self._mark, self._day = mark, day
        same = before is not None and changed is not None and not touched
        self._shown = replace(before, now=now) if before and same else _sorted(self._placed.values(), now)
        return self._shown

    def _read_all(self, views: Views, now: datetime) -> set[str]:
        self._shown = None  # what fails from here on is read anew as a whole
        known = views.published(LISTED)
        # What was withdrawn after its time is news of today too.
        news = [each for each, at in known if now - at <= LAST_DAY]
        self._known, self._listed = dict(reversed(known)), None
        self._incidents, self._placed, self._turns = {}, {}, {}
        return self._read(views, list(dict.fromkeys([*views.public_incidents(now), *news])))

    def _read(self, views: Views, incidents: Sequence[str]) -> set[str]:
        if not incidents:
            return set()
        messages, threads = views.messages(incidents), views.threads(incidents)
        for each in incidents:
            incident = _timeless(messages[each], threads[each])
            if incident is None:
                self._incidents.pop(each, None)
            else:
                self._incidents[each] = incident
            self._list(each, messages[each])
        return set(incidents)

    def _list(self, incident: str, messages: Sequence[StoredAlert]) -> None:
        """Know of it as of the newest: those that were let out for real."""
        out = [stored.received_at for stored in messages if _is_out(stored)]
        if out:
            self._known.pop(incident, None)
            self._known[incident], self._listed = max(out), None
        if len(self._known) > LISTED:
            del self._known[next(iter(self._known))]

    def _turn(self, incident: str, now: datetime) -> None:
        """Put it in its present place; an incident that was over a day ago is forgotten."""
        known = self._incidents.get(incident)
        placed = _placed(_at(known, now), now, self._zone) if known is not None else None
        if placed is None:
            for each in (self._incidents, self._placed, self._turns):
                each.pop(incident, None)
            return
        self._placed[incident], self._turns[incident] = placed, _turns_at(placed[2], now)


def _turns_at(shown: PublicIncident, now: datetime) -> datetime:
    """When time alone moves it to another part, or out of sight."""
    if shown.ending is not None:
        return shown.ending.at + LAST_DAY + timedelta.resolution
    alert = shown.alert
    if not shown.planned:
        return alert.ends
    # By the hour, on each of its days: its rule is asked, not told beforehand.
    if alert.infos[0].parameter(SERIES_PARAMETER) is not None:
        return min(now + _SERIES_EVERY, alert.ends)
    return alert.starts if alert.starts > now else alert.ends
