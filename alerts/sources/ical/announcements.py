"""Decides which announcements of a works calendar are due, from its content, earlier ones, and the time. Pure.

`entries` returns the calendar's entries and the ones readers know already. For each entry `_next_step` then gives at
most one announcement: its first, a change, a moment that has come, its end, or its cancellation. A repeating entry is
announced once, as a series, and again only for changes in it. Last come the two doubts that ADR 0012 has about a
calendar as a whole: many entries that vanish at once, and a flood from a calendar first read today.

The same inputs give the same result, down to the CAP identifiers: an announcement stored before a crash is recognised
by its key, and any other is decided again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from alerts.sources.ical.agenda import WorksAgenda
from alerts.sources.ical.entries import Change, changes_of, entries_of, recognise
from alerts.sources.ical.occurrence import Announced, Moment, Occurrence, time_of

LATE_END = timedelta(hours=12)
"""For how long after its end an occurrence is still worth the word that its time is over."""

JUST_ANNOUNCED = timedelta(hours=12)
"""How long the news of a change replaces a notice that was given once before."""

ANNOUNCED_AGAIN = timedelta(days=365)
"""How long after which a series without an end is announced once more."""

FLOOD = 5
"""More than so many announcements of a calendar that was first read within the last day are put before an officer."""

# On the first day a calendar's content is unproven, so a flood of it is held.
_FIRST_DAY = timedelta(days=1)
# Fewer entries than these that are gone at once were called off by somebody; where nothing is left, not even one.
_FEW = 2
# So many that are gone at once are an accident until an officer says otherwise, whatever else was told.
_MANY = 5

END = Moment("end")
Kind = Literal["alert", "update", "end", "cancel"]


@dataclass(frozen=True, slots=True)
class Announcement:
    """One announcement of an occurrence: `step` is the moment's name, `moved`, `again`, `cancelled` or `withdrawn`.

    `before` is the state announced so far, `changes` the differences since; a tentative one is not for readers, one
    that `needs_review` goes to an officer first, and the end of one that ends `quietly` isn't announced.
    """

    key: str
    occurrence: Occurrence
    kind: Kind
    step: str
    before: Announced
    changes: tuple[Change, ...] = ()
    tentative: bool = False
    needs_review: bool = False
    quietly: bool = False

    @property
    def identifier(self) -> str:
        """Its CAP identifier: the same each time this decision is taken again, and legal (section 3.2.1)."""
        draft = "-tentative" if self.tentative else ""
        return f"works-{self.key}-{self.before.count}-{self.step}-{self.occurrence.fingerprint}{draft}"


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
        """True if it has ended for readers."""
        return self.at(END, occurrence) <= now


@dataclass(frozen=True, slots=True)
class CalendarDecision:
    """The announcements due, the state of each occurrence after them (by key), and the next moment to decide again.

    `gone` are the announced ones that vanished all at once: nothing is announced until an officer has decided.
    """

    announcements: tuple[Announcement, ...]
    announced: Mapping[str, Announced]
    look_again: datetime | None
    gone: tuple[Announced, ...] = ()


def decide(
    agenda: WorksAgenda,
    announced: Mapping[str, Announced],
    schedule: Schedule,
    now: datetime,
    *,
    since: datetime | None = None,
    gone_for_good: bool = False,
) -> CalendarDecision:
    """At most one announcement for each entry: the latest moment that is due, a change, or the end.

    What began until `since`, when the calendar was read first, is news to nobody. `gone_for_good`: an officer said that
    what vanished is called off.
    """
    look = _Look(agenda, schedule, now, since)
    sent = now.replace(microsecond=0)
    keys, dropped = recognise(entries_of(agenda, announced, schedule.zone, now, since), announced, schedule.zone)
    known = {key: each for key, each in announced.items() if key not in dropped}
    by_key: dict[str, Occurrence | None] = {**keys, **dict.fromkeys(key for key in known if key not in keys)}
    steps = (_next_step(key, occurrence, known.get(key, Announced()), look) for key, occurrence in by_key.items())
    announcements = [step for step in steps if step]
    gone = () if gone_for_good else _gone_at_once(announcements, by_key, known)
    announcements = _hold_a_flood([each for each in announcements if each.key not in gone], known, look)
    # A tentative one is shown to the officer alone: readers don't know it, so nothing is remembered of it.
    spoken = {each.key: _remember(each, schedule, sent) for each in announcements if not each.tentative}
    known |= spoken
    for key, each in known.items():
        last = by_key[key] or each.occurrence
        if last and not each.over and key not in spoken and look.over(last):
            known[key] = replace(each, over=True)
    # What the calendar lost is kept until its end is out of the window: until then it may come back, or be called off.
    kept = {
        key: each
        for key, each in known.items()
        if by_key[key] or (each.occurrence and each.occurrence.ends >= agenda.window.start)
    }
    lost = tuple(known[key] for key in gone)
    return CalendarDecision(tuple(announcements), kept, _look_again(by_key, kept, schedule, now), lost)


@dataclass(frozen=True, slots=True)
class _Look:
    """The inputs of one decision: the calendar's content, its schedule, and the time."""

    agenda: WorksAgenda
    schedule: Schedule
    now: datetime
    since: datetime | None

    def over(self, occurrence: Occurrence) -> bool:
        """True if it has ended for readers."""
        return self.schedule.over(occurrence, self.now)

    def quietly(self, occurrence: Occurrence) -> bool:
        """True if it ends without an announcement: a series has announced its end, and some towns want none."""
        return occurrence.series is not None or END not in self.schedule.moments


