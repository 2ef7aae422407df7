"""A broker on loopback: a real one (mosquitto) behind a gate that knows the password, and fails as networks do."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import threading
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import aiomqtt
import pytest

from campaign.running import free_port

T = TypeVar("T")
USER = "tocsin"
_PATHS = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"))
MISSING = "needs mosquitto, a broker that the tests run themselves; Debian's package of that name has it"
_CONNECT, _CONNACK, _PUBLISH, _PUBACK = 1, 0x20, 3, 4
_UNAVAILABLE, _BAD_PASSWORD, _NOT_AUTHORIZED = 3, 4, 5
UNASKED = bytes([_PUBLISH << 4, 9, 0, 4]) + b"/all" + b"..."
"""A message to who subscribed to nothing."""
_SETTINGS = """
listener 0 {socket}
allow_anonymous true
user root
persistence false
connection_messages false
log_dest stderr
"""


@dataclass(frozen=True)
class Said:
    """One message that the broker acknowledged."""

    topic: str
    words: bytes
    retained: bool

    @property
    def told(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.words or b"{}")
        return found


class Broker:
    """Lets in who knows the password. `does` is what it does otherwise, for so many times as `times` says (0: always).

    "refuse" (the login), "busy", "hang" (nothing is acknowledged), "speaks" (nor is it there: it says what nobody asked
    for), "cut_before" and "cut_after" (the broker has it).
    """

    def __init__(self, password: str) -> None:
        self.password = password
        self.taken: list[Said] = []
        self.connections = 0
        self.does = ""
        self.times = 0
        # Bound again after it was away: meanwhile the system must have given it to nobody.
        self.port = free_port()
        self._folder = TemporaryDirectory(prefix="mqtt")
        self._socket = str(Path(self._folder.name) / "broker")
        self._real: asyncio.subprocess.Process | None = None
        self._gate: asyncio.Server | None = None
        self._open: set[asyncio.Task[None]] = set()

    async def start(self) -> Broker:
        """Start it, or skip the test where there is none."""
        program = shutil.which("mosquitto", path=_PATHS)
        if program is None:
            pytest.skip(MISSING)
        settings = Path(self._folder.name) / "mosquitto.conf"
        settings.write_text(_SETTINGS.format(socket=self._socket))
        told = asyncio.subprocess.PIPE
        self._real = await asyncio.create_subprocess_exec(program, "-c", str(settings), stderr=told)
        assert self._real.stderr is not None
        lines = []
        while b"running" not in (line := await self._real.stderr.readline()):
            lines.append(line)
            assert line, b"".join(lines).decode()
        await self.come_back()
        return self

    async def stop(self) -> None:
        await self.go()
        if self._real is not None:
            # It says "running" a moment before it listens to a polite end, and it keeps nothing that could be lost.
            self._real.kill()
            await self._real.communicate()
        self._folder.cleanup()

    async def go(self) -> None:
        """Be unreachable; what it knows it keeps, as a broker with a disk does."""
        if self._gate is not None:
            self._gate.close()
        for each in tuple(self._open):
            each.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def come_back(self) -> None:
        self._gate = await asyncio.start_server(self._serve, "127.0.0.1", self.port)

    def set(self, does: str = "", times: int = 0) -> None:
        self.does, self.times = does, times

    async def standing(self, topic: str = "#") -> dict[str, dict[str, Any]]:
        """What a panel that is switched on now is told, by topic."""
        found = {}
        async with aiomqtt.Client(self._socket, transport="unix") as panel:
            await panel.subscribe(topic, qos=1)
            # What is retained comes before the answer to what is said after.
            await panel.subscribe("end/of/it", qos=1)
            await panel.publish("end/of/it", b"{}", qos=1)
            async for message in panel.messages:
                if str(message.topic) == "end/of/it":
                    break
                found[str(message.topic)] = json.loads(message.payload)
        return found

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        self.connections += 1
        with contextlib.suppress(asyncio.IncompleteReadError, OSError, asyncio.CancelledError):
            await self._converse(reader, writer)
        self._open.discard(task)
        writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        hello = await _packet(reader)
        refused = self._refusal(hello)
        if refused:
            writer.write(bytes([_CONNACK, 2, 0, refused]))
            await writer.drain()
            return
        there, back = await asyncio.open_unix_connection(self._socket)
        back.write(hello)
        pending: list[Said] = []
        ways = [
            asyncio.ensure_future(self._to_broker(reader, back, writer, pending)),
            asyncio.ensure_future(self._to_client(there, writer, pending)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            back.close()
            for each in ways:
                each.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    def _refusal(self, hello: bytes) -> int:
        fault = self._fault("refuse", "busy")
        if fault:
            return _NOT_AUTHORIZED if fault == "refuse" else _UNAVAILABLE
        if hello[0] >> 4 != _CONNECT or self.password.encode() not in hello:
            return _BAD_PASSWORD
        return 0

    async def _to_broker(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        client: asyncio.StreamWriter,
        pending: list[Said],
    ) -> None:
        while True:
            packet = await _packet(reader)
            if packet[0] >> 4 == _PUBLISH:
                fault = self._fault("hang", "speaks", "cut_before", "cut_after")
                if fault == "cut_before":
                    return
                if fault == "speaks":
                    client.write(UNASKED)
                if fault in ("hang", "speaks"):
                    await asyncio.Event().wait()
                pending.append(_said(packet, cut=fault == "cut_after"))
            writer.write(packet)

    async def _to_client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, pending: list[Said]) -> None:
        while True:
            packet = await _packet(reader)
            if packet[0] >> 4 == _PUBACK:
                said = pending.pop(0)
                self.taken.append(said)
                if isinstance(said, _Cut):
                    return
            writer.write(packet)
            await writer.drain()

    def _fault(self, *kinds: str) -> str:
        does = self.does if self.does in kinds else ""
        if does and self.times:
            self.times -= 1
            self.does = self.does if self.times else ""
        return does


@contextlib.contextmanager
def running(broker: Broker) -> Iterator[Callable[[Coroutine[Any, Any, T]], T]]:
    """Have it answer in a thread of its own, for whoever waits without a loop: by what this gives, they ask it."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    def ask(question: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(question, loop).result(60)

    try:
        ask(broker.start())
        yield ask
    finally:
        ask(broker.stop())
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


def is_missing() -> bool:
    """Whether there is no broker on this machine."""
    return shutil.which("mosquitto", path=_PATHS) is None


class _Cut(Said):
    """What was acknowledged, and nobody was told."""


def _said(packet: bytes, *, cut: bool) -> Said:
    at = 1
    while packet[at] & 0x80:
        at += 1
    at += 1
    length = int.from_bytes(packet[at : at + 2])
    topic = packet[at + 2 : at + 2 + length].decode()
    words = packet[at + 2 + length + (2 if packet[0] & 0x06 else 0) :]
    return (_Cut if cut else Said)(topic, words, bool(packet[0] & 0x01))


async def _packet(reader: asyncio.StreamReader) -> bytes:
    """One packet whole: its first byte, its length in up to four bytes of seven bits, and what it holds."""
    head = await reader.readexactly(1)
    length, shift = 0, 0
    while True:
        more = await reader.readexactly(1)
        head += more
        length |= (more[0] & 0x7F) << shift
        shift += 7
        if not more[0] & 0x80:
            return head + await reader.readexactly(length)
