"""A calendar's body to its occurrences within a window: pure, and slow enough to belong into a thread."""

from __future__ import annotations

import hashlib
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import structlog

from alerts.model.reason import Reason, because, reason_of
from alerts.sources.ical.document import CalendarLines, EventLines, decode, read_calendars
from alerts.sources.ical.occurrence import Occurrence
from alerts.sources.ical.recurrence import MOST_VERSIONS, Window, expand, in_force
from alerts.sources.ical.rule_starts import MOST_SECONDS, Budget
from alerts.sources.ical.settled_event import SettledEvent, read_event
from alerts.sources.ical.times import learn_zones, zone_called

MOST_OCCURRENCES = 2000
"""How many occurrences of a calendar are followed at once, the soonest first."""

_LONGEST_TITLE = 200
# icalendar keeps the zones that files define in one cache of the process: each calendar gets it empty, and alone.
_ONE_AT_A_TIME = threading.Lock()

log = structlog.get_logger(__name__)


def window_around(now: datetime, watched: Iterable[str] = ()) -> Window:
    """A day back, for what has just ended, and sixty days ahead."""
    return Window(now - timedelta(days=1), now + timedelta(days=60), frozenset(watched))


@dataclass(frozen=True, slots=True)
class Flaw:
    """An event that could not be read: `key` names this version of it, `uid` whose it is where that can be told.

    An older version of an entry is nobody's (""): it hides nothing.
    """

    key: str
    uid: str | None
    reason: Reason


@dataclass(frozen=True, slots=True)
class Agenda:
    """What a calendar says for a window: occurrences by start, the events that could not be read, and how far it goes.

    Absence means something only before `complete_until`, and only for a UID that isn't among the flaws. `damage` is
    the line at which half of the calendar may have been swallowed: then it means nothing at all. `hidden`
    are the UIDs of entries that aren't public: they are still there, and nobody's business.
    """

    occurrences: tuple[Occurrence, ...]
    flaws: tuple[Flaw, ...]
    window: Window
    complete_until: datetime
    damage: str | None = None
    hidden: frozenset[str] = frozenset()

    def tells_absence(self, uid: str, starts: datetime, ends: datetime) -> bool:
        """Whether an occurrence of `uid` from `starts` to `ends` would be here if the calendar still had it."""
        unread = any(flaw.uid is None or flaw.uid == uid for flaw in self.flaws)
        return not unread and self.damage is None and starts < self.complete_until and ends > self.window.start


def read_agenda(body: bytes, window: Window, home: ZoneInfo, monotonic: Callable[[], float] = time.monotonic) -> Agenda:
    """Every occurrence that touches `window`, its times in `home`; Unreadable where `body` is no whole calendar.

    What isn't read after MOST_SECONDS by `monotonic` is a flaw, as is whatever an event makes the reader stumble over.
    """
    calendars = read_calendars(decode(body))
    with _ONE_AT_A_TIME:
        reader = _Reader(window, home, Budget(monotonic))
        for calendar in calendars:
            reader.read(calendar)
    if reader.unread:
        reader.flaws.append(_out_of_time(body, reader.unread))
    occurrences = sorted(reader.occurrences, key=lambda each: (each.starts, each.uid, each.recurrence_id))
    kept = tuple(occurrences[:MOST_OCCURRENCES])
    complete_until = occurrences[MOST_OCCURRENCES].starts if len(occurrences) > MOST_OCCURRENCES else window.stop
    damage = next((calendar.damage for calendar in calendars if calendar.damage), None)
    hidden = frozenset().union(*(calendar.hidden for calendar in calendars))
    return Agenda(kept, tuple(reader.flaws), window, complete_until, damage, hidden)


