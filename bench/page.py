"""The town's page on one core while alerts change each second, against the barest handler of the same bytes.

The load comes from wrk (Debian's package), which leaves the server's core alone.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator

from bench.measure import Row, in_turn, skipped

SECONDS, ROUNDS = 4, 5
WRK = "wrk"
_RATE = re.compile(r"Requests/sec:\s+([\d.]+)")
_TROUBLE = re.compile(r"(Non-2xx or 3xx responses|Socket errors).*")


def measure() -> Iterator[Row]:
    """Requests a second; then those of clients that have the page already."""
    if shutil.which(WRK) is None:
        skipped("page", "wrk is missing (Debian's package wrk)")
        return
    with _server("floor") as floor, _server("ours") as ours:
        whole = in_turn(lambda: rate(floor), lambda: rate(ours), ROUNDS)
        yield Row("the town's page, one core, barest handler", *whole, "/s", goal=0.85, at_least=True)
        known = in_turn(lambda: rate(floor), lambda: rate(ours, "If-None-Match: *"), ROUNDS)
        yield Row("the same, not modified, barest handler", *known, "/s", goal=0.9, at_least=True)


def rate(url: str, *headers: str) -> float:
    """Requests a second, of 32 connections. Raises AssertionError where one failed."""
    asked = [word for header in headers for word in ("-H", header)]
    command = ["taskset", "-c", "1", WRK, "-t1", "-c32", f"-d{SECONDS}s", *asked, f"{url}/"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert not _TROUBLE.search(said), said
    found = _RATE.search(said)
    assert found, said
    return float(found[1])


@contextlib.contextmanager
def _server(side: str) -> Iterator[str]:
    command = [sys.executable, "-m", "bench.page_server", side]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.communicate("")
