"""What must be told of a works calendar now: decided from what it says, what was told before, and the time. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from alerts.sources.ical.events import Agenda
from alerts.sources.ical.moments import Moment, time_of
from alerts.sources.ical.occurrence import Occurrence
from alerts.sources.ical.told import Told

LATE_END = timedelta(hours=12)
"""For how long after its end an occurrence is still worth the word that it is over."""

JUST_TOLD = timedelta(hours=12)
"""For how long the word that something moved stands for a notice of it that was given once before."""

END = Moment("end")
Kind = Literal["alert", "update", "end", "cancel"]


@dataclass(frozen=True, slots=True)
class Announcement:
    """One message to make of an occurrence: `step` is the moment's name, `moved` or `cancelled`.

    `before` is what was told of the occurrence until now; a tentative one is not for readers.
    """

    occurrence: Occurrence
    kind: Kind
    step: str
    before: Told
    tentative: bool = False

    @property
    def identifier(self) -> str:
        """Its CAP identifier: the same each time this decision is taken again, and legal (section 3.2.1)."""
        draft = "-tentative" if self.tentative else ""
        occurrence = self.occurrence
        return f"works-{occurrence.key}-{self.before.count}-{self.step}-{occurrence.fingerprint}{draft}"


@dataclass(frozen=True, slots=True)
class Schedule:
    """The moments that a calendar is announced at, in the station's zone."""

    moments: Sequence[Moment]
    zone: ZoneInfo

    def passed(self, occurrence: Occurrence, now: datetime) -> list[Moment]:
        """The moments that have come by `now`, the latest last."""
        times = [(self.at(moment, occurrence), number) for number, moment in enumerate(self.moments)]
        return [self.moments[number] for time, number in sorted(times) if time <= now]

    def at(self, moment: Moment, occurrence: Occurrence) -> datetime:
        """The instant of the occurrence's `moment`."""
        return time_of(moment, occurrence.starts, occurrence.ends, self.zone, all_day=occurrence.all_day)

    def over(self, occurrence: Occurrence, now: datetime) -> bool:
        """Whether it has ended for readers."""
        return self.at(END, occurrence) <= now


@dataclass(frozen=True, slots=True)
class Decision:
    """What to tell, what is then told of each occurrence (by key), and the next moment at which something is due."""

    announcements: tuple[Announcement, ...]
    told: Mapping[str, Told]
    look_again: datetime | None


def decide(agenda: Agenda, told: Mapping[str, Told], schedule: Schedule, now: datetime) -> Decision:
    """At most one announcement for each occurrence: the latest moment that is due, a change, or the end."""
    sent = now.replace(microsecond=0)
    present = {occurrence.key: occurrence for occurrence in agenda.occurrences}
    records = _follow_series(present, told, schedule.zone)
    announcements: list[Announcement] = []
    for key in [*present, *(key for key in records if key not in present)]:
        before = records.get(key, Told())
        announcement = _next_step(present.get(key), before, agenda, schedule, now)
        if announcement:
            announcements.append(announcement)
        if announcement and not announcement.tentative:
            records[key] = _remember(announcement, schedule, sent)
        elif before.occurrence and not before.over and schedule.over(present.get(key, before.occurrence), now):
            records[key] = replace(before, over=True)
    kept = {key: record for key, record in records.items() if key in present or not _forgettable(record, agenda)}
    return Decision(tuple(announcements), kept, _look_again(present, kept, schedule, now))


def _next_step(
    occurrence: Occurrence | None, before: Told, agenda: Agenda, schedule: Schedule, now: datetime
) -> Announcement | None:
    if before.occurrence is None or before.over:
        return _first(occurrence, before, schedule, now) if occurrence and _is_news(occurrence, before) else None
    called_off = occurrence is None or occurrence.status == "CANCELLED"
    if occurrence and not called_off and occurrence.fingerprint != before.occurrence.fingerprint:
        return _change(occurrence, before, schedule, now)
    if schedule.over(before.occurrence, now):
        return _ending(occurrence or before.occurrence, before, schedule, now)
    if occurrence is None or called_off:
        return _calling_off(occurrence, before, agenda)
    return _due(occurrence, before, schedule, now)


