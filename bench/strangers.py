"""What a hostile site, weather service, crowd or broker says: each time something new, more than anybody has to take.

The site's feed, the map of the Vigilance, Vigicrues' editions, Atmo France's episodes, the alerts of public transport,
a country's works and what people reply are answers to be served (`bench.attackers`). The broker is a server of its own,
which takes what it is told until the file `mode` says that it is hostile. Every other connection is then told nothing
more after the greeting, and every other one is told what nobody asked for, without end. The mailbox is a
server, too: it is empty until it is hostile, and then has 10,000 mails more at each connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gzip
import itertools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from dataclasses import field as datafield
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.hostile import VERSION, field, varint
from tests.air_pages import ALERTED, CODES, episodes, row
from tests.flood_pages import a_geojson, an_rss, calm, entry, feed_of
from tests.vigilance_pages import an_edition
from tocsin_sandbox.imap import AUTHORITY, Mailbox, serving

DEPARTMENT = "38"
HOUR = timedelta(hours=1)
COUNTRY = 100_000_000
"""Bytes of a country's works."""
_CONNACK, _PUBACK, _PINGRESP = bytes([0x20, 2, 0, 0]), bytes([0x40, 2]), bytes([0xD0, 0])
_PUBLISH, _PINGREQ, _DISCONNECT = 3, 12, 14
_NEW, _ROOT = "~new~", "~root~"
"""What is written in its place is new each time, and the post that is replied to."""
_SENSELESS = b"\x30\xe4\xd4\x03\x00\x03all" + b"x" * 59_999
"""A message of 60 kB that asks for no answer (MQTT 3.1.1, 3.3): 1 + 3 bytes of head, a topic, the rest."""
_FLOODED = 200
"""Such messages a second."""


def site(number: int | None) -> bytes:
    """A site's feed: without an entry, or hostile in one of four ways."""
    made = _SITES[number % len(_SITES)](number) if number is not None else ""
    return f'<rss version="2.0"><channel><title>Mairie</title>{made}</channel></rss>'.encode()


def _entry(number: int, words: str = "", more: str = "") -> str:
    return f"<item {more}><guid>{number}</guid><title>Avis {number}</title><description>{words}</description></item>"


def _many(number: int) -> str:
    return "".join(_entry(number * 9_000 + each) for each in range(9_000))


def _attributes(number: int) -> str:
    attributes = " ".join(f'a{each}="{each}"' for each in range(190))
    return "".join(_entry(number * 9_000 + each, more=attributes) for each in range(800))


def _marks(number: int) -> str:
    return "".join(_entry(number * 9_000 + each, "e" + "\u0301\u0323" * 40_000) for each in range(8))


def _nested(number: int) -> str:
    return _entry(number * 9_000, "&lt;div&gt;&lt;b&gt;" * 80_000)


_SITES: tuple[Callable[[int], str], ...] = (_many, _attributes, _marks, _nested)


def calm_map() -> bytes:
    """A department where nothing is on."""
    now = datetime.now(UTC).replace(microsecond=0)
    return an_edition({}, now, now + 48 * HOUR, DEPARTMENT)


