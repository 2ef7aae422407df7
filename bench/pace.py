"""Sustained posts, ten at a time through one lane and our Facebook channel, against a bare client at the same server."""

from __future__ import annotations

import asyncio
import itertools
import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import aiohttp

from alerts.channels.facebook import Facebook
from alerts.channels.settings import FacebookSettings
from alerts.daemon.clock import SystemClock
from alerts.model.ports import Resources
from bench.loopback import loopback
from bench.measure import Row, in_turn_async
from bench.outbox import CHANNEL, WORDS, Town, town

AT_ONCE = 10
BARE, POSTS, ROUNDS = 1500, 150, 5


def measure() -> Iterator[Row]:
    """Posts a second, and the CPU of each, from one run."""
    with loopback() as url, tempfile.TemporaryDirectory(prefix="tocsin-bench-") as folder:
        (Path(folder) / "token").write_text("token")
        yield from asyncio.run(_measure(url, Path(folder)))


async def _measure(url: str, folder: Path) -> list[Row]:
    async with aiohttp.ClientSession() as session:
        channel = Facebook(CHANNEL, _settings(url), _resources(session, folder))
        async with town(channel, AT_ONCE) as here:
            taken = await in_turn_async(lambda: _bare(session, url), lambda: _ours(here), ROUNDS)
    walls = [[wall for wall, _ in map(_apart, side)] for side in taken]
    cpus = [[cpu for _, cpu in map(_apart, side)] for side in taken]
    rates = [[1 / wall for wall in side] for side in walls]
    return [
        Row("sustained posts a second, ten at a time, bare client", *rates, "/s", goal=0.10, at_least=True),
        Row("CPU of a durable post, bare request", *cpus, "s", goal=10),
    ]


class _Taken(float):
    """Wall seconds of one post, with its CPU seconds beside them."""

    cpu: float


def _apart(taken: float) -> tuple[float, float]:
    assert isinstance(taken, _Taken)
    return taken, taken.cpu


def _since(began: float, cpu: float, posts: int) -> _Taken:
    taken = _Taken((time.perf_counter() - began) / posts)
    taken.cpu = (time.process_time() - cpu) / posts
    return taken


async def _ours(here: Town) -> float:
    began, cpu = time.perf_counter(), time.process_time()
    await here.post_many(POSTS, AT_ONCE)
    return _since(began, cpu, POSTS)


async def _bare(session: aiohttp.ClientSession, url: str) -> float:
    began, cpu = time.perf_counter(), time.process_time()
    left = itertools.repeat(None, BARE)

    async def one_after_the_other() -> None:
        for _ in left:
            async with session.post(f"{url}/feed", data=json.dumps({"message": WORDS})) as answer:
                json.loads(await answer.read())

    await asyncio.gather(*(one_after_the_other() for _ in range(AT_ONCE)))
    return _since(began, cpu, BARE)


def _settings(url: str) -> FacebookSettings:
    token = {"file": "token"}
    return FacebookSettings.model_validate(
        {"kind": "facebook", "api_url": url, "page_id": "1234567890", "token": token}
    )


def _resources(session: aiohttp.ClientSession, folder: Path) -> Resources:
    async def remember(_: str, __: str) -> None:
        """Nothing is kept."""

    return Resources(session, SystemClock(), folder, lambda _: None, remember)
