"""The file of the town's addresses: read when a place is first asked for, and again once the file has changed.

It is a file of the Base Adresse Nationale that the administrator puts beside channels.toml (`[station] addresses`), as
.csv or .csv.gz. Of it the rows of the town's own INSEE codes are kept, or, where it names none, those on its districts'
ground. It is read line by line in a thread of its own, and what is read and kept of it is bounded.
"""

from __future__ import annotations

import asyncio
import csv
import gzip
import threading
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import IO, cast
from weakref import WeakKeyDictionary

from alerts.desk.territory import district_at, ground_of
from alerts.model.alert import Point
from alerts.model.bounds import bounded, seen
from alerts.model.errors import Unreadable
from alerts.model.reason import because
from alerts.model.town import Town
from alerts.reports.places import Address, Places, street_key

MOST_ADDRESSES = 300_000
"""Addresses that are kept: a city of two million people has half as many."""
MOST_LINES = 3_000_000
"""Lines of a file that are read: the largest département has a third of them."""
_LONGEST_LINE = 4096
_LONGEST_NAME = 120
_NEEDED = ("numero", "nom_voie", "code_insee", "lon", "lat")
# A hamlet without numbers has one number for all of it there.
_NO_NUMBER = 5000


def read_places(town: Town) -> Places:
    """The places of a town. Raises Unreadable where its file of addresses is none, or has no address of the town."""
    if town.addresses is None:
        return Places(town.districts)
    file = town.folder / town.addresses
    try:
        with _opened(file) as lines:
            places = _read(town, file.name, _bounded(lines, file.name))
    except (OSError, EOFError) as error:
        said = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise Unreadable(because("addresses_unread", file=file.name, said=said)) from None
    except (ValueError, csv.Error, zlib.error) as error:
        raise Unreadable(because("addresses_unread", file=file.name, said=str(error))) from None
    if not places.addresses:
        raise Unreadable(because("addresses_none", file=file.name))
    return places


def _opened(file: Path) -> AbstractContextManager[IO[bytes]]:
    return closing(cast("IO[bytes]", gzip.open(file))) if file.suffix == ".gz" else file.open("rb")


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
    return Places(town.districts, _told_apart(list(streets)), addresses)


def _likely(town: Town, lines: Iterator[bytes]) -> Iterator[str]:
    """The lines with one of our codes somewhere in them: reading those alone takes a tenth of the time."""
    codes = [code.encode() for code in _codes(town)]
    for line in lines:
        if not codes or any(code in line for code in codes):
            yield line.decode("utf-8", "replace")


def _codes(town: Town) -> tuple[str, ...]:
    return tuple(code.value for code in town.geocodes if code.name.upper() == "INSEE")


def _ours(town: Town) -> Callable[[str, Point], bool]:
    """Whether an address is the town's: by its code, else by the districts' ground."""
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


def _told_apart(streets: Sequence[tuple[str, str]]) -> Sequence[str]:
    """Their names; where two parts of the town have one of the same name, each with its part's."""
    parts: dict[tuple[str, ...], int] = defaultdict(int)
    for street, _ in streets:
        parts[street_key(street)] += 1
    return [f"{street} ({part})" if part and parts[street_key(street)] > 1 else street for street, part in streets]


# --- kept ----------------------------------------------------------------------------------------------------------

_Version = tuple[int, int] | None
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
