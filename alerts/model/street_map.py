"""The town's own map with streets: a file of OpenStreetMap data in PMTiles 3 (github.com/protomaps/PMTiles, spec/v3).

Browsers read it, by ranges. Here its header alone is looked at, 127 bytes of fixed places, when an administrator asks
whether it will do; and of its metadata whose data it is.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import BinaryIO

from alerts.model.errors import Unreadable
from alerts.model.reason import because

STREET_MAP = "/streets.pmtiles"
"""Where browsers get it."""
LARGEST = 500_000_000
"""Bytes above which a map is more than a town's: each opening of a page gets a small part, but copies take it whole."""
_HEADER = struct.Struct("<7sB11Q6B4i")
_METADATA = 4_000_000
_VECTORS, _PLAIN, _GZIP = 1, 1, 2


@dataclass(frozen=True, slots=True)
class StreetMap:
    """What its header tells: `box` is west, south, east, north in degrees, `zoom` how near its last tiles are.

    `is_osm` says that its metadata names OpenStreetMap, to which every map made of its data owes that.
    """

    size: int
    box: tuple[float, float, float, float]
    zoom: int
    is_osm: bool

    def covers(self, west: float, south: float, east: float, north: float) -> bool:
        """Whether all of that lies in it."""
        return self.box[0] <= west and self.box[1] <= south and east <= self.box[2] and north <= self.box[3]


def read_street_map(file: BinaryIO) -> StreetMap:
    """What the file is. Raises Unreadable for what no browser could draw: another format, or pictures for tiles."""
    head = file.read(_HEADER.size)
    if len(head) < _HEADER.size:
        raise Unreadable(because("map_no_pmtiles"))
    magic, version, *rest = _HEADER.unpack(head)
    lengths, small, corners = rest[:11], rest[11:17], rest[17:]
    _, inside, tiles, kind, _, zoom = small
    if magic != b"PMTiles" or version != 3 or kind != _VECTORS or not {inside, tiles} <= {_PLAIN, _GZIP}:
        raise Unreadable(because("map_no_pmtiles"))
    west, south, east, north = (each / 10_000_000 for each in corners)
    told = _metadata(file, *lengths[2:4], is_packed=inside == _GZIP)
    size = file.seek(0, 2)
    return StreetMap(size, (west, south, east, north), zoom, b"openstreetmap" in told.lower())


def _metadata(file: BinaryIO, at: int, length: int, *, is_packed: bool) -> bytes:
    """The metadata as it stands there, as far as it is of a usual size; nothing of what can't be read."""
    if length > _METADATA or at > LARGEST * 1000:
        return b""
    file.seek(at)
    raw = file.read(length)
    try:
        return zlib.decompressobj(wbits=31).decompress(raw, _METADATA) if is_packed else raw
    except zlib.error:
        return b""
