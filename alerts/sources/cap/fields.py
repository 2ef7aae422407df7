"""The fields of a CAP message as strangers send them: its elements as names and texts, and the reading of values.

XML and JSON are brought to one shape first, `Fields`: names in order, each with its texts or again Fields, whatever the
prefix, namespace and order of the elements were. `Bounds` cuts each text and all of them together before anything else
reads them, so that a hostile message costs no more than a long one.

Then `read_code`, `read_time`, `read_ring` and the others read one value each, leniently; oddities go to `note`, and
from there to the officer.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from email.utils import parsedate_to_datetime
from enum import StrEnum
from functools import lru_cache
from itertools import islice
from typing import Any, TypeVar

from lxml import etree

from alerts.model.alert import Circle, NamedValue
from alerts.model.bounds import Ring, bounded
from alerts.model.reason import Reason, because
from alerts.sources.safe_xml import FORBIDDEN, Element

Fields = dict[str, list[Any]]
"""An element's content by name, in order: texts, NamedValues of pairs, or again Fields. Nothing in it is empty."""

# Elements with children; all others are texts.
_STRUCTURES = frozenset({"info", "resource", "area"})
# Elements with a name and a value.
_PAIRS = frozenset({"eventCode", "parameter", "geocode"})
# Texts whose line breaks mean something.
_PROSE = frozenset({"description", "instruction"})
# alert, info, area: CAP nests no deeper, but for pairs.
_DEPTH = 3

_LONGEST = 1000
# Characters of a field that are read; of any other _LONGEST. Samples of fifteen services have a tenth of it.
_LONGER: dict[str, int] = {
    "description": 20_000, "instruction": 20_000, "note": 20_000, "areaDesc": 5000, "web": 2000, "uri": 2000,
    "derefUri": 2000, "references": 50_000, "addresses": 20_000, "incidents": 20_000, "value": 20_000,
}  # fmt: skip
# What tells messages apart (`bounded_name`).
_NAMES = frozenset({"identifier", "sender"})
# Read within bounds of their own (`read_ring`).
_OUTLINES = frozenset({"polygon"})
_MOST_CHARACTERS, _MOST_FIELDS = 300_000, 20_000
"""Of all fields of a message together: a warning in thirty languages has a tenth of it."""

Note = Callable[[Reason], None]
"""Takes what was forgiven."""

Code = TypeVar("Code", bound=StrEnum)

_LANGUAGE = re.compile(r"[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*")
# ISO 8601 allows it; Python doesn't read it.
_MIDNIGHT_AT_24 = re.compile(r"T24:00(?=:00|[^:\d]|$)")
# A feed's own format: year/month/day, morning or afternoon, 12-hour clock.
_CHINESE_HALF_DAY = re.compile(r"(\d{4})/(\d{1,2})/(\d{1,2})\s*(上午|下午)\s*(\d{1,2}):(\d{2})(?::(\d{2}))?")
# Years outside are placeholders.
_EARLIEST, _LATEST = 1900, 2900

# CAP 3.2.1: names with blanks are in double quotes.
_QUOTED = re.compile(r'"([^"]*)"|(\S+)')
# The third part of a reference.
_TIME = re.compile(r"\d{4}-\d\d-\d\dT[^\s,]+")

MOST_POINTS = 20_000
"""Points of one ring that are read: three times the longest that a weather service sends (feeds.md)."""
# Characters of one point, the blank before it included.
_LONGEST_POINT = 80
_A_POINT = re.compile(r"(?:^|\s)([-+\d.eE]+),([-+\d.eE]+)")


class Bounds:
    """The limits of one message: each text within its own length, and all of them within a length and a number.

    A text is cut before anything else reads it. `notes` lists the parts that were cut or left out.
    """

    def __init__(self) -> None:
        self._characters, self._fields = _MOST_CHARACTERS, _MOST_FIELDS
        self.notes: dict[Reason, None] = {}

    def take(self, name: str, text: str) -> str:
        """As much of a field's text as is read."""
        if len(text) <= _LONGEST and text.isascii() and len(text) <= self._characters:
            # Within every bound, and without marks that could be piled up: nearly all fields are.
            if name not in _OUTLINES:
                self._characters -= len(text)
            return text
        if name in _OUTLINES:
            return text
        most, whole = _LONGER.get(name, _LONGEST), text
        if name in _NAMES:
            text = bounded_name(text)
        if len(whole) > most or text != whole:
            self.notes[because("field_too_long", name=name, most=most)] = None
        kept = bounded(text, min(most, self._characters))
        self._characters -= len(kept)
        if not self._characters:
            self._end()
        return kept.rstrip() if len(kept) < len(text) else kept

    def room(self, count: int) -> int:
        """As many of `count` more fields as are read."""
        read = min(count, self._fields)
        self._fields -= read
        if read < count:
            self._end()
        return read

    def _end(self) -> None:
        self._fields = 0
        self.notes[because("message_too_long")] = None


