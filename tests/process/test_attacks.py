"""Attacks on a running daemon: whatever strangers do, an alert leaves."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.process.town import STATION, TELEGRAM
from tests.release import at_release

pytestmark = pytest.mark.process
FILES = 400
HALF = b"GET / HTTP/1.1\r\nHost: town\r\nX-Slow: "


@contextlib.contextmanager
def half_sent(url: str, connections: int, addresses: int = 1) -> Iterator[None]:
    """So many requests that never end, from so many addresses; who is turned away comes again at once."""
    where = urlsplit(url)
    held: list[socket.socket] = []
    try:
        with contextlib.suppress(OSError):  # where nobody answers any more, the attack has what it wants
            for number in range(connections):
                here = (f"127.0.2.{number % addresses + 1}", 0)
                held.append(socket.create_connection((where.hostname, where.port), 2, source_address=here))
                held[-1].sendall(HALF)
        yield
    finally:
        for each in held:
            each.close()


@pytest.mark.parametrize("addresses", [1, *at_release([50])])
def test_half_sent_requests_leave_files_to_what_sends(town, addresses):
    town.configure(TELEGRAM, station=STATION + "per_address = 100\n")
    daemon = town.start_daemon(files=FILES)

    with half_sent(daemon.url, 2 * FILES, addresses):
        began = time.monotonic()
        town.post("Rupture de digue", "--severity", "Extreme", "--urgency", "Immediate")
        town.until(lambda: town.timelines()["telegram"])
        taken = time.monotonic() - began
        town.ask("/healthz", base=daemon.url)

    assert taken < 30, "without places, nothing left for 45 seconds"
    busy = [line for line in daemon.lines if "out of system resource" in line]
    assert not busy, "accept() found no file"