def _is_news(occurrence: Occurrence, before: Told) -> bool:
    """Whether readers don't know of it: never told, called off and on again, or taken up again after its end."""
    if before.occurrence is None:
        return occurrence.status != "CANCELLED"
    changed = before.cancelled or occurrence.fingerprint != before.occurrence.fingerprint
    return changed and occurrence.status == "CONFIRMED"


def _first(occurrence: Occurrence, before: Told, schedule: Schedule, now: datetime) -> Announcement | None:
    """The latest moment that has come, for what is still to come or on; nothing for what is over."""
    passed = schedule.passed(occurrence, now)
    if not passed or schedule.over(occurrence, now):
        return None
    fresh = replace(before, tells=())
    return Announcement(occurrence, "alert", passed[-1].name, fresh, tentative=occurrence.status == "TENTATIVE")


def _ending(occurrence: Occurrence, before: Told, schedule: Schedule, now: datetime) -> Announcement | None:
    wanted = END in schedule.moments and now < occurrence.ends + LATE_END
    return Announcement(occurrence, "end", END.name, before) if wanted else None


def _calling_off(occurrence: Occurrence | None, before: Told, agenda: Agenda) -> Announcement | None:
    """Called off by the calendar's own word, or by absence from a whole calendar that would have it."""
    told = before.occurrence
    if told is None or (occurrence is None and not agenda.tells_absence(told.uid, told.starts, told.ends)):
        return None
    return Announcement(told, "cancel", "cancelled", before)


def _change(occurrence: Occurrence, before: Told, schedule: Schedule, now: datetime) -> Announcement | None:
    """A change is told at once, whatever the moments; that it ended sooner than was told, as an end."""
    if schedule.over(occurrence, now):
        return Announcement(occurrence, "end", END.name, before)
    return Announcement(occurrence, "update", "moved", before)


def _due(occurrence: Occurrence, before: Told, schedule: Schedule, now: datetime) -> Announcement | None:
    due = [moment for moment in schedule.passed(occurrence, now) if moment.name not in before.done]
    return Announcement(occurrence, "update", due[-1].name, before) if due else None


def _remember(announcement: Announcement, schedule: Schedule, sent: datetime) -> Told:
    occurrence, before = announcement.occurrence, announcement.before
    return Told(
        occurrence=occurrence,
        done=tuple(moment.name for moment in schedule.moments if _is_done(moment, announcement, schedule, sent)),
        tells=(*before.tells, (announcement.identifier, sent)),
        count=before.count + 1,
        over=announcement.kind in ("end", "cancel"),
        cancelled=announcement.kind == "cancel",
    )


def _is_done(moment: Moment, announcement: Announcement, schedule: Schedule, sent: datetime) -> bool:
    """Whether the moment has come, or is a notice that was given before and would follow this message closely."""
    given = moment.kind == "before" and moment.name in announcement.before.done
    closely = JUST_TOLD if given else timedelta(seconds=1)
    return schedule.at(moment, announcement.occurrence) < sent + closely


def _follow_series(present: Mapping[str, Occurrence], told: Mapping[str, Told], zone: ZoneInfo) -> dict[str, Told]:
    """What was told, under the keys of now: who moves a whole series to another hour changes every RECURRENCE-ID.

    An occurrence that isn't there any more is the untold one of the same UID on the same day, if there is one.
    """
    records = dict(told)
    by_day = {(each.uid, each.starts.astimezone(zone).date()): key for key, each in present.items() if key not in told}
    for key, record in told.items():
        if key in present or record.over or record.occurrence is None:
            continue
        successor = by_day.pop((record.occurrence.uid, record.occurrence.starts.astimezone(zone).date()), None)
        if successor:
            records[successor] = records.pop(key)
    return records


def _forgettable(record: Told, agenda: Agenda) -> bool:
    return record.occurrence is None or record.occurrence.ends < agenda.window.start


def _look_again(
    present: Mapping[str, Occurrence], records: Mapping[str, Told], schedule: Schedule, now: datetime
) -> datetime | None:
    """The next moment of anything that is neither over nor called off; the end of what was told is always one."""
    coming: list[datetime] = []
    for key, occurrence in present.items():
        record = records.get(key)
        if occurrence.status != "CANCELLED" and not (record and record.over):
            coming += [schedule.at(moment, occurrence) for moment in schedule.moments]
    coming += [schedule.at(END, each.occurrence) for each in records.values() if each.occurrence and not each.over]
    return min((time for time in coming if time > now), default=None)
