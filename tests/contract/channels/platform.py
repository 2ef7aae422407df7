"""A platform of a test's own: answers exactly what the test says, and remembers what it was asked."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web
from yarl import URL


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
    async with _served(made.answer) as made.url:
        yield made


@asynccontextmanager
async def _served(answer: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> AsyncIterator[str]:
    app = web.Application(client_max_size=50_000_000)
    app.router.add_route("*", "/{tail:.*}", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@dataclass(frozen=True)
class Told:
    """An answer on its way to us: `cut` is after how many bytes of the body the connection breaks, -1 before any."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: int | None = None


Twist = Callable[[Request, Callable[[], Awaitable[Told]]], Awaitable[Told]]
"""Answers a request instead of the sandbox; calls what it is given if the sandbox is to have it, too."""


class Between:
    """The sandbox, asked through a server that may answer instead of it: so what it did isn't what it said.

    `asked` are the requests since `set`, `said` their answers; the one of the number `at` meets `twist`, or all (None).
    """

    def __init__(self, sandbox: str, session: aiohttp.ClientSession) -> None:
        self.asked: list[Request] = []
        self.said: list[Told] = []
        self.twist: Twist | None = None
        self.at: int | None = None
        self.url = ""
        self._sandbox, self._session = sandbox, session

    def set(self, twist: Twist | None, at: int | None = None) -> None:
        """From now on, counted anew."""
        self.twist, self.at = twist, at
        self.asked.clear()
        self.said.clear()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        asked = Request(request.method, request.path, dict(request.query), dict(request.headers), body)
        is_met = self.twist is not None and self.at in (None, len(self.asked))
        self.asked.append(asked)

        async def forwarded() -> Told:
            url = URL(f"{self._sandbox}{request.raw_path}", encoded=True)
            # With the Host of its own: who signs a request signs the address that it went to.
            async with self._session.request(
                request.method, url, data=body, headers=request.headers, allow_redirects=False
            ) as answer:
                return Told(answer.status, await answer.read(), dict(answer.headers))

        told = await self.twist(asked, forwarded) if is_met and self.twist else await forwarded()
        self.said.append(told)
        own = {"content-length", "transfer-encoding", "date", "server"}
        headers = {name: value for name, value in told.headers.items() if name.lower() not in own}
        assert request.transport is not None
        if told.cut is None:
            return web.Response(status=told.status, body=told.body, headers=headers)
        if told.cut >= 0:
            headers["Content-Length"] = str(len(told.body) + 9)
            half = web.StreamResponse(status=told.status, headers=headers)
            await half.prepare(request)
            await half.write(told.body[: told.cut])
        request.transport.close()
        return web.Response()


@asynccontextmanager
async def between(sandbox: str, session: aiohttp.ClientSession) -> AsyncIterator[Between]:
    """Serve the sandbox at that address through another one."""
    made = Between(sandbox, session)
    async with _served(made.answer) as made.url:
        yield made
