"""The protocol between the two processes: plain values and bytes, each message bounded, and nothing in it ever run.

A message is three lengths (4 bytes each, big-endian) and as many parts: the sizes of all bytes in it, as JSON; the
values, as JSON; these bytes. `{"bytes": n}` refers to the bytes of number n: a picture isn't spelled out as text. The
child has read a stranger's bytes and may be under their control: its answers are read by the expected types
(`alerts.model.plain`), like any stranger's data.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from alerts.model.plain import plain

# The lengths of the three parts.
HEAD = struct.Struct(">III")
_BYTES = "bytes"
LARGEST_QUESTION = 96 * 1_048_576
"""Bytes of what is asked: the largest picture, with room."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one reading: seconds of computing, and MB of memory."""

    seconds: float
    memory: int


def packed(message: Mapping[str, Any]) -> bytes:
    """The message, whose values are what `plain` knows."""
    kept: list[bytes] = []

    def keep(value: Any) -> dict[str, int]:
        kept.append(bytes(value))
        return {_BYTES: len(kept) - 1}

    # As UTF-8 and not as escapes, which are thrice as long, and are read with the interpreter held.
    spelt = json.dumps(plain(message, zoned=True), default=keep, separators=(",", ":"), ensure_ascii=False)
    encoded = spelt.encode("utf-8", "surrogatepass")
    sizes = json.dumps([len(each) for each in kept]).encode()
    return b"".join((HEAD.pack(len(sizes), len(encoded), sum(map(len, kept))), sizes, encoded, *kept))


def unpacked(sizes: bytes, encoded: bytes, kept: memoryview) -> dict[str, Any]:
    """Return the message that `packed` wrote, as JSON with its bytes.

    Raises ValueError, TypeError, LookupError or RecursionError for anything else.
    """
    parts, at = [], 0
    for size in json.loads(sizes):
        parts.append(bytes(kept[at : at + size]))
        at += size

    def put_back(found: dict[str, Any]) -> Any:
        number = found.get(_BYTES) if len(found) == 1 else None
        return parts[number] if isinstance(number, int) else found

    message: dict[str, Any] = json.loads(encoded, object_hook=put_back)
    return message


def received(recv_into: Callable[[memoryview], int], most: int) -> dict[str, Any] | None:
    """The next message, of `most` bytes at the most; None: there is none, the other side has closed.

    Raises EOFError where it breaks off, OverflowError for a longer one, and as `unpacked`.
    """
    head = bytearray(HEAD.size)
    if not _fill(memoryview(head), recv_into):
        return None
    sizes, length, kept = HEAD.unpack(head)
    if sizes + length + kept > most:
        raise OverflowError(sizes + length + kept)
    body = memoryview(bytearray(sizes + length + kept))
    if body and not _fill(body, recv_into):
        raise EOFError
    return unpacked(bytes(body[:sizes]), bytes(body[sizes : sizes + length]), body[sizes + length :])


def _fill(room: memoryview, recv_into: Callable[[memoryview], int]) -> bool:
    """Fill the buffer; returns False if nothing came at all. Raises EOFError for a part."""
    at = 0
    while at < len(room):
        count = recv_into(room[at:])
        if not count:
            if at:
                raise EOFError
            return False
        at += count
    return True
