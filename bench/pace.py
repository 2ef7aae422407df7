"""Sustained posts, ten at a time through one lane and our Facebook channel, against a bare client."""

from __future__ import annotations

import asyncio
import itertools
import json
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from alerts.channels.facebook.channel import Facebook
from alerts.channels.settings import FacebookSettings
from alerts.model.ports import Resources, SystemClock
from alerts.model.town import Server
from bench.loopback import loopback
from bench.measure import Row
from bench.outbox import CHANNEL, WORDS, Town, town

AT_ONCE = 10
BARE, POSTS, ROUNDS = 600, 60, 12


def measure() -> Iterator[Row]:
    """Posts a second, and the CPU of each, from one run."""
    with loopback() as url, tempfile.TemporaryDirectory(prefix="tocsin-bench-") as folder:
        (Path(folder) / "token").write_text("token")
        rates, cpus = asyncio.run(sustained(url, Path(folder)))
        yield Row("sustained posts a second, ten at a time, bare client", *rates, "/s", goal=0.15, at_least=True)
        yield Row("CPU of a durable post, bare request", *cpus, "s", goal=8)


Figures = tuple[list[float], list[float]]
"""Samples of the bare client, and of ours."""


async def sustained(url: str, folder: Path, server: Server | None = None) -> tuple[Figures, Figures]:
    """Posts a second, and the CPU seconds of each; over a file, or at a server."""
    async with aiohttp.ClientSession() as session:
        channel = Facebook(CHANNEL, _settings(url), _resources(session, folder))
        async with town(channel, AT_ONCE, server) as here:
            await _ours(here)
            taken = [(await _bare(session, url), await _ours(here)) for _ in range(ROUNDS)]
    bare, ours = zip(*taken, strict=True)
    rates = [each.rate for each in bare], [each.rate for each in ours]
    cpus = [each.cpu for each in bare], [each.cpu for each in ours]
    return rates, cpus


@dataclass(frozen=True, slots=True)
class Taken:
    """Posts a second, and the CPU seconds of each in all threads."""

    rate: float
    cpu: float

    @classmethod
    def since(cls, began: float, cpu: float, posts: int) -> Taken:
        """What `posts` posts took since those two clocks."""
        return cls(posts / (time.perf_counter() - began), (time.process_time() - cpu) / posts)


async def _ours(here: Town) -> Taken:
    began, cpu = time.perf_counter(), time.process_time()
    await here.post_many(POSTS, AT_ONCE)
    return Taken.since(began, cpu, POSTS)


async def _bare(session: aiohttp.ClientSession, url: str) -> Taken:
    began, cpu = time.perf_counter(), time.process_time()
    left = itertools.repeat(None, BARE)

    async def one_after_the_other() -> None:
        for _ in left:
            async with session.post(f"{url}/feed", data=json.dumps({"message": WORDS})) as answer:
                json.loads(await answer.read())

    await asyncio.gather(*(one_after_the_other() for _ in range(AT_ONCE)))
    return Taken.since(began, cpu, BARE)


def _settings(url: str) -> FacebookSettings:
    token = {"file": "token"}
    return FacebookSettings.model_validate(
        {"kind": "facebook", "api_url": url, "page_id": "1234567890", "token": token}
    )


def _resources(session: aiohttp.ClientSession, folder: Path) -> Resources:
    async def remember(_: str, __: str) -> None:
        """Nothing is kept."""

    return Resources(session, SystemClock(), folder, lambda _: None, remember)
