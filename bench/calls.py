"""A Telegram call, thirty in flight: our channel against bare aiohttp."""

from __future__ import annotations

import asyncio
import itertools
import json
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import aiohttp

from alerts.channels.settings import TelegramSettings
from alerts.channels.telegram.channel import Telegram
from alerts.model.ports import Resources, SystemClock
from alerts.model.post import Message
from bench.loopback import loopback
from bench.measure import Row, in_turn_async

IN_FLIGHT, CALLS, ROUNDS = 30, 300, 15
WORDS = "<b>Vent violent</b> jeudi sur la vallée.\n\n<b>Que faire :</b> rentrez le mobilier de jardin."


def measure() -> Iterator[Row]:
    """One row, in calls a second."""
    with loopback() as url, tempfile.TemporaryDirectory(prefix="tocsin-bench-") as folder:
        (Path(folder) / "token").write_text("1234567:token")
        yield asyncio.run(_measure(url, Path(folder)))


async def _measure(url: str, folder: Path) -> Row:
    async with aiohttp.ClientSession() as session:
        channel = Telegram("telegram", _settings(url), _resources(session, folder))
        await channel.open()
        message = Message(WORDS, WORDS)
        fields = {"chat_id": "@saintmartin", "text": WORDS, "parse_mode": "HTML"}

        async def bare() -> None:
            async with session.post(f"{url}/bot1234567:token/sendMessage", json=fields) as answer:
                json.loads(await answer.read())

        async def ours() -> None:
            await channel.publish(message)

        taken = await in_turn_async(lambda: _rate(bare), lambda: _rate(ours), ROUNDS)
    return Row("a Telegram call, thirty in flight, bare aiohttp", *taken, "/s", goal=0.5, at_least=True)


async def _rate(call: Callable[[], Awaitable[None]]) -> float:
    """Calls a second."""
    left = itertools.repeat(None, CALLS)

    async def one_after_the_other() -> None:
        for _ in left:
            await call()

    began = time.perf_counter()
    await asyncio.gather(*(one_after_the_other() for _ in range(IN_FLIGHT)))
    return CALLS / (time.perf_counter() - began)


def _settings(url: str) -> TelegramSettings:
    settings = {"kind": "telegram", "api_url": url, "chat": "@saintmartin", "token": {"file": "token"}}
    return TelegramSettings.model_validate(settings)


def _resources(session: aiohttp.ClientSession, folder: Path) -> Resources:
    async def remember(_: str, __: str) -> None:
        """Nothing is kept."""

    return Resources(session, SystemClock(), folder, lambda _: None, remember)
