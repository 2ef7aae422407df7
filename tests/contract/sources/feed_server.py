"""A feed's server on loopback, over real sockets: says what a test lays out and remembers what it was asked."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from tests.cap_messages import message

Answer = bytes | str | web.Response | Callable[[web.Request], Awaitable[web.StreamResponse]]


class FeedServer:
    """`pages` maps a path to what it answers: a body, a response, or a function of the request."""

    def __init__(self) -> None:
        self.pages: dict[str, Answer] = {}
        self.asked: list[str] = []
        self.requests: list[web.Request] = []
        self.url = ""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.path)
        self.requests.append(request)
        page = self.pages.get(request.path)
        match page:
            case None:
                return web.Response(status=404)
            case bytes():
                return web.Response(body=page)
            case str():
                return web.Response(text=page)
            case web.Response():
                return web.Response(status=page.status, headers=page.headers, body=page.body)
            case _:
                return await page(request)

    def count(self, path: str) -> int:
        return self.asked.count(path)

    def lay_out(self, *names: str, path: str = "/index") -> None:
        """An index of `names`, each with a good message of that name."""
        self.pages[path] = index_of(*names)
        self.pages |= {f"/{name}.xml": message(name) for name in names}


def index_of(*names: str, version: str = "2026-11-25T12:00:00Z", extra: str = "") -> str:
    """An Atom index whose entries link to /NAME.xml."""
    entries = "".join(
        f"<entry><id>urn:x:{name}</id><updated>{version}</updated>"
        f'<link type="application/cap+xml" href="{name if name.startswith("http") else f"/{name}.xml"}"/></entry>'
        for name in names
    )
    return (
        '<feed xmlns="http://www.w3.org/2005/Atom" xmlns:cap="urn:oasis:names:tc:emergency:cap:1.2">'
        f"<title>Vigilance</title>{entries}{extra}</feed>"
    )


@asynccontextmanager
async def serving() -> AsyncIterator[FeedServer]:
    """A server on a port that the operating system chose."""
    server = FeedServer()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield server
    finally:
        await runner.cleanup()
