"""Chats, browsers and telephones by the hundred thousand: a Bot API, a push service and an SMS provider that count.

The sandbox keeps every message with all that a test may ask of it, which takes half a millisecond and a kilobyte each.
This one keeps a byte for each recipient and text. It runs in a thread of its own; each answer takes `takes` seconds, so
that some messages are always under way. Browsers have the keys of one machine, and read what they are brought; they are
of several push services, since one that is slow for a moment is left alone.
"""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, cast

from campaign.filling import FIRST
from tocsin_sandbox.push import Browser, PushService, opened

TAKES = 0.01
"""Seconds from a message's arrival to its answer."""
SERVICES = 12
"""How many push services there are: the same server, each at a port of its own."""
_POLLED = 5.0
_HEAD_ENDS = b"\r\n\r\n"
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_CALL = re.compile(rb"POST /(?:bot[^/ ]+/(\w+)|wpush/(\d+)|sms/v1/(campaigns))[ ?]")
_SEALED = {"Content-Encoding": "aes128gcm"}
_CHANNEL = {"id": -1001, "type": "channel", "title": "Saint-Martin"}
_BOT = {"id": 1234567, "is_bot": True, "first_name": "Tocsin", "username": "saintmartin_bot"}
_RESULTS: dict[str, object] = {"getUpdates": [], "getMe": _BOT, "getChat": _CHANNEL}
"""What calls are answered that bring nobody a message; any other is answered `true`."""
_TAKEN = b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"


@dataclass(slots=True)
class Heard:
    """How often each of `people` was told each text, in the order in which the texts first came.

    `late` are messages that came to somebody who had a newer text already.
    """

    people: int
    texts: list[str] = field(default_factory=list)
    times: list[bytearray] = field(default_factory=list)
    reached: list[int] = field(default_factory=list)
    messages: int = 0
    late: int = 0
    _newest: bytearray = field(default_factory=bytearray)

    def hear(self, person: int, text: str) -> None:
        """One message more."""
        if not self._newest:
            self._newest = bytearray(self.people)
        if text not in self.texts:
            self.texts.append(text)
            self.times.append(bytearray(self.people))
            self.reached.append(0)
        place = self.texts.index(text)
        self.messages += 1
        self.late += place < self._newest[person]
        self._newest[person] = max(place, self._newest[person])
        self.reached[place] += not self.times[place][person]
        self.times[place][person] = min(self.times[place][person] + 1, 255)

    def has(self, person: int, place: int) -> int:
        """How often that person was told the text at this place."""
        return self.times[place][person] if place < len(self.times) else 0

    def reached_by(self, place: int) -> int:
        """How many were told the text at this place."""
        return self.reached[place] if place < len(self.reached) else 0


class Receivers:
    """So many chats, browsers and telephones, from `start` to `stop`; `urls` are those of the push services.

    The first of them answers for Telegram and the SMS provider too.
    """

    def __init__(self, people: int) -> None:
        self.chats, self.browsers, self.telephones = Heard(people), Heard(people), Heard(people)
        self.urls: list[str] = []
        [self._browser] = PushService().subscribe(1)
        self._lines: set[asyncio.Transport] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._over = asyncio.Event()
        self._listening = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)

    def start(self) -> None:
        """Listen at a port of 127.0.0.1."""
        self._thread.start()
        self._listening.wait()

    def stop(self) -> None:
        """Listen no longer, and break whatever is connected."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._over.set)
            self._thread.join()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        line = partial(_Line, self._answer, self._lines)
        servers = [await self._loop.create_server(line, "127.0.0.1", 0, backlog=1024) for _ in range(SERVICES)]
        self.urls = [f"http://127.0.0.1:{each.sockets[0].getsockname()[1]}" for each in servers]
        self._listening.set()
        await self._over.wait()
        for server in servers:
            server.close()
        for each in list(self._lines):
            each.abort()
        await asyncio.sleep(0)

    @property
    def people(self) -> int:
        """How many chats there are, and browsers."""
        return self.chats.people

    @property
    def keys(self) -> dict[str, str]:
        """The keys that all browsers have."""
        keys: dict[str, str] = self._browser.subscription("")["keys"]
        return keys

    def _answer(self, call: str, browser: int | None, body: bytes) -> tuple[bytes, float]:
        if browser is not None:
            self.browsers.hear(browser, read_by(self._browser, body))
            return _TAKEN, TAKES
        if call == "campaigns":
            return self._texted(body), TAKES
        if not call.startswith(("send", "editMessage")):
            return _json(_RESULTS.get(call, True)), _POLLED if call == "getUpdates" else TAKES
        said = _said(body)
        chat = said.get("chat_id")
        if isinstance(chat, int) and chat >= FIRST:
            self.chats.hear(chat - FIRST, str(said.get("text")))
            return _json(_message(said.get("message_id"), {"id": chat, "type": "private"}, self.chats.messages)), TAKES
        return _json(_message(said.get("message_id"), _CHANNEL, 1)), TAKES

    def _texted(self, body: bytes) -> bytes:
        said: Any = json.loads(body)
        # The last line is how to leave, which is each one's own.
        text = said["body"]["text"].rpartition("\n")[0]
        self.telephones.hear(int(said["recipients"][0]["to"].removeprefix("336")), text)
        return _json({}).replace(b'{"ok": true, "result": {}}', b'{"campaignId": "000001"}  ')


def read_by(browser: Browser, body: bytes) -> str:
    """The words that a browser makes of a message's body."""
    return opened(browser, body, _SEALED)


def _said(body: bytes) -> dict[str, object]:
    try:
        said = json.loads(body)
    except ValueError:
        return {}  # a form, by which the channel's own posts come
    return said if isinstance(said, dict) else {}


def _message(edited: object, chat: dict[str, object], number: int) -> dict[str, object]:
    return {"message_id": edited if isinstance(edited, int) else number, "date": 1_764_000_000, "chat": chat}


def _json(result: object) -> bytes:
    body = json.dumps({"ok": True, "result": result}).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


class _Line(asyncio.Protocol):
    """A connection: each whole request is answered after its time."""

    def __init__(
        self, answer: Callable[[str, int | None, bytes], tuple[bytes, float]], lines: set[asyncio.Transport]
    ) -> None:
        self._answer = answer
        self._lines = lines
        self._read = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep where the answers go."""
        self._transport = cast("asyncio.Transport", transport)
        self._lines.add(self._transport)

    def connection_lost(self, _: Exception | None) -> None:
        """Nobody is answered here any more."""
        self._lines.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        """Take every request that is whole."""
        self._read += data
        while (head := self._read.find(_HEAD_ENDS)) >= 0:
            length = _LENGTH.search(self._read, 0, head)
            begins = head + len(_HEAD_ENDS)
            ends = begins + (int(length[1]) if length else 0)
            if len(self._read) < ends:
                return
            first, body, self._read = self._read[:head], self._read[begins:ends], self._read[ends:]
            called = _CALL.match(first)
            call, browser, texted = called.groups() if called else (b"", None, None)
            call = call or texted
            answer, takes = self._answer((call or b"").decode(), int(browser) if browser else None, body)
            asyncio.get_running_loop().call_later(takes, self._send, answer)

    def _send(self, answer: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(answer)
