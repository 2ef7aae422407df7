"""What would harm whoever reads strangers' bytes: `python -m bench.hostile` has every parser read all of this corpus.

A document is a frame of the parser's format with a run of one unit in it: blanks, marks, openings, what a pattern goes
over again and again. Sizes grow by doubling up to what a source or an upload may have. It tells of each parser how many
there were, how many were read or refused, and which met a limit; it fails where one had no answer at all.
"""

from __future__ import annotations

import gzip
import struct
import sys
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from alerts.apart.parser import Parser
from alerts.channels import bluesky, mastodon
from alerts.channels.answer import condensed
from alerts.channels.facebook.hearing import brought
from alerts.model.errors import TocsinError
from alerts.reports.photos import reencoded
from alerts.sources.atmo import read_episodes, read_token
from alerts.sources.cap.nina import read_outlines
from alerts.sources.feed import read_feed
from alerts.sources.gtfs_rt import read_dataset
from alerts.sources.ical.agenda import read_agenda, window_around
from alerts.sources.mail import MAIL_BYTES, read_heads, read_mail
from alerts.sources.roads import RoadArea, read_roads
from alerts.sources.vigicrues import read_edition
from alerts.sources.vigilance.bulletin import read_bulletin, read_map
from alerts.store.bare import bare

LEAST, MOST, STEP = 1_000, 1_000_000, 8
NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
Given = tuple[Any, ...]
_WORDS = ("\n", " ", "\u00a0", "a", "!", "<", "<p>", "&", "&lt;div&gt;", "\u0301", '="', "a@", ";A=", ",1")
_FEED = (
    "{}<rss version='2.0'><channel/></rss>",
    "<?xml version='1.0'?>{}<rss version='2.0'><channel/></rss>",
    *(
        f"<rss version='2.0'><channel><title>t</title><item><guid>1</guid>{inside}</item></channel></rss>"
        for inside in (
            "<title>{}</title>",
            "<title>t</title><author>{}</author>",
            "<description>&lt;p style='{}'&gt;x&lt;/p&gt;</description>",
            "<description><![CDATA[{}]]></description>",
            "<title>t</title><pubDate>{}</pubDate>",
            "<title>t</title><category {}>x</category>",
        )
    ),
)
_ZONE = """BEGIN:VTIMEZONE
TZID:Z
BEGIN:STANDARD
DTSTART:19700101T000000
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
RRULE:FREQ=YEARLY{}
END:STANDARD
END:VTIMEZONE
BEGIN:VEVENT
UID:1
DTSTART;TZID=Z:20261126T090000
END:VEVENT"""
_CALENDAR = tuple(
    f"BEGIN:VCALENDAR\nVERSION:2.0\n{inside}\nEND:VCALENDAR\n"
    for inside in (
        "{}",
        *(
            f"BEGIN:VEVENT\nUID:1\nDTSTART:20261126T090000\n{line}\nEND:VEVENT"
            for line in (
                "SUMMARY:{}",
                "RRULE:FREQ=DAILY{}",
                "EXDATE:20261126T090000{}",
                "DTEND;TZID={}:20261126T100000",
            )
        ),
        _ZONE,
    )
)
_JSON_UNITS = ("[", '{"a":', "9", '"', "\\u0000", " ", "{},", "-")
_JSON = ("{}", '{{"product": {}', '{{"product": {{"update_time": "{}"}}}}', '{{"product": {{"periods": [{}]}}}}')
_SECTIONS = (
    "{}",
    '{{"features": {}',
    '{{"features": [{}]}}',
    '{{"DtHrInfoVigiCru": "{}", "features": []}}',
    '{{"features": [{{"properties": {{"CdEntCru": "GA6", "lbentcru": "{}", "NivInfViCr": 3}}}}]}}',
    '{{"features": [{{"properties": {{"CdEntCru": "GA6", "NivInfViCr": "{}"}}}}]}}',
)
_RIVERS = (
    "<rss version='2.0'><channel><item><title>{}</title></item></channel></rss>",
    "<rss version='2.0'><channel><item><description>Nom du tronçon : {} (GA6)</description></item></channel></rss>",
    "<rss version='2.0'><channel><item><description>Couleur de vigilance {}: vert</description></item></channel></rss>",
)
_OUTLINES = (
    "{}",
    '{{"features": [{}]}}',
    '{{"features": [{{"properties": {{"areaId": "{}"}}, "geometry": {{"type": "Polygon", "coordinates": [[]]}}}}]}}',
    '{{"features": [{{"geometry": {{"type": "Polygon", "coordinates": [[{}[1, 2]]]}}}}]}}',
    '{{"features": [{{"geometry": {{"type": "MultiPolygon", "coordinates": [{}[[[1, 2]]]]}}}}]}}',
)
_OUTLINE_UNITS = (*_JSON_UNITS, "[9,51],", "[1e999,NaN],", "[[[9,51]]],", '["a","b"],')
_AIR = (
    "{}",
    '{{"features": [{}]}}',
    *(
        f'{{{{"features": [{{{{"properties": {{{{"date_ech": "2026-11-25", "lib_pol": "O3", {inside}}}}}}}}}]}}}}'
        for inside in ('"etat": "{}"', '"lib_zone": "{}"', '"etat": "alerte", "date_dif": "{}"', '"lib_pol": "{}"')
    ),
)
_STATUS = '{{"id": "1", "in_reply_to_id": "0", "created_at": "2026-11-25T12:00:00Z", "content": "{}"}}'
_REPLY = '{{"post": {{"uri": "1", "indexedAt": "2026-11-25T12:00:00Z", "record": {{"text": "{}"}}}}}}'
_CONTEXTS = (
    "{}",
    '{{"descendants": [{}]}}',
    f'{{{{"descendants": [{_STATUS}]}}}}',
    f'{{{{"descendants": {_STATUS}}}}}',
)
_THREADS = (
    "{}",
    '{{"thread": {{"replies": [{}]}}}}',
    f'{{{{"thread": {{{{"replies": [{_REPLY}]}}}}}}}}',
    '{{"thread": "{}"}}',
)
_THREAD_UNITS = (*_JSON_UNITS, '{"a":{}},', "<", "<b>x</b> &lt; ", "&#9999999", "@a ", "\u0301")
_FILE_UNITS = (
    b"\xff",
    b"\0",
    b"\xff\0",
    b"\xff\xd8",
    b"\xff\xda\0\2",
    b"\xff\xe1\0\2",
    b"\xff\xc0\0\x11",
    b"\0\0\0\0IDAT",
)
_FILES = (b"\xff\xd8\xff", b"\xff\xd8\xff\xda\0\2", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", b"RIFF\xff\xff\xff\0WEBPVP8X")


def tall_png(width: int, height: int) -> bytes:
    """A PNG of that size that is all of one colour: a few bytes for millions of pixels."""

    def chunk(kind: bytes, said: bytes) -> bytes:
        return struct.pack(">I", len(said)) + kind + said + struct.pack(">I", zlib.crc32(kind + said))

    packer, row = zlib.compressobj(9), b"\0" * (width + 1)
    packed = b"".join(packer.compress(row * 1000) for _ in range(height // 1000)) + packer.flush()
    head = struct.pack(">IIBBBBB", width, height - height % 1000, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def secondly_zone() -> bytes:
    """A calendar of half a kilobyte whose zone changes each second since 1970."""
    return _CALENDAR[-1].format("").replace("YEARLY", "SECONDLY").encode()


def filled_photo(size: int) -> bytes:
    """A "photo" of so many bytes FF, which a JPEG may be filled with."""
    return b"\xff\xd8" + b"\xff" * size + b"\0\xff\xd9"


def endless_feed(number: int, size: int = 60_000) -> bytes:
    """A feed over which patterns go again and again: blank lines, an author, a style or blanks without an end."""
    frame, unit = ((_FEED[1], "\n"), (_FEED[3], "a"), (_FEED[4], "a"), (_FEED[2], "\u00a0"))[number % 4]
    return frame.replace("<guid>1", f"<guid>{number}").format(unit * size).encode()


def _texts(frames: tuple[str, ...], units: tuple[str, ...], size: int) -> Iterator[bytes]:
    for frame in frames:
        for unit in units:
            yield frame.format(unit * (size // len(unit))).encode()


def _feeds(size: int) -> Iterator[Given]:
    for body in _texts(_FEED, _WORDS, size):
        yield body, None


def _calendars(size: int) -> Iterator[Given]:
    for body in _texts(_CALENDAR, _WORDS, size):
        yield body, window_around(NOW), ZoneInfo("Europe/Paris")
    rule = "BEGIN:VEVENT\nUID:{}\nDTSTART:18000101T080000Z\nRRULE:FREQ=DAILY;BYDAY=MO;BYSETPOS=300\nEND:VEVENT\n"
    events = "".join(rule.format(number) for number in range(size // 100))
    yield f"BEGIN:VCALENDAR\n{events}END:VCALENDAR\n".encode(), window_around(NOW), ZoneInfo("Europe/Paris")
    yield secondly_zone(), window_around(NOW, [str(size)]), ZoneInfo("Europe/Paris")


def _maps(size: int) -> Iterator[Given]:
    for body in _texts(_JSON, _JSON_UNITS, size):
        yield body, "38"


def _editions(size: int) -> Iterator[Given]:
    for body in (*_texts(_SECTIONS, _JSON_UNITS, size), *_texts(_RIVERS, _WORDS, size)):
        yield body, None, ("GA6", "TL3")


def _outlines(size: int) -> Iterator[Given]:
    for body in _texts(_OUTLINES, _OUTLINE_UNITS, size):
        yield (body,)


def _air(size: int) -> Iterator[Given]:
    for body in _texts(_AIR, _JSON_UNITS, size):
        yield body, "38", ("Bassin grenoblois",)


def _tokens(size: int) -> Iterator[Given]:
    for body in _texts(("{}", '{{"token": "{}"}}', '{{"token": {}', '{{"token": [{}]}}'), _JSON_UNITS, size):
        yield (body,)


_TRACE = "Authentication-Results: mx; dkim=pass header.d=a.example\nDKIM-Signature: d=a.example; h=subject\n"
_HEADS = (
    "{}: x\n",
    "From: {} <b@a.example>\n",
    "From: b@a.example{}\n",
    "From: b@a.example\nAuthentication-Results: mx; dkim{}=pass header.d=a.example\n",
    "From: b@a.example\nAuthentication-Results: {};mx; dkim=pass\n",
    _TRACE + "From: b@a.example\nDKIM-Signature: d={}\n",
)
_HEAD_UNITS = (*_WORDS, "(", ")", "\\", ";", "=", "dkim=", "\n\t", "\r\n ", "=?utf-8?q?")
_MAILS = (
    "Subject: {}\n\nx",
    "Content-Type: text/plain; charset={}\n\nx",
    "Content-Type: text/plain; {}\n\nx",
    "Content-Disposition: attachment; filename*0*={}\n\nx",
    "Date: {}\n\nx",
    "\n{}",
    "Content-Type: text/html\n\n{}",
    "Content-Type: text/html\n\n<table>{}",
    "Content-Type: multipart/mixed; boundary=a\n\n{}",
    "Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\n{}",
    "Content-Type: text/plain\nContent-Transfer-Encoding: x-uuencode\n\nbegin 644 a\n{}",
)
_MAIL_UNITS = (
    *_HEAD_UNITS,
    "--a\n\n",
    "--a\nContent-Type: multipart/mixed; boundary=a\n\n",
    "Le a\n",
    "De : a\n",
    "_",
    ">",
    "-- \n",
    "<blockquote>",
    "<table><tr><td>",
    "<style>",
    "<!--",
)


def _heads(size: int) -> Iterator[Given]:
    for head in _texts(_HEADS, _HEAD_UNITS, size):
        yield (head,) * max(1, min(size // 100_000, 200)), ("b@a.example",), "mx"


def _mails(size: int) -> Iterator[Given]:
    for body in _texts(_MAILS, _MAIL_UNITS, min(size, MAIL_BYTES)):
        yield (body,)
    # Each within the other, with an edge of its own.
    parts = (f"Content-Type: multipart/mixed; boundary=b{each}\n\n--b{each}\n" for each in range(size // 60))
    yield ("".join(parts).encode()[:MAIL_BYTES],)


def field(number: int, inside: bytes) -> bytes:
    """A field of protobuf with bytes in it: its number and kind, its length, and they."""
    return varint(number << 3 | 2) + varint(len(inside)) + inside


def varint(number: int) -> bytes:
    """A number as protobuf writes it: seven bits in a byte, the lowest first."""
    low, high = number & 0x7F, number >> 7
    return bytes([low | 0x80]) + varint(high) if high else bytes([low])


VERSION = field(1, field(1, b"2.0"))
"""The header of a dataset, which says no time."""
_PIECES = (
    b"\x0a\x00",
    b"\x2a\x00",
    b"\x52\x00",
    field(10, field(1, field(1, b"a"))),
    b"\x0b",
    b"\xff",
    b"\x08\x01",
    b"\x30\x63",
)


def _datasets(size: int) -> Iterator[Given]:
    def alert(inside: bytes) -> bytes:
        return VERSION + field(2, field(1, b"1") + field(5, inside))

    bodies = [alert(piece * (size // len(piece))) for piece in _PIECES]
    bodies += [VERSION + piece * (size // len(piece)) for piece in (*_PIECES, b"\x12\x00", b"\x12\x03\x0a\x011")]
    for unit in _WORDS:
        said = field(1, field(1, (unit * (size // len(unit))).encode()))
        bodies += [alert(field(number, said)) for number in (8, 10, 11)]
    # As many alerts as there may be, each with periods that overlap with no other's.
    spans = [field(1, b"\x08" + varint(start) + b"\x10" + varint(start + 1)) for start in range(2, 100)]
    for words in (b"a", b"a " * 500):
        said = field(10, field(1, field(1, words)))
        each = [field(2, field(1, b"%d" % number) + field(5, b"".join(spans) + said)) for number in range(size // 1000)]
        bodies.append(VERSION + b"".join(each))
    yield from ((body, (), ("1",) * (number % 2), ()) for number, body in enumerate(bodies))


_BOX = RoadArea((45.0, 5.0, 46.0, 6.0), ("Saint-Martin", "a"), "fr-FR")
_CLOSED = "<incidents><incident id='1'><type>ROAD_CLOSED</type>{}</incident></incidents>"
_SOON = (
    "<starttime>2026-11-26T09:00:00Z</starttime><polyline>45.1 5.1</polyline><endtime>9999-11-26T09:00:00Z</endtime>"
)
_RECORD = (
    "<d2LogicalModel><situation id='1'><situationRecord xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance'"
    " xsi:type='x:MaintenanceWorks'><overallStartTime>2026-11-26T09:00:00Z</overallStartTime>{}"
    "</situationRecord></situation></d2LogicalModel>"
)
_ROADS = (
    "{}<incidents/>",
    "<incidents>{}</incidents>",
    _CLOSED.format(_SOON + "<street>{}</street>"),
    _CLOSED.format("<polyline>45.1 5.1 {}</polyline><starttime>2026-11-26T09:00:00Z</starttime>"),
    _CLOSED.format("<starttime>{}</starttime>"),
    _CLOSED.format(_SOON + "<schedule><everyday>{}</everyday></schedule>"),
    _RECORD.format("<latitude>45.1</latitude><generalPublicComment><value>{}</value></generalPublicComment>"),
    _RECORD.format("<posList>45.1 5.1 {}</posList>"),
    "<!DOCTYPE a [<!ENTITY b '{}'>]><incidents>&b;</incidents>",
)
_ROAD_UNITS = (
    *_WORDS[:10],
    "<a/>",
    "<a>",
    "<situation/>",
    "<incident/>",
    "45.1 5.1 ",
    "08:00-09:00,",
    "<latitude>1</latitude>",
)


def _road_files(size: int) -> Iterator[Given]:
    for body in _texts(_ROADS, _ROAD_UNITS, size):
        yield body, "", window_around(NOW), ZoneInfo("Europe/Paris"), _BOX
    yield gzip.compress(b"<incidents>" + b" " * size * 100), "", window_around(NOW), ZoneInfo("Europe/Paris"), _BOX


def _contexts(size: int) -> Iterator[Given]:
    for body in _texts(_CONTEXTS, _THREAD_UNITS, size):
        yield body, "0", ("0",), "https://mastodon.example"


def _threads(size: int) -> Iterator[Given]:
    for body in _texts(_THREADS, _THREAD_UNITS, size):
        yield body, "0", ("0",)


def _lists(size: int) -> Iterator[Given]:
    for body in _texts(_CONTEXTS, _THREAD_UNITS, size):
        yield body, "X"


def _files(size: int) -> Iterator[Given]:
    for start in _FILES:
        for unit in _FILE_UNITS:
            yield (start + unit * (size // len(unit)) + b"\0\xff\xd9",)
    yield (tall_png(1, size * 12),)
    yield (tall_png(1_000, max(size // 100, 1_000)),)


def _deliveries(size: int) -> Iterator[Given]:
    """What a webhook of Facebook brings: whatever a list may be, and changes without end."""
    yield from ((body, "1") for body, _ in _lists(size))
    change = b'{"field": "feed", "value": {"item": "comment", "verb": "add", "comment_id": "1_2", "message": "x"}},'
    entry = b'{"id": "1", "changes": [' + change * (size // len(change)) + b"{}]}"
    yield b'{"object": "page", "entry": [' + entry + b"]}", "1"


CORPUS: Mapping[str, tuple[Parser[..., Any], Callable[[int], Iterator[Given]]]] = {
    "feed": (read_feed, _feeds),
    "calendar": (read_agenda, _calendars),
    "heads of mails": (read_heads, _heads),
    "mail": (read_mail, _mails),
    "transit alerts": (read_dataset, _datasets),
    "roads": (read_roads, _road_files),
    "vigilance map": (read_map, _maps),
    "vigilance bulletin": (read_bulletin, _maps),
    "episodes of air pollution": (read_episodes, _air),
    "token of Atmo France": (read_token, _tokens),
    "flood edition": (read_edition, _editions),
    "outlines": (read_outlines, _outlines),
    "long list of a platform": (condensed, _lists),
    "delivery of Facebook": (brought, _deliveries),
    "thread on Mastodon": (mastodon.replies_below, _contexts),
    "thread on Bluesky": (bluesky.replies_below, _threads),
    "photo": (reencoded, _files),
    "picture": (bare, _files),
}
"""By what is read: its parser, and what it is given at a size in bytes."""


def came_of(parser: Parser[..., Any], given: Given) -> str:
    """In a word, what reading it apart came to: `read`, or the code of the reason."""
    try:
        parser.in_subprocess(*given)
    except TocsinError as error:
        return error.reason.code
    return "read"


def main() -> int:
    """Read all of it; 1 where something neither was read nor had a reason."""
    count = 0
    for what, (parser, inputs) in CORPUS.items():
        outcomes: Counter[str] = Counter()
        began, size = time.monotonic(), LEAST
        while size <= MOST:
            outcomes.update(came_of(parser, given) for given in inputs(size))
            size *= STEP
        count += outcomes.total()
        counts = ", ".join(f"{number} {code}" for code, number in outcomes.most_common())
        print(f"{what}: {outcomes.total()} in {time.monotonic() - began:.0f} s: {counts}", flush=True)
    print(f"{count} hostile inputs, an answer to each")
    return 0


if __name__ == "__main__":
    sys.exit(main())
