"""A platform of a test's own: answers exactly what the test says, and remembers what it was asked."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


@dataclass
class Request:
    """One request as it arrived."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


@dataclass
class Platform:
    """Answers each request with the next of `answers` (status, body, headers), the last one over and over."""

    answers: list[tuple[int, bytes, dict[str, str]]]
    asked: list[Request] = field(default_factory=list)
    url: str = ""

    async def answer(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.asked.append(Request(request.method, request.path, dict(request.query), dict(request.headers), body))
        status, told, headers = self.answers[min(len(self.asked), len(self.answers)) - 1]
        return web.Response(status=status, body=told, headers=headers)


@asynccontextmanager
async def platform(*answers: Any) -> AsyncIterator[Platform]:
    """Serve `answers`: each a body, or (status, body), or (status, body, headers)."""
    whole = [answer if isinstance(answer, tuple) else (200, answer) for answer in answers]
    made = Platform([(*answer, {})[:3] if len(answer) == 2 else answer for answer in whole])
    app = web.Application(client_max_size=50_000_000)
    app.router.add_route("*", "/{tail:.*}", made.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield made
    finally:
        await runner.cleanup()
