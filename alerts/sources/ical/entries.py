"""The entries of a calendar, their identity over time, and their changes since they were announced.

`entries_of` turns the occurrences into entries: a single one is one, and so is a series as a whole, even one that the
export spelled out day by day. `recognise` pairs them with the announced ones, trait by trait from the surest to the
least: content and time, the UID, and at last half of either, for some exports write new UIDs at each download.
`changes_of` returns the differences of a pair that deserve an announcement.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Container, Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from alerts.sources.ical.agenda import WorksAgenda
from alerts.sources.ical.occurrence import Announced, Moved, Occurrence, Series, series_to_record

GOES_ON = timedelta(days=400)
"""How long a series without an end is taken to continue; it is announced again before that."""

Change = Mapping[str, Any]
"""A difference from the announced entry, JSON-able: `what` it is about, how it `was`, how it is `now`."""

# So many entries that say the same on days in a row are one series.
_IN_A_ROW = 3

_Trait = Callable[[Occurrence], Hashable]
# By what an entry is known of which everything else may have changed, its UID too.
_TRAITS: tuple[_Trait, ...] = (
    lambda each: (each.summary, each.location, each.series is None),
    lambda each: (each.starts, each.ends, each.location, each.series is None),
    lambda each: (each.starts, each.ends, each.summary, each.series is None),
)


def entries_of(
    agenda: WorksAgenda, announced: Mapping[str, Announced], zone: ZoneInfo, now: datetime, since: datetime | None
) -> list[Occurrence]:
    """Return the calendar's entries, each once; a repeating one is a series with its next date and its last."""
    entries: dict[Hashable, Occurrence] = {}
    series: dict[Hashable, list[Occurrence]] = defaultdict(list)
    for each in _days_in_a_row(agenda, announced, zone):
        if each.series:
            series[each.uid, each.series, each.series.rule].append(each)
        else:
            entries.setdefault((each.content, each.status), each)
    for dates in series.values():
        whole = _whole(dates, zone, now, since)
        entries.setdefault((whole.content, whole.status), whole)
    return sorted(entries.values(), key=lambda each: (each.starts, each.uid, each.recurrence_id))


def _days_in_a_row(agenda: WorksAgenda, announced: Mapping[str, Announced], zone: ZoneInfo) -> list[Occurrence]:
    """Return the occurrences; equal single entries on three consecutive days or more become one series.

    Some exports write ten nights as ten entries. Once announced as a series, it stays one while a day is left.
    """
    found: list[Occurrence] = []
    alike: dict[Hashable, list[Occurrence]] = defaultdict(list)
    for each in agenda.occurrences:
        if each.series or each.recurrence_id or each.status != "CONFIRMED":
            found.append(each)
        else:
            alike[each.summary, each.location, each.all_day, each.starts.time(), each.ends - each.starts].append(each)
    known = {record.occurrence.content for record in announced.values() if record.occurrence and not record.over}
    for entries in alike.values():
        found += _as_series(entries, agenda, known, zone)
    return found


def _as_series(
    entries: Sequence[Occurrence], agenda: WorksAgenda, known: Container[Hashable], zone: ZoneInfo
) -> list[Occurrence]:
    first, days = entries[0], sorted({each.starts.date() for each in entries})
    # Only days without a gap are taken for one work. In what was told as a series before, a gap is a day off.
    between = [days[0] + timedelta(days=number) for number in range((days[-1] - days[0]).days + 1)]
    off = tuple(day for day in between if day not in days)
    series = Series("FREQ=DAILY", first.starts.time(), first.ends - first.starts, days[-1], off)
    in_a_row = len(days) >= _IN_A_ROW and not off and first.ends - first.starts <= timedelta(days=1)
    # Days that reach to the end of the window may go on beyond it, and a series tells its last day.
    is_whole = days[-1] < agenda.window.stop.astimezone(zone).date() - timedelta(days=2)
    if not (in_a_row and is_whole) and replace(first, series=series).content not in known:
        return list(entries)
    spelled = "%Y%m%d" if first.all_day else "%Y%m%dT%H%M%SZ"
    return [
        replace(
            each,
            uid=first.uid,
            recurrence_id=format(each.starts if each.all_day else each.starts.astimezone(UTC), spelled),
            series=series,
        )
        for each in entries
    ]