def _next_step(key: str, occurrence: Occurrence | None, before: Announced, look: _Look) -> Announcement | None:
    if before.occurrence is None or before.over:
        return _first(key, occurrence, before, look) if occurrence and _is_news(occurrence, before, look) else None
    called_off = occurrence is None or occurrence.status == "CANCELLED"
    # A change comes before the end: works that were prolonged until tomorrow didn't end today.
    if occurrence and not called_off and (changes := changes_of(before.occurrence, occurrence, look.now)):
        return _change(key, occurrence, before, changes, look)
    if look.over(before.occurrence) and (occurrence is None or not before.occurrence.series):
        return _ending(key, occurrence or before.occurrence, before, look)
    if occurrence is None or called_off:
        return _calling_off(key, occurrence, before, look.agenda)
    return _due(key, occurrence, before, look)


def _is_news(occurrence: Occurrence, before: Announced, look: _Look) -> bool:
    """True if readers don't know it: never announced, cancelled and on again, or resumed after its end."""
    if before.occurrence is None:
        return occurrence.status != "CANCELLED" and (look.since is None or occurrence.starts > look.since)
    changed = before.cancelled or changes_of(before.occurrence, occurrence, look.now)
    return bool(changed) and occurrence.status == "CONFIRMED"


def _first(key: str, occurrence: Occurrence, before: Announced, look: _Look) -> Announcement | None:
    """The latest moment that has come, for what is still to come or on; nothing for what is over."""
    passed = [moment for moment in look.schedule.passed(occurrence, look.now) if moment.kind != "end"]
    if not passed or look.over(occurrence):
        return None
    return Announcement(
        key,
        occurrence,
        "alert",
        passed[-1].name,
        replace(before, tells=(), needs_review=False),
        tentative=occurrence.status == "TENTATIVE",
        quietly=look.quietly(occurrence),
    )


def _ending(key: str, occurrence: Occurrence, before: Announced, look: _Look) -> Announcement | None:
    wanted = END in look.schedule.moments and look.now < occurrence.ends + LATE_END and not occurrence.series
    return Announcement(key, occurrence, "end", END.name, before, needs_review=before.needs_review) if wanted else None


def _calling_off(
    key: str, occurrence: Occurrence | None, before: Announced, agenda: WorksAgenda
) -> Announcement | None:
    """Called off by the calendar's own word, or by absence from a whole calendar that would have it.

    One that isn't public any more is withdrawn: it may well take place.
    """
    occurrence_before = before.occurrence
    if occurrence_before is None or (
        occurrence is None
        and not agenda.tells_absence(occurrence_before.uid, occurrence_before.starts, occurrence_before.ends)
    ):
        return None
    step = "withdrawn" if occurrence is None and occurrence_before.uid in agenda.hidden else "cancelled"
    return Announcement(key, occurrence_before, "cancel", step, before, needs_review=before.needs_review)


