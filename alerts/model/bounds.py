"""Bounds for everything strangers send, applied before anything else reads it: text, bytes and outlines.

A text can harm its reader in three ways, each handled once, here:

- it is long: `bounded` cuts it before anything folds, compares or stores it;
- it piles up combining marks: normalising (Unicode Standard Annex #15) sorts each pile in time quadratic in its height,
  and blocks the interpreter meanwhile. No pile is higher than 30 in any language (UAX #15, section 13, "Stream-Safe
  Text Format"), so `normal` cuts higher ones first; it is the only place where anything is normalised;
- it hides: bidirectional controls reorder the text on the screen ("Trojan Source", UTR #36), invisible characters make
  two different names appear alike. `shown` writes them out, so that a page displays them and obeys none; `seen` drops
  them.

A text that claims to be a secret of ours is compared in one place (`same`) and sealed in one (`seal_of`): a header or a
cookie may contain bytes that are not UTF-8, which are read as lone surrogates, and a strict encoding raises on those.

The body of a response is bounded both as received and as unpacked: a bomb is stopped while it unpacks (`read_body`).

An outline is kept small: a coast line of 300,000 points is no more useful than one of a few hundred. `simplified` walks
a ring once and keeps a corner only where the line would otherwise leave a sleeve of `tolerance` metres (the cone
intersection of Sklansky and Gonzalez, 1980). It takes time linear in the number of points whatever their shape, while
Douglas and Peucker's algorithm is quadratic on a hostile outline. If too many corners remain, the sleeve is widened.
"""

from __future__ import annotations

import hashlib
import hmac
import html
import ipaddress
import json
import math
import re
import unicodedata
import zlib
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Literal

from alerts.model.alert import Point
from alerts.model.errors import FailedForGood, SourceFailed
from alerts.model.reason import because

Form = Literal["NFC", "NFD", "NFKC", "NFKD"]

HIGHEST_PILE = 30
"""Combining marks in a row that are kept (UAX #15, section 13, D3)."""
# Half-width letters that become marks when they are normalised (the sound marks of katakana).
_OPENS_A_MARK = frozenset("\uff9e\uff9f")
# Any character outside Latin and general punctuation, which contain no combining mark.
_MAYBE_A_MARK = re.compile("[\u0300-\u1fff\u20d0-\U0010ffff]")

_UNSEEN = (
    "\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff"
    "\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0"
)
UNSEEN = re.compile(
    rf"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f{_UNSEEN}\ud800-\udfff]"
    # The tags of an emoji flag (🏴 and two to six of them, then the last) are part of a picture.
    r"|(?<![\U0001f3f4\U000e0020-\U000e007e])[\U000e0000-\U000e007f]+"
)
"""Characters that are invisible and can deceive.

Controls except tab and line breaks; bidirectional marks, embeddings, overrides and isolates; soft hyphens; zero-width
blanks; fillers; lone surrogates. Joiners and variation selectors stay: emoji, Persian and the scripts of India need
them.
"""

_TAG = re.compile(r"<[^<>]*>")
# Only what ends with ";": the rest may be an address ("?a=1&copy=2"), though browsers read it too. And only so many
# digits: Python raises an error for a number of thousands.
_ENTITY = re.compile(r"&(?:[a-zA-Z][a-zA-Z0-9]{1,31}|#\d{1,7}|#[xX][0-9a-fA-F]{1,6});")

LONGEST_SIDE = 20_000
"""Most pixels on the longer side of a picture: no camera makes more, and a row costs a decoder more than its pixels."""
NARROWEST = 40
"""Highest ratio of a picture's longer side to its shorter one: a panorama has ten."""


def is_misshapen(width: int, height: int) -> bool:
    """True if a picture of that size can come from no camera and no person."""
    return max(width, height) > min(LONGEST_SIDE, NARROWEST * max(min(width, height), 1))


def utf16_units(text: str) -> int:
    """Return the number of UTF-16 units in a text, which Telegram's limits count (Bot API, "MessageEntity")."""
    # A feed's escapes may leave half a character, which Python otherwise refuses to encode.
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def visible(markup: str) -> str:
    """Return the visible text of Telegram HTML that we wrote ourselves: no tags, entities decoded.

    A stranger's HTML needs more than that (`rendering.text.clean`).
    """
    return unescaped(_TAG.sub("", markup) if "<" in markup else markup)


def unescaped(text: str) -> str:
    """Return `text` with its entities as characters; what can't be one stays as it is."""
    return _ENTITY.sub(lambda entity: html.unescape(entity[0]), text) if "&" in text else text