def bounded_name(name: str) -> str:
    """Return a name that identifies a message; a longer one becomes its digest, since its beginning may be ambiguous.

    It is measured in bytes: an index of PostgreSQL takes 2,704 of a row, and refuses longer ones.
    """
    encoded = name.encode(errors="replace")
    return name if len(encoded) <= _LONGEST else f"{name[:100]} {hashlib.sha256(encoded).hexdigest()}"


def local_name(element: Element) -> str:
    """The element's name without its namespace."""
    tag: str = element.tag
    return tag[tag.rfind("}") + 1 :]


def fields_of(element: Element, bounds: Bounds, depth: int = _DEPTH) -> Fields:
    """The children of a CAP element, whatever their order, prefix and namespace; signatures and empty ones left out."""
    fields: Fields = {}
    for child in islice(element, bounds.room(len(element))):
        name = local_name(child)
        if name in _PAIRS:
            value: Any = _pair_of(child, bounds)
        elif name in _STRUCTURES:
            value = fields_of(child, bounds, depth - 1) if depth > 1 else {}
        elif name == "Signature":
            continue
        else:
            value = _text_of(child, name, bounds)
        if value and name in fields:
            fields[name].append(value)
        elif value:
            fields[name] = [value]
    return fields


def _pair_of(element: Element, bounds: Bounds) -> NamedValue | None:
    """Return the first name and the first value in the element. Returns None if either is missing."""
    name = value = ""
    for child in islice(element, bounds.room(len(element))):
        tag = local_name(child)
        if tag == "valueName":
            name = name or _text_of(child, tag, bounds)
        elif tag == "value":
            value = value or _text_of(child, tag, bounds)
    if not len(element):
        # CAP 1.0 wrote a pair as "name=value"
        name, _, value = _text_of(element, "value", bounds).partition("=")
    return NamedValue(name, value) if name and value else None


def _text_of(element: Element, name: str, bounds: Bounds) -> str:
    text = element.text or ""
    # Some senders put markup into a description: its words count, its tags don't.
    if len(element):
        text = etree.tostring(element, method="text", encoding="unicode", with_tail=False)
    words = text.strip()
    return bounds.take(name, text if words and name in _PROSE else words)


def fields_of_json(document: Mapping[str, Any], bounds: Bounds, depth: int = _DEPTH) -> Fields:
    """The same of a JSON object with CAP's names, whose values are texts, objects or lists of these."""
    fields: Fields = {}
    for name, value in document.items():
        items = value if isinstance(value, list) else [value]
        values = [_value_of_json(name, item, bounds, depth) for item in items[: bounds.room(len(items))]]
        if kept := [item for item in values if item]:
            fields[name] = kept
    return fields


def _value_of_json(name: str, item: object, bounds: Bounds, depth: int) -> str | NamedValue | Fields | None:
    if name in _PAIRS:
        return _pair_of_json(item, bounds) if isinstance(item, Mapping) else None
    if name in _STRUCTURES:
        return fields_of_json(item, bounds, depth - 1) if depth > 1 and isinstance(item, Mapping) else None
    if not isinstance(item, str | int | float):
        return None
    # JSON can spell lone surrogates and control characters, which neither XML nor a database takes.
    return FORBIDDEN.sub("", bounds.take(name, str(item).strip())).strip()


def _pair_of_json(pair: Mapping[str, Any], bounds: Bounds) -> NamedValue | None:
    said = fields_of_json({name: pair[name] for name in ("valueName", "value") if name in pair}, bounds)
    return NamedValue(said["valueName"][0], said["value"][0]) if len(said) == 2 else None


# --- codes ----------------------------------------------------------------------------------------------------------


