"""Works and closures on roads: CIFS, as DiaLog publishes the orders of French towns, and DATEX II, as States do theirs.

Each situation of DATEX II, and each incident of CIFS, is an entry of a works calendar (`alerts.sources.ical`), and is
announced as its entries are. Of the records of a situation the gravest gives the words: a road that is closed before a
lane; a speed limit, a detour or a broken-down car alone makes no entry. Such files hold a country and up to 256 MB, so
they are spooled to a file and streamed from there by a process of its own: an element is dropped once it was read, and
only what lies in the town's box, or names it, is kept.

What forms have in common is their elements' local names: namespaces differ, lack (Bison Futé's root within SOAP) or are
wrong (Belgium's payload). Sources: datex2.eu, "Situation Publication" 2.3 and 3.4; Google, "CIFS" version 2.
"""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from lxml import etree
from pydantic import Field, field_validator

from alerts.apart.parser import parser
from alerts.model.alert import Alert, NamedValue, Point, Severity
from alerts.model.errors import Unreadable
from alerts.model.hazard import fold
from alerts.model.ports import Surroundings
from alerts.model.reason import because
from alerts.model.town import Publish
from alerts.rendering.text import clean, clean_line
from alerts.sources import SourceKind
from alerts.sources.document import FetchedDocument
from alerts.sources.ical.agenda import MOST_OCCURRENCES, WorksAgenda
from alerts.sources.ical.announcements import Announcement
from alerts.sources.ical.occurrence import Occurrence, Series
from alerts.sources.ical.recurrence import Window
from alerts.sources.ical.source import IcalSource
from alerts.sources.periods import endless
from alerts.sources.safe_xml import Element
from alerts.sources.settings import IcalSettings, Interval, Span
from alerts.sources.spool import Unpacked
from alerts.sources.wording import colon, credited, is_french

NO_END = timedelta(days=365)
"""After this long, works without an end that are still in the file are over for us."""
# Files without an end may have one in the year 9999.
_NEVER = 2200
_LONGEST_TITLE, _LONGEST_TEXT, _MOST_POINTS, _MOST_COMMENTS, _MOST_RECORDS = 150, 3000, 20_000, 20, 200
_XSI_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
_ROOTS = ("incidents", "d2LogicalModel", "messageContainer", "payload", "payloadPublication")
_WORKS = ("MaintenanceWorks", "ConstructionWorks")
# Of roadOrCarriagewayOrLaneManagementType, the gravest first; in French, and in English.
_MANAGED: Mapping[str, tuple[str, str]] = {
    "roadClosed": ("route fermée", "road closed"),
    "carriagewayClosures": ("chaussée fermée", "carriageway closed"),
    "intermittentShortTermClosures": ("fermetures courtes", "short closures"),
    "singleAlternateLineTraffic": ("circulation alternée", "alternate one-way traffic"),
    "laneClosures": ("voie fermée", "lane closed"),
    "lanesDeviated": ("voies déviées", "lanes diverted"),
    "contraflow": ("circulation à double sens", "contraflow"),
    "narrowLanes": ("voies rétrécies", "narrow lanes"),
}
_WORKS_WORDS, _CLOSED_WORDS = ("travaux", "roadworks"), ("circulation interdite", "closed to traffic")
_IMPEDES = {"CONSTRUCTION", "HAZARD_ON_ROAD_CONSTRUCTION", "HAZARD_ON_ROAD_LANE_CLOSED"}
_SEVERITIES = {
    "highest": Severity.SEVERE,
    "high": Severity.SEVERE,
    "medium": Severity.MODERATE,
    "low": Severity.MINOR,
    "lowest": Severity.MINOR,
}
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_HOURS = re.compile(r"(\d{1,2}):(\d{2})-(\d{1,2}):(\d{2})")