def bounded(text: str, most: int) -> str:
    """Return the first `most` characters of `text`, less the combining marks beyond the thirtieth in a row."""
    return stream_safe(text[:most])


def stream_safe(text: str) -> str:
    """Return `text` without combining marks beyond the thirtieth in a row; no language has so many."""
    if _MAYBE_A_MARK.search(text) is None:
        return text
    return _cut_piles(text) if any(map(unicodedata.combining, text)) or not _OPENS_A_MARK.isdisjoint(text) else text


def normal(form: Form, text: str) -> str:
    """Return `text` in a normal form of Unicode, in time linear in its length whatever its content."""
    return text if text.isascii() else unicodedata.normalize(form, stream_safe(text))


def shown(text: str) -> str:
    """Return `text` with invisible characters written out, as in "‹U+202E›": a page shows them and obeys none."""
    return text if text.isascii() and text.isprintable() else UNSEEN.sub(_written_out, text)


def seen(text: str) -> str:
    """Return `text` without the invisible characters of `UNSEEN`."""
    return text if text.isascii() and text.isprintable() else UNSEEN.sub("", text)


def sendable(value: str) -> bool:
    """True if a value can stand in a header of a request (RFC 9110, 5.5): in printable ASCII, 8,000 characters at most.

    The HTTP library raises ValueError for others, and servers refuse longer ones; a stranger chose what is sent back.
    """
    return value.isascii() and value.isprintable() and len(value) <= 8000


def same(said: str | bytes, known: str | bytes) -> bool:
    """True if a stranger's text equals the known secret.

    Takes constant time; a text that can't be a secret is unequal.
    """
    return hmac.compare_digest(_bytes_of(said), _bytes_of(known))


def seal_of(secret: str | bytes, text: str | bytes) -> str:
    """Return the HMAC-SHA256 of `text` under a secret, in hexadecimal. Accepts any text, malformed Unicode included."""
    return hmac.new(_bytes_of(secret), _bytes_of(text), hashlib.sha256).hexdigest()


def _bytes_of(text: str | bytes) -> bytes:
    # Different texts have different bytes, even those with lone surrogates: none is mistaken for another.
    return text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")


IPV6, IPV6_GIVEN_AWAY = 56, 48
"""Prefix lengths of the network that a household has, and of one that a tunnel broker gives to anybody who asks."""


def network_of(address: str, of_ipv6: int = IPV6) -> str:
    """Return the network of an address: whoever has one address has its neighbours too.

    It is a /24 for IPv4, a /`of_ipv6` for IPv6, and "?" for a text that is no address.
    """
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return "?"
    # A dual-stack socket gives IPv4 addresses as mapped IPv6 ones, of which all would be in one /56.
    found = getattr(found, "ipv4_mapped", None) or found
    bits = 24 if found.version == 4 else of_ipv6
    return str(ipaddress.ip_network((found, bits), strict=False))


def _cut_piles(text: str) -> str:
    kept: list[str] = []
    pile = 0
    for character in text:
        pile = pile + 1 if unicodedata.combining(character) or character in _OPENS_A_MARK else 0
        if pile <= HIGHEST_PILE:
            kept.append(character)
    return "".join(kept) if len(kept) < len(text) else text


def _written_out(match: re.Match[str]) -> str:
    return "".join(f"‹U+{ord(character):04X}›" for character in match[0])


READ_HERE = 64 * 1024
"""Bytes of JSON that are read at once, whatever they are: 1 to 3 ms of the loop."""
VALUES_HERE = 20_000
"""Values of a longer JSON text that are read at once: some 10 ms. A picture in base64 is one value."""
# Digits of the longest whole number: Python reads more in time quadratic in their number.
_DIGITS = 400


def read_json(text: str | bytes, *, is_counted: bool = False) -> Any:
    """Return what a JSON text says. Returns None if it is none, or brackets within brackets, thousands of them deep.

    Python holds the interpreter while it reads, in whatever thread: so of a text longer than `READ_HERE` no more than
    `VALUES_HERE` are read. What may have more is read in a process of its own (`alerts.apart`), or was counted there.
    """
    if not (is_counted or is_light(text)):
        return None
    return read_long_json(text)


def is_light(text: str | bytes) -> bool:
    """True if reading that JSON text holds nobody up: each value but the first follows a comma or a bracket."""
    if len(text) <= READ_HERE:
        return True
    counts = map(text.count, (b",", b"[", b"{")) if isinstance(text, bytes) else map(text.count, (",", "[", "{"))
    return sum(counts) <= VALUES_HERE