def read_code(kind: type[Code], text: str, otherwise: Code, name: str, note: Note) -> Code:
    """The code of `kind` that `text` means, in any case and spelling near enough; else `otherwise`, with a note."""
    if text in kind._value2member_map_:
        return kind(text)
    if not text:
        note(because("field_missing", name=name, taken=otherwise))
        return otherwise
    found = find_code(kind, text)
    note(because("field_no_code", name=name, text=repr(text[:40]), taken=found or otherwise))
    return found or otherwise


@lru_cache(maxsize=256)
def find_code(kind: type[Code], text: str) -> Code | None:
    """The code that equals `text` but for case and punctuation, or that alone begins as it does ("Cancelled")."""
    word = re.sub(r"[^a-z]", "", text[:40].lower())
    if word == "verylikely" and "Likely" in kind._value2member_map_:
        # CAP 1.2 section 3.2.2: the deprecated "Very Likely" is to be treated as "Likely"
        return kind("Likely")
    exact = [code for code in kind if code.lower() == word]
    near = [code for code in kind if len(word) > 3 and (word.startswith(code.lower()) or code.lower().startswith(word))]
    candidates = exact or near
    return candidates[0] if len(candidates) == 1 else None


def read_language(text: str, note: Note) -> str:
    """A language tag (RFC 3066); en-US, with a note, for what is none, as CAP 1.2 section 3.2.2 has it."""
    tag = text.replace("_", "-")
    if not _LANGUAGE.fullmatch(tag):
        note(because("language_strange", text=repr(text[:40]), taken="en-US"))
        return "en-US"
    if tag != text:
        note(because("language_strange", text=repr(text[:40]), taken=tag))
    return tag


# --- times ----------------------------------------------------------------------------------------------------------


def read_time(text: str, zone: tzinfo, note: Note) -> datetime | None:
    """Return the aware time in `text`, to the second. Returns None, with a note, if there is none.

    Forgiven: no zone (then `zone`), RFC 822, a 24:00, fractions of seconds, blanks, slashes. A year outside 1900-2899
    is some senders' way to write "until further notice" or nothing at all: none.
    """
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        time_or_none = _read_odd_time(text)
        if time_or_none is None:
            note(because("time_left_out", text=repr(text[:40])))
            return None
        time = time_or_none
        note(because("time_odd", text=repr(text[:40]), taken=time.isoformat()))
    if time.tzinfo is None:
        time = time.replace(tzinfo=zone)
        note(because("time_without_zone", text=repr(text[:40]), taken=time.isoformat()))
    if not _EARLIEST <= time.year < _LATEST:
        note(because("time_beyond_reason", text=repr(text[:40])))
        return None
    return time.replace(microsecond=0) if time.microsecond else time


def _read_odd_time(text: str) -> datetime | None:
    if len(text) > 80:
        return None
    tidy = re.sub(r"\s+", " ", text).strip()
    if chinese := _CHINESE_HALF_DAY.fullmatch(tidy):
        return _read_chinese_time(chinese)
    if _MIDNIGHT_AT_24.search(tidy):
        earlier = _from_iso(_MIDNIGHT_AT_24.sub("T00:00", tidy))
        return earlier + timedelta(days=1) if earlier and earlier.year < _LATEST else None
    return _from_iso(tidy.upper().replace("/", "-").replace(" UTC", "Z")) or _from_mail(tidy)


