"""A town's map with streets, made here: a PMTiles 3 file with one vector tile at each zoom (Protomaps' layers).

python -m tests.street_map FILE    # writes the file, to look at
"""

from __future__ import annotations

import gzip
import json
import math
import struct
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

Line = Sequence[tuple[float, float]]
"""Longitude and latitude."""
BOX = (5.685, 45.165, 5.76, 45.22)
FROM, TO = 10, 14
_EXTENT = 4096
_POINT, _LINE, _AREA = 1, 2, 3

_WEST, _SOUTH, _EAST, _NORTH = BOX
_RIVER = [(5.69, 45.185), (5.705, 45.189), (5.72, 45.186), (5.74, 45.192), (5.76, 45.19)]
STREETS: Mapping[str, tuple[str, Line]] = {
    "Avenue de la Gare": ("major_road", [(5.69, 45.196), (5.71, 45.1955), (5.73, 45.198), (5.76, 45.199)]),
    "Rue Haute": ("minor_road", [(5.705, 45.20), (5.713, 45.2002), (5.722, 45.1998)]),
    "Rue Basse": ("minor_road", [(5.705, 45.192), (5.715, 45.1922), (5.726, 45.1926)]),
    "Quai de la Vive": ("minor_road", [(5.70, 45.1895), (5.71, 45.1897), (5.722, 45.1883)]),
    "Rue du Pont": ("major_road", [(5.7135, 45.18), (5.7135, 45.19), (5.7138, 45.205)]),
    "Chemin des Vignes": ("path", [(5.73, 45.199), (5.735, 45.205), (5.745, 45.208)]),
}


def _area(west: float, south: float, east: float, north: float) -> Line:
    return [(west, south), (east, south), (east, north), (west, north), (west, south)]


Feature = tuple[int, Mapping[str, str], Line]
LAYERS: Mapping[str, Sequence[Feature]] = {
    "earth": [(_AREA, {"kind": "earth"}, _area(*BOX))],
    "landuse": [(_AREA, {"kind": "park"}, _area(5.716, 45.1935, 5.722, 45.1965))],
    "water": [(_AREA, {"kind": "river"}, [*_RIVER, *((x, y - 0.0015) for x, y in reversed(_RIVER)), _RIVER[0]])],
    "buildings": [
        (_AREA, {"kind": "building"}, _area(x, y, x + 0.0009, y + 0.0006))
        for x in (5.706, 5.708, 5.71, 5.715, 5.7172)
        for y in (45.193, 45.1942, 45.1985, 45.2008)
    ],
    "roads": [(_LINE, {"kind": kind, "name": name}, line) for name, (kind, line) in STREETS.items()],
    "places": [(_POINT, {"kind": "locality", "name": "Saint-Martin"}, [(5.7105, 45.1975)])],
}


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def _field(number: int, value: bytes | int) -> bytes:
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    return _varint(number << 3 | 2) + _varint(len(value)) + value


def _packed(numbers: Iterable[int]) -> bytes:
    return b"".join(map(_varint, numbers))


def _place(zoom: int, lon: float, lat: float) -> tuple[float, float]:
    """In tiles of this zoom (Web Mercator)."""
    turned = math.radians(lat)
    across, down = (lon + 180) / 360, (1 - math.asinh(math.tan(turned)) / math.pi) / 2
    return across * 2**zoom, down * 2**zoom


def _geometry(kind: int, line: Line, zoom: int, x: int, y: int) -> bytes:
    points = [
        (round((left - x) * _EXTENT), round((top - y) * _EXTENT))
        for left, top in (_place(zoom, lon, lat) for lon, lat in line)
    ]
    if kind == _AREA:
        points = points[:-1]
    steps, last = [], (0, 0)
    for point in points:
        steps += [(step << 1) ^ (step >> 63) for step in (point[0] - last[0], point[1] - last[1])]
        last = point
    said = [1 << 3 | 1, *steps[:2]]
    if kind != _POINT:
        said += [(len(points) - 1) << 3 | 2, *steps[2:]]
    return _packed([*said, 7] if kind == _AREA else said)


def _tile(zoom: int, x: int, y: int) -> bytes:
    return b"".join(_field(3, _layer(name, features, zoom, x, y)) for name, features in LAYERS.items())


def _layer(name: str, features: Sequence[Feature], zoom: int, x: int, y: int) -> bytes:
    keys, values, out = ["kind", "name"], [], b""
    for kind, told, line in features:
        tags: list[int] = []
        for key, value in told.items():
            if value not in values:
                values.append(value)
            tags += [keys.index(key), values.index(value)]
        out += _field(2, _field(2, _packed(tags)) + _field(3, kind) + _field(4, _geometry(kind, line, zoom, x, y)))
    words = b"".join(_field(3, key.encode()) for key in keys)
    words += b"".join(_field(4, _field(1, value.encode())) for value in values)
    return _field(15, 2) + _field(1, name.encode()) + out + words + _field(5, _EXTENT)