def _whole(dates: Sequence[Occurrence], zone: ZoneInfo, now: datetime, since: datetime | None) -> Occurrence:
    """The series that these dates are of: it starts with the next one that is news, and ends with the last."""
    series = dates[0].series
    assert series is not None  # noqa: S101 the caller's promise
    on = [each for each in dates if each.status != "CANCELLED"]
    if not on:
        return replace(dates[-1], recurrence_id="")
    coming = [each for each in on if each.ends > now and (since is None or each.starts > since)]
    first = coming[0] if coming else on[-1]
    moved = {_by_rule(each, zone).date(): each for each in on if _is_moved(each, series, zone)}
    usual = next((each for each in on if each not in moved.values()), None)
    today = now.astimezone(zone).date()
    called_off = {_by_rule(each, zone).date() for each in dates if each.status == "CANCELLED"}
    off = {day for day in called_off.union(series.off) if day >= today}
    seen = replace(
        series,
        opens=usual.starts.timetz().replace(tzinfo=None) if usual else series.opens,
        off=tuple(sorted(off.difference(each.starts.date() for each in on if each not in moved.values()))),
        extra=tuple(day for day in series.extra if day >= today),
        moved=tuple(sorted((day, each.starts, each.ends) for day, each in moved.items() if each.ends > now)),
    )
    return replace(first, recurrence_id="", ends=_last_end(seen, first, zone), series=seen)


def _by_rule(occurrence: Occurrence, zone: ZoneInfo) -> datetime:
    """When the rule has it start."""
    said = occurrence.recurrence_id
    if len(said) == len("20261125"):
        return datetime.strptime(said, "%Y%m%d").replace(tzinfo=zone)
    return datetime.strptime(said, "%Y%m%dT%H%M%S%z").astimezone(zone)


def _is_moved(occurrence: Occurrence, series: Series, zone: ZoneInfo) -> bool:
    by_rule = _by_rule(occurrence, zone)
    if occurrence.all_day and by_rule.date() == occurrence.starts.date():
        return occurrence.ends - occurrence.starts != series.length and series.length >= timedelta(days=1)
    return by_rule != occurrence.starts or occurrence.ends.astimezone(zone) != _after(occurrence.starts, series, zone)


def _after(starts: datetime, series: Series, zone: ZoneInfo) -> datetime:
    """When what starts then is over, by the clock on the wall: a night is as long on the calendar as any other."""
    return (starts.astimezone(zone).replace(tzinfo=None) + series.length).replace(tzinfo=zone)


def _last_end(series: Series, first: Occurrence, zone: ZoneInfo) -> datetime:
    """When the last one is over: where there is none yet, far ahead."""
    if series.last is None:
        return first.starts + GOES_ON
    last = _after(datetime.combine(series.last, series.opens, zone), series, zone)
    return max([last, first.ends, *(ends for _, _, ends in series.moved)])


class _Recognition:
    """Pairs a calendar's entries with the announced ones, from the surest trait to the least."""

    def __init__(self, present: Sequence[Occurrence], announced: Mapping[str, Announced]) -> None:
        self.keys: dict[str, Occurrence] = {}
        self.left = list(present)
        self.free = {key: (record, record.occurrence) for key, record in announced.items() if record.occurrence}
        self._there = {each.uid for each in present}
        self._known = {occurrence.uid for _, occurrence in self.free.values()}

    def pair(self, trait: _Trait, *, going_on: bool = False, strangers: bool = False) -> None:
        """Pair what has the trait in common, the nearest in time first.

        `going_on` leaves out what is over; `strangers` are those whose UID is nowhere on the other side.
        """
        by_trait: dict[Hashable, list[str]] = defaultdict(list)
        for key, (record, occurrence) in self.free.items():
            if not (going_on and record.over) and not (strangers and occurrence.uid in self._there):
                by_trait[trait(occurrence)].append(key)
        left: list[Occurrence] = []
        for each in self.left:
            fitting = None if strangers and each.uid in self._known else by_trait.get(trait(each))
            if not fitting:
                left.append(each)
                continue
            # The key decides between equal distances, so that each reading pairs alike.
            nearest = min(fitting, key=lambda key: (abs(self.free[key][1].starts - each.starts), key))
            fitting.remove(nearest)
            self.keys[nearest] = each
            del self.free[nearest]
        self.left = left


