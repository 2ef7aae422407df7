"""A picture without what the camera wrote into it: where the officer stood is nothing to publish.

JPEG and PNG are walked segment by segment (ITU-T T.81 B.1.1, PNG 1.2 section 3), so that the picture itself stays the
same to the bit. One that lies on its side by a word of its EXIF alone is turned, since that word goes too.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator

_JPEG, _PNG = b"\xff\xd8", b"\x89PNG\r\n\x1a\n"
_SCAN, _END = 0xDA, 0xD9
_EXIF, _PROFILE, _ADOBE, _COMMENT = 0xE1, 0xE2, 0xEE, 0xFE
_APPLICATION = range(0xE1, 0xF0)
_STAYS = (_PROFILE, _ADOBE)
"""The colours need these."""
_SAYS = (b"tEXt", b"zTXt", b"iTXt", b"eXIf", b"tIME")
"""What a PNG may tell beside its picture."""


def bare(data: bytes) -> bytes:
    """The picture without EXIF, XMP, IPTC and comments; what is neither JPEG nor PNG, or broken, as it is."""
    try:
        if data.startswith(_JPEG):
            return _bare_jpeg(data)
        return _PNG + b"".join(_chunks(data)) if data.startswith(_PNG) else data
    except (struct.error, IndexError):
        return data


def _bare_jpeg(data: bytes) -> bytes:
    segments = list(_segments(data))
    if any(marker == _EXIF for marker, _ in segments) and (turned := _turned(data)):
        return turned
    kept = (segment for marker, segment in segments if not _is_talk(marker))
    return _JPEG + b"".join(kept)


def _is_talk(marker: int) -> bool:
    return marker == _COMMENT or (marker in _APPLICATION and marker not in _STAYS)


def _segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Each marker with its segment; the scan is one with all that follows."""
    place = len(_JPEG)
    while place < len(data):
        marker = data[place + 1]
        if marker in (_SCAN, _END):
            yield marker, data[place:]
            return
        (length,) = struct.unpack(">H", data[place + 2 : place + 4])
        yield marker, data[place : place + 2 + length]
        place += 2 + length


def _turned(data: bytes) -> bytes | None:
    """The picture turned as its EXIF says; None where it stands upright."""
    from PIL import Image, ImageOps, UnidentifiedImageError  # noqa: PLC0415 few pictures need it

    try:
        with Image.open(io.BytesIO(data)) as picture:
            if picture.getexif().get(0x0112, 1) == 1:
                return None
            upright = ImageOps.exif_transpose(picture)
            file = io.BytesIO()
            upright.save(file, "JPEG", quality=92, icc_profile=picture.info.get("icc_profile"), exif=b"")
            return file.getvalue()
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None


def _chunks(data: bytes) -> Iterator[bytes]:
    place = len(_PNG)
    while place < len(data):
        (length,) = struct.unpack(">I", data[place : place + 4])
        chunk = data[place : place + 12 + length]
        if chunk[4:8] not in _SAYS:
            yield chunk
        place += 12 + length
