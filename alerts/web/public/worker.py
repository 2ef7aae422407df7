"""`/sw.js`: the town's service worker, one file put together of its sections. It stands at the root, for all pages.

A section is a script of its own in `static/`; each listens for its own events, and none knows of another. A browser
asks for the file again at each visit, so it is never kept for long.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from aiohttp import web

SECTIONS = ("worker_report.js",)
"""The scripts in it: the form for reports, kept for where there is no network."""
_HERE = Path(__file__).with_name("static")


def worker_routes(sections: Sequence[str] = SECTIONS) -> list[web.RouteDef]:
    """Its address."""

    async def give(_: web.Request) -> web.Response:
        headers = {
            "Cache-Control": "no-cache",
            "Content-Security-Policy": "default-src 'none'; connect-src 'self'",
            "X-Content-Type-Options": "nosniff",
        }
        return web.Response(text=_spelled(tuple(sections)), content_type="text/javascript", headers=headers)

    return [web.get("/sw.js", give)]


@cache
def _spelled(sections: Sequence[str]) -> str:
    # Each in a block of its own: a name in one is none in another.
    return "".join(f"{{\n{(_HERE / name).read_text(encoding='utf-8')}}}\n" for name in sections)