def _tile_id(zoom: int, x: int, y: int) -> int:
    found, side = (4**zoom - 1) // 3, 2**zoom // 2
    while side:
        right, down = int(x >= side), int(y >= side)
        found += side * side * ((3 * right) ^ down)
        x, y = x % side, y % side
        if not down:
            x, y = (side - 1 - y, side - 1 - x) if right else (y, x)
        side //= 2
    return found


def street_map(
    box: tuple[float, float, float, float] = BOX,
    attribution: str = "© OpenStreetMap",
    *,
    depth: int = 1,
    packed: bool = True,
    runs: bool = False,
) -> bytes:
    """The file; its header says that it goes as far as `box`.

    `depth`: how many directories of leaves stand between the root and a tile; `packed`: tiles and directories are
    gzip, else as they are; `runs`: all tiles are one, of water alone, that one entry of a directory stands for as far
    as their numbers follow one another.
    """
    tiles = []
    for zoom in range(FROM, TO + 1):
        left, top = map(int, _place(zoom, _WEST, _NORTH))
        right, bottom = map(int, _place(zoom, _EAST, _SOUTH))
        tiles += [
            (_tile_id(zoom, x, y), _water() if runs else _tile(zoom, x, y))
            for x in range(left, right + 1)
            for y in range(top, bottom + 1)
        ]
    pack = (lambda data: gzip.compress(data, mtime=0)) if packed else bytes
    entries, data = _laid([(number, pack(tile)) for number, tile in sorted(tiles)])
    root, leaves = _directories(entries, depth, pack)
    told = pack(json.dumps({"attribution": attribution}).encode())
    at = [127, 127 + len(root), 127 + len(root) + len(told), 127 + len(root) + len(told) + len(leaves)]
    lengths = [len(root), len(told), len(leaves), len(data)]
    places = [each for pair in zip(at, lengths, strict=True) for each in pair]
    corners = [round(each * 10_000_000) for each in box]
    how = 2 if packed else 1
    counts = (len(tiles), len(entries), len({offset for *_, offset in entries}))
    head = struct.pack("<7sB11Q6B4i", b"PMTiles", 3, *places, *counts, 1, how, how, 1, FROM, TO, *corners)
    return head + struct.pack("<B2i", TO, *corners[:2]) + root + told + leaves + data


_Entry = tuple[int, int, int, int]
"""Number, run, length, offset."""


def _laid(tiles: Sequence[tuple[int, bytes]]) -> tuple[list[_Entry], bytes]:
    """The entries of these tiles, and the tiles: the same bytes stand there once, and in a row they are one entry."""
    entries: list[_Entry] = []
    data, known = b"", dict[bytes, int]()
    for number, tile in tiles:
        offset = known.setdefault(tile, len(data))
        if offset == len(data):
            data += tile
        if entries and entries[-1][0] + entries[-1][1] == number and entries[-1][3] == offset:
            first, run, length, _ = entries.pop()
            entries.append((first, run + 1, length, offset))
        else:
            entries.append((number, 1, len(tile), offset))
    return entries, data


def _directories(entries: Sequence[_Entry], depth: int, pack: Callable[[bytes], bytes]) -> tuple[bytes, bytes]:
    """The root and the leaves: at each depth in two halves, so that a reader has to choose."""
    leaves = b""
    for _ in range(depth):
        half = max(len(entries) // 2, 1)
        above: list[_Entry] = []
        for part in filter(None, (entries[:half], entries[half:])):
            leaf = pack(_directory(part))
            above.append((part[0][0], 0, len(leaf), len(leaves)))
            leaves += leaf
        entries = above
    return pack(_directory(entries)), leaves


def _water() -> bytes:
    around = [(-64, -64), (_EXTENT + 64, -64), (_EXTENT + 64, _EXTENT + 64), (-64, _EXTENT + 64)]
    steps, last = [], (0, 0)
    for point in around:
        steps += [(step << 1) ^ (step >> 63) for step in (point[0] - last[0], point[1] - last[1])]
        last = point
    drawn = _packed([1 << 3 | 1, *steps[:2], 3 << 3 | 2, *steps[2:], 7])
    lake = _field(2, _field(2, _packed([0, 0])) + _field(3, _AREA) + _field(4, drawn))
    words = _field(3, b"kind") + _field(4, _field(1, b"lake"))
    return _field(3, _field(15, 2) + _field(1, b"water") + lake + words + _field(5, _EXTENT))


def _directory(entries: Sequence[_Entry]) -> bytes:
    before, deltas = 0, []
    for number, *_ in entries:
        deltas.append(number - before)
        before = number
    ends = [0, *(offset + length for _, _, length, offset in entries)]
    # Nothing stands for: right behind the one before.
    offsets = [
        0 if place and offset == end else offset + 1
        for place, ((*_, offset), end) in enumerate(zip(entries, ends, strict=False))
    ]
    columns = (deltas, [run for _, run, *_ in entries], [length for _, _, length, _ in entries], offsets)
    return _varint(len(entries)) + b"".join(map(_packed, columns))


if __name__ == "__main__":
    Path(sys.argv[1]).write_bytes(street_map())
