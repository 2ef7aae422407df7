"""Officers' pictures without all that a camera wrote beside the pixels; drawn anew in a process of its own."""

from __future__ import annotations

import io

from PIL import ImageOps
from PIL.Image import Image
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile

from alerts.apart.parser import parser
from alerts.apart.pool import OFFICERS
from alerts.model.bounds import NARROWEST, is_misshapen
from alerts.model.errors import Misuse
from alerts.model.reason import because

# The files' first bytes.
_JPEG, _PNG = b"\xff\xd8", b"\x89PNG\r\n\x1a\n"
LARGEST = 64_000_000
"""Pixels that a picture may have: few telephones make more, and opening it takes three bytes for each."""
QUALITY = 92
"""The quality of a rotated JPEG; any other is drawn with its own tables, so that no visible detail is lost."""
# EXIF's tag of the orientation.
_ORIENTATION = 0x0112


@parser("picture", seconds=30, memory=1024, refuses=Misuse, pool=OFFICERS)
def bare(data: bytes) -> bytes:
    """Return the picture without EXIF, XMP, IPTC, comments, further pictures and all other content of its file.

    A picture that only its EXIF turns upright is rotated, since that tag is dropped too. Raises Misuse if it is no JPEG
    or PNG picture that can be opened, or has too many pixels.
    """
    if not data.startswith((_JPEG, _PNG)):
        raise Misuse(because("picture_of_no_kind"))
    kind, file = "PNG" if data.startswith(_PNG) else "JPEG", io.BytesIO()
    try:
        # The plug-ins themselves: `Image.open` would take a JPEG with an index of more pictures for another format.
        with (PngImageFile if kind == "PNG" else JpegImageFile)(io.BytesIO(data)) as picture:
            # The size is in the first bytes: it is read before any memory is taken for the pixels.
            _must_be_openable(*picture.size)
            profile, lies = picture.info.get("icc_profile"), _lies(picture)
            drawn = ImageOps.exif_transpose(picture) if lies else picture
            # JPEG's own tables belong to the file that was opened, and not to a copy that was turned.
            # Everything that Pillow would copy from the opened file by itself is set to empty.
            more = {"quality": QUALITY if lies else "keep", "comment": b""} if kind == "JPEG" else {}
            drawn.save(file, kind, icc_profile=profile, exif=b"", **more)
    except Misuse:
        raise
    except Exception:  # noqa: BLE001 a decoder stumbles over broken files in its own ways; none of them is kept
        raise Misuse(because("picture_broken")) from None
    return file.getvalue()


def _must_be_openable(width: int, height: int) -> None:
    if width * height > LARGEST:
        raise Misuse(because("picture_of_many_pixels", width=width, height=height, most=LARGEST // 1_000_000))
    if is_misshapen(width, height):
        raise Misuse(because("picture_misshapen", width=width, height=height, times=NARROWEST))


def _lies(picture: Image) -> bool:
    """True if its EXIF rotates the picture; unreadable EXIF rotates nothing."""
    try:
        return bool(picture.getexif().get(_ORIENTATION, 1) != 1)
    except Exception:  # noqa: BLE001 a decoder stumbles over broken files in its own ways
        return False
