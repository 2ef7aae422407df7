"""A platform that costs next to nothing: `python -m bench.loopback` answers every request with the same bytes.

It runs in a process of its own, prints its port and ends with its standard input.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator

_MESSAGE = {"message_id": 1, "date": 1_764_000_000, "chat": {"id": -1001, "type": "channel"}, "text": "."}
_BODY = json.dumps({"ok": True, "result": _MESSAGE, "id": "1234567890_1"}).encode()
"""What Telegram and Facebook both take for a post that is out."""
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(_BODY), _BODY)
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_HEAD_ENDS = b"\r\n\r\n"


class Answering(asyncio.Protocol):
    """Reads requests to their end and answers each."""

    def __init__(self) -> None:
        self._read = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep where the answers go."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer every request that is whole."""
        self._read += data
        while (head := self._read.find(_HEAD_ENDS)) >= 0:
            length = _LENGTH.search(self._read, 0, head)
            end = head + len(_HEAD_ENDS) + (int(length[1]) if length else 0)
            if len(self._read) < end:
                return
            self._read = self._read[end:]
            self._transport.write(_ANSWER)


async def serve(protocol: Callable[[], asyncio.Protocol]) -> None:
    """Serve until standard input ends."""
    server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    server.close()


@contextlib.contextmanager
def loopback() -> Iterator[str]:
    """The address of such a server, in a process of its own."""
    with serving("bench.loopback") as port:
        yield f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def serving(module: str, *arguments: str) -> Iterator[int]:
    """The port at which that module serves, as a program of its own."""
    command = [sys.executable, "-m", module, *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.communicate("")


if __name__ == "__main__":
    asyncio.run(serve(Answering))
