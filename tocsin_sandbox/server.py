"""The sandbox over HTTP: one port for all platforms, the control calls and the page."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, replace

from aiohttp import web

from tocsin_sandbox.control import Control
from tocsin_sandbox.courier import Courier
from tocsin_sandbox.exchange import Answer, Asked, Line, error_page, read_request
from tocsin_sandbox.faults import FaultRequest
from tocsin_sandbox.firefox import LINE, FirefoxLine
from tocsin_sandbox.hand import Hand
from tocsin_sandbox.page import Page
from tocsin_sandbox.sandbox import Sandbox, platform_of, redact
from tocsin_sandbox.settings import SandboxSettings

_LARGEST_BODY = 60 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class RunningSandbox:
    """A sandbox that serves at `url` until it is stopped."""

    url: str
    _runner: web.AppRunner

    @property
    def push_line(self) -> str:
        """Where a Firefox that has the sandbox as its push service connects."""
        return self.url.replace("http", "ws", 1) + LINE

    async def stop(self) -> None:
        """Close the port and every connection, those that hang on purpose too."""
        await self._runner.cleanup()


async def serve(settings: SandboxSettings, host: str = "127.0.0.1", port: int = 0) -> RunningSandbox:
    """Start a sandbox; port 0 lets the system choose. Raises OSError when the port is taken."""
    runner = web.AppRunner(create_app(settings), access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    site = web.TCPSite(runner, host, port, backlog=1024)
    try:
        await site.start()
    except OSError:
        await runner.cleanup()
        raise
    bound = runner.addresses[0]
    return RunningSandbox(f"http://{host}:{bound[1]}", runner)


def create_app(settings: SandboxSettings) -> web.Application:
    """The whole sandbox as an application; it closes its state when the application is cleaned up."""
    sandbox = Sandbox(settings)
    app = web.Application(client_max_size=_LARGEST_BODY)
    courier = Courier(sandbox)
    Control(sandbox, courier).add_routes(app)
    Hand(sandbox, courier).add_routes(app)
    Page(sandbox, courier).add_routes(app)
    FirefoxLine(lambda: sandbox.platforms.push, sandbox.clock).add_routes(app)
    app.router.add_route("*", "/{tail:.*}", _Entrance(sandbox, app, courier).open)
    return app


class _Entrance:
    """Takes a request to its platform and carries the answer back, as the faults that are set allow."""

    def __init__(self, sandbox: Sandbox, app: web.Application, courier: Courier) -> None:
        self._sandbox = sandbox
        self._courier = courier
        self._closing = asyncio.Event()
        app.on_shutdown.extend((self._shut, courier.leave))
        app.on_cleanup.append(self._leave)

    async def _shut(self, _: web.Application) -> None:
        self._closing.set()

    async def _leave(self, _: web.Application) -> None:
        self._sandbox.state.close()

    async def open(self, request: web.Request) -> web.StreamResponse:
        """Answer one request, having written it down and seen which faults it meets."""
        sandbox, at = self._sandbox, self._sandbox.clock()
        platform, path = platform_of(request.path), redact(request.path)
        if platform is None:
            raise web.HTTPNotFound(text=f"The sandbox has nothing at {path}: its pages start at /sandbox.")
        line = sandbox.journal.open(platform, request.method, path, at)
        met = sandbox.faults.take(platform, f"{request.method} {path}", at)
        try:
            asked = await read_request(request, at)
        except web.HTTPRequestEntityTooLarge:
            line.status = 413
            return whole(error_page(413))
        if met:
            asked = await self._slow_down(asked, met)
        return await self._answer(request, asked, line, next((fault for fault in met if fault.decides), None))

    async def _slow_down(self, asked: Asked, met: list[FaultRequest]) -> Asked:
        """Wait as long as the faults say; the request is handled when that is over, by the clock."""
        latency = sum(fault.seconds or 0.0 for fault in met if fault.kind == "latency")
        lag = max((fault.seconds or 0.0 for fault in met if fault.kind == "read_lag"), default=0.0)
        await pause(latency, self._closing)
        return replace(asked, lag=lag, at=self._sandbox.clock() if latency else asked.at)

    async def _answer(
        self, request: web.Request, asked: Asked, line: Line, fault: FaultRequest | None
    ) -> web.StreamResponse:
        kind = fault.kind if fault else None
        if kind == "hang":
            return await hang(request, self._closing)
        if kind == "cut_before":
            return cut(request)
        answer = await wait_for(self._sandbox.platforms.answer_under(line.platform, asked, fault), self._closing)
        self._courier.follow(line.platform)
        if kind == "cut_after":
            return cut(request)
        line.status = answer.status
        if kind == "half":
            return await halve(request, answer)
        if fault and kind == "drip":
            return await drip(request, answer, DRIP_SECONDS if fault.seconds is None else fault.seconds, self._closing)
        return whole(answer)


# How an answer fails on its way: connections that hang, are cut, stop half way or drip.

_LOOK = 0.05
_POLLED_EVERY = 0.01
DRIP_SECONDS = 5.0


def whole(answer: Answer) -> web.Response:
    """The answer as it should be."""
    headers = {**answer.headers, "Content-Type": answer.content_type}
    return web.Response(status=answer.status, body=answer.body, headers=headers)


async def pause(seconds: float, closing: asyncio.Event) -> None:
    """Let time pass, unless the sandbox is being stopped."""
    if seconds > 0 and not closing.is_set():
        try:
            await asyncio.wait_for(closing.wait(), seconds)
        except TimeoutError:
            return


async def wait_for(answer: Answer, closing: asyncio.Event) -> Answer:
    """The answer after its time, or what there is to say sooner."""
    if answer.sooner is None:
        await pause(answer.wait, closing)
        return answer
    # By the clock and not by how often it looked: on a busy machine each look takes longer, and its client gives up.
    loop = asyncio.get_running_loop()
    ends = loop.time() + answer.wait
    while loop.time() < ends and not closing.is_set():
        await pause(_POLLED_EVERY, closing)
        if (sooner := answer.sooner()) is not None:
            return sooner
    return answer


async def hang(request: web.Request, closing: asyncio.Event) -> web.Response:
    """Say nothing until the client has left or the sandbox stops."""
    while request.transport is not None and not request.transport.is_closing() and not closing.is_set():
        await pause(_LOOK, closing)
    return cut(request)


def cut(request: web.Request) -> web.Response:
    """Close the connection; the response that is returned reaches nobody."""
    if request.transport is not None:
        request.transport.close()
    return web.Response(status=499)


async def halve(request: web.Request, answer: Answer) -> web.StreamResponse:
    """All headers and the first half of the body, then the connection is closed."""
    response = await _begin(request, answer)
    await response.write(answer.body[: len(answer.body) // 2])
    if request.transport is not None:
        request.transport.close()
    return response


async def drip(request: web.Request, answer: Answer, seconds: float, closing: asyncio.Event) -> web.StreamResponse:
    """The body byte by byte, over `seconds`."""
    response = await _begin(request, answer)
    with contextlib.suppress(ConnectionError):  # who has waited long enough goes: that is what a drip is for
        for byte in answer.body:
            await pause(seconds / len(answer.body), closing)
            await response.write(bytes((byte,)))
        await response.write_eof()
    return response


async def _begin(request: web.Request, answer: Answer) -> web.StreamResponse:
    headers = {**answer.headers, "Content-Type": answer.content_type, "Content-Length": str(len(answer.body))}
    response = web.StreamResponse(status=answer.status, headers=headers)
    await response.prepare(request)
    return response
