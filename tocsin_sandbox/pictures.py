"""What a picture's first bytes say: its type and its size in pixels. PNG, JPEG, GIF and WebP."""

from __future__ import annotations

import struct
from dataclasses import dataclass

_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture's MIME type and its size in pixels; 0 where the header doesn't tell."""

    kind: str
    width: int
    height: int


def look_at(content: bytes) -> Picture | None:
    """What kind of picture these bytes are; None when they aren't one that the platforms take."""
    if content.startswith(b"\x89PNG\r\n\x1a\n") and len(content) >= 24:
        return Picture("image/png", *struct.unpack(">II", content[16:24]))
    if content.startswith((b"GIF87a", b"GIF89a")) and len(content) >= 10:
        return Picture("image/gif", *struct.unpack("<HH", content[6:10]))
    if content.startswith(b"\xff\xd8\xff"):
        return Picture("image/jpeg", *_measure_jpeg(content))
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return Picture("image/webp", 0, 0)
    return None


def _measure_jpeg(content: bytes) -> tuple[int, int]:
    """Width and height from the start-of-frame segment (ITU-T T.81, B.2.2)."""
    at = 2
    while at + 9 <= len(content) and content[at] == 0xFF:
        marker, length = content[at + 1], int.from_bytes(content[at + 2 : at + 4], "big")
        if marker in _JPEG_FRAMES:
            height, width = struct.unpack(">HH", content[at + 5 : at + 9])
            return width, height
        at += 2 + length
    return 0, 0
