"""A calendar file cut into its events' lines (RFC 5545, sections 3.1 and 3.6): a broken event costs itself alone.

Only the lines that Tocsin reads are kept: alarms, attendees and the exporters' own properties never reach the parser.
Of an entry that isn't public (CLASS, 3.8.1.3) not even its words are: what nobody may read is dropped here.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from alerts.model.characters import bounded, stream_safe
from alerts.model.errors import Unreadable
from alerts.model.reason import Reason, because
from alerts.sources.safe_xml import FORBIDDEN

TIME_PROPERTIES = frozenset({"DTSTART", "DTEND", "RECURRENCE-ID", "RDATE", "EXDATE"})
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
_IDENTITY = ("UID", "RECURRENCE-ID", "DTSTART", "DTEND", "DURATION", "SEQUENCE")
_FOLD = re.compile(r"(?:\r\n|\n|\r)[ \t]")
_LINE_END = re.compile(r"\r\n|\n|\r")
_NAME_END = re.compile(r"[:;]")


@dataclass(frozen=True, slots=True)
class EventLines:
    """The unfolded lines of one VEVENT, BEGIN and END included; `flaw` says why they can't be an event."""

    lines: tuple[str, ...]
    flaw: Reason | None = None

    def value(self, name: str) -> str | None:
        """The property's value as it stands there, escapes included; None where there is none, or an empty one."""
        for line in self.lines:
            if line[: len(name)].upper() == name and line[len(name) : len(name) + 1] in (":", ";"):
                return line.partition(":")[2].strip() or None
        return None


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
    for line in _unfold(text):
        cutter.take(line)
    if cutter.open:
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


def _unfold(text: str) -> Iterator[str]:
    return (line for line in _LINE_END.split(_FOLD.sub("", text)) if line.strip())


class _Cutter:
    """Where we are in the file: `path` names the components around the line, `kept` the lines of the one we keep."""

    def __init__(self) -> None:
        self.calendars: list[CalendarLines] = []
        self.path: list[str] = []
        self.kept: list[str] = []

    @property
    def open(self) -> bool:
        return bool(self.path)

    def take(self, line: str) -> None:
        name = _NAME_END.split(line, maxsplit=1)[0].upper()
        if name == "BEGIN":
            self._begin(line, line[6:].strip().upper())
        elif name == "END":
            self._end(line, line[4:].strip().upper())
        elif self.path == ["VCALENDAR"]:
            self.calendars[-1].properties[name] = line.partition(":")[2].strip()
        elif self._keeps(name):
            self.kept.append(_bounded_line(name, line))

    def _keeps(self, name: str) -> bool:
        component = self.path[1] if len(self.path) > 1 else None
        in_event = component == "VEVENT" and len(self.path) == 2 and name in READ_PROPERTIES
        return in_event or component == "VTIMEZONE"

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
        """The component around this line ends without its END: an event is told, anything else may have hidden some."""
        if len(self.path) < 2:
            return
        if "VEVENT" in self.path:
            self._keep(EventLines(tuple(self.kept), because("event_no_end")))
        else:
            self._damaged(f"BEGIN:{self.path[1][:40]}")

    def _damaged(self, line: str) -> None:
        self.calendars[-1].damage = self.calendars[-1].damage or line

    def _keep(self, event: EventLines) -> None:
        """Keep an event; one that isn't public only where it stands for a date of a series: that one isn't on.

        An unknown CLASS is taken for PRIVATE, as the specification wants.
        """
        if (event.value("CLASS") or "PUBLIC").upper() == "PUBLIC":
            self.calendars[-1].events.append(event)
        elif event.value("RECURRENCE-ID") and event.flaw is None:
            bare = [line for line in event.lines[1:-1] if _NAME_END.split(line, maxsplit=1)[0].upper() in _IDENTITY]
            lines = ("BEGIN:VEVENT", *bare, "STATUS:CANCELLED", "END:VEVENT")
            self.calendars[-1].events.append(EventLines(lines))
        else:
            self.calendars[-1].hidden.add(event.value("UID") or "")
