"""A calendar's body to its occurrences within a window: pure, and read in a process of its own.

body ──▶ lines of each event ──▶ the events of one UID ──▶ those in force ──▶ their occurrences

The file is cut into its events' lines (RFC 5545, sections 3.1 and 3.6) before anything is parsed, so that a broken
event costs itself alone: it becomes a `Flaw`, which the officer sees. Only the lines that Tocsin reads are kept:
alarms, attendees and the exporters' own properties never reach the parser. Of an entry that isn't public (CLASS,
3.8.1.3) not even its words are: what nobody may read is dropped here, so that no flaw, log or memory can hold them.

How long it may take is the system's affair (`alerts.apart`); no rule alone is followed for long (`recurrence`).
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import structlog
from icalendar import Timezone
from icalendar.timezone import tzp

from alerts.apart.parser import parser
from alerts.model.bounds import bounded, stream_safe
from alerts.model.errors import Unreadable
from alerts.model.reason import Reason, because, reason_of
from alerts.sources.ical.event import TIME_PROPERTIES, EventLines, SettledEvent, read_event, zone_called
from alerts.sources.ical.occurrence import Occurrence
from alerts.sources.ical.recurrence import MOST_VERSIONS, Window, expand, in_force
from alerts.sources.safe_xml import FORBIDDEN

log = structlog.get_logger(__name__)

MOST_OCCURRENCES = 2000
"""How many occurrences of a calendar are followed at once, the soonest first."""

_LONGEST_TITLE = 200
MOST_SECONDS = 10
"""Of computing, for one calendar. Two hundred events that repeat take one second."""

READ_PROPERTIES = TIME_PROPERTIES | {
    "UID", "DURATION", "RRULE", "SUMMARY", "DESCRIPTION", "LOCATION", "URL", "CATEGORIES", "GEO", "STATUS", "SEQUENCE",
    "CLASS",
}  # fmt: skip
# Characters of a line that are read, where its property isn't a list of times (those are counted).
_LONGEST = {
    "UID": 1000, "SUMMARY": 2000, "LOCATION": 2000, "URL": 2000, "CATEGORIES": 2000, "DESCRIPTION": 40_000,
    "RRULE": 2000, "STATUS": 200, "SEQUENCE": 200, "GEO": 200, "DURATION": 200,
    "CLASS": 200,
}  # fmt: skip
# What stands in a calendar and never within another of these (3.6).
_COMPONENTS = frozenset({"VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY", "VTIMEZONE"})
# The properties by which an event that isn't public is recognised; nothing of its content.
_IDENTITY = ("UID", "RECURRENCE-ID", "DTSTART", "DTEND", "DURATION", "SEQUENCE")
# RFC 5545, 3.1: a line continues after a line break and a blank.
_FOLD = re.compile(r"(?:\r\n|\n|\r)[ \t]")
_LINE_END = re.compile(r"\r\n|\n|\r")
_NAME_END = re.compile(r"[:;]")


@dataclass(frozen=True, slots=True)
class Flaw:
    """An event that could not be read: `key` names this version of it, `uid` its entry if it is known.

    An older version of an entry has an empty UID: it hides nothing.
    """

    key: str
    uid: str | None
    reason: Reason


@dataclass(frozen=True, slots=True)
class WorksAgenda:
    """The content of a calendar in a window: occurrences by start, unreadable events, and the end of complete data.

    Absence means something only before `complete_until`, and only for a UID that isn't among the flaws. `damage` is the
    line at which half of the calendar may have been swallowed: then it means nothing at all. `hidden` has the UIDs of
    entries that aren't public: they still exist, and are nobody's business.
    """

    occurrences: tuple[Occurrence, ...]
    flaws: tuple[Flaw, ...]
    window: Window
    complete_until: datetime
    damage: str | None = None
    hidden: frozenset[str] = frozenset()

    def tells_absence(self, uid: str, starts: datetime, ends: datetime) -> bool:
        """True if an occurrence of `uid` from `starts` to `ends` would be here if the calendar still had it."""
        unread = any(flaw.uid is None or flaw.uid == uid for flaw in self.flaws)
        return not unread and self.damage is None and starts < self.complete_until and ends > self.window.start


def window_around(now: datetime, watched: Iterable[str] = ()) -> Window:
    """A day back, for what has just ended, and sixty days ahead."""
    return Window(now - timedelta(days=1), now + timedelta(days=60), frozenset(watched))


@parser("calendar", seconds=MOST_SECONDS)
def read_agenda(body: bytes, window: Window, home: ZoneInfo) -> WorksAgenda:
    """Every occurrence that touches `window`, its times in `home`; Unreadable where `body` is no whole calendar.

    Whatever an event makes the reader fail at is a flaw.
    """
    calendars = read_calendars(decode(body))
    reader = _CalendarReader(window, home)
    for calendar in calendars:
        reader.read(calendar)
    occurrences = sorted(reader.occurrences, key=lambda each: (each.starts, each.uid, each.recurrence_id))
    kept = tuple(occurrences[:MOST_OCCURRENCES])
    complete_until = occurrences[MOST_OCCURRENCES].starts if len(occurrences) > MOST_OCCURRENCES else window.stop
    damage = next((calendar.damage for calendar in calendars if calendar.damage), None)
    hidden = frozenset().union(*(calendar.hidden for calendar in calendars))
    return WorksAgenda(kept, tuple(reader.flaws), window, complete_until, damage, hidden)


class _CalendarReader:
    """Reads the calendars of one body: what they hold, and what can't be read."""

    def __init__(self, window: Window, home: ZoneInfo) -> None:
        self.occurrences: list[Occurrence] = []
        self.flaws: list[Flaw] = []
        self._window = window
        self._home = home

    def read(self, calendar: CalendarLines) -> None:
        self._learn_zones(calendar.zones)
        zone = zone_called(calendar.properties.get("X-WR-TIMEZONE"))
        called_off = calendar.properties.get("METHOD", "").upper() == "CANCEL"
        for versions in _by_uid(calendar.events, self._window):
            found = self._hear(versions, zone)
            self.occurrences += [replace(each, status="CANCELLED") for each in found] if called_off else found

    def _learn_zones(self, definitions: Iterable[str]) -> None:
        """Make known the zones that the calendar defines itself (VTIMEZONE), and none that another one did.

        A definition that can't be read is passed over: the times that name it are taken as floating, and say so. So is
        one that changes oftener than once a year, as no zone does: each change since 1970 would be kept.
        """
        # Empties the cache of zones too, which is icalendar's and the process's.
        tzp.use_default()
        for text in filter(_changes_once_a_year, definitions):
            with contextlib.suppress(ValueError, TypeError, KeyError, AttributeError, OverflowError):
                Timezone.from_ical(text)

    def _hear(self, versions: Sequence[EventLines], zone: ZoneInfo | None) -> list[Occurrence]:
        """The occurrences of one UID; what is wrong with it is a flaw, and no other event's loss."""
        try:
            return self._expand(versions, zone)
        except ValueError as error:
            reason = reason_of(error)
        except Exception as error:
            log.exception("calendar.failed", uid=versions[0].value("UID"))
            reason = because("event_stumbled", error=type(error).__name__)
        known = {flaw.key for flaw in self.flaws}
        lost = versions if len(versions) <= MOST_VERSIONS else versions[:1]
        self.flaws += [flaw for lines in lost if (flaw := _flaw(lines, reason)).key not in known]
        return []

    def _expand(self, versions: Sequence[EventLines], zone: ZoneInfo | None) -> list[Occurrence]:
        """Return the occurrences of a UID; unreadable entries are flaws. One of a series costs the whole series.

        Without it, the day that it moves or cancels would be announced by the rule.
        """
        if len(versions) > MOST_VERSIONS:
            raise ValueError(because("event_versions", count=len(versions), most=MOST_VERSIONS))
        events: list[tuple[SettledEvent, EventLines]] = []
        for lines in versions:
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
            found += expand(group, self._window, self._home)
        return found


