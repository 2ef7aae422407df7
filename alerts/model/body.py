"""An answer's body, with a bound on what arrives and on what it unpacks to: a bomb is stopped while it unpacks."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator

from alerts.model.errors import FailedForGood, SourceFailed
from alerts.model.reason import because

UNPACKED_HERE = "gzip, deflate"
"""What a request may accept (`Accept-Encoding`) whose answer is read here."""
_PLAIN = frozenset({"identity", ""})
_PACKED = frozenset({"gzip", "x-gzip", "deflate"})
_GZIP_OR_ZLIB = 47
_MAGIC = b"\x1f\x8b"


async def read_body(chunks: AsyncIterator[bytes], packing: str, limit: int, announced: int | None = None) -> bytes:
    """The whole body, unpacked, at most `limit` bytes, from its raw `chunks` (nothing else may have unpacked them).

    `packing` is the answer's Content-Encoding, `announced` its Content-Length. Raises FailedForGood for more than
    `limit` bytes, before or after unpacking, and SourceFailed for a body that is cut short or packed in a way nobody
    asked for.
    """
    if (announced or 0) > limit:
        raise _too_large(limit)
    packing = packing.strip().lower()
    if packing in _PLAIN:
        return await _gather(chunks, limit)
    if packing not in _PACKED:
        raise SourceFailed(because("answer_packed", packing=repr(packing[:20])))
    unpacking = _Unpacking(limit)
    async for chunk in chunks:
        unpacking.feed(chunk)
    return unpacking.finish()


async def _gather(chunks: AsyncIterator[bytes], limit: int) -> bytes:
    body = bytearray()
    async for chunk in chunks:
        body += chunk
        if len(body) > limit:
            raise _too_large(limit)
    return bytes(body)


def is_packed(body: bytes) -> bool:
    """Whether a body is a gzip file itself."""
    return body.startswith(_MAGIC)


def unpack(packed: bytes, limit: int) -> bytes:
    """The content of a gzip file, at most `limit` bytes; raises as `read_body`."""
    unpacking = _Unpacking(limit)
    unpacking.feed(packed)
    return unpacking.finish()


class _Unpacking:
    """Takes gzip or zlib in pieces and never holds more than `limit` bytes and one piece."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._received = 0
        self._body = bytearray()
        self._stream = zlib.decompressobj(_GZIP_OR_ZLIB)

    def feed(self, chunk: bytes) -> None:
        """Unpack one piece more."""
        self._received += len(chunk)
        if self._received > self._limit:
            raise _too_large(self._limit)
        try:
            self._inflate(chunk)
        except zlib.error:
            raise SourceFailed(because("answer_no_gzip")) from None

    def _inflate(self, chunk: bytes) -> None:
        while chunk:
            if self._stream.eof:
                if not chunk.startswith(_MAGIC):
                    return
                # a gzip file may have several members (RFC 1952 section 2.2)
                self._stream = zlib.decompressobj(_GZIP_OR_ZLIB)
            self._body += self._stream.decompress(chunk, self._limit + 1 - len(self._body))
            if len(self._body) > self._limit:
                raise _too_large(self._limit)
            chunk = self._stream.unconsumed_tail or self._stream.unused_data

    def finish(self) -> bytes:
        """All of it; raises SourceFailed when the end is missing."""
        if not self._stream.eof and self._received:
            raise SourceFailed(because("answer_cut"))
        return bytes(self._body)


def _too_large(limit: int) -> FailedForGood:
    return FailedForGood(because("answer_too_large", most=f"{limit / 1_048_576:g}"))