def _from_iso(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _from_mail(text: str) -> datetime | None:
    try:
        time = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    # RFC 5322 section 3.3: -0000 is UTC of which no zone is known, and email gives it back naive
    return time.replace(tzinfo=UTC) if text.endswith("-0000") else time


def _read_chinese_time(match: re.Match[str]) -> datetime | None:
    year, month, day, hour, minute = (int(match[place]) for place in (1, 2, 3, 5, 6))
    try:
        noon = 12 if match[4] == "下午" else 0
        return datetime(year, month, day, hour % 12 + noon, minute, int(match[7] or 0))  # noqa: DTZ001 - zone is set by read_time
    except ValueError:
        return None


# --- numbers and shapes ---------------------------------------------------------------------------------------------


def read_number(text: str, name: str, note: Note) -> float | None:
    """A finite number; None, with a note, for anything else."""
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if abs(number) < 1e9:
        return number
    note(because("field_no_number", name=name, text=repr(text[:40])))
    return None


def read_ring(text: str, note: Note, most: int = MOST_POINTS) -> Ring | None:
    """A polygon's ring, "lat,lon lat,lon …", closed; None, with a note, where it is no ring of four points or more.

    Of a longer one `most` points are read, evenly spaced, in time as that number: what a sender spells out by the
    hundred thousand lies metres apart.
    """
    if is_long := len(text) > most * _LONGEST_POINT or text.count(",") > most:
        note(because("polygon_many_points", most=most))
    points = _sample_points(text, most) if is_long else _read_points(text) or _readable_points(text, note)
    if points is None:
        note(because("polygon_left_out", text=repr(text[:40])))
        return None
    if points and points[0] != points[-1]:
        points = (*points, points[0])
        note(because("polygon_open"))
    if len(points) < 4:
        note(because("polygon_few_points", count=len(points)))
        return None
    return _keep_on_earth(points, note)


def _keep_on_earth(points: Ring, note: Note) -> Ring | None:
    latitudes, longitudes = zip(*points, strict=True)
    if not (min(latitudes) >= -90 and max(latitudes) <= 90 and min(longitudes) >= -360 and max(longitudes) <= 360):
        note(because("polygon_off_earth"))
        return None
    if min(longitudes) < -180 or max(longitudes) > 180:
        # kept as it is: wrapped, the ring would run around the whole earth
        note(because("polygon_antimeridian"))
    return points


def _read_points(text: str) -> Ring | None:
    try:
        numbers = [float(number) for number in text.replace(",", " ").split()]
    except ValueError:
        return None
    if not all(map(math.isfinite, numbers)):
        return None
    dimensions = 3 if text.count(",") * 3 == len(numbers) * 2 else 2
    if not numbers or len(numbers) % dimensions:
        return None
    return tuple(zip(numbers[::dimensions], numbers[1::dimensions], strict=True))


def _readable_points(text: str, note: Note) -> Ring | None:
    """Those of the points that can be read ("8.72977),-68.13409" can't), where more than three of four can."""
    pairs = text.split()
    points = [point for each in pairs for point in _read_points(each) or ()]
    if len(points) * 4 <= len(pairs) * 3:
        return None
    note(because("polygon_points_unread", count=len(pairs) - len(points)))
    return tuple(points)


def _sample_points(text: str, most: int) -> Ring | None:
    """Return so many of the points, each from one place of the text. Returns None if no place holds one."""
    step = len(text) / most
    places = (int(step * place) for place in range(most))
    found = (_A_POINT.search(text, place, place + _LONGEST_POINT) for place in places)
    try:
        points = tuple((float(each[1]), float(each[2])) for each in found if each)
    except ValueError:
        return None
    return points if points and all(math.isfinite(number) for point in points for number in point) else None


def read_circle(text: str, note: Note) -> Circle | None:
    """A circle, "lat,lon km"; a missing radius is 0, an epicentre. None, with a note, where it is none."""
    try:
        latitude, longitude, *rest = (float(part) for part in re.sub(r"[,;]|km", " ", text.lower()).split())
    except ValueError:
        latitude = longitude = float("nan")
        rest = []
    radius = rest[0] if rest else 0.0
    if len(rest) > 1 or not (abs(latitude) <= 90 and abs(longitude) <= 360 and 0 <= radius < 1e5):
        note(because("circle_left_out", text=repr(text[:40])))
        return None
    return Circle((latitude, longitude), radius)


# --- lists in one text (CAP 1.2 section 3.2.1) -----------------------------------------------------------------------


def split_triples(text: str) -> Iterator[tuple[str, str, str]]:
    """The `sender,identifier,sent` of each reference; blanks within a sender or after a comma are no end of one.

    What is left over at the end comes without a sender.
    """
    words: list[str] = []
    for word in text.split():
        words.append(word)
        if _TIME.fullmatch(word.rpartition(",")[2]):
            names, _, time = " ".join(words).rpartition(",")
            sender, _, identifier = names.partition(",")
            yield sender.strip(), identifier.strip(), time.strip()
            words.clear()
    if words:
        yield "", " ".join(words), ""


def split_words(texts: Iterable[str]) -> tuple[str, ...]:
    """Return blank-separated words; a word with blanks is in double quotes."""
    matches = (match for text in texts for match in _QUOTED.finditer(text))
    return tuple(word for match in matches if (word := match[1] or match[2]))
