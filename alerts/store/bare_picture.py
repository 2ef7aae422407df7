"""A picture without what the camera wrote into it: where the officer stood is nothing to publish.

JPEG and PNG are walked piece by piece (ITU-T T.81 annex B, PNG 1.2 section 3), so that the picture itself stays the
same to the bit; only pieces that are known to make the picture are kept, and nothing behind its end. What can't be
walked to its end is drawn anew from what a decoder sees, and what no decoder opens is refused: nothing is kept unseen.
"""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from alerts.model.errors import Misuse
from alerts.model.reason import because

LARGEST = 64_000_000
"""Pixels that a picture may have: few telephones make more, and to open it takes three bytes for each."""
QUALITY = 92
"""What a JPEG is drawn anew with."""

_JPEG, _JPEG_END = b"\xff\xd8", b"\xff\xd9"
_PNG = b"\x89PNG\r\n\x1a\n"
_JFIF, _EXIF, _PROFILE, _ADOBE, _SCAN, _END = 0xE0, 0xE1, 0xE2, 0xEE, 0xDA, 0xD9
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_MAKES = _FRAMES | {0xC4, 0xCC} | frozenset(range(0xDA, 0xE0))
"""Frames, tables and scans: without them there is no picture."""
_ALONE = frozenset((0x00, 0x01, *range(0xD0, 0xD9)))
"""Markers without a length (B.1.1.3); none of them stands between segments."""
_SCAN_END = re.compile(rb"\xff+[^\x00\xff\xd0-\xd7]")
"""The next marker: neither the zero that is stuffed after FF nor a restart (B.1.1.5, F.1.2.3)."""
_COLOURS = (b"tRNS", b"cHRM", b"gAMA", b"iCCP", b"sBIT", b"sRGB", b"cICP", b"mDCV", b"cLLI", b"bKGD", b"pHYs")
_CHUNKS = frozenset((b"IHDR", b"PLTE", b"IDAT", b"IEND", *_COLOURS))


class _OddError(Exception):
    """The file isn't built as it should be."""


@dataclass(frozen=True, slots=True)
class _Piece:
    """A segment of a JPEG: its marker, what it says, and the scan that follows it."""

    marker: int
    said: bytes
    scan: bytes = b""

    def written(self) -> bytes:
        return struct.pack(">BBH", 0xFF, self.marker, len(self.said) + 2) + self.said + self.scan


def bare(data: bytes) -> bytes:
    """The picture without EXIF, XMP, IPTC, comments, further pictures and whatever else stands in its file.

    One that lies on its side by a word of its EXIF alone is turned, since that word goes too. Raises Misuse for what
    is no JPEG or PNG picture that can be opened, and for one of too many pixels.
    """
    if not data.startswith((_JPEG, _PNG)):
        raise Misuse(because("picture_of_no_kind"))
    try:
        return _bare_png(data) if data.startswith(_PNG) else _bare_jpeg(data)
    except (_OddError, struct.error, IndexError):
        return _drawn(data)


def _bare_jpeg(data: bytes) -> bytes:
    pieces = list(_pieces(data))
    frames = [piece.said for piece in pieces if piece.marker in _FRAMES]
    if not frames or not any(piece.scan for piece in pieces):
        raise _OddError
    for said in frames:
        height, width = struct.unpack_from(">HH", said, 1)
        _must_be_openable(width, height)
    if any(piece.marker == _EXIF for piece in pieces) and _lies(data):
        return _drawn(data)
    return _JPEG + b"".join(_kept(piece) for piece in pieces) + _JPEG_END


def _pieces(data: bytes) -> Iterator[_Piece]:
    """Each segment to the end of the first picture. Raises _OddError where something else stands in its way."""
    place = len(_JPEG)
    while True:
        start = place
        while data[place] == 0xFF:
            place += 1
        marker = data[place]
        if place == start or marker in _ALONE:
            raise _OddError
        if marker == _END:
            return
        (length,) = struct.unpack_from(">H", data, place + 1)
        said, place = data[place + 3 : place + 1 + length], place + 1 + length
        if length < 2 or place >= len(data):
            raise _OddError
        end = _end_of_scan(data, place) if marker == _SCAN else place
        yield _Piece(marker, said, data[place:end])
        place = end


def _end_of_scan(data: bytes, place: int) -> int:
    found = _SCAN_END.search(data, place)
    if found is None:
        raise _OddError
    return found.start()


def _kept(piece: _Piece) -> bytes:
    """The piece as it stays; of JFIF and Adobe what shape and colours need, without a thumbnail."""
    if piece.marker in _MAKES or (piece.marker == _PROFILE and piece.said.startswith(b"ICC_PROFILE\0")):
        return piece.written()
    if piece.marker == _JFIF and piece.said.startswith(b"JFIF\0"):
        return _Piece(_JFIF, piece.said[:12] + b"\0\0").written()
    if piece.marker == _ADOBE and piece.said.startswith(b"Adobe"):
        return _Piece(_ADOBE, piece.said[:12]).written()
    return b""


def _bare_png(data: bytes) -> bytes:
    chunks = list(_chunks(data))
    kinds = [chunk[4:8] for chunk in chunks]
    if kinds[0] != b"IHDR" or b"IDAT" not in kinds:
        raise _OddError
    _must_be_openable(*struct.unpack_from(">II", chunks[0], 8))
    return _PNG + b"".join(chunk for chunk, kind in zip(chunks, kinds, strict=True) if kind in _CHUNKS)


def _chunks(data: bytes) -> Iterator[bytes]:
    """Each chunk to the end of the picture. Raises _OddError where the file ends before."""
    place, kind = len(_PNG), b""
    while kind != b"IEND":
        (length,) = struct.unpack_from(">I", data, place)
        chunk = data[place : place + 12 + length]
        if len(chunk) < 12 + length:
            raise _OddError
        yield chunk
        place, kind = place + len(chunk), chunk[4:8]


def _must_be_openable(width: int, height: int) -> None:
    if width * height > LARGEST:
        raise Misuse(because("picture_of_many_pixels", width=width, height=height, most=LARGEST // 1_000_000))


def _lies(data: bytes) -> bool:
    """Whether its EXIF turns the picture; what no decoder reads turns nothing."""
    from PIL import Image  # noqa: PLC0415 few pictures need it

    try:
        with Image.open(io.BytesIO(data), formats=("JPEG",)) as picture:
            return bool(picture.getexif().get(0x0112, 1) != 1)
    except Exception:  # noqa: BLE001 a decoder stumbles over broken files in its own ways
        return False


def _drawn(data: bytes) -> bytes:
    """The picture drawn anew, upright, from what a decoder sees. Raises Misuse where that is nothing."""
    from PIL import Image, ImageOps  # noqa: PLC0415

    kind = "PNG" if data.startswith(_PNG) else "JPEG"
    try:
        with Image.open(io.BytesIO(data), formats=(kind,)) as picture:
            _must_be_openable(*picture.size)
            upright, profile, file = ImageOps.exif_transpose(picture), picture.info.get("icc_profile"), io.BytesIO()
        more = {"quality": QUALITY, "comment": b""} if kind == "JPEG" else {}
        upright.save(file, kind, icc_profile=profile, exif=b"", **more)
    except Misuse:
        raise
    except Exception:  # noqa: BLE001 a decoder stumbles over broken files in its own ways; none of them is kept
        raise Misuse(because("picture_broken")) from None
    return _bare_png(file.getvalue()) if kind == "PNG" else _bare_jpeg(file.getvalue())
