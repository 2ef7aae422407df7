"""The barest service: it commits a row, then makes a request. `python -m bench.bare FILE URL` serves it over HTTP.

As a process of its own it rests until it is asked, as a daemon does, and then has a processor to wake, too.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import aiohttp
from aiohttp import web

from alerts.store.files import connect
from alerts.store.unit import transaction
from bench.loopback import serving

WORDS = "Vent violent"


class Bare:
    """One raw commit, then bare requests with their answers."""

    def __init__(self, file: Path, url: str) -> None:
        self._db = connect(file)
        self._db.execute("CREATE TABLE post (id INTEGER PRIMARY KEY, text TEXT)")
        self._url = url
        self._session: aiohttp.ClientSession | None = None

    async def commit_and_request(self, requests: int = 1) -> float:
        """Do both, the requests one after the other; returns when it began, in seconds since the epoch."""
        session = self._session = self._session or aiohttp.ClientSession()
        began = time.time()
        with transaction(self._db):
            self._db.execute(f"INSERT INTO post (text) VALUES ('{WORDS}')")
        for _ in range(requests):
            async with session.post(self._url, json={"chat_id": "@saintmartin_alertes", "text": WORDS}) as answer:
                await answer.read()
        return began

    async def close(self) -> None:
        """Close session and file."""
        if self._session is not None:
            await self._session.close()
        self._db.close()


@contextlib.contextmanager
def service(file: Path, url: str) -> Iterator[int]:
    """The port of one in a process of its own: a POST is answered with the time at which its commit began."""
    with serving("bench.bare", str(file), url) as port:
        yield port


async def _serve(bare: Bare) -> None:
    async def handler(request: web.Request) -> web.Response:
        await request.json()
        return web.json_response(await bare.commit_and_request())

    app = web.Application()
    app.add_routes([web.post("/", handler)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await runner.cleanup()
    await bare.close()


if __name__ == "__main__":
    asyncio.run(_serve(Bare(Path(sys.argv[1]), sys.argv[2])))