def read_long_json(text: str | bytes) -> Any:
    """Return what a JSON text of any length says, as `read_json` does: for who reads it in a process of its own."""
    try:
        return json.loads(text, parse_int=whole_number)
    except (ValueError, RecursionError):
        return None


def whole_number(digits: str) -> int:
    """Return the number. Raises ValueError for more digits than anybody counts with."""
    if len(digits) > _DIGITS:
        raise ValueError(len(digits))
    return int(digits)


def table(value: object) -> Mapping[str, Any]:
    """Return a value of strangers' JSON if it is an object; else an empty one."""
    return value if isinstance(value, dict) else {}


def rows(value: object) -> Sequence[Any]:
    """Return a value of strangers' JSON if it is a list; else an empty one."""
    return value if isinstance(value, list) else ()


def tables(value: object) -> list[Mapping[str, Any]]:
    """Return the objects of a list in strangers' JSON; none if it is no list."""
    return [each for each in rows(value) if isinstance(each, dict)]


UNPACKED_HERE = "gzip, deflate"
"""The `Accept-Encoding` of a request whose response is read here."""
# Content codings that mean "not packed", and those that are unpacked here.
_PLAIN = frozenset({"identity", ""})
_PACKED = frozenset({"gzip", "x-gzip", "deflate"})
# A window of 15 bits, plus 32, by which zlib recognises gzip or zlib from the header.
_GZIP_OR_ZLIB = 47
# The first bytes of a gzip file (RFC 1952, 2.3.1).
_MAGIC = b"\x1f\x8b"


async def read_body(chunks: AsyncIterator[bytes], packing: str, limit: int, announced: int | None = None) -> bytes:
    """Return the whole body of a response, unpacked, from its raw `chunks`, which nothing else may have unpacked.

    `packing` is the response's Content-Encoding, `announced` its Content-Length. Raises FailedForGood for more than
    `limit` bytes, before or after unpacking, and SourceFailed for a body that is cut short or packed in a way nobody
    asked for.
    """
    if (announced or 0) > limit:
        raise too_large(limit)
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
            raise too_large(limit)
    return bytes(body)


def is_packed(body: bytes) -> bool:
    """True if the body is itself a gzip file."""
    return body.startswith(_MAGIC)


def unpack(packed: bytes, limit: int) -> bytes:
    """Return the content of a gzip file, at most `limit` bytes. Raises as `read_body` does."""
    unpacking = _Unpacking(limit)
    unpacking.feed(packed)
    return unpacking.finish()


class _Unpacking:
    """Unpacks gzip or zlib piece by piece, never with more than `limit` bytes and one piece in memory."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._received = 0
        self._body = bytearray()
        self._stream = zlib.decompressobj(_GZIP_OR_ZLIB)

    def feed(self, chunk: bytes) -> None:
        """Unpack one more piece. Raises FailedForGood for more than `limit` bytes, SourceFailed if it is malformed."""
        self._received += len(chunk)
        if self._received > self._limit:
            raise too_large(self._limit)
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
            # One byte more than is allowed shows that the content is too large: nothing beyond it is unpacked.
            self._body += self._stream.decompress(chunk, self._limit + 1 - len(self._body))
            if len(self._body) > self._limit:
                raise too_large(self._limit)
            chunk = self._stream.unconsumed_tail or self._stream.unused_data

    def finish(self) -> bytes:
        """Return the whole content. Raises SourceFailed if the end is missing."""
        if not self._stream.eof and self._received:
            raise SourceFailed(because("answer_cut"))
        return bytes(self._body)


def too_large(limit: int) -> FailedForGood:
    """Return the error for a body of more than `limit` bytes."""
    return FailedForGood(because("answer_too_large", most=f"{limit / 1_048_576:g}"))


Ring = tuple[Point, ...]
"""A closed ring: the first point is also the last."""

TOLERANCE = 10.0
"""Metres by which a kept outline may differ from what was sent: less than the width of a street and its houses."""
MOST_CORNERS = 2000
"""Points of one ring that are kept."""
MOST_SHOWN = 500
"""Points of all outlines together that the public gets of one alert: a map on a telephone can't show more."""
# The factor by which the sleeve is widened while too many corners are left.
_WIDER = 3.0
# A ring of at most so many points is left as it was sent.
_SHORT = 100
# Points of the smallest ring, a closed triangle.
_FEWEST = 4
# Metres in a degree of latitude.
_METRES_PER_DEGREE = 111_320.0


