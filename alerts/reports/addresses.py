"""The file of the town's addresses: read on first use, and again once the file has changed.

It is a file of the Base Adresse Nationale that the administrator puts next to channels.toml (`[station] addresses`), as
.csv or .csv.gz. Of it the rows of the town's own INSEE codes are kept, or, without any, those on its districts' ground.
It is read line by line in a thread of its own, within bounds.

A report that an officer makes of somebody's words begins with the kind they mention (`kind_in`) and the street they
name (`place_in`). It is a first guess for a person to check: without a match, nothing is guessed.
"""

from __future__ import annotations

import asyncio
import csv
import gzip
import re
import threading
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast
from weakref import WeakKeyDictionary

from alerts.desk.territory import district_at, ground_of
from alerts.model.alert import Info, Point
from alerts.model.bounds import bounded, seen
from alerts.model.errors import Unreadable
from alerts.model.hazard import Hazard, fold, hazard_of
from alerts.model.local import open_named
from alerts.model.reason import because
from alerts.model.reports import ReportKind
from alerts.model.town import Town
from alerts.reports.places import Address, Places, Spot, street_key

MOST_ADDRESSES = 300_000
"""Addresses that are kept: a city of two million people has half as many."""
MOST_LINES = 3_000_000
"""Lines of a file that are read: the largest département has a third of them."""
# A longer line is no address: the file is something else.
_LONGEST_LINE = 4096
_LONGEST_NAME = 120
# Columns of the Base Adresse Nationale's CSV.
_NEEDED = ("numero", "nom_voie", "code_insee", "lon", "lat")
# A hamlet without numbers has one number for all of it there.
_NO_NUMBER = 5000


def read_places(town: Town) -> Places:
    """The places of a town. Raises Unreadable where its file of addresses is none, or has no address of the town."""
    if town.addresses is None:
        return Places(town.districts)
    file = town.folder / town.addresses
    try:
        with _opened(town.folder, town.addresses) as lines:
            places = _read(town, file.name, _bounded(lines, file.name))
    except (OSError, EOFError) as error:
        said = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise Unreadable(because("addresses_unread", file=file.name, said=said)) from None
    except (ValueError, csv.Error, zlib.error) as error:
        raise Unreadable(because("addresses_unread", file=file.name, said=str(error))) from None
    if not places.addresses:
        raise Unreadable(because("addresses_none", file=file.name))
    return places


@contextmanager
def _opened(folder: Path, name: str) -> Iterator[IO[bytes]]:
    with open_named(folder, name) as file:
        yield cast("IO[bytes]", gzip.GzipFile(fileobj=file)) if name.endswith(".gz") else file


def _bounded(lines: IO[bytes], name: str) -> Iterator[bytes]:
    """The lines of a file that may be anything, of which a small one may unfold to a vast one."""
    for _ in range(MOST_LINES):
        line = lines.readline(_LONGEST_LINE)
        if not line:
            return
        if len(line) == _LONGEST_LINE:
            break
        yield line
    raise Unreadable(because("addresses_too_many", file=name, most=MOST_ADDRESSES))


def _read(town: Town, name: str, lines: Iterator[bytes]) -> Places:
    # A byte order mark may precede the heading.
    heads = next(lines, b"").decode("utf-8-sig", "replace").strip().split(";")
    if missing := [column for column in _NEEDED if column not in heads]:
        raise Unreadable(because("addresses_no_csv", file=name, columns=missing))
    is_ours = _ours(town)
    streets: dict[tuple[str, str], int] = {}
    addresses: list[Address] = []
    for row in csv.DictReader(_likely(town, lines), heads, delimiter=";"):
        point, street = _point(row), _plain(row["nom_voie"])
        if point is None or not street or not is_ours(row["code_insee"], point):
            continue
        if len(addresses) == MOST_ADDRESSES:
            raise Unreadable(because("addresses_too_many", file=name, most=MOST_ADDRESSES))
        part = _plain(row.get("nom_ancienne_commune") or row.get("nom_commune"))
        known = streets.setdefault((street, part), len(streets))
        addresses.append(Address(known, _numbered(row), point))
    return Places(town.districts, _distinct_names(list(streets)), addresses)


def _likely(town: Town, lines: Iterator[bytes]) -> Iterator[str]:
    """The lines with one of our codes somewhere in them: reading those alone takes a tenth of the time."""
    codes = [code.encode() for code in _codes(town)]
    for line in lines:
        if not codes or any(code in line for code in codes):
            yield line.decode("utf-8", "replace")


def _codes(town: Town) -> tuple[str, ...]:
    return tuple(code.value for code in town.geocodes if code.name.upper() == "INSEE")


def _ours(town: Town) -> Callable[[str, Point], bool]:
    """Return the test for the town's addresses: by their code, else by the districts' ground."""
    codes = frozenset(_codes(town))
    if codes or not town.districts:
        return lambda code, _: not codes or code in codes
    bounds = [ground_of(district).bounds for district in town.districts]
    west, south = (min(each[side] for each in bounds) for side in (0, 1))
    east, north = (max(each[side] for each in bounds) for side in (2, 3))

    def is_on_our_ground(_: str, point: Point) -> bool:
        lat, lon = point
        near = south <= lat <= north and west <= lon <= east
        return near and district_at(town.districts, lat, lon) is not None

    return is_on_our_ground