class _Reader:
    """Reads the calendars of one body: what they hold, what can't be read, and how much was left for want of time."""

    def __init__(self, window: Window, home: ZoneInfo, budget: Budget) -> None:
        self.occurrences: list[Occurrence] = []
        self.flaws: list[Flaw] = []
        self.unread = 0
        self._window = window
        self._home = home
        self._budget = budget

    def read(self, calendar: CalendarLines) -> None:
        learn_zones(calendar.zones, self._budget)
        zone = zone_called(calendar.properties.get("X-WR-TIMEZONE"))
        called_off = calendar.properties.get("METHOD", "").upper() == "CANCEL"
        for versions in _by_uid(calendar.events, self._window):
            if self._budget.spent:
                self.unread += 1
                continue
            found = self._hear(versions, zone)
            self.occurrences += [replace(each, status="CANCELLED") for each in found] if called_off else found

    def _hear(self, versions: Sequence[EventLines], zone: ZoneInfo | None) -> list[Occurrence]:
        """The occurrences of one UID; what is wrong with it is a flaw, and no other event's loss."""
        try:
            return self._expand(versions, zone)
        except ValueError as error:
            reason = reason_of(error)
        except Exception as error:
            log.exception("calendar.stumbled", uid=versions[0].value("UID"))
            reason = because("event_stumbled", error=type(error).__name__)
        told = {flaw.key for flaw in self.flaws}
        lost = versions if len(versions) <= MOST_VERSIONS else versions[:1]
        self.flaws += [flaw for lines in lost if (flaw := _flaw(lines, reason)).key not in told]
        return []

    def _expand(self, versions: Sequence[EventLines], zone: ZoneInfo | None) -> list[Occurrence]:
        """Every entry of the UID is read, or told as a flaw. One of a series that can't be read costs the series.

        Without it, the day that it moves or calls off would be announced by the rule.
        """
        if len(versions) > MOST_VERSIONS:
            raise ValueError(because("event_versions", count=len(versions), most=MOST_VERSIONS))
        events: list[tuple[SettledEvent, EventLines]] = []
        for lines in versions:
            self._budget.check()
            try:
                events.append((read_event(lines, self._home, zone), lines))
            except ValueError as error:
                if lines.value("RECURRENCE-ID"):
                    raise
                self.flaws.append(_flaw(lines, reason_of(error)))
        if not events:
            return []
        groups, older = in_force([event for event, _ in events])
        for event, lines in events:
            if any(event is each for each in older):
                self.flaws.append(replace(_flaw(lines, because("event_replaced")), uid=""))
        found: list[Occurrence] = []
        for group in groups:
            found += expand(group, self._window, self._home, self._budget)
        return found


def _by_uid(events: Iterable[EventLines], window: Window) -> Iterable[list[EventLines]]:
    """The events of one UID together: a master and its overrides, in any order. Each without a UID is alone."""
    series: dict[str, list[EventLines]] = defaultdict(list)
    for number, lines in enumerate(events):
        series[lines.value("UID") or f"\n{number}"].append(lines)
    return [each for each in series.values() if len(each) > 1 or not _surely_outside(each[0], window)]


def _surely_outside(lines: EventLines, window: Window) -> bool:
    """Whether the event can be passed over unparsed: it doesn't recur, and its dates are days away from the window."""
    if lines.value("UID") in window.watched or any(lines.value(name) for name in ("RRULE", "RDATE", "DURATION")):
        return False
    starts, ends = lines.value("DTSTART") or "", lines.value("DTEND") or lines.value("DTSTART") or ""
    if not (starts[:8].isdigit() and ends[:8].isdigit()):
        return False
    margin = timedelta(days=2)
    first, last = f"{window.start - margin:%Y%m%d}", f"{window.stop + margin:%Y%m%d}"
    return max(starts[:8], ends[:8]) < first or min(starts[:8], ends[:8]) > last


def _flaw(lines: EventLines, reason: Reason) -> Flaw:
    """Its key is that of its words: an export that makes a new UID each time doesn't make another flaw of it."""
    words = [line for line in lines.lines if not line.upper().startswith(("UID", "SEQUENCE"))]
    key = hashlib.sha256("\n".join([*words, str(reason)]).encode()).hexdigest()[:16]
    title = lines.value("SUMMARY") or lines.value("UID") or "without a title"
    return Flaw(f"flaw-{key}", lines.value("UID"), because("event_unread", title=title[:_LONGEST_TITLE], why=reason))


def _out_of_time(body: bytes, unread: int) -> Flaw:
    """One flaw for all events that were left, told once for each version of the calendar."""
    reason = because("events_out_of_time", count=unread, seconds=f"{MOST_SECONDS:g}")
    return Flaw(f"flaw-time-{hashlib.sha256(body).hexdigest()[:16]}", None, reason)