def _changes_once_a_year(definition: str) -> bool:
    rules = [line.upper().partition(":") for line in definition.split("\r\n")]
    rule_parts = [value.split(";") for name, _, value in rules if name.partition(";")[0] in ("RRULE", "EXRULE")]
    return all(
        "FREQ=YEARLY" in parts and not any(part.startswith(("BYHOUR", "BYMINUTE", "BYSECOND")) for part in parts)
        for parts in rule_parts
    )


def _by_uid(events: Iterable[EventLines], window: Window) -> Iterable[list[EventLines]]:
    """The events of one UID together: a master and its overrides, in any order. Each without a UID is alone."""
    series: dict[str, list[EventLines]] = defaultdict(list)
    for number, lines in enumerate(events):
        series[lines.value("UID") or f"\n{number}"].append(lines)
    return [each for each in series.values() if len(each) > 1 or not _surely_outside(each[0], window)]


def _surely_outside(lines: EventLines, window: Window) -> bool:
    """True if the event can be skipped unparsed: it doesn't recur, and its dates are days away from the window."""
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


# --- the file's lines -----------------------------------------------------------------------------------------------


@dataclass(slots=True)
class CalendarLines:
    """One VCALENDAR: its own properties in upper case, the text of its time zones, its events in the file's order.

    `hidden` are the UIDs of entries that aren't public, which are dropped. `damage` is the first line at which its
    components don't fit together: what isn't there may have been swallowed.
    """

    properties: dict[str, str] = field(default_factory=dict)
    zones: list[str] = field(default_factory=list)
    events: list[EventLines] = field(default_factory=list)
    hidden: set[str] = field(default_factory=set)
    damage: str | None = None


