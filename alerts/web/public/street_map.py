"""The town's own map with streets, for browsers to draw (`alerts/web/pmtiles.js`): ranges of one file, never parsed.

Who asks names the bytes (RFC 9110, 14.2), a megabyte at the most; the whole file is for nobody. A file that is put in
the place of another has another entity tag, by which a page that is open finds out.
"""

from __future__ import annotations

import asyncio
import os
import re

from aiohttp import web

from alerts.model.local import open_named
from alerts.model.street_map import STREET_MAP
from alerts.model.town import Town

LONGEST = 1_048_576
"""Bytes that one answer has at the most: a page waits for the few that it needs."""
_RANGE = re.compile(r"bytes=(\d{1,12})-(\d{1,12})", re.ASCII)


def street_map_routes(town: Town) -> list[web.RouteDef]:
    """Where it is, if the town has one."""
    if (name := town.web.map) is None:
        return []

    async def part(request: web.Request) -> web.Response:
        asked = _RANGE.fullmatch(request.headers.get("Range", ""))
        try:
            return await asyncio.to_thread(_part, town, name, asked)
        except OSError:
            return web.Response(status=404)

    return [web.get(STREET_MAP, part)]


def _part(town: Town, name: str, asked: re.Match[str] | None) -> web.Response:
    with open_named(town.folder, name) as file:
        known = os.fstat(file.fileno())
        first, last = (int(asked[1]), min(int(asked[2]), known.st_size - 1)) if asked else (1, 0)
        if first > last:
            return web.Response(status=416, headers={"Content-Range": f"bytes */{known.st_size}"})
        body = os.pread(file.fileno(), min(last - first + 1, LONGEST), first)
    headers = {
        "Content-Type": "application/vnd.pmtiles",
        "Content-Range": f"bytes {first}-{first + len(body) - 1}/{known.st_size}",
        "Accept-Ranges": "bytes",
        "ETag": f'"{known.st_size:x}-{known.st_mtime_ns:x}"',
        "Cache-Control": "public, max-age=3600",
        "X-Content-Type-Options": "nosniff",
    }
    return web.Response(status=206, body=body, headers=headers)