def recognise(
    present: Sequence[Occurrence], announced: Mapping[str, Announced], zone: ZoneInfo
) -> tuple[dict[str, Occurrence], set[str]]:
    """Return each entry under the key of its announced one, or a new key; and the announced ones without an entry.

    Its match is the one with the same content; else the one of its UID (of the same day, if a whole series was moved to
    another hour); else, if neither UID is known any more, the one with its title and place, or with its time.
    """
    found = _Recognition(present, announced)
    # The content counts more than the UID: a UID is the exporter's, and some count them anew with each file.
    found.pair(lambda each: (each.content, each.uid))
    found.pair(lambda each: each.content)
    found.pair(lambda each: (each.uid, each.recurrence_id))
    found.pair(lambda each: (each.uid, each.starts.astimezone(zone).date()), going_on=True)
    for trait in _TRAITS:
        found.pair(trait, going_on=True, strangers=True)
    for each in found.left:
        key = each.key
        while key in announced or key in found.keys:
            key = replace(each, summary=key).key
        found.keys[key] = each
    # Dates that were told one by one before their entry became a series: the series stands for them from now on.
    series = {each.uid for each in present if each.series}
    dropped = {key for key, (_, each) in found.free.items() if each.recurrence_id and each.uid in series}
    return found.keys, dropped


def changes_of(before: Occurrence, after: Occurrence, now: datetime) -> tuple[Change, ...]:
    """Return the changes that readers need: another title, place or time, another rhythm, single dates of a series.

    Of a series only future dates count. A changed description is not announced.
    """
    changes: list[Change] = []
    if before.summary != after.summary:
        changes.append({"what": "title", "was": before.summary})
    if before.location != after.location:
        changes.append({"what": "place", "was": before.location})
    if before.series is None and after.series is None:
        if (before.starts, before.ends, before.all_day) != (after.starts, after.ends, after.all_day):
            changes.append({"what": "time", **_was(before)})
        return tuple(changes)
    if before.series is None or after.series is None or _rhythm(before) != _rhythm(after):
        return (*changes, {"what": "rhythm", **_was(before)})
    return (*changes, *_dates(before.series, after.series, now, now.astimezone(after.starts.tzinfo).date()))


def _was(before: Occurrence) -> Change:
    """Return the announced time, or the announced rhythm."""
    if before.series:
        first = before.starts.date().isoformat()
        return {"was": {**series_to_record(before.series), "first": first, "all_day": before.all_day}}
    return {"was": [before.starts.isoformat(), before.ends.isoformat()], "was_all_day": before.all_day}


def _rhythm(occurrence: Occurrence) -> tuple[Hashable, ...]:
    series = occurrence.series
    return (occurrence.all_day, series and (series.rule, series.opens, series.length))


def _dates(before: Series, after: Series, now: datetime, today: date) -> Iterable[Change]:
    if before.last != after.last:
        was, is_now = (day.isoformat() if day else None for day in (before.last, after.last))
        yield {"what": "last", "was": was, "now": is_now}
    moved = {day for day, _, _ in after.moved}
    back = {day for day, _, ends in before.moved if ends > now and day >= today} - moved - set(after.off)
    off = _fresh(before.off, after.off, today).union(
        day for day in _fresh(after.extra, before.extra, today) if after.last is None or day <= after.last
    )
    on = _fresh(after.off, before.off, today) | _fresh(before.extra, after.extra, today)
    for what, days in (("off", off - moved), ("on", (on | back) - moved)):
        if days:
            yield {"what": what, "days": [day.isoformat() for day in sorted(days)]}
    fresh: list[Moved] = [each for each in after.moved if each not in before.moved]
    if fresh:
        yield {"what": "date", "moved": [[each.isoformat() for each in one] for one in fresh]}


def _fresh(before: Iterable[date], after: Iterable[date], today: date) -> set[date]:
    return {day for day in set(after).difference(before) if day >= today}