def decode(body: bytes) -> str:
    """The text of a calendar file: UTF-8 as RFC 5545 wants, else Windows-1252, as old exports are.

    Control characters are left out: no alert may hold them. Raises Unreadable for what is no calendar: an empty body, a
    web page, anything that doesn't begin as one.
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = body.decode("cp1252", errors="replace")
    text = FORBIDDEN.sub("", text)
    start = text.lstrip()[:200]
    if not start:
        raise Unreadable(because("calendar_empty"))
    if not start.upper().startswith("BEGIN:VCALENDAR"):
        raise Unreadable(because("calendar_web_page" if start.startswith("<") else "calendar_other"))
    return text


def read_calendars(text: str) -> list[CalendarLines]:
    """Every VCALENDAR of the file. Raises Unreadable where the last one never ends: half a file must end nothing."""
    cutter = _Cutter()
    for line in _LINE_END.split(_FOLD.sub("", text)):
        if line.strip():
            cutter.take(line)
    if cutter.path:
        raise Unreadable(because("calendar_cut"))
    return cutter.calendars


def _bounded_line(name: str, line: str) -> str:
    """As much of a line as is read; a UID that is longer becomes its digest, for two that begin alike are not one."""
    most = _LONGEST.get(name.partition(";")[0])
    if most is None:
        return line
    if name == "UID" and len(line) > most:
        line = f"UID:{hashlib.sha256(line.encode(errors='replace')).hexdigest()}"
    return bounded(line, most).rstrip("\\") if len(line) > most else stream_safe(line)


class _Cutter:
    """Where we are in the file: `path` names the components around the line, `kept` the lines of the one we keep."""

    def __init__(self) -> None:
        self.calendars: list[CalendarLines] = []
        self.path: list[str] = []
        self.kept: list[str] = []

    def take(self, line: str) -> None:
        name = _NAME_END.split(line, maxsplit=1)[0].upper()
        if name == "BEGIN":
            self._begin(line, line[6:].strip().upper())
        elif name == "END":
            self._end(line, line[4:].strip().upper())
        elif self.path == ["VCALENDAR"]:
            self.calendars[-1].properties[name] = line.partition(":")[2].strip()
        elif self.path[1:] == ["VEVENT"] and name in READ_PROPERTIES:
            self.kept.append(_bounded_line(name, line))
        elif self.path[1:2] == ["VTIMEZONE"]:
            # STANDARD and DAYLIGHT stand one level deeper. So does an event's VALARM, which has its own DESCRIPTION.
            self.kept.append(_bounded_line(name, line))

    def _begin(self, line: str, component: str) -> None:
        if component == "VCALENDAR":
            self._give_up()
            self.path = []
            self.calendars.append(CalendarLines())
        elif component in _COMPONENTS and len(self.path) > 1:
            self._give_up()
            self.path = ["VCALENDAR"]
        if not self.path and component != "VCALENDAR":
            return  # stray lines between calendars
        self.path.append(component)
        if len(self.path) == 2:
            self.kept = [line]
        elif "VTIMEZONE" in self.path:
            self.kept.append(line)

    def _end(self, line: str, component: str) -> None:
        if component not in self.path:
            if self.calendars:
                self._damaged(f"END:{component[:40]}")
            return
        if component == "VCALENDAR":
            self._give_up()
            self.path = []
            return
        if "VTIMEZONE" in self.path or len(self.path) == 2:
            self.kept.append(line)
        del self.path[self.path.index(component) :]
        if len(self.path) == 1:
            self._store(component)

    def _store(self, component: str) -> None:
        if component == "VEVENT":
            self._keep(EventLines(tuple(self.kept)))
        elif component == "VTIMEZONE":
            self.calendars[-1].zones.append("\r\n".join(self.kept))

    def _give_up(self) -> None:
        """End the component around this line, which lacks its END.

        An event is a flaw, anything else may have hidden some.
        """
        if len(self.path) < 2:
            return
        if "VEVENT" in self.path:
            self._keep(EventLines(tuple(self.kept), because("event_no_end")))
        else:
            self._damaged(f"BEGIN:{self.path[1][:40]}")

    def _damaged(self, line: str) -> None:
        self.calendars[-1].damage = self.calendars[-1].damage or line

    def _keep(self, event: EventLines) -> None:
        """Keep an event; one that isn't public only if it replaces a date of a series, which is then off.

        An unknown CLASS is taken for PRIVATE, as the specification requires.
        """
        if (event.value("CLASS") or "PUBLIC").upper() == "PUBLIC":
            self.calendars[-1].events.append(event)
        elif event.value("RECURRENCE-ID") and event.flaw is None:
            bare = [line for line in event.lines[1:-1] if _NAME_END.split(line, maxsplit=1)[0].upper() in _IDENTITY]
            lines = ("BEGIN:VEVENT", *bare, "STATUS:CANCELLED", "END:VEVENT")
            self.calendars[-1].events.append(EventLines(lines))
        else:
            self.calendars[-1].hidden.add(event.value("UID") or "")
