"""What a hostile site, weather service or broker says: each time something new, and more than anybody has to take.

The site's feed and the map of the Vigilance are answers to be served (`bench.attackers`); the broker is a server of its
own, which takes what it is told until the file `mode` says that it is hostile. Every other connection is then told
nothing more after the greeting, and every other one is told what nobody asked for, without end.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.vigilance_pages import an_edition

DEPARTMENT = "38"
HOUR = timedelta(hours=1)
_CONNACK, _PUBACK, _PINGRESP = bytes([0x20, 2, 0, 0]), bytes([0x40, 2]), bytes([0xD0, 0])
_PUBLISH, _PINGREQ, _DISCONNECT = 3, 12, 14
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