def _change(
    key: str, occurrence: Occurrence, before: Announced, changes: tuple[Change, ...], look: _Look
) -> Announcement | None:
    """Announce a change at once, whatever the moments; an earlier end than announced, as an end."""
    if look.over(occurrence):
        return Announcement(key, occurrence, "end", END.name, before, changes, needs_review=before.needs_review)
    return replace(_update(key, occurrence, "moved", before, look), changes=changes)


def _update(key: str, occurrence: Occurrence, step: str, before: Announced, look: _Look) -> Announcement:
    quietly = look.quietly(occurrence)
    return Announcement(key, occurrence, "update", step, before, needs_review=before.needs_review, quietly=quietly)


def _due(key: str, occurrence: Occurrence, before: Announced, look: _Look) -> Announcement | None:
    """Announce the latest moment that has come and isn't announced; a series only yearly while it continues."""
    if occurrence.series:
        goes_on = occurrence.series.last is None and before.tells and look.now - before.tells[-1][1] >= ANNOUNCED_AGAIN
        return _update(key, occurrence, "again", before, look) if goes_on else None
    due = [moment for moment in look.schedule.passed(occurrence, look.now) if moment.name not in before.done]
    return _update(key, occurrence, due[-1].name, before, look) if due else None


def _gone_at_once(
    announcements: Iterable[Announcement], by_key: Mapping[str, Occurrence | None], announced: Mapping[str, Announced]
) -> tuple[str, ...]:
    """Return the keys of vanished entries, if they are too many at once to be cancelled deliberately.

    Half of the announced ones, or five, are more likely a failed export than a town that gave up its works.
    """
    gone = tuple(each.key for each in announcements if each.step == "cancelled" and by_key[each.key] is None)
    known = sum(1 for each in announced.values() if each.occurrence and not each.over)
    empty = bool(gone) and not any(by_key.values())
    much = len(gone) >= _FEW and (2 * len(gone) >= known or len(gone) >= _MANY)
    return gone if empty or much else ()


def _hold_a_flood(
    announcements: list[Announcement], announced: Mapping[str, Announced], look: _Look
) -> list[Announcement]:
    """A flood of first announcements, from a calendar that was first read today, is held for an officer."""
    if look.since is None or look.now - look.since >= _FIRST_DAY:
        return announcements
    new = sum(1 for each in announcements if each.kind == "alert" and not each.tentative)
    before = sum(1 for each in announced.values() if each.tells)
    if new + before <= FLOOD:
        return announcements
    return [replace(each, needs_review=True) if each.kind == "alert" else each for each in announcements]


def _remember(announcement: Announcement, schedule: Schedule, sent: datetime) -> Announced:
    occurrence, before = announcement.occurrence, announcement.before
    return Announced(
        occurrence=occurrence,
        done=tuple(moment.name for moment in schedule.moments if _is_done(moment, announcement, schedule, sent)),
        tells=(*before.tells, (announcement.identifier, sent)),
        count=before.count + 1,
        over=announcement.kind in ("end", "cancel"),
        cancelled=announcement.kind == "cancel",
        needs_review=announcement.needs_review,
    )


def _is_done(moment: Moment, announcement: Announcement, schedule: Schedule, sent: datetime) -> bool:
    """True if the moment has come, or is a notice given before that would closely follow this message."""
    # Works that move from Tuesday to Wednesday are told as moved on Monday; "tomorrow" an hour later says nothing new.
    given = moment.kind == "before" and moment.name in announcement.before.done
    closely = JUST_ANNOUNCED if given else timedelta(seconds=1)
    return schedule.at(moment, announcement.occurrence) < sent + closely


def _look_again(
    present: Mapping[str, Occurrence | None], known: Mapping[str, Announced], schedule: Schedule, now: datetime
) -> datetime | None:
    """Return the next moment of anything neither over nor cancelled; the end of an announced one always counts."""
    coming: list[datetime] = []
    for key, occurrence in present.items():
        before = known.get(key)
        is_announced = before is not None and (before.over or (before.occurrence and before.occurrence.series))
        if occurrence and occurrence.status != "CANCELLED" and not is_announced:
            coming += [schedule.at(moment, occurrence) for moment in schedule.moments]
    coming += [schedule.at(END, each.occurrence) for each in known.values() if each.occurrence and not each.over]
    return min((time for time in coming if time > now), default=None)