def _point(row: Mapping[str, str]) -> Point | None:
    try:
        lat, lon = float(row["lat"]), float(row["lon"])
    except (TypeError, ValueError):
        return None
    return (lat, lon) if -90 <= lat <= 90 and -180 <= lon <= 180 else None


def _plain(text: str | None) -> str:
    return seen(bounded(" ".join((text or "").split()), _LONGEST_NAME))


def _numbered(row: Mapping[str, str]) -> str:
    number = row["numero"] or ""
    if not number.isdecimal() or not 0 < int(number[:6]) < _NO_NUMBER:
        return ""
    return " ".join(filter(None, (number, _plain(row.get("rep"))[:8])))


def _distinct_names(streets: Sequence[tuple[str, str]]) -> Sequence[str]:
    """Their names; where two parts of the town have one of the same name, each with its part's."""
    parts: dict[tuple[str, ...], int] = defaultdict(int)
    for street, _ in streets:
        parts[street_key(street)] += 1
    return [f"{street} ({part})" if part and parts[street_key(street)] > 1 else street for street, part in streets]


# --- kept ----------------------------------------------------------------------------------------------------------

_Version = tuple[int, int] | None
# A town's places, until its file changes; forgotten with the town.
_KEPT: WeakKeyDictionary[Town, tuple[_Version, Future[Places]]] = WeakKeyDictionary()
_KEEPING = threading.Lock()
# A thread of its own: whoever comes while a file is read waits for it without one.
_READER = ThreadPoolExecutor(1, "addresses")


async def places_of(town: Town) -> Places:
    """The places of a town: its file is read in a thread, once for each version of it. Raises nothing."""
    version = await asyncio.to_thread(_version, town)
    with _KEEPING:
        kept = _KEPT.get(town)
        if kept is None or kept[0] != version:
            kept = _KEPT[town] = (version, _READER.submit(_read_or_without, town))
    # Who gives up waiting doesn't end it for the others.
    return await asyncio.shield(asyncio.wrap_future(kept[1]))


def _version(town: Town) -> _Version:
    if town.addresses is None:
        return None
    try:
        status = (town.folder / town.addresses).stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size


def _read_or_without(town: Town) -> Places:
    try:
        return read_places(town)
    except Unreadable as error:
        return Places(town.districts, trouble=error.reason)


_LOOKED_AT = 1000
"""Characters of somebody's words that are read."""
# Words are compared by their first letters, so that plurals and inflections match.
_STEM = 5
# Words of the kinds' names that are said of any place, or of anything.
_COMMON = frozenset({"street", "route", "other", "autre"})
# What people call it, beside the kind's own names, by the codes of the kinds that ship.
_ALSO: Mapping[str, Sequence[str]] = {
    "road": ("nid de poule", "trou", "chaussee", "trottoir", "pothole"),
    "lighting": ("lampadaire", "reverbere", "lumiere", "eclairage", "lamp"),
    "waste": ("poubelle", "ordure", "depot", "encombrant", "rubbish", "litter"),
    "tree": ("branche", "tronc", "branch"),
    "water": ("fuite", "coupure d eau", "plus d eau", "canalisation", "burst pipe", "no water"),
    "flooding": ("inonde", "sous l eau", "l eau monte", "under water", "flooded"),
    "noise": ("bruit", "vacarme", "tapage"),
}
_STREET = re.compile(
    r"(?:\d{1,4}(?: ?(?:bis|ter|quater))?,? )?\b(?:rue|avenue|av|boulevard|bd|place|pl|quai|chemin|impasse|allee|route|"
    r"square|cours|passage|pont|montee|esplanade|promenade|street|road)\b\.?(?: [\w'-]+){1,6}"
)


def kind_in(text: str, kinds: Iterable[ReportKind]) -> ReportKind | None:
    """The kind that these words are most about; None where they name none. One at which the form ends is none."""
    said = f" {' '.join(re.findall(r'[a-z0-9]+', fold(text[:_LOOKED_AT])))} "
    open_ones = [kind for kind in kinds if kind.stop is None]
    named = {kind.code: _named(kind, said) for kind in open_ones}
    best = max(open_ones, key=lambda kind: named[kind.code], default=None)
    if best is not None and named[best.code]:
        return best
    hazard = hazard_of(Info(text[:_LOOKED_AT]))
    return next((kind for kind in open_ones if kind.hazard is hazard and hazard is not Hazard.GENERAL), None)


def _named(kind: ReportKind, said: str) -> int:
    """How many of its words are said; what people call it counts as its names do."""
    names = [
        word
        for name in kind.names.values()
        for word in re.findall(r"[a-z]+", fold(name))
        if len(word) >= _STEM and word not in _COMMON
    ]
    return sum(f" {word[:_STEM]}" in said for word in {*names}) + sum(
        f" {each}" in said for each in _ALSO.get(kind.code, ())
    )


def place_in(text: str, places: Places) -> Spot | None:
    """The address or the street that these words name, if the town has it."""
    for found in _STREET.finditer(fold(text[:_LOOKED_AT])):
        words = found[0].split()
        # The street's name may be shorter than what was taken for it: "rue Pasteur est sous l'eau".
        for end in range(len(words), 1, -1):
            wanted = " ".join(words[:end])
            # "Rue" alone would be the only street of a village.
            if len(street_key(wanted.lstrip("0123456789 ,"))) > 1 and (spot := places.find(wanted)) is not None:
                return spot
    return None
