"""Pictures for tests, small or large, that every decoder opens."""

from __future__ import annotations

import io
import struct
import zlib

from PIL import Image


def a_kept_png() -> bytes:
    """A grey PNG as Tocsin draws it: kept, it stays as it is."""
    file = io.BytesIO()
    Image.new("L", (2, 2), 128).save(file, "PNG")
    return file.getvalue()


def a_png(width: int = 2, height: int = 2, *, level: int = 0) -> bytes:
    """A grey PNG; with level 0 it has about as many bytes as pixels."""
    rows = (b"\0" + b"\x80" * width) * height
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(rows, level)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, said) for kind, said in chunks)


def _chunk(kind: bytes, said: bytes) -> bytes:
    return struct.pack(">I", len(said)) + kind + said + struct.pack(">I", zlib.crc32(kind + said))
