"""Citizens' photos: each is drawn again, so that nothing of its file is stored but the visible picture.

A stranger's file is checked before any decoder gets it: its kind by its first bytes, its size in pixels from its
header, the number of its parts. A file that would take much memory or time is refused. Of a JPEG or PNG the decoder
gets the parts that make its picture, but no others and nothing behind its end. Then the first picture is decoded, made
smaller, put on white where it is transparent, turned upright, and copied pixel by pixel into a picture that never had a
file. That one is written as a JPEG: no place, device, time, words or profile.

The place that a camera wrote into a photo is never read: the reporter gives the place.

All of it is computing over a stranger's bytes, and is done in a process of its own (`alerts.apart`).
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from alerts.apart.parser import parser
from alerts.model.bounds import NARROWEST, is_misshapen
from alerts.model.errors import Misuse
from alerts.model.reason import because

if TYPE_CHECKING:
    from PIL.Image import Image as Picture
    from PIL.ImageFile import ImageFile

LARGEST_FILE = 10_000_000
"""Bytes that a photo may have when it is sent."""
LARGEST_JPEG, LARGEST_OTHER = 25_000_000, 13_000_000
"""Pixels that it may have: what telephones take by themselves. A JPEG is made smaller while it is decoded."""
SIDE = 1600
"""Pixels of the longer side of what is kept, at the most."""
LARGEST_KEPT = 1_000_000
"""Bytes of what is kept, at the most."""
# The first quality that makes it small enough is taken: only what looks like noise needs the last one.
_QUALITIES = (80, 65, 45, 20)
Box = tuple[float, float, float, float]
"""Left, top, right and bottom, each as a share of the picture's width or height, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Photo:
    """A photo as it is kept, and what another one of the same thing is known by (`same_photo`)."""

    jpeg: bytes
    width: int
    height: int
    likeness: str


