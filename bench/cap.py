"""CAP: a message to a checked alert, and an index of ten thousand entries, against lxml's bare tree of the same."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

from lxml import etree

from alerts.sources.cap.index import read_index
from alerts.sources.cap.message import read_message
from bench import samples
from bench.measure import Row, compare

ZONE = ZoneInfo("Europe/Paris")
REAL = Path(__file__).resolve().parents[2] / "shared" / "data" / "feeds" / "cap"
"""Real messages, where a checkout has them beside it."""
LARGEST = 12_000
ENTRIES = 10_000
LONGEST_HOLD = 0.05
"""Seconds for which the event loop may be held."""


def measure() -> Iterator[Row]:
    """Three rows, and one more where real messages are at hand."""
    yield _messages("CAP message to alert, lxml tree", samples.messages())
    real = [body for file in sorted(REAL.glob("*.xml")) if len(body := file.read_bytes()) < LARGEST]
    if real := [body for body in real if b"<polygon" not in body]:
        yield _messages("CAP message to alert, real ones", real)
    yield from _index()


def _messages(what: str, bodies: list[bytes]) -> Row:
    def floor() -> None:
        for body in bodies:
            etree.fromstring(body)

    def ours() -> None:
        for body in bodies:
            read_message(body, zone=ZONE)

    return compare(what, floor, ours, goal=3.5, times=10)


def _index() -> Iterator[Row]:
    body = samples.index(ENTRIES)

    def ours() -> object:
        return read_index(body, "application/atom+xml", "https://meteo.example/index.atom", zone=ZONE)

    yield compare("index of 10,000 entries, lxml tree", lambda: etree.fromstring(body), ours, goal=3, times=1)
    holds = [asyncio.run(_longest_hold(ours)) for _ in range(5)]
    yield Row("event loop held meanwhile, 50 ms", [LONGEST_HOLD], holds, "s", goal=1)


async def _longest_hold(work: Callable[[], object]) -> float:
    """For how long the loop didn't run while the index was read in its thread."""
    done = asyncio.create_task(asyncio.to_thread(work))
    longest = 0.0
    while not done.done():
        began = time.perf_counter()
        await asyncio.sleep(0.001)
        longest = max(longest, time.perf_counter() - began - 0.001)
    await done
    return longest
