"""The town's own map with streets: a file of OpenStreetMap data in PMTiles 3 (github.com/protomaps/PMTiles, spec/v3).

Browsers read it, by ranges. This module reads only its header, 127 bytes at fixed places, when an administrator checks
the file, and the owner of the data from its metadata.
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
# The fixed header of PMTiles 3 (spec, "Header"), little-endian.
_HEADER = struct.Struct("<7sB11Q6B4i")
# Bytes of metadata that are read.
_METADATA = 4_000_000
# The spec's codes: vector tiles, no compression, gzip.
_VECTORS, _PLAIN, _GZIP = 1, 1, 2


@dataclass(frozen=True, slots=True)
class StreetMap:
    """The header's content: `box` is west, south, east, north in degrees, `zoom` the level of its last tiles.

    `is_osm` says that its metadata names OpenStreetMap, which every map made of its data must credit.
    """

    size: int
    box: tuple[float, float, float, float]
    zoom: int
    is_osm: bool

    def covers(self, west: float, south: float, east: float, north: float) -> bool:
        """True if the whole box lies in the map."""
        return self.box[0] <= west and self.box[1] <= south and east <= self.box[2] and north <= self.box[3]


def read_street_map(file: BinaryIO) -> StreetMap:
    """Read the header of a map. Raises Unreadable if no browser could draw it: another format, or raster tiles."""
    head = file.read(_HEADER.size)
    if len(head) < _HEADER.size:
        raise Unreadable(because("map_no_pmtiles"))
    magic, version, *rest = _HEADER.unpack(head)
    lengths, small, corners = rest[:11], rest[11:17], rest[17:]
    _, inside, tiles, kind, _, zoom = small
    if magic != b"PMTiles" or version != 3 or kind != _VECTORS or not {inside, tiles} <= {_PLAIN, _GZIP}:
        raise Unreadable(because("map_no_pmtiles"))
    west, south, east, north = (each / 10_000_000 for each in corners)
    metadata = _metadata(file, *lengths[2:4], is_packed=inside == _GZIP)
    size = file.seek(0, 2)
    return StreetMap(size, (west, south, east, north), zoom, b"openstreetmap" in metadata.lower())


def _metadata(file: BinaryIO, at: int, length: int, *, is_packed: bool) -> bytes:
    """Return the metadata, up to the usual size; empty if it can't be read."""
    if length > _METADATA or at > LARGEST * 1000:
        return b""
    file.seek(at)
    raw = file.read(length)
    try:
        return zlib.decompressobj(wbits=31).decompress(raw, _METADATA) if is_packed else raw
    except zlib.error:
        return b""