def hostile_map(number: int) -> bytes:
    """The map in one of five ways: deep, with a number of millions of digits, wide, torn to pieces, ever other."""
    now = datetime.now(UTC).replace(microsecond=0)
    match number % 5:
        case 0:
            return b'{"product": ' + b"[" * 4_000_000
        case 1:
            return b'{"product": {"update_time": ' + b"9" * 4_000_000 + b"}}"
        case 2:
            return _wide(now)
        case 3:
            pieces = [(now + HOUR * each / 90, now + HOUR * (each + 90) / 90, 2 + each % 2) for each in range(1990)]
            return an_edition({"3": pieces}, now, now + 48 * HOUR, DEPARTMENT)
        case _:
            windows = [(now, now + 5 * HOUR + timedelta(minutes=number % 600), 2 + number // 5 % 2)]
            return an_edition(dict.fromkeys("123456789", windows), now, now + 48 * HOUR, DEPARTMENT)


def _wide(now: datetime) -> bytes:
    """Seventy thousand departments, ours among them."""
    document = json.loads(an_edition({}, now, now + 48 * HOUR, DEPARTMENT))
    [period] = document["product"]["periods"]
    period["timelaps"]["domain_ids"] += [
        {"domain_id": f"x{each}", "max_color_id": 1, "phenomenon_items": []} for each in range(70_000)
    ]
    return json.dumps(document).encode()


def flood(number: int | None) -> bytes:
    """An edition of Vigicrues that is calm, or hostile in one of five ways, as the map is."""
    now = datetime.now(UTC)
    if number is None:
        return feed_of(calm())
    match number % 5:
        case 0:
            return b'{"features": ' + b"[" * 4_000_000
        case 1:
            return b'{"features": [{"properties": {"CdEntCru": "GA6", "NivInfViCr": ' + b"9" * 4_000_000 + b"}}]}"
        case 2:
            return a_geojson({f"X{each}": 4 for each in range(30_000)} | {"GA6": 3}, now)
        case 3:
            return feed_of(*(entry("GA6", "e\u0301\u0323" * 200, now, guid=f"{each}") for each in range(800)))
        case _:
            # Nothing red: what is called are Extremes of the bench alone.
            return an_rss({"GA6": 2 + number // 5 % 2, "TL3": 2 + number // 10 % 2}, now)


def air(number: int | None) -> bytes:
    """Atmo France's episodes: none, or hostile in one of five ways."""
    today = datetime.now(UTC).date()
    if number is None:
        return episodes()
    match number % 5:
        case 0:
            return b'{"features": ' + b"[" * 4_000_000
        case 1:
            return b'{"features": [{"properties": {"code_pol": ' + b"9" * 4_000_000 + b"}}]}"
        case 2:
            return episodes(*(row("O3", f"{today}", ALERTED, lib_zone=f"Zone {each}") for each in range(20_000)))
        case 3:
            marks = "e\u0301\u0323" * 400
            return episodes(*(row(marks, marks, marks, lib_zone="Zone", date_dif=marks) for _ in range(300)))
        case _:
            days = [f"{today + timedelta(days=each)}" for each in range(1 + number // 5 % 7)]
            return episodes(*((each, day, ALERTED) for day in days for each in CODES))


def transit(number: int | None) -> bytes:
    """A dataset of public transport: without an alert, or hostile in one of five ways."""
    if number is None:
        return VERSION
    match number % 5:
        case 0:
            return VERSION + field(2, field(1, b"1") + field(5, b"\x0a\x00" * 4_000_000))
        case 1:
            return VERSION + b"\x12\x00" * 4_000_000
        case 2:
            return VERSION + b"".join(_disruption(each, "e\u0301\u0323" * 1_200) for each in range(1_000))
        case 3:
            return VERSION + b"".join(_disruption(each, f"{number} {each} a") for each in range(50_001))
        case _:
            return VERSION + b"".join(_disruption(each, f"Ligne {each} : {number}, {each}") for each in range(100))


def _disruption(number: int, words: str) -> bytes:
    """An alert of those words, with periods that overlap with no other's where there are few."""
    said = field(10, field(1, field(1, words.encode())))
    spans = _spans() if number < 1_000 else b""
    return field(2, field(1, b"%d" % number) + field(5, spans + field(1, b"\x08\x01") + said))


@functools.cache
def _spans() -> bytes:
    return b"".join(field(1, b"\x08" + varint(start) + b"\x10" + varint(start + 1)) for start in range(2, 60))


def works(number: int | None) -> bytes:
    """The works on the roads of a country: none, or 100 MB of DATEX II, of which twenty are the town's, and new."""
    if number is None:
        return b"<incidents/>"
    near = "".join(_situation(f"{number}-{each}", "45.5", "5.5") for each in range(20))
    return f"{_DATEX}{near}".encode() + _far() + b"</payload></messageContainer>"


_DATEX = '<messageContainer xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><payload>'


@functools.cache
def _far() -> bytes:
    made = b"".join(_situation(f"far-{each}", "48.5", "2.5").encode() for each in range(1000))
    return made * (COUNTRY // len(made))


def _situation(name: str, latitude: str, longitude: str) -> str:
    return (
        f'<situation id="{name}"><situationRecord xsi:type="MaintenanceWorks"><roadName><value>D524</value></roadName>'
        f"<overallStartTime>2026-11-26T08:00:00Z</overallStartTime><latitude>{latitude}</latitude>"
        f"<longitude>{longitude}</longitude><generalPublicComment><comment><values><value lang='fr'>{name}</value>"
        "</values></comment></generalPublicComment></situationRecord></situation>"
    )


def replies(path: str, number: int | None) -> bytes:
    """What Mastodon, Bluesky or a room of Matrix lists below a post: nothing, or a storm in one of four shapes."""
    if path.startswith("/api/v1/statuses/") and path.endswith("/context"):
        said = _storm(_statuses, number).replace(_ROOT.encode(), path.split("/")[4].encode())
        return b'{"ancestors": [], "descendants": %b}' % said
    if "getPostThread" in path:
        return b'{"thread": {"post": {"uri": "at://did:plc:town/p/1"}, "replies": %b}}' % _storm(_below, number)
    if path.startswith("/_matrix/") and "/messages" in path:
        return b'{"chunk": %b, "end": "%d"}' % (_storm(_events, number), number or 0)
    return b'{"id": "1", "did": "did:plc:town", "user_id": "@town:x", "posts": []}'


def _storm(made: Callable[[int], list[object]], number: int | None) -> bytes:
    """What is said, under ids that nobody has seen."""
    return b"[]" if number is None else _made(made, number % 4).replace(_NEW.encode(), str(number).encode())


@functools.cache
def _made(made: Callable[[int], list[object]], shape: int) -> bytes:
    return json.dumps(made(shape), ensure_ascii=False).encode()


def _words(number: int, length: int) -> str:
    """A stranger's words of that length: tags without an end, marks, names of others, or a question drawn out."""
    unit = ("<p><b>&lt;", "e" + "\u0301\u0323" * 40, "@a.b-c@d.e ", "L’eau est-elle potaaable ? ")[number % 4]
    return f"{_NEW} {number} {unit * (length // len(unit))}"


def _statuses(shape: int) -> list[object]:
    """Four thousand in one chain, three hundred that are long, one circle, or what has no status's shape."""
    many, length = ((4_090, 60), (250, 20_000), (2_000, 600), (2_000, 200))[shape]
    first = f"{_NEW}-{many - 1}" if shape == 2 else _ROOT
    return [
        {
            "id": f"{_NEW}-{each}",
            "in_reply_to_id": f"{_NEW}-{each - 1}" if each and shape % 2 == 0 else first,
            "created_at": datetime.now(UTC).isoformat(),
            "content": _words(each, length),
            "account": [{}] * 9 if shape == 3 and each % 2 else {"id": f"{each}", "acct": "a" * 300},
            "language": {"a": 1} if shape == 3 else "fr",
        }
        for each in range(many)
    ]


def _below(shape: int) -> list[object]:
    """Three thousand beside one another, a chain as deep as can be read, two hundred long ones, or odd shapes."""
    if shape == 1:
        deep: list[object] = []
        for each in range(300):
            deep = [_post(each, 600, deep)]
        return deep
    if shape == 3:
        return [[], 7, None, "x" * 100_000, *(_post(each, 60, {"a": [each]}) for each in range(3_000))]
    return [_post(each, 200) for each in range(3_000)] if shape == 0 else [_post(each, 20_000) for each in range(200)]


def _post(each: int, length: int, below: object = ()) -> dict[str, object]:
    uri, at = f"at://did:plc:{each}/app.bsky.feed.post/{_NEW}", datetime.now(UTC).isoformat()
    record = {"text": _words(each, length), "langs": [["fr"]] * 9}
    author = {"did": f"did:plc:{each}", "displayName": "A" * 600}
    return {"post": {"uri": uri, "indexedAt": at, "author": author, "record": record}, "replies": below}


def _events(shape: int) -> list[object]:
    """A page of a room: a hundred events of 60,000 characters."""
    at = int(datetime.now(UTC).timestamp() * 1000)
    said = [_words(shape + each, 60_000) for each in range(100)]
    return [
        {"event_id": f"${_NEW}-{each}", "origin_server_ts": at, "content": {"body": words}}
        for each, words in enumerate(said)
    ]


@dataclass(frozen=True, slots=True)
class HostileAnswer:
    """An answer to whatever was asked: its bytes `pause` seconds apart; `more` of them are promised than come."""

    status: int
    body: bytes
    headers: Mapping[str, str] = datafield(default_factory=dict)
    pause: float = 0.0
    more: int = 0


@functools.cache
def answers() -> tuple[HostileAnswer, ...]:
    """Return what a platform or a feed's server says in turn, whatever was asked: all that is read, slowly, or cut."""
    posts = [{"id": str(each), "text": "é" * 100, "created_at": "2026-11-25T12:00:00Z"} for each in range(5_400)]
    meta = {"meta": {"next_token": "again"}, "paging": {"cursors": {"after": "again"}, "next": "x"}, "cursor": "again"}
    packed = {"Content-Encoding": "gzip"}
    return (
        HostileAnswer(200, json.dumps({"data": posts, "records": posts, "chunk": posts[:100], **meta}).encode()),
        HostileAnswer(200, b"<html>" + b"<p>" * 2_600_000),
        HostileAnswer(200, gzip.compress(bytes(10_000_000), 1) * 100, packed),
        HostileAnswer(200, b'{"a": "' + b"b" * 40, pause=0.25),
        HostileAnswer(200, b"<html>" + b"<p>" * 33_000),
        HostileAnswer(200, b"[" * 250_000),
        HostileAnswer(200, b'{"id": "' + b"9" * 60_000, more=9),
        HostileAnswer(200, b'{"error": {"code": 1, "message": "' + b"x" * 60_000 + b'"}}'),
        HostileAnswer(500, b'{"error": "' + b"y" * 250_000 + b'"}', {"Retry-After": "9" * 5_000}),
    )


A_YEAR = HostileAnswer(429, b"{}", {"Retry-After": str(366 * 86_400)})
"""To wait a year: told to one of a hundred, since who is told it asks no more that day."""


def broker(given: Mapping[str, str]) -> None:
    """A broker; says its port first."""
    asyncio.run(_serve(Path(given["mode"])))


async def _serve(mode: Path) -> None:
    count = itertools.count()

    def is_hostile() -> bool:
        return mode.read_text() == "broker"

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await _packet(reader)
            writer.write(_CONNACK)
            if not is_hostile():
                await _take(reader, writer)
            elif next(count) % 2:
                await _flood(writer)
            else:
                await reader.read()
        writer.close()

    server = await asyncio.start_server(converse, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def mailbox(given: Mapping[str, str]) -> None:
    """A mailbox; says its port first."""
    asyncio.run(_hold(Path(given["mode"]), given["password"]))


async def _hold(mode: Path, password: str) -> None:
    box = Mailbox(password=password)

    def look() -> None:
        # Those before are gone: of too many the newest count.
        box.mails.clear()
        for mail in mails(box.next) if mode.read_text() == "mailbox" else ():
            box.mails[box.next] = datetime.now(UTC), mail
            box.next += 1

    async with serving(box, look=look):
        print(box.port, flush=True)
        await asyncio.Event().wait()


def mails(number: int) -> list[bytes]:
    """Three mails that count, of 50 MB, of nested parts and of HTML; then 10,000 of strangers and in others' names."""
    names = ("x@evil.example", f"a@eaux.example{_BRACKETS}")
    strange, forged = (_mail(number, f"From: {name}\r\n", "") for name in names)
    large = _mail(number, _COUNTS, "\r\nRue Haute\r\n" + _MEGABYTE * 50)
    nested = "".join(f"Content-Type: multipart/mixed; boundary=b{each}\r\n\r\n--b{each}\r\n" for each in range(9_000))
    markup = "Content-Type: text/html\r\n\r\n" + "<table><tr><td><style>" * 20_000
    ours = (_mail(number + each, _COUNTS, words) for each, words in ((1, nested), (2, markup)))
    return [large, *ours, *[strange, forged] * 5_000]


_BRACKETS = "(" * 15_000 + ")" * 15_000
_MEGABYTE = ("x" * 1022 + "\r\n") * 1024
_COUNTS = (
    f"Authentication-Results: {AUTHORITY}; dkim=pass header.d=eaux.example\r\n"
    "DKIM-Signature: d=eaux.example; h=from:subject\r\nFrom: a@eaux.example\r\n"
)


def _mail(number: int, head: str, rest: str) -> bytes:
    return f"{head}Subject: Rue {number}\r\nMessage-ID: <{number}@eaux.example>\r\n{rest or chr(13) + chr(10)}".encode()


async def _take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Acknowledge what comes, until the client takes leave."""
    while (packet := await _packet(reader))[0] >> 4 != _DISCONNECT:
        kind, words = packet[0] >> 4, packet[1:]
        if kind == _PUBLISH:
            length = int.from_bytes(words[:2])
            writer.write(_PUBACK + words[2 + length : 4 + length])
        elif kind == _PINGREQ:
            writer.write(_PINGRESP)


async def _flood(writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(_SENSELESS)
        await writer.drain()
        await asyncio.sleep(1 / _FLOODED)


async def _packet(reader: asyncio.StreamReader) -> bytes:
    """One packet: its first byte, and what it holds, whose length is told in up to four bytes of seven bits."""
    head, length, shift = await reader.readexactly(1), 0, 0
    while True:
        [more] = await reader.readexactly(1)
        length |= (more & 0x7F) << shift
        shift += 7
        if not more & 0x80:
            return head + await reader.readexactly(length)
