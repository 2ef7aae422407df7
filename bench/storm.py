"""A storm: 200 alerts in a minute, each posted by a program, approved by another, called on three channels.

Daemon and sandbox are processes. What counts is the CPU that the daemon takes for one alert, in all its threads: the
two requests, the three posts, and the public pages that change with each. The first `TAKEN` alerts and the last are
paced as the storm is, and measured; those between come as fast as they are taken in, so that the row takes half a
minute. What the last ones cost by what the first ones do says whether an alert's cost grows with the alerts of the day.
"""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench.bare import Bare
from bench.loopback import loopback
from bench.measure import Row
from bench.process import cpu_of
from tests.process.town import PAGE, TELEGRAM, Town, X, town_in

STORM, WITHIN = 200, 60.0
"""Alerts, and the seconds in which they come."""
TAKEN = 40
"""Alerts at the beginning and at the end that are measured."""
SETTLED = 1.0
"""Seconds after the last one until its pages are made."""
BARE, ROUNDS = 40, 5
UNPACED = 'limits = ["100000/1m"]\nreserve = 0\n'
CHANNELS = tuple(channel + UNPACED for channel in (X, PAGE, TELEGRAM))
PLATFORMS = {"twitter": "/tweets", "facebook": "/feed", "telegram": "/sendMessage"}
"""What each platform calls a post."""
EVENTS = ("Vent violent", "Orage", "Crue", "Verglas", "Arbre tombé", "Coupure d’électricité")
SOURCES = '\n[sources.manual]\npublish = "approve"\n'


@dataclass(frozen=True, slots=True)
class Part:
    """What some alerts of a storm took: CPU seconds of each, seconds from its approval to its last channel's call."""

    cpu: float
    called: list[float]


def measure() -> Iterator[Row]:
    """Three rows from one storm."""
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as folder:
        for town in town_in(Path(folder)):
            floor = _floor(Path(folder))
            first, last = _storm(town)
    whole = statistics.mean((first.cpu, last.cpu))
    yield Row("CPU of an alert in a storm; 3 requests + commit", floor, [whole], "s", goal=25)
    yield Row("the same, the last ones; the first ones", [first.cpu], [last.cpu], "s", goal=1.5)
    called = first.called + last.called
    half, late = statistics.median(called), statistics.quantiles(called, n=100)[-1]
    yield Row("approved to called on all three, p99; p50", [half], [late], "s", goal=10)


def _floor(folder: Path) -> list[float]:
    """CPU seconds of one raw commit and three bare requests with their answers."""
    with loopback() as url:
        return asyncio.run(_bare(Bare(folder / "floor.db", url)))


async def _bare(bare: Bare) -> list[float]:
    taken = []
    for _ in range(ROUNDS):
        began = time.process_time()
        for _ in range(BARE):
            await bare.commit_and_request(len(CHANNELS))
        taken.append((time.process_time() - began) / BARE)
    await bare.close()
    return taken


def _storm(town: Town) -> tuple[Part, Part]:
    town.start_sandbox("--no-limits")
    town.configure("".join(CHANNELS), SOURCES)
    daemon = town.start_daemon()
    with contextlib.ExitStack() as stack:
        author, approver = (
            stack.enter_context(contextlib.closing(Program(daemon.url, token_of(town, name, role))))
            for name, role in (("station", "author"), ("garde", "approver"))
        )
        storm = Storm(town, daemon.pid, author, approver)
        storm.part(1)
        first = storm.part(TAKEN, WITHIN / STORM)
        storm.part(STORM - 2 * TAKEN)
        return first, storm.part(TAKEN, WITHIN / STORM)


def token_of(town: Town, name: str, role: str) -> str:
    """The token of a new program."""
    return str(town.objects("token", "add", name, "--role", role)[0]["token"])


class Program:
    """A program with a bearer token, on one connection."""

    def __init__(self, url: str, token: str) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=20)
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def ask(self, path: str, wish: object, **headers: str) -> Any:
        """What is answered to this wish; it has to be granted."""
        self._connection.request("POST", f"/api/v1{path}", json.dumps(wish), self._headers | headers)
        answer = self._connection.getresponse()
        said = answer.read()
        assert answer.status < 300, (answer.status, said)
        return json.loads(said)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


@dataclass
class Storm:
    """One that goes on over a running town."""

    town: Town
    daemon: int
    author: Program
    approver: Program
    sent: int = field(default=0)

    def part(self, alerts: int, every: float = 0) -> Part:
        """So many more alerts, one every so many seconds, until all are called and their pages are made."""
        took, approved, began = cpu_of(self.daemon), [], time.monotonic()
        for number in range(alerts):
            time.sleep(max(began + number * every - time.monotonic(), 0))
            approved.append(self._alert(self.sent + number))
        calls = self._calls(alerts)
        time.sleep(SETTLED)
        took = cpu_of(self.daemon) - took
        return Part(took / alerts, [max(at) - since for since, at in zip(approved, calls, strict=True)])

    def _alert(self, number: int) -> float:
        """Post and approve one; returns when it was approved."""
        event = EVENTS[number % len(EVENTS)]
        wish = {
            "headline": f"{event}, secteur {number}",
            "description": "Les rafales atteindront 110 km/h sur les crêtes et 90 km/h en vallée.",
            "instruction": "Rentrez le mobilier de jardin. Ne marchez pas sous les arbres.",
            "event": f"{event} {number}",
            "severity": "Severe",
        }
        posted = self.author.ask("/alerts", wish)
        began = time.time()
        self.approver.ask(f"/alerts/{posted['alert']}/approve", {"again": True})
        return began

    def _calls(self, alerts: int) -> list[list[float]]:
        """When each of these alerts was called on each channel, in the order of posting."""
        self.town.until(lambda: all(len(self._called(name)) >= self.sent + alerts for name in PLATFORMS))
        first, self.sent = self.sent, self.sent + alerts
        return [list(at) for at in zip(*(self._called(name)[first:] for name in PLATFORMS), strict=True)]

    def _called(self, platform: str) -> list[float]:
        """When each post was called, in the order of posting: a lane sends them in it."""
        path = PLATFORMS[platform]
        return sorted(each["at"] for each in self.town.requests(platform) if each["path"].endswith(path))