@parser("photo", seconds=5, refuses=Misuse)
def reencoded(data: bytes) -> Photo:
    """The photo in that file, drawn anew. Raises Misuse where it is too large, of another format or broken."""
    if len(data) > LARGEST_FILE:
        raise Misuse(because("photo_too_large", size=round(len(data) / 1e6, 1), most=LARGEST_FILE // 1_000_000))
    kind = next((kind for kind, begins in _KINDS.items() if begins.match(data)), None)
    if kind is None:
        raise Misuse(because("photo_of_no_kind"))
    try:
        known = _READERS[kind](data)
        _must_be_small_enough(kind, *known.size)
        drawn = _drawn(kind, known)
        return Photo(_as_jpeg(drawn), *drawn.size, _likeness(drawn))
    except Misuse:
        raise
    except Exception:  # noqa: BLE001 a decoder stumbles over broken files in its own ways; none of them is kept
        raise Misuse(because("photo_broken")) from None


def _must_be_small_enough(kind: str, width: int, height: int) -> None:
    most = LARGEST_JPEG if kind == "JPEG" else LARGEST_OTHER
    if width * height > most:
        raise Misuse(because("photo_many_pixels", width=width, height=height, most=most // 1_000_000))
    if is_misshapen(width, height):
        raise Misuse(because("photo_misshapen", width=width, height=height, times=NARROWEST))


# --- before it is decoded ------------------------------------------------------------------------------------------

_KINDS: Mapping[str, re.Pattern[bytes]] = {
    "JPEG": re.compile(rb"\xff\xd8\xff"),
    "PNG": re.compile(rb"\x89PNG\r\n\x1a\n....IHDR", re.DOTALL),
    "WEBP": re.compile(rb"RIFF....WEBPVP8[ LX]", re.DOTALL),
}
# The parts of a file that are looked at: cameras write dozens, and each costs a moment.
_MOST_PARTS = 2000
# A progressive JPEG is decoded once over for each of its scans, and an empty one takes a few bytes: cameras write ten.
_MOST_SCANS = 40
# Bytes FF and what stands behind them, which is always found: a run of a million is gone through once.
_BEHIND_FF = re.compile(rb"\xff++([^\xff]|\Z)", re.DOTALL)
# Within a scan, FF 00 is a byte of it and FF D0 to FF D7 its own marks: the next marker ends it.
_NO_MARKER = frozenset({b"", b"\0", *(bytes([each]) for each in range(0xD0, 0xD8))})
# JPEG's markers: the start-of-frame segments, which hold the size.
_SIZES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
# JPEG's markers of the image data and of the file's end.
_SCAN, _END = 0xDA, 0xD9


# JPEG's markers of application segments: Adobe's decides on colours, EXIF's on the orientation.
_ADOBE, _EXIF = 0xEE, 0xE1


@dataclass(frozen=True, slots=True)
class _ImageFacts:
    """The facts of a file before decoding: width and height, the bytes for the decoder, and its EXIF."""

    size: tuple[int, int]
    file: bytes
    exif: bytes = b""


def _jpeg(data: bytes) -> _ImageFacts:
    """Its tables, frame and scans, and how its colours are written; nothing that is behind its end."""
    kept, scans, size, exif = [data[:2]], 0, (0, 0), b""
    found = _next_marker(data, 2)
    for _ in range(_MOST_PARTS):
        if found is None:
            break
        marker, at = found[1][0], found.end()
        if marker == _END:
            return _ImageFacts(size, b"".join([*kept, b"\xff\xd9"]), exif)
        end = at + int.from_bytes(data[at : at + 2])
        found = _next_marker(data, end)
        if marker in _SIZES:
            size = (int.from_bytes(data[at + 5 : at + 7]), int.from_bytes(data[at + 3 : at + 5]))
        if marker == _SCAN:
            scans, end = scans + 1, found.start() if found else end
        if marker == _EXIF and data.startswith(b"Exif\0\0", at + 2):
            exif = data[at + 8 : end]
        elif marker < 0xE0 or marker == _ADOBE:  # else it is an application's, or a comment
            kept.append(data[at - 2 : end])
        if scans > _MOST_SCANS:
            break
    raise Misuse(because("photo_broken"))


def _next_marker(data: bytes, at: int) -> re.Match[bytes] | None:
    return next((found for found in _BEHIND_FF.finditer(data, at) if found[1] not in _NO_MARKER), None)


_SHOWN = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"})
"""The chunks of a PNG that say what is to be seen."""


def _png(data: bytes) -> _ImageFacts:
    """Its head, palette and pixels: texts, profiles and further pictures of an animation stay out."""
    kept, exif, at = [data[:8]], b"", 8
    for _ in range(_MOST_PARTS):
        kind, end = data[at + 4 : at + 8], at + 12 + int.from_bytes(data[at : at + 4])
        if kind in _SHOWN:
            kept.append(data[at:end])
        if kind == b"eXIf":
            exif = data[at + 8 : end - 4]
        if kind == b"IEND" or end > len(data):
            break
        at = end
    return _ImageFacts((int.from_bytes(data[16:20]), int.from_bytes(data[20:24])), b"".join(kept), exif)


def _webp(data: bytes) -> _ImageFacts:
    """Up to its end; the size as each of the three kinds of WebP writes it (RFC 9649)."""
    file = data[: 8 + int.from_bytes(data[4:8], "little")]
    kind, body = file[12:16], file[20:30].ljust(10, b"\0")
    if kind == b"VP8X":
        size = (1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little"))
    elif kind == b"VP8L":
        bits = int.from_bytes(body[1:5], "little")
        size = (1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF))
    else:
        size = (int.from_bytes(body[6:8], "little") & 0x3FFF, int.from_bytes(body[8:10], "little") & 0x3FFF)
    return _ImageFacts(size, file, _exif_of_webp(file))


def _exif_of_webp(file: bytes) -> bytes:
    at = 12
    for _ in range(_MOST_PARTS):
        end = at + 8 + int.from_bytes(file[at + 4 : at + 8], "little")
        if at >= len(file):
            break
        if file[at : at + 4] == b"EXIF":
            return file[at + 8 : end].removeprefix(b"Exif\0\0")
        at = end + (end & 1)  # a chunk begins at an even byte
    return b""


_READERS: Mapping[str, Callable[[bytes], _ImageFacts]] = {"JPEG": _jpeg, "PNG": _png, "WEBP": _webp}
# EXIF's tag of the orientation.
_ORIENTATION = 0x0112


def _orientation(exif: bytes) -> int:
    """Which way up it is held, 1 to 8, from the first table of its EXIF; nothing else of that is read. Else 1."""
    order: Literal["little", "big"] = "little" if exif.startswith(b"II") else "big"
    first = int.from_bytes(exif[4:8], order)
    entries = int.from_bytes(exif[first : first + 2], order)
    for at in range(first + 2, first + 2 + 12 * min(entries, _MOST_PARTS), 12):
        if int.from_bytes(exif[at : at + 2], order) == _ORIENTATION:
            return int.from_bytes(exif[at + 8 : at + 10], order)
    return 1


# --- drawn anew ----------------------------------------------------------------------------------------------------


def _drawn(kind: str, known: _ImageFacts) -> Picture:
    # Only who gets a photo pays for Pillow.
    from PIL.JpegImagePlugin import JpegImageFile  # noqa: PLC0415
    from PIL.PngImagePlugin import PngImageFile  # noqa: PLC0415
    from PIL.WebPImagePlugin import WebPImageFile  # noqa: PLC0415

    # The plug-ins themselves: `Image.open` tries its formats one by one, and takes a JPEG that names further pictures
    # for a format of its own. Its warning of many pixels isn't needed: they were counted above.
    plugins: Mapping[str, Callable[[io.BytesIO], ImageFile]] = {
        "JPEG": JpegImageFile,
        "PNG": PngImageFile,
        "WEBP": WebPImageFile,
    }
    with plugins[kind](io.BytesIO(known.file)) as opened:
        if opened.size != known.size:
            raise Misuse(because("photo_broken"))
        opened.draft(None, (SIDE, SIDE))
        return _copied(_upright(_on_white(_smaller(opened)), _orientation(known.exif)))


def _copied(picture: Picture) -> Picture:
    """A picture of its own: what the decoder remembered of the file (comment, profile, EXIF) belongs to the other."""
    from PIL import Image  # noqa: PLC0415

    return Image.frombytes("RGB", picture.size, picture.tobytes())


def _upright(picture: Picture, orientation: int) -> Picture:
    from PIL.Image import Transpose  # noqa: PLC0415

    ways = {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }
    return picture.transpose(ways[orientation]) if orientation in ways else picture


def _smaller(picture: Picture) -> Picture:
    """At most `SIDE` long, before anything else takes memory for it; not from a palette, whose colours don't mix."""
    if picture.mode.startswith("I"):  # 16 bits of grey, of which eight are to be seen
        picture = picture.point(lambda grey: grey / 256).convert("L")
    elif picture.mode in ("1", "P"):
        picture = picture.convert("RGBA" if picture.has_transparency_data else "RGB")
    share = min(1.0, SIDE / max(picture.size))
    return picture.resize((max(1, round(picture.width * share)), max(1, round(picture.height * share))))


def _on_white(picture: Picture) -> Picture:
    """In red, green and blue, on white where something shines through."""
    from PIL import Image  # noqa: PLC0415

    if not picture.has_transparency_data:
        return picture.convert("RGB")
    clear = picture.convert("RGBA")
    white = Image.new("RGB", clear.size, "white")
    white.paste(clear, mask=clear.getchannel("A"))
    return white


def _as_jpeg(picture: Picture) -> bytes:
    for quality in _QUALITIES:
        file = io.BytesIO()
        picture.save(file, "JPEG", quality=quality)
        if file.tell() <= LARGEST_KEPT:
            return file.getvalue()
    raise Misuse(because("photo_broken"))


# --- the same thing once more --------------------------------------------------------------------------------------

# Of 64: two photos of one thing, made smaller or written anew on the way, differ in fewer.
_NEAR = 6
# A wall or the night has next to no edge: all such pictures would be the same one.
_PLAIN = 4


def _likeness(picture: Picture) -> str:
    """64 bits as hexadecimal digits: whether each of 8 × 8 fields is darker than the one right of it (a dHash)."""
    from PIL.Image import Resampling  # noqa: PLC0415

    fields = picture.convert("L").resize((9, 8), Resampling.BOX).tobytes()
    bits = (fields[9 * row + column] < fields[9 * row + column + 1] for row in range(8) for column in range(8))
    return f"{sum(bit << place for place, bit in enumerate(bits)):016x}"


def same_photo(one: str, other: str) -> bool:
    """True if two fingerprints are of one photo, even if one is smaller or darker; never for plain ones."""
    first, second = int(one, 16), int(other, 16)
    is_plain = min(first.bit_count(), second.bit_count()) < _PLAIN or max(first.bit_count(), second.bit_count()) > (
        64 - _PLAIN
    )
    return not is_plain and (first ^ second).bit_count() <= _NEAR


# --- what nobody is to see -----------------------------------------------------------------------------------------

# Fields across a box, and steps of a colour: too few for a face or a number plate to be guessed back from them.
_FIELDS, _STEPS = 4, 32
# A JPEG's block in both directions: beside an edge, it holds traces of what is on the other side.
_BLOCK = 16


def size_of(jpeg: bytes) -> tuple[int, int] | None:
    """How wide and high a kept photo is, for the room that a page leaves for it; None where it can't be read."""
    from PIL.JpegImagePlugin import JpegImageFile  # noqa: PLC0415

    try:
        with JpegImageFile(io.BytesIO(jpeg)) as opened:
            return opened.size
    except Exception:  # noqa: BLE001 a decoder stumbles over broken files in its own ways
        return None


def blurred(jpeg: bytes, boxes: Sequence[Box]) -> bytes:
    """A kept photo with the boxes made unrecognisable for good: a few fields of rough colour each.

    A box is widened to whole blocks of the JPEG, and to what it covers of the picture. Raises Misuse for a box that
    covers nothing, and for what is no kept photo.
    """
    from PIL.JpegImagePlugin import JpegImageFile  # noqa: PLC0415

    try:
        with JpegImageFile(io.BytesIO(jpeg)) as opened:
            picture = _copied(opened.convert("RGB"))
    except Exception:  # noqa: BLE001 a decoder stumbles over broken files in its own ways
        raise Misuse(because("photo_broken")) from None
    for box in boxes:
        _hide(picture, _pixels(box, *picture.size))
    return _as_jpeg(picture)


def _hide(picture: Picture, area: tuple[int, int, int, int]) -> None:
    from PIL.Image import Resampling  # noqa: PLC0415

    part = picture.crop(area)
    share = _FIELDS / max(part.size)
    fields = part.resize((max(1, round(part.width * share)), max(1, round(part.height * share))), Resampling.BOX)
    rough = fields.point(lambda value: value // _STEPS * _STEPS + _STEPS // 2)
    picture.paste(rough.resize(part.size, Resampling.NEAREST), area)


def _pixels(box: Box, width: int, height: int) -> tuple[int, int, int, int]:
    left, top, right, bottom = (min(max(share, 0.0), 1.0) for share in box)
    if not (left < right and top < bottom):  # also what is no number
        raise Misuse(because("photo_box"))
    return (
        int(left * width) // _BLOCK * _BLOCK,
        int(top * height) // _BLOCK * _BLOCK,
        min(width, -(-int(right * width + 1) // _BLOCK) * _BLOCK),
        min(height, -(-int(bottom * height + 1) // _BLOCK) * _BLOCK),
    )
