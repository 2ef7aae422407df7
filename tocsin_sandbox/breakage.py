"""How an answer fails on its way: connections that hang, are cut, stop half way or drip."""

from __future__ import annotations

import asyncio
import contextlib

from aiohttp import web

from tocsin_sandbox.exchange import Answer

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
    looks = int(answer.wait / _POLLED_EVERY)
    for _ in range(looks):
        await pause(_POLLED_EVERY, closing)
        if (sooner := answer.sooner()) is not None:
            return sooner
        if closing.is_set():
            break
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