def simplified(ring: Sequence[Point], most: int = MOST_CORNERS, tolerance: float = TOLERANCE) -> Ring:
    """Return the ring with fewer points, within about `tolerance` metres of the original, or more if `most` requires.

    A short ring is left as it is. A simplified one doesn't change when it is simplified again, so that a message that
    we wrote is read back unchanged. A ring with fewer than three corners left is returned whole if it has few points,
    else as its box: rather too much ground than none.
    """
    if len(ring) <= min(_SHORT, most):
        return tuple(ring)
    kept, wide = _walked(ring, tolerance), tolerance
    while len(kept) > most:
        wide *= _WIDER
        kept = _walked(kept, wide)
    while len(again := _walked(kept, tolerance)) < len(kept):
        kept = again
    if len(kept) >= _FEWEST:
        return tuple(kept)
    return tuple(ring) if len(ring) <= min(most, MOST_SHOWN) else box(ring)


def together(rings: Sequence[Sequence[Point]], most: int = MOST_SHOWN) -> list[Ring]:
    """Simplify rings until they have at most `most` points in all; each stays in its place, empty if there is no room.

    All are made equally coarse, and if there are too many rings only the largest are kept.
    """
    room = most // (_FEWEST + 1)
    largest = sorted(range(len(rings)), key=lambda place: _extent(rings[place]), reverse=True)[:room]
    kept = {place: simplified(rings[place]) for place in largest}
    tolerance = TOLERANCE
    while sum(map(len, kept.values())) > most:
        tolerance *= _WIDER
        kept = {place: _coarser(ring, tolerance) for place, ring in kept.items()}
    return [kept.get(place, ()) for place in range(len(rings))]


def box(ring: Sequence[Point]) -> Ring:
    """Return the rectangle around a ring, as a ring."""
    south, west = (min(point[axis] for point in ring) for axis in (0, 1))
    north, east = (max(point[axis] for point in ring) for axis in (0, 1))
    return (south, west), (south, east), (north, east), (north, west), (south, west)


def _coarser(ring: Ring, tolerance: float) -> Ring:
    """Simplify a ring of more than four corners, however short; if fewer than three are left, return its box."""
    kept = _walked(ring, tolerance) if len(ring) > _FEWEST + 1 else ring
    return tuple(kept) if len(kept) >= _FEWEST else box(ring)


def _extent(ring: Sequence[Point]) -> float:
    latitudes, longitudes = [point[0] for point in ring], [point[1] for point in ring]
    return max(latitudes) - min(latitudes) + max(longitudes) - min(longitudes) if ring else 0.0


def _walked(ring: Sequence[Point], tolerance: float) -> list[Point]:
    """Return the corners that a sleeve of that width needs, from the first point around to the first point again."""
    # Near a pole a degree of longitude has almost no length: the scale is kept finite there.
    squeeze = max(math.cos(math.radians(ring[0][0])), 0.01)
    across, up = squeeze * _METRES_PER_DEGREE / tolerance, _METRES_PER_DEGREE / tolerance
    kept, last = [ring[0]], ring[0]
    anchor_lat, anchor_lon = ring[0]
    aim, spread, furthest = 0.0, math.pi, 0.0
    for point in ring[1:]:
        x, y = (point[1] - anchor_lon) * across, (point[0] - anchor_lat) * up
        distance = math.hypot(x, y)
        if distance > 1.0:
            ahead, half = math.atan2(y, x), math.asin(1.0 / distance)
            off = math.remainder(ahead - aim, math.tau)
            if furthest and (abs(off) > spread or distance < furthest - 1.0):
                # It leaves the sleeve, or turns back in it: the point before is a corner, and a new sleeve begins.
                kept.append(last)
                anchor_lat, anchor_lon = last
                x, y = (point[1] - anchor_lon) * across, (point[0] - anchor_lat) * up
                distance = math.hypot(x, y)
                furthest = 0.0
                if distance > 1.0:
                    aim, spread, furthest = math.atan2(y, x), math.asin(1.0 / distance), distance
            elif not furthest:
                aim, spread, furthest = ahead, half, distance
            else:
                low, high = max(-spread, off - half), min(spread, off + half)
                aim, spread, furthest = aim + (low + high) / 2, (high - low) / 2, max(furthest, distance)
        elif furthest > 1.0 + 1.0:
            kept.append(last)
            anchor_lat, anchor_lon = last
            furthest = 0.0
        last = point
    if kept[-1] != ring[-1] or len(kept) == 1:
        kept.append(ring[-1])
    return kept