class RoadsSettings(IcalSettings):
    """`kind = "roads"`: works and closures in CIFS or DATEX II, which wait unless `publish` says otherwise.

    `box` is south, west, north, east in degrees; without it, that of the districts. `names` are those of the town and
    its roads, by which entries count that have no coordinates. `licence` is what the publisher wants named.
    """

    kind: Literal["roads"]  # type: ignore[assignment]  # another kind with the same keys
    publish: Publish = "approve"
    every: Interval = timedelta(minutes=10)
    timeout: Span = timedelta(seconds=60)
    box: tuple[float, ...] = Field(default=(), examples=[[45.16, 5.68, 45.21, 5.76]])
    names: tuple[str, ...] = Field(default=(), max_length=50, examples=[["Saint-Martin", "D524"]])
    licence: str | None = Field(default=None, min_length=1, max_length=60, examples=["Licence Ouverte 2.0"])

    @field_validator("box")
    @classmethod
    def _is_a_box(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if value and not (len(value) == 4 and -90 <= value[0] < value[2] <= 90 and -180 <= value[1] < value[3] <= 180):
            raise ValueError(because("roads_no_box"))
        return value


@dataclass(frozen=True, slots=True)
class RoadArea:
    """The area that concerns the town: points in its box, or without any, words that name it."""

    box: tuple[float, ...]
    names: tuple[str, ...]
    language: str

    def nearest(self, points: Iterable[Point]) -> Point | None:
        """Return the point nearest to the middle of the box, of those within."""
        south, west, north, east = self.box
        within = (each for each in points if south <= each[0] <= north and west <= each[1] <= east)
        middle = (south + north) / 2, (west + east) / 2
        return min(within, key=lambda each: abs(each[0] - middle[0]) + abs(each[1] - middle[1]), default=None)

    def named_in(self, text: str) -> bool:
        """True if a text names the town or one of its roads."""
        said = _words(text)
        return any(_words(each) in said for each in self.names)


def _words(text: str) -> str:
    """Return the words, folded, each between blanks: "Saint-Martin" is "Saint Martin", and not in "Saint-Martinet"."""
    return " ".join(("", *re.findall(r"\w+", fold(text)), ""))


@dataclass(frozen=True, slots=True)
class RoadDetails:
    """Details that a calendar entry has no field for: how grave it is, and that its end isn't known."""

    severity: Severity
    is_endless: bool = False


@dataclass(frozen=True, slots=True)
class RoadAgenda(WorksAgenda):
    """The entries of a file, with the `details` of each by its UID."""

    details: Mapping[str, RoadDetails] = field(default_factory=dict)


# --- read apart -----------------------------------------------------------------------------------------------------


@parser("roads", seconds=60)
def read_roads(body: bytes, path: str, window: Window, home: ZoneInfo, area: RoadArea) -> RoadAgenda:
    """Return the entries that concern the town, of a body or of the file at `path`. Raises Unreadable."""
    found: dict[tuple[str, str], Occurrence] = {}
    details: dict[str, RoadDetails] = {}
    file: BinaryIO = Path(path).open("rb") if path else io.BytesIO(body)  # noqa: SIM115 it is closed below
    with file, Unpacked(file) as stream:
        for element in _elements(stream):
            read = _incident if _name(element) == "incident" else _situation
            for entry, more in read(element, window, home, area):
                found[entry.uid, entry.recurrence_id] = entry
                details[entry.uid] = more
    occurrences = sorted(
        filter(window.wants, found.values()), key=lambda each: (each.starts, each.uid, each.recurrence_id)
    )
    complete = occurrences[MOST_OCCURRENCES].starts if len(occurrences) > MOST_OCCURRENCES else window.stop
    kept = tuple(occurrences[:MOST_OCCURRENCES])
    return RoadAgenda(kept, (), window, complete, details={each.uid: details[each.uid] for each in kept})


def _elements(stream: Any) -> Iterator[Element]:
    """Yield each incident or situation once it is whole, and drop it then. Raises Unreadable."""
    wanted = tuple(f"{{*}}{name}" for name in (*_ROOTS, "incident", "situation"))
    found = etree.iterparse(
        stream, ("start", "end"), tag=wanted, resolve_entities=False, no_network=True, load_dtd=False,
        huge_tree=False, remove_comments=True, remove_pis=True,
    )  # fmt: skip
    is_one = False
    try:
        for event, element in found:
            name = _name(element)
            if event == "start":
                # A DTD stands before the root, so it is known by then.
                if element.getroottree().docinfo.internalDTD is not None:
                    raise Unreadable(because("xml_dtd"))
                is_one = is_one or name in _ROOTS
                if "TrafficRegulation" in element.get(_XSI_TYPE, ""):
                    raise Unreadable(because("roads_regulations"))
            elif name in ("incident", "situation"):
                yield element
                _drop(element)
    except (etree.XMLSyntaxError, EOFError, OSError, ValueError, zlib.error) as error:
        raise Unreadable(because("xml_malformed", said=str(error).strip()[:200])) from None
    if not is_one:
        raise Unreadable(because("roads_none"))


def _drop(element: Element) -> None:
    element.clear()
    parent = element.getparent()
    # What came before it within the same parent is read, or none of ours.
    while parent is not None and element.getprevious() is not None:
        del parent[0]


def _name(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _text(element: Element, name: str) -> str:
    found = next(element.iter(f"{{*}}{name}"), None)
    return clean_line("".join(map(str, islice(found.itertext(), 50)))) if found is not None else ""


def _uid(element: Element, road: str, starts: datetime) -> str:
    return (element.get("id") or f"{road} {starts.isoformat()}")[:_LONGEST_TITLE]


def _said(element: Element, language: str) -> str:
    """Return the text of DATEX's multilingual values: in the town's language, else the first."""
    values = [(each.get("lang") or "", each.text or "") for each in element.iter("{*}value")]
    primary = language.lower()[:2]
    return clean(next((text for tag, text in values if tag.lower()[:2] == primary), values[0][1] if values else ""))


def _time(text: str, home: ZoneInfo) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
        found = (found if found.tzinfo else found.replace(tzinfo=home)).astimezone(home)
    except (ValueError, OverflowError):
        return None
    return found if found.year < _NEVER else None


def _pairs(text: str) -> Iterator[Point]:
    numbers = text.split(maxsplit=2 * _MOST_POINTS)[: 2 * _MOST_POINTS]
    try:
        yield from zip(map(float, numbers[::2]), map(float, numbers[1::2]), strict=False)
    except ValueError:
        return


def _titled(road: str, words: tuple[str, str], area: RoadArea) -> str:
    said = words[0] if is_french(area.language) else words[1]
    title = f"{road}{colon(area.language)}{said}" if road else f"{said[:1].upper()}{said[1:]}"
    return title[:_LONGEST_TITLE]


# --- CIFS -----------------------------------------------------------------------------------------------------------


def _incident(
    element: Element, window: Window, home: ZoneInfo, area: RoadArea
) -> Iterator[tuple[Occurrence, RoadDetails]]:
    is_closed = _text(element, "type") == "ROAD_CLOSED"
    if not is_closed and _IMPEDES.isdisjoint({_text(element, "type"), _text(element, "subtype")}):
        return
    street, text = _text(element, "street"), _text(element, "description")
    point = area.nearest(_pairs(_text(element, "polyline")))
    starts, ends = (_time(_text(element, name), home) for name in ("starttime", "endtime"))
    if starts is None or (point is None and not area.named_in(f"{street} {text}")):
        return
    hours = _hours(element)
    entry = Occurrence(
        uid=_uid(element, street, starts),
        recurrence_id="",
        starts=starts,
        ends=ends if ends and ends > starts else starts + NO_END,
        all_day=False,
        summary=_titled(street, _CLOSED_WORDS if is_closed else _WORKS_WORDS, area),
        description="\n".join(part for part in (text, *_spelled(hours, area)) if part)[:_LONGEST_TEXT],
        location=street,
        categories=_WORKS_WORDS[:1],
        point=point,
    )
    details = RoadDetails(Severity.MINOR, is_endless=ends is None or ends <= starts)
    dates = _dates(entry, hours, window, home) if not details.is_endless else []
    yield from ((each, details) for each in dates or [entry])


def _hours(element: Element) -> dict[str, str]:
    """Return the hours of each day of a schedule that has any."""
    schedule = next(element.iter("{*}schedule"), None)
    found = {_name(each): clean_line(each.text or "")[:200] for each in schedule} if schedule is not None else {}
    return (
        dict.fromkeys(_DAYS, found["everyday"])
        if "everyday" in found
        else {day: found[day] for day in _DAYS if day in found}
    )


def _dates(entry: Occurrence, hours: Mapping[str, str], window: Window, home: ZoneInfo) -> list[Occurrence]:
    """Return the dates of an entry that has the same hours on each of its days, as those of one series."""
    spans = set(hours.values())
    match = _HOURS.fullmatch(next(iter(spans))) if len(spans) == 1 else None
    if match is None:
        return []
    try:
        opens, closes = time(int(match[1]), int(match[2])), time(int(match[3]) % 24, int(match[4]))
    except ValueError:
        return []
    day = datetime.combine(date(2026, 1, 1), closes) - datetime.combine(date(2026, 1, 1), opens)
    length = day if day > timedelta() else day + timedelta(days=1)
    rule = "FREQ=DAILY" if len(hours) == 7 else "FREQ=WEEKLY;BYDAY=" + ",".join(name[:2].upper() for name in hours)
    days = [each for each in _between(entry, window) if _DAYS[each.weekday()] in hours]
    begins = [datetime.combine(each, opens, home) for each in days]
    on = [each for each in begins if entry.starts <= each < entry.ends]
    if not on:
        return []
    series = Series(rule, opens, length, _last(entry, hours, opens, home))
    named = (f"{each.astimezone(ZoneInfo('UTC')):%Y%m%dT%H%M%SZ}" for each in on)
    return [
        replace(entry, recurrence_id=name, starts=each, ends=each + length, series=series)
        for name, each in zip(named, on, strict=True)
    ]


def _between(entry: Occurrence, window: Window) -> Iterator[date]:
    first, last = max(entry.starts, window.start).date(), min(entry.ends, window.stop).date()
    yield from (first + timedelta(days=number) for number in range(min((last - first).days + 1, 100)))


def _last(entry: Occurrence, hours: Mapping[str, str], opens: time, home: ZoneInfo) -> date:
    """Return the last day that the schedule has before the end."""
    days = (entry.ends.date() - timedelta(days=number) for number in range(8))
    fits = (
        each for each in days if _DAYS[each.weekday()] in hours and datetime.combine(each, opens, home) < entry.ends
    )
    return next(fits, entry.ends.date())


_DAY_NAMES = {
    True: ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"),
    False: ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
}


def _spelled(hours: Mapping[str, str], area: RoadArea) -> Iterator[str]:
    """Say the hours where they aren't the same on each of its days."""
    if len(set(hours.values())) > 1 or any("," in each for each in hours.values()):
        names = dict(zip(_DAYS, _DAY_NAMES[is_french(area.language)], strict=True))
        yield from (f"{names[day]}{colon(area.language)}{said.replace(',', ', ')}" for day, said in hours.items())


# --- DATEX II -------------------------------------------------------------------------------------------------------


def _situation(element: Element, _: Window, home: ZoneInfo, area: RoadArea) -> Iterator[tuple[Occurrence, RoadDetails]]:
    # First of all, since most of a country's are elsewhere.
    if not area.names and area.nearest(_points([element])) is None:
        return
    for name, public in (("informationStatus", "real"), ("confidentiality", "noRestriction")):
        if _text(element, name) not in ("", public):
            return
    records = [each for each in islice(element.iter("{*}situationRecord"), _MOST_RECORDS) if _is_on(each)]
    relevant = sorted((each for each in records if _rank(each) is not None), key=lambda each: _rank(each) or 0)
    if not relevant:
        return
    first = relevant[0]
    # A closure is often a record for each night, within works that last for months.
    alike = [each for each in relevant if _rank(each) == _rank(first)]
    starts = min((time for each in alike if (time := _time(_text(each, "overallStartTime"), home))), default=None)
    all_ends = [_time(_text(each, "overallEndTime"), home) for each in alike]
    ends = None if None in all_ends else max(filter(None, all_ends))
    comments = list(dict.fromkeys(_comments(relevant, area.language)))
    road, place = _named(element, "linkName", area), _named(element, "townName", area)
    point = area.nearest(_points(relevant))
    if starts is None or (point is None and not area.named_in(" ".join((road, place, *comments)))):
        return
    is_endless = ends is None or ends <= starts
    severity = _SEVERITIES.get(_text(element, "overallSeverity") or _text(first, "severity"))
    entry = Occurrence(
        uid=_uid(element, road, starts),
        recurrence_id="",
        starts=starts,
        ends=starts + NO_END if ends is None or is_endless else ends,
        all_day=False,
        summary=_titled(road, _words_of(first), area),
        description="\n".join(comments)[:_LONGEST_TEXT],
        location=", ".join(part for part in (road, place) if part),
        # Whatever hinders traffic is told as works are, in each language: diverted lanes too.
        categories=_WORKS_WORDS[:1],
        point=point,
    )
    is_closed = _text(first, "roadOrCarriagewayOrLaneManagementType") == "roadClosed"
    yield entry, RoadDetails(severity or (Severity.MODERATE if is_closed else Severity.MINOR), is_endless)


def _is_on(record: Element) -> bool:
    """True unless it is suspended, or ended or cancelled on its own."""
    if _text(record, "validityStatus") == "suspended":
        return False
    managed = next(record.iter("{*}lifeCycleManagement"), None)
    return managed is None or not any((each.text or "").strip() in ("true", "1") for each in managed)


def _kind(record: Element) -> str:
    return record.get(_XSI_TYPE, "").rpartition(":")[2]


def _rank(record: Element) -> int | None:
    """Return how grave a record is, 0 for the gravest; None for one that makes no entry alone."""
    managed = _text(record, "roadOrCarriagewayOrLaneManagementType")
    if managed in _MANAGED:
        return list(_MANAGED).index(managed)
    return len(_MANAGED) if managed or _kind(record) in _WORKS else None


def _words_of(record: Element) -> tuple[str, str]:
    return _MANAGED.get(_text(record, "roadOrCarriagewayOrLaneManagementType"), _WORKS_WORDS)


def _comments(records: Sequence[Element], language: str) -> Iterator[str]:
    """Yield what is said for the public: what it is before where it is."""
    found = [each for record in records for each in islice(record.iter("{*}generalPublicComment"), _MOST_COMMENTS)]
    found.sort(key=lambda each: _text(each, "commentType") == "locationDescriptor")
    yield from filter(None, (_said(each, language) for each in found[:_MOST_COMMENTS]))


def _named(situation: Element, kind: str, area: RoadArea) -> str:
    """Return the name of the road or the town: by TPEG's descriptors, or version 3's elements."""
    for each in islice(situation.iter("{*}name"), _MOST_RECORDS):
        if _text(each, "tpegOtherPointDescriptorType") == kind:
            return clean_line(_said(each, area.language))[:_LONGEST_TITLE]
    for name in ("roadName", "roadNumber") if kind == "linkName" else ():
        if (found := next(situation.iter(f"{{*}}{name}"), None)) is not None:
            return (clean_line(_said(found, area.language)) or _text(situation, name))[:_LONGEST_TITLE]
    return ""


def _points(records: Sequence[Element]) -> Iterator[Point]:
    for record in records:
        for latitude in islice(record.iter("{*}latitude"), _MOST_POINTS):
            parent = latitude.getparent()
            yield from _pairs(f"{latitude.text} {_text(parent, 'longitude') if parent is not None else ''}")
        for line in islice(record.iter("{*}posList"), 100):
            yield from _pairs(line.text or "")


# --- the source -----------------------------------------------------------------------------------------------------


class RoadsSource(IcalSource):
    """One `[sources.NAME]` with `kind = "roads"` (a `Source`), which announces as a works calendar does."""

    is_large = True

    def __init__(self, name: str, settings: RoadsSettings, around: Surroundings) -> None:
        super().__init__(name, settings, around)
        town = around.town
        box = settings.box or _box_of(
            [point for each in town.districts for ring in each.as_area().polygons for point in ring]
        )
        self._area = RoadArea(box, settings.names, town.language) if box else None
        self._who = settings.title or urlsplit(settings.url).hostname or town.name
        self._licence = settings.licence

    def _days(self, document: FetchedDocument, window: Window) -> WorksAgenda:
        if self._area is None:
            raise Unreadable(because("roads_without_box"))
        path = document.file.path if document.file else ""
        return read_roads.in_subprocess(document.body, path, window, self._schedule.zone, self._area)

    def _reads(self) -> object:
        return self._area

    def _alert(self, announcement: Announcement, agenda: WorksAgenda, now: datetime) -> Alert:
        alert = super()._alert(announcement, agenda, now)
        assert isinstance(agenda, RoadAgenda)  # noqa: S101 it was read here
        details = agenda.details.get(announcement.occurrence.uid)
        info = alert.infos[0]
        text = credited(info.description, self._who, self._licence, self._town.language)
        info = replace(info, sender_name=self._who, description=text)
        if details is not None:
            info = replace(info, severity=details.severity)
        if details is not None and details.is_endless and announcement.kind in ("alert", "update"):
            own = (NamedValue(*each) for each in endless(announcement.occurrence.ends).items())
            info = replace(info, expires=None, parameters=(*info.parameters, *own))
        return replace(alert, infos=(info,))


def _box_of(points: Sequence[Point]) -> tuple[float, ...]:
    if not points:
        return ()
    latitudes, longitudes = zip(*points, strict=True)
    return min(latitudes), min(longitudes), max(latitudes), max(longitudes)


KIND = SourceKind(RoadsSettings, "alerts.sources.roads:RoadsSource")
