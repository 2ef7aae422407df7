"""Somebody who subscribed with the demo's bot to what is Severe: their choices, and what they read in their chat."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import aiohttp

from alerts.config import load_config
from alerts.daemon.counter import Counter
from alerts.model.alert import Severity
from alerts.model.subscriber import Subscriber

CHANNEL = "telegram"
CHAT = 5_550_001
LOOKED_AT_EVERY = 0.2


def subscribe(file: Path) -> None:
    """Keep their choices, as the bot does at the end of its questions."""
    chosen = Subscriber(CHAT, severity=Severity.SEVERE)
    Counter(load_config(file)).act(lambda sitting: sitting.subscribers.put(CHANNEL, chosen))


async def first_lines(sandbox: str) -> AsyncIterator[str]:
    """The first line of each message that comes to their chat from now on, as it stands in the sandbox."""
    async with aiohttp.ClientSession() as session:
        seen = len(await _chat(session, sandbox))
        while True:
            for text in (await _chat(session, sandbox))[seen:]:
                seen += 1
                yield text.strip().splitlines()[0]
            await asyncio.sleep(LOOKED_AT_EVERY)


async def _chat(session: aiohttp.ClientSession, sandbox: str) -> Sequence[str]:
    async with session.get(f"{sandbox}/sandbox/timelines.json") as answer:
        timelines = await answer.json()
    return [str(each["text"]) for each in timelines["telegram"] if each["channel"] == str(CHAT)]
