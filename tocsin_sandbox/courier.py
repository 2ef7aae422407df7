"""Brings what the platforms tell by webhook to the addresses that asked for it, and fetches the pictures of posts."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import aiohttp
from aiohttp import web

from tocsin_sandbox.exchange import Callback
from tocsin_sandbox.facebook.webhooks import Delivery

if TYPE_CHECKING:
    from tocsin_sandbox.sandbox import Sandbox

UNREACHED = 0
"""Stands for the HTTP status where nobody answered."""
_TIMEOUT = aiohttp.ClientTimeout(total=30)


class Courier:
    """One at a time for each platform, so that nothing overtakes what happened before it."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._locks = {"telegram": asyncio.Lock(), "facebook": asyncio.Lock()}
        self._tasks: set[asyncio.Task[list[int]]] = set()

    async def bring(self, platform: str) -> list[int]:
        """Bring what waits, where it is to be brought at once; the HTTP statuses of the answers (0: none came)."""
        if platform == "telegram":
            return await self._bring_updates()
        if platform == "facebook" and self._sandbox.platforms.facebook.webhooks.brings_at_once:
            return await self.deliver(Delivery(together=True))
        return await self._fetch_pictures() if platform == "instagram" else []

    async def deliver(self, delivery: Delivery) -> list[int]:
        """Bring Facebook's changes as they were asked for; what isn't answered by a 2xx waits for the next time."""
        webhooks = self._sandbox.platforms.facebook.webhooks
        statuses = []
        # Taken before the wait for one's turn: so each tells of its own, and the turns keep the order.
        letters = webhooks.letters(delivery, self._sandbox.clock())
        async with self._locks["facebook"]:
            for each in letters:
                statuses.append(await _send(each))
                if not 200 <= statuses[-1] < 300 and not delivery.keep:
                    webhooks.wait_again(each)
        return statuses

    def follow(self, platform: str) -> None:
        """Bring what an API call caused, once that call is answered."""
        if not self._sandbox.platforms.has_news(platform):
            return
        task = asyncio.get_running_loop().create_task(self.bring(platform))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def leave(self, _: web.Application) -> None:
        """Stop bringing."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _fetch_pictures(self) -> list[int]:
        instagram = self._sandbox.platforms.instagram
        containers = [*instagram.to_fetch]
        instagram.to_fetch.clear()
        for each in containers:
            instagram.fetched(each, await _fetch(each.address), self._sandbox.clock())
        return [200] * len(containers)

    async def _bring_updates(self) -> list[int]:
        inbox = self._sandbox.platforms.telegram.inbox
        letters = [inbox.callback(update) for update in inbox.outgoing]
        inbox.outgoing.clear()
        async with self._locks["telegram"]:
            return [await _send(each) for each in letters]


async def _fetch(address: str) -> bytes | None:
    try:
        async with (
            aiohttp.ClientSession(timeout=_TIMEOUT) as session,
            session.get(address, allow_redirects=False) as answer,
        ):
            return await answer.read() if answer.status == 200 else None
    except (aiohttp.ClientError, TimeoutError):
        return None


async def _send(delivery: Callback) -> int:
    headers = {"Content-Type": "application/json", **delivery.headers}
    try:
        async with (
            aiohttp.ClientSession(timeout=_TIMEOUT) as session,
            session.post(delivery.url, data=delivery.body, headers=headers, allow_redirects=False) as answer,
        ):
            return answer.status
    except (aiohttp.ClientError, TimeoutError):
        return UNREACHED
